import pytest


@pytest.fixture(autouse=True)
def _patient_watch(monkeypatch):
    """On a busy machine two seconds pass between two lines of a test; the plane would say 503."""
    monkeypatch.setattr("files.delivery.epochs.STALE_SECONDS", 3600)


@pytest.fixture(autouse=True)
def _no_static_files(settings):
    """Django's test client builds the middleware anew for each request: do not list them again."""
    settings.WHITENOISE_AUTOREFRESH = True
