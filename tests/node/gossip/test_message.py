"""Messages: one encoding, an id that hops do not change, a path that nobody can rewrite."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from node.core.ids import ChainId, EnvironmentId, Height
from node.gossip.envelope import APP_BYTES, MAX_ENVELOPE, Envelope, plain
from node.gossip.errors import InvalidMessage
from node.gossip.fees import NoFee, OrderingFee, SettlementFee
from node.gossip.message import MAX_HOPS, MAX_MESSAGE, Message, bind, originate, pass_on
from node.gossip.sealed import Contact
from node.testing.network import APP, CHAIN, intent, signer_of

ALICE, BOB, CAROL, DAVE = (signer_of(name) for name in ("alice", "bob", "carol", "dave"))
OFFER = SettlementFee(100, 10)

fees = st.one_of(
    st.just(NoFee()),
    st.integers(1, 2**64 - 1).flatmap(
        lambda amount: st.builds(SettlementFee, st.just(amount), st.integers(0, amount))
    ),
    st.builds(
        OrderingFee,
        st.binary(min_size=32, max_size=32).filter(any),
        st.integers(1, 2**64 - 1),
        st.sampled_from([EnvironmentId.TRANSPARENT, EnvironmentId.SHIELDED]),
        st.binary(min_size=32, max_size=32).filter(any),
    ),
)
envelopes = st.builds(
    plain,
    st.binary(min_size=APP_BYTES, max_size=APP_BYTES),
    st.from_regex(r"[a-z0-9][a-z0-9._/-]{0,63}", fullmatch=True),
    st.integers(0, 2**63 - 1),
    st.binary(min_size=1, max_size=300),
    fees,
)


def refused(rule: str, call, *arguments, where: str = ""):
    with pytest.raises(InvalidMessage) as caught:
        call(*arguments)
    assert caught.value.rule == rule, caught.value
    assert where in caught.value.where


def path(*cuts: int, fee=OFFER) -> Message:
    message = originate(ALICE, 3, intent(fee=fee))
    for index, cut in enumerate(cuts):
        message = pass_on(message, (BOB, CAROL, DAVE)[index], 7, cut)
    return message


@given(envelopes, st.integers(0, 2**64 - 1), st.integers(0, 2))
@settings(max_examples=40)
def test_go1_bytes_and_value_are_one(envelope, seq, hops) -> None:
    message = originate(ALICE, seq, envelope)
    for index in range(hops):
        message = pass_on(message, (BOB, CAROL)[index], index, 0)
    assert Message.from_bytes(message.to_bytes()) == message
    message.verify(CHAIN)


def test_go1_rejects_what_is_no_encoding() -> None:
    data = path(5).to_bytes()
    for wrong in (b"", data[:-1], data + b"\0", bytes((2,)) + data[1:], bytes(MAX_MESSAGE + 1)):
        refused("GO-1", Message.from_bytes, wrong)
    named = pass_on(path(), BOB, 0, 0, CAROL.node).to_bytes()
    presence = len(named) - 64 - 32 - 1
    assert named[presence] == 1
    refused(
        "GO-1", Message.from_bytes, named[:presence] + b"\2" + named[presence + 1 :], where="hop"
    )
    envelope = intent().to_bytes()
    refused("GO-1", Envelope.from_bytes, envelope[:1] + b"\4" + envelope[2:])
    refused("GO-1", Envelope.from_bytes, b"\7" + envelope[1:])
    model = 1 + 1 + 29 + 4 + len("test/1") + 8
    refused("GO-1", Envelope.from_bytes, envelope[:model] + b"\3" + envelope[model + 1 :])


@given(st.binary(max_size=400))
@settings(max_examples=60)
def test_go1_rejects_noise_with_a_rule(noise) -> None:
    with pytest.raises(InvalidMessage) as caught:
        Message.from_bytes(noise)
    assert caught.value.rule.startswith("GO-")


def test_go2_rejects_envelopes_that_name_nothing() -> None:
    body, expiry = b"x", Height(1)
    refused("GO-2", plain, APP[:-1], "a", expiry, body, where="app")
    for schema in ("", "A", "a b", "é", "-a", "a" * 65, "a\n"):
        refused("GO-2", plain, APP, schema, expiry, body, where="schema")
    refused("GO-2", plain, APP, "a", Height(2**63), body, where="expiry")
    refused("GO-2", plain, APP, "a", expiry, b"", where="body")
    refused("GO-2", plain, APP, "a", expiry, bytes(MAX_ENVELOPE))
    refused("GO-2", lambda: Envelope(APP, "", expiry, NoFee(), body, sealed=True))
    encoded = bytearray(plain(APP, "abc", expiry, body).to_bytes())
    encoded[1 + 1 + 29 + 4] = 0xC3
    refused("GO-2", Envelope.from_bytes, bytes(encoded), where="schema")


def test_the_longest_envelope_has_room_for_a_whole_path() -> None:
    room = MAX_ENVELOPE - len(plain(APP, "a", Height(1), b"x", OFFER).to_bytes()) + 1
    message = originate(ALICE, 0, plain(APP, "a", Height(1), bytes(room), OFFER))
    assert len(message.envelope.to_bytes()) == MAX_ENVELOPE
    for index in range(MAX_HOPS):
        message = pass_on(
            message, signer_of(f"hop {index}"), 0, 1, signer_of(f"hop {index + 1}").node
        )
    assert len(message.to_bytes()) <= MAX_MESSAGE
    assert Message.from_bytes(message.to_bytes()) == message


def test_go3_rejects_what_its_origin_did_not_sign() -> None:
    message = path()
    other = ChainId(bytes(32))
    refused("GO-3", message.verify, other, where="origin")
    for changed in (
        replace(message, seq=4),
        replace(message, origin=BOB.node),
        replace(message, envelope=intent("swap 6 for 7", fee=OFFER)),
        replace(message, envelope=replace(message.envelope, fee=SettlementFee(101, 10))),
        replace(message, envelope=replace(message.envelope, expiry=Height(33))),
        replace(message, origin=bytes(32)),
        replace(message, signature=bytes(64)),
    ):
        refused("GO-3", changed.verify, CHAIN, where="origin")


def test_go3_rejects_a_signature_whose_scalar_is_not_reduced() -> None:
    order = 2**252 + 27742317777372353535851937790883648493
    message = path()
    scalar = int.from_bytes(message.signature[32:], "little") + order
    twin = message.signature[:32] + scalar.to_bytes(32, "little")
    refused("GO-3", replace(message, signature=twin).verify, CHAIN)


def test_go3_rejects_a_key_of_small_order_that_signs_everything() -> None:
    """Under the neutral element R = 1, s = 0 is a signature of any message."""
    neutral = (1).to_bytes(32, "little")
    anything = neutral + bytes(32)
    Ed25519PublicKey.from_public_bytes(neutral).verify(anything, b"whatever")
    message = replace(path(), origin=neutral, signature=anything)
    refused("GO-3", message.verify, CHAIN, where="origin")
    contact = Contact(neutral, bytes(32), anything)
    refused("GO-24", contact.verify, CHAIN)


def test_go4_the_id_rejects_no_path_and_takes_every_change_of_the_rest() -> None:
    message = path()
    assert path(5).id == path(5, 6, 7).id == message.id
    others = [
        replace(message, seq=4).id,
        replace(message, origin=BOB.node).id,
        replace(message, signature=bytes(64)).id,
        replace(message, envelope=replace(message.envelope, bound=True)).id,
        originate(ALICE, 3, intent("other", fee=OFFER)).id,
    ]
    assert len({message.id, *others}) == 6


def test_go5_rejects_every_rewriting_of_the_path() -> None:
    message = path(5, 6, 7)
    one, two, three = message.hops
    rewritten = {
        "the first left out": (two, three),
        "the middle left out": (one, three),
        "in another order": (two, one, three),
        "a cut raised": (replace(one, fee_taken=6), two, three),
        "a cut lowered": (one, replace(two, fee_taken=0), three),
        "another number": (one, two, replace(three, seq=8)),
        "another node": (one, two, replace(three, node=signer_of("eve").node)),
        "a successor put in": (one, replace(two, next=DAVE.node), three),
    }
    for name, hops in rewritten.items():
        with pytest.raises(InvalidMessage) as caught:
            replace(message, hops=hops).verify(CHAIN)
        assert caught.value.rule == "GO-5", name
    elsewhere = pass_on(originate(ALICE, 4, intent("other", fee=OFFER)), BOB, 7, 5)
    refused("GO-5", replace(message, hops=elsewhere.hops).verify, CHAIN, where="hop 1")


@given(st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_go5_rejects_every_flipped_bit(data) -> None:
    """One bit of a message with a path, anywhere: it never verifies as another message."""
    encoded = bytearray(pass_on(path(5), CAROL, 9, 6, DAVE.node).to_bytes())
    bit = data.draw(st.integers(0, 8 * len(encoded) - 1))
    encoded[bit // 8] ^= 1 << bit % 8
    with pytest.raises(InvalidMessage) as caught:
        Message.from_bytes(bytes(encoded)).verify(CHAIN)
    assert caught.value.rule in {f"GO-{n}" for n in (1, 2, 3, 5, 6, 7, 8, 9)}


def test_go6_rejects_a_hop_that_is_not_the_one_named() -> None:
    named = pass_on(path(), BOB, 7, 5, CAROL.node)
    pass_on(named, CAROL, 1, 1)
    refused("GO-6", pass_on, named, DAVE, 1, 1, where="hop 1")
    named.verify(CHAIN, CAROL.node)
    refused("GO-6", named.verify, CHAIN, DAVE.node, where="hop 1")


def test_go6_rejects_fee_theft_along_a_bound_path() -> None:
    """Alice → Bob → Carol; Carol cannot leave Bob out, and Dave cannot put himself in."""
    bound = replace(intent(fee=OFFER), bound=True)
    message = originate(ALICE, 0, bound)
    refused("GO-6", message.verify, CHAIN)
    to_bob = bind(message, ALICE, 1, BOB.node)
    to_carol = pass_on(to_bob, BOB, 0, 40, CAROL.node)
    to_carol.verify(CHAIN, CAROL.node)
    refused("GO-6", pass_on, to_bob, CAROL, 0, 90, DAVE.node, where="hop 1")
    refused("GO-6", pass_on, message, CAROL, 0, 90, DAVE.node)
    refused("GO-6", pass_on, to_carol, CAROL, 0, 1, None, where="hop 3")
    refused("GO-6", to_carol.verify, CHAIN, DAVE.node, where="hop 2")
    refused("GO-8", pass_on, message, ALICE, 1, 5, BOB.node)


def test_go7_rejects_long_paths_and_nodes_that_stand_in_them_twice() -> None:
    message = path()
    for index in range(MAX_HOPS):
        message = pass_on(message, signer_of(f"hop {index}"), 0)
    refused("GO-7", pass_on, message, BOB, 0)
    refused("GO-7", pass_on, path(5), BOB, 8)
    refused("GO-7", pass_on, path(5), ALICE, 8)
    count = len(path().to_bytes()) - 1
    encoded = bytearray(path().to_bytes())
    encoded[count] = MAX_HOPS + 1
    refused("GO-7", Message.from_bytes, bytes(encoded))


def test_go8_rejects_cuts_beyond_the_offer() -> None:
    assert path(50, 40).left == 0
    refused("GO-8", path, 50, 41)
    refused("GO-8", path, -1)
    refused("GO-8", path, 2**64)
    refused("GO-8", lambda: path(1, fee=NoFee()))
    refused(
        "GO-8", lambda: path(1, fee=OrderingFee(b"d" * 32, 9, EnvironmentId.SHIELDED, b"p" * 32))
    )


def test_reprs_show_no_secret() -> None:
    assert repr(ALICE) == f"<Signer: {ALICE.node.hex()[:16]}…>"


def test_the_encoding_has_not_changed() -> None:
    """State-breaking if it has: what is signed and what is named by its id."""
    message = pass_on(path(5), CAROL, 9, 6, DAVE.node)
    assert len(message.to_bytes()) == 450
    assert message.id.hex() == "64351d2c12c78275faffa4d576d3a04b816daa62531f71daff504ab0e95c6e85"
    assert message.hops[1].signature.hex()[:32] == "64636aa9b3b1025a9b960256fc190266"
