"""How the API documentation describes signing in."""

from drf_spectacular.extensions import OpenApiAuthenticationExtension


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call] # no types
    target_class = "accounts.authentication.BearerAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:  # noqa: ARG002 - spectacular's signature
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "rs_…",
            "description": "From POST /api/auth/token.",
        }


class CookieScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call] # no types
    target_class = "accounts.authentication.CookieAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:  # noqa: ARG002 - spectacular's signature
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": "sessionid",
            "description": "From /login. Unsafe methods need the X-CSRFToken header as well.",
        }
