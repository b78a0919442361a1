"""From an uploader to readers: seven members, some of them away or lying, and a batch."""

from __future__ import annotations

import itertools
from fractions import Fraction

import pytest

from node.core.errors import NotFound
from node.core.ids import Height
from node.da.attest import Attester
from node.da.blob import Evidence, disperse, encode, recover
from node.da.certificate import Certificate, Statement, check_certificate
from node.da.codec import Coding
from node.da.errors import BadEncoding, DataRefused, NotAvailable
from node.da.sampling import sample, samples_for
from node.da.shards import ShardStore
from node.store.memory import MemoryKeyValue

WEIGHTS = (5, 3, 3, 2, 2, 1, 5)  # 21: a certificate has 15, less than 7 lie
NOW = Height(55)


class Network:
    """Members with stores; `away` ones answer nothing."""

    def __init__(self, domain, chain_id, member_key):
        self.domain, self.chain_id = domain, chain_id
        self.away = set()
        self.members = []
        for i in range(len(WEIGHTS)):
            store = ShardStore(MemoryKeyValue(), chain_id)
            member = Attester(i.to_bytes(32, "big"), member_key(i), store, lambda _: None)
            self.members.append((member, store))

    def disperse(self, world, members) -> Certificate:
        collector = world.collector()
        for i in members:
            signer, _ = self.members[i]
            signature = signer.attest(
                world.statement, world.rows(i), self.domain, self.chain_id, NOW
            )
            collector.add(signer.member_id, signature)
        return collector.certificate()

    def row(self, commitment, index):
        """As a `RowSource`: whoever has the row is asked."""
        holder = int.from_bytes(self.domain.assignment.holder(index).id, "big")
        if holder in self.away:
            return None
        try:
            return self.members[holder][1].row(commitment.root, index)
        except NotFound:
            return None

    def read(self, commitment) -> bytes:
        rows = (self.row(commitment, index) for index in range(commitment.coding.n))
        return recover(commitment, [row for row in rows if row is not None])


@pytest.fixture
def world(make_world):
    return make_world(*WEIGHTS, blob=b"sealed intents " * 700, coding=Coding(16, 64))


@pytest.fixture
def network(world, member_key):
    return Network(world.domain, world.chain_id, member_key)


def test_whoever_is_left_of_the_signers_gives_the_batch_back(world, network) -> None:
    certificate = network.disperse(world, (0, 1, 3, 6))  # 15 of 21
    data = certificate.to_bytes()
    check_certificate(Certificate.from_bytes(data), world.domain, world.chain_id, NOW)
    for size in range(5):
        for away in itertools.combinations((0, 1, 3, 6), size):
            if sum(WEIGHTS[i] for i in away) * 3 < 21:
                network.away = set(away)
                assert network.read(certificate.statement.commitment) == b"sealed intents " * 700


def test_da12_a_dispersal_to_too_few_is_not_certified(world, network) -> None:
    with pytest.raises(DataRefused) as caught:
        network.disperse(world, (0, 1, 2, 3, 5))  # 14 of 21: two thirds
    assert caught.value.rule == "DA-12"


def test_da5_a_certified_wrong_encoding_is_refused_and_its_uploader_shown(world, network) -> None:
    """All rows prove, so all sign; every reader says ⊥ and can show whose fault it is."""
    honest = encode(b"sealed intents " * 700, world.domain.coding)
    rows = (*honest.data[:-1], bytes(len(honest.data[0])))
    wrong = disperse(world.domain.coding, honest.commitment.size, rows)
    statement = Statement(world.chain_id, world.domain.id, wrong.commitment, Height(50), Height(60))
    bad = type(world)(world.domain, wrong, statement)
    certificate = network.disperse(bad, range(7))
    check_certificate(certificate, world.domain, world.chain_id, NOW)
    for away in ({0}, {6}, {1, 2}, set()):
        network.away = away
        with pytest.raises(BadEncoding) as caught:
            network.read(certificate.statement.commitment)
        evidence = Evidence.from_bytes(caught.value.evidence.to_bytes())
        evidence.check()
        assert evidence.commitment == certificate.statement.commitment


def test_da20_a_light_client_passes_what_is_there_and_refuses_what_is_not(world, network) -> None:
    network.disperse(world, range(7))
    network.away = {3, 5}  # 3 of 21
    commitment = world.statement.commitment
    samples = samples_for(world.domain.coding, Fraction(1, 1000), missing=6)
    for i in range(20):
        seed = i.to_bytes(32, "big")
        found = sample(network, commitment, samples, missing=6, seed=seed)
        assert found.risk <= Fraction(1, 1000)
    network.away = {0, 1, 2, 3, 6}
    with pytest.raises(NotAvailable):
        sample(network, commitment, samples, missing=6, seed=bytes(32))


def test_da15_after_the_retention_the_batch_is_gone(world, network) -> None:
    network.disperse(world, range(7))
    last = world.statement.expiry + world.domain.retention
    for _, store in network.members:
        store.prune(Height(last))
    assert network.read(world.statement.commitment) == b"sealed intents " * 700
    assert sum(store.prune(Height(last + 1)) for _, store in network.members) == 7
    assert network.row(world.statement.commitment, 0) is None
