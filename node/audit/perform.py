"""From a source to a report: keys, work folder, audit, and again from genesis where that is due."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from circuits.key_registry import Registry
from node.audit import keys, work
from node.audit.engine import Audit, OtherHistory, Progress
from node.audit.errors import AuditError, NotExpected
from node.audit.report import AuditReport
from node.audit.sources import Source

Opened = Callable[[], AbstractContextManager[Source]]
"""Gives the source; called again where an audit begins again."""


@dataclass(frozen=True, slots=True)
class Options:
    """What an auditor chooses.

    Attributes:
        registry: whom to believe about keys.
        folder: of the work; None: one per chain below the cache.
        fresh: begin at genesis, whatever was done before.
        trust_bundled: also take keys that nobody but the bundle vouches for.
        chain, tip: AUD-018, the chain id and the hash of the last block that are expected.
    """

    registry: Registry
    folder: Path | None = None
    fresh: bool = False
    trust_bundled: bool = False
    chain: bytes | None = None
    tip: bytes | None = None


def perform(
    opened: Opened,
    options: Options,
    *,
    progress: Progress | None = None,
    note: Callable[[str], None] = lambda _line: None,
    warn: Callable[[str], None] = lambda _line: None,
) -> AuditReport:
    """Audit a history, going on from what an earlier audit of the chain left.

    Args:
        opened: gives the source.
        options: the auditor's.
        progress: called with blocks done and to do.
        note: called with lines for people.
        warn: called with culprits that were found in a source before it was refused itself.

    Raises:
        AuditError: the source is malformed (exit 3), its keys are refused (exit 8).
        NotExpected: AUD-018.
        WorkBusy: another audit has the folder.
    """
    try:
        report = _once(opened, options, options.fresh, progress, note, warn)
    except OtherHistory:
        note("the work folder holds another history or state of this chain: beginning at genesis")
        report = _once(opened, options, True, progress, note, warn)
    _check_expected("last block", options.tip, report.tip, report.source)
    return report


def _once(
    opened: Opened,
    options: Options,
    fresh: bool,
    progress: Progress | None,
    note: Callable[[str], None],
    warn: Callable[[str], None],
) -> AuditReport:
    with opened() as source:
        genesis = source.genesis
        _check_expected("chain", options.chain, genesis.chain_id, source.what)
        chosen, used = keys.choose(
            genesis, source.keys, options.registry, trust_bundled=options.trust_bundled
        )
        ceremony = keys.check_ceremony(genesis, source.ceremony, options.registry)
        folder = options.folder or work.default_folder(genesis)
        with work.in_folder(folder, genesis, fresh=fresh) as journal:
            if journal.height:
                note(f"blocks 1 to {journal.height} were audited before; --fresh does it again")
            audit = Audit(source, chosen, journal, progress=progress)
            try:
                report = audit.run()
            except AuditError:
                for culprit in audit.culprits:
                    warn(f"found before: {culprit.line}")
                raise
        report.keys, report.ceremony = used, ceremony
        return report


def _check_expected(what: str, expected: bytes | None, found: bytes, where: str) -> None:
    """AUD-018: the chain, and the last block, that the auditor had in mind."""
    if expected is not None and expected != found:
        raise NotExpected(
            "AUD-018",
            f"the {what} is {found.hex()}, {expected.hex()} was expected",
            where=where,
        )
