"""Whether a block follows from one that is trusted.  Rules LC-1 … LC-10.

An implementation of checking, after CometBFT's `light` (v0.38): sequential where the block is the
next one, skipping where it is not. Skipping rests on this: of validators who were trusted a while
ago more than a third signed the new block, so at least one who is honest did.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from node.consensus.cometbft.mapping import TRUSTED_HOURS
from node.consensus.cometbft.wire import NS
from node.light.block import Commit, Flag, LightBlock
from node.light.errors import LightRefused, TooFewTrusted
from node.light.validators import ValidatorSet

TRUST_LEVEL: Final = Fraction(1, 3)
HOUR: Final = 3600 * NS
TRUSTING_PERIOD: Final = TRUSTED_HOURS * HOUR
"""Two thirds of the time for which CometBFT punishes what a validator signed (48 hours)."""
CLOCK_DRIFT: Final = 10 * NS


@dataclass(frozen=True, slots=True)
class Terms:
    """How far a light client trusts.

    Attributes:
        level: part of the trusted validators' power that must have signed; 1/3 to 1.
        period: nanoseconds for which validators answer for what they signed.
        drift: nanoseconds that a block may be ahead of this machine's clock.

    Raises:
        LightRefused: LC-9, a level outside 1/3 to 1.
    """

    level: Fraction = TRUST_LEVEL
    period: int = TRUSTING_PERIOD
    drift: int = CLOCK_DRIFT

    def __post_init__(self) -> None:
        if not TRUST_LEVEL <= self.level <= 1:
            raise LightRefused(
                "LC-9",
                f"a trust level of {self.level}, not 1/3 to 1",
                why="a third of the validators may lie, so fewer say nothing",
                fix="leave it at 1/3",
            )


@dataclass(frozen=True, slots=True)
class Trusted:
    """What the next check starts from: a verified block, or genesis as block 0.

    Attributes:
        height: of the block.
        hash: of CometBFT's header; zeros for genesis.
        moment: of the block, nanoseconds since 1970.
        validators: of its height; for genesis, of block 1.
        next_hash: of the validators of the next height.
    """

    height: int
    hash: bytes
    moment: int
    validators: ValidatorSet
    next_hash: bytes

    @staticmethod
    def of(block: LightBlock) -> Trusted:
        """A block that was verified."""
        header = block.header
        return Trusted(
            header.height, header.hash, header.moment, block.validators, header.next_validators_hash
        )

    @staticmethod
    def genesis(validators: ValidatorSet, time_ms: int) -> Trusted:
        """LC-12: the chain's first validators, who sign block 1."""
        moment = time_ms * (NS // 1000)
        return Trusted(0, bytes(32), moment, validators, validators.hash)


def check(trusted: Trusted, block: LightBlock, chain_id: str, now: int, terms: Terms) -> None:
    """LC-2 … LC-10: the block follows from what is trusted.

    Args:
        trusted: verified before.
        block: to be checked; well-formed (LC-1).
        chain_id: CometBFT's of this chain.
        now: nanoseconds since 1970.
        terms: of trust.

    Raises:
        TooFewTrusted: LC-9, and nothing else is known to be wrong: a block between may help.
        LightRefused: the rule that it breaks.
    """
    check_itself(block, chain_id)
    check_time(trusted, now, terms)
    header, where = block.header, _where(block)
    first = trusted.height == 0  # block 1 has the very time of genesis
    early = header.moment < trusted.moment if first else header.moment <= trusted.moment
    if header.height <= trusted.height or early:
        raise LightRefused(
            "LC-5", f"height or time is not above that of trusted block {trusted.height}",
            where=where,
        )  # fmt: skip
    if header.moment >= now + terms.drift:
        raise LightRefused(
            "LC-6",
            f"its time is more than {terms.drift // NS} s ahead of this machine's clock",
            where=where,
            fix="set the clock of this machine; if it is right, ask another node",
        )
    if header.height == trusted.height + 1:
        if header.validators_hash != trusted.next_hash:
            raise LightRefused(
                "LC-8", "its validators are not those that the block before names", where=where
            )
    else:
        _check_trusted(trusted, block, terms)
    check_commit(block, chain_id)


def check_itself(block: LightBlock, chain_id: str) -> None:
    """LC-2 … LC-4: header, commit and validators are of each other, and of this chain.

    Raises:
        LightRefused: the rule that it breaks.
    """
    header, commit, where = block.header, block.commit, _where(block)
    if header.chain_id != chain_id:
        raise LightRefused("LC-4", "it is of another chain", where=where)
    if commit.height != header.height or commit.block.hash != header.hash:
        raise LightRefused("LC-2", "the commit is of another header", where=where)
    if not commit.block.is_whole:
        raise LightRefused("LC-2", "the commit names no block in full", where=where)
    if header.validators_hash != block.validators.hash:
        raise LightRefused("LC-3", "its validators are others than its header's", where=where)


def check_time(trusted: Trusted, now: int, terms: Terms) -> None:
    """LC-7: validators still answer for what is trusted.

    Raises:
        LightRefused: LC-7.
    """
    if trusted.moment + terms.period <= now:
        hours = (now - trusted.moment) // HOUR
        raise LightRefused(
            "LC-7",
            f"trusted block {trusted.height} is {hours} hours old",
            why="its validators may have left, and lose nothing by signing another history",
            fix="get height and hash of a recent block from somebody you trust: "
            "`chiaro light init --trust HEIGHT:HASH`",
        )


def check_commit(block: LightBlock, chain_id: str) -> None:
    """LC-10: more than two thirds of the block's validators signed exactly this precommit.

    Every signature counts for nothing or is right: one that is wrong refuses all.

    Raises:
        LightRefused: LC-10.
    """
    commit, members, where = block.commit, block.validators.members, _where(block)
    if len(commit.places) != len(members):
        raise LightRefused(
            "LC-10", f"{len(commit.places)} places for {len(members)} validators", where=where
        )
    signed = 0
    for number, (place, member) in enumerate(zip(commit.places, members, strict=True)):
        if place.flag == Flag.ABSENT:
            continue
        if place.address != member.address:
            raise LightRefused("LC-10", f"place {number} is another validator's", where=where)
        if place.flag != Flag.COMMIT:
            continue
        if not commit.vote(place).is_of(member.key, chain_id):
            raise LightRefused(
                "LC-10", f"signature {number} is not over exactly this precommit", where=where
            )
        signed += member.power
    total = block.validators.total
    if 3 * signed <= 2 * total:
        raise LightRefused(
            "LC-10", f"signed by {signed} of {total}, no more than two thirds", where=where
        )


def _check_trusted(trusted: Trusted, block: LightBlock, terms: Terms) -> None:
    """LC-9: more than the trust level of the trusted validators are among the signers.

    Signatures are looked at by LC-10: an address is a hash of its key, so a signer here and there
    is the same one.
    """
    power = sum(
        member.power
        for address in _signers(block.commit)
        if (member := trusted.validators.by_address.get(address)) is not None
    )
    if power <= terms.level * trusted.validators.total:
        raise TooFewTrusted(
            "LC-9",
            f"signed by {power} of the {trusted.validators.total} that are trusted since block "
            f"{trusted.height}, no more than {terms.level}",
            where=_where(block),
        )


def _signers(commit: Commit) -> set[bytes]:
    return {place.address for place in commit.places if place.flag == Flag.COMMIT}


def _where(block: LightBlock) -> str:
    return f"block {block.height}"
