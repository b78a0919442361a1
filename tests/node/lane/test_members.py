"""Members of a committee: rows handed out, signed for, read, repaired; and members that do not."""

from __future__ import annotations

import dataclasses
import threading

import pytest

from node.core.errors import Unreachable
from node.core.ids import Height
from node.da.certificate import check_certificate
from node.da.errors import BadEncoding, DataRefused
from node.da.rows import Row
from node.da.shards import ShardStore
from node.lane import domains
from node.lane.blobs import addresses, dispersal, gathering, offers, reading
from node.lane.blobs import blob as blobs
from node.lane.blobs.addresses import Book, Record
from node.lane.blobs.availability import Availability
from node.lane.blobs.blob import NoBytes, ShardBlobs
from node.lane.blobs.offers import Offer, Promise, Request
from node.lane.blobs.reading import Reading
from node.lane.validator.identity import ConsensusKey
from node.store.memory import MemoryKeyValue
from node.testing.dispersal import coded, sealed
from node.testing.lane import LaneChain, entropy

WALL = 1_800_000_000_000


def key_of(number: int) -> ConsensusKey:
    return ConsensusKey(entropy("signer", "validator", number))


class Wires:
    """`Members` within one process: what one keeper sends reaches the other as bytes."""

    def __init__(self, net: Net, own: bytes) -> None:
        self.net, self.own = net, own

    def others(self) -> tuple[bytes, ...]:
        return tuple(sorted(set(self.net.keepers) - {self.own}))

    def offer(self, member: bytes, offer: bytes) -> bytes:
        lies = self.net.lies.get(self.own, lambda data: data)
        if member in self.net.gone:
            raise Unreachable("no answer")
        found = Offer.from_bytes(lies(offer))
        keeper, chain = self.net.keepers[member], self.net.chain
        signature = keeper.keep(found, chain.state, chain.next_height)
        return self.net.forges.get(member, signature)

    def rows(self, member, commitment, first: int, limit: int):
        self.net.asked.append(member)
        if member in self.net.slow:
            self.net.go_on.wait(30)
        if member in self.net.gone:
            raise Unreachable("no answer")
        keeper = self.net.keepers[member]
        here = (keeper.row(commitment, index) for index in range(first, commitment.coding.n))
        found = [row for row in here if row is not None][:limit]
        if member in self.net.wrong:
            found = [dataclasses.replace(row, data=bytes(len(row.data))) for row in found]
        return offers.read_rows(offers.write_rows(found))


class Net:
    """Keepers of all validators of a chain, and one of a node that is none."""

    def __init__(self, chain: LaneChain) -> None:
        self.chain = chain
        self.gone: set[bytes] = set()
        self.slow: set[bytes] = set()
        self.wrong: set[bytes] = set()
        self.asked: list[bytes] = []
        self.go_on = threading.Event()
        self.lies, self.forges = {}, {}
        self.stores, self.keepers = {}, {}
        keys = [key_of(k) for k in range(len(chain.validators))]
        for key in keys:
            store = ShardStore(MemoryKeyValue(), chain.genesis.chain_id)
            self.stores[key.public] = store
            self.keepers[key.public] = Availability(
                chain.genesis, store, key, Wires(self, key.public)
            )
        self.names = tuple(sorted(self.keepers))
        empty = ShardStore(MemoryKeyValue(), chain.genesis.chain_id)
        self.reader = Availability(chain.genesis, empty, None, Wires(self, b""))

    def put(self, by: int = 0, count: int = 6):
        chain = self.chain
        data = blobs.encode(sealed(chain, count))
        keeper = self.keepers[self.names[by]]
        return data, keeper.put(0, data, chain.executor, chain.state, chain.next_height)

    def domain(self):
        return domains.domain_of(self.chain.genesis, 0)


@pytest.fixture
def net(chain, monkeypatch) -> Net:
    monkeypatch.setattr(gathering, "WAIT_S", 2.0)
    return Net(chain)


def rule(caught) -> str:
    return caught.value.rule


# HANDING OUT


def test_every_member_gets_its_rows_and_signs_and_anybody_reads(net) -> None:
    data, kept = net.put()
    assert kept.faults == ()
    assert kept.certificate.signers == (0, 1, 2, 3)
    check_certificate(
        kept.certificate, net.domain(), net.chain.genesis.chain_id, net.chain.next_height
    )
    for place, name in enumerate(net.names):
        own = tuple(net.domain().assignment.ranges[place])
        assert net.stores[name].indices(kept.commitment.root) == own
    assert net.reader.blob(kept.commitment) == data


def test_da37_three_of_four_are_enough_and_the_fourth_is_named(net) -> None:
    net.gone = {net.names[2]}
    _, kept = net.put()
    assert kept.certificate.signers == (0, 1, 3)
    assert [(fault.member, fault.code) for fault in kept.faults] == [(net.names[2], "NOD-002")]


def test_da37_what_is_no_signature_of_the_member_is_passed_over(net) -> None:
    net.forges = {net.names[1]: bytes(64)}
    _, kept = net.put()
    assert kept.certificate.signers == (0, 2, 3)
    assert [(fault.member, fault.code) for fault in kept.faults] == [(net.names[1], "DA-13")]


def test_da37_two_of_four_are_too_few_and_the_error_says_who(net) -> None:
    net.gone = set(net.names[2:])
    with pytest.raises(DataRefused) as caught:
        net.put()
    assert rule(caught) == "DA-12"
    for name in net.names[2:]:
        assert name.hex()[:16] in caught.value.message


def test_da37_a_member_that_does_not_answer_costs_a_moment(net, monkeypatch) -> None:
    monkeypatch.setattr(gathering, "GRACE_S", 0.05)
    monkeypatch.setattr(gathering, "WAIT_S", 60.0)
    asked = Wires.offer

    def slow(self, member, offer):
        if member == net.names[3]:
            net.go_on.wait(10)  # and signs then, if somebody still waits
        return asked(self, member, offer)

    monkeypatch.setattr(Wires, "offer", slow)
    _, kept = net.put()
    net.go_on.set()
    assert [(fault.member, fault.code) for fault in kept.faults] == [(net.names[3], "DA-37")]
    assert len(kept.certificate.signers) == 3


def rewrite(change):
    def lie(data: bytes) -> bytes:
        return change(Offer.from_bytes(data)).to_bytes()

    return lie


def wrong_row(offer: Offer) -> Offer:
    first = offer.rows[0]
    return dataclasses.replace(
        offer, rows=(Row(first.index, bytes(len(first.data)), first.siblings), *offer.rows[1:])
    )


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        (wrong_row, "DA-4"),
        (lambda offer: dataclasses.replace(offer, rows=offer.rows[:-1]), "DA-8"),
        (lambda offer: dataclasses.replace(offer, rows=()), "DA-8"),
    ],
)
def test_da4_rows_that_are_wrong_are_refused_by_number_and_nothing_is_kept(
    net, change, refused
) -> None:
    net.lies = {net.names[0]: rewrite(change)}
    with pytest.raises(DataRefused) as caught:
        net.put()
    assert caught.value.message.count(refused) == 3
    for name in net.names[1:]:
        assert net.stores[name].promised() == {}
        assert net.stores[name]._db.first(b"r", b"s") is None


# PROMISES


def offer_of(net, maker: int = 0, to: int = 1, count: int = 6) -> tuple[Offer, bytes]:
    """An offer of one member for another, and the name of that one."""
    chain, domain = net.chain, net.domain()
    made = coded(chain, blobs.encode(sealed(chain, count)))
    said = dispersal.statement(chain.genesis, domain, made.commitment, chain.next_height)
    key = next(key_of(k) for k in range(4) if key_of(k).public == net.names[maker])
    promise = Promise.sign(key, said, domain.committee, count)
    rows = tuple(made.row(i) for i in domain.assignment.rows_of(net.names[to]))
    return Offer(promise, rows), net.names[to]


def keep(net, offer: Offer, name: bytes) -> bytes:
    return net.keepers[name].keep(offer, net.chain.state, net.chain.next_height)


def refused(net, offer: Offer, name: bytes) -> str:
    with pytest.raises(DataRefused) as caught:
        keep(net, offer, name)
    assert net.stores[name]._db.first(b"r", b"s") is None
    return caught.value.rule + " " + caught.value.message


def test_da35_rows_without_a_members_promise_are_refused_before_storage(net) -> None:
    offer, name = offer_of(net)
    for wrong in (
        {"signature": bytes(64)},
        {"entries": 7},
        {"member": net.names[2]},
        {"member": key_of(77).public},
    ):
        promise = dataclasses.replace(offer.promise, **wrong)
        assert "DA-35" in refused(net, dataclasses.replace(offer, promise=promise), name)
    stranger = key_of(77)
    promise = Promise.sign(stranger, offer.promise.statement, net.domain().committee, 6)
    assert "DA-35" in refused(net, dataclasses.replace(offer, promise=promise), name)
    assert keep(net, offer, name) == keep(net, offer, name)


def test_da35_a_member_has_credit_for_so_many_bytes_and_others_have_theirs(
    net, monkeypatch
) -> None:
    offer, name = offer_of(net)
    monkeypatch.setattr(offers, "CREDIT_BYTES", 2 * offer.size)
    keep(net, offer, name)
    keep(net, offer_of(net)[0], name)
    third, _ = offer_of(net)
    with pytest.raises(DataRefused) as caught:
        keep(net, third, name)
    assert rule(caught) == "DA-35"
    assert "wait for a block already" in caught.value.message
    keep(net, offer, name)  # again is no more
    keep(net, offer_of(net, maker=2)[0], name)


def test_da36_what_no_block_orders_is_forgotten_and_the_credit_comes_back(net) -> None:
    offer, name = offer_of(net)
    keep(net, offer, name)
    said = offer.promise.statement
    store, keeper = net.stores[name], net.keepers[name]
    keeper.prune(Height(said.expiry - 1), net.chain.state)
    assert store.promised().keys() == {said.commitment.root}
    assert keeper.prune(said.expiry, net.chain.state) == 1
    assert store.promised() == {}
    assert store.indices(said.commitment.root) == ()
    assert store._db.first(b"a", b"l") is None, "nothing is left of it"


def test_da36_a_later_statement_keeps_rows_that_an_earlier_one_brought(net) -> None:
    offer, name = offer_of(net)
    keep(net, offer, name)
    said = offer.promise.statement
    later = dataclasses.replace(said, expiry=Height(said.expiry + 5))
    maker = next(key_of(k) for k in range(4) if key_of(k).public == net.names[0])
    promise = Promise.sign(maker, later, net.domain().committee, 6)
    keep(net, dataclasses.replace(offer, promise=promise), name)
    keeper = net.keepers[name]
    assert keeper.prune(said.expiry, net.chain.state) == 0
    assert keeper.prune(later.expiry, net.chain.state) == 1


def test_da39_a_member_that_was_away_makes_its_rows_of_the_blob(net, chain) -> None:
    away = net.names[3]
    net.gone = {away}
    data, kept = net.put()
    net.gone = set()
    assert net.stores[away].indices(kept.commitment.root) == ()
    source = chain.copy(blobs=net.keepers[away])
    wire = dispersal.wire(0, kept.certificate)
    (receipt,) = source.step(wire)
    assert receipt.ok
    block = source.last_block()
    net.keepers[away].committed(block, [receipt], source.state)
    own = tuple(net.domain().assignment.rows_of(away))
    assert net.stores[away].indices(kept.commitment.root) == own
    assert net.keepers[away].blob(kept.commitment) == data
    net.keepers[net.names[1]].committed(block, [receipt], source.state)
    assert net.stores[net.names[1]].promised() == {}, "settled: it is paid for"
    assert net.keepers[net.names[1]].prune(kept.certificate.statement.expiry, source.state) == 0
    assert net.stores[net.names[1]].indices(kept.commitment.root)


# READING


def test_da38_wrong_rows_are_passed_over_and_their_member_named(net, caplog) -> None:
    data, kept = net.put()
    net.wrong = set(net.names[:3])
    assert net.reader.blob(kept.commitment) == data
    said = [record.getMessage() for record in caplog.records if "DA-38" in record.getMessage()]
    assert said and all(any(n.hex()[:16] in text for n in net.wrong) for text in said)
    assert not any(net.names[3].hex()[:16] in text for text in said)


def test_da38_who_withholds_or_is_slow_delays_and_changes_nothing(net, monkeypatch) -> None:
    monkeypatch.setattr(reading, "HEDGE_S", 0.05)
    data, kept = net.put()
    net.gone, net.slow = {net.names[0]}, {net.names[1], net.names[2]}
    assert net.reader.blob(kept.commitment) == data, "while two say nothing"
    net.go_on.set()
    net.gone = set(net.names)
    again = Reading(ShardBlobs(()), Wires(net, b""))
    with pytest.raises(NoBytes):
        again.blob(kept.commitment)
    net.gone = set()
    assert again.blob(kept.commitment) == data, "a failure is not remembered"


def test_da38_rows_of_several_members_together_are_enough(net) -> None:
    data, kept = net.put()
    for name in net.names:
        store = net.stores[name]
        few = [store.row(kept.commitment.root, i) for i in store.indices(kept.commitment.root)][:20]
        store.drop(kept.commitment.root)
        store.put(kept.certificate.statement, few, keep_until=10**6)
    assert net.reader.blob(kept.commitment) == data
    assert len(set(net.asked)) == 4


def test_da38_a_torn_blob_is_empty_for_every_reader_whichever_rows_it_got(net) -> None:
    chain, domain = net.chain, net.domain()
    torn = coded(chain, blobs.encode(sealed(chain)), torn=True)
    said = dispersal.statement(chain.genesis, domain, torn.commitment, chain.next_height)
    for name in net.names:
        rows = [torn.row(i) for i in domain.assignment.rows_of(name)]
        net.stores[name].put(said, rows, keep_until=10**6)
    for name in net.names:
        net.gone = set(net.names) - {name}
        for _ in range(2):
            with pytest.raises(BadEncoding) as caught:
                Reading(ShardBlobs(()), Wires(net, b"")).blob(torn.commitment)
        caught.value.evidence.check()


def test_da38_a_sample_is_asked_of_the_member_that_keeps_the_row(net, caplog) -> None:
    _, kept = net.put()
    net.asked.clear()
    for place, rows in enumerate(net.domain().assignment.ranges):
        found = net.reader.anywhere(kept.commitment, rows.start)
        assert found is not None and found.index == rows.start
        assert net.asked.pop() == net.names[place]
    assert "DA-38" not in caplog.text
    net.wrong = set(net.names)
    assert net.reader.anywhere(kept.commitment, 5) is None
    assert f"DA-38: member {net.names[0].hex()[:16]}" in caplog.text
    assert net.reader.anywhere(kept.commitment, 10**6) is None


# REQUESTS AND ADDRESSES


def test_da34_a_request_is_its_senders_for_this_member_now(chain) -> None:
    chain_id, key, to = chain.genesis.chain_id, key_of(0), key_of(1).public
    request = Request.sign(key, chain_id, to, WALL, b"body")
    assert Request.from_text(request.to_text()) == request
    request.check(chain_id, to, WALL + offers.CLOCKS_APART_MS)
    request.check_body(b"body")
    apart = offers.CLOCKS_APART_MS + 1
    other = type(chain_id)(bytes(32))
    for call in (
        lambda: request.check(chain_id, to, WALL + apart),
        lambda: request.check(chain_id, to, WALL - apart),
        lambda: request.check(other, to, WALL),
        lambda: request.check(chain_id, key_of(2).public, WALL),
        lambda: dataclasses.replace(request, time_ms=WALL + 1).check(chain_id, to, WALL),
        lambda: dataclasses.replace(request, sender=to).check(chain_id, to, WALL),
        lambda: dataclasses.replace(request, body=bytes(32)).check(chain_id, to, WALL),
        lambda: request.check_body(b"other"),
    ):
        with pytest.raises(DataRefused) as caught:
            call()
        assert rule(caught) == "DA-34"


def test_da34_a_header_has_one_form(chain) -> None:
    text = Request.sign(key_of(0), chain.genesis.chain_id, bytes(32), WALL, b"").to_text()
    for wrong in (
        "", "Basic dGVzdA==", text + " x", text[:-2], text.upper(), text.replace(" 1", " 01", 1),
        text.replace(str(WALL), "-1"), text.replace(str(WALL), "１"),
        text.replace(str(WALL), str(2**64)),
    ):  # fmt: skip
        with pytest.raises(DataRefused) as caught:
            Request.from_text(wrong)
        assert rule(caught) == "DA-34"


def test_da40_a_record_is_its_members_and_a_later_one_wins(chain) -> None:
    chain_id, key = chain.genesis.chain_id, key_of(0)
    members = [key_of(k).public for k in range(4)]
    book = Book(key_of(1).public, {})
    first = Record.sign(key, chain_id, 5, "http://10.0.0.1:80")
    assert Record.from_bytes(first.to_bytes()) == first
    book.hear(first, chain_id, members)
    assert book.others() == (key.public,)
    for wrong in (
        first,
        Record.sign(key, chain_id, 4, "http://10.0.0.2:80"),
        dataclasses.replace(first, number=6),
        dataclasses.replace(first, number=6, url="http://10.0.0.2:80"),
        Record.sign(key, type(chain_id)(bytes(32)), 6, "http://10.0.0.2:80"),
        Record.sign(key_of(9), chain_id, 6, "http://10.0.0.2:80"),
    ):
        with pytest.raises(DataRefused) as caught:
            book.hear(wrong, chain_id, members)
        assert rule(caught) == "DA-40"
    book.hear(Record.sign(key, chain_id, 6, "http://10.0.0.3:80"), chain_id, members)
    assert book.url(key.public) == "http://10.0.0.3:80"
    assert Book(b"", {key.public: "http://a:1"}).url(key.public) == "http://a:1"


def test_da40_members_that_left_leave_room_for_those_that_come(chain, monkeypatch) -> None:
    monkeypatch.setattr(addresses, "MAX_MEMBERS", 2)
    chain_id, keys = chain.genesis.chain_id, [key_of(k) for k in range(4)]
    book = Book(b"", {})

    def say(n: int, *members: int) -> None:
        record = Record.sign(keys[n], chain_id, 5, f"http://10.0.0.{n}:80")
        book.hear(record, chain_id, [keys[k].public for k in members])

    say(0, 0, 1)
    say(1, 1, 2)  # who left may have rows still, and is asked while there is room
    assert set(book.others()) == {keys[0].public, keys[1].public}
    say(2, 1, 2)
    assert set(book.others()) == {keys[1].public, keys[2].public}
    say(3, 2, 3)
    assert set(book.others()) == {keys[2].public, keys[3].public}


@pytest.mark.parametrize(
    "url",
    ["", "http://a", "ftp://a:1", "http://me@a:1", "http://a:1/", "http://a:1/path", "http://:1",
     "http://a:1?x", "http://ä:1", "http://a:99999", "http://" + "a" * 300 + ":1", "a:1",
     "http://a..b:1", "http://" + "a" * 64 + ":1", "http://a\0:1", "http://[v1.x]:1", "http://-a:1",
     "http://a b:1", "http://*:1", "http://1.2.3:1", "http://300.1.1.1:1"],
)  # fmt: skip
def test_da40_an_address_is_host_and_port_and_nothing_more(url) -> None:
    for good in ("https://[::1]:443", "http://10.0.0.1:1", "http://Node_1.my-net.example:65535"):
        addresses.check_url(good)
    with pytest.raises(DataRefused) as caught:
        addresses.check_url(url)
    assert rule(caught) == "DA-40"
