"""Integer optimisation by HiGHS, behind one function. Answers are floats: check them elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

NODE_LIMIT: Final = 2_000
"""Divided by the number of variables: what a program may cost, the same on every machine."""


@dataclass(frozen=True, slots=True)
class Row:
    """lower ≤ Σ coefficient · variable ≤ upper."""

    coefficients: Mapping[int, float]
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of the objective Σ gain · variable.

    Attributes:
        gain: coefficient of the objective.
        upper: bound; the lower one is `lower`.
        integer: whole numbers only.
    """

    gain: float
    upper: float
    lower: float = 0.0
    integer: bool = False


INFINITY: Final = float("inf")


def maximise(variables: Sequence[Variable], rows: Sequence[Row]) -> list[float] | None:
    """The best assignment found, or None where there is none.

    Deterministic: one thread, a fixed seed, a limit of nodes and not of time.
    """
    import highspy

    model = highspy.Highs()  # type: ignore[no-untyped-call]
    for option, value in (
        ("output_flag", False),
        ("threads", 1),
        ("random_seed", 1),
        ("mip_max_nodes", 1 + NODE_LIMIT // max(1, len(variables))),
        ("mip_rel_gap", 0.0),
        ("mip_abs_gap", 1e-9),
        ("mip_feasibility_tolerance", 1e-9),
    ):
        model.setOptionValue(option, value)
    for at, variable in enumerate(variables):
        model.addVar(variable.lower, variable.upper)
        model.changeColCost(at, variable.gain)
        if variable.integer:
            model.changeColIntegrality(at, highspy.HighsVarType.kInteger)
    for row in rows:
        indices = list(row.coefficients)
        values = [row.coefficients[at] for at in indices]
        model.addRow(row.lower, row.upper, len(indices), indices, values)
    model.changeObjectiveSense(highspy.ObjSense.kMaximize)
    model.run()
    answer = [float(value) for value in model.getSolution().col_value]
    status = model.getModelStatus()
    settled = (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kSolutionLimit)
    return answer if status in settled and len(answer) == len(variables) else None
