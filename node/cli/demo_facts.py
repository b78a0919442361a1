"""What a demonstration found: every figure of its report and of `chiaro demo --json`.

Nothing here is a secret of a real wallet, and none of it opens one: no seeds, no keys, no words, no
note seeds. Amounts are base units, times are seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from node.core.amounts import format_amount


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the run.

    Attributes:
        id: short name, such as `shield`.
        title, detail: what happened, for people.
        seconds: how long it took.
        height: of the block that settled it, where one did.
    """

    id: str
    title: str
    detail: str
    seconds: float
    height: int | None = None

    @property
    def document(self) -> dict[str, Any]:
        """As JSON."""
        height = {} if self.height is None else {"height": self.height}
        return {
            "id": self.id,
            "title": self.title,
            "detail": self.detail,
            "seconds": round(self.seconds, 3),
            **height,
        }


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase of making the proof."""

    name: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause of the statement and the rows it costs."""

    id: str
    title: str
    rows: int


@dataclass(frozen=True, slots=True)
class Checked:
    """One property of the proof that was checked."""

    id: str
    ok: bool
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class SupplyPoint:
    """Where the native units that left the faucet are, after a block.

    Attributes:
        height: of the block.
        public: on accounts, the faucet's excepted, fees included.
        shielded: in the shielded pool.
    """

    height: int
    public: int
    shielded: int


@dataclass(frozen=True, slots=True)
class Supply:
    """The supply audit at the end."""

    issued: int
    transparent: int
    fees: int
    shielded: int
    private: int
    balanced: bool
    history: tuple[SupplyPoint, ...]

    @property
    def sum(self) -> int:
        return self.transparent + self.shielded + self.private


@dataclass(frozen=True, slots=True)
class Transfer:
    """The private transfer: what the chain shows, and what only some can read.

    Attributes:
        tx_id, block_hash: 32 bytes, hexadecimal.
        height, time_ms: of the block.
        size: bytes on the chain.
        actions: how many.
        fee, expiry: in the clear.
        anchor, nullifiers, commitments: field elements, in the clear.
        asset, amount, memo: hidden from all but those who may read them.
        change: what comes back to the sender.
        sender, recipient: addresses.
        spent_position, spent_amount: which note was spent; its owner alone knows.
        received_position: leaf of the recipient's note.
        set_size: notes in the tree, among which the spent one hides.
    """

    tx_id: str
    block_hash: str
    height: int
    time_ms: int
    size: int
    actions: int
    fee: int
    expiry: int
    anchor: int
    nullifiers: tuple[int, ...]
    commitments: tuple[int, ...]
    asset: str
    amount: int
    memo: str
    change: int
    sender: str
    recipient: str
    spent_position: int
    spent_amount: int
    received_position: int
    set_size: int


@dataclass(frozen=True, slots=True)
class Crossing:
    """Value that crossed the border between light and shadow, in the clear."""

    what: str
    account: str
    amount: int
    height: int
    tx_id: str


@dataclass(frozen=True, slots=True)
class Disclosed:
    """What an auditor learned from a disclosure and checked against the chain."""

    action: int
    slot: int
    asset: str
    amount: int
    address: str
    memo: str
    commitment: int
    seconds: float
    altered_refused_by: str


@dataclass(frozen=True, slots=True)
class Statement:
    """The statement proved, and the key it is checked with."""

    id: str
    rows: int
    domain: int
    publics: int
    digest: str
    verifying_key: str
    unsafe: str
    proof_bytes: int
    clauses: tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class DemoFacts:
    """Everything that a demonstration found.

    Attributes:
        chain_id: hexadecimal.
        started_ms: wall clock, milliseconds since 1970.
        seconds: the whole run.
        key_built: the proving key was not in the cache and had to be made.
        backend: whose arithmetic proved.
        phases: of the private transfer's proof.
        checks: by the fast arithmetic; reference_checks: the same by the legible one.
        verify_seconds: the equation alone, by the fast arithmetic, warm.
        checks_seconds, reference_seconds: all checks of the documents, by either arithmetic.
        tampered_refused_by: code with which the proof was refused after one input was changed.
        versions: name → version.
    """

    chain_id: str
    started_ms: int
    seconds: float
    key_built: bool
    backend: str
    steps: tuple[Step, ...]
    transfer: Transfer
    crossings: tuple[Crossing, ...]
    statement: Statement
    phases: tuple[Phase, ...]
    checks: tuple[Checked, ...]
    reference_checks: tuple[Checked, ...]
    verify_seconds: float
    checks_seconds: float
    reference_seconds: float
    tampered_refused_by: str
    supply: Supply
    disclosure: Disclosed
    versions: tuple[tuple[str, str], ...]

    @property
    def prove_seconds(self) -> float:
        """All phases of the private transfer's proof."""
        return sum(phase.seconds for phase in self.phases)

    @property
    def valid(self) -> bool:
        """Every check of the proof holds, under both arithmetics, and the supply adds up."""
        return self.supply.balanced and all(
            check.ok for check in (*self.checks, *self.reference_checks)
        )


def document(facts: DemoFacts) -> dict[str, Any]:
    """The facts as JSON: amounts and field elements are decimal text, bytes 0x-hex."""
    t, s, d = facts.transfer, facts.supply, facts.disclosure
    return {
        "valid": facts.valid,
        "seconds": round(facts.seconds, 3),
        "chain_id": "0x" + facts.chain_id,
        "started_ms": facts.started_ms,
        "backend": facts.backend,
        "proving_key_built": facts.key_built,
        "unit": "base units of the native asset (6 decimals)",
        "steps": [step.document for step in facts.steps],
        "transfer": {
            "tx_id": "0x" + t.tx_id,
            "block_hash": "0x" + t.block_hash,
            "height": t.height,
            "bytes": t.size,
            "actions": t.actions,
            "fee": str(t.fee),
            "expiry": t.expiry,
            "anchor": str(t.anchor),
            "nullifiers": [str(value) for value in t.nullifiers],
            "commitments": [str(value) for value in t.commitments],
            "asset": t.asset,
            "amount": str(t.amount),
            "change": str(t.change),
            "memo": t.memo,
            "sender": t.sender,
            "recipient": t.recipient,
            "notes_in_tree": t.set_size,
        },
        "crossings": [
            {
                "what": item.what,
                "account": "0x" + item.account,
                "amount": str(item.amount),
                "height": item.height,
                "tx_id": "0x" + item.tx_id,
            }
            for item in facts.crossings
        ],
        "proof": {
            "statement": facts.statement.id,
            "rows": facts.statement.rows,
            "domain": facts.statement.domain,
            "public_inputs": facts.statement.publics,
            "digest": "0x" + facts.statement.digest,
            "verifying_key": "0x" + facts.statement.verifying_key,
            "unsafe": facts.statement.unsafe,
            "bytes": facts.statement.proof_bytes,
            "clauses": [
                {"id": clause.id, "title": clause.title, "rows": clause.rows}
                for clause in facts.statement.clauses
            ],
            "prove_seconds": round(facts.prove_seconds, 4),
            "phases": [
                {"name": phase.name, "seconds": round(phase.seconds, 4)} for phase in facts.phases
            ],
            "verify_seconds": round(facts.verify_seconds, 4),
            "checks_seconds": round(facts.checks_seconds, 4),
            "reference_checks_seconds": round(facts.reference_seconds, 4),
            "checks": _checks(facts.checks),
            "reference_checks": _checks(facts.reference_checks),
            "tampered_refused_by": facts.tampered_refused_by,
        },
        "supply": {
            "issued": str(s.issued),
            "transparent": str(s.transparent),
            "fees": str(s.fees),
            "shielded": str(s.shielded),
            "private": str(s.private),
            "balanced": s.balanced,
            "history": [
                {
                    "height": point.height,
                    "public": str(point.public),
                    "shielded": str(point.shielded),
                }
                for point in s.history
            ],
        },
        "disclosure": {
            "action": d.action,
            "slot": d.slot,
            "asset": d.asset,
            "amount": str(d.amount),
            "address": d.address,
            "memo": d.memo,
            "commitment": str(d.commitment),
            "altered_refused_by": d.altered_refused_by,
        },
        "versions": dict(facts.versions),
    }


def _checks(checks: tuple[Checked, ...]) -> list[dict[str, Any]]:
    return [
        {"id": check.id, "ok": check.ok, "code": check.code, "detail": check.detail}
        for check in checks
    ]


def units(amount: int, asset: str = "") -> str:
    """Base units for people, thousands grouped: `1,234.5 native`."""
    whole, point, fraction = format_amount(amount).partition(".")
    sign = "-" if whole == "-0" else ""
    return f"{sign}{int(whole):,}{point}{fraction}" + (f" {asset}" if asset else "")


def duration(seconds: float) -> str:
    """A time for people, three digits or so."""
    if seconds >= 10:
        return f"{seconds:.0f} s"
    if seconds >= 1:
        return f"{seconds:.1f} s"
    milliseconds = seconds * 1000
    return f"{milliseconds:.0f} ms" if milliseconds >= 10 else f"{milliseconds:.1f} ms"
