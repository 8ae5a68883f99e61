from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "People"  # there is another app of that name in the administration: allauth's

    def ready(self) -> None:
        from accounts import receivers  # noqa: F401, PLC0415 - they register themselves
