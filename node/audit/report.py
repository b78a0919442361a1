"""What an audit found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from node.audit.errors import ChainRefused
from node.audit.keys import UsedKey
from node.core.ids import EnvironmentId, Kind
from node.execution.turnstile import Supply

MOST_CULPRITS: Final = 1000
"""Named in full; more are counted."""


@dataclass(frozen=True, slots=True)
class Culprit:
    """Something of the history that a rule refuses.

    Attributes:
        height: of the block, by its place in the history.
        index: of the transaction in it; None: the block as a whole.
        tx_id: of the transaction; for one that does not decode, the hash of its bytes.
        rule: id of the rule or error that refuses it (`PRF-001`, `SH-19`, `EX-7`, `CH-3`).
        by: the rule of the audit that looked.
        message: what is wrong.
    """

    height: int
    index: int | None
    tx_id: bytes | None
    rule: str
    by: str
    message: str

    @property
    def line(self) -> str:
        """All of it in one line."""
        place = "" if self.index is None else f", transaction {self.index}"
        named = "" if self.tx_id is None else f" ({self.tx_id.hex()})"
        return f"block {self.height}{place}{named}: {self.rule}: {self.message}"


@dataclass(frozen=True, slots=True)
class Point:
    """A run of blocks, for plots.

    Attributes:
        height: of the last of them.
        blocks: how many.
        transactions, proofs: in them.
        proof_ms: milliseconds per proof where they were verified; None without proofs.
        held: kind → base units per environment after the last of them, of kinds ever held.
    """

    height: int
    blocks: int
    transactions: int
    proofs: int
    proof_ms: float | None
    held: Mapping[Kind, Mapping[EnvironmentId, int]]


@dataclass(slots=True)
class Counts:
    """Sums over blocks that hold."""

    blocks: int = 0
    transactions: int = 0
    refused: int = 0
    shielded: int = 0
    private_transfers: int = 0
    proofs: int = 0

    def add(self, other: Counts) -> None:
        """Count another run of blocks in."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(slots=True)
class AuditReport:
    """The answer.

    Attributes:
        source: what was audited.
        chain_id, name, profile: the chain.
        height: of the last block of the source.
        tip: hash of its header, as computed here.
        executed: last height up to which every block holds and was executed.
        state_root: after that block, computed here.
        counts: of the blocks up to `executed`.
        seconds: of this run.
        resumed: height up to which an earlier run had come.
        run_proofs, proof_seconds: proofs judged in this run, and what that took.
        keys: used.
        ceremony: one line per record.
        supply: after block `executed`.
        balances_audited: heights at which all balances were summed.
        points: for plots, oldest first.
        culprits: the first of them, in order of height; `more` are not listed.
        stopped: why execution ended before the last block; empty if it did not.
    """

    source: str
    chain_id: bytes
    name: str
    profile: str
    height: int
    tip: bytes = bytes(32)
    executed: int = 0
    state_root: bytes = bytes(32)
    counts: Counts = field(default_factory=Counts)
    seconds: float = 0.0
    resumed: int = 0
    run_proofs: int = 0
    proof_seconds: float = 0.0
    keys: list[UsedKey] = field(default_factory=list)
    ceremony: list[str] = field(default_factory=list)
    supply: tuple[Supply, ...] = ()
    balances_audited: int = 0
    points: list[Point] = field(default_factory=list)
    culprits: list[Culprit] = field(default_factory=list)
    more: int = 0
    stopped: str = ""

    @property
    def valid(self) -> bool:
        """Every block holds, up to the last one."""
        return not self.culprits and self.executed == self.height

    @property
    def milliseconds_per_proof(self) -> float | None:
        return 1000 * self.proof_seconds / self.run_proofs if self.run_proofs else None

    def accuse(self, culprit: Culprit) -> None:
        """Note a culprit."""
        if len(self.culprits) < MOST_CULPRITS:
            self.culprits.append(culprit)
        else:
            self.more += 1

    def require_valid(self) -> None:
        """Accept by returning.

        Raises:
            ChainRefused: AUD-012, naming the first culprit.
        """
        if self.valid:
            return
        first = min(self.culprits, key=lambda c: (c.height, -1 if c.index is None else c.index))
        where = f"block {first.height}"
        if first.index is not None:
            where += f", transaction {first.index}"
        raise ChainRefused(
            "AUD-012",
            f"{first.rule}: {first.message} (culprits: {len(self.culprits) + self.more})",
            where=where,
        )
