"""The lane follows the roster of each epoch: LN-44 … LN-49."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import pytest

from node.core.committee import Committee, Member
from node.core.ids import AccountId, Height
from node.core.lane import LaneDomain, LaneParameters
from node.lane import domains, generation, holders, layout, ordering, provenance
from node.lane.blobs import blob, dispersal
from node.lane.errors import LaneRefused
from node.lane.layout import Stage
from node.lane.payload import KeyMessage, KeyTx, wire
from node.lane.trust import GENESIS_ONLY, Trust, check_holders
from node.lane.validator import extension, report
from node.stake import rosters
from node.stake.transaction import BondTx, Tag, sign
from node.stake.transaction import wire as stake_wire
from node.testing import dispersal as blobs
from node.testing.keepers import Town, consensus_keys
from node.testing.lane import (
    LANE,
    UNIT,
    LaneChain,
    lane_genesis,
    lane_tx,
    owners,
    signing_key,
    validators,
)
from private_exec import weights
from private_exec.errors import TooFewShares, UnsafeWeights
from private_exec.parameters import MAX_SHARES, Parameters
from private_exec.roster import Roster
from transparent.signature import SigningKey

FAST = 1
STAKES = (1, 1, 1, 3)
SHORT = LaneParameters(
    (LaneDomain(0, "main", period=2, solve_period=1), LaneDomain(FAST, "fast", 1, solve_period=1)),
    epoch_heights=10,
    grace=10,
    lead=8,
)


def chain_of(stakes=STAKES, lane=LANE) -> LaneChain:
    return LaneChain(len(stakes), genesis=lane_genesis(len(stakes), lane=lane, stakes=stakes))


def rule(call, *arguments) -> str:
    with pytest.raises(LaneRefused) as caught:
        call(*arguments)
    return caught.value.rule


def codes(receipts) -> list[str]:
    return [receipt.code for receipt in receipts]


def committee_of(*stakes: int) -> Committee:
    keys = [bytes(key.account) for key in validators(len(stakes))]
    return Committee(tuple(Member(k, k, stake) for k, stake in zip(keys, stakes, strict=True)))


# WHO HOLDS A KEY


def test_ln44_shares_and_thresholds_follow_from_the_stake_of_the_epoch() -> None:
    chain = chain_of()
    key = chain.make_key(FAST)
    held = holders.of(chain.state, chain.genesis, 0)
    assert [member.weight for member in held.committee.members] == list(STAKES)
    assert (key.roster, key.parameters) == (held.roster, held.parameters)
    assert [member.shares for member in key.roster.members] == [1, 1, 1, 4]
    assert (key.parameters.shares, key.parameters.quorum, key.parameters.privacy) == (7, 5, 4)
    assert held.assignment.protected == Fraction(2, 3)
    chain.step(chain.seal(b"one", domain=FAST))
    item = chain.closed(FAST)
    assert [len(message.points) for message in chain.messages(item)] == [1, 1, 1, 4]
    chain.step(chain.reveal(item, [0, 3]))  # two of four, with five shares of seven
    assert chain.live(FAST)[0].stage is Stage.SOLVING


def test_ln44_most_of_the_members_may_hold_too_little_to_open() -> None:
    chain = chain_of()
    chain.make_key(FAST)
    chain.step(chain.seal(b"one", domain=FAST))
    item = chain.closed(FAST)
    with pytest.raises(TooFewShares):
        chain.reveal(item, [0, 1, 2])


def test_ln44_who_has_too_little_for_a_share_has_no_part_in_the_key() -> None:
    held = holders.of_committee(committee_of(1, 100, 100, 1, 100, 100))
    keys = [member.key for member in held.committee.members]
    assert [bool(n) for n in held.assignment.shares] == [False, True, True] * 2
    assert [member.key for member in held.roster.members] == [keys[k] for k in (1, 2, 4, 5)]
    assert [held.member(key) for key in keys] == [None, 0, 1, None, 2, 3]


def test_ln45_no_key_where_no_shares_are_safe(monkeypatch, fresh) -> None:
    """Twice as many validators as shares; a roster of stake never is so large (CH-45)."""
    chain = fresh(4)
    notice = chain.key_message(0, KeyMessage.NOTICE)
    crowd = [bytes(signing_key("crowd", k).account) for k in range(2 * MAX_SHARES)]
    many = Committee(tuple(Member(key, key, 1) for key in sorted(crowd)))
    assert rule(holders.of_committee, many) == "LN-45"
    monkeypatch.setattr(rosters, "committee", lambda *_: many)
    assert codes(chain.block(notice)) == ["LN-45"]
    assert layout.attempt(chain.state, 0, 0) is None
    assert holders.member_in(chain.state, chain.genesis, 0, many.members[0].key) is None
    (told, _) = report.key_report(chain.state, chain.genesis, chain.height)
    assert (told.protection, told.holders, told.key) == (None, (), None)
    assert told.reason.startswith("LN-45")


# ROSTERS CHANGE


def stake_tx(chain, tag: Tag, key: SigningKey, owner: SigningKey, amount: int, *proof) -> bytes:
    """`amount` units more or less behind a validator; its first bond has the key's proof."""
    tx = BondTx(
        tag,
        chain.genesis.chain_id,
        bytes(key.account),
        AccountId(owner.account),
        amount * UNIT,
        10_000,
        Height(chain.height + 20),
    )
    return stake_wire(sign(tx, owner, *proof))


def town_of(stakes=STAKES) -> Town:
    """Four validators of genesis; a fifth is there, with the greatest account of `payers`."""
    return Town(chain_of(stakes, SHORT), ahead=True, n=5)


def newcomer(town: Town) -> tuple[int, SigningKey]:
    """The one of five who is not in genesis: its place in the town, and its key."""
    known = set(town.chain.genesis.validators)
    place = next(k for k, key in enumerate(town.keys) if key.public not in known)
    return place, next(k for k in validators(5) if bytes(k.account) == town.keys[place].public)


def changed(town: Town) -> tuple[int, int, SigningKey]:
    """One comes with most of the stake and the heaviest of genesis goes, both in epoch 2.

    Returns:
        Places in the town of who comes and who goes.
    """
    chain = town.chain
    place, key = newcomer(town)
    leaver = validators(4)[3]
    gone = next(k for k, item in enumerate(town.keys) if item.public == bytes(leaver.account))
    town.step(
        stake_tx(chain, Tag.BOND, key, chain.payers[0], 6, key),
        stake_tx(chain, Tag.UNBOND, leaver, owners(4)[3], STAKES[3]),
    )
    return place, gone, key


def to_height(town: Town, height: int) -> None:
    while town.chain.height < height:
        town.step()


def test_ln46_who_comes_makes_the_keys_of_its_epochs_and_who_goes_does_not() -> None:
    town = town_of()
    chain = town.chain
    comes, goes, _ = changed(town)
    to_height(town, 20)
    first, second, third = (layout.key_of(chain.state, FAST, epoch) for epoch in (0, 1, 2))
    assert first.roster == second.roster
    assert [m.key for m in first.roster.members] == list(chain.genesis.validators)
    after = [m.key for m in third.roster.members]
    assert town.keys[comes].public in after
    assert town.keys[goes].public not in after
    state = chain.state
    for place, parts in ((comes, [False, False, True]), (goes, [True, True, False])):
        keeper = town.keepers[place]
        assert [keeper.has_part(state, epoch) for epoch in (0, 1, 2)] == parts
        assert [keeper.holds(state, FAST, epoch) for epoch in (0, 1, 2)] == parts
    dealt = generation.replay(state, chain.genesis, FAST, 2, 0).dealings
    assert {third.roster.members[member].key for member in dealt} == set(after)


def test_ln46_what_waits_is_opened_by_the_members_of_its_own_epoch() -> None:
    """The last batch of an epoch is opened in the next, with shares of one who has left."""
    town = town_of()
    chain = town.chain
    comes, goes, _ = changed(town)
    to_height(town, 19)
    town.step(chain.seal(b"late", domain=FAST))
    assert chain.height == 20  # the end of epoch 1
    item = chain.closed(FAST)
    state, height = chain.state, chain.next_height
    assert (item.epoch, height) == (1, 21)
    voters = [rosters.consensus_set(chain.store.reader(Height(h)), chain.genesis) for h in (19, 20)]
    assert voters == [rosters.committee(state, chain.genesis, epoch) for epoch in (1, 2)]
    old = layout.key_of(state, FAST, 1)
    votes = {k: town.keepers[k].extend(state, height) for k in range(5)}
    assert votes[comes] == b""
    assert votes[goes] != b""
    judge = town.keepers[next(k for k in range(5) if k not in (comes, goes))]
    for place, vote in votes.items():
        judge.check_extension(vote, town.keys[place].public, state, height)
    stolen = town.keys[comes].public
    assert rule(judge.check_extension, votes[goes], stolen, state, height) == "LN-46"
    goer = holders.member(old.roster, town.keys[goes].public)
    assert {message.member for message in extension.decode(votes[goes])} == {goer}
    rest = sum(m.shares for k, m in enumerate(old.roster.members) if k != goer)
    assert rest < old.parameters.quorum  # nobody opens it without who has left
    town.step()
    (opened,) = chain.live(FAST)
    assert opened.stage is Stage.SOLVING


def test_ln46_a_member_has_another_place_in_every_epoch() -> None:
    town = town_of()
    chain = town.chain
    changed(town)
    to_height(town, 22)
    town.step(chain.seal(b"new", domain=FAST))
    item = chain.closed(FAST)
    key = layout.key_of(chain.state, FAST, 2)
    assert item.epoch == 2
    for place, keeper in enumerate(town.keepers):
        said = extension.decode(keeper.extend(chain.state, chain.next_height))
        member = holders.member(key.roster, town.keys[place].public)
        assert [message.member for message in said] == ([] if member is None else [member])
    old = layout.key_of(chain.state, FAST, 1).roster
    both = {m.key for m in old.members} & {m.key for m in key.roster.members}
    assert any(holders.member(old, k) != holders.member(key.roster, k) for k in both)
    town.step()
    assert chain.live(FAST)[0].stage is Stage.SOLVING


def test_ln46_secrets_of_one_who_left_go_when_its_epoch_does() -> None:
    town = town_of()
    comes, goes, _ = changed(town)
    to_height(town, 31)
    assert {place.epoch for place in town.secrets[goes].kept()} == set()
    stays = next(k for k in range(5) if k not in (comes, goes))
    assert {place.epoch for place in town.secrets[stays].kept()} >= {2}


# BLOBS


def large(chain) -> bytes:
    return blob.encode(blobs.sealed(chain, 8))


def test_ln47_a_blob_is_kept_and_signed_for_by_stake() -> None:
    chain = chain_of()
    chain.make_key(0)
    network = blobs.Network(chain)
    made = blobs.coded(chain, large(chain))
    few = blobs.certified(chain, network, made, signers=[0, 1, 2])  # three of four, half the stake
    most = blobs.certified(chain, network, made, signers=[0, 1, 3])
    context = chain.executor.intake.context(chain.next_height)
    check = dispersal.check_disperse
    assert rule(check, lane_tx(few), chain.state, chain.genesis, context) == "LN-33"
    check(lane_tx(most), chain.state, chain.genesis, context)
    kept = domains.keeping(chain.state, chain.genesis, 0, chain.next_height)
    rows = [len(kept.assignment.rows_of(m.id)) for m in kept.committee.members]
    assert rows[3] > 2 * max(rows[:3])


def test_ln47_by_the_roster_of_the_epoch_in_which_it_was_stated() -> None:
    town = town_of()
    chain = town.chain
    changed(town)
    to_height(town, 20)
    before, after = (domains.keeping(chain.state, chain.genesis, 0, h) for h in (20, 21))
    assert before.committee == rosters.committee(chain.state, chain.genesis, 1)
    assert after.committee == rosters.committee(chain.state, chain.genesis, 2)
    assert before.committee != after.committee


def test_ln47_no_blob_where_a_third_could_not_give_it_back(fresh, monkeypatch) -> None:
    chain = fresh(4)
    keys = sorted(bytes(signing_key("crowd", k).account) for k in range(1000))
    many = Committee(tuple(Member(key, key, 1) for key in keys))
    monkeypatch.setattr(rosters, "committee", lambda *_: many)
    assert rule(domains.keeping, chain.state, chain.genesis, 0, 1) == "LN-47"


# CLIENTS


def entries_of(chain, epoch: int) -> dict[bytes, bytes]:
    state = chain.state
    prefixes = layout.attempt_key(FAST, epoch), layout.word_prefix(FAST, epoch, 0)
    return {k: v for prefix in prefixes for k, v in state.iterate(prefix)}


def check_key(genesis, key, said, trust=GENESIS_ONLY) -> None:
    """As a client does."""
    check_holders(genesis, key, trust)
    provenance.check_signed(genesis, key, said)


def test_ln49_another_roster_than_that_of_genesis_takes_a_proof_or_a_pin() -> None:
    town = town_of()
    chain = town.chain
    changed(town)
    to_height(town, 20)
    genesis, old, key = (chain.genesis, *(layout.key_of(chain.state, FAST, e) for e in (1, 2)))
    check_key(genesis, old, entries_of(chain, 1))
    said = entries_of(chain, 2)
    assert rule(check_key, genesis, key, said) == "LN-49"
    proven = Trust(proven=lambda epoch: rosters.committee(chain.state, genesis, epoch))
    check_key(genesis, key, said, proven)
    other = Trust(proven=lambda _: rosters.committee(chain.state, genesis, 1))
    assert rule(check_key, genesis, key, said, other) == "LN-49"
    pinned = Trust(frozenset([holders.digest(key.roster, key.parameters)]))
    check_key(genesis, key, said, pinned)
    wrong = Trust(frozenset([bytes(32)]))
    assert rule(check_key, genesis, key, said, wrong) == "LN-49"
    for trust in (proven, pinned):  # whom one trusts has to have signed
        assert rule(check_key, genesis, key, entries_of(chain, 1), trust) == "LN-43"


def test_ln49_who_has_proofs_does_not_rely_on_validators_that_left() -> None:
    """A quorum of genesis, its stake long withdrawn, could make up a key of any later epoch."""
    chain = chain_of()
    old = chain.make_key(FAST)
    late = dataclasses.replace(old, epoch=7)
    genesis, another = chain.genesis, committee_of(1, 1, 1)
    check_holders(genesis, late)
    for proven in (another, None):
        trust = Trust(proven=lambda _, found=proven: found)
        assert rule(check_holders, genesis, late, trust) == "LN-49"
        check_holders(genesis, old, trust)  # ST-1: of epochs 0 and 1 genesis is the proof
    same = rosters.genesis_roster(genesis)
    check_holders(genesis, late, Trust(proven=lambda _: same))


def test_ln49_a_genesis_with_which_no_key_is_safe_hides_no_pin(monkeypatch) -> None:
    chain = chain_of()
    key = chain.make_key(FAST)
    pins = frozenset([holders.digest(key.roster, key.parameters)])

    def unsafe(stakes, **_):
        raise UnsafeWeights("PX-11", "no shares are safe")

    monkeypatch.setattr(weights, "assign", unsafe)
    holders._of.cache_clear()
    assert rule(check_holders, chain.genesis, key) == "LN-49"
    check_holders(chain.genesis, key, Trust(pins))
    holders._of.cache_clear()


def test_ln49_the_same_members_with_another_threshold_are_not_the_same() -> None:
    """With T of 1 any one of them could have made the key alone."""
    chain = chain_of((1, 1, 1, 1))
    key = chain.make_key(FAST)
    check_holders(chain.genesis, key)
    low = Parameters(4, 1, 1)
    weak = dataclasses.replace(key, parameters=low, vks=(key.pk2,) * 4)
    assert holders.digest(key.roster, low) != holders.digest(key.roster, key.parameters)
    pin = Trust(frozenset([holders.digest(key.roster, key.parameters)]))
    assert rule(check_holders, chain.genesis, weak, pin) == "LN-49"
    others = Roster.of([m.key for m in key.roster.members], [4, 0, 0, 0])
    assert holders.digest(others, key.parameters) != holders.digest(key.roster, key.parameters)


# SIZES


def test_ln5_a_batch_has_room_for_what_the_heaviest_member_can_send() -> None:
    """8 KiB of four shares for every ciphertext."""
    chain = chain_of()
    key = chain.make_key(FAST)
    most = ordering.most(chain.genesis, key)
    assert most == holders.of(chain.state, chain.genesis, 0).assignment.batch == 62
    sent = [chain.seal(b"%d" % k, domain=FAST) for k in range(most + 1)]
    assert codes(chain.block(*sent)) == ["ok"] * most + ["LN-5"]
    messages = chain.messages(chain.closed(FAST), [3])
    assert len(extension.encode(messages[:1])) <= extension.MAX_EXTENSION
    assert extension.encode(messages[:1]) != b""


def test_ln6_a_dealing_is_no_larger_than_those_of_its_epoch() -> None:
    """Seven shares in the first epochs; the next has a roster of its own."""
    town = town_of()
    chain = town.chain
    comes, _, _ = changed(town)
    to_height(town, 14)
    roster = holders.of(chain.state, chain.genesis, 2)
    assert roster.parameters.shares != 7
    member = roster.member(consensus_keys(5)[comes].public)
    large_one = member.to_bytes(2, "little") + (300).to_bytes(2, "little") * 2 + bytes(64)
    tx = KeyTx(FAST, 2, 0, KeyMessage.DEALING, large_one)
    for counts, large in (((300, 1), True), ((1, 300), True), ((1, 1), False)):
        sizes = b"".join(n.to_bytes(2, "little") for n in counts)
        said = dataclasses.replace(tx, message=large_one[:2] + sizes + bytes(64))
        with pytest.raises(LaneRefused) as caught:
            generation.check_place(said, chain.state, chain.height + 1, chain.genesis)
        assert caught.value.rule == "LN-6"
        assert ("commitments" in caught.value.message) == large
    assert codes(chain.block(wire(tx))) == ["LN-6"]


def test_ln48_a_pool_has_places_for_the_validators_of_this_epoch_and_the_next() -> None:
    town = town_of()
    chain = town.chain
    assert chain.executor.signers(chain.state, chain.next_height) == 4
    changed(town)
    to_height(town, 10)
    assert chain.executor.signers(chain.state, chain.next_height) == 5
    to_height(town, 20)
    assert chain.executor.signers(chain.state, chain.next_height) == 4
