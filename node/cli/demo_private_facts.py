"""What a demonstration of the private environment found: its page and its JSON are made of this.

Nothing here is a secret of a real wallet or committee: all keys lived for one run. Amounts are base
units, times are this machine's seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from node.cli.demo_facts import Checked, Step
from node.cli.demo_intents_facts import AuditFacts, Checkable

MEMBERS: Final = 4
T: Final = 1
LIAR: Final = 4
PROOF: Final = "auction.json"
"""The auction's result with its proof, for `chiaro private verify`."""
KILLED: Final = 2


@dataclass(frozen=True, slots=True)
class MemberFacts:
    """One member's process.

    Attributes:
        number: 1 … n.
        key: its signing key, hexadecimal.
        said, said_bytes: messages to other members.
        heard, heard_bytes: messages from other members.
        sent: transactions to the chain.
        named: members whom it found to break a rule, ascending.
    """

    number: int
    key: str
    said: int
    said_bytes: int
    heard: int
    heard_bytes: int
    sent: int
    named: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LinkFacts:
    """What two members said to each other, both ways."""

    one: int
    other: int
    messages: int
    bytes: int


@dataclass(frozen=True, slots=True)
class LiarFacts:
    """The one that gave wrong shares.

    Attributes:
        member: which.
        rule: by which it was found out.
        named_by: members that named it.
        sessions: in how many sessions.
    """

    member: int
    rule: str
    named_by: tuple[int, ...]
    sessions: int


@dataclass(frozen=True, slots=True)
class OutageFacts:
    """The one that was killed, and came back.

    Attributes:
        member: which.
        killed: height of the last block before.
        stood: height at which nothing was accepted without it.
        waiting: donations that waited there.
        back: height behind which all of them were accepted.
    """

    member: int
    killed: int
    stood: int
    waiting: int
    back: int


@dataclass(frozen=True, slots=True)
class DonorFacts:
    """A donor, as it knows itself.

    Attributes:
        name: for people.
        project: name of what it gave to.
        amount: what it gave.
        height: of the block.
        size: bytes of the transaction.
        masked: c of the amount's cell, hexadecimal: amount plus mask.
        shares: what each member holds of the amount, hexadecimal, member 1 first.
        read: what two members read when they put their shares together.
        status: at the end.
    """

    name: str
    project: str
    amount: int
    height: int
    size: int
    masked: str
    shares: tuple[str, ...]
    read: int
    status: str


@dataclass(frozen=True, slots=True)
class ProjectFacts:
    """A project at the end; sums and payout are None where nothing was opened."""

    name: str
    donations: int
    roots: int | None
    total: int | None
    payout: int | None


@dataclass(frozen=True, slots=True)
class RoundFacts:
    """The round.

    Attributes:
        id: hexadecimal.
        pool: what was locked.
        least: a project with fewer donations is not opened.
        created, closed, accepted, opened, settled: heights.
        rest: of the pool, back to its provider.
        projects: in order.
    """

    id: str
    pool: int
    least: int
    created: int
    closed: int
    accepted: int
    opened: int
    settled: int
    rest: int
    projects: tuple[ProjectFacts, ...]


@dataclass(frozen=True, slots=True)
class ClaimFacts:
    """A donation that went back."""

    name: str
    amount: int
    fee: int
    height: int


@dataclass(frozen=True, slots=True)
class KindFacts:
    """Messages of a kind that one member says in a session."""

    kind: str
    messages: int
    bytes: int


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """A session with a proof.

    Attributes:
        liar: which member lied.
        named: whom the others named.
        rules: by which rules.
        rounds: of messages.
        kinds: what one member says, by kind.
        even: all members said as many messages, of the same lengths.
        proof_bytes: proof and link.
        seconds: from the first block in which it might begin to its result.
        verify_seconds: of an observer.
        altered_refused_by: rule that refused another result under the same proof.
        share: of the first value, one member's, hexadecimal.
        read: what t + 1 members read of all values, put together.
    """

    liar: int
    named: tuple[int, ...]
    rules: tuple[str, ...]
    rounds: int
    kinds: tuple[KindFacts, ...]
    even: bool
    proof_bytes: int
    seconds: float
    verify_seconds: float
    altered_refused_by: str
    share: str
    read: tuple[int, ...]

    @property
    def messages(self) -> int:
        """That one member says to each other one."""
        return sum(kind.messages for kind in self.kinds)

    @property
    def bytes(self) -> int:
        """Of these."""
        return sum(kind.bytes for kind in self.kinds)


@dataclass(frozen=True, slots=True)
class BackFacts:
    """What went back of a bid."""

    name: str
    amount: int
    fee: int
    height: int


@dataclass(frozen=True, slots=True)
class AuctionFacts:
    """A sealed-bid auction: who bid what, and what came out.

    Attributes:
        id: hexadecimal.
        item, seller: what was sold, and by whom.
        bids: who bid how much, in the order of blocks.
        reserve: the least price.
        winner, price: what came out.
        paid: what the seller got.
        offered, bid, proved, opened, settled: heights; `bid` of the last bid.
        back: what went back to whom.
        session: in which it was computed.
    """

    id: str
    item: str
    seller: str
    bids: tuple[tuple[str, int], ...]
    reserve: int
    winner: str
    price: int
    paid: int
    offered: int
    bid: int
    proved: int
    opened: int
    settled: int
    back: tuple[BackFacts, ...]
    session: SessionFacts


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """An order in the dark pool.

    Attributes:
        name: whose.
        buys: or sells.
        limit: tick.
        quantity, fill: in lots, what it wanted and what it traded.
        locked: base units, of what it gives.
    """

    name: str
    buys: bool
    limit: int
    quantity: int
    fill: int
    locked: int

    @property
    def text(self) -> str:
        """The order in words."""
        return order_text(self.buys, self.quantity, self.limit)


@dataclass(frozen=True, slots=True)
class TakenFacts:
    """What a trader took out: what it `traded` for, or what was `left` of what it locked."""

    name: str
    what: str
    asset: str
    amount: int
    height: int


@dataclass(frozen=True, slots=True)
class PoolFacts:
    """A batch of a dark pool.

    Attributes:
        id: hexadecimal.
        base: asset that is traded, for the native one.
        lot: base units of it in a quantity of one.
        orders: in the order of blocks.
        ticks, tick: how many prices there are, and which came out.
        price: of a lot.
        collected, ordered, proved, opened, settled: heights; `ordered` of the last order.
        taken: what went to whom.
        session: in which it was computed.
    """

    id: str
    base: str
    lot: int
    orders: tuple[OrderFacts, ...]
    ticks: int
    tick: int
    price: int
    collected: int
    ordered: int
    proved: int
    opened: int
    settled: int
    taken: tuple[TakenFacts, ...]
    session: SessionFacts


@dataclass(frozen=True, slots=True)
class LeakFacts:
    """What a program tells.

    Attributes:
        program: its name.
        outputs: what comes out, and to whom.
        leaks: what follows from that, in its author's sentences.
    """

    program: str
    outputs: tuple[tuple[str, str], ...]
    leaks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PrivateFacts(Checkable):
    """Everything.

    Attributes:
        chain_id: hexadecimal.
        started_ms: wall clock, milliseconds since 1970.
        seconds: the whole run.
        members: the committee's processes; its links, its liar, the one that was killed.
        leaks: of each program, what follows from its outputs.
        checks: what was checked at the end.
        versions: name → version.
    """

    chain_id: str
    started_ms: int
    seconds: float
    steps: tuple[Step, ...]
    members: tuple[MemberFacts, ...]
    links: tuple[LinkFacts, ...]
    liar: LiarFacts
    outage: OutageFacts
    donors: tuple[DonorFacts, ...]
    round: RoundFacts
    claim: ClaimFacts
    auction: AuctionFacts
    pool: PoolFacts
    leaks: tuple[LeakFacts, ...]
    audit: AuditFacts
    checks: tuple[Checked, ...]
    versions: tuple[tuple[str, str], ...]


def order_text(buys: bool, quantity: int, limit: int) -> str:
    """An order in words."""
    return f"{'buys' if buys else 'sells'} {quantity}, tick {limit}"
