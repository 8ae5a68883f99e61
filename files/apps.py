from django.apps import AppConfig


class FilesConfig(AppConfig):
    name = "files"

    def ready(self) -> None:
        from files import checks, receivers  # noqa: F401, PLC0415 - they register themselves
