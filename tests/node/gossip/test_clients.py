"""Those who use a node and are no peers: senders that hand messages in, solvers that read them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from node.core.ids import Height
from node.gossip.errors import Duplicate, GossipRefused, InvalidMessage
from node.gossip.fees import SettlementFee
from node.gossip.limits import PeerLimits
from node.gossip.message import MAX_HOPS, Message, bind, originate, pass_on
from node.gossip.node import GossipNode, Options, Send
from node.gossip.pool import PoolLimits
from node.gossip.sealed import BoxKey, seal
from node.gossip.sequence import MemorySequence
from node.testing.network import CHAIN, intent, signer_of

SOLVER = signer_of("solver")


def node(options: Options | None = None) -> GossipNode:
    return GossipNode(signer_of("node"), MemorySequence(), None, options)


def offered(text: str, fee: int = 100) -> Message:
    envelope = replace(intent(text), fee=SettlementFee(fee, reserved=50))
    return originate(signer_of(f"origin {text}"), 0, envelope)


def test_go28_a_client_hands_in_what_peers_then_get_with_this_nodes_hop() -> None:
    relay = node(Options(cut=20))
    peer = signer_of("peer").node
    relay.connect(peer, 0)
    message, actions = relay.submit(offered("a").to_bytes(), 0)
    (sent,) = [action for action in actions if isinstance(action, Send)]
    arrived = Message.from_bytes(sent.data[1:])
    arrived.verify(CHAIN, peer)
    assert (arrived.id, arrived.cuts) == (message.id, (20,))
    with pytest.raises(Duplicate):
        relay.submit(offered("a").to_bytes(), 0)


def test_go28_clients_together_have_one_allowance_and_one_share() -> None:
    relay = node(Options(peers=PeerLimits(rate=1, burst=2)))
    for text in ("a", "b"):
        relay.submit(offered(text).to_bytes(), 0)
    with pytest.raises(GossipRefused) as refused:
        relay.submit(offered("c").to_bytes(), 0)
    assert refused.value.rule == "GO-18"
    relay.submit(offered("c").to_bytes(), 1000)
    size = len(offered("a").to_bytes())
    small = node(Options(pool=PoolLimits(most_bytes=4 * size)))
    small.submit(offered("a").to_bytes(), 0)
    with pytest.raises(GossipRefused) as refused:
        small.submit(offered("b").to_bytes(), 0)
    assert refused.value.rule == "GO-20"


def test_go28_what_a_client_gets_wrong_is_refused_by_its_rule() -> None:
    relay = node()
    with pytest.raises(InvalidMessage) as wrong:
        relay.submit(replace(offered("a"), signature=bytes(64)).to_bytes(), 0)
    assert wrong.value.rule == "GO-3"
    relay.advance(Height(10**6))
    with pytest.raises(GossipRefused) as late:
        relay.submit(offered("a").to_bytes(), 0)
    assert late.value.rule == "GO-19"


def test_go29_a_reader_gets_one_hop_that_names_it_however_often_it_asks() -> None:
    relay = node(Options(cut=20))
    message, _ = relay.submit(offered("a").to_bytes(), 0)
    handed = relay.hand_over(message.id, SOLVER.node)
    handed.verify(CHAIN, SOLVER.node)
    assert (handed.id, handed.cuts, handed.hops[0].next) == (message.id, (20,), SOLVER.node)
    with pytest.raises(InvalidMessage) as other:
        handed.verify(CHAIN, signer_of("other").node)
    assert other.value.rule == "GO-6"
    assert relay.hand_over(message.id, SOLVER.node) == handed
    second = relay.hand_over(message.id, signer_of("other").node)
    assert second.hops[0].seq == handed.hops[0].seq + 1
    assert relay.hand_over(message.id, relay.node) == message
    assert relay.hand_over(bytes(32), SOLVER.node) is None


def test_go29_a_path_that_must_go_on_elsewhere_is_not_handed_over() -> None:
    relay = node()
    bound = replace(intent("b"), bound=True)
    origin = signer_of("origin")
    message = bind(originate(origin, 0, bound), origin, 1, relay.node)
    relay.submit(message.to_bytes(), 0)
    handed = relay.hand_over(message.id, SOLVER.node)
    handed.verify(CHAIN, SOLVER.node)
    full = offered("f")
    for index in range(MAX_HOPS):
        successor = relay.node if index == MAX_HOPS - 1 else None
        full = pass_on(full, signer_of(f"hop {index}"), 0, 0, successor)
    relay.submit(full.to_bytes(), 0)
    assert relay.hand_over(full.id, SOLVER.node) is None


def test_go29_sealed_messages_and_full_paths_stay_as_they_are() -> None:
    relay = node()
    outer = signer_of("outer")
    contact = BoxKey(bytes([7]) * 32).contact(SOLVER)
    message = originate(outer, 0, seal(signer_of("me"), outer.node, contact, intent("s")))
    relay.submit(message.to_bytes(), 0)
    assert relay.hand_over(message.id, SOLVER.node) == message
    full = offered("f")
    for index in range(MAX_HOPS):
        full = pass_on(full, signer_of(f"hop {index}"), 0)
    relay.submit(full.to_bytes(), 0)
    assert relay.hand_over(full.id, SOLVER.node) == full
