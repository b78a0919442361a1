"""What a demonstration of sealed intents found: every figure of its report and of its JSON.

Nothing here is a secret of a real wallet, and none of it opens one. Amounts are base units. Times
in seconds are this machine's; times in milliseconds are the chain's, from genesis on.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

from node.cli.demo_facts import Checked, Step

VALIDATORS: Final = 4
BUNDLE: Final = "chain.bundle"
FAULTY: Final = 3
"""Place of the one that lies."""


@dataclass(frozen=True, slots=True)
class PartyFacts:
    """One party, as it knows itself.

    Attributes:
        name: for people.
        gives, give: what it gives: asset and amount.
        wants, want: what it gets for it.
        public: its account that everyone knew before, hexadecimal.
        one_time: the account that paid for ordering, hexadecimal.
        fee: for ordering.
        shielded, funded, ordered: heights of its way.
        size: bytes of the sealed intent.
        spent: nullifiers of its party, hexadecimal.
        before, after: shielded balances, by asset.
    """

    name: str
    gives: str
    give: int
    wants: str
    want: int
    public: str
    one_time: str
    fee: int
    shielded: int
    funded: int
    ordered: int
    size: int
    spent: tuple[str, ...]
    before: tuple[tuple[str, int], ...]
    after: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Moment:
    """A block in which something happened to the batch."""

    id: str
    title: str
    height: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class FaultFacts:
    """The faulty validator.

    Attributes:
        name: which one.
        wrong_shares: how many of its messages honest validators found to be wrong.
        refused: how many of its proposals they refused, and by which rules.
        rules: those, sorted.
    """

    name: str
    wrong_shares: int
    refused: int
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KilledFacts:
    """The validator that was killed, and came back.

    Attributes:
        name: which one.
        killed: height of the last block before.
        without: blocks that the others made while it was away.
        stood: height behind which they could make no more; 0: they never had to wait.
        back: height of the first block that it had again.
    """

    name: str
    killed: int
    without: int
    stood: int
    back: int


@dataclass(frozen=True, slots=True)
class SettledFacts:
    """The settlement.

    Attributes:
        solver: account, hexadecimal.
        tx_id: of the shielded transaction that it carried out, hexadecimal.
        actions, size: of it.
        score: satisfied intents, as a fraction.
        solve_seconds: of the solver's process.
        nullifiers, commitments: of the transaction, hexadecimal.
    """

    solver: str
    tx_id: str
    actions: int
    size: int
    score: str
    solve_seconds: float
    nullifiers: tuple[str, ...]
    commitments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AuditFacts:
    """The audit of the bundle: how much it is, and whether everything held."""

    blocks: int
    size: int
    clean: bool
    seconds: float


class Checkable:
    """A demonstration whose whole chain is in a file: what was checked of it, in the end."""

    __slots__ = ()
    checks: tuple[Checked, ...]

    @property
    def valid(self) -> bool:
        """Whether every check held."""
        return all(check.ok for check in self.checks)

    @property
    def bundle(self) -> str:
        """Name of the file that has the whole chain."""
        return BUNDLE


@dataclass(frozen=True, slots=True)
class IntentsFacts(Checkable):
    """Everything.

    Attributes:
        chain_id: hexadecimal.
        started_ms: wall clock, milliseconds since 1970.
        seconds: the whole run.
        validators, needed: how many there are, and how many open a batch together.
        epoch: of the key.
        moments: of the batch, in order.
        checks: what was checked at the end.
        versions: name → version.
        killed: the validator that was killed, where they are processes; else None.
    """

    chain_id: str
    started_ms: int
    seconds: float
    validators: int
    needed: int
    epoch: int
    domain: str
    number: int
    steps: tuple[Step, ...]
    parties: tuple[PartyFacts, ...]
    moments: tuple[Moment, ...]
    fault: FaultFacts
    settled: SettledFacts
    audit: AuditFacts
    checks: tuple[Checked, ...]
    versions: tuple[tuple[str, str], ...]
    killed: KilledFacts | None = None

    def moment(self, id_: str) -> Moment:
        """One of them."""
        return next(moment for moment in self.moments if moment.id == id_)


def document(facts: IntentsFacts) -> dict[str, Any]:
    """The facts as JSON: amounts are decimal text, bytes 0x-hex."""
    fault, settled, audit, killed = facts.fault, facts.settled, facts.audit, facts.killed
    clock = "simulated_ms" if killed is None else "ms"
    return {
        "valid": facts.valid,
        "seconds": round(facts.seconds, 3),
        "chain_id": "0x" + facts.chain_id,
        "started_ms": facts.started_ms,
        "unit": "base units (6 decimals)",
        "validators": facts.validators,
        "needed_to_open": facts.needed,
        "steps": [step.document for step in facts.steps],
        "parties": [_party(party) for party in facts.parties],
        "batch": {
            "domain": facts.domain,
            "epoch": facts.epoch,
            "number": facts.number,
            "moments": [
                {"id": m.id, "title": m.title, "height": m.height, clock: m.at_ms}
                for m in facts.moments
            ],
        },
        "faulty_validator": {
            "name": fault.name,
            "wrong_shares": fault.wrong_shares,
            "proposals_refused": fault.refused,
            "refused_by": list(fault.rules),
        },
        "killed_validator": None if killed is None else asdict(killed),
        "settlement": {
            "solver": "0x" + settled.solver,
            "tx_id": "0x" + settled.tx_id,
            "actions": settled.actions,
            "bytes": settled.size,
            "score": settled.score,
            "solve_seconds": round(settled.solve_seconds, 3),
            "nullifiers": ["0x" + value for value in settled.nullifiers],
            "commitments": ["0x" + value for value in settled.commitments],
        },
        "audit": {
            "blocks": audit.blocks,
            "bytes": audit.size,
            "clean": audit.clean,
            "seconds": round(audit.seconds, 3),
        },
        "checks": [{"id": c.id, "ok": c.ok, "detail": c.detail} for c in facts.checks],
        "versions": dict(facts.versions),
    }


def _party(party: PartyFacts) -> dict[str, Any]:
    return {
        "name": party.name,
        "gives": {"asset": party.gives, "amount": str(party.give)},
        "wants": {"asset": party.wants, "amount": str(party.want)},
        "public_account": "0x" + party.public,
        "one_time_account": "0x" + party.one_time,
        "ordering_fee": str(party.fee),
        "heights": {
            "shielded": party.shielded,
            "funded": party.funded,
            "ordered": party.ordered,
        },
        "sealed_bytes": party.size,
        "nullifiers": ["0x" + value for value in party.spent],
        "before": {asset: str(amount) for asset, amount in party.before},
        "after": {asset: str(amount) for asset, amount in party.after},
    }
