"""The whole examination of a statement, and its certificate."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from circuits import review
from circuits.lab import deletions, determined, mutants, ranges
from circuits.lab.determined import Determined
from circuits.lab.program import Program
from circuits.lab.reasons import Reasons
from circuits.lab.subject import Draws, Subject, row_class, site
from zk import jsontext
from zk.errors import ParamsError
from zk.interfaces import Progress
from zk.r1cs.matrices import R1CS

SCHEMA: Final = "chiaro.certificate/1"
CERTIFICATES: Final = Path(__file__).resolve().parent / "certificates"


def path_of(identifier: str) -> Path:
    """Where the certificate of a statement is."""
    return CERTIFICATES / f"{identifier.replace('/', '-')}.json"


@dataclass(slots=True)
class Certificate:
    """What was examined and found.

    Attributes:
        data: as written to a file: numbers, names and reasons only.
        unexplained: findings without a reason, and reasons without a finding; one sentence each.
    """

    data: dict[str, Any]
    unexplained: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether everything found has its reason."""
        return not self.unexplained

    def document(self) -> dict[str, Any]:
        """The certificate with its verdict."""
        return {**self.data, "unexplained": self.unexplained, "passed": self.passed}

    def text(self) -> str:
        """The file's content."""
        return text(self.document())


def text(document: Mapping[str, Any]) -> str:
    """A certificate as a file has it."""
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def parse(data: bytes, where: str) -> dict[str, Any]:
    """A certificate in a file's bytes.

    Raises:
        ParamsError: it is none.
    """
    try:
        document = jsontext.loads(data)
    except ValueError:
        document = None
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise ParamsError(f"not one JSON document of {SCHEMA}", where=where)
    deletions_made = document.get("deletions")
    if not isinstance(deletions_made, dict) or "examined" not in deletions_made:
        raise ParamsError("a certificate that does not say what was deleted", where=where)
    return document


class _Explained:
    """Findings with their reasons; keeps account of both."""

    def __init__(self, reasons: Reasons) -> None:
        self._tables = {
            "wire": reasons.wires,
            "division": reasons.divisions,
            "row": reasons.rows,
        }
        self._only = reasons.only
        self._used: set[tuple[str, str]] = set()
        self._limited: set[str] = set()
        self.unexplained: list[str] = []

    def reason(self, kind: str, name: str, finding: str) -> str:
        """The reason for a finding, or nothing."""
        found = self._tables[kind].get(name, "")
        self._used.add((kind, name))
        if not found:
            self.unexplained.append(f"{finding}: {name}")
        return found

    def limits(self, name: str, survivors: Sequence[mutants.Survivor]) -> None:
        """Survivors outside the places where the reason for their site holds are findings."""
        if name not in self._only:
            return
        self._limited.add(name)
        met: set[str] = set()
        for survivor in survivors:
            place = f"{survivor.case}: {survivor.wire}"
            found = [begin for begin in self._only[name] if place.startswith(begin)]
            met.update(found)
            if not found:
                text = f"a changed wire that no row noticed where its reason does not hold: {place}"
                if text not in self.unexplained:
                    self.unexplained.append(text)
        self.unexplained += [
            f"a reason for a place that needs none: {begin}"
            for begin in self._only[name]
            if begin not in met
        ]

    def stale(self) -> None:
        """Reasons that explained nothing are findings, too."""
        self.unexplained += [
            f"a reason for a {kind} that needs none: {name}"
            for kind, table in self._tables.items()
            for name in table
            if (kind, name) not in self._used
        ]
        self.unexplained += [
            f"a limit on a reason that is not needed: {name}"
            for name in self._only
            if name not in self._limited
        ]


def audit(
    subject: Subject,
    reasons: Reasons | Callable[[str, str], Reasons],
    seed: str = "0",
    progress: Progress | None = None,
    *,
    every_row: bool = False,
) -> Certificate:
    """Examine a statement.

    Args:
        subject: the statement with its examples.
        reasons: for what cannot be decided; or (id, digest in hex) → reasons.
        seed: of whatever is random.
        progress: called with a phase and the share of it that is done.
        every_row: look for a forged witness for each row, not one of each class of copies.

    Raises:
        Unsatisfied: an example of a true statement is none.
    """
    draws = Draws(seed)
    if progress is not None:
        progress("record", 0.0)
    program = Program(subject.statement)
    shape = program.shape
    digest = shape.digest.hex()
    chosen = reasons if isinstance(reasons, Reasons) else reasons(shape.name, digest)
    explained = _Explained(chosen)
    given = [w for w in program.brought if subject.inputs(shape.wire_names[w])]
    stated = [w for w, name in enumerate(shape.wire_names) if name in subject.stated]
    data: dict[str, Any] = {
        "schema": SCHEMA,
        "statement": shape.name,
        "digest": "0x" + digest,
        "seed": seed,
        "cases": [case.name for case in subject.cases],
        "rows": shape.rows,
        "wires": shape.wires,
        "public_inputs": shape.publics,
        "brought": len(program.brought),
        "advised": len(program.advised),
    }
    data |= _mutants(subject, program, draws, progress, explained)
    data["deletions"] = _deletions(subject, program, draws, progress, explained, every_row)
    if progress is not None:
        progress("algebra", 0.0)
    known = sorted([*(given or program.brought), *stated])
    data |= structure(shape, known, explained.reason, explained.unexplained)
    explained.stale()
    if progress is not None:
        progress("algebra", 1.0)
    return Certificate(data, explained.unexplained)


def _mutants(
    subject: Subject,
    program: Program,
    draws: Draws,
    progress: Progress | None,
    explained: _Explained,
) -> dict[str, Any]:
    report = mutants.run(subject, program, draws, progress)
    names = program.shape.wire_names[1 : program.shape.publics + 1]
    unnoticed = []
    for name in names:
        if name in report.noticed:
            continue
        explained.limits(name, [s for s in report.survivors if s.wire == name])
        reason = explained.reason("wire", name, "a changed public input that no row noticed")
        unnoticed.append({"input": name, "reason": reason})
    groups: dict[str, list[mutants.Survivor]] = {}
    for survivor in report.survivors:
        if survivor.wire not in names:
            groups.setdefault(site(survivor.wire), []).append(survivor)
    for name, group in groups.items():
        explained.limits(name, group)
    survivors = [
        {
            "site": name,
            "wires": len({s.wire for s in group}),
            "changes": list(dict.fromkeys(s.change for s in group)),
            "cases": list(dict.fromkeys(s.case for s in group)),
            "reason": explained.reason("wire", name, "a changed wire that no row noticed"),
        }
        for name, group in sorted(groups.items())
    ]
    return {
        **({"unnoticed": unnoticed} if unnoticed else {}),
        "mutants": report.mutants,
        "killed": report.killed,
        "killed_by": dict(sorted(report.by_clause.items())),
        "mended": report.mended,
        "alone": report.alone,
        "survivors": survivors,
        "mutants_transcript": report.transcript,
    }


def _deletions(
    subject: Subject,
    program: Program,
    draws: Draws,
    progress: Progress | None,
    explained: _Explained,
    every_row: bool,
) -> dict[str, Any]:
    report = deletions.run(subject, program, draws, progress, every_row=every_row)
    names = dict.fromkeys(row_class(program.shape, row) for row in report.open)
    return {
        "rows": report.rows,
        "classes": report.classes,
        "examined": report.examined,
        "forged": report.forged,
        "with_repairs": report.repaired,
        "suspects": {k: program.shape.row_scopes[row] for k, row in report.suspects.items()},
        "open": [
            {"row": name, "reason": explained.reason("row", name, "a row that no forgery needs")}
            for name in names
        ],
        "transcript": report.transcript,
    }


Reason = Callable[[str, str, str], str]
"""(kind, name, finding) → reason, or nothing."""


def structure(
    shape: R1CS, given: Sequence[int], reason: Reason, unexplained: list[str]
) -> dict[str, Any]:
    """What the rows alone say: unread wires, decompositions, what follows from the given wires.

    Args:
        shape: the circuit.
        given: wires taken for known.
        reason: for open wires and divisions.
        unexplained: findings are added here.
    """
    unread = review.unused_wires(shape)
    unexplained += [f"a wire that no row reads: {name}" for name in unread]
    rows = determined.rows_of(shape)
    found = determined.solve(shape, given)
    decompositions = []
    for each in ranges.find(rows):
        probes = ranges.probe(rows, each)
        wrong = [probe.what for probe in probes if not probe.right]
        name = row_class(shape, each.row)
        unexplained += [f"{name}: {each.width} bits, {what} is decided wrongly" for what in wrong]
        decompositions.append(
            {"row": name, "bits": each.width, "probes": len(probes), "wrong": wrong}
        )
    return {
        "unread": unread,
        "decompositions": _merged(decompositions),
        "determined": _determined(found, given, reason),
    }


def _determined(found: Determined, given: Sequence[int], reason: Reason) -> dict[str, Any]:
    shape = found.shape
    divisions = _sites(shape, found.divisions)
    open_wires = _sites(shape, found.open)
    by_division = len(found.divisions) + len(found.quotients)
    bits = sum(found.widths)
    return {
        "given": len(given),
        "follow": len(found.known) - len(given) - 1,
        "by_decomposition": bits,
        "by_zero_test": len(found.flags),
        "by_division": by_division,
        "never_0_over_0": len(found.quotients),
        "divisions": [
            {
                "site": name,
                "wires": count,
                "reason": reason("division", name, "a quotient that 0/0 leaves open"),
            }
            for name, count in divisions.items()
        ],
        "open": [
            {
                "site": name,
                "wires": count,
                "reason": reason("wire", name, "a wire that does not follow from the inputs"),
            }
            for name, count in open_wires.items()
        ],
        "rows_that_test": len(found.checks()),
    }


def _sites(shape: R1CS, wires: Iterable[int]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for wire in wires:
        name = site(shape.wire_names[wire])
        counts[name] = counts.get(name, 0) + 1
    return dict(sorted(counts.items()))


def _merged(decompositions: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Decompositions that are alike, once, with their number."""
    merged: dict[str, dict[str, Any]] = {}
    for each in decompositions:
        key = json.dumps(each, ensure_ascii=False)
        merged.setdefault(key, {**each, "count": 0})["count"] += 1
    return list(merged.values())
