"""Many nodes over a network that loses, doubles, reorders and falls apart."""

from __future__ import annotations

from dataclasses import replace

import pytest

from node.core.ids import Height
from node.gossip.admission import MemoryLimits
from node.gossip.fees import SettlementFee, split
from node.gossip.limits import PeerLimits
from node.gossip.message import originate, pass_on
from node.gossip.node import Options
from node.gossip.pool import PoolLimits
from node.testing.network import CHAIN, FakeNetwork, Weather, intent, signer_of

MOST_ROUNDS = 10
"""Stated in SPEC.md (GO-26); the seeds below need fewer."""
STORM = Weather(loss=0.2, doubled=0.2, least_ms=1, most_ms=800)


def names(count: int) -> list[str]:
    return [f"n{index}" for index in range(count)]


@pytest.mark.parametrize("seed", range(8))
def test_pools_converge_under_loss_doubling_and_reordering(seed: int) -> None:
    net = FakeNetwork(names(10), seed=seed, weather=STORM)
    net.mesh(3)
    sent = {net.publish(f"n{index % 10}", intent(f"{seed}/{index}")).id for index in range(30)}
    assert net.rounds_until(sent, MOST_ROUNDS) <= MOST_ROUNDS
    for member in net.members.values():
        delivered = [delivery.message.id for delivery in member.delivered]
        assert len(delivered) == len(set(delivered)) == 30
        assert {refused.error.id for refused in member.refused} <= {"GO-17", "GO-18"}
        assert all(member.node.peers.score(peer, net.now) == 0
                   for peer in member.node.peers.connected)  # fmt: skip


def test_repair_alone_suffices_along_a_chain() -> None:
    """Every node has two peers and the flood is lost whole: digests bring everything."""
    net = FakeNetwork(names(5), weather=Weather(loss=1.0))
    for index in range(4):
        net.link(f"n{index}", f"n{index + 1}")
    sent = {net.publish("n0", intent(str(index))).id for index in range(100)}
    net.run(100)
    assert not any(net.members[name].ids for name in names(5)[1:])
    net.weather = Weather(loss=0.2)
    assert net.rounds_until(sent, 40) <= 40


def test_islands_hear_of_each_other_after_a_partition() -> None:
    net = FakeNetwork(names(8), seed=3, weather=Weather(loss=0.1))
    net.mesh(4)
    net.split(names(8)[:4], names(8)[4:])
    here, there = net.publish("n0", intent("here")).id, net.publish("n7", intent("there")).id
    net.run(5000)
    assert there not in net.members["n0"].ids
    assert here not in net.members["n7"].ids
    net.heal()
    assert net.rounds_until({here, there}, MOST_ROUNDS) <= MOST_ROUNDS


def test_the_same_seed_gives_the_same_run() -> None:
    def history(seed: int) -> tuple[int, int, list[list[bytes]]]:
        net = FakeNetwork(names(6), seed=seed, weather=STORM)
        net.mesh(3)
        for index in range(10):
            net.publish(f"n{index % 6}", intent(str(index)))
        net.run(3000)
        order = [[d.message.id for d in member.delivered] for member in net.members.values()]
        return net.frames, net.bytes, order

    assert history(1) == history(1)
    assert history(1) != history(2)


def test_more_than_one_digest_holds_is_repaired_too() -> None:
    net = FakeNetwork(["a", "b"], options=Options(peers=PeerLimits(rate=10_000, burst=10_000)))
    sent = {net.publish("a", intent(str(index))).id for index in range(1100)}
    net.link("a", "b")
    assert net.rounds_until(sent, 60) <= 60


def test_what_expired_is_gone_everywhere_and_does_not_come_back() -> None:
    net = FakeNetwork(names(5), seed=1)
    net.mesh(2)
    net.publish("n0", intent("short", expiry=3))
    kept = net.publish("n1", intent("long", expiry=9)).id
    net.run(2000)
    for name in names(5)[:3]:  # the others are behind
        net[name].advance(Height(4))
    net.run(5000)
    assert all(net.members[name].ids == {kept} for name in names(5)[:3])
    net.advance(4)
    net.run(2000)
    assert all(member.ids == {kept} for member in net.members.values())


def test_cuts_along_the_way_add_up_to_the_offer() -> None:
    """Nodes that each take 30 of 100: the fourth gets what is left, the fifth nothing."""
    net = FakeNetwork(names(7), options=Options(cut=30))
    for index in range(6):
        net.link(f"n{index}", f"n{index + 1}")
    offer = SettlementFee(100, 5)
    sent = net.publish("n0", intent(fee=offer))
    net.run(2000)
    (delivery,) = net.members["n6"].delivered
    assert delivery.message.id == sent.id
    assert delivery.message.cuts == (30, 30, 30, 5, 0)
    delivery.message.verify(CHAIN)
    assert split(offer, delivery.message.cuts).solver == 5


def test_a_bound_message_names_every_link_and_nobody_is_left_out() -> None:
    net = FakeNetwork(names(4), options=Options(cut=10))
    for index in range(3):
        net.link(f"n{index}", f"n{index + 1}")
    net.publish("n0", replace(intent(fee=SettlementFee(100)), bound=True))
    net.run(2000)
    (delivery,) = net.members["n3"].delivered
    path = [net[name].node for name in names(4)]
    assert [hop.node for hop in delivery.message.hops] == path[:3]
    assert [hop.next for hop in delivery.message.hops] == path[1:]
    assert delivery.message.cuts == (0, 10, 10)
    delivery.message.verify(CHAIN, net["n3"].node)


def test_a_message_that_names_this_node_goes_on_with_its_hop_or_not_at_all() -> None:
    """Else the next honest node would have to blame this one (GO-6)."""
    net = FakeNetwork(["a", "b"], options=Options(sign_path=False, cut=5))
    net.link("a", "b")
    carol, alice = signer_of("carol"), signer_of("alice")
    net["a"].connect(carol.node, 0)
    message = originate(alice, 0, intent("one", fee=SettlementFee(100)))
    named = pass_on(message, carol, 0, 1, net["a"].node)
    plain = pass_on(originate(alice, 1, intent("two")), carol, 1)
    full = originate(alice, 2, intent("three"))
    for index in range(7):
        full = pass_on(full, signer_of(f"hop {index}"), 0)
    full = pass_on(full, carol, 2, 0, net["a"].node)
    for sent in (named, plain, full):
        net.act("a", net["a"].receive(carol.node, b"\1" + sent.to_bytes(), 0))
    net.run(3000)
    got = {d.message.id: d.message for d in net.members["b"].delivered}
    assert set(got) == {named.id, plain.id}
    assert [hop.node for hop in got[named.id].hops] == [carol.node, net["a"].node]
    assert got[named.id].cuts == (1, 0)
    assert got[plain.id] == plain
    assert net.members["b"].refused == []


def test_fee_theft_is_refused_at_the_next_honest_node() -> None:
    """Eve gets a bound message of which hops may take 50, and tries what a thief would try."""
    eve, alice, bob = signer_of("eve"), signer_of("alice"), signer_of("bob")
    net = FakeNetwork(["victim"])
    victim = net["victim"]
    offer = replace(intent(fee=SettlementFee(60, 10)), bound=True)
    first = pass_on(originate(alice, 0, offer), alice, 1, 0, bob.node)
    to_eve = pass_on(first, bob, 0, 20, eve.node)
    good = pass_on(to_eve, eve, 0, 30, victim.node)
    cut_more = replace(good, hops=(*good.hops[:2], replace(good.hops[2], fee_taken=31)))
    took_bobs = replace(good, hops=(good.hops[0], replace(good.hops[1], fee_taken=0), good.hops[2]))
    left_bob_out = replace(good, hops=(good.hops[0], good.hops[2]))
    raised = replace(good, envelope=replace(offer, fee=SettlementFee(600, 10)))
    for theft, rule in ((cut_more, "GO-8"), (took_bobs, "GO-5"), (left_bob_out, "GO-6"),
                        (raised, "GO-3")):  # fmt: skip
        net = FakeNetwork(["victim"])
        net["victim"].connect(eve.node, 0)
        net.act("victim", net["victim"].receive(eve.node, b"\1" + theft.to_bytes(), 0))
        assert net.refusals("victim") == {rule}
        assert net["victim"].peers.score(eve.node, 0) == -100
        net.act("victim", net["victim"].receive(eve.node, b"\1" + good.to_bytes(), 0))
        assert net.members["victim"].ids == {good.id}


def test_a_flood_of_spam_by_many_keys_stays_within_bounds_and_honest_ones_get_through() -> None:
    """Forty Sybil peers, each with a key for every message and the highest promises."""
    bounds = Options(
        peers=PeerLimits(rate=5, burst=5, most_connected=64, most_remembered=80),
        pool=PoolLimits(most_bytes=20_000, share=4),
        memory=MemoryLimits(seen=100, known=100, statements=100, culprits=4),
    )
    net = FakeNetwork(["victim", "honest"], options=bounds)
    net.link("victim", "honest")
    victim = net["victim"]
    sybils = [signer_of(f"sybil {index}").node for index in range(40)]
    for sybil in sybils:
        victim.connect(sybil, 0)
    greedy = SettlementFee(2**64 - 1)
    spam = [b"\1" + originate(signer_of(f"key {index}"), 0, intent(f"spam {index}", fee=greedy))
            .to_bytes() for index in range(400)]  # fmt: skip
    for index, data in enumerate(spam):
        net.act("victim", victim.receive(sybils[index % 3], data, 0))
    assert victim.admission.pool.size <= 3 * 5 * len(spam[-1])
    assert "GO-18" in net.refusals("victim")
    honest = net.publish("honest", intent("honest", fee=SettlementFee(1)))
    net.run(100)
    assert honest.id in net.members["victim"].ids
    for index, data in enumerate(spam):
        net.act("victim", victim.receive(sybils[index % 40], data, 10_000))
    admission = victim.admission
    assert admission.pool.size <= 20_000
    assert len(admission.ledger) <= 100
    assert len(admission._seen) <= 100
    assert len(admission._known) <= 100
    assert len(victim.peers) <= 80
    paid = [entry for entry in admission.pool if entry.peer in sybils]
    assert paid


def test_many_equivocators_fill_no_more_than_their_place() -> None:
    net = FakeNetwork(["victim"], options=Options(memory=MemoryLimits(culprits=4)))
    victim, peer = net["victim"], signer_of("peer").node
    victim.connect(peer, 0)
    for index in range(20):
        key = signer_of(f"key {index}")
        for text in ("one", "two"):
            data = b"\1" + originate(key, 0, intent(text)).to_bytes()
            net.act("victim", victim.receive(peer, data, 0))
    assert len(net.members["victim"].accused) == 20
    assert len(victim.admission.culprits) == 4
