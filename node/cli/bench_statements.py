"""The circuits that benchmarks know by name: the action, SHA-256, and chains of Poseidon hashes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from zk.bench.errors import BenchError
from zk.bench.works import CHAIN

if TYPE_CHECKING:
    from circuits.samples.catalog import Sample
    from circuits.statement import Statement

ACTION: Final = "action"
_TARGETS: Final = {"s15": "sha256"}
_ROWS_LEFT: Final = 16
"""Rows of a domain that a chain's own last rows and those of public inputs may take."""


@dataclass(frozen=True, slots=True)
class Known:
    """A circuit by the name of its case.

    Attributes:
        case: its name.
        statement: what is proved.
        example: public inputs and witness of a true statement, from any text.
        target: what is proved, for exports.
        input_size: how much of it, in the target's unit; 0 where that has no meaning.
        sample: where its key and witness come from, if it is no statement of the protocol.
    """

    case: str
    statement: Statement[Any, Any]
    example: Callable[[str], tuple[Any, Any]]
    target: str
    input_size: int = 0
    sample: Sample | None = None


def find(case: str) -> Known:
    """The circuit of a case.

    Raises:
        BenchError: none has this name.
    """
    if case == ACTION:
        from circuits.example import example_action
        from circuits.registry import statement

        return Known(
            ACTION,
            statement(f"{ACTION}/1"),
            lambda label: example_action(label.encode()),
            "private_transfer",
        )
    sample = _sample(case)
    return Known(
        case,
        sample.statement(),
        lambda label: sample.example(number(label)),
        _TARGETS.get(case, "poseidon_chain"),
        sample.input_size,
        sample,
    )


def number(label: str) -> int:
    """A text as the small number that samples are derived from."""
    return int.from_bytes(hashlib.sha256(label.encode()).digest()[:4], "little")


def _sample(case: str) -> Sample:
    from circuits.samples import catalog

    if case == "s15":
        return catalog.sample("sha256")
    if CHAIN.fullmatch(case):
        return catalog.chain(hashes(int(case[1:])))
    raise BenchError(f"no circuit is called {case!r}", fix="see the cases of `chiaro bench list`")


def hashes(log: int) -> int:
    """The longest chain that fits into a domain of 2^log rows."""
    from circuits.samples.poseidon_chain import ROWS_PER_HASH

    return ((1 << log) - _ROWS_LEFT) // ROWS_PER_HASH
