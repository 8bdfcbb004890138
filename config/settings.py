"""All settings of Marrowloop. What the environment may change is read here, typed, and nowhere else.

docs/reference/settings.md explains each variable.
"""

from pathlib import Path

from config.env import database_from, env_bool, env_int, env_list, env_path, env_str, kept_secret

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
    "django_htmx",
    "template_partials",
    "annotation",
    "learning",
]

MIDDLEWARE = [
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
]

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
STATICFILES_DIRS: list[tuple[str, Path]] = []

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

REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
}
SPECTACULAR_SETTINGS = {"TITLE": "Marrowloop", "VERSION": "0.1.0", "SERVE_INCLUDE_SCHEMA": False}

# Work in the background. A message is only a wake-up; the row in the database is the truth.
CELERY_BROKER_URL = env_str("REDIS_URL")
CELERY_TASK_IGNORE_RESULT = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env_str("MARROWLOOP_LOG_LEVEL", "WARNING").upper()},
}

# The folders of the product, all under HOME.
IMAGES_DIR = HOME / "images"
SNAPSHOTS_DIR = HOME / "snapshots"
RUNS_DIR = HOME / "runs"
MODELS_DIR = HOME / "models"
SCRATCH_DIR = HOME / "scratch"
TRANSFERS_DIR = HOME / "transfers"

# Where weights to start from are searched before the starter weights of the repository.
WEIGHTS_DIR = env_path("MARROWLOOP_WEIGHTS", HOME / "weights")
STARTER_WEIGHTS_DIR = BASE_DIR / "models_zoo" / "yolo" / "starter"

# An image with more pixels is refused before it is decoded.
MAX_MEGAPIXELS = env_int("MARROWLOOP_MAX_MEGAPIXELS", 200)

# A run that has not renewed its lease for so long counts as dead; one that died so often is not tried again.
LEASE_SECONDS = env_int("MARROWLOOP_LEASE_SECONDS", 20)
MAX_ATTEMPTS = env_int("MARROWLOOP_MAX_ATTEMPTS", 3)
RUN_TIME_LIMIT_SECONDS = env_int("MARROWLOOP_RUN_TIME_LIMIT_SECONDS", 24 * 3600)
