"""Everything that this package can settle: whole transactions, exact swaps, limit orders."""

from __future__ import annotations

from node.intents.complete import CompleteSchema
from node.intents.errors import TooComplex
from node.intents.settlement import Complete, Component
from node.intents.solvers import cycles, pricing
from node.intents.solvers.problem import Problem


def complete(problem: Problem, seed: bytes) -> tuple[Component, ...]:  # noqa: ARG001
    """The whole transactions: nothing to be found, only to be named."""
    found: list[Component] = []
    used = set[bytes]()
    schema = CompleteSchema()
    items = [(i, schema.decode(i, problem.chain_id)) for i, _ in problem.of(schema.name)]
    for intent, terms in sorted(items, key=lambda item: (item[1].sequence, item[0].id)):
        if used.isdisjoint(terms.uses):
            used |= set(terms.uses)
            found.append(Complete(intent.id))
    return tuple(found)


def solve(problem: Problem, seed: bytes) -> tuple[Component, ...]:
    """All three, in this order; a part that is too complex is left out.

    Raises:
        TooComplex: every part that has anything to do is.
    """
    found: list[Component] = []
    refused: list[TooComplex] = []
    for part in (complete, cycles.solve, pricing.solve):
        try:
            found += part(problem, seed)
        except TooComplex as error:
            refused.append(error)
    if refused and not found:
        raise refused[0]
    return tuple(found)
