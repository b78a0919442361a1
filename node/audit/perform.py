"""From a source to a report: keys, work folder, audit, and again from genesis where that is due."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from circuits.keys import Registry
from node.audit import keys, work
from node.audit.engine import Audit, OtherHistory, Progress
from node.audit.report import AuditReport
from node.audit.sources import Source


def perform(
    opened: Callable[[], AbstractContextManager[Source]],
    registry: Registry,
    *,
    folder: Path | None = None,
    fresh: bool = False,
    trust_bundled: bool = False,
    progress: Progress | None = None,
    note: Callable[[str], None] = lambda _line: None,
) -> AuditReport:
    """Audit a history, going on from what an earlier audit of the chain left.

    Args:
        opened: gives the source; called again where the audit begins again.
        registry: whom to believe about keys.
        folder: of the work; default: one per chain below the cache.
        fresh: begin at genesis.
        trust_bundled: take keys on the bundle's word.
        progress: called with blocks done and to do.
        note: called with lines for people.

    Raises:
        AuditError: the source is malformed (exit 3), its keys are refused (exit 8).
        WorkBusy: another audit has the folder.
    """
    try:
        return _once(opened, registry, folder, fresh, trust_bundled, progress, note)
    except OtherHistory:
        note("the work folder holds another history of this chain: beginning at genesis")
        return _once(opened, registry, folder, True, trust_bundled, progress, note)


def _once(
    opened: Callable[[], AbstractContextManager[Source]],
    registry: Registry,
    folder: Path | None,
    fresh: bool,  # noqa: FBT001
    trust_bundled: bool,  # noqa: FBT001
    progress: Progress | None,
    note: Callable[[str], None],
) -> AuditReport:
    with opened() as source:
        genesis = source.genesis
        chosen, used = keys.choose(genesis, source.keys, registry, trust_bundled=trust_bundled)
        ceremony = keys.check_ceremony(genesis, source.ceremony)
        place = folder or work.default_folder(genesis)
        with work.in_folder(place, genesis, fresh=fresh) as journal:
            if not journal.empty and journal.height:
                note(f"blocks 1 to {journal.height} were audited before; --fresh does it again")
            report = Audit(source, chosen, journal, progress=progress).run()
        report.keys, report.ceremony = used, ceremony
        return report
