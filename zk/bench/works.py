"""What can be measured: names, sizes, variants of the inputs, and how answers are compared.

The names are those of the protocol chiaro-peer/1 (tests/peers/README.md). A size counts what the
work's unit says. A *case* is a kind of input: `random` unless something else is asked for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from zk.bench.errors import BenchError

Agreement = Literal["same", "proof", "none"]
"""How answers are compared: equal texts, proofs that all verify, or not at all."""

RANDOM: Final = "random"
MSM_CASES: Final = (
    RANDOM, "bits", "zeros", "equal-scalars", "equal-points", "opposite-points", "infinities",
)  # fmt: skip
MUL_CASES: Final = (RANDOM, "lanes")
PROOFS: Final = ("prove", "verify", "verify_batch")
OWN_FILES: Final = ("load_key", *PROOFS)
CIRCUITS: Final = ("witness", "load_key", "setup", *PROOFS, "transfer")
SAMPLES: Final = ("action", "s15", "p13", "p15", "p17")
CHAIN: Final = re.compile(r"p(1\d|2[0-2])")
"""Cases of circuits: p13 is the longest chain of Poseidon hashes for a domain of 2¹³ rows."""


@dataclass(frozen=True, slots=True)
class Work:
    """One kind of work.

    Attributes:
        name: in commands, files and the protocol.
        title: what it is, for people.
        unit: what a size counts.
        sizes: measured when no size is asked for; empty where the inputs decide.
        agreement: how answers are compared.
        cases: kinds of input, the default first.
        powers: whether a size must be a power of two.
        scalable: whether another size can be asked for.
    """

    name: str
    title: str
    unit: str
    sizes: tuple[int, ...]
    agreement: Agreement = "same"
    cases: tuple[str, ...] = (RANDOM,)
    powers: bool = False
    scalable: bool = True


def _sizes(*logs: int) -> tuple[int, ...]:
    return tuple(1 << log for log in logs)


WORKS: Final[dict[str, Work]] = {
    work.name: work
    for work in (
        Work("fp_mul", "products in the base field", "products", (1_000_000,), cases=MUL_CASES),
        Work("fr_mul", "products in the scalar field", "products", (1_000_000,), cases=MUL_CASES),
        Work(
            "msm_g1",
            "multi-scalar multiplication in G1",
            "points",
            _sizes(14, 16, 18, 20),
            cases=MSM_CASES,
        ),
        Work(
            "msm_g2",
            "multi-scalar multiplication in G2",
            "points",
            _sizes(14, 16),
            cases=MSM_CASES,
        ),
        Work(
            "ntt",
            "number-theoretic transform over Fr",
            "values",
            _sizes(12, 14, 16, 18, 20),
            powers=True,
        ),
        Work("poseidon", "Poseidon of two inputs", "hashes", (1000,), cases=(RANDOM, "batch")),
        Work("pairing", "one pairing", "pairings", (1,), "none", scalable=False),
        Work("witness", "all wires of a circuit from its inputs", "constraints", (), cases=SAMPLES),
        Work("load_key", "reading a .zkey", "domain", (), cases=SAMPLES),
        Work("setup", "keys of a circuit from given secrets", "domain", (), cases=SAMPLES),
        Work("prove", "Groth16 proof from .zkey and .wtns", "domain", (), "proof", SAMPLES),
        Work("verify", "one Groth16 proof checked", "proofs", (1,), cases=SAMPLES, scalable=False),
        Work("verify_batch", "Groth16 proofs checked together", "proofs", (64,), cases=SAMPLES),
        Work(
            "transfer",
            "proof of a private transfer: witness, proof, own check",
            "domain",
            (),
            "proof",
            ("action",),
        ),
        Work(
            "start",
            "from starting a process to a backend that is ready",
            "processes",
            (1,),
            cases=("cached", "empty"),
            scalable=False,
        ),
        Work("scan", "outputs of a chain tried with a viewing key", "outputs", (1000,)),
    )
}

ALIASES: Final[dict[str, tuple[str, ...]]] = {
    "field": ("fp_mul", "fr_mul"),
    "msm": ("msm_g1", "msm_g2"),
    "hash": ("poseidon",),
    "batch": ("verify_batch",),
    "all": tuple(WORKS),
}


def find(name: str) -> tuple[Work, ...]:
    """The works that a word of the command line means.

    Raises:
        BenchError: no such work.
    """
    names = ALIASES.get(name, (name,))
    if names[0] not in WORKS:
        known = ", ".join([*WORKS, *ALIASES])
        raise BenchError(f"no work is called {name!r}", fix=f"take one of {known}")
    return tuple(WORKS[each] for each in names)


def has_case(work: Work, case: str) -> bool:
    """Whether a work has such a kind of input."""
    return case in work.cases or (work.cases == SAMPLES and bool(CHAIN.fullmatch(case)))


def parse_size(text: str) -> int:
    """`65536`, or `2^16`.

    Raises:
        BenchError: not a size.
    """
    base, caret, exponent = text.strip().partition("^")
    size = 0
    if base.isdecimal() and (not caret or (exponent.isdecimal() and len(exponent) <= 2)):
        size = int(base) ** int(exponent or 1)
    if not 1 <= size <= 1 << 28:
        raise BenchError(
            f"{text!r} is no size", fix="write 65536, 2^16, 2^14,2^16 or the range 2^10..2^16"
        )
    return size


def parse_sizes(text: str) -> tuple[int, ...]:
    """A list `2^14,2^16,1000`, whose items may be ranges by doubling: `2^10..2^16`.

    Raises:
        BenchError: not such a list.
    """
    found: list[int] = []
    for item in text.split(","):
        first, dots, last = item.partition("..")
        low = parse_size(first)
        high = parse_size(last) if dots else low
        if high < low:
            raise BenchError(f"the range {item} is empty", fix="write the smaller size first")
        while low <= high:
            found.append(low)
            low *= 2
    return tuple(dict.fromkeys(found))


def size_text(size: int) -> str:
    """`2^16` where that says it, else the number."""
    return f"2^{size.bit_length() - 1}" if size >= 1024 and size & (size - 1) == 0 else str(size)
