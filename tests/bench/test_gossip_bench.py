"""Gossip: what a message costs, and a flood of a thousand over ten nodes; `make bench`."""

from __future__ import annotations

import pytest

from node.core.ids import Height
from node.gossip.admission import Admission, MemoryLimits
from node.gossip.envelope import plain
from node.gossip.fees import SettlementFee
from node.gossip.limits import PeerLimits
from node.gossip.message import Message, originate, pass_on
from node.gossip.node import Options
from node.gossip.pool import PoolLimits
from node.gossip.sealed import seal, try_open
from node.testing.network import APP, CHAIN, FakeNetwork, Weather, box_of, signer_of

pytestmark = pytest.mark.bench

PEER = signer_of("peer").node
BODY = bytes(2048)


def envelope(seq: int = 0):
    return plain(APP, "bench/1", Height(32), seq.to_bytes(8, "little") + BODY, SettlementFee(1000))


def message(seq: int = 0, hops: int = 0) -> Message:
    made = originate(signer_of("origin"), seq, envelope(seq))
    for index in range(hops):
        made = pass_on(made, signer_of(f"hop {index}"), seq, 1)
    return made


@pytest.mark.benchmark(group="gossip: one message of 2 KiB")
def test_sign(benchmark):
    signer, content = signer_of("origin"), envelope()
    benchmark(lambda: originate(signer, 0, content))


@pytest.mark.benchmark(group="gossip: one message of 2 KiB")
@pytest.mark.parametrize("hops", [0, 3, 8])
def test_verify(benchmark, hops):
    made = message(hops=hops)
    benchmark(lambda: made.verify(CHAIN))


@pytest.mark.benchmark(group="gossip: one message of 2 KiB")
@pytest.mark.parametrize("hops", [0, 3])
def test_admit(benchmark, hops):
    """Decode, verify and keep."""
    encoded = [message(seq, hops).to_bytes() for seq in range(300)]

    def fresh():
        pool = PoolLimits(share=1)
        return (Admission(CHAIN, signer_of("here").node, pool, MemoryLimits()),), {}

    def admit(admission):
        for data in encoded:
            admission.admit(data, PEER, lambda: None)

    benchmark.extra_info["messages"] = len(encoded)
    benchmark.pedantic(admit, setup=fresh, rounds=5)


@pytest.mark.benchmark(group="gossip: one message of 2 KiB")
def test_refuse_a_duplicate(benchmark):
    admission = Admission(CHAIN, signer_of("here").node, PoolLimits(), MemoryLimits())
    data = message().to_bytes()
    admission.admit(data, PEER, lambda: None)

    def again():
        with pytest.raises(Exception, match="accepted before"):
            admission.admit(data, PEER, lambda: None)

    benchmark(again)


@pytest.mark.benchmark(group="gossip: one message of 2 KiB")
def test_seal(benchmark):
    sender, contact = signer_of("sender"), box_of("reader").contact(signer_of("reader"))
    benchmark(lambda: seal(sender, PEER, contact, envelope()))


@pytest.mark.benchmark(group="gossip: one message of 2 KiB")
@pytest.mark.parametrize("reader", ["reader", "stranger"])
def test_open(benchmark, reader):
    contact = box_of("reader").contact(signer_of("reader"))
    boxed = seal(signer_of("sender"), PEER, contact, envelope())
    key, node = box_of(reader), signer_of(reader).node
    benchmark(lambda: try_open(key, node, CHAIN, PEER, boxed))


@pytest.mark.benchmark(group="gossip: 1,000 messages, 10 nodes")
@pytest.mark.parametrize("loss", [0.0, 0.2])
def test_flood(benchmark, loss):
    """Four peers a node, 50 messages a second of virtual time; CPU of all nodes together."""
    seen = {}

    def flood():
        options = Options(peers=PeerLimits(rate=1000, burst=1000))
        net = FakeNetwork([f"n{i}" for i in range(10)], weather=Weather(loss=loss), options=options)
        net.mesh(4)
        sent = set()
        for index in range(1000):
            sent.add(net.publish(f"n{index % 10}", envelope(index)).id)
            net.run(20)
        rounds = net.rounds_until(sent, 60)
        assert rounds <= 60
        hops = [len(d.message.hops) for m in net.members.values() for d in m.delivered]
        seen.update(rounds=rounds, frames=net.frames, megabytes=round(net.bytes / 1e6, 1),
                    mean_hops=round(sum(hops) / len(hops), 2))  # fmt: skip

    benchmark.pedantic(flood, rounds=2)
    benchmark.extra_info.update(seen)
