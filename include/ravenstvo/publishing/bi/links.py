"""Links from a row to a dashboard with one of its filters set: columns of the datasets (``include/bi/links.yaml``)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from ravenstvo.publishing.dictionary import Column, Mart


@dataclass(frozen=True)
class Link:
    """``column`` is the value given to the filter ``filter`` of the dashboard, ``text`` the column to be read."""

    name: str
    title: str
    description: str
    dashboard: str
    filter: str
    column: str
    text: str

    def fits(self, mart: Mart) -> bool:
        """Whether the mart has what the link needs, and does not bring such a column itself."""
        return self.column in mart.titles and self.name not in mart.titles

    def sql(self, mart: Mart) -> str:
        """An expression over the mart's columns: HTML with everything that comes from the data made harmless."""
        text = self.text if self.text in mart.titles else self.column
        # Rison's own escapes, then every byte as %XX: whatever the value holds, it stays one value in the address.
        value = f"""replace(replace("{self.column}", '!', '!!'), '''', '!''')"""
        value = f"regexp_replace(encode(convert_to({value}, 'UTF8'), 'hex'), '(..)', '%\\1', 'g')"
        shown = f'"{text}"'
        for letter, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("''", "&#39;")):
            shown = f"replace({shown}, '{letter}', '{entity}')"
        own = f"NATIVE_FILTER-{self.filter}"
        before = f'<a href="/superset/dashboard/{self.dashboard}/?native_filters=({own}:(id:{own},'
        condition = f"extraFormData:(filters:!((col:{self.column},op:IN,val:!(%27"
        between, after = "%27)))),filterState:(value:!(%27", '%27))))">'
        return f"'{before}{condition}' || {value} || '{between}' || {value} || '{after}' || {shown} || '</a>'"

    def as_column(self) -> Column:
        """The column as the dataset describes it."""
        return Column(self.name, self.title, self.description, "text")


def read(folder: Path) -> tuple[Link, ...]:
    """The links of ``include/bi``."""
    content = yaml.safe_load((folder / "links.yaml").read_text(encoding="utf-8"))
    return tuple(Link(name, **link) for name, link in content.items())
