"""Written reasons: why what the lab cannot decide does no harm. Data beside the code, by statement.

A file belongs to one circuit, by digest: a circuit that changed asks for its reasons again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from zk import jsontext
from zk.errors import DigestMismatch, ParamsError

FOLDER: Final = Path(__file__).resolve().parent / "reasons"


@dataclass(frozen=True, slots=True)
class Reasons:
    """Reasons by name.

    Attributes:
        wires: site of a wire that may vary, or that does not follow from the inputs.
        divisions: site of a quotient that 0/0 would leave open.
        rows: name of a row, numbers collapsed, without which no forgery was found.
        only: site of a wire that may vary → where its reason holds, as beginnings of
            `case: full name`; everywhere for a site that is not listed.
    """

    wires: Mapping[str, str] = field(default_factory=dict)
    divisions: Mapping[str, str] = field(default_factory=dict)
    rows: Mapping[str, str] = field(default_factory=dict)
    only: Mapping[str, Sequence[str]] = field(default_factory=dict)


def path_of(identifier: str) -> Path:
    """Where the reasons of a statement are."""
    return FOLDER / f"{identifier.replace('/', '-')}.json"


def load(identifier: str, digest: str) -> Reasons:
    """The reasons of a statement; none where there is no file.

    Raises:
        DigestMismatch: they were written for another circuit.
        ParamsError: the file is malformed.
    """
    file = path_of(identifier)
    return parse(file.read_bytes(), digest, str(file)) if file.exists() else Reasons()


def parse(data: bytes, digest: str, where: str) -> Reasons:
    """The reasons in a file's bytes.

    Args:
        data: one JSON document.
        digest: of the circuit that they must be written for.
        where: the file, for messages.

    Raises:
        DigestMismatch: they were written for another circuit.
        ParamsError: the file is malformed.
    """
    try:
        document = jsontext.loads(data)
        written_for = document.pop("digest")
        document.pop("statement")
        reasons = Reasons(**document)
        tables = (reasons.wires, reasons.divisions, reasons.rows)
        texts = [t for table in tables for pair in table.items() for t in pair]
        texts += [t for limits in reasons.only.values() for t in limits]
        if not all(isinstance(t, str) for t in [written_for, *texts, *reasons.only]):
            raise TypeError
    except (ValueError, TypeError, KeyError, AttributeError):
        raise ParamsError("not a file of reasons", where=where) from None
    if written_for != digest:
        raise DigestMismatch(
            f"the reasons were written for the circuit {written_for[:16]}…, not {digest[:16]}…",
            where=where,
            fix="read each reason against the changed circuit, then set the digest",
        )
    return reasons
