"""The same rows from two engines: the pupil-grain models built on Spark, compared with PostgreSQL's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ravenstvo.calculation import spark
from ravenstvo.calculation.stages import environment
from ravenstvo.settings import Settings
from ravenstvo.warehouse.connection import connect
from ravenstvo.warehouse.regions import region_of


@dataclass(frozen=True)
class Comparison:
    """Rows of a table by engine, and how many rows of each the other has not, all columns compared.

    Counts, marks and keys are compared as they are; means and deviations, sums in another order, to nine decimals.
    """

    table: str
    rows: int
    other_rows: int
    only_spark: int
    only_postgresql: int

    @property
    def agrees(self) -> bool:
        """Whether both engines gave the same rows."""
        return self.rows == self.other_rows and not self.only_spark and not self.only_postgresql


def check(settings: Settings, years: list[int], say: Callable[[str], None]) -> list[Comparison]:
    """Build on Spark from the rows and keys of schools that PostgreSQL holds now, and compare; changes nothing.

    Raises SparkError.
    """
    with connect(settings) as connection, connection.cursor() as cursor:
        region = region_of(cursor, settings.region)
    found = []
    with environment(settings, {}), spark.session(settings, {"years": years, "region_code": region}) as ask:
        for half, tables in (("keys", spark.KEYS), ("results", spark.RESULTS)):
            built = ask(half)
            told = ", ".join(f"{table} {n}" for table, n in sorted(built["rows"].items()))
            say(f"Spark построил за {built['seconds']:.1f} с: {told}".replace(".", ","))
            for table in tables:
                answer = ask(f"compare {table}")
                answer.pop("seconds")
                one = Comparison(table, **answer)
                say(
                    f"{table}: строк Spark {one.rows}, PostgreSQL {one.other_rows}; различий "
                    f"{one.only_spark + one.only_postgresql}"
                )
                found.append(one)
    return found
