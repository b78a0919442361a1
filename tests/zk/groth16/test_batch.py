"""Batches of proofs: accepted together, refused one by one."""

from __future__ import annotations

import secrets as entropy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zk.errors import InvalidProof, NonCanonical, NotInSubgroup, ShapeMismatch
from zk.field.params import FR
from zk.groth16 import batch
from zk.groth16.batch import InvalidBatch, judge, verify_batch
from zk.groth16.keys import Blinding, Proof
from zk.groth16.prove import prove
from zk.groth16.verify import verify

COUNT = 9


@pytest.fixture(scope="module")
def case(a_case: Any) -> Any:
    from zk.backends import get

    return a_case(3, get("portable"), rows=8, publics=2)


@pytest.fixture(scope="module")
def items(case: Any) -> list[batch.Item]:
    from zk.backends import get

    portable = get("portable")
    return [
        (
            case.public,
            prove(case.proving_key, case.assignment, Blinding(7 + i, 11 * i + 1), portable),
        )
        for i in range(COUNT)
    ]


def wrong_public(item: batch.Item) -> batch.Item:
    public, proof = item
    return ((public[0] + 1) % FR.modulus, *public[1:]), proof


def swapped(item: batch.Item) -> batch.Item:
    public, proof = item
    return public, Proof(proof.c, proof.b, proof.a)


def short(item: batch.Item) -> batch.Item:
    public, proof = item
    return public[:-1], proof


def too_large(item: batch.Item) -> batch.Item:
    public, proof = item
    return (public[0] + FR.modulus, *public[1:]), proof


SPOILED = {
    wrong_public: InvalidProof,
    swapped: InvalidProof,
    short: ShapeMismatch,
    too_large: NonCanonical,
}


def test_good_proofs_are_accepted_together(backend: Any, case: Any, items: Any) -> None:
    count = 3 if backend.name == "reference" else COUNT
    for n in (0, 1, 2, count):
        verify_batch(case.key, items[:n], backend)


def many(items: list[batch.Item], count: int) -> list[batch.Item]:
    """So many proofs: those there are, in turns with their mirror images."""
    from zk.curve.bn254 import G1
    from zk.groth16.keys import negate_g2

    out = []
    for i in range(count):
        public, proof = items[i % COUNT]
        if i // COUNT % 2:
            a = (-G1.from_affine(proof.a)).to_affine()
            proof = Proof(a, negate_g2(proof.b), proof.c)
        out.append((public, proof))
    return out


@pytest.mark.parametrize("count", [3, 8, 16, 65])
def test_every_culprit_of_many_is_named(
    backend: Any, case: Any, items: Any, outside_g2: Any, count: int
) -> None:
    if backend.name == "reference":
        pytest.skip("the reference takes minutes")
    mixed = many(items, count)
    verify_batch(case.key, mixed, backend)
    expected = dict.fromkeys(range(count), type(None))
    for at, spoil in {0: wrong_public, 1: swapped, count // 2: short, count - 1: swapped}.items():
        mixed[at] = spoil(mixed[at])
        expected[at] = SPOILED[spoil]
    if count > 5:
        public, proof = mixed[5]
        mixed[5] = public, Proof(proof.a, outside_g2, proof.c)
        expected[5] = NotInSubgroup
    verdicts = judge(case.key, mixed, backend)
    assert [type(v) for v in verdicts] == list(expected.values())


def test_coefficients_come_from_the_operating_system(
    case: Any, items: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever knew them could let errors cancel; so they are drawn anew for each batch."""
    from zk.backends import get
    from zk.curve import weights
    from zk.curve.bn254 import G1

    fastest = get()
    drawn: list[bytes] = []
    fresh = entropy.token_bytes  # the module is one for all: taken before it is replaced

    def record(count: int) -> bytes:
        drawn.append(fresh(count))
        return drawn[-1]

    monkeypatch.setattr(weights.secrets, "token_bytes", record)
    verify_batch(case.key, items[:5], fastest)
    verify_batch(case.key, items[:5], fastest)
    assert [len(x) for x in drawn] == [5 * 16, 5 * 16]
    assert len({x[i : i + 16] for x in drawn for i in range(0, 80, 16)}) == 10

    (public, first), (_, second) = items[:2]
    d = G1.from_affine(first.a)
    more = (G1.from_affine(first.c) + d).to_affine()
    less = (G1.from_affine(second.c) + -d).to_affine()
    pair = [(public, Proof(first.a, first.b, more)), (public, Proof(second.a, second.b, less))]
    monkeypatch.setattr(weights.secrets, "token_bytes", bytes)  # equal ones: C + D and C - D pass
    verify_batch(case.key, pair, fastest)
    monkeypatch.setattr(weights.secrets, "token_bytes", record)
    with pytest.raises(InvalidBatch):
        verify_batch(case.key, pair, fastest)


def test_malleated_proofs_are_proofs(backend: Any, case: Any, items: Any) -> None:
    """(−A, −B, C) is accepted alone, so it is in a batch."""
    from zk.curve.bn254 import G1
    from zk.groth16.keys import negate_g2

    public, proof = items[0]
    turned = Proof((-G1.from_affine(proof.a)).to_affine(), negate_g2(proof.b), proof.c)
    verify_batch(case.key, [(public, turned), items[1]], backend)


@pytest.mark.parametrize("spoil", SPOILED, ids=lambda f: f.__name__)
def test_one_bad_proof_is_named(backend: Any, case: Any, items: Any, spoil: Any) -> None:
    count = 2 if backend.name == "reference" else 5
    for at in (0, count - 1):
        mixed = list(items[:count])
        mixed[at] = spoil(mixed[at])
        with pytest.raises(InvalidBatch, match=f"batch: {at}$") as caught:
            verify_batch(case.key, mixed, backend)
        assert caught.value.culprits == (at,)
        assert type(caught.value.refusals[at]) is SPOILED[spoil]


def test_a_b_outside_the_subgroup_is_named(
    backend: Any, case: Any, items: Any, outside_g2: Any
) -> None:
    mixed = list(items[:3])
    public, proof = mixed[1]
    mixed[1] = public, Proof(proof.a, outside_g2, proof.c)
    verdicts = judge(case.key, mixed, backend)
    assert [type(v) for v in verdicts] == [type(None), NotInSubgroup, type(None)]


def test_errors_that_cancel_without_coefficients_are_found(
    backend: Any, case: Any, items: Any
) -> None:
    """C + D in one proof and C − D in another: their plain product holds."""
    from zk.curve.bn254 import G1

    (public, first), (_, second) = items[:2]
    d = G1.from_affine(first.a)
    more = (G1.from_affine(first.c) + d).to_affine()
    less = (G1.from_affine(second.c) + -d).to_affine()
    pair = [(public, Proof(first.a, first.b, more)), (public, Proof(second.a, second.b, less))]
    with pytest.raises(InvalidBatch) as caught:
        verify_batch(case.key, pair, backend)
    assert caught.value.culprits == (0, 1)


def test_proofs_of_others_are_refused(case: Any, items: Any, a_case: Any) -> None:
    from zk.backends import get

    portable = get("portable")
    other = a_case(4, portable, rows=8, publics=2)
    mixed = [items[0], (other.public, other.proof), (case.public, other.proof), items[1]]
    with pytest.raises(InvalidBatch) as caught:
        verify_batch(case.key, mixed, portable)
    assert caught.value.culprits == (1, 2)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.sampled_from([None, *SPOILED]), min_size=COUNT, max_size=COUNT))
def test_decisions_are_those_of_single_verification(case: Any, items: Any, spoils: Any) -> None:
    from zk.backends import get

    fastest = get()
    mixed = [
        item if spoil is None else spoil(item) for item, spoil in zip(items, spoils, strict=True)
    ]
    for verdict, item, spoil in zip(judge(case.key, mixed, fastest), mixed, spoils, strict=True):
        assert type(verdict) is (type(None) if spoil is None else SPOILED[spoil])
        if spoil is not None:
            with pytest.raises(type(verdict)):
                verify(case.key, *item, fastest)
