"""The look that dashboards share: ``style.css``, put before each dashboard's own CSS and taken off on the way back."""

from __future__ import annotations

from pathlib import Path

# Says where the shared text ends, to the export and to who opens the dashboard's CSS in the interface.
_END = "/* Выше — общее оформление (include/bi/style.css), ниже — своё у этого дашборда. */\n"


def read(folder: Path) -> str:
    """The shared look of ``include/bi``; empty where there is none."""
    path = folder / "style.css"
    return path.read_text(encoding="utf-8").strip() if path.exists() else ""


def joined(shared: str, own: str) -> str:
    """The CSS that Superset gets for a dashboard."""
    return f"{shared}\n{_END}{own}" if shared else own


def split(css: str) -> tuple[str, str]:
    """The shared look and the dashboard's own CSS in what Superset holds."""
    before, end, after = css.replace("\r\n", "\n").partition(_END)
    return (before.strip(), after) if end else ("", css)
