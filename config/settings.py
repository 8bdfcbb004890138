"""All settings of Marrowloop. What the environment may change is read here, typed, and nowhere else.

docs/reference/settings.md explains each variable.
"""

from datetime import timedelta
from pathlib import Path

from config.env import (
    broker_options,
    database_from,
    email_from,
    env_bool,
    env_choice,
    env_int,
    env_list,
    env_path,
    env_str,
    env_time,
    kept_secret,
    store_from,
)

BASE_DIR = Path(__file__).resolve().parent.parent

# Everything the product writes lies under HOME.
HOME = env_path("MARROWLOOP_HOME", BASE_DIR / ".marrowloop")
HOME.mkdir(parents=True, exist_ok=True)

DEBUG = env_bool("MARROWLOOP_DEBUG", False)
SECRET_KEY = kept_secret("MARROWLOOP_SECRET_KEY", HOME / "secret_key")
ALLOWED_HOSTS = env_list("MARROWLOOP_HOSTS", ["localhost", "127.0.0.1", "[::1]"])

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "axes",
    "django_htmx",
    "template_partials",
    "annotation",
    "learning",
]

MIDDLEWARE = [
    "config.requests.RequestMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "annotation.middleware.SignedOutMiddleware",
    "annotation.middleware.RefusedMiddleware",
    "annotation.middleware.NulMiddleware",
    "axes.middleware.AxesMiddleware",
]
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
LOGIN_URL = "sign_in"
LOGIN_REDIRECT_URL = "projects"
LOGOUT_REDIRECT_URL = "sign_in"

# After so many wrong passwords for one name from one address, that pair waits.
AXES_FAILURE_LIMIT = env_int("MARROWLOOP_SIGN_IN_TRIES", 5)
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_TEMPLATE = "annotation/locked_out.html"
AXES_VERBOSE = False
PASSWORD_RESET_TIMEOUT = 3 * 24 * 3600

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
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
                "annotation.views.context.site",
            ],
        },
    },
]

DATABASES = {"default": database_from(env_str("DATABASE_URL"), HOME / "marrowloop.sqlite3")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = HOME / "static"
STATIC_ROOT.mkdir(exist_ok=True)  # whitenoise warns at every start where it is absent
# Only what is built is served: sources, tests and node_modules stay where they are. `make setup` builds it.
STATICFILES_DIRS = [folder for folder in [BASE_DIR / "static" / "dist"] if folder.is_dir()]

# Nothing is loaded from another host, and nothing inline.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}
SECURE_REFERRER_POLICY = "same-origin"

SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_COOKIE_HTTPONLY = True
# Set where people come by https, so that no cookie travels in the clear.
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env_bool("MARROWLOOP_HTTPS", False)
# So many proxies of ours stand before the server: what they say of scheme and sender is believed, of nobody else.
PROXIES = env_int("MARROWLOOP_PROXIES", 0)
if PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# For so many seconds a browser that came by https once comes by nothing else; 0: it is not told so.
SECURE_HSTS_SECONDS = env_int("MARROWLOOP_HSTS_SECONDS", 0)
AXES_CLIENT_IP_CALLABLE = "config.requests.client_address"
CSRF_TRUSTED_ORIGINS = env_list("MARROWLOOP_ORIGINS", [])
CSRF_FAILURE_VIEW = "annotation.views.errors.csrf_failure"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
DATA_UPLOAD_MAX_MEMORY_SIZE = 20 * 1024 * 1024

# Where the source of what runs here is found, as the AGPL asks; by default the web process hands out its own.
SOURCE_URL = env_str("MARROWLOOP_SOURCE_URL")

REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "annotation.api.schema.Schema",
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "annotation.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["annotation.api.authentication.SignedInWithinScope"],
    "DEFAULT_THROTTLE_CLASSES": ["annotation.api.throttle.TokenRate"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["annotation.api.parsers.PlainJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "annotation.api.pages.Pages",
    "EXCEPTION_HANDLER": "annotation.api.errors.handle",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
# Requests a minute that all tokens of one person have; 0: as many as they like.
API_RATE = env_int("MARROWLOOP_API_RATE", 600)
SPECTACULAR_SETTINGS = {
    "TITLE": "Marrowloop",
    "VERSION": "0.1.0",
    "DESCRIPTION": "All that the pages do, for programs. Ask with `Authorization: Bearer TOKEN`.",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SCHEMA_PATH_PREFIX": "/api/",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "ENUM_NAME_OVERRIDES": {
        "ShapeKindEnum": "annotation.models.ShapeKind",
        "ClassKindEnum": "annotation.models.ClassKind",
        "TransferKindEnum": "annotation.models.TransferKind",
        "ModelKindEnum": "learning.models.ModelKind",
        "ReadingStateEnum": "annotation.models.ReadingState",
        "TransferStateEnum": "annotation.models.TransferState",
        "RunStateEnum": "learning.states.RunState",
        "RoundStateEnum": "learning.states.RoundState",
    },
}

# Work in the background. A message is only a wake-up; the row in the database is the truth.
CELERY_BROKER_URL = env_str("REDIS_URL")
CELERY_BROKER_TRANSPORT_OPTIONS = broker_options(CELERY_BROKER_URL, HOME / "queue")
CELERY_BROKER_CONNECTION_TIMEOUT = 2
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # without end: meanwhile a worker looks at the table by itself
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ROUTES = {"learning.tasks.train": {"queue": "train"}, "*": {"queue": "light"}}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False

# Where `make run` lets the pages be asked for.
BIND = env_str("MARROWLOOP_BIND", "127.0.0.1")
PORT = env_int("MARROWLOOP_PORT", 8000)

# Lines for people ("lines") or JSON lines for programs ("json"); whether each request is one.
LOG_FORMAT = env_choice("MARROWLOOP_LOG_FORMAT", ("lines", "json"))
LOG_REQUESTS = env_bool("MARROWLOOP_LOG_REQUESTS", False)
# Who sends this token may read /metrics; empty: whoever asks from this machine. METRICS_DIR: where processes add up.
METRICS_TOKEN = env_str("MARROWLOOP_METRICS_TOKEN")
METRICS_DIR = env_str("PROMETHEUS_MULTIPROC_DIR")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "lines": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"},
        "json": {"()": "config.logs.JsonLines"},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT}},
    "loggers": {"marrowloop.requests": {"level": "INFO"}},
    "root": {"handlers": ["stderr"], "level": env_str("MARROWLOOP_LOG_LEVEL", "WARNING").upper()},
}

# The folders of the product, all under HOME.
IMAGES_DIR = HOME / "images"
SNAPSHOTS_DIR = HOME / "snapshots"
RUNS_DIR = HOME / "runs"
MODELS_DIR = HOME / "models"
SCRATCH_DIR = HOME / "scratch"
TRANSFERS_DIR = HOME / "transfers"

# Where files lie that more than one machine must see; empty: in HOME alone.
STORE = store_from(env_str("MARROWLOOP_STORE"))

# What the browser may send: for one file, for one upload in all, and without JavaScript for one form; what must stay
# free on the disk. Days after which unfinished uploads and the archives of exports are removed.
UPLOAD_FILE_MB = env_int("MARROWLOOP_UPLOAD_FILE_MB", 10_000)
UPLOAD_TOTAL_MB = env_int("MARROWLOOP_UPLOAD_TOTAL_MB", 100_000)
UPLOAD_FORM_MB = env_int("MARROWLOOP_UPLOAD_FORM_MB", 1_000)
KEEP_FREE_MB = env_int("MARROWLOOP_KEEP_FREE_MB", 2_000)
# A picture of one cell that is brought to the classifier.
CELL_UPLOAD_MB = env_int("MARROWLOOP_CELL_UPLOAD_MB", 10)
UPLOAD_DAYS = env_int("MARROWLOOP_UPLOAD_DAYS", 14)
EXPORT_DAYS = env_int("MARROWLOOP_EXPORT_DAYS", 14)
# Files of a form wait under HOME as all else does, and too large a form is refused before it fills the disk.
FILE_UPLOAD_HANDLERS = ["annotation.transfers.quota.QuotaHandler"]
FILE_UPLOAD_TEMP_DIR = SCRATCH_DIR
SCRATCH_DIR.mkdir(exist_ok=True)
DATA_UPLOAD_MAX_NUMBER_FILES = 1000

# Backups: their folder, the time of day in UTC at which one is made (empty: never by itself), how many are kept.
BACKUPS_DIR = env_path("MARROWLOOP_BACKUPS", HOME / "backups")
BACKUP_AT = env_time("MARROWLOOP_BACKUP_AT", "02:30")
BACKUP_KEEP = env_int("MARROWLOOP_BACKUP_KEEP", 3)

# Tidying: its time of day in UTC (empty: never by itself); days after which the folders of ended attempts go, and the
# weights of refused models; how many accepted models of each kind keep theirs (0: all).
TIDY_AT = env_time("MARROWLOOP_TIDY_AT", "03:30")
ATTEMPT_DAYS = env_int("MARROWLOOP_ATTEMPT_DAYS", 14)
REFUSED_DAYS = env_int("MARROWLOOP_REFUSED_DAYS", 90)
KEEP_MODELS = env_int("MARROWLOOP_KEEP_MODELS", 20)

# Notices by mail, where EMAIL_URL names a server. Links in mails and webhooks begin with ADDRESS.
EMAIL = email_from(env_str("EMAIL_URL"))
EMAIL_FROM = env_str("MARROWLOOP_EMAIL_FROM", "marrowloop@localhost")
ADDRESS = env_str("MARROWLOOP_ADDRESS", f"http://localhost:{PORT}").rstrip("/")
# A webhook may lead into the own network only where its keeper says so.
WEBHOOKS_INSIDE = env_bool("MARROWLOOP_WEBHOOKS_INSIDE", False)

# Where weights to start from are searched before the starter weights of the repository.
WEIGHTS_DIR = env_path("MARROWLOOP_WEIGHTS", HOME / "weights")
STARTER_WEIGHTS_DIR = BASE_DIR / "models_zoo" / "yolo" / "starter"

# An image with more pixels is refused before it is decoded.
MAX_MEGAPIXELS = env_int("MARROWLOOP_MAX_MEGAPIXELS", 200)

# A run that has not renewed its lease for so long counts as dead; one that died so often is not tried again.
LEASE_SECONDS = env_int("MARROWLOOP_LEASE_SECONDS", 20)
MAX_ATTEMPTS = env_int("MARROWLOOP_MAX_ATTEMPTS", 3)
# A run is not begun while less than this is free on the disk.
RUN_FREE_MB = env_int("MARROWLOOP_RUN_FREE_MB", 500)
RUN_TIME_LIMIT_SECONDS = env_int("MARROWLOOP_RUN_TIME_LIMIT_SECONDS", 24 * 3600)
