"""LC-9, LC-11 … LC-14: bisection, anchors, witnesses, and a fork with its evidence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from node.consensus.cometbft.duplicate import VoteJudge
from node.consensus.cometbft.mapping import engine_chain_id
from node.consensus.cometbft.wire import NS
from node.core.errors import NotFound, Unreachable
from node.light import evidence
from node.light.client import LightClient, Witness, pinned
from node.light.errors import Forked, LightRefused
from node.light.fork import Fork
from node.light.verify import TRUSTING_PERIOD, Terms, Trusted
from node.stake.errors import StakeRefused
from node.stake.faults import FaultKind
from node.testing.light import SignedChain, public, set_of, sign, signer
from node.testing.nodes import development_genesis
from zk.errors import DecodeError

CHAIN = "chiaro-tests"
START_MS = 1_700_000_000_000


def rotated(height: int):
    """Each height one of four goes, and another comes."""
    return dict.fromkeys([signer(n) for n in range(height, height + 4)], 1)


def made(height: int, powers=rotated, **options) -> SignedChain:
    chain = SignedChain(CHAIN, START_MS, powers, [], **options)
    for _ in range(height):
        chain.add()
    return chain


@pytest.fixture(scope="module")
def chain() -> SignedChain:
    return made(40)


class Asked:
    """Counts what is asked for, and answers with another block where it is told to."""

    def __init__(self, chain: SignedChain, instead=None, error: Exception | None = None) -> None:
        self.chain, self.instead, self.error = chain, instead or {}, error
        self.heights: list[int] = []

    def light_block(self, height: int | None = None):
        if self.error is not None:
            raise self.error
        found = self.chain.light_block(height)
        self.heights.append(found.height)
        return self.instead.get(found.height, found)


def client(chain: SignedChain, primary=None, *witnesses, **options) -> LightClient:
    genesis = Trusted.genesis(set_of(chain.powers(1)), START_MS)
    named = [Witness(f"w{n}", source) for n, source in enumerate(witnesses)]
    return LightClient(CHAIN, genesis, primary or chain, named, **options)


def refused(rule: str, call, *arguments, **options) -> LightRefused:
    with pytest.raises(LightRefused) as caught:
        call(*arguments, **options)
    assert caught.value.rule == rule, caught.value
    return caught.value


def test_validators_that_stay_need_one_step_however_far() -> None:
    chain = made(40, lambda _: dict.fromkeys([signer(n) for n in range(4)], 1))
    found = client(chain)
    assert [block.height for block in found.sync(chain.now).trace] == [40]
    assert found.trusted.height == 40
    assert found.sync(chain.now).trace == ()


def test_lc9_blocks_between_where_validators_changed(chain: SignedChain) -> None:
    primary = Asked(chain)
    found = client(chain, primary)
    heights = [block.height for block in found.sync(chain.now).trace]
    assert heights[-1] == 40
    assert heights == sorted(set(heights))
    steps = [b - a for a, b in zip([0, *heights], heights, strict=False)]
    assert 2 in steps
    assert max(steps) <= 3  # from genesis, whose validators are those of block 1
    assert len(primary.heights) <= 2 * len(heights)


def test_every_block_where_that_is_asked_for(chain: SignedChain) -> None:
    found = client(chain, sequential=True)
    assert [b.height for b in found.sync(chain.now, 12).trace] == list(range(1, 13))


def test_lc9_between_blocks_of_a_liar_are_checked_as_well(chain: SignedChain) -> None:
    """A newest block of the liar's own validators, who are unknown to those before."""
    own = {signer(n): 1 for n in range(100, 104)}
    header = replace(chain.blocks[39].header, validators_hash=set_of(own).hash)
    found = client(chain, Asked(chain, {40: sign(header, set_of(own), list(own))}))
    error = refused("LC-8", found.sync, chain.now)
    assert "block 40" in error.where
    assert found.trusted.height == 0


def test_lc11_another_height_than_was_asked_for(chain: SignedChain) -> None:
    found = client(chain, Asked(chain, {40: chain.blocks[38]}))
    refused("LC-11", found.sync, chain.now, 40)
    middle = client(chain, Asked(chain, {20: chain.blocks[20]}))
    refused("LC-11", middle.sync, chain.now)


def test_lc12_a_block_that_somebody_vouched_for(chain: SignedChain) -> None:
    block, now, terms = chain.blocks[9], chain.now, Terms()
    assert pinned(chain, CHAIN, 10, block.hash, now, terms) == block
    refused("LC-12", pinned, chain, CHAIN, 10, chain.blocks[8].hash, now, terms)
    refused("LC-4", pinned, chain, "chiaro-other", 10, block.hash, now, terms)
    late = block.header.moment + TRUSTING_PERIOD
    refused("LC-7", pinned, chain, CHAIN, 10, block.hash, late, terms)
    few = sign(block.header, block.validators, list(chain.powers(10))[:2])
    refused("LC-10", pinned, Asked(chain, {10: few}), CHAIN, 10, block.hash, now, terms)


def test_lc12_genesis_vouches_for_its_own_validators_only(chain: SignedChain) -> None:
    other = Trusted.genesis(set_of({signer(77): 1}), START_MS)
    refused("LC-8", LightClient(CHAIN, other, chain).sync, chain.now, 1)
    refused("LC-8", LightClient(CHAIN, other, chain).sync, chain.now)


def test_lc7_an_old_chain_needs_somebody_to_vouch(chain: SignedChain) -> None:
    late = START_MS * 10**6 + TRUSTING_PERIOD
    error = refused("LC-7", client(chain).sync, late)
    assert "--trust" in error.fix


def test_lc13_what_is_trusted_is_never_moved_back(chain: SignedChain) -> None:
    found = client(chain)
    found.sync(chain.now)
    before = found.trusted
    refused("LC-13", LightClient(CHAIN, before, made(39)).sync, chain.now)
    header = replace(chain.blocks[39].header, data_hash=b"\1" * 32)
    other = sign(header, chain.blocks[39].validators, list(chain.powers(40)))
    refused("LC-13", LightClient(CHAIN, before, Asked(chain, {40: other})).sync, chain.now)
    assert found.trusted == before


def test_lc14_one_witness_that_agrees_is_enough(chain: SignedChain) -> None:
    away, behind = Asked(chain, error=Unreachable("no answer")), made(30)
    found = client(chain, chain, away, behind, chain)
    opinions = found.sync(chain.now).opinions
    assert [opinion.agrees for opinion in opinions] == [False, False, True]
    assert "NOD-002" in opinions[0].why
    assert found.trusted.height == 40


def test_lc14_a_witness_that_is_a_block_behind_is_waited_for(chain: SignedChain) -> None:
    late = SignedChain(CHAIN, START_MS, chain.powers, chain.blocks[:39])
    waited = []

    def pause() -> bool:
        waited.append(late.height)
        if len(waited) == 2:
            late.blocks.append(chain.blocks[39])
        return len(waited) < 5

    found = client(chain, chain, late, Asked(chain, error=Unreachable("gone")), pause=pause)
    opinions = found.sync(chain.now).opinions
    assert waited == [39, 39]
    assert [opinion.agrees for opinion in opinions] == [True, False]
    never = client(chain, chain, made(39), pause=lambda: len(waited) < 4 and not waited.append(0))
    refused("LC-14", never.sync, chain.now)


@pytest.mark.parametrize("error", [Unreachable("gone"), DecodeError("noise"), NotFound("no")])
def test_lc14_no_witness_that_agrees_is_none(chain: SignedChain, error: Exception) -> None:
    found = client(chain, chain, Asked(chain, error=error))
    refused("LC-14", found.sync, chain.now)
    assert found.trusted.height == 0


def forked(chain: SignedChain, height: int, number: int = 0) -> SignedChain:
    """Another chain from `height` on, which the same validators have signed as well."""
    other = SignedChain(CHAIN, START_MS, chain.powers, chain.blocks[: height - 1])
    while other.height < chain.height:
        header = replace(other.header(), data_hash=b"\2" * 32)
        powers = other.powers(other.height + 1)
        other.blocks.append(sign(header, set_of(powers), list(powers), number=number))
    return other


def test_lc14_a_fork_is_seen_and_told(chain: SignedChain) -> None:
    other = forked(chain, 30)
    found = client(chain, chain, chain, other)
    with pytest.raises(Forked) as caught:
        found.sync(chain.now)
    assert caught.value.rule == "LC-14"
    fork = caught.value.fork
    assert fork.ours == chain.blocks[fork.ours.height - 1]
    assert fork.theirs == other.blocks[fork.ours.height - 1]
    assert fork.common < 30 <= fork.ours.height
    assert found.trusted.height == 0
    assert Fork.from_bytes(fork.to_bytes()) == fork
    with pytest.raises(DecodeError):
        Fork.from_bytes(fork.to_bytes()[:-1])
    with pytest.raises(DecodeError, match="LC-14"):
        Fork.from_bytes(b"\2" + fork.to_bytes()[1:])
    commit = replace(fork.ours.commit, places=fork.ours.commit.places[:-1])
    fewer = replace(fork.ours, signed=replace(fork.ours.signed, commit=commit))
    with pytest.raises(DecodeError, match="LC-14"):
        Fork.from_bytes(replace(fork, ours=fewer).to_bytes())


def test_lc14_votes_of_one_round_convict_who_signed_both(chain: SignedChain) -> None:
    with pytest.raises(Forked) as caught:
        client(chain, chain, forked(chain, 30)).sync(chain.now)
    votes = caught.value.fork.double_votes()
    assert {vote.key for vote in votes} == {
        member.key for member in caught.value.fork.ours.validators.members
    }
    for vote in votes:
        assert vote.a.is_of(vote.key, CHAIN)
        assert vote.b.is_of(vote.key, CHAIN)
        assert vote.a.block != vote.b.block
    with pytest.raises(Forked) as caught:
        client(chain, chain, forked(chain, 30, number=1)).sync(chain.now)
    assert caught.value.fork.double_votes() == ()
    ours = caught.value.fork.ours
    assert Fork(1, ours, ours).double_votes() == ()  # as a file may say


def test_lc14_they_cost_stake(chain: SignedChain) -> None:
    """The chain's own judge of double votes (ST-20) takes each."""
    genesis = development_genesis()
    keys = [signer(n) for n in range(4)]
    ours = SignedChain(engine_chain_id(genesis), START_MS, lambda _: dict.fromkeys(keys, 1), [])
    ours.add()
    header = replace(ours.blocks[0].header, data_hash=b"\3" * 32)
    theirs = sign(header, ours.blocks[0].validators, keys[:3], nil=keys[3:])
    found = evidence.transactions(Fork(0, ours.blocks[0], theirs), genesis)
    assert {tx.kind for tx in found} == {FaultKind.DUPLICATE_VOTE}
    judged = [VoteJudge(genesis).judge(tx.kind, tx.evidence, {}) for tx in found]
    assert {offence.key for offence in judged} == {public(key) for key in keys[:3]}
    with pytest.raises(StakeRefused) as refusal:
        evidence.transactions(Fork(0, ours.blocks[0], theirs), replace(genesis, name="other"))
    assert refusal.value.rule == "ST-20"


def test_lc14_a_witness_that_proves_nothing_is_passed_over(chain: SignedChain) -> None:
    """Its block is not signed by enough: that is no fork, and no confirmation."""
    other = forked(chain, 40)
    last = other.blocks[39]
    other.blocks[39] = sign(last.header, last.validators, list(chain.powers(40))[:2])
    found = client(chain, chain, other, chain)
    opinions = found.sync(chain.now).opinions
    assert [opinion.agrees for opinion in opinions] == [False, True]
    assert "LC-10" in opinions[0].why
    refused("LC-14", client(chain, chain, other).sync, chain.now)


def test_lc14_a_witness_with_two_stories_proves_nothing(chain: SignedChain) -> None:
    """It shows another block when first asked, and the same one as all when looked at closely."""
    other = forked(chain, 40).blocks[39]

    class Wavering(Asked):
        def light_block(self, height: int | None = None):
            found = super().light_block(height)
            again = self.heights.count(found.height) > 1
            return other if found.height == 40 and not again else found

    refused("LC-14", client(chain, chain, Wavering(chain)).sync, chain.now)


def test_time_of_the_newest_block_is_bounded(chain: SignedChain) -> None:
    refused("LC-6", client(chain).sync, chain.now - 30 * NS)
