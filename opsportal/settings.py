"""Every setting of the portal, read from the environment or `.env`; `.env.example` gives each a line of meaning."""

from pathlib import Path

import environ
from csp.constants import NONE, SELF

from apps.core.embedded import paths
from opsportal.schedule import SCHEDULE

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
if (BASE_DIR / ".env").is_file():
    environ.Env.read_env(str(BASE_DIR / ".env"))

HOME = paths.home()
VERSION = "0.1.0"
TITLE = env.str("OPSPORTAL_TITLE", default="")
PUBLIC_URL = env.str("OPSPORTAL_URL", default="").rstrip("/")  # where people reach the portal, for links in events

# ── security ─────────────────────────────────────────────────────────────────────────────────────────────────────────
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="") or paths.secret("secret_key")
FIELD_KEYS = env.list("OPSPORTAL_FIELD_KEYS", default=[]) or [paths.secret("field_key")]
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
ALLOWED_NETWORKS = env.list("OPSPORTAL_ALLOWED_NETWORKS", default=["127.0.0.0/8", "::1/128"])
TELEMETRY_TOKEN = env.str("OPSPORTAL_TELEMETRY_TOKEN", default="")  # opens /sources/telemetry to other machines
API_PER_MINUTE = env.int("OPSPORTAL_API_PER_MINUTE", default=600)  # requests of one API token
IS_HTTPS = env.bool("OPSPORTAL_HTTPS", default=False)

SECURE_SSL_REDIRECT = IS_HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^healthz/polling$"]
SECURE_HSTS_SECONDS = 31_536_000 if IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = IS_HTTPS
SECURE_HSTS_PRELOAD = IS_HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if IS_HTTPS else None
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = IS_HTTPS
SESSION_COOKIE_NAME = "__Host-session" if IS_HTTPS else "opsportal_session"
SESSION_COOKIE_AGE = 24 * 3600
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
CSRF_COOKIE_SECURE = IS_HTTPS
CSRF_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "manifest-src": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }
}

# ── what is installed ────────────────────────────────────────────────────────────────────────────────────────────────
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_htmx",
    "apps.core",
    "apps.accounts",
    "apps.catalog",
    "apps.events",
    "apps.sources",
    "apps.evaluations",
    "apps.pipelines",
    "apps.deployments",
    "apps.prompts",
    "apps.metrics",
    "apps.monitors",
    "apps.incidents",
    "apps.health",
    "apps.notifications",
    "apps.sync",
    "apps.portal",
    "apps.demo",
    "apps.api",
]
MIDDLEWARE = [
    "apps.core.middleware.RequestIdMiddleware",
    "apps.core.telemetry.TelemetryMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "apps.accounts.remembering.RememberingMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "apps.accounts.middleware.SignInRequiredMiddleware",
    "apps.accounts.middleware.UserTimeZoneMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "opsportal.urls"
ASGI_APPLICATION = "opsportal.asgi.application"
WSGI_APPLICATION = "opsportal.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "apps.core.context.portal",
                "apps.sync.context.silence",
            ],
            "builtins": ["apps.core.templatetags.ui", "django.contrib.humanize.templatetags.humanize"],
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    ["django.template.loaders.filesystem.Loader"],
                )
            ],
        },
    }
]

# ── people ───────────────────────────────────────────────────────────────────────────────────────────────────────────
AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "accounts:sign-in"
LOGIN_REDIRECT_URL = "portal:overview"
LOGOUT_REDIRECT_URL = "accounts:sign-in"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
DEFAULT_ZONE = env.str("TIME_ZONE", default="UTC")  # of people who chose none
USE_I18N = True
USE_TZ = True

# ── data ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
DATABASES = {"default": environ.Env.db_url_config(env.str("DATABASE_URL", default="") or paths.database_url(HOME))}
DATABASES["default"].update(
    {
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": 0,  # required together with the pool
        "CONN_HEALTH_CHECKS": True,
        "ATOMIC_REQUESTS": False,
        "OPTIONS": {
            "application_name": "opsportal",
            "connect_timeout": 5,
            **DATABASES["default"].get("OPTIONS", {}),  # what DATABASE_URL itself asks for, such as sslmode
            "pool": {"min_size": 1, "max_size": env.int("OPSPORTAL_DB_POOL", default=10), "timeout": 10},
        },
    }
)
SAMPLES_KEPT_DAYS = env.int("OPSPORTAL_SAMPLES_KEPT_DAYS", default=120)
SAMPLES_HOT_DAYS = env.int("OPSPORTAL_SAMPLES_HOT_DAYS", default=8)
HOURS_KEPT_DAYS = env.int("OPSPORTAL_HOURS_KEPT_DAYS", default=400)
DAYS_KEPT_DAYS = env.int("OPSPORTAL_DAYS_KEPT_DAYS", default=1825)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": env.str("CACHE_URL", default="") or paths.cache_url(HOME),
        "KEY_PREFIX": "opsportal",
        "OPTIONS": {"socket_timeout": 2, "socket_connect_timeout": 2},
    }
}

# ── static files ─────────────────────────────────────────────────────────────────────────────────────────────────────
STATIC_URL = "/static/"
STATIC_ROOT = HOME / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "apps.core.staticfinder.PlotlyFinder",
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# ── work ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="") or paths.broker_url(HOME)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 600,  # above ten times the longest task
    "unacked_restore_throttle": 1,
    "socket_timeout": 5,
    "socket_connect_timeout": 5,
    "health_check_interval": 10,
    "max_retries": 2,
    "interval_start": 0,
    "interval_step": 0.5,
}
DEADMAN_INTERVALS = env.float("OPSPORTAL_DEADMAN_INTERVALS", default=3.0)  # without one good poll of anything
DEADMAN_SECONDS = env.float("OPSPORTAL_DEADMAN_SECONDS", default=60.0)  # at least, and without a worker's sign of life
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SOFT_TIME_LIMIT = 50
CELERY_TASK_TIME_LIMIT = 60
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 2, "interval_start": 0, "interval_step": 0.5, "interval_max": 1}
CELERY_TASK_ROUTES = {
    "apps.sync.tasks.poll_sources": {"queue": "polls"},
    "apps.notifications.tasks.deliver_events": {"queue": "effects"},
    "apps.notifications.tasks.send_mail": {"queue": "effects"},
    "apps.sync.tasks.push_label_moves": {"queue": "effects"},
    "apps.health.tasks.send_digests": {"queue": "effects"},
}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = SCHEDULE
CELERY_BEAT_MAX_LOOP_INTERVAL = 5

# ── mail ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
EMAIL_URL = env.str("EMAIL_URL", default="")
IS_MAIL_SET = bool(EMAIL_URL)
MAIL = environ.Env.email_url_config(EMAIL_URL or "consolemail://")
EMAIL_BACKEND = MAIL["EMAIL_BACKEND"]
EMAIL_HOST = MAIL["EMAIL_HOST"] or "localhost"
EMAIL_PORT = MAIL["EMAIL_PORT"] or 25
EMAIL_HOST_USER = MAIL["EMAIL_HOST_USER"] or ""
EMAIL_HOST_PASSWORD = MAIL["EMAIL_HOST_PASSWORD"] or ""
EMAIL_FILE_PATH = MAIL["EMAIL_FILE_PATH"]
EMAIL_USE_TLS = MAIL.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = MAIL.get("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("OPSPORTAL_MAIL_FROM", default="OpsPortal <opsportal@localhost>")

# ── logs ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request_id": {"()": "apps.core.middleware.RequestIdFilter"}},
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["request_id"]}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django.server": {"level": "WARNING"},
        "uvicorn.access": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
    },
}
TEST_RUNNER = "django.test.runner.DiscoverRunner"
