"""What each statement costs and is, as a table under version control.

    python -m circuits.pins [FILE]      write the table (default `tests/pins/circuits.csv`)

A changed number is then a visible line of a commit. A changed *digest* is another statement: keys
of the old one do not fit it, so a shipped statement that changes takes a new version instead.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from circuits import review
from circuits.registry import STATEMENTS
from circuits.statement import record
from zk.r1cs.matrices import R1CS

FILE: Final = Path(__file__).resolve().parent.parent / "tests" / "pins" / "circuits.csv"

Row = tuple[str, str, str]
"""(statement, measure, value)."""


def measures(shape: R1CS) -> list[Row]:
    """The pinned measures of one statement."""
    total = review.total_cost(shape)
    values: list[tuple[str, object]] = [
        ("rows", shape.rows),
        ("public inputs", shape.publics),
        ("wires", shape.wires),
        ("wires in B", review.g2_wires(shape)),
        ("domain", shape.domain),
        ("non-zeros A", total.a),
        ("non-zeros B", total.b),
        ("non-zeros C", total.c),
        *((f"rows of {cost.name}", cost.rows) for cost in _by_name(shape)),
        ("digest", shape.digest.hex()),
    ]
    return [(shape.name, measure, str(value)) for measure, value in values]


def table() -> str:
    """The whole table as CSV, one measure a line."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("statement", "measure", "value"))
    for make in STATEMENTS.values():
        writer.writerows(measures(record(make())))
    return out.getvalue()


def read(text: str) -> dict[tuple[str, str], str]:
    """(statement, measure) → value of a table."""
    return {
        (name, measure): value for name, measure, value in list(csv.reader(text.splitlines()))[1:]
    }


def _by_name(shape: R1CS) -> list[review.Cost]:
    return sorted(review.cost_by_clause(shape), key=lambda cost: cost.name)


def main(arguments: Sequence[str]) -> None:
    """Write the table."""
    (Path(arguments[0]) if arguments else FILE).write_text(table())


if __name__ == "__main__":
    main(sys.argv[1:])
