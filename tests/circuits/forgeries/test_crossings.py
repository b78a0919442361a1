"""Clauses of the crossings: T1, T2 of the transit, D1 to D4 of the donation."""

from __future__ import annotations

from dataclasses import replace

from circuits import crossing
from circuits.crossing import DonationPublic, DonationWitness, TransitPublic, TransitWitness
from circuits.crossing_example import example_donation, example_transit, kind
from circuits.membership import leaf, member_nullifier
from zk.curve import babyjub
from zk.curve.babyjub import Point
from zk.field.params import FR
from zk.field.prime import is_square, sqrt

R = FR.modulus
SEED = b"forge"
Donated = tuple[DonationPublic, DonationWitness]


def donation(weight: int = 1_234) -> Donated:
    return example_donation(SEED, weight=weight, depth=1)


# T1


def test_transit_of_a_negative_amount(transits) -> None:
    """−1 leaves one pool as r − 1 units of the other."""
    public, witness = example_transit(SEED)
    out_of_range(transits, replace(public, amount=R - 1), witness)


def test_transit_of_two_to_the_64(transits) -> None:
    """The least amount that no bits hold."""
    public, witness = example_transit(SEED, amount=0)
    out_of_range(transits, replace(public, amount=1 << 64), witness)


def out_of_range(transits, public: TransitPublic, witness: TransitWitness) -> None:
    x, y = transits.computed(public, witness, "cv/x", "cv/y")
    transits.refused(
        replace(public, cv=(x, y)),
        witness,
        clause="T1",
        rows=["amount: recomposes to a value below 2^64"],
    )


# T2


def test_transit_of_another_amount_than_cv_holds(transits) -> None:
    """One unit leaves the pool, a million arrive."""
    public, witness = example_transit(SEED)
    lie = replace(public, cv=crossing.value_commitment(public.kind, 1, witness.rcv))
    transits.refused(lie, witness, clause="T2", rows=["x of cv", "y of cv"])


def test_transit_of_another_kind(transits) -> None:
    public, witness = example_transit(SEED)
    other = kind(b"worthless")
    lie = replace(public, cv=crossing.value_commitment(other, public.amount, witness.rcv))
    transits.refused(lie, witness, clause="T2", rows=["x of cv", "y of cv"])


def test_transit_of_a_kind_off_the_curve(transits) -> None:
    public, witness = example_transit(SEED)
    off = (public.kind[0], 5)
    assert not babyjub.is_on_curve(Point(*off))
    public = replace(public, kind=off)
    x, y = transits.computed(public, witness, "cv/x", "cv/y")
    transits.refused(replace(public, cv=(x, y)), witness, clause="T2", rows=["on the curve"])


def test_transit_with_a_digit_of_rcv_that_is_no_bit(transits) -> None:
    public, witness = example_transit(SEED)
    transits.refused(
        public, witness, {"rcv/window 7/b1": 3}, clause="T2",
        rows=["rcv/window 7: b1 is a bit"], alone=False,
    )  # fmt: skip


# D1


def test_donation_whose_weight_is_no_root_of_its_amount(donations) -> None:
    """Weights count squared in the match: 1,000 for the price of 1."""
    public, witness = donation(1)
    donations.refused(
        replace(public, weight=1_000), witness, clause="D1", rows=["amount is the square"]
    )


def test_donation_of_a_negative_weight(donations) -> None:
    """(−w)² = w²: the amount is paid, and the project's sum of weights falls."""
    public, witness = donation()
    donations.refused(
        replace(public, weight=R - public.weight),
        witness,
        clause="D1",
        rows=["weight: recomposes to a value below 2^32"],
    )


def test_donation_of_a_root_that_is_no_integer(donations) -> None:
    """A non-square below 2⁶⁴ that has a root in the field: a weight of 254 bits for a few units."""
    public, witness = donation(0)
    amount = next(n for n in (2, 3, 5, 6, 7) if is_square(n, FR))
    lie = replace(
        public,
        weight=sqrt(amount, FR),
        amount=amount,
        cv=crossing.value_commitment(public.kind, amount, witness.rcv),
    )
    donations.refused(lie, witness, clause="D1", rows=["weight: recomposes to a value below 2^32"])


# D2


def test_donation_of_another_amount_than_cv_holds(donations) -> None:
    public, witness = donation()
    lie = replace(public, cv=crossing.value_commitment(public.kind, 0, witness.rcv))
    donations.refused(lie, witness, clause="D2", rows=["x of cv", "y of cv"])


# D3


def test_donation_of_somebody_who_is_no_member(donations) -> None:
    public, witness = donation()
    stranger = 999
    lie = replace(public, nullifier=member_nullifier(stranger, public.round))
    donations.refused(
        lie, replace(witness, secret=stranger), clause="D3", rows=["level 0: is among the children"]
    )


def test_donation_of_a_member_of_another_tree(donations) -> None:
    """A tree of the donor's own, with any number of members."""
    public, witness = donation()
    children = (leaf(witness.secret), *witness.path[0][1:])
    lie = replace(witness, path=(children,))
    donations.refused(public, lie, clause="D3", rows=["members' root"])


# D4


def test_donation_under_a_nullifier_of_choice(donations) -> None:
    """A member would give as often as there are numbers."""
    public, witness = donation()
    donations.refused(replace(public, nullifier=12345), witness, clause="D4", rows=["nullifier"])


def test_donation_under_the_nullifier_of_another_round(donations) -> None:
    public, witness = donation()
    lie = replace(public, nullifier=member_nullifier(witness.secret, public.round + 1))
    donations.refused(lie, witness, clause="D4", rows=["nullifier"])
