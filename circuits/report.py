"""Writes `circuits/README.md`: what each statement says and costs, made from the circuits.

python -m circuits.report            write the file
python -m circuits.report --check    fail where it is not up to date
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from circuits import review
from circuits.registry import STATEMENTS
from circuits.review import Cost
from circuits.statement import Statement, record_with_advice

README: Final = Path(__file__).resolve().parent / "README.md"

_HEAD: Final = """\
# Circuits

Made by `python -m circuits.report`; a test fails when it is out of date. A *row* is one constraint
(A·w)(B·w) = C·w; non-zeros are the sizes of the three matrices, which cost the prover as rows do. A
wire in B needs a point of G2. *Advice* is a value computed without a constraint: each site below is
a place where a reviewer must find the constraint that holds it.
"""


def render(statements: Iterable[Statement[Any, Any]] | None = None) -> str:
    """The text of the report, by default on all statements of the registry."""
    chosen = [make() for make in STATEMENTS.values()] if statements is None else statements
    return "\n".join([_HEAD, *(_section(s) for s in chosen)])


def _section(statement: Statement[Any, Any]) -> str:
    recorder = record_with_advice(statement)
    shape = recorder.finish()
    total = review.total_cost(shape)
    facts = [
        ("rows", f"{shape.rows:,}"),
        ("rows, public inputs and one", f"{shape.rows + shape.publics + 1:,} of {shape.domain:,}"),
        ("wires", f"{shape.wires:,}"),
        ("wires in B", f"{review.g2_wires(shape):,}"),
        ("non-zeros A / B / C", f"{total.a:,} / {total.b:,} / {total.c:,}"),
        ("digest", f"`{shape.digest.hex()}`"),
    ]
    publics = [
        (str(i), f"`{name}`") for i, name in enumerate(shape.wire_names[1 : shape.publics + 1], 1)
    ]
    advice = [
        (f"`{name}`", f"{uses:,}", f"{wires:,}")
        for name, (uses, wires) in review.advice_summary(recorder.advice).items()
    ]
    return "\n".join(
        [
            f"## {statement.id}\n",
            _prose(statement),
            "\n### Size\n",
            _table(("", ""), facts),
            "### Public inputs, in order\n",
            _table(("wire", "name"), publics),
            "### Cost by clause\n",
            _cost_table("clause", sorted(review.cost_by_clause(shape), key=lambda c: c.name)),
            "### Cost by part\n",
            _cost_table("scope", review.cost_by_scope(shape, depth=2)),
            "### Cost by gadget\n",
            "Rows by the innermost scope they are made in.\n",
            _cost_table("gadget", review.cost_by_gadget(shape)),
            "### Advice\n",
            _table(("site", "uses", "wires"), advice),
        ]
    )


def _prose(statement: Statement[Any, Any]) -> str:
    """The statement's docstring, its clauses as a list."""
    text = inspect.cleandoc(type(statement).__doc__ or "")
    return re.sub(r"^([A-Z]+[0-9]+)  +", r"* **\1** ", text, flags=re.MULTILINE)


def _cost_table(what: str, costs: Sequence[Cost]) -> str:
    rows = [
        (cost.name or "(none)", *(f"{n:,}" for n in (cost.rows, cost.a, cost.b, cost.c)))
        for cost in costs
    ]
    return _table((what, "rows", "A", "B", "C"), rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    rule = ["---", *["---:"] * (len(head) - 1)] if len(head) > 2 else ["---"] * len(head)
    lines = [head, rule, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def main(arguments: Sequence[str]) -> int:
    """Write the report, or with `--check` compare it."""
    text = render()
    if "--check" in arguments:
        same = README.exists() and README.read_text() == text
        if not same:
            sys.stderr.write("circuits/README.md is out of date: run python -m circuits.report\n")
        return 0 if same else 1
    README.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
