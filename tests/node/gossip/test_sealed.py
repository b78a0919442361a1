"""Directed messages: for one reader, from a sender that it can name."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.core.ids import ChainId, Height
from node.gossip import sealed
from node.gossip.envelope import Envelope, plain
from node.gossip.errors import InvalidMessage
from node.gossip.fees import SettlementFee
from node.gossip.sealed import SIZES, Contact, seal, try_open
from node.testing.network import APP, CHAIN, FakeNetwork, box_of, intent, signer_of

ALICE, BOB, EVE = (signer_of(name) for name in ("alice", "bob", "eve"))
OUTER = signer_of("used once").node
KEY = box_of("bob")
CONTACT = KEY.contact(BOB)


def refused(rule: str, call, *arguments, **options):
    with pytest.raises(InvalidMessage) as caught:
        call(*arguments, **options)
    assert caught.value.rule == rule, caught.value


def opened(envelope: Envelope, **change):
    given_ = {"key": KEY, "node": BOB.node, "chain_id": CHAIN, "outer": OUTER, **change}
    return try_open(envelope=envelope, **given_)


@given(st.binary(min_size=1, max_size=14_000))
@settings(max_examples=30, deadline=None)
def test_what_is_sealed_is_opened_and_has_one_of_three_lengths(body) -> None:
    sent = plain(APP, "test/1", Height(9), body, SettlementFee(5))
    boxed = seal(ALICE, OUTER, CONTACT, sent)
    assert boxed.sealed
    assert len(boxed.body) - sealed.BOX_OVERHEAD in SIZES
    assert Envelope.from_bytes(boxed.to_bytes()) == boxed
    found = opened(boxed)
    assert (found.sender, found.envelope) == (ALICE.node, sent)


def test_a_box_is_nothing_to_anyone_else() -> None:
    boxed = seal(ALICE, OUTER, CONTACT, intent())
    assert opened(boxed) is not None
    for change in (
        {"key": box_of("eve")},
        {"node": EVE.node},
        {"outer": EVE.node},
        {"chain_id": ChainId(bytes(32))},
    ):
        assert opened(boxed, **change) is None
    for body in (boxed.body[:-1], boxed.body + b"\0", bytes(len(boxed.body)), b"x"):
        assert opened(replace(boxed, body=body)) is None
    for index in (0, 40, len(boxed.body) - 1):
        flipped = bytearray(boxed.body)
        flipped[index] ^= 1
        assert opened(replace(boxed, body=bytes(flipped))) is None


def test_go23_rejects_what_its_sender_did_not_sign_for_this_reader(monkeypatch) -> None:
    """Bob's letter from Alice, put by Bob into a box for Carol, is not Alice's letter to Carol."""
    carol = signer_of("carol")
    to_carol = box_of("carol").contact(carol)
    kept: list[bytes] = []

    class Posing:
        """Signs as Eve, claims to be Alice."""

        chain_id, node = CHAIN, ALICE.node
        sign = staticmethod(EVE.sign)

    refused("GO-23", opened, seal(Posing(), OUTER, CONTACT, intent()))

    class Forwarding(Posing):
        @staticmethod
        def sign(tag: str, *parts: bytes) -> bytes:
            return kept[0]

    kept.append(ALICE.sign("gossip/sealed", OUTER, BOB.node, KEY.public, intent().to_bytes()))
    assert opened(seal(Forwarding(), OUTER, CONTACT, intent())).sender == ALICE.node
    boxed = seal(Forwarding(), OUTER, to_carol, intent())
    refused("GO-23", opened, boxed, key=box_of("carol"), node=carol.node)


def test_go24_rejects_a_box_key_that_the_node_did_not_name() -> None:
    swapped = replace(CONTACT, box=box_of("eve").public)
    refused("GO-24", seal, ALICE, OUTER, swapped, intent())
    refused("GO-24", CONTACT.verify, ChainId(bytes(32)))
    data = CONTACT.to_bytes()
    assert Contact.from_bytes(data, CHAIN) == CONTACT
    refused("GO-24", Contact.from_bytes, data[:-1], CHAIN)
    refused("GO-24", Contact.from_bytes, data + b"\0", CHAIN)
    refused("GO-24", Contact.from_bytes, bytes(32) + data[32:], CHAIN)


def test_go24_rejects_a_message_to_nobody() -> None:
    from node.gossip.errors import GossipRefused

    with pytest.raises(GossipRefused) as caught:
        FakeNetwork(["a"])["a"].send(intent(), [], 0)
    assert caught.value.rule == "GO-24"


def test_go24_rejects_a_box_key_of_small_order() -> None:
    weak = bytes(32)
    contact = Contact(EVE.node, weak, EVE.sign("gossip/contact", weak))
    contact.verify(CHAIN)
    refused("GO-24", seal, ALICE, OUTER, contact, intent())


def test_go25_rejects_envelopes_that_cannot_be_sealed() -> None:
    refused("GO-25", seal, ALICE, OUTER, CONTACT, plain(APP, "a", Height(1), bytes(14_300)))
    boxed = seal(ALICE, OUTER, CONTACT, intent())
    refused("GO-25", seal, ALICE, OUTER, CONTACT, boxed)
    refused("GO-25", seal, ALICE, OUTER, CONTACT, replace(intent(), bound=True))


def test_go25_rejects_other_padding_and_another_expiry(monkeypatch) -> None:
    boxed = seal(ALICE, OUTER, CONTACT, intent(expiry=9))
    refused("GO-25", opened, replace(boxed, expiry=Height(10)))
    suite = sealed._SUITE
    for change in (
        lambda inside: inside[:-1] + b"\1",
        lambda inside: inside.ljust(SIZES[1], b"\0"),
        lambda inside: b"\xff" * len(inside),
    ):

        class Changing:
            @staticmethod
            def encrypt(inside, key, info, change=change):
                return suite.encrypt(change(inside), key, info)

        monkeypatch.setattr(sealed, "_SUITE", Changing)
        boxed = seal(ALICE, OUTER, CONTACT, intent())
        monkeypatch.setattr(sealed, "_SUITE", suite)
        refused("GO-25", opened, boxed)


def test_directed_messages_cross_the_network_and_show_nothing_on_the_wire(monkeypatch) -> None:
    net = FakeNetwork([f"n{i}" for i in range(8)], seed=2)
    net.mesh(2)
    wire: list[bytes] = []
    fly = net._fly

    def tap(source: bytes, target: bytes, data: bytes) -> None:
        wire.append(data)
        fly(source, target, data)

    monkeypatch.setattr(net, "_fly", tap)
    secret = "sell 1000 for 7 and tell nobody"
    sent = net.send("n0", intent(secret), ["n4", "n6"])
    net.run(3000)
    for name, member in net.members.items():
        got = [(d.sender, d.envelope.body, d.directed) for d in member.delivered]
        wanted = [(net["n0"].node, secret.encode(), True)] if name in {"n4", "n6"} else []
        assert got == wanted, name
        assert {message.id for message in sent} <= member.ids
    everything = b"".join(wire)
    assert secret.encode() not in everything
    assert b"test/1" not in everything
    assert APP not in everything
    origins = {message.origin for message in sent}
    assert len(origins) == 2
    assert net["n0"].node not in origins


def test_a_box_that_a_stranger_copies_is_not_delivered_again() -> None:
    net = FakeNetwork(["a", "b"])
    net.link("a", "b")
    (sent,) = net.send("a", intent(), ["b"])
    net.run(100)
    from node.gossip.message import originate

    copied = originate(EVE, 0, sent.envelope)
    net.act("b", net["b"].receive(net["a"].node, b"\1" + copied.to_bytes(), net.now))
    assert copied.id in net.members["b"].ids
    assert len(net.members["b"].delivered) == 1


def test_a_false_box_is_not_held_against_the_peer_that_carried_it(monkeypatch) -> None:
    net = FakeNetwork(["a", "b"])
    net.link("a", "b")
    boxed = seal(ALICE, OUTER, net.contact("b"), intent())
    from node.gossip.message import originate

    outer = originate(signer_of("used once"), 0, replace(boxed, expiry=Height(31)))
    net.act("b", net["b"].receive(net["a"].node, b"\1" + outer.to_bytes(), 0))
    assert net.refusals("b") == {"GO-25"}
    assert net["b"].peers.score(net["a"].node, 0) == 0


def test_reprs_show_no_secret() -> None:
    found = opened(seal(ALICE, OUTER, CONTACT, intent("tell nobody")))
    assert "nobody" in str(found.envelope.body)
    assert "nobody" not in repr(found)
    assert repr(KEY) == f"<BoxKey: {KEY.public.hex()[:16]}…>"
