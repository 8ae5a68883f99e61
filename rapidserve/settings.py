"""Every setting, grouped, with its environment variable. One file; `django.conf.settings` reads it.

The README's table lists the variables a person may set; `manage.py check` refuses bad ones.
"""

from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from csp.constants import NONE, SELF

from rapidserve import cache, database, env, keys

BASE_DIR = Path(__file__).resolve().parent.parent

# -- where state lives ---------------------------------------------------------------------------

HOME = env.path("RAPIDSERVE_HOME", BASE_DIR / "var")
if HOME.exists() and not HOME.is_dir():
    raise env.SettingError(f"RAPIDSERVE_HOME must be a directory, and {HOME} is a file.")
SECRET_KEY = keys.secret_key(HOME)

# -- who may talk to us --------------------------------------------------------------------------

PORT = env.integer("RAPIDSERVE_PORT", 8000, least=1, most=65535)
BIND = env.text("RAPIDSERVE_BIND", "127.0.0.1")
# The address people type. Behind a proxy with TLS it is https, and cookies become secure.
_public = env.url("RAPIDSERVE_PUBLIC_URL", f"http://127.0.0.1:{PORT}")
if _public.scheme not in {"http", "https"} or not _public.hostname:
    raise env.SettingError("RAPIDSERVE_PUBLIC_URL must look like https://files.example.org.")
PUBLIC_URL = _public.geturl().rstrip("/")
ALLOWED_HOSTS = [
    f"[{_public.hostname}]" if ":" in _public.hostname else _public.hostname,
    "127.0.0.1",
    "localhost",
    "[::1]",
    *env.words("RAPIDSERVE_ALLOWED_HOSTS"),
]
CSRF_TRUSTED_ORIGINS = [f"{_public.scheme}://{_public.netloc}"]
# Where pages of this server are, as browsers name it: what a bucket is asked to let send to it.
PAGE_ORIGINS = env.origins(_public, ALLOWED_HOSTS)
TRUST_PROXY = env.boolean("RAPIDSERVE_TRUST_PROXY", default=False)
if TRUST_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
X_ACCEL = env.boolean("RAPIDSERVE_X_ACCEL", default=False)
SECURE = _public.scheme == "https"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_HSTS_SECONDS = 31_536_000 if SECURE else 0
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        # No 'wasm-unsafe-eval': WebAssembly runs in the hashing worker only (static/js/transfer).
        "script-src": [SELF],
        "worker-src": [SELF],
        "connect-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    },
}

# -- processes -----------------------------------------------------------------------------------

DEBUG = env.boolean("RAPIDSERVE_DEBUG", default=False)
WORKERS = env.integer("RAPIDSERVE_WORKERS", 2, least=1, most=64)
# Django runs on threads. a2wsgi's default of 10 would let ten slow requests freeze the pages.
WEB_THREADS = env.integer("RAPIDSERVE_WEB_THREADS", 16, least=1, most=256)

# -- metadata ------------------------------------------------------------------------------------

DATABASE_URL = (
    env.secret("RAPIDSERVE_DATABASE_URL") or f"sqlite:///{quote(str(HOME / 'rapidserve.sqlite3'))}"
)
DATABASES = {"default": database.database(DATABASE_URL)}
ON_MONGODB = database.is_mongodb(DATABASE_URL)
# Only Django's own apps have keys that a database makes; ours are UUIDs.
DEFAULT_AUTO_FIELD = (
    "django_mongodb_backend.fields.ObjectIdAutoField"
    if ON_MONGODB
    else "django.db.models.BigAutoField"
)
_KEYED_BY_NUMBER = (
    "account",
    "admin",
    "auth",
    "contenttypes",
    "guardian",
    "mfa",
    "socialaccount",
)
MIGRATION_MODULES = (
    {app: f"rapidserve.mongo.migrations.{app}" for app in _KEYED_BY_NUMBER} if ON_MONGODB else {}
)

# -- chunks --------------------------------------------------------------------------------------

NODES = env.text("RAPIDSERVE_NODES", f"main=file://{quote(str(HOME / 'chunks'))}")
MASTER_KEYS = keys.master_keys(HOME)

# -- mail, and signing in by what others know ----------------------------------------------------

MAIL_FROM = env.text("RAPIDSERVE_MAIL_FROM", f"rapidserve@{_public.hostname}")
SMTP_URL = env.secret_url("RAPIDSERVE_SMTP_URL", ("smtp", "smtps"))
if SMTP_URL:
    _smtp = urlsplit(SMTP_URL)
    EMAIL_HOST, EMAIL_USE_SSL = _smtp.hostname, _smtp.scheme == "smtps"
    EMAIL_PORT = _smtp.port or (465 if EMAIL_USE_SSL else 25)
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = (
        unquote(_smtp.username or ""),
        unquote(_smtp.password or ""),
    )
    # Nobody's password goes over the wire as it is.
    EMAIL_USE_TLS = not EMAIL_USE_SSL and bool(_smtp.username)
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = MAIL_FROM
_issuer = env.url("RAPIDSERVE_OIDC_ISSUER", "")
OIDC_ISSUER = _issuer.geturl().rstrip("/")
if OIDC_ISSUER and (_issuer.scheme not in {"http", "https"} or not _issuer.hostname):
    raise env.SettingError("RAPIDSERVE_OIDC_ISSUER must look like https://id.example.org.")
if _issuer.scheme == "http" and not env.is_loopback(_issuer.hostname or ""):
    # Whoever could change on the way what it says of people would be anybody here.
    raise env.SettingError("RAPIDSERVE_OIDC_ISSUER must be https, except on this machine.")
OIDC_NAME = env.text("RAPIDSERVE_OIDC_NAME", "single sign-on")
OIDC_NEW_PEOPLE = env.choice("RAPIDSERVE_OIDC_NEW_PEOPLE", "accept", ("accept", "refuse"))
OIDC_CLIENT_ID = env.text("RAPIDSERVE_OIDC_CLIENT_ID")
if OIDC_ISSUER and not OIDC_CLIENT_ID:
    raise env.SettingError("RAPIDSERVE_OIDC_ISSUER needs RAPIDSERVE_OIDC_CLIENT_ID.")
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        "OAUTH_PKCE_ENABLED": True,
        "APPS": [
            {
                "provider_id": "oidc",
                "name": OIDC_NAME,
                "client_id": OIDC_CLIENT_ID,
                "secret": env.secret("RAPIDSERVE_OIDC_CLIENT_SECRET") or "",
                "settings": {"server_url": OIDC_ISSUER},
            }
        ]
        if OIDC_ISSUER
        else [],
    }
}
if OIDC_ISSUER:
    # The form that begins it is answered by a redirect there, which browsers hold to this, too.
    CONTENT_SECURITY_POLICY["DIRECTIVES"]["form-action"].append(
        f"{_issuer.scheme}://{_issuer.netloc}"
    )
SOCIALACCOUNT_ADAPTER = "accounts.adapters.LinkedAccountAdapter"
SOCIALACCOUNT_FORMS = {"disconnect": "accounts.web.forms.UnlinkForm"}
SOCIALACCOUNT_EMAIL_REQUIRED = False
SOCIALACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_ADAPTER = "accounts.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*"]
ACCOUNT_USER_MODEL_EMAIL_FIELD = None  # addresses are rows of their own
ACCOUNT_EMAIL_VERIFICATION = "mandatory"  # what is not proven is not stored
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_EMAIL_SUBJECT_PREFIX = "RapidServe: "
ACCOUNT_EMAIL_CONFIRMATION_AUTHENTICATED_REDIRECT_URL = "/settings/mail"
ACCOUNT_MAX_EMAIL_ADDRESSES = 5
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_METHODS = {"password", "mfa"}
# Counted in the database by accounts.throttle: theirs are forgotten with the memory of a process.
ACCOUNT_RATE_LIMITS = MFA_RATE_LIMITS = False
ACCOUNT_FORMS = {
    "add_email": "accounts.web.forms.NewAddressForm",
    "reset_password": "accounts.web.forms.ForgottenPasswordForm",
    "reauthenticate": "accounts.web.forms.PasswordAgainForm",
    "user_token": "accounts.web.forms.ResetLinkForm",
}
ACCOUNT_DEFAULT_HTTP_PROTOCOL = _public.scheme
MFA_ADAPTER = "accounts.adapters.SecondStepAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_TOLERANCE = 1  # telephones' clocks are half a minute wrong
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not SECURE  # browsers allow it on localhost only
MFA_FORMS = {
    "activate_totp": "accounts.web.forms.NewAppForm",
    "authenticate": "accounts.web.forms.CodeForm",
    "reauthenticate": "accounts.web.forms.CodeAgainForm",
    "authenticate_webauthn": "accounts.web.forms.PasskeyForm",
    "login_webauthn": "accounts.web.forms.PasskeySignInForm",
    "reauthenticate_webauthn": "accounts.web.forms.PasskeyAgainForm",
    "add_webauthn": "accounts.web.forms.NewPasskeyForm",
    "edit_webauthn": "accounts.web.forms.RenamePasskeyForm",
}

# -- jobs and the cache's second level -----------------------------------------------------------

REDIS_URL = env.secret_url("RAPIDSERVE_REDIS_URL", ("redis", "rediss"))
CACHES = cache.configured(REDIS_URL)

# -- limits and lifetimes ------------------------------------------------------------------------

MAX_FILE_BYTES = env.integer("RAPIDSERVE_MAX_FILE_BYTES", 8 * 2**40, least=1, most=2**53)
DEFAULT_QUOTA_BYTES = env.integer("RAPIDSERVE_DEFAULT_QUOTA_BYTES", 0)  # 0: no limit
UPLOAD_URL_SECONDS = env.integer("RAPIDSERVE_UPLOAD_URL_SECONDS", 3600, least=1, most=604_800)
DOWNLOAD_URL_SECONDS = env.integer("RAPIDSERVE_DOWNLOAD_URL_SECONDS", 900, least=1, most=604_800)
CONTENT_URL_SECONDS = 6 * 3600  # a paused video must still seek
UPLOAD_IDLE_SECONDS = 7 * 86_400
TRASH_SECONDS = 30 * 86_400
LINK_PASSWORDS = env.choice("RAPIDSERVE_LINK_PASSWORDS", "optional", ("optional", "required"))
LINK_MAX_DAYS = env.integer("RAPIDSERVE_LINK_MAX_DAYS", 0, most=3650)  # 0: no limit
WINDOWS_NAMES = env.choice("RAPIDSERVE_WINDOWS_NAMES", "accept", ("accept", "refuse"))
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * 2**20
MAX_JSON_DEPTH = 32

# -- Django --------------------------------------------------------------------------------------

_MONGO = "rapidserve.mongo.apps.Mongo"
INSTALLED_APPS = [
    f"{_MONGO}AdminConfig" if ON_MONGODB else "django.contrib.admin",
    f"{_MONGO}AuthConfig" if ON_MONGODB else "django.contrib.auth",
    f"{_MONGO}ContentTypesConfig" if ON_MONGODB else "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    f"{_MONGO}GuardianConfig" if ON_MONGODB else "guardian",
    f"{_MONGO}AccountConfig" if ON_MONGODB else "allauth.account",
    f"{_MONGO}MFAConfig" if ON_MONGODB else "allauth.mfa",
    f"{_MONGO}SocialAccountConfig" if ON_MONGODB else "allauth.socialaccount",
    "allauth",
    "allauth.socialaccount.providers.openid_connect",
    "accounts",
    "files",
]
MIDDLEWARE = [
    "rapidserve.observability.requests.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.SignInMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "rapidserve.api.handler.ErrorPagesMiddleware",
]
ROOT_URLCONF = "rapidserve.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "rapidserve.appearance.context",
            ]
        },
    }
]
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True  # no collectstatic step between a clone and a running server
SILENCED_SYSTEM_CHECKS = [
    "security.W004",
    "security.W008",  # TLS is the proxy's: HSTS and secure cookies follow PUBLIC_URL
    "security.W012",
    "security.W016",
    "guardian.W001",  # its backend knows nothing of expiry and of folders above: ours answers
]

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "files.access.backend.EntryBackend",
]
ANONYMOUS_USER_NAME = None  # guardian's: nobody acts here without having signed in
GUARDIAN_MONKEY_PATCH_USER = GUARDIAN_MONKEY_PATCH_GROUP = False
PASSWORD_HASHERS = ["accounts.hashers.BoundedArgon2Hasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "login"
CSRF_FAILURE_VIEW = "rapidserve.api.handler.csrf_failure"

# -- API -----------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.BearerAuthentication",
        "accounts.authentication.CookieAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.authentication.MayUseFiles"],
    "DEFAULT_PARSER_CLASSES": ["rapidserve.api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": [
        "rest_framework.renderers.JSONRenderer",
        "rapidserve.api.renderers.SignedInBrowsableRenderer",
    ],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "rapidserve.api.handler.answer_error",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "RapidServe",
    "DESCRIPTION": "Files in 4 MiB chunks: registered, sent, completed, and read back verified.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "EntryType": "files.models.entries.Entry.Type",
        "ChangeType": "files.api.serializers.CHANGES",
        "Role": "files.api.serializers.ROLES",
        "LinkRole": "files.models.links.Link.Role",
        "Permission": "files.api.serializers.PERMITTED",
    },
}

# -- logging -------------------------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "rapidserve.observability.logs.LineFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {
        "handlers": ["stderr"],
        "level": env.choice("RAPIDSERVE_LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR")),
    },
    "loggers": {
        "django.request": {"level": "ERROR"},
        "django.security.DisallowedHost": {"level": "CRITICAL"},  # scanners; answered 400
        "huey": {"level": "WARNING"},
    },
}
