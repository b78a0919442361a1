"""What a program declares: who gives which values, and who gets which.  Rules PV-83 to PV-85.

A value is a whole number with a known range. `Uint(32)` holds numbers below 2³², `Below("ticks")`
those below a size of the program; sizes are chosen when a program is set up (how many bidders), and
are public.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from private_exec.programs.errors import ProgramRefused

PUBLIC: Final = "public"
"""Whom an output is for that everybody sees."""
MAX_BITS: Final = 96
"""Of a value that comes in or goes out: amounts are below 2⁶⁴, sums of many a little more."""
MAX_SIZE: Final = 4096
"""Of anything that a program counts."""


@dataclass(frozen=True, slots=True)
class Uint:
    """Numbers in [0, 2^bits).

    Raises:
        ProgramRefused: PV-85, a length that is none.
    """

    bits: int

    def __post_init__(self) -> None:
        if not 1 <= self.bits <= MAX_BITS:
            raise ProgramRefused("PV-85", f"a value has 1 to {MAX_BITS} bits, not {self.bits}")

    def most(self, sizes: Mapping[str, int]) -> int:
        """The largest number of the type."""
        del sizes
        return (1 << self.bits) - 1

    def __str__(self) -> str:
        return f"{self.bits} bit" + ("s" if self.bits > 1 else "")


@dataclass(frozen=True, slots=True)
class Below:
    """Numbers in [0, n), where n is a size of the program."""

    size: str

    def most(self, sizes: Mapping[str, int]) -> int:
        """The largest number of the type."""
        return sizes[self.size] - 1

    def __str__(self) -> str:
        return f"below {self.size}"


Type = Uint | Below


@dataclass(frozen=True, slots=True)
class Input:
    """Values that somebody gives.

    Attributes:
        type: range of each.
        giver: who, for people to read, such as `bidder`.
        per: the size that says how many givers there are; none: one.
    """

    type: Type
    giver: str
    per: str | None = None

    def count(self, sizes: Mapping[str, int]) -> int:
        """How many values this is."""
        return 1 if self.per is None else sizes[self.per]

    def __str__(self) -> str:
        return f"{self.type} of {'the' if self.per is None else 'each'} {self.giver}"


@dataclass(frozen=True, slots=True)
class Output:
    """Values that come out.

    Attributes:
        type: range of each.
        to: `PUBLIC`, or the giver who gets its own as a new encrypted value.
        per: the size that says how many there are; none: one.
    """

    type: Type
    to: str = PUBLIC
    per: str | None = None

    def count(self, sizes: Mapping[str, int]) -> int:
        """How many values this is."""
        return 1 if self.per is None else sizes[self.per]

    def __str__(self) -> str:
        whom = "everybody" if self.to == PUBLIC else f"each {self.to}, its own"
        return f"{self.type} to {whom}"


@dataclass(frozen=True, slots=True)
class Declaration:
    """All that is said of a program before it runs.

    Attributes:
        name: such as `auction`.
        version: a changed program is another version.
        sizes: those it has, and how large each is unless said otherwise.
        inputs: by name, in order.
        outputs: by name, in order.
        leaks: what the outputs tell about the inputs, in sentences for people.
    """

    name: str
    version: int
    sizes: Mapping[str, int]
    inputs: Mapping[str, Input]
    outputs: Mapping[str, Output]
    leaks: tuple[str, ...]

    def __post_init__(self) -> None:
        declared: dict[str, Input | Output] = {**self.inputs, **self.outputs}
        for where, item in declared.items():
            sized = item.type.size if isinstance(item.type, Below) else None
            for size in (item.per, sized):
                if size is not None and size not in self.sizes:
                    raise ProgramRefused("PV-83", f"there is no size {size}", where=where)
        givers = {(item.giver, item.per) for item in self.inputs.values()}
        for name, output in self.outputs.items():
            if output.to != PUBLIC and (output.to, output.per) not in givers:
                text = f"{output.to} gives nothing to this program, or not as many values"
                raise ProgramRefused("PV-84", text, where=name)

    def at(self, sizes: Mapping[str, int]) -> dict[str, int]:
        """The sizes of one use: the program's own, but for those that are said.

        Raises:
            ProgramRefused: PV-83, a size that the program has not, or that is out of range.
        """
        chosen = {**self.sizes, **sizes}
        for name, size in chosen.items():
            if name not in self.sizes:
                has = ", ".join(self.sizes) or "none"
                raise ProgramRefused("PV-83", f"no size is called so; there are: {has}", where=name)
            if not 1 <= size <= MAX_SIZE:
                text = f"{size} is not between 1 and {MAX_SIZE}"
                raise ProgramRefused("PV-83", text, where=name)
        return chosen
