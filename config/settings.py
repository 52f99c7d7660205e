"""Every setting of Tintype, in sections; what varies between machines comes from the environment.

`docs/settings.md` lists the environment variables, section by section; tests/test_docs.py keeps
that list complete.
"""

from datetime import timedelta
from pathlib import Path

import django_stubs_ext
from django.core.exceptions import ImproperlyConfigured

from config.env import (
    celery,
    channel_layer,
    logging,
    mail,
    metrics,
    process,
    rest_framework,
    storages,
)
from config.env.databases import database_config
from config.env.readers import (
    env_bool,
    env_int,
    env_list,
    env_path_prefix,
    env_secret,
    env_str,
    split_list,
)
from config.env.secret_key import env_secret_key
from config.env.urls import env_origin, env_origins, env_url, host_of

# Lets Django's generic classes take their type argument at run time, as their stubs do.
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent

# --- Where this runs ---------------------------------------------------------------------------
# `./dev run` turns local mode on: one machine, plain HTTP, a secret key made on first start.
LOCAL = env_bool("LOCAL", default=False)
DEBUG = env_bool("DEBUG", default=False)
HOST = env_str("HOST", "127.0.0.1")
PORT = env_int("PORT", 8000, min=1, max=65535)
DATA_DIR = Path(env_str("DATA_DIR", "data")).absolute()
PUBLIC_URL = env_origin("PUBLIC_URL", f"http://localhost:{PORT}" if LOCAL else "", optional=LOCAL)
# Begins every address that leaves; where it is "", the local run's, the Host header says.
OWN_URL = env_origin("PUBLIC_URL", "", optional=LOCAL)
_DEFAULT_HOSTS = "localhost,127.0.0.1,[::1]" if LOCAL else host_of(PUBLIC_URL)
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS", _DEFAULT_HOSTS)
if LOCAL and HOST not in {"127.0.0.1", "0.0.0.0", "::"}:  # noqa: S104 (compared, not bound)
    ALLOWED_HOSTS.append(HOST)
# Origins whose pages may use a browser's cookies here. Local: whatever a developer serves.
_OWN_ORIGINS = f"{PUBLIC_URL},http://localhost:*" if LOCAL else PUBLIC_URL
TRUSTED_ORIGINS = env_origins("TRUSTED_ORIGINS", _OWN_ORIGINS)
# Every other page may use the contracts too, without cookies: with a token in a header.
CORS_ANY_ORIGIN = env_bool("CORS_ANY_ORIGIN", default=True)
# Django's forms know no port for all: the admin's own origin needs none.
CSRF_TRUSTED_ORIGINS = [origin for origin in TRUSTED_ORIGINS if not origin.endswith(":*")]
# The number of reverse proxies in front: that many entries of X-Forwarded-For are believed.
TRUSTED_PROXIES = env_int("TRUSTED_PROXIES", 0, max=10)
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# A command of manage.py waits longer than a process that somebody waits for.
IS_COMMAND = process.IS_COMMAND

# --- Secrets -----------------------------------------------------------------------------------
SECRET_KEY = env_secret_key("SECRET_KEY", DATA_DIR / "secret_key", local=LOCAL)
SECRET_KEY_FALLBACKS = split_list(env_secret("SECRET_KEY_FALLBACKS"))

# --- Django ------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "config.doctor",
    "django_linear_migrations",
    "config.admin.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "channels",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    # Before ours, which take its pages out of the admin.
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "staff",
    "plans",
    "upkeep",
    "notifications",
    "thumbnails",
    "images",
    "accounts",
    "tiers",
]
MIDDLEWARE = [
    "config.middleware.request_id.RequestIdMiddleware",
    "config.middleware.current_request.current_request_middleware",
    "config.middleware.metrics.MetricsMiddleware",
    "config.middleware.security_headers.SecurityHeadersMiddleware",
    "config.middleware.long_headers.long_headers_middleware",
    "config.middleware.empty_bodies.empty_bodies_middleware",
    "config.middleware.cors.CorsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.middleware.request_bodies.request_bodies_middleware",
    "config.middleware.body_limit.body_limit_middleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "config.middleware.language.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "config.middleware.staff_rights.staff_rights_middleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
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
FORM_RENDERER = "django.forms.renderers.DjangoTemplates"

# --- The API -----------------------------------------------------------------------------------
REST_FRAMEWORK = rest_framework.REST_FRAMEWORK
SPECTACULAR_SETTINGS = rest_framework.SPECTACULAR_SETTINGS

# --- Database ----------------------------------------------------------------------------------
DATABASE_URL = env_url("DATABASE_URL", "postgres", "postgresql", "sqlite", optional=LOCAL)
# With a pool, a thread of the web server holds a connection only while it answers a request.
DATABASE_POOL = env_bool("DATABASE_POOL", default=False)
DATABASES = {"default": database_config(DATABASE_URL, DATA_DIR, pooled=DATABASE_POOL)}
# The folder of pg_dump and pg_restore; without it PATH and Debian's folders are searched.
PG_BIN = env_str("PG_BIN")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Redis and RabbitMQ ------------------------------------------------------------------------
# Redis (or Valkey) is cache, channel layer, and Celery's broker where there is no RabbitMQ.
_LOCAL_REDIS = "redis://127.0.0.1:6379/0" if LOCAL else ""
REDIS_URL = env_url("REDIS_URL", "redis", "rediss", "unix", default=_LOCAL_REDIS)
AMQP_URL = env_url("AMQP_URL", "amqp", "amqps", optional=True)
CACHES = {
    "default": {
        "BACKEND": "config.cache.ForgivingRedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": env_str("CACHE_PREFIX", "tintype"),
        "OPTIONS": {"socket_timeout": 2, "socket_connect_timeout": 1},
    }
}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {
            "hosts": [{"address": REDIS_URL, **channel_layer.OPTIONS}],
            "prefix": env_str("CACHE_PREFIX", "tintype"),
        },
    }
}
# The exchange of the logout fan-out. Other services declare it non-durable, and RabbitMQ refuses
# a declaration that differs (406).
AUTH_EXCHANGE = env_str("AUTH_EXCHANGE", "auth")
AUTH_EXCHANGE_DURABLE = env_bool("AUTH_EXCHANGE_DURABLE", default=False)
AUTH_QUEUE = env_str("AUTH_QUEUE", "tintype-auth")
PULSE_FILE = env_str("PULSE_FILE")
# Threads of a process that serve requests. Each may hold a database connection: compare
# config.env.databases.MAX_POOL_SIZE. At most a quarter of them send archives.
HTTP_THREADS = env_int("HTTP_THREADS", 8, min=1, max=256)
# Where a web process also answers `/healthz` and `/readyz`, whatever its threads do; 0: nowhere.
HEALTH_PORT = env_int("HEALTH_PORT", 0, max=65535)
# A web process that is told to end answers for so many seconds more, longer than the proxy before
# it keeps a connection on which nothing is sent; 0: it ends at once.
DRAIN_SECONDS = env_int("DRAIN_SECONDS", 0, max=300)
# A process without progress ends itself after one to two times so many seconds; 0: never.
WATCHDOG_SECONDS = env_int("WATCHDOG_SECONDS", 0 if LOCAL else 60, max=3600)
# Seconds for which an account's lists are cached; its own changes show at once all the same.
CACHE_SECONDS = env_int("CACHE_SECONDS", 15, max=3600)

# --- Background work ---------------------------------------------------------------------------
# Celery spells the URL of a Unix socket, and of the database behind it, in its own way.
_REDIS_FOR_CELERY = REDIS_URL.replace("unix://", "redis+socket://", 1)
if REDIS_URL.startswith("unix://"):
    _REDIS_FOR_CELERY = _REDIS_FOR_CELERY.replace("?db=", "?virtual_host=")
CELERY_BROKER_URL = AMQP_URL or _REDIS_FOR_CELERY
CELERY_BROKER_TRANSPORT_OPTIONS = (
    # A broker under an alarm neither confirms a message nor answers when a connection is closed.
    {"confirm_publish": True, "read_timeout": 3, "write_timeout": 3}
    if AMQP_URL
    # Redis delivers the tasks of a killed worker again after this; the sweep enqueues them sooner.
    else {"visibility_timeout": 300, "socket_timeout": 5, "socket_connect_timeout": 1}
)
CELERY_BROKER_CONNECTION_TIMEOUT = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
# Uploads' own thumbnails have a queue of their own: nothing else may stand before them.
CELERY_TASK_DEFAULT_QUEUE = env_str("CELERY_QUEUE", "tintype")
CELERY_TASK_QUEUES, CELERY_TASK_ROUTES = celery.queues_and_routes(
    CELERY_TASK_DEFAULT_QUEUE, is_quorum=bool(AMQP_URL)
)
CELERY_WORKER_DETECT_QUORUM_QUEUES = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# Never pickle: whoever can write to the broker would run code in the worker.
CELERY_ACCEPT_CONTENT = CELERY_RESULT_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = CELERY_RESULT_SERIALIZER = CELERY_EVENT_SERIALIZER = "json"
SWEEP_SECONDS = env_int("SWEEP_SECONDS", 10, min=1, max=3600)
CELERY_BEAT_SCHEDULE = {
    "enqueue waiting pictures again": {
        "task": "thumbnails.sweep",
        "schedule": timedelta(seconds=SWEEP_SECONDS),
        "options": {"expires": SWEEP_SECONDS, **celery.PUBLISH_WITH_RETRY},
    },
    "send mail that waits": {
        "task": "accounts.send_mail",
        "schedule": timedelta(seconds=30),
        "options": {"expires": 30, **celery.PUBLISH_WITH_RETRY},
    },
    "purge ended sessions": {
        "task": "accounts.purge_ended_sessions",
        "schedule": timedelta(hours=1),
        "options": {"expires": 3600, **celery.PUBLISH_WITH_RETRY},
    },
    "purge ended links": {
        "task": "images.forget_ended",
        "schedule": timedelta(hours=1),
        "options": {"expires": 3600, **celery.PUBLISH_WITH_RETRY},
    },
    "purge past idempotency keys": {
        "task": "images.purge_idempotency_keys",
        "schedule": timedelta(hours=1),
        "options": {"expires": 3600, **celery.PUBLISH_WITH_RETRY},
    },
    "remove files of deleted rows": {
        "task": "images.remove_files",
        "schedule": timedelta(minutes=1),
        "options": {"expires": 60, **celery.PUBLISH_WITH_RETRY},
    },
    "remove closed accounts": {
        "task": "upkeep.remove_closed_accounts",
        "schedule": timedelta(seconds=30),
        "options": {"expires": 30, **celery.PUBLISH_WITH_RETRY},
    },
    "count for the admin's first page": {
        "task": "staff.count",
        "schedule": timedelta(seconds=10),
        "options": {"expires": 10, **celery.PUBLISH_WITH_RETRY},
    },
    "delete what is left of all pictures": {
        "task": "thumbnails.finish_clearings",
        "schedule": timedelta(seconds=30),
        "options": {"expires": 30, **celery.PUBLISH_WITH_RETRY},
    },
    "go on with tier plans": {
        "task": "plans.move_accounts",
        "schedule": timedelta(seconds=15),
        "options": {"expires": 15, **celery.PUBLISH_WITH_RETRY},
    },
    "mend the ledger": {
        "task": "upkeep.mend_ledger",
        "schedule": timedelta(days=1),
        "options": {"expires": 3600, **celery.PUBLISH_WITH_RETRY},
    },
    "purge old events": {
        "task": "notifications.forget_events",
        "schedule": timedelta(hours=1),
        "options": {"expires": 3600, **celery.PUBLISH_WITH_RETRY},
    },
}
CELERY_BEAT_SCHEDULER = "config.beat.WatchedScheduler"
# Seconds that it waits at most before it looks again what is due.
CELERY_BEAT_MAX_LOOP_INTERVAL = 30
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "beat-schedule")
RENDER_LEASE_SECONDS = celery.RENDER_LEASE_SECONDS

# --- Files and uploads -------------------------------------------------------------------------
MEDIA_ROOT = DATA_DIR / "images"
MEDIA_URL = "/images/"
# Who may see new pictures of the pictures service, whose contract does not say.
PICTURES_VISIBILITY = env_str(
    "PICTURES_VISIBILITY", "members", choices=("private", "members", "public")
)
# The operator's own picture for accounts that have none.
DEFAULT_PICTURE = env_str("DEFAULT_PICTURE")
# Seconds for which a signed picture URL stays the same, so that browsers can cache the picture.
# It is valid for one to two of these windows.
MEDIA_URL_WINDOW = env_int("MEDIA_URL_WINDOW", 1800, min=60, max=86400)
# Behind nginx: the internal location that serves MEDIA_ROOT, for example /protected/.
ACCEL_REDIRECT_PREFIX = env_path_prefix("ACCEL_REDIRECT_PREFIX")
STORAGES = storages.storages(local=LOCAL)
STORAGE_DEFAULTS = storages.STORAGE_DEFAULTS
STATIC_URL = "/static/"
# Collected when the image is built; the local run serves static files from the source folders.
STATIC_ROOT = None if LOCAL else BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = LOCAL
# Uploads lie here while they are inspected, and what is made of them until it is stored.
FILE_UPLOAD_TEMP_DIR = env_str("WORK_DIR", str(DATA_DIR / "work"))
# Whether web processes and workers share that folder: where pixels travel (images/pixels.py).
WORK_DIR_SHARED = env_bool("WORK_DIR_SHARED", default=LOCAL)
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]
# Limits of form fields and JSON without a picture; contracts that take base64 set their own.
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000
DATA_UPLOAD_MAX_NUMBER_FILES = 1
# Each web and worker process decodes at most so many pictures at once, each in a process of its own
# (images/sandbox/pool.py) of this program.
DECODING_PROCESSES = env_int("DECODING_PROCESSES", 2, min=1, max=64)
DECODER_PROGRAM = BASE_DIR / "config" / "decoder.py"
# Whether pictures are decoded only where every wall around that process stands.
CONFINEMENT_REQUIRED = env_bool("CONFINEMENT", default=not LOCAL)

# --- Accounts, sessions and tokens -------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
# auth.W004 asks for a unique username; username_key is unique, which ignores case.
SILENCED_SYSTEM_CHECKS = ["auth.W004"]
AUTHENTICATION_BACKENDS = ["accounts.backends.LoginBackend"]
PASSWORD_HASHERS = ["accounts.hashers.OwaspArgon2Hasher"]
PASSWORD_POLICY = env_str("PASSWORD_POLICY", "strict", choices=("strict", "contract"))
# Django's, over the form of a password that is hashed.
_VALIDATION = "accounts.passwords"
AUTH_PASSWORD_VALIDATORS = (
    [
        {"NAME": f"{_VALIDATION}.MinimumLengthValidator", "OPTIONS": {"min_length": 8}},
        {"NAME": f"{_VALIDATION}.CommonPasswordValidator"},
        {
            "NAME": f"{_VALIDATION}.UserAttributeSimilarityValidator",
            "OPTIONS": {"user_attributes": ("username", "name", "email")},
        },
    ]
    if PASSWORD_POLICY == "strict"  # noqa: S105 (a policy's name)
    else [{"NAME": f"{_VALIDATION}.MinimumLengthValidator", "OPTIONS": {"min_length": 6}}]
)
# Who makes an account: everybody, whoever is invited, or nobody but staff in the admin.
SIGNUP = env_str("SIGNUP", "open", choices=("open", "invite", "closed"))
SIGNUP_TIER = env_str("SIGNUP_TIER", "Premium")
# Whether staff have their rights only in sessions that a second factor opened.
STAFF_SECOND_FACTOR = env_str("STAFF_SECOND_FACTOR", "off", choices=("off", "required"))
# What apps that make codes call the account's service.
OTP_TOTP_ISSUER = "Tintype"
LOGIN_URL = "/admin/login/"
# The first admin account, made by `manage.py create_admin`; without a password one is generated.
ADMIN_USERNAME = env_str("ADMIN_USERNAME", "admin")
ADMIN_PASSWORD = env_secret("ADMIN_PASSWORD")
RATE_LIMITS = env_bool("RATE_LIMITS", default=True)
# Of one account; from one address may come twice as many.
UPLOADS_PER_MINUTE = env_int("UPLOADS_PER_MINUTE", 600, min=1)
# Of one address, over all links.
LINK_OPENINGS_PER_MINUTE = env_int("LINK_OPENINGS_PER_MINUTE", 600, min=1)
BEARER_LIFETIME = timedelta(days=env_int("BEARER_DAYS", 14, min=1, max=365))
API_TOKEN_LIFETIME = timedelta(days=env_int("API_TOKEN_DAYS", 365, min=1, max=3650))
COOKIE_ACCESS_LIFETIME = timedelta(minutes=env_int("COOKIE_ACCESS_MINUTES", 60, min=1, max=525_600))
COOKIE_REFRESH_LIFETIME = timedelta(
    minutes=env_int("COOKIE_REFRESH_MINUTES", 1440, min=2, max=525_600)
)
TOKEN_COOKIES_SECURE = not LOCAL
# Tokens of an external issuer, accepted beside our own where these are set.
JWT_ISSUER = env_str("JWT_ISSUER")
JWT_AUDIENCE = env_str("JWT_AUDIENCE")
JWT_JWKS_URL = env_url("JWT_JWKS_URL", *(("http", "https") if LOCAL else ("https",)), optional=True)
JWT_PUBLIC_KEY = env_secret("JWT_PUBLIC_KEY")
JWT_LOGIN_CLAIM = env_str("JWT_LOGIN_CLAIM", "preferred_username")
JWT_NAME_CLAIM = env_str("JWT_NAME_CLAIM", "name")
JWT_ID_CLAIM = env_str("JWT_ID_CLAIM", "jti")
if JWT_ISSUER and not (JWT_AUDIENCE and (JWT_JWKS_URL or JWT_PUBLIC_KEY)):
    raise ImproperlyConfigured(
        "With JWT_ISSUER, set JWT_AUDIENCE and one of JWT_JWKS_URL and JWT_PUBLIC_KEY."
    )
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not LOCAL
if not LOCAL:
    # Like the JWT cookies' names over HTTPS (accounts/cookies.py): no neighbour can set these.
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 12 * 3600

# --- Mail --------------------------------------------------------------------------------------
# Where it is set, people reset a password by mail, and an address counts once it is verified.
EMAIL_URL = env_url("EMAIL_URL", *mail.SCHEMES, optional=True)
_MAIL = mail.mail_config(EMAIL_URL or "consolemail://")
EMAIL_BACKEND = _MAIL["EMAIL_BACKEND"]
EMAIL_HOST, EMAIL_PORT = _MAIL.get("EMAIL_HOST", ""), _MAIL.get("EMAIL_PORT", 0)
EMAIL_HOST_USER = _MAIL.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = _MAIL.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = _MAIL.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = _MAIL.get("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = 15
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env_str(
    "EMAIL_FROM", f"Tintype <tintype@{host_of(PUBLIC_URL)}>"
)
# Of links to reset a password and to verify an address.
PASSWORD_RESET_TIMEOUT = 24 * 3600

# --- HTTPS -------------------------------------------------------------------------------------
SECURE_SSL_REDIRECT = env_bool("SSL_REDIRECT", default=not LOCAL)
SECURE_SSL_HOST = OWN_URL.partition("://")[2] or None
SECURE_REDIRECT_EXEMPT = [r"^healthz/?$", r"^readyz/?$", r"^metrics$"]
SECURE_HSTS_SECONDS = 0 if LOCAL else env_int("HSTS_SECONDS", 31_536_000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = not LOCAL
SECURE_HSTS_PRELOAD = not LOCAL
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# --- Logs, metrics and traces ------------------------------------------------------------------
LOGGING = logging.LOGGING
METRICS_TOKEN = metrics.METRICS_TOKEN
METRICS_PORT = metrics.METRICS_PORT
METRICS_DIR = metrics.create_metrics_dir(DATA_DIR)

# --- Languages and time ------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("es", "Español")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True
