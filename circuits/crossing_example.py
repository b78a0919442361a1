"""Valid crossings made from a seed, as `circuits.example` makes actions: for tests and figures.

Nothing here is secret and nothing here is random: the same seed gives the same crossing.
"""

from __future__ import annotations

from typing import Final

from circuits import crossing, native
from circuits.crossing import (
    MEMBER_DEPTH,
    DonationPublic,
    DonationWitness,
    TransitPublic,
    TransitWitness,
)
from circuits.example import Draws
from circuits.membership import MemberTree, leaf
from circuits.records import Pair
from zk.curve import babyjub

MEMBERS: Final = 11
"""Members of an example's round: two groups of leaves, the second not full."""


def example_transit(
    seed: bytes, *, amount: int = 1_000_003, rcv: int | None = None
) -> tuple[TransitPublic, TransitWitness]:
    """A true crossing of this amount."""
    witness = TransitWitness(_rcv(seed) if rcv is None else rcv)
    return crossing.transit_public(kind(seed), amount, witness, Draws(seed).field("nu")), witness


def example_donation(
    seed: bytes,
    *,
    weight: int = 1_234,
    rcv: int | None = None,
    member: int = 7,
    depth: int = MEMBER_DEPTH,
) -> tuple[DonationPublic, DonationWitness]:
    """A true donation of weight² by one of the example's members."""
    tree = member_tree(seed, depth)
    secret = member_secret(seed, member)
    witness = DonationWitness(_rcv(seed) if rcv is None else rcv, secret, tree.path(secret))
    element = Draws(seed).field("round")
    public = crossing.donation_public(kind(seed), weight, witness, element, Draws(seed).field("nu"))
    return public, witness


def kind(seed: bytes) -> Pair:
    """A kind's point."""
    return native.kind_point(native.find_kind(0, Draws(seed).field("label")))


def member_secret(seed: bytes, member: int) -> int:
    """The secret of one member."""
    return Draws(seed).field(f"member/{member}")


def member_tree(seed: bytes, depth: int = MEMBER_DEPTH) -> MemberTree:
    """The tree of the example's members."""
    count = min(MEMBERS, 8**depth)
    return MemberTree([leaf(member_secret(seed, i)) for i in range(count)], depth)


def _rcv(seed: bytes) -> int:
    return Draws(seed).below("rcv", babyjub.ORDER)
