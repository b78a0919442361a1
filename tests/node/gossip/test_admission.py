"""What a node takes, in which order it asks, and what it remembers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.core.ids import Height
from node.gossip.admission import Admission, MemoryLimits
from node.gossip.equivocation import Evidence, evidence_of
from node.gossip.errors import Duplicate, GossipRefused, InvalidMessage
from node.gossip.fees import SettlementFee
from node.gossip.limits import BAN_MS, PeerLimits, PeerTable, TokenBucket
from node.gossip.message import MAX_MESSAGE, Hop, Message, originate, pass_on
from node.gossip.node import Disconnect, GossipNode, Options, Refused, Send
from node.gossip.pool import Pool, PoolLimits
from node.gossip.sequence import MemorySequence
from node.gossip.statement import Statement
from node.testing.network import CHAIN, intent, signer_of

ALICE, BOB, EVE = (signer_of(name) for name in ("alice", "bob", "eve"))
PEER, OTHER = signer_of("peer").node, signer_of("other").node


class Tokens:
    """Counts what is spent; raises when it is gone."""

    def __init__(self, most: int = 1000) -> None:
        self.left = most

    def __call__(self) -> None:
        if not self.left:
            raise GossipRefused("GO-18", "none left")
        self.left -= 1


def admission(**limits) -> Admission:
    return Admission(CHAIN, signer_of("here").node, PoolLimits(**limits), MemoryLimits())


def refused(error: type, rule: str, call, *arguments):
    with pytest.raises(error) as caught:
        call(*arguments)
    assert caught.value.rule == rule, caught.value
    return caught.value


def message(seq: int = 0, text: str = "swap", **options) -> Message:
    return originate(ALICE, seq, intent(text, **options))


def node(options: Options | None = None, *peers: bytes) -> GossipNode:
    made = GossipNode(signer_of("here"), MemorySequence(), None, options)
    for peer in peers or (PEER,):
        made.connect(peer, 0)
    return made


def receive(made: GossipNode, data: bytes, now: int = 0, peer: bytes = PEER) -> set[str]:
    """Rules that refused, and `ban` if the peer must go."""
    actions = made.receive(peer, data, now)
    rules = {action.error.id for action in actions if isinstance(action, Refused)}
    return rules | {"ban" for action in actions if isinstance(action, Disconnect)}


def frame(sent: Message) -> bytes:
    return b"\1" + sent.to_bytes()


# --- sizes, duplicates ---------------------------------------------------------------------------


def test_go16_rejects_by_size_before_anything_is_spent_or_read() -> None:
    tokens = Tokens(0)
    refused(InvalidMessage, "GO-16", admission().admit, bytes(MAX_MESSAGE + 1), PEER, tokens)
    made = node()
    assert receive(made, bytes(MAX_MESSAGE + 2)) == {"GO-16"}
    assert made.peers.score(PEER, 0) == -100


def test_go17_rejects_the_same_bytes_without_spending_a_token() -> None:
    here, tokens = admission(), Tokens(1)
    here.admit(message().to_bytes(), PEER, tokens)
    refused(Duplicate, "GO-17", here.admit, message().to_bytes(), OTHER, tokens)
    assert len(here.pool) == 1


def test_go17_rejects_another_path_of_a_known_id() -> None:
    here = admission()
    here.admit(message().to_bytes(), PEER, Tokens())
    refused(Duplicate, "GO-17", here.admit, pass_on(message(), BOB, 0).to_bytes(), OTHER, Tokens())


def test_go17_rejects_garbage_again_from_memory_with_its_first_rule() -> None:
    here, tokens = admission(), Tokens(1)
    wrong = replace(message(), signature=bytes(64)).to_bytes()
    for _ in range(3):
        refused(InvalidMessage, "GO-3", here.admit, wrong, PEER, tokens)
    assert tokens.left == 0


def test_garbage_under_an_honest_id_does_not_keep_the_honest_one_out() -> None:
    """S-23: rejections are kept by full bytes, never by id."""
    here = admission()
    honest = pass_on(message(), BOB, 0)
    forged = replace(honest, hops=(replace(honest.hops[0], signature=bytes(64)),))
    assert forged.id == honest.id
    refused(InvalidMessage, "GO-5", here.admit, forged.to_bytes(), PEER, Tokens())
    assert not here.knows(honest.id)
    assert here.admit(honest.to_bytes(), OTHER, Tokens()).id == honest.id


def test_go13_rejects_the_same_statement_under_a_second_signature(monkeypatch) -> None:
    """A signer who is no honest one can make two valid signatures of one statement."""
    monkeypatch.setattr(Statement, "verify", lambda *_: None)
    here = admission()
    here.admit(message().to_bytes(), PEER, Tokens())
    twin = replace(message(), signature=b"\1" * 64)
    assert not here.knows(twin.id)
    refused(GossipRefused, "GO-13", here.admit, twin.to_bytes(), PEER, Tokens())
    assert here.knows(twin.id)
    assert not here.take_evidence()


# --- rate ----------------------------------------------------------------------------------------


def test_go18_rejects_beyond_the_burst_and_lets_in_as_time_passes() -> None:
    made = node(Options(peers=PeerLimits(rate=50, burst=3)))
    answers = [receive(made, frame(message(seq))) for seq in range(5)]
    assert answers == [set(), set(), set(), {"GO-18"}, {"GO-18"}]
    assert receive(made, frame(message(3)), now=19) == {"GO-18"}
    assert receive(made, frame(message(3)), now=20) == set()
    assert made.peers.score(PEER, 20) == 0


def test_go18_rejects_floods_of_digests_and_requests() -> None:
    made = node(Options(peers=PeerLimits(control_rate=10, control_burst=2)))
    digest = b"\2\1\0" + bytes(32)
    assert [receive(made, digest) for _ in range(3)] == [set(), set(), {"GO-18"}]


def test_go18_rejects_no_less_after_a_reconnect() -> None:
    made = node(Options(peers=PeerLimits(burst=1)))
    receive(made, frame(message(0)))
    made.disconnect(PEER)
    made.connect(PEER, 0)
    assert receive(made, frame(message(1))) == {"GO-18"}


@given(st.lists(st.integers(0, 500), max_size=200), st.integers(1, 100), st.integers(1, 50))
@settings(max_examples=50)
def test_a_bucket_never_gives_more_than_rate_and_burst(steps, rate, burst) -> None:
    bucket, now, given_out = TokenBucket(rate, burst, 0), 0, 0
    for step in steps:
        now += step
        given_out += bucket.take(now)
    assert given_out <= burst + rate * now // 1000
    assert not any(TokenBucket(rate, 0, 1000).take(at) for at in (1000, 0, 500))


def test_a_clock_that_goes_back_neither_gives_nor_takes() -> None:
    bucket = TokenBucket(50, 3, 1000)
    assert [bucket.take(at) for at in (1000, 0, 500, 1000, 1019, 0, 1020)] == [
        True, True, True, False, False, False, True,
    ]  # fmt: skip


# --- time ----------------------------------------------------------------------------------------


def test_go19_rejects_what_expired_or_is_too_far_ahead() -> None:
    here = admission()
    here.advance(Height(100))
    for seq, expiry in enumerate((99, 165)):
        late = message(seq, expiry=expiry).to_bytes()
        refused(GossipRefused, "GO-19", here.admit, late, PEER, Tokens())
    for seq, expiry in enumerate((100, 164), 2):
        here.admit(message(seq, expiry=expiry).to_bytes(), PEER, Tokens())
    assert len(here.advance(Height(101))) == 1
    assert len(here.advance(Height(164))) == 0
    assert len(here.advance(Height(165))) == 1
    early = message(1, expiry=165).to_bytes()
    here.admit(early, PEER, Tokens())  # what time alone refused is not remembered


def test_go19_rejects_ones_own_too() -> None:
    made = node()
    refused(GossipRefused, "GO-19", made.publish, intent(expiry=65), 0)


# --- room ----------------------------------------------------------------------------------------


def test_go20_rejects_the_cheapest_and_evicts_what_pays_less_per_byte() -> None:
    size = len(message(fee=SettlementFee(1)).to_bytes())
    here = admission(most_bytes=3 * size, share=1)
    for seq, amount in enumerate((10, 30, 20)):
        here.admit(message(seq, fee=SettlementFee(amount)).to_bytes(), PEER, Tokens())
    for amount in (5, 10):
        poor = message(7, fee=SettlementFee(amount)).to_bytes()
        refused(GossipRefused, "GO-20", here.admit, poor, PEER, Tokens())
    here.admit(message(8, fee=SettlementFee(15)).to_bytes(), PEER, Tokens())
    amounts = {entry.message.envelope.fee.amount for entry in here.pool}
    assert amounts == {30, 20, 15}
    assert here.pool.size == 3 * size
    gone = message(0, fee=SettlementFee(10))
    assert here.knows(gone.id)
    here.advance(Height(1))
    assert not here.knows(gone.id)
    here.advance(Height(33))
    here.advance(Height(1))
    assert len(here.pool) == 0
    here.admit(gone.to_bytes(), OTHER, Tokens())


def test_go20_rejects_what_hops_have_taken_as_worth_nothing() -> None:
    offer = SettlementFee(100)
    dear, cheap = message(0, fee=offer), message(1, fee=offer)
    here = admission(most_bytes=len(pass_on(dear, BOB, 0).to_bytes()), share=1)
    here.admit(pass_on(dear, BOB, 0, 0).to_bytes(), PEER, Tokens())
    refused(
        GossipRefused, "GO-20", here.admit, pass_on(cheap, BOB, 1, 60).to_bytes(), PEER, Tokens()
    )


def test_go20_rejects_a_peer_that_would_fill_more_than_its_share() -> None:
    size = len(message(fee=SettlementFee(1)).to_bytes())
    here = admission(most_bytes=8 * size, share=4)
    for seq in range(2):
        here.admit(message(seq, fee=SettlementFee(2**64 - 1)).to_bytes(), PEER, Tokens())
    refused(
        GossipRefused, "GO-20", here.admit,
        message(2, fee=SettlementFee(2**64 - 1)).to_bytes(), PEER, Tokens(),
    )  # fmt: skip
    here.admit(message(3, fee=SettlementFee(1)).to_bytes(), OTHER, Tokens())
    large = message(4, "x" * 3 * size, fee=SettlementFee(9)).to_bytes()
    refused(GossipRefused, "GO-20", here.admit, large, signer_of("third").node, Tokens())


def test_go20_rejects_a_bearers_copy_and_not_the_id() -> None:
    """A full share, or cuts that nobody took, do not stop others from being asked."""
    size = len(message(fee=SettlementFee(1)).to_bytes())
    made = node(Options(pool=PoolLimits(most_bytes=8 * size, share=4)), PEER, OTHER)
    for seq in range(2):
        assert not receive(made, frame(originate(EVE, seq, intent("swap", fee=SettlementFee(9)))))
    wanted = message(fee=SettlementFee(9))
    listed = b"\2\1\0" + wanted.id
    assert receive(made, frame(wanted)) == {"GO-20"}
    assert made.receive(PEER, listed, 0) == []
    (asked,) = made.receive(OTHER, listed, 0)
    assert isinstance(asked, Send)
    full = Options(pool=PoolLimits(most_bytes=2 * size, share=1))
    made = node(full, PEER, OTHER)
    for seq in range(2):
        receive(made, frame(originate(EVE, seq, intent("swap", fee=SettlementFee(9)))))
    wanted = message(1, fee=SettlementFee(99))
    forged = replace(wanted, hops=(Hop(BOB.node, 0, 99, None, bytes(64)),))
    assert forged.id == wanted.id
    assert receive(made, frame(forged)) == {"GO-20"}
    assert made.receive(OTHER, b"\2\1\0" + wanted.id, 0)
    assert receive(made, frame(wanted), peer=OTHER) == set()


def test_cheap_refusals_come_before_signatures_are_looked_at(monkeypatch) -> None:
    offer = SettlementFee(10)
    convict = Evidence(EVE.node, 0, (bytes(32), b"\1" * 32), (bytes(64), bytes(64)))
    too_dear = message(fee=offer)
    too_dear = replace(too_dear, hops=(Hop(BOB.node, 0, 11, None, bytes(64)),))
    by_convict = replace(too_dear, hops=(Hop(EVE.node, 0, 1, None, bytes(64)),))

    def never(*_: object) -> None:
        raise AssertionError("verified")

    monkeypatch.setattr(Statement, "verify", never)
    small = admission(most_bytes=10)
    refused(GossipRefused, "GO-20", small.admit, message().to_bytes(), PEER, Tokens())
    here = admission()
    here.culprits.put(convict.culprit_id, convict)
    refused(InvalidMessage, "GO-8", here.admit, too_dear.to_bytes(), PEER, Tokens())
    refused(GossipRefused, "GO-14", here.admit, by_convict.to_bytes(), PEER, Tokens())


def test_an_entry_that_stands_on_a_heap_twice_makes_room_once() -> None:
    """What is asked about room first is put back, on two heaps."""
    unit = len(unsigned(0, 100, 1).to_bytes())
    pool = Pool(PoolLimits(most_bytes=4 * unit, share=2))
    for seq, (peer, amount) in enumerate([(PEER, 1), (PEER, 5), (OTHER, 2), (OTHER, 6)]):
        pool.add(unsigned(seq, 100, amount), unit, peer)
    large = unsigned(9, 100 + unit, 1000)
    for _ in range(3):
        pool.check_room(large, 2 * unit, EVE.node)
    _, gone = pool.add(large, 2 * unit, PEER)
    assert sorted(victim.message.envelope.fee.amount for victim in gone) == [1, 5]
    assert pool.size == 4 * unit


def test_convicting_whose_messages_are_gone_breaks_nothing() -> None:
    here = admission()
    here.admit(message(0, expiry=1).to_bytes(), PEER, Tokens())
    here.admit(message(1, expiry=9).to_bytes(), PEER, Tokens())
    here.advance(Height(2))
    twice = [message(7, text).statements()[0] for text in ("one", "two")]
    assert [entry.message.seq for entry in here.convict(evidence_of(*twice))] == [1]
    assert here.pool._origins == {}


def test_a_forged_contradiction_convicts_nobody_but_costs_its_bearer() -> None:
    here = admission()
    here.admit(pass_on(message(0), BOB, 5).to_bytes(), PEER, Tokens())
    here.admit(message(1).to_bytes(), PEER, Tokens())
    forged = replace(message(1), hops=(Hop(BOB.node, 5, 0, None, bytes(64)),))
    refused(InvalidMessage, "GO-5", here.admit, forged.to_bytes(), OTHER, Tokens())
    assert here.take_evidence() == []
    assert len(here.culprits) == 0


def unsigned(seq: int, length: int, amount: int) -> Message:
    content = intent("x" * length, fee=SettlementFee(amount))
    return Message(content, ALICE.node, seq, bytes(64))


events = st.lists(
    st.tuples(
        st.integers(0, 3), st.integers(1, 400), st.integers(1, 1000), st.integers(1, 12),
        st.booleans(),
    ),
    max_size=60,
)  # fmt: skip


@given(events)
@settings(max_examples=40, deadline=None)
def test_a_pool_keeps_its_books_whatever_comes(todo) -> None:
    """Bounds, shares, indices; and nobody goes for a newcomer that offers less."""
    limits = PoolLimits(most_bytes=3000, share=2)
    pool, height = Pool(limits), 0
    for seq, (peer, length, amount, expiry, block) in enumerate(todo):
        content = intent("x" * length, expiry=expiry, fee=SettlementFee(amount))
        made = Message(content, ALICE.node, seq, bytes(64))
        size, source = len(made.to_bytes()), bytes((peer,)) * 32
        before = {entry.id for entry in pool}
        pool_size = pool.size
        try:
            pool.check_room(made, size, source)
        except GossipRefused:
            with pytest.raises(GossipRefused):
                pool.add(made, size, source)
            assert {entry.id for entry in pool} == before
            assert pool.size == pool_size
        else:
            entry, gone = pool.add(made, size, source)
            assert all(victim.rate < entry.rate for victim in gone)
        if block:
            height += 1
            pool.advance(Height(height))
        entries = list(pool)
        assert pool.size == sum(entry.size for entry in entries) <= limits.most_bytes
        for who in range(4):
            own = [entry.size for entry in entries if entry.peer == bytes((who,)) * 32]
            assert sum(own) <= limits.most_bytes // limits.share
        assert sum(len(ids) for ids in pool._origins.values()) == len(entries)
        assert pool.ids_from(bytes(32), 1000) == sorted(entry.id for entry in entries)
        assert all(entry.message.envelope.expiry >= height for entry in entries if block)


# --- peers ---------------------------------------------------------------------------------------


def test_go21_rejects_a_peer_after_two_invalid_messages_for_ten_minutes() -> None:
    made = node()
    assert receive(made, b"\1rubbish") == {"GO-1"}
    assert receive(made, b"\1nonsense") == {"GO-1", "ban"}
    assert made.peers.connected == ()
    assert receive(made, frame(message())) == {"GO-22"}
    refused(GossipRefused, "GO-21", made.connect, PEER, BAN_MS - 1)
    made.connect(PEER, BAN_MS)
    assert receive(made, frame(message()), BAN_MS) == set()


def test_an_invalid_message_is_forgiven_in_ten_minutes() -> None:
    made = node()
    receive(made, b"\1rubbish")
    scores = [made.peers.score(PEER, now) for now in range(0, BAN_MS + 1, BAN_MS // 10)]
    assert scores == list(range(-100, 1, 10))
    assert receive(made, b"\1nonsense", BAN_MS) == {"GO-1"}


def test_forgiveness_loses_nothing_to_frequent_questions() -> None:
    table = PeerTable(PeerLimits())
    table.connect(PEER, 0)
    table.penalise(PEER, 0)
    assert [table.score(PEER, now) for now in range(0, BAN_MS + 1, 997)][-1] >= -1
    assert table.score(PEER, BAN_MS) == 0


def test_go22_rejects_strangers_itself_and_more_peers_than_fit() -> None:
    made = node(Options(peers=PeerLimits(most_connected=2)), PEER, OTHER)
    refused(GossipRefused, "GO-22", made.connect, EVE.node, 0)
    refused(GossipRefused, "GO-22", made.connect, made.node, 0)
    refused(GossipRefused, "GO-22", made.connect, b"short", 0)
    assert receive(made, frame(message()), peer=EVE.node) == {"GO-22"}
    made.connect(PEER, 0)
    made.disconnect(OTHER)
    made.connect(EVE.node, 0)
    assert set(made.peers.connected) == {PEER, EVE.node}


def test_peers_that_come_and_go_are_forgotten_the_connected_are_not() -> None:
    table = PeerTable(PeerLimits(most_remembered=10))
    table.connect(PEER, 0)
    for index in range(100):
        passing = index.to_bytes(32, "big")
        table.connect(passing, 0)
        table.disconnect(passing)
    assert len(table) <= 10
    assert table.connected == (PEER,)
    table.spend(PEER, 0)


# --- frames --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        b"\5",
        b"\2",
        b"\2\0\0",
        b"\2\1\0" + bytes(31),
        b"\2\1\0" + bytes(33),
        b"\2\2\0" + bytes(64),
        b"\2\2\0" + b"\1" * 32 + bytes(32),
        b"\2\xf5\1" + b"".join(i.to_bytes(32, "big") for i in range(501)),
        b"\3\x21\0" + b"".join(i.to_bytes(32, "big") for i in range(33)),
        b"\4" + bytes(231),
        b"\4" + bytes(233),
    ],
    ids=range(13),
)
def test_go26_rejects_frames_that_are_none(data) -> None:
    made = node()
    assert receive(made, data) == {"GO-26"}
    assert made.peers.score(PEER, 0) == -100


def test_go12_rejects_false_evidence_and_blames_its_bearer() -> None:
    made = node()
    assert receive(made, b"\4" + bytes(232)) == {"GO-12"}
    assert made.peers.score(PEER, 0) == -100


def test_a_request_brings_at_most_what_the_peer_may_receive() -> None:
    made = node(Options(peers=PeerLimits(burst=4)), PEER)
    for seq in range(10):
        made.publish(intent(f"n {seq}"), 0)
    ids = sorted(entry.id for entry in made.admission.pool)[:5]
    want = b"\3" + len(ids).to_bytes(2, "little") + b"".join(ids)
    sent = made.receive(PEER, want, 0)
    assert sent == []  # the four that it may get at once went out when they were published
    sent = made.receive(PEER, want, 60)
    assert len([action for action in sent if isinstance(action, Send)]) == 3


def test_one_id_is_asked_for_three_times_at_most_within_a_second() -> None:
    peers = [signer_of(f"peer {index}").node for index in range(6)]
    made = node(None, *peers)
    digest = b"\2\1\0" + b"\7" * 32
    asked = [len(made.receive(peer, digest, 0)) for peer in peers]
    assert asked == [1, 1, 1, 0, 0, 0]
    again = [len(made.receive(peers[0], b"\2\1\0" + b"\6" * 32, 0)) for _ in range(4)]
    assert again == [1, 0, 0, 0]
    assert len(made.receive(peers[5], digest, 1000)) == 1


frames = st.one_of(
    st.binary(max_size=300),
    st.builds(lambda kind, rest: bytes((kind,)) + rest, st.integers(1, 4), st.binary(max_size=300)),
    st.builds(
        lambda seq, at, flip: _flipped(frame(pass_on(message(seq), BOB, seq)), at, flip),
        st.integers(0, 3),
        st.integers(0, 10_000),
        st.integers(0, 255),
    ),
)


def _flipped(data: bytes, at: int, flip: int) -> bytes:
    changed = bytearray(data)
    changed[at % len(data)] ^= flip
    return bytes(changed)


@given(st.lists(st.tuples(frames, st.integers(0, 1)), max_size=20))
@settings(max_examples=60, deadline=None)
def test_no_frame_breaks_a_node_and_every_refusal_has_a_rule(todo) -> None:
    peers = (PEER, OTHER)
    made = node(None, *peers)
    for data, source in todo:
        rules = receive(made, data, 0, peers[source]) - {"ban"}
        assert all(rule.startswith("GO-") for rule in rules)
    honest = originate(EVE, 0, intent("honest"))
    made.connect(signer_of("third").node, 0)
    assert receive(made, frame(honest), 0, signer_of("third").node) == set()
