"""Superset's configuration. Secrets, addresses and switches come from RAVENSTVO_BI_DIR/settings.json (owner only)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from flask import Flask, Response, request
from flask_login import current_user
from sqlalchemy.dialects.postgresql.base import PGDialect
from viewers import SecurityManager

_folder = Path(os.environ["RAVENSTVO_BI_DIR"])
_own: dict[str, Any] = json.loads((_folder / "settings.json").read_text(encoding="utf-8"))

# --- Metadata and secrets -------------------------------------------------------------------------------------------

# Encrypts what the metadata hold and signs sessions: it stays the same for the life of a home.
SECRET_KEY = _own["secret_key"]
SQLALCHEMY_DATABASE_URI = _own["metadata_url"]
SQLALCHEMY_EXAMPLES_URI = None
PREVENT_UNSAFE_DB_CONNECTIONS = True


def DB_CONNECTION_MUTATOR(uri: Any, params: Any, username: Any, security_manager: Any, source: Any) -> Any:
    """Add server and password to the connections of ours, known by their database users.

    The metadata and every export hold neither, and the embedded server's socket may move without an import.
    """
    known = _own["connections"].get(uri.username)
    if known and not uri.host and not uri.query:
        uri = uri.set(password=known["password"], host=known["host"], port=known["port"], query=known["query"])
    return uri, params


# Until it has connected, SQLAlchemy takes the server for one that reads «\\» in a text as an escape, and doubles it: a
# filter on a name with that sign found nothing. PostgreSQL has read it as itself since 9.1.
PGDialect._backslash_escapes = False


# --- Who gets in ----------------------------------------------------------------------------------------------------

CUSTOM_SECURITY_MANAGER = SecurityManager
AUTH_ROLE_PUBLIC = "Public"
AUTH_USER_REGISTRATION = False
WTF_CSRF_ENABLED = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
GUEST_TOKEN_JWT_SECRET = SECRET_KEY
FAB_API_SWAGGER_UI = False
# Attempts to log in from one address.
RATELIMIT_ENABLED = True
RATELIMIT_APPLICATION = "200 per second"
RATELIMIT_STORAGE_URI = "memory://"
AUTH_RATE_LIMITED = True
AUTH_RATE_LIMIT = "20 per minute"


def FLASK_APP_MUTATOR(app: Flask) -> None:
    """Answer what a page to which nobody has logged in tells of itself.

    Superset would deny it and note so in the session. Pages tell late, and that answer brought back the session of
    before the login: one had to log in twice.
    """

    @app.before_request
    def nobody_is_told_of() -> Response | None:
        is_nobodys = request.endpoint == "Superset.log" and not current_user.is_authenticated
        return Response(status=204) if is_nobodys else None


# No host but our own, in either direction.
TALISMAN_ENABLED = True
TALISMAN_CONFIG = {
    "content_security_policy": {
        "base-uri": ["'self'"],
        "default-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:"],
        "worker-src": ["'self'", "blob:"],
        "connect-src": ["'self'"],
        "object-src": "'none'",
        "style-src": ["'self'", "'unsafe-inline'"],
        "font-src": ["'self'", "data:"],
        # Handlebars, which draws the cards, compiles its templates; only who may edit a chart writes one.
        "script-src": ["'self'", "'strict-dynamic'", "'unsafe-eval'"],
        "frame-ancestors": ["'self'"],
    },
    "content_security_policy_nonce_in": ["script-src"],
    "force_https": False,
    "session_cookie_secure": False,
}
CONTENT_SECURITY_POLICY_WARNING = False
ENABLE_CORS = False
THEME_FONT_URL_ALLOWED_DOMAINS: list[str] = []

# --- Russian --------------------------------------------------------------------------------------------------------

BABEL_DEFAULT_LOCALE = "ru"
LANGUAGES = {"ru": {"flag": "ru", "name": "Русский"}, "en": {"flag": "us", "name": "English"}}
# 12 345,6 and 84,9 %: groups of three after a thin space that does not break.
D3_FORMAT = {"decimal": ",", "thousands": "\u202f", "grouping": [3], "currency": ["", "\u202f₽"], "percent": "\u202f%"}
D3_TIME_FORMAT = {
    "dateTime": "%A, %e %B %Y г. %X",
    "date": "%d.%m.%Y",
    "time": "%H:%M:%S",
    "periods": ["", ""],
    "days": ["воскресенье", "понедельник", "вторник", "среда", "четверг", "пятница", "суббота"],
    "shortDays": ["вс", "пн", "вт", "ср", "чт", "пт", "сб"],
    "months": [
        *("январь", "февраль", "март", "апрель", "май", "июнь"),
        *("июль", "август", "сентябрь", "октябрь", "ноябрь", "декабрь"),
    ],
    "shortMonths": ["янв", "фев", "мар", "апр", "май", "июн", "июл", "авг", "сен", "окт", "ноя", "дек"],
}

# --- Looks ----------------------------------------------------------------------------------------------------------

APP_NAME = "Ravenstvo"
LOGO_TARGET_PATH = "/dashboard/list/"
THEME_DEFAULT = {
    "token": {
        "brandAppName": APP_NAME,
        "brandLogoAlt": APP_NAME,
        "brandLogoUrl": "/static/assets/images/superset-logo-horiz.png",
        "brandLogoMargin": "18px 0",
        "brandLogoHref": "/dashboard/list/",
        "brandLogoHeight": "24px",
        "colorPrimary": "#0072B2",
        "colorLink": "#0072B2",
        "colorError": "#D55E00",
        "colorWarning": "#E69F00",
        "colorSuccess": "#009E73",
        "colorInfo": "#56B4E9",
        "fontUrls": [],
        "fontFamily": "Inter, Helvetica, Arial, sans-serif",
    },
    "algorithm": "default",
}
# Charts are made for a light page.
THEME_DARK = None
ENABLE_UI_THEME_ADMINISTRATION = False

# Okabe and Ito's colours, which colour-blind people can tell apart, the darkest first.
EXTRA_CATEGORICAL_COLOR_SCHEMES = [
    {
        "id": "okabe_ito",
        "label": "Окабе — Ито",
        "description": "Различимы при нарушениях цветового зрения",
        "isDefault": True,
        "colors": ["#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#F0E442", "#000000"],
    }
]
EXTRA_SEQUENTIAL_COLOR_SCHEMES = [
    {
        "id": "okabe_ito_blue",
        "label": "Синий, по возрастанию",
        "description": "От белого к синему",
        "isDiverging": False,
        "isDefault": True,
        "colors": ["#F7FBFF", "#C6DBEF", "#6BAED6", "#2171B5", "#0072B2", "#003F66"],
    },
    {
        "id": "okabe_ito_diverging",
        "label": "Синий — белый — красно-оранжевый",
        "description": "Отклонения в обе стороны",
        "isDiverging": True,
        "isDefault": False,
        "colors": ["#0072B2", "#56B4E9", "#F7F7F7", "#E69F00", "#D55E00"],
    },
]

# What a text or a template may show besides the usual: drawings, tables, styles. No scripts, no forms, no addresses
# but http, https and mailto: that list stays Superset's own.
_SVG_SHAPES = ("svg", "g", "path", "rect", "line", "circle", "polyline", "polygon", "text", "tspan", "title")
HTML_SANITIZATION = True
HTML_SANITIZATION_SCHEMA_EXTENSIONS = {
    "tagNames": [*_SVG_SHAPES, "style", "details", "summary", "figure", "figcaption", "abbr", "mark"],
    "attributes": {
        "*": ["style", "className", "class", "role", "ariaLabel", "ariaHidden", "title", "colSpan", "rowSpan", "scope"],
        "svg": ["viewBox", "width", "height", "xmlns", "preserveAspectRatio"],
        **{
            shape: [
                *("x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "rx", "ry", "d", "points", "width", "height"),
                *("fill", "fillOpacity", "stroke", "strokeWidth", "strokeDasharray", "strokeLinecap", "opacity"),
                *("transform", "textAnchor", "dominantBaseline", "fontSize", "fontWeight", "dx", "dy"),
            ]
            for shape in _SVG_SHAPES
            if shape != "svg"
        },
    },
}

# --- What is on -----------------------------------------------------------------------------------------------------

FEATURE_FLAGS = {
    "DASHBOARD_RBAC": True,
    "DRILL_BY": True,
    "DRILL_TO_DETAIL": True,
    "EMBEDDED_SUPERSET": False,
    "ENABLE_TEMPLATE_PROCESSING": False,
    "ALERT_REPORTS": False,
    "THUMBNAILS": False,
    "LISTVIEWS_DEFAULT_CARD_VIEW": False,
    # Off: colours mean the same in every chart.
    "AVOID_COLORS_COLLISION": False,
}
# Years are whole numbers, not dates: no chart is cut to a period by itself.
DEFAULT_TIME_FILTER = "No filter"
ROW_LIMIT = 10000
SQL_MAX_ROW = 100000
NATIVE_FILTER_DEFAULT_ROW_LIMIT = 10000
SQLLAB_TIMEOUT = 60
SUPERSET_WEBSERVER_TIMEOUT = 90
# The marts are small and change at once: nothing is kept between requests but filters and permissions.
CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}
DATA_CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}
SQLALCHEMY_ENGINE_OPTIONS = {"pool_pre_ping": True}
