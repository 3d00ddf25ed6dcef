"""Every setting of Lineside, with its default; docs/settings.md has the line for people."""

from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import django_stubs_ext

from config import env

# Lets ModelAdmin[X] and other generics of the type stubs be subscripted at run time.
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = env.folder(Path(env.text("LINESIDE_DATA_DIR", str(BASE_DIR / "data"))).absolute())

DEBUG = env.flag("LINESIDE_DEBUG", default=False)
SECRET_KEY = env.secret("LINESIDE_SECRET_KEY", DATA_DIR / "secret-key")

# Where people reach the portal; https:// turns on secure cookies, HSTS and the redirect.
LINESIDE_URL = env.address("LINESIDE_URL", "http://127.0.0.1:8000", ("http", "https"))
_site = urlsplit(LINESIDE_URL)
HTTPS = _site.scheme == "https"
ALLOWED_HOSTS = [
    _site.hostname or "127.0.0.1",
    *env.words("LINESIDE_ALLOWED_HOSTS", "" if HTTPS else "localhost,127.0.0.1,[::1]"),
]
CSRF_TRUSTED_ORIGINS = [f"{_site.scheme}://{_site.netloc}"]

WEB_HOST = env.text("LINESIDE_WEB_HOST", "127.0.0.1")
WEB_PORT = env.port("LINESIDE_WEB_PORT", 8000)
DEVICE_HOST = env.text("LINESIDE_DEVICE_HOST", "127.0.0.1")
DEVICE_PORT = env.port("LINESIDE_DEVICE_PORT", 8443)

INSTALLED_APPS = [
    "config.apps.ConfigConfig",
    "config.apps.PortalAdminConfig",
    "accounts",
    "applications",
    "devices",
    "deployments",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "channels",
    "django_filters",
    "rest_framework",
]

MIDDLEWARE = [
    "config.middleware.ContentSecurityPolicyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "config.middleware.DatabaseAwayMiddleware",
    "config.middleware.WholeStaticFilesMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "config.middleware.TimeZoneMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"

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
            ],
        },
    },
]

DATABASES = {"default": env.database("LINESIDE_DATABASE_URL", DATA_DIR)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"

LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = env.time_zone("LINESIDE_TIME_ZONE", "UTC")

STATIC_URL = "static/"
# WhiteNoise warns about a missing folder, though embedded mode collects nothing into it.
STATIC_ROOT = env.folder(DATA_DIR / "static")
STATICFILES_DIRS = [BASE_DIR / "config" / "static"]
# Files are served from where they are, so a fresh clone needs no collecting step.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False

# Redis joins several processes; without it everything lives in one process (embedded mode).
REDIS_URL = env.address("LINESIDE_REDIS_URL", "", ("redis", "rediss"))
CHANNEL_LAYERS: dict[str, dict[str, object]] = {
    "default": (
        {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [REDIS_URL]},
        }
        if REDIS_URL
        else {"BACKEND": "channels.layers.InMemoryChannelLayer"}
    )
}
CELERY_BROKER_URL = REDIS_URL or "memory://localhost//"
# kombu's memory transport looks for work once a second unless told otherwise.
CELERY_BROKER_TRANSPORT_OPTIONS = {} if REDIS_URL else {"polling_interval": 0.02}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_STORE_ERRORS_EVEN_IF_IGNORED = False
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    "tick_all": {
        "task": "deployments.tasks.tick_all",
        "schedule": timedelta(seconds=1),
        # A tick that waited longer is worth nothing: the next one sees the same rows.
        "options": {"expires": 5},
    },
}

# The portal's own identity and the anchors it trusts (Margo: SVIDs, trust bundle).
IDENTITY_DIR = DATA_DIR / "identity"
SVID_CERTIFICATE = Path(env.text("LINESIDE_SVID_CERTIFICATE", str(IDENTITY_DIR / "wfm.pem")))
SVID_KEY = Path(env.text("LINESIDE_SVID_KEY", str(IDENTITY_DIR / "wfm.key")))
TRUST_BUNDLE = Path(env.text("LINESIDE_TRUST_BUNDLE", str(IDENTITY_DIR / "bundle.json")))

# What the device interface answers where the standard leaves a choice.
MARGO_UNKNOWN_DEPLOYMENT_TYPE = env.text("LINESIDE_UNKNOWN_DEPLOYMENT_TYPE", "refuse")
MARGO_UNKNOWN_STATUS_ANSWER = int(
    env.choice("LINESIDE_UNKNOWN_STATUS_ANSWER", "404", ("404", "422", "200"))
)

# A device is offline when its client was silent for this long.
DEVICE_OFFLINE_AFTER_SECONDS = env.number(
    "LINESIDE_DEVICE_OFFLINE_AFTER_SECONDS", 300, least=1, most=31_536_000
)

# Whether somebody who edited a deployment may approve it as well.
AUTHOR_MAY_APPROVE = env.flag("LINESIDE_AUTHOR_MAY_APPROVE", default=False)

# A group picked by hand posts a field for each of its devices, and a site has 10 000 of them.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
# Only where a proxy that overwrites the header stands in front.
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https")
    if env.flag("LINESIDE_BEHIND_TLS_PROXY", default=HTTPS)
    else None
)

REST_FRAMEWORK = {
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.DjangoModelPermissions"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "filters": {"refusals": {"()": "config.logs.RefusalsInOneLine"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["refusals"],
        }
    },
    "root": {"handlers": ["console"], "level": env.log_level("LINESIDE_LOG_LEVEL", "WARNING")},
}
