"""Links: proofs about what commitments hold, and what is none."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from private_exec import group, linking
from private_exec.errors import LinkRefused, MalformedSeal
from private_exec.hash_to_curve import hash_to_g1
from private_exec.linking import (
    Link,
    Linked,
    Nonces,
    challenge_of,
    commit_nonces,
    judge_linked,
    link_bytes,
    prove_link,
    verify_link,
    verify_linked,
)
from private_exec.pedersen import BLINDING_TAG, H, Opening, commit, opens
from zk.backends import get
from zk.curve.bn254 import G1, G1_GENERATOR, G1Affine
from zk.errors import InvalidProof, NonCanonical
from zk.field.arrays import U64Array, from_array, to_array
from zk.field.params import FR
from zk.groth16.example import hidden_circuit
from zk.groth16.hidden import HiddenProof, hidden_bases, prove_hidden, verify_hidden
from zk.groth16.keys import Blinding, Proof, ProvingKey, VerifyingKey, negate_g2
from zk.groth16.points import g1_points
from zk.groth16.setup import UnsafeDevSetup

R = FR.modulus
HIDDEN = 3
CONTEXT = bytes(range(32))
ENTROPY = b"\5" * 32


@dataclass(frozen=True)
class Case:
    """y = x₁²·x₂ of committed x₁, x₂, with everything that an honest prover has."""

    proving_key: ProvingKey
    key: VerifyingKey
    assignment: U64Array
    public: tuple[int, ...]
    openings: tuple[Opening, ...]
    nu: int
    linked: Linked

    def hide(self, assignment: U64Array, seed: int = 3) -> HiddenProof:
        blinding = Blinding(1000 + seed, 2000 + seed)
        return prove_hidden(self.proving_key, assignment, HIDDEN, blinding, get())

    def link(self, **changes: object) -> Linked:
        """The honest link with other arguments."""
        arguments: dict[str, object] = {
            "public": self.public,
            "hidden": self.linked.hidden,
            "openings": self.openings,
            "nu": self.nu,
            "context": CONTEXT,
            "entropy": ENTROPY,
        }
        return prove_link(self.key, **(arguments | changes))  # type: ignore[arg-type]

    def refused(self, linked: Linked, rule: str, key: VerifyingKey | None = None) -> None:
        with pytest.raises(LinkRefused) as caught:
            verify_linked(key or self.key, HIDDEN, linked, get())
        assert caught.value.rule == rule


@pytest.fixture(scope="module")
def case() -> Case:
    shape, assignment = hidden_circuit(9)
    shape.check(assignment)
    proving_key = UnsafeDevSetup().run(shape, get())
    key = proving_key.verifying_key
    y, first, second, nu = from_array(assignment[1:5])
    openings = (Opening(first, 31337), Opening(second, R - 5))
    hidden = prove_hidden(proving_key, assignment, HIDDEN, Blinding(8, 9), get())
    linked = prove_link(key, (y,), hidden, openings, nu, CONTEXT, ENTROPY)
    return Case(proving_key, key, assignment, (y,), openings, nu, linked)


def plus(point: G1Affine, other: G1Affine) -> G1Affine:
    return group.total_g1([point, other])


def test_honest_proofs_are_accepted(case: Case) -> None:
    verify_linked(case.key, HIDDEN, case.linked)
    verify_linked(case.key, HIDDEN, case.linked, get())
    assert list(case.linked.commitments) == [o.commitment for o in case.openings]


def test_the_same_entropy_gives_the_same_link_and_another_context_other_nonces(case: Case) -> None:
    assert case.link() == case.linked
    other = case.link(context=bytes(32))
    assert set(other.link.shown).isdisjoint(case.linked.link.shown)
    verify_linked(case.key, HIDDEN, other, get())


def test_secrets_do_not_print(case: Case) -> None:
    nonces = Nonces((7_777_777,), (7_777_777,), 7_777_777)
    assert "7777777" not in repr(nonces) + repr(Opening(7_777_777, 7_777_777))


def test_pv60_the_base_of_blindings_is_hashed_and_commitments_bind(case: Case) -> None:
    assert hash_to_g1(b"blinding", BLINDING_TAG) == H != G1_GENERATOR
    opening = Opening(5, 6)
    (point,) = commit([opening])
    expected = 5 * G1.generator() + 6 * G1.from_affine(H)
    assert point == expected.to_affine()
    assert opens(point, opening)
    assert not opens(point, Opening(6, 5))
    assert not opens(point, Opening(5, 7))
    both = commit([Opening(1, 2), Opening(4, 4)])
    assert plus(*both) == point
    for wrong in ((R, 0), (0, R), (-1, 0)):
        with pytest.raises(MalformedSeal):
            Opening(*wrong)


def test_pv61_the_statement_says_how_many_inputs_are_hidden(case: Case) -> None:
    """An input that must be seen cannot be hidden, nor a hidden one be shown or left out."""
    honest = case.linked
    for hidden_count in (1, 2, 4):
        with pytest.raises(LinkRefused) as caught:
            verify_linked(case.key, hidden_count, honest, get())
        assert caught.value.rule == "PV-61"
    one = replace(honest, commitments=honest.commitments[:1])
    for wrong in (
        one,
        replace(honest, commitments=(*honest.commitments, honest.commitments[0])),
        replace(honest, public=()),
        replace(honest, public=(*honest.public, 1)),
    ):
        case.refused(wrong, "PV-61")
    with pytest.raises(LinkRefused) as caught:  # the visible y hidden, too
        verify_link(case.key, replace(honest, public=()))
    assert caught.value.rule == "PV-61"


def test_pv62_points_and_responses_are_canonical(case: Case) -> None:
    link = case.linked.link
    for broken in (
        {"values": (link.values[0] + R, link.values[1])},
        {"blindings": (link.blindings[0], -1)},
        {"nu": R},
        {"shown": (None, *link.shown[1:])},
        {"shown": (*link.shown[:2], (1, 3))},
        {"shown": link.shown[:2]},
        {"blindings": link.blindings[:1]},
        {"values": (), "blindings": (), "shown": link.shown[:1]},
    ):
        with pytest.raises(LinkRefused) as caught:
            replace(link, **broken)  # type: ignore[arg-type]
        assert caught.value.rule == "PV-62"
    for point in (None, (1, 3), (1 + (1 << 255), 2)):
        wrong = replace(case.linked, commitments=(case.linked.commitments[0], point))
        case.refused(wrong, "PV-62")


def test_pv62_bytes_are_one_encoding(case: Case) -> None:
    link = case.linked.link
    data = link.to_bytes()
    assert len(data) == link_bytes(2) == 256
    assert Link.from_bytes(data, 2) == link
    one = Link(link.shown[:2], link.values[:1], link.blindings[:1], link.nu)
    assert Link.from_bytes(one.to_bytes(), 1) == one
    order = R.to_bytes(32, "little")
    for wrong, count in (
        (data, 1),
        (data, 0),
        (data[:-1], 2),
        (data + b"\0", 2),
        (b"", 1),
        (data[:96] + order + data[128:], 2),
        (data[:-32] + order, 2),
        (bytes(31) + b"\x40" + data[32:], 2),
        (b"\xff" * 32 + data[32:], 2),
    ):
        with pytest.raises(LinkRefused) as caught:
            Link.from_bytes(wrong, count)
        assert caught.value.rule == "PV-62"


def forged_for(case: Case, public: int) -> HiddenProof:
    """A proof of any shown input, by the public key alone; the equation accepts it."""
    (delta,) = g1_points(case.proving_key.delta_g1)
    k = 4242
    shown = group.sum_g1([1, public], list(case.key.ic[:2]))
    d = plus(group.multiple_g1(k, delta), group.negative(shown))
    c = group.negative(group.multiple_g1(k, G1_GENERATOR))
    return HiddenProof(Proof(case.key.alpha, case.key.beta, c), d)


def test_pv63_a_forged_d_satisfies_the_equation_and_has_no_link(case: Case) -> None:
    lie = (case.public[0] ^ 1,)
    forged = forged_for(case, lie[0])
    verify_hidden(case.key, lie, HIDDEN, forged, get())
    with pytest.raises(LinkRefused) as caught:
        case.link(public=lie, hidden=forged)
    assert caught.value.rule == "PV-63"
    case.refused(replace(case.linked, public=lie, hidden=forged), "PV-63")


def test_pv63_a_true_link_of_values_that_do_not_satisfy_the_statement(case: Case) -> None:
    """Whoever knows what D holds passes the link; the equation then speaks of these values."""
    openings = (Opening(1, 2), Opening(3, 4))
    d = group.sum_g1([1, 3, 5], list(hidden_bases(case.key, HIDDEN)))
    hidden = replace(case.linked.hidden, d=d)
    linked = case.link(hidden=hidden, openings=openings, nu=5)
    verify_link(case.key, linked)
    with pytest.raises(InvalidProof):
        verify_linked(case.key, HIDDEN, linked, get())


def test_pv63_a_changed_proof_takes_another_link(case: Case) -> None:
    """(−A, −B, C) satisfies the equation as it does everywhere; with its D it cannot be taken."""
    proof = case.linked.hidden.proof
    turned = Proof(group.negative(proof.a), negate_g2(proof.b), proof.c)
    hidden = replace(case.linked.hidden, proof=turned)
    verify_hidden(case.key, case.public, HIDDEN, hidden, get())
    case.refused(replace(case.linked, hidden=hidden), "PV-63")


def test_pv64_commitments_hold_the_values_of_the_proof(case: Case) -> None:
    """Made by a prover who hides one thing and commits to another, with honest challenges."""
    first, second = case.openings
    for other in (
        (Opening((first.value + 1) % R, first.blinding), second),
        (second, first),
        (Opening(0, 1), second),
    ):
        linked = lying_link(case, other)
        case.refused(linked, "PV-64")


def lying_link(case: Case, openings: tuple[Opening, Opening]) -> Linked:
    """D holds the proof's values, commitments hold others: responses satisfy D's equation."""
    honest = case.linked
    bases = hidden_bases(case.key, HIDDEN)
    nonces = Nonces((11, 12), (13, 14), 15)
    shown = commit_nonces(bases, nonces)
    commitments = tuple(commit(openings))
    c = challenge_of(case.key, case.public, honest.hidden, commitments, CONTEXT, shown)
    link = Link(
        shown,
        tuple((a + c * o.value) % R for a, o in zip(nonces.values, case.openings, strict=True)),
        tuple((b + c * o.blinding) % R for b, o in zip(nonces.blindings, openings, strict=True)),
        (nonces.nu + c * case.nu) % R,
    )
    return replace(honest, commitments=commitments, link=link)


def test_pv64_swapped_commitments_are_refused(case: Case) -> None:
    linked = lying_link(case, case.openings)
    verify_linked(case.key, HIDDEN, linked, get())
    with pytest.raises(LinkRefused):
        verify_link(case.key, replace(linked, commitments=linked.commitments[::-1]))


def test_pv65_d_chosen_after_the_challenge_is_refused(case: Case) -> None:
    """Weak Fiat–Shamir: with a hash that leaves D out, D = (Σ s·IC − T)/c has a link."""
    honest, bases = case.linked, list(hidden_bases(case.key, HIDDEN))
    shown = commit_nonces(bases, Nonces((1, 2), (3, 4), 5))
    commitments = honest.commitments
    c = challenge_of(case.key, case.public, honest.hidden, commitments, CONTEXT, shown)
    values, nu = (21, 22), 23
    difference = plus(group.sum_g1([*values, nu], bases), group.negative(shown[0]))
    d = group.multiple_g1(pow(c, -1, R), difference)
    assert group.sum_g1([*values, nu, -c, -1], [*bases, d, shown[0]]) is None
    link = Link(shown, values, (24, 25), nu)
    case.refused(replace(honest, hidden=replace(honest.hidden, d=d), link=link), "PV-63")


def test_pv65_commitments_chosen_after_the_challenge_are_refused(case: Case) -> None:
    honest, bases = case.linked, hidden_bases(case.key, HIDDEN)
    nonces = Nonces((1, 2), (3, 4), 5)
    shown = commit_nonces(bases, nonces)
    c = challenge_of(case.key, case.public, honest.hidden, honest.commitments, CONTEXT, shown)
    values = tuple((a + c * o.value) % R for a, o in zip(nonces.values, case.openings, strict=True))
    commitments = tuple(
        group.multiple_g1(
            pow(c, -1, R),
            plus(group.sum_g1([s, 9], [G1_GENERATOR, H]), group.negative(shown[1 + j])),
        )
        for j, s in enumerate(values)
    )
    link = Link(shown, values, (9, 9), (nonces.nu + c * case.nu) % R)
    case.refused(replace(honest, commitments=commitments, link=link), "PV-63")


def test_pv65_every_part_is_hashed(case: Case) -> None:
    honest = case.linked
    proof, g = honest.hidden.proof, G1_GENERATOR
    base = challenge_of(
        case.key, honest.public, honest.hidden, honest.commitments, CONTEXT, honest.link.shown
    )
    other_key = replace(case.key, alpha=g)
    changed = {
        "key": {"key": other_key},
        "shown input": {"public": (1,)},
        "no shown input": {"public": ()},
        "A": {"hidden": replace(honest.hidden, proof=replace(proof, a=g))},
        "B": {"hidden": replace(honest.hidden, proof=replace(proof, b=case.key.beta))},
        "C": {"hidden": replace(honest.hidden, proof=replace(proof, c=g))},
        "D": {"hidden": replace(honest.hidden, d=g)},
        "Com 0": {"commitments": (g, honest.commitments[1])},
        "Com 1": {"commitments": (honest.commitments[0], g)},
        "order": {"commitments": honest.commitments[::-1]},
        "context": {"context": bytes(32)},
        "T": {"shown": (g, *honest.link.shown[1:])},
        "T 1": {"shown": (honest.link.shown[0], g, honest.link.shown[2])},
        "T 2": {"shown": (*honest.link.shown[:2], g)},
        # The last commitment moved to the front of what is shown: lengths keep them apart.
        "moved": {
            "commitments": honest.commitments[:1],
            "shown": (honest.commitments[1], *honest.link.shown),
        },
    }
    seen = {base}
    for name, change in changed.items():
        arguments: dict[str, object] = {
            "key": case.key,
            "public": honest.public,
            "hidden": honest.hidden,
            "commitments": honest.commitments,
            "context": CONTEXT,
            "shown": honest.link.shown,
        }
        value = challenge_of(**(arguments | change))  # type: ignore[arg-type]
        assert value not in seen, name
        seen.add(value)


def test_pv65_a_link_under_another_key_is_refused(case: Case) -> None:
    """The same ICs under another α: another key, another statement perhaps."""
    other = replace(case.key, alpha=G1_GENERATOR)
    assert hidden_bases(other, HIDDEN) == hidden_bases(case.key, HIDDEN)
    case.refused(case.linked, "PV-63", key=other)


def test_pv65_shown_inputs_are_canonical_in_the_hash(case: Case) -> None:
    with pytest.raises(NonCanonical):
        verify_linked(case.key, HIDDEN, replace(case.linked, public=(case.public[0] + R,)), get())


def test_pv66_a_link_belongs_to_one_message(case: Case) -> None:
    other = bytes([CONTEXT[0] ^ 1]) + CONTEXT[1:]
    case.refused(replace(case.linked, context=other), "PV-63")
    for wrong in (b"", CONTEXT[:-1], CONTEXT + b"\0"):
        case.refused(replace(case.linked, context=wrong), "PV-66")
        with pytest.raises(LinkRefused) as caught:
            case.link(context=wrong)
        assert caught.value.rule == "PV-66"


def test_another_nu_or_response_is_refused(case: Case) -> None:
    link = case.linked.link
    for changed, rule in (
        (replace(link, nu=(link.nu + 1) % R), "PV-63"),
        (replace(link, values=((link.values[0] + 1) % R, link.values[1])), "PV-63"),
        (replace(link, blindings=(link.blindings[0], (link.blindings[1] + 1) % R)), "PV-64"),
    ):
        case.refused(replace(case.linked, link=changed), rule)


def test_errors_of_two_links_do_not_cancel(case: Case) -> None:
    """Responses moved up in one and down in the other: with equal coefficients they would pass."""
    again = case.link(context=bytes(32))
    moved = []
    for linked, by in ((case.linked, 1), (again, -1)):
        link = linked.link
        blindings = ((link.blindings[0] + by) % R, link.blindings[1])
        moved.append(replace(linked, link=replace(link, blindings=blindings)))
    verdicts = judge_linked(case.key, HIDDEN, moved, get())
    assert [getattr(v, "rule", None) for v in verdicts] == ["PV-64", "PV-64"]
    link = case.linked.link  # and those of two equations of one link
    blindings = ((link.blindings[0] + 1) % R, (link.blindings[1] - 1) % R)
    case.refused(replace(case.linked, link=replace(link, blindings=blindings)), "PV-64")


def test_px9_coefficients_of_equations_follow_from_the_responses(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PX-9: whoever knows them before the responses lets two errors cancel in the combination."""
    seen: list[list[int]] = []
    real = linking.coefficients

    def spy(seed: bytes, purpose: str, count: int) -> list[int]:
        seen.append(real(seed, purpose, count))
        return seen[-1]

    monkeypatch.setattr(linking, "coefficients", spy)
    link = case.linked.link
    verify_link(case.key, case.linked)
    _, first, second = seen[0]
    blindings = ((link.blindings[0] + second) % R, (link.blindings[1] - first) % R)
    moved = replace(case.linked, link=replace(link, blindings=blindings))
    with pytest.raises(LinkRefused) as caught:
        verify_link(case.key, moved)
    assert caught.value.rule == "PV-64"
    assert seen[0] != seen[1]
    monkeypatch.setattr(linking, "coefficients", lambda *_: seen[0])
    verify_link(case.key, moved)


def test_many_at_once_are_judged_as_one_by_one(case: Case) -> None:
    lie = (case.public[0] ^ 1,)
    wrong_values = case.link(
        hidden=replace(
            case.linked.hidden,
            d=group.sum_g1([1, 3, 5], list(hidden_bases(case.key, HIDDEN))),
        ),
        openings=(Opening(1, 2), Opening(3, 4)),
        nu=5,
    )
    assignment = case.assignment.copy()
    assignment[4] = to_array([99])[0]
    again = case.link(hidden=case.hide(assignment), nu=99)
    items = [
        case.linked,
        replace(case.linked, public=lie, hidden=forged_for(case, lie[0])),
        again,
        wrong_values,
        replace(case.linked, commitments=case.linked.commitments[:1]),
        case.linked,
    ]
    verdicts = judge_linked(case.key, HIDDEN, items, get())
    kinds = [getattr(v, "rule", type(v).__name__) for v in verdicts]
    assert kinds == ["NoneType", "PV-63", "NoneType", "InvalidProof", "PV-61", "NoneType"]
