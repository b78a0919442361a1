"""Programs whose results a chain may believe: their statements and keys.  Rule PV-189.

A program at its sizes is a statement like any other (ADR 0036): its name has the program's digest,
genesis names circuit and key, the registry says where the key comes from. A verifying key ships
with the project; a development chain's proving key is made at first use, in less than a second.

    python -m node.private.program_keys     make the development keys of programs again
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cache
from typing import Final

from circuits.key_registry import Registry
from circuits.keys import KeyStore, generate, recorded_shape
from node.private.sale_program import Market, SaleProgram
from private_exec.provable.transition import shape_of_program
from zk import backends, params
from zk.r1cs.matrices import R1CS

PLACES: Final = (2, 4, 8, 16)
"""Of auctions that there are keys for; places that nobody takes cost members, and nobody else."""
LADDERS: Final = ((4, 8), (8, 8))
"""Orders, and prices, of batches that there are keys for."""


@cache
def programs() -> Mapping[str, SaleProgram]:
    """All that there are keys for, by the names of their statements, sorted."""
    made = [SaleProgram(Market.AUCTION, (places,)) for places in PLACES]
    made += [SaleProgram(Market.BATCH, sizes) for sizes in LADDERS]
    return dict(sorted((program.statement, program) for program in made))


def shape_of(statement: str) -> R1CS:
    """The constraint system of a program's statement, or of another of this project.

    Raises:
        UnknownKey: no such statement.
    """
    program = programs().get(statement)
    return recorded_shape(statement) if program is None else shape_of_program(program.traced)


def key_store(listed: Registry | None = None) -> KeyStore:
    """Keys of all statements, those of programs among them; `listed` as in `KeyStore`."""
    return KeyStore(listed, shape=shape_of)


if __name__ == "__main__":
    generate(
        map(shape_of, programs()),
        params.root(),
        params.cache_dir() / "keys",
        backends.get(),
        sys.stdout.write,
    )
