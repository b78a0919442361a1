"""The sums of one project of a round of quadratic funding.  Rule PV-90.

A donation of c = w² comes with a proof that it is one, and counts with w. Only the sums S = Σ w and
T = Σ c are opened; from them `quadratic.settle` follows in public. Nothing is multiplied, so that
the sums are also those of the donations' commitments: everybody checks an opening by adding points.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from private_exec.programs.functions import total
from private_exec.programs.program import private_program
from private_exec.programs.trace import Secret
from private_exec.programs.types import Input, Output, Uint


@private_program(
    name="funding",
    sizes={"donations": 32},
    inputs={
        "roots": Input(Uint(32), giver="donor", per="donations"),
        "amounts": Input(Uint(64), giver="donor", per="donations"),
    },
    outputs={"roots_total": Output(Uint(44)), "total": Output(Uint(76))},
    leaks=(
        "The number of donations to each project is public, and so are both sums.",
        "One donation alone to a project is its sum: its amount is known.",
        "Two donations: both amounts follow from the sums, but not whose is which.",
        "All donors but one, together, know what that one gave.",
    ),
)
def funding(roots: Sequence[Secret], amounts: Sequence[Secret]) -> Mapping[str, Secret]:
    """Quadratic funding: sums of donations and of their square roots, per project."""
    return {"roots_total": total(roots), "total": total(amounts)}
