"""Names of a circuit's wires: `.sym`, lines of label, wire, component, name.

    2,2,0,main.root
    17,-1,3,main.tree.hash.x[4]

A label is a signal of the source; its wire is −1 where the compiler removed it. The constant wire
has no line. Tools of several families read these files; messages become readable by them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from zk.errors import FormatError
from zk.r1cs.matrices import R1CS

MAX_LINE: Final = 1 << 12
REMOVED: Final = -1

_LINE: Final = re.compile(rb"(\d{1,18}),(-1|\d{1,10}),(\d{1,10}),([^,\r\n]+)\r?\n?\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Symbol:
    """One signal: its label, its wire or −1, its component's number, its full name."""

    label: int
    wire: int
    component: int
    name: str


def write_sym(shape: R1CS, path: Path, *, component: str = "main") -> None:
    """Write the names of a statement of ours.

    A wire's name is a path of scopes; scopes get numbers in order of appearance.
    """
    components: dict[str, int] = {}
    symbols = []
    for wire, name in enumerate(shape.wire_names[1:], start=1):
        scope, _, _ = name.rpartition(".")
        number = components.setdefault(scope, len(components))
        symbols.append(Symbol(wire, wire, number, f"{component}.{name.replace(',', ';')}"))
    write_symbols(symbols, path)


def write_symbols(symbols: Iterable[Symbol], path: Path) -> None:
    """Write symbols, a line each."""
    lines = (f"{s.label},{s.wire},{s.component},{s.name}\n" for s in symbols)
    path.write_text("".join(lines), encoding="utf-8", newline="")


def read_sym(source: Path | bytes) -> list[Symbol]:
    """All symbols of a file.

    Raises:
        FormatError: FMT-030, a line that is none, named by number and offset.
        OSError: the file cannot be read.
    """
    return list(_symbols(source))


def _symbols(source: Path | bytes) -> Iterator[Symbol]:
    path = str(source) if isinstance(source, Path) else ""
    data = source.read_bytes() if isinstance(source, Path) else source
    at = 0
    for number, line in enumerate(data.splitlines(keepends=True), start=1):
        found = _LINE.match(line) if len(line) <= MAX_LINE else None
        try:
            if found is None:
                raise ValueError
            label, wire, component = (int(part) for part in found.groups()[:3])
            yield Symbol(label, wire, component, found[4].decode("utf-8"))
        except ValueError:
            message = f"line {number} is not label,wire,component,name"
            raise FormatError(message, offset=at, where=path, code="FMT-030") from None
        at += len(line)


def named(shape: R1CS, symbols: Iterable[Symbol]) -> R1CS:
    """The same circuit with the wires' names from a `.sym` file; the first name of a wire counts.

    Raises:
        FormatError: FMT-030, a symbol of a wire that the circuit does not have.
    """
    names: list[str | None] = ["one", *[None] * (shape.wires - 1)]
    for symbol in symbols:
        if symbol.wire == REMOVED:
            continue
        if not symbol.wire < shape.wires:
            raise FormatError(
                f"{symbol.name[:80]} is wire {symbol.wire} of {shape.wires}", code="FMT-030"
            )
        if names[symbol.wire] is None:
            names[symbol.wire] = symbol.name
    return replace(shape, wire_names=tuple(n or f"w{i}" for i, n in enumerate(names)))
