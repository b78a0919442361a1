"""Keys of epochs made through blocks: LN-6 … LN-8."""

from __future__ import annotations

from dataclasses import replace

import pytest

from node.core.ids import Height
from node.core.lane import LaneDomain, LaneParameters
from node.execution import mempool
from node.execution.mempool import Mempool
from node.lane import generation, layout
from node.lane.payload import KeyMessage, KeyTx, wire
from node.testing.lane import LANE, entropy, lane_genesis, lane_tx
from private_exec.keygen import complaint as complaints
from private_exec.keygen import dealing as dealings
from private_exec.keygen.dealing import Dealing
from private_exec.keygen.participant import Participant
from private_exec.keygen.protocol import FailureReason, Fault, FaultKind, make_commit
from private_exec.keys import EpochKey
from private_exec.sharing import PackedPolynomial
from private_exec.transcript import secret_scalar

NOTICE, COMMIT, DEALING, COMPLAINT = KeyMessage


def codes(receipts) -> list[str]:
    return [receipt.code for receipt in receipts]


def messages(chain, what, members=range(4), **place) -> list[bytes]:
    return [chain.key_message(m, what, **place) for m in members]


def word(what, message, *, domain=0, epoch=0, attempt=0) -> bytes:
    return wire(KeyTx(domain, epoch, attempt, what, message.to_bytes()))


def keygen_of(chain, attempt=0):
    return generation.replay(chain.state, chain.genesis, 0, 0, attempt)


def words_of(chain) -> list[bytes]:
    return list(generation.words(chain.state, 0, 0, 0))


class BadDealer(Participant):
    """Seals a wrong share for one number, or proves nothing; says no word about it."""

    def __init__(self, chain, member, *, wrong_for=(), proofs=True) -> None:
        honest = chain.participant(member)
        super().__init__(
            honest.context, member, chain.validators[member], entropy("keygen", member, 0, 0, 0)
        )
        self._wrong_for, self._proofs, self._keys = wrong_for, proofs, chain.validators[member]

    def make(self, keygen):
        polynomial = PackedPolynomial(
            self.context.parameters.packing,
            tuple(secret_scalar("bad", bytes([k])) for k in range(self.context.commitments)),
        )
        values = {i: polynomial.share(i) for i in dealings.recipients(self.context, keygen.keys)}
        for number in self._wrong_for:
            values[number] += 1
        dealing = dealings.assemble(
            self.context, keygen.keys, self.member, polynomial, 12345, values, entropy("bad")
        )
        if not self._proofs:
            dealing = replace(dealing, knows_secret=dealing.knows_ephemeral)
        return dealing, make_commit(keygen.session, dealing, self._keys)


def with_bad_dealer(chain, **how):
    """Notices, commits and dealings of four, of whom member 0 deals badly; the last receipts."""
    bad = BadDealer(chain, 0, **how)
    chain.block(*messages(chain, NOTICE))
    dealing, commit = bad.make(keygen_of(chain))
    chain.block(word(COMMIT, commit), *messages(chain, COMMIT, [1, 2, 3]))
    return chain.block(word(DEALING, dealing), *messages(chain, DEALING, [1, 2, 3]))


# THE WAY


@pytest.mark.parametrize("n", [1, 4])
def test_a_key_is_made_through_blocks(fresh, n) -> None:
    chain = fresh(n)
    key = chain.make_key()
    assert chain.height == 4
    assert layout.key_of(chain.state, 0, 0) == key
    assert EpochKey.from_bytes(key.to_bytes()).roster.members[0].key == chain.genesis.validators[0]
    assert len(chain.held[0, 0]) == n
    assert generation.finding(chain.state, 0, 0, 0) == generation.Finding(None, ())


def test_phases_follow_one_another(fresh) -> None:
    chain, seen = fresh(1), []
    for what in (NOTICE, COMMIT, DEALING, None):
        now = generation.phase(chain.state, chain.genesis, 0, 0, chain.next_height)
        seen.append((now.what, now.opened, now.until, now.made))
        chain.block(*([] if what is None else messages(chain, what, [0])))
    now = generation.phase(chain.state, chain.genesis, 0, 0, chain.next_height)
    assert seen == [
        (NOTICE, None, 46, False),
        (COMMIT, 1, 2, False),
        (DEALING, 1, 3, False),
        (COMPLAINT, 1, 4, False),
    ]
    assert (now.what, now.opened, now.made) == (None, 1, True)


def test_rounds_take_as_long_as_genesis_says(fresh) -> None:
    lane = LaneParameters((LaneDomain(0, "main"),), epoch_heights=50, round_heights=3)
    chain = fresh(1, genesis=lane_genesis(1, lane=lane))
    chain.make_key()
    assert chain.height == 12


def test_epochs_and_domains_have_different_keys(fresh) -> None:
    chain = fresh(1)
    keys = [chain.make_key(0), chain.make_key(1)]
    chain.run_to(41)
    keys.append(chain.make_key(0, 1))
    assert len({key.pk1 for key in keys}) == 3
    assert [(key.domain.da_domain, key.epoch) for key in keys] == [(0, 0), (1, 0), (0, 1)]


def test_three_of_four_make_a_key(fresh) -> None:
    chain = fresh(4)
    chain.make_key(absent=[2])
    assert [held.member for held in chain.held[0, 0]] == [0, 1, 3]


def test_a_replay_from_the_words_alone_ends_the_same(fresh, monkeypatch) -> None:
    chain = fresh(4)
    key = chain.make_key()
    monkeypatch.setattr(generation, "_REPLAYS", type(generation._REPLAYS)(4))
    keygen = keygen_of(chain)
    assert keygen.finish(5).key == key
    again = keygen_of(chain)
    keygen.keys.clear()
    assert again.finish(5).key == key


def test_what_is_remembered_of_an_attempt_is_not_changed_by_what_came_after(
    fresh, monkeypatch
) -> None:
    """Of two blocks at one height a node may try both; it must not mix them."""
    chain = fresh(4)
    chain.block(*messages(chain, NOTICE))
    early = chain.copy()
    chain.block(*messages(chain, COMMIT))
    monkeypatch.setattr(generation, "_REPLAYS", type(generation._REPLAYS)(8))
    assert keygen_of(early).commits == {}
    assert len(keygen_of(chain).commits) == 4
    assert keygen_of(early).commits == {}


# PLACES


def test_ln2_a_key_is_of_a_domain(fresh) -> None:
    chain = fresh(4)
    notice = replace(lane_tx(chain.key_message(0, NOTICE)), domain=5)
    assert codes(chain.block(wire(notice))) == ["LN-2"]


def test_ln6_a_key_is_made_from_lead_heights_before_its_epoch_on(fresh) -> None:
    chain = fresh(1)
    chain.run_to(39)
    assert codes(chain.block(*messages(chain, NOTICE, [0], epoch=1))) == ["LN-6"]
    assert chain.height == 40  # ten before height 51 is height 41
    assert codes(chain.block(*messages(chain, NOTICE, [0], epoch=1))) == ["ok"]


def test_ln6_not_when_it_could_take_nothing_any_more(fresh) -> None:
    chain = fresh(1)
    chain.run_to(45)
    late = chain.copy()
    assert codes(chain.block(*messages(chain, NOTICE, [0]))) == ["ok"]
    late.run_to(46)
    assert codes(late.block(*messages(late, NOTICE, [0]))) == ["LN-6"]


def test_ln6_only_a_notice_opens_an_attempt(fresh) -> None:
    chain, elsewhere = fresh(4), fresh(4)
    with_bad_dealer(elsewhere, wrong_for=[2])
    (complaint,) = elsewhere.participant(1).complaints(keygen_of(elsewhere))
    said = {word.what: word for word in map(generation.Word.from_bytes, words_of(elsewhere))}
    early = [wire(KeyTx(0, 0, 0, what, said[what].message)) for what in (COMMIT, DEALING)]
    assert codes(chain.block(*early, word(COMPLAINT, complaint))) == ["LN-6"] * 3
    assert not list(chain.state.iterate(b"i/"))


def test_ln6_a_message_belongs_to_the_round_under_way(fresh) -> None:
    chain = fresh(4)
    notices = messages(chain, NOTICE)
    chain.block(*notices[:3])
    commits = messages(chain, COMMIT)
    assert codes(chain.block(notices[3], *commits)) == ["LN-6", "ok", "ok", "ok", "ok"]
    assert codes(chain.block(commits[0])) == ["LN-6"]


def test_ln6_a_message_belongs_to_the_attempt_under_way(fresh) -> None:
    chain = fresh(4)
    assert codes(chain.block(*messages(chain, NOTICE, [0], attempt=1))) == ["LN-6"]
    assert codes(chain.block(*messages(chain, NOTICE, [0]))) == ["ok"]
    chain.run_to(5)
    assert codes(chain.block(*messages(chain, NOTICE, [1]))) == ["LN-6"]
    assert codes(chain.block(*messages(chain, NOTICE, [1], attempt=1))) == ["ok"]


def test_ln6_a_made_key_is_not_made_again(chain) -> None:
    for attempt in (0, 1):
        assert codes(chain.block(*messages(chain, NOTICE, [0], attempt=attempt))) == ["LN-6"]


def test_ln6_a_dealing_is_one_that_was_committed_to(fresh) -> None:
    chain = fresh(4)
    chain.block(*messages(chain, NOTICE))
    chain.block(*messages(chain, COMMIT, [0, 1, 2]))
    other, _ = BadDealer(chain, 0).make(keygen_of(chain))
    assert codes(chain.block(word(DEALING, other), *messages(chain, DEALING))) == [
        "LN-6", "ok", "ok", "ok", "LN-6",
    ]  # fmt: skip


# MESSAGES


def test_ln6_a_dealing_is_no_larger_than_those_of_this_chain(fresh, monkeypatch) -> None:
    """A block of garbage would else cost every node some ten seconds, and nobody anything."""
    chain = fresh(4)
    chain.block(*messages(chain, NOTICE))
    chain.block(*messages(chain, COMMIT))
    (data,) = messages(chain, DEALING, [0])
    dealing = Dealing.from_bytes(lane_tx(data).message)
    large = [
        replace(dealing, first=dealing.first * 2, second=dealing.second * 2),
        replace(dealing, sealed=(*dealing.sealed, dealing.sealed[0])),
    ]
    with monkeypatch.context() as patch:
        patch.setattr(generation, "read", None)
        wires = [word(DEALING, item) for item in large]
        assert codes(chain.copy().block(*wires)) == ["LN-6", "LN-6"]
    assert codes(chain.block(data)) == ["ok"]


def test_ln7_a_message_that_does_not_count_leaves_nothing(fresh) -> None:
    chain = fresh(4)
    notices = messages(chain, NOTICE)
    forged = replace(lane_tx(notices[1]), message=lane_tx(notices[1]).message[:-64] + bytes(64))
    assert codes(chain.block(wire(forged))) == ["PX-2"]
    assert not list(chain.state.iterate(b"i/"))
    assert codes(chain.block(notices[0], notices[0])) == ["ok", "PX-23"]
    assert len(list(generation.words(chain.state, 0, 0, 0))) == 1
    assert layout.attempt(chain.state, 0, 0).words == 1


def test_ln7_a_second_commit_is_kept_for_its_blame(fresh) -> None:
    chain = fresh(4)
    chain.block(*messages(chain, NOTICE))
    _, second = BadDealer(chain, 0).make(keygen_of(chain))
    receipts = chain.block(*messages(chain, COMMIT), word(COMMIT, second), word(COMMIT, second))
    assert codes(receipts) == ["ok"] * 5 + ["PX-23"]
    assert dict(receipts[4].events[0].data)["faults"] == "member 0: signed two commits"
    assert keygen_of(chain).faults == [Fault(0, FaultKind.TWO_COMMITS)]
    chain.block(*messages(chain, DEALING))
    chain.block()
    assert generation.finding(chain.state, 0, 0, 0).faults == (Fault(0, FaultKind.TWO_COMMITS),)
    assert layout.key_of(chain.state, 0, 0) is not None


def test_ln7_a_dealing_without_proofs_blames_its_dealer(fresh) -> None:
    chain = fresh(4)
    assert codes(with_bad_dealer(chain, proofs=False)) == ["ok"] * 4
    chain.block()
    blamed = (Fault(0, FaultKind.INVALID_DEALING),)
    assert generation.finding(chain.state, 0, 0, 0) == generation.Finding(None, blamed)


def test_ln7_a_complaint_takes_a_bad_dealer_out(fresh) -> None:
    chain = fresh(4)
    with_bad_dealer(chain, wrong_for=[2])
    (complaint,) = chain.participant(1).complaints(keygen_of(chain))
    assert codes(chain.block(word(COMPLAINT, complaint))) == ["ok"]
    found = generation.finding(chain.state, 0, 0, 0)
    assert found == generation.Finding(None, (Fault(0, FaultKind.BAD_SHARE),))
    outcome = keygen_of(chain).finish(5)
    assert (outcome.key, outcome.qualified) == (layout.key_of(chain.state, 0, 0), (1, 2, 3))


def test_ln7_a_false_complaint_blames_its_accuser(fresh) -> None:
    chain = fresh(4)
    for what in (NOTICE, COMMIT, DEALING):
        chain.block(*messages(chain, what))
    accuser, keygen = chain.participant(3), keygen_of(chain)
    false = complaints.make(
        accuser.context, keygen.keys, keygen.dealings[1], 3, 4, accuser._open_secret(),
        chain.validators[3], entropy("false"),
    )  # fmt: skip
    assert codes(chain.block(word(COMPLAINT, false))) == ["ok"]
    found = generation.finding(chain.state, 0, 0, 0)
    assert found == generation.Finding(None, (Fault(3, FaultKind.FALSE_COMPLAINT),))


# ENDS


def test_ln8_without_a_quorum_there_is_no_key_and_a_next_attempt(fresh) -> None:
    chain = fresh(4)
    chain.block(*messages(chain, NOTICE, [0, 1]))
    chain.block(*messages(chain, COMMIT, [0, 1]))
    chain.run_to(4)
    found = generation.finding(chain.state, 0, 0, 0)
    assert found.reason is FailureReason.TOO_FEW_NOTICES
    assert found.faults == (Fault(0, FaultKind.NOT_OPENED), Fault(1, FaultKind.NOT_OPENED))
    assert layout.key_of(chain.state, 0, 0) is None
    key = chain.make_key(attempt=1)
    assert layout.key_of(chain.state, 0, 0) == key
    assert generation.finding(chain.state, 0, 0, 0) == found


def test_ln8_px10_a_late_complaint_blames_and_changes_no_key(fresh) -> None:
    chain = fresh(4)
    with_bad_dealer(chain, wrong_for=[2])
    (complaint,) = chain.participant(1).complaints(keygen_of(chain))
    chain.run_to(4)
    key = layout.key_of(chain.state, 0, 0)
    assert generation.finding(chain.state, 0, 0, 0).faults == ()
    assert keygen_of(chain).finish(5).qualified == (0, 1, 2, 3)
    assert codes(chain.block(word(COMPLAINT, complaint))) == ["ok"]
    assert generation.finding(chain.state, 0, 0, 0).faults == (Fault(0, FaultKind.BAD_SHARE),)
    assert layout.key_of(chain.state, 0, 0) == key == keygen_of(chain).finish(5).key
    assert codes(chain.block(word(COMPLAINT, complaint))) == ["PX-23"]
    chain.run_to(50)
    assert codes(chain.block(word(COMPLAINT, complaint))) == ["LN-6"]


def test_ln8_messages_are_forgotten_behind_the_grace_and_keys_are_not(fresh) -> None:
    chain = fresh(1)
    key = chain.make_key()
    chain.run_to(69)
    assert len(list(chain.state.iterate(b"i/word/"))) == 3
    chain.run_to(70)
    assert not list(chain.state.iterate(b"i/word/"))
    assert layout.key_of(chain.state, 0, 0) == key


def test_ln8_messages_are_there_as_long_as_a_batch_may_be_opened(fresh) -> None:
    """Whoever restarts makes its shares of the last batch from them, however short the grace."""
    chain = fresh(1, genesis=lane_genesis(1, lane=replace(LANE, grace=1)))
    chain.make_key()
    chain.run_to(59)
    assert len(list(chain.state.iterate(b"i/word/"))) == 3
    chain.run_to(60)
    assert not list(chain.state.iterate(b"i/word/"))


def test_a_finding_has_one_encoding() -> None:
    for reason in (None, *FailureReason):
        found = generation.Finding(
            reason, tuple(Fault(k, kind) for k, kind in enumerate(FaultKind))
        )
        assert generation.Finding.from_bytes(found.to_bytes()) == found


# POOL


def pool_of(chain) -> Mempool:
    return Mempool(chain.executor, lambda: (Height(chain.height), chain.state))


def test_ex35_messages_about_keys_pay_nothing_and_go_first(fresh) -> None:
    chain = fresh(4)
    pool = pool_of(chain)
    notices = messages(chain, NOTICE)
    assert [pool.add(data).error for data in notices] == [None] * 4
    assert list(pool.pending(1 << 20)) == notices
    assert pool.add(notices[0]).error is None  # again is no error


def test_ex35_what_is_over_is_refused_before_it_decodes_and_may_come_again(fresh) -> None:
    chain = fresh(4)
    pool = pool_of(chain)
    garbage = wire(KeyTx(0, 0, 0, COMMIT, b"\xff" * 98))
    assert pool.add(garbage).error.id == "LN-6"
    commit_of = chain.copy()
    commit_of.block(*messages(chain, NOTICE))
    commit = commit_of.key_message(0, COMMIT)
    assert pool.add(commit).error.id == "LN-6"
    chain.block(*messages(chain, NOTICE))
    pool.committed(chain.last_block(), chain.chain.receipts(Height(chain.height)))
    assert pool.add(commit).error is None


def test_ex35_messages_about_keys_have_places_of_their_own(fresh, monkeypatch) -> None:
    monkeypatch.setattr(mempool, "MOST_ORDERS", 0)
    monkeypatch.setattr(mempool, "MESSAGES_PER_VALIDATOR", 1)
    chain = fresh(1)
    pool = pool_of(chain)
    assert pool.add(chain.key_message(0, NOTICE)).error is None
    assert pool.add(chain.key_message(0, NOTICE, domain=1)).error.id == "EX-35"
    chain.block(*pool.pending(1 << 20))
    pool.committed(chain.last_block(), chain.chain.receipts(Height(chain.height)))
    assert pool.add(chain.key_message(0, COMMIT)).error is None


def test_ex20_one_pending_message_of_a_member_and_round(fresh) -> None:
    chain = fresh(4)
    chain.block(*messages(chain, NOTICE))
    _, second = BadDealer(chain, 0).make(keygen_of(chain))
    pool = pool_of(chain)
    assert pool.add(chain.key_message(0, COMMIT)).error is None
    assert pool.add(word(COMMIT, second)).error.id == "EX-20"
    assert pool.add(chain.key_message(1, COMMIT)).error is None


def test_ex20_a_member_may_accuse_several_dealers_at_once(fresh) -> None:
    lane = fresh(4).executor.lane
    accuser, dealers = (1).to_bytes(2, "little"), [k.to_bytes(2, "little") for k in (2, 3)]
    about = [KeyTx(0, 0, 0, COMPLAINT, accuser + dealer + bytes(9)) for dealer in dealers]
    again = replace(about[0], message=accuser + dealers[0] + bytes(8))
    first, second, third = (lane.conflicts(tx) for tx in (*about, again))
    assert first == third != second
