"""Passwords that everybody knows: of installations as they come, of guides and examples."""

from __future__ import annotations

_KNOWN = frozenset(
    (
        *("admin", "administrator", "airflow", "analyst", "changeme", "change_me", "change-me", "default", "example"),
        *("guest", "pass", "passw0rd", "password", "password1", "postgres", "postgresql", "qwerty", "root", "secret"),
        *("superset", "test", "user", "your_password", "yourpassword", "пароль", "секрет"),
    )
)
_SHORTEST = 12
# The same sign over and over, or the digits in their order.
_DIGITS = "0123456789" * 4


def weakness(password: str, *names: str | None) -> str | None:
    """Why a password must not guard a server; None for one that may. ``names``: of the user, of the database."""
    folded = password.strip().lower()
    if not folded:
        return "пуст"
    if folded in _KNOWN or folded in {name.lower() for name in names if name}:
        return "из тех, что известны всем"
    if len(folded) < _SHORTEST:
        return f"короче {_SHORTEST} знаков"
    return "из тех, что известны всем" if len(set(folded)) == 1 or folded in _DIGITS else None
