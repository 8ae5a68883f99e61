"""How pages look to one browser. In a cookie, since the first paint must be right already and the
content security policy lets no inline script mend it.
"""

from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse

THEMES: Final = ("system", "light", "dark")
VIEWS: Final = ("list", "grid")
_SECONDS: Final = 365 * 86_400


def theme_of(request: HttpRequest) -> str:
    """One of THEMES."""
    return _remembered(request, "theme", THEMES)


def view_of(request: HttpRequest) -> str:
    """One of VIEWS: how folders are shown."""
    return _remembered(request, "view", VIEWS)


def remember(response: HttpResponse, name: str, value: str) -> None:
    """Readable by scripts, which change it without a request."""
    response.set_cookie(name, value, _SECONDS, samesite="Lax", secure=settings.SECURE)


def context(request: HttpRequest) -> dict[str, object]:
    """What every template may use: `theme`, and the `themes` to choose from."""
    return {"theme": theme_of(request), "themes": THEMES}


def _remembered(request: HttpRequest, name: str, values: tuple[str, ...]) -> str:
    """The first value unless the cookie holds another one of them."""
    value = request.COOKIES.get(name, "")
    return value if value in values else values[0]
