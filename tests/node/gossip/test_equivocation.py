"""Two statements under one number convict; anything less does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from node.core.ids import ChainId
from node.gossip.equivocation import EVIDENCE_BYTES, Evidence, StatementLedger, evidence_of
from node.gossip.errors import InvalidMessage
from node.gossip.fees import SettlementFee
from node.gossip.message import originate, pass_on
from node.testing.network import CHAIN, FakeNetwork, Weather, intent, signer_of

EVE, BOB = signer_of("eve"), signer_of("bob")


def evidence() -> Evidence:
    first, second = (originate(EVE, 5, intent(text)) for text in ("one", "two"))
    return evidence_of(first.statements()[0], second.statements()[0])


def refused(rule: str, call, *arguments):
    with pytest.raises(InvalidMessage) as caught:
        call(*arguments)
    assert caught.value.rule == rule


def test_evidence_convinces_anyone_and_has_one_form() -> None:
    found = evidence()
    found.verify(CHAIN)
    data = found.to_bytes()
    assert len(data) == EVIDENCE_BYTES == 232
    assert Evidence.from_bytes(data) == found
    first, second = (originate(EVE, 5, intent(text)).statements()[0] for text in ("one", "two"))
    assert evidence_of(second, first) == evidence_of(first, second) == found


def test_origin_and_hop_under_one_number_are_evidence_too() -> None:
    said = originate(EVE, 5, intent("one")).statements()[0]
    hop = pass_on(originate(BOB, 0, intent("two")), EVE, 5).statements()[1]
    evidence_of(said, hop).verify(CHAIN)


def test_a_hop_that_asks_two_prices_convicts_itself() -> None:
    message = originate(BOB, 0, intent(fee=SettlementFee(100)))
    cheap, dear = (pass_on(message, EVE, 5, cut).statements()[1] for cut in (1, 99))
    found = evidence_of(cheap, dear)
    found.verify(CHAIN)
    assert found.node == EVE.node


def test_go12_rejects_what_does_not_convict() -> None:
    found = evidence()
    for changed in (
        replace(found, contents=found.contents[::-1], signatures=found.signatures[::-1]),
        replace(found, contents=(found.contents[0],) * 2, signatures=(found.signatures[0],) * 2),
        replace(found, seq=6),
        replace(found, node=BOB.node),
        replace(found, node=bytes(32)),
        replace(found, signatures=found.signatures[::-1]),
    ):
        refused("GO-12", changed.verify, CHAIN)
    refused("GO-12", found.verify, ChainId(bytes(32)))
    refused("GO-12", Evidence.from_bytes, found.to_bytes()[:-1])
    refused("GO-12", Evidence.from_bytes, found.to_bytes() + b"\0")
    one = originate(EVE, 5, intent("one")).statements()[0]
    refused("GO-12", evidence_of, one, originate(EVE, 6, intent("two")).statements()[0])
    refused("GO-12", evidence_of, one, originate(BOB, 5, intent("two")).statements()[0])


def test_go13_rejects_the_same_statement_as_evidence_against_itself() -> None:
    said = originate(EVE, 5, intent("one")).statements()[0]
    refused("GO-13", evidence_of, said, replace(said, signature=bytes(64)))


def test_the_ledger_is_bounded_and_forgets_the_oldest() -> None:
    ledger = StatementLedger(3)
    for seq in range(10):
        assert ledger.record(originate(EVE, seq, intent("one")).statements()[0]) is None
    assert len(ledger) == 3
    old, new = (originate(EVE, seq, intent("two")).statements()[0] for seq in (0, 9))
    assert not ledger.conflicts(old)
    assert ledger.conflicts(new)
    assert ledger.record(new).seq == 9


def test_go14_rejects_a_convicted_origin_everywhere_and_pools_agree() -> None:
    """Eve tells one half of the network another thing than the other half."""
    net = FakeNetwork([f"n{i}" for i in range(10)], seed=4, weather=Weather(loss=0.2, doubled=0.2))
    net.mesh(3)
    honest = net.publish("n3", intent("honest"))
    for text, name in (("one", "n0"), ("two", "n5")):
        member = net[name]
        member.connect(EVE.node, net.now)
        data = b"\1" + originate(EVE, 5, intent(text)).to_bytes()
        net.act(name, member.receive(EVE.node, data, net.now))
    net.run(10_000)
    for name, member in net.members.items():
        assert [accused.evidence.node for accused in member.accused] == [EVE.node], name
        assert member.ids == {honest.id}
    late = b"\1" + originate(EVE, 6, intent("three")).to_bytes()
    net.act("n0", net["n0"].receive(EVE.node, late, net.now))
    assert "GO-14" in net.refusals("n0")
    assert net["n0"].peers.score(EVE.node, net.now) == 0


def test_go14_rejects_paths_through_a_convict_but_not_the_message_itself() -> None:
    net = FakeNetwork(["a", "b"])
    net.link("a", "b")
    node, peer = net["a"], net["b"].node
    node.receive(peer, b"\4" + evidence().to_bytes(), 0)
    message = originate(BOB, 0, intent())
    net.act("a", node.receive(peer, b"\1" + pass_on(message, EVE, 9).to_bytes(), 0))
    assert net.refusals("a") == {"GO-14"}
    node.receive(peer, b"\1" + message.to_bytes(), 0)
    assert net.members["a"].ids == {message.id}


def test_a_hop_equivocation_is_found_in_copies_of_a_known_message() -> None:
    net = FakeNetwork(["a", "b", "c"])
    net.link("a", "b")
    net.link("a", "c")
    message = originate(BOB, 0, intent(fee=SettlementFee(100)))
    for name, cut in (("b", 1), ("c", 99)):
        data = b"\1" + pass_on(message, EVE, 5, cut).to_bytes()
        net.act("a", net["a"].receive(net[name].node, data, 0))
    (accused,) = net.members["a"].accused
    assert accused.evidence.node == EVE.node
    assert message.id in net.members["a"].ids
