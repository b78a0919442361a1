"""The audit: every block of a history checked and executed again, from genesis to its last.

What needs no state (form, links, signatures, proofs) is checked of every block, a window at a time,
all proofs of a window in one batch. What needs the state is checked by executing, as long as every
block before holds; at the first that does not, execution ends, and the rest of the history is still
searched for what needs no state.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from node.app import assembly
from node.audit.errors import AuditError
from node.audit.proofs import BatchVerifier
from node.audit.report import AuditReport, Counts, Culprit, Point
from node.audit.sources import Raw, Source
from node.audit.supply import SupplyAudit
from node.audit.work import Figures, Journal
from node.consensus.application import (
    LedgerApplication,
    check_follows,
    check_sizes,
)
from node.consensus.errors import InvalidBlock
from node.core.block import Block, Receipt
from node.core.errors import ConsensusFault, NotFound
from node.core.head import ZERO_HASH, Head
from node.core.ids import EnvironmentId, Height, Kind
from node.core.interfaces import ProofClaim
from node.da.errors import DataRefused
from node.execution import turnstile
from node.execution.run import MACHINE_FAULTS
from node.lane import lead, payload, settled
from node.lane.blobs import attached
from node.lane.blobs.attached import Attached, Contents
from node.lane.blobs.blob import NoBytes
from node.lane.payload import Tag
from node.store.chain import decode_receipts, encode_receipts
from zk.errors import ChiaroError, DecodeError
from zk.groth16.keys import VerifyingKey

WINDOW_PROOFS: Final = 256
WINDOW_BYTES: Final = 16 << 20
WINDOW_BLOCKS: Final = 512
"""A window ends when it reaches one of these."""
POINTS: Final = 240
"""Runs of blocks in the report's plots, about."""
_MOST_CODE: Final = 32
"""Characters of a recorded code that a culprit quotes: a stranger may write megabytes."""
_CROSSINGS: Final = frozenset({"credit", "debit", turnstile.HIDDEN_EVENT})
_SETTLING: Final = frozenset({Tag.END, Tag.SUBMIT})
"""Transactions of the sealed lane that have others inside."""
_PLACE: Final = re.compile(r"transaction (\d+)")

Progress = Callable[[int, int], None]
"""Blocks done, blocks to do."""


class OtherHistory(Exception):
    """AUD-017: the work folder holds other blocks than the source, or not their state."""


@dataclass(slots=True)
class _Item:
    """A block of the window."""

    raw: Raw
    block: Block
    receipts: tuple[Receipt, ...]
    claims: list[ProofClaim]
    """That are judged with its window."""
    proofs: int
    """How many of them are its own: what is only submitted stands in a later block again."""
    fault: InvalidBlock | None
    """What is wrong with its header or size."""
    blobs: Contents
    """What it orders and does not have."""


class Audit:
    """One audit.

    Args:
        source: the history.
        keys: verifying key of each statement, chosen and linted by `node.audit.keys`.
        work: where the state goes; what it holds of this chain is not executed again.
        progress: called as blocks are done.
        window: proofs to gather for one batch.
    """

    def __init__(
        self,
        source: Source,
        keys: Mapping[str, VerifyingKey],
        work: Journal,
        *,
        progress: Progress | None = None,
        window: int = WINDOW_PROOFS,
    ) -> None:
        genesis = source.genesis
        assembly.check_interpreter()
        self._source = source
        self._work = work
        self._progress = progress or (lambda _done, _all: None)
        self._window = window
        self._verifier = BatchVerifier(keys)
        self._attached = Attached()
        self._executor = assembly.executor(genesis, self._verifier, self._attached)
        self._application = LedgerApplication(genesis, self._executor, work)
        self._genesis = genesis
        self._head = Head(Height(0), genesis.time_ms, ZERO_HASH)
        self._proof_us = 0
        self._report = AuditReport(
            source=source.what,
            chain_id=genesis.chain_id,
            name=genesis.name,
            profile=genesis.profile,
            height=source.height,
        )

    def run(self) -> AuditReport:
        """Audit the whole history.

        Raises:
            OtherHistory: `work` holds other blocks of this chain; empty it and begin again.
            AuditError: AUD-001 … AUD-008, the source is malformed.
            ConsensusFault, StoreError, BackendError: this machine cannot go on.
        """
        started = time.perf_counter()
        report = self._report
        supply = self._begin()
        self._verifier.forget_times()
        report.resumed = min(self._work.height, self._source.height)
        try:
            for window in self._windows():
                self._verify(window)
                for item in window:
                    self._check(item, supply)
        finally:
            report.seconds = time.perf_counter() - started
        self._finish(supply)
        report.seconds = time.perf_counter() - started
        return report

    @property
    def culprits(self) -> Sequence[Culprit]:
        """Found so far, also by a run that was refused for its source."""
        return self._report.culprits

    def _verify(self, window: Sequence[_Item]) -> None:
        """All proofs of a window in one batch; their verdicts wait for the executor."""
        judged, seconds = self._verifier.judged, self._verifier.seconds
        self._verifier.verify([claim for item in window for claim in item.claims])
        judged, seconds = self._verifier.judged - judged, self._verifier.seconds - seconds
        self._proof_us = max(1, round(1e6 * seconds / judged)) if judged else 0

    # --- where to begin ----------------------------------------------------------------------

    def _begin(self) -> SupplyAudit:
        """Genesis into an empty folder, or the last block there executed again (CH-24).

        A block that comes out otherwise now says nothing of the chain: begin again.
        """
        if self._work.empty:
            self._application.init_chain()
            return SupplyAudit(self._genesis)
        try:
            self._application.check_head()
        except ConsensusFault as fault:
            raise OtherHistory from fault
        return SupplyAudit(self._genesis, self._work.reader())

    # --- reading -----------------------------------------------------------------------------

    def _windows(self) -> Iterator[list[_Item]]:
        """Blocks that `work` does not have, gathered until there are proofs for a batch.

        A source that turns out to be malformed gives what was read before it is refused.
        """
        window: list[_Item] = []
        proofs = size = 0
        known = self._work.height
        malformed: AuditError | None = None
        try:
            for raw in self._source.blocks(max(min(known, self._source.height), 1)):
                if raw.height <= known:
                    self._compare(raw)
                    continue
                item = self._decoded(raw)
                window.append(item)
                proofs += len(item.claims)
                size += len(raw.block) + len(raw.receipts)
                if proofs >= self._window or size >= WINDOW_BYTES or len(window) >= WINDOW_BLOCKS:
                    yield window
                    window, proofs, size = [], 0, 0
        except AuditError as error:
            malformed = error
        if window:
            yield window
        if malformed is not None:
            raise malformed

    def _compare(self, raw: Raw) -> None:
        """AUD-017: a block that was executed in an earlier run is the same, byte for byte."""
        block, receipts = self._application.chain.raw(Height(raw.height))
        if (raw.block, raw.receipts) != (block, receipts):
            raise OtherHistory
        header = Block.from_bytes(block).header
        self._head = Head(header.height, header.time_ms, header.hash)
        self._progress(raw.height, self._source.height)

    def _decoded(self, raw: Raw) -> _Item:
        """AUD-008: block and receipts decode. Links and sizes are looked at, claims gathered."""
        try:
            block, receipts = Block.from_bytes(raw.block), decode_receipts(raw.receipts)
        except DecodeError as error:
            raise AuditError(
                "AUD-008",
                f"{error.id}: {error.message}",
                where=f"block {raw.height}: {error.where}",
            ) from error
        fault = None
        try:
            check_follows(block, self._head, self._genesis.chain_id)
            check_sizes(block, self._genesis.parameters)
        except InvalidBlock as error:
            fault = error
        header = block.header
        self._head = Head(header.height, header.time_ms, header.hash)
        intake = self._executor.intake
        claims = intake.look_ahead(block.txs, header.height)
        tried: list[ProofClaim] = []
        for tx in block.txs:  # AUD-021
            tag = payload.tag_of_wire(tx)
            if tag in _SETTLING:
                into = claims if tag is Tag.END else tried
                into += [c for inner in settled.proposed(tx) for c in intake.claims(inner)]
        blobs = self._blobs(raw, block, receipts)
        return _Item(raw, block, receipts, [*claims, *tried], len(claims), fault, blobs)

    def _blobs(self, raw: Raw, block: Block, receipts: Sequence[Receipt]) -> Contents:
        """AUD-019: what lies beside the block is what it ordered, and proves itself."""
        try:
            return attached.read(raw.blobs, attached.due(block, receipts))
        except (DecodeError, DataRefused) as error:
            raise AuditError(
                "AUD-019",
                f"{error.id}: {error.message}",
                where=f"block {raw.height}: {error.where}",
                why="without the bytes of its blobs nobody can execute a block again",
                fix="audit a node that keeps them for good, or a bundle of one",
            ) from error

    # --- one block ---------------------------------------------------------------------------

    def _check(self, item: _Item, supply: SupplyAudit) -> None:
        """AUD-012: the block as a validator would see it; then, as long as all hold, execution."""
        before = len(self._report.culprits) + self._report.more
        height, block = item.raw.height, item.block
        if item.fault is not None:
            self._accuse(item, None, item.fault.rule, "AUD-012", item.fault.message)
        prepared = self._executor.intake.prepare(
            block.txs, self._executor.intake.context(block.header.height)
        )
        for index, answer in enumerate(prepared):
            if answer.error is not None:
                error = answer.error
                self._accuse(item, index, error.id, "AUD-012", error.message, answer.tx_id)
        if self._executing:
            if len(self._report.culprits) + self._report.more == before:
                self._execute(item, supply)
            if len(self._report.culprits) + self._report.more > before:
                self._report.stopped = f"block {height} does not hold"
        self._progress(height, self._source.height)

    @property
    def _executing(self) -> bool:
        return not self._report.stopped

    def _execute(self, item: _Item, supply: SupplyAudit) -> None:
        """AUD-013, AUD-014, AUD-016; committed only if nothing is wrong with the block."""
        height, header = item.raw.height, item.block.header
        if header.state_root != self._work.root:
            self._accuse(
                item,
                None,
                "CH-4",
                "AUD-014",
                f"names state {header.state_root.hex()[:16]}…, executing the blocks before it "
                f"gives {self._work.root.hex()[:16]}…",
            )
            return
        try:
            held = supply.follow(item.receipts)
        except ChiaroError as error:
            self._accuse(item, None, error.id, "AUD-016", error.message)
            held = ()
        if not self._begins_as_it_must(item):
            return
        self._work.figures = _figures(item, held, self._proof_us)
        self._attached.contents = item.blobs
        try:
            self._application.finalize_block(item.block)
        except NoBytes as error:
            raise AuditError(
                "AUD-019", f"orders a blob that did not come with it: {error.where}",
                where=f"block {height}",
            ) from error  # fmt: skip
        finalized = self._application.finalized
        if finalized is None or not self._same_receipts(item, finalized.receipts):
            return
        last = height == self._source.height
        fault = supply.fault(height, self._work.staged_state(), last=last)
        if fault is not None:
            self._accuse(item, None, fault[0], "AUD-016", fault[1])
        if not self._report.culprits:
            self._application.commit()

    def _begins_as_it_must(self, item: _Item) -> bool:
        """AUD-020: ends and reveals, derived again from the state before the block (P1-1)."""
        if self._genesis.lane is None:
            return True
        height = item.raw.height
        try:
            lead.check_lead(item.block.txs, self._work.reader(), height, self._genesis)
        except MACHINE_FAULTS:
            raise
        except ChiaroError as error:
            where = _PLACE.match(error.where)
            index = None if where is None else int(where[1])
            if index is not None and not index < min(len(item.block.txs), len(item.receipts)):
                index = None  # something is missing at the end
            tx_id = None if index is None else item.receipts[index].tx_id
            self._accuse(item, index, error.id, "AUD-020", error.message, tx_id)
            return False
        return True

    def _same_receipts(self, item: _Item, executed: Sequence[Receipt]) -> bool:
        """AUD-013: byte for byte. The culprit's rule is the one that refuses what was accepted."""
        if item.raw.receipts == encode_receipts(executed):
            return True
        for index, (ours, theirs) in enumerate(zip(executed, item.receipts, strict=False)):
            if ours == theirs:
                continue
            names = ("wire_id", "tx_id", "height", "index", "environment", "code", "fee", "events")
            different = [n for n in names if getattr(ours, n) != getattr(theirs, n)] or ["message"]
            message = f"the recorded receipt has another {', '.join(different)}"
            rule = "AUD-013"
            if ours.code != theirs.code:
                said = theirs.code if len(theirs.code) <= _MOST_CODE else "something else"
                message = f"recorded as {said}, executed it is {ours.code}"
                if not ours.ok:
                    rule, message = ours.code, f"{message}: {ours.message}"
            self._accuse(item, index, rule, "AUD-013", message, ours.tx_id)
        if len(executed) != len(item.receipts):
            message = f"{len(item.receipts)} receipts for {len(executed)} transactions"
            self._accuse(item, None, "AUD-013", "AUD-013", message)
        return False

    def _accuse(
        self,
        item: _Item,
        index: int | None,
        rule: str,
        by: str,
        message: str,
        tx_id: bytes | None = None,
    ) -> None:
        message = message.removeprefix(f"{rule}: ")
        self._report.accuse(Culprit(item.raw.height, index, tx_id, rule, by, message))

    # --- the end -----------------------------------------------------------------------------

    def _finish(self, supply: SupplyAudit) -> None:
        report, source = self._report, self._source
        end = source.end()
        report.tip = self._head.hash
        report.executed = min(self._work.height, source.height)
        report.run_proofs, report.proof_seconds = self._verifier.judged, self._verifier.seconds
        if end.tip != report.tip:
            report.accuse(
                Culprit(
                    end.height, None, None, "AUD-015", "AUD-015",
                    f"the source names {end.tip.hex()[:16]}… as its last block, "
                    f"this one has hash {report.tip.hex()[:16]}…",
                )
            )  # fmt: skip
        if report.executed == source.height:
            report.state_root = self._application.chain.root_after(Height(source.height))
            if end.state_root != report.state_root:
                report.accuse(
                    Culprit(
                        end.height, None, None, "AUD-014", "AUD-014",
                        f"the source says that the state after its last block is "
                        f"{end.state_root.hex()[:16]}…, "
                        f"executing gives {report.state_root.hex()[:16]}…",
                    )
                )  # fmt: skip
        else:
            report.state_root = self._work.root
        if self._work.height == report.executed == report.resumed and not report.culprits:
            # Nothing was executed in this run: sum up what the earlier one left all the same.
            fault = supply.fault(report.executed, self._work.reader(), last=True)
            if fault is not None:
                report.accuse(Culprit(report.executed, None, None, fault[0], "AUD-016", fault[1]))
        report.balances_audited = supply.walks
        report.supply = self._supply()
        report.points = self._points(report.executed)

    def _supply(self) -> tuple[turnstile.Supply, ...]:
        """After the last block that was executed; nothing where that state is no longer kept."""
        try:
            return turnstile.supply(self._work.reader(Height(self._report.executed)))
        except NotFound:
            return ()

    def _points(self, height: int) -> list[Point]:
        """Runs of blocks, and their sums into the report."""
        run = max(1, -(-height // POINTS))
        initial = SupplyAudit(self._genesis)
        held: dict[Kind, dict[EnvironmentId, int]] = {}
        _take(held, initial.held(self._genesis.supply().keys()))
        points: list[Point] = []
        part, micros = Counts(), 0
        for at, figures in self._work.history():
            if at > height:
                break
            one = Counts(
                1,
                figures.transactions,
                figures.refused,
                figures.shielded,
                figures.private,
                figures.proofs,
            )
            part.add(one)
            self._report.counts.add(one)
            micros += figures.proof_us * figures.proofs
            _take(held, figures.held)
            if at % run == 0 or at == height:
                mean = micros / part.proofs / 1000 if part.proofs else None
                now = {kind: dict(parts) for kind, parts in held.items()}
                points.append(Point(at, part.blocks, part.transactions, part.proofs, mean, now))
                part, micros = Counts(), 0
        return points


def _take(
    held: dict[Kind, dict[EnvironmentId, int]],
    changed: Sequence[tuple[str, str, tuple[tuple[int, str], ...]]],
) -> None:
    for logic, label, parts in changed:
        held[Kind(int(logic), int(label))] = {EnvironmentId(tag): int(n) for tag, n in parts}


def _figures(
    item: _Item, held: tuple[tuple[str, str, tuple[tuple[int, str], ...]], ...], proof_us: int
) -> Figures:
    shielded = [r.events for r in item.receipts if r.ok and r.environment is EnvironmentId.SHIELDED]
    inside = (told for receipt in item.receipts for told in settled.told(receipt))
    shielded += [events for tag, events in inside if tag is EnvironmentId.SHIELDED]
    return Figures(
        transactions=len(item.receipts),
        refused=sum(not receipt.ok for receipt in item.receipts),
        shielded=len(shielded),
        private=sum(not any(e.name in _CROSSINGS for e in events) for events in shielded),
        proofs=item.proofs,
        proof_us=proof_us,
        held=held,
    )
