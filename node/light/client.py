"""From what is trusted to a node's newest block: bisection, then a look at what others say.

    primary    serves blocks, every one of them checked
    witnesses  serve the same height; a block that differs and checks as well is a fork (LC-14)

Nothing is written here: whoever calls keeps the last block (`node.light.trust`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from node.core.errors import NodeError, NotFound
from node.light.block import LightBlock
from node.light.errors import Forked, LightRefused, TooFewTrusted
from node.light.fork import Fork
from node.light.verify import Terms, Trusted, check, check_commit, check_itself, check_time
from zk.errors import DecodeError


class Source(Protocol):
    """A node that serves blocks; nothing that it says is believed."""

    def light_block(self, height: int | None = None) -> LightBlock:
        """Of a height, or the newest.

        Raises:
            NotFound: it does not have it.
            NodeError, DecodeError: no answer, or none of the documented form.
        """
        ...


@dataclass(frozen=True, slots=True)
class Witness:
    """A node that is asked for its opinion.

    Attributes:
        name: for people, such as its address.
        source: where its blocks come from.
    """

    name: str
    source: Source


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a witness says of the newest block.

    Attributes:
        name: the witness's.
        agrees: whether it has the same block.
        why: if not, what happened instead.
        behind: it does not have the block, yet.
    """

    name: str
    agrees: bool
    why: str = ""
    behind: bool = False


@dataclass(frozen=True, slots=True)
class Synced:
    """What one run verified.

    Attributes:
        trace: blocks that were checked on the way, the last one asked for; empty: nothing new.
        opinions: of witnesses.
    """

    trace: tuple[LightBlock, ...]
    opinions: tuple[Opinion, ...]


class LightClient:
    """One chain, seen through nodes that are not trusted.

    Args:
        chain_id: CometBFT's of the chain.
        trusted: where to begin.
        primary: asked for blocks.
        witnesses: asked for the same blocks.
        terms: of trust.
        sequential: check every block between, in the place of a few.
        pause: called while witnesses do not have the block yet and none agrees: waits a moment, and
            says whether to ask again; by default nobody waits.
    """

    def __init__(
        self,
        chain_id: str,
        trusted: Trusted,
        primary: Source,
        witnesses: Sequence[Witness] = (),
        terms: Terms | None = None,
        *,
        sequential: bool = False,
        pause: Callable[[], bool] | None = None,
    ) -> None:
        self.trusted = trusted
        self._chain_id: Final = chain_id
        self._primary: Final = primary
        self._witnesses: Final = tuple(witnesses)
        self._terms: Final = terms or Terms()
        self._sequential: Final = sequential
        self._pause: Final = pause

    def sync(self, now: int, height: int | None = None) -> Synced:
        """Verify the block of a height above the trusted one, or the primary's newest.

        `trusted` is that block afterwards; an error leaves it.

        Args:
            now: nanoseconds since 1970.
            height: of the block.

        Raises:
            Forked: LC-14, a witness proves another block.
            LightRefused: the rule that the primary broke; LC-13, it is behind what is trusted;
                LC-14, no witness has the same block.
            NodeError, DecodeError: no usable answer from the primary.
        """
        target = _asked(self._primary, height)
        if target.height <= self.trusted.height:
            self._check_known(target)
            return Synced((), ())
        trace = self._verify(self._primary, self.trusted, target, now)
        opinions = self._opinions(trace, now)
        if opinions and not any(opinion.agrees for opinion in opinions):
            reasons = "; ".join(f"{o.name}: {o.why}" for o in opinions)
            raise LightRefused(
                "LC-14",
                f"no witness has the primary's block ({reasons})",
                where=f"block {target.height}",
                why="a node that shows a history to you alone would be seen by nobody",
                fix="try again in a moment; or ask other nodes",
            )
        self.trusted = Trusted.of(target)
        return Synced(trace, opinions)

    def _opinions(self, trace: Sequence[LightBlock], now: int) -> tuple[Opinion, ...]:
        """Of all witnesses; those who are a block behind are asked again. Raises Forked."""
        found = [self._ask(witness, trace, now) for witness in self._witnesses]
        while not any(opinion.agrees for opinion in found):
            late = [n for n, opinion in enumerate(found) if opinion.behind]
            if not late or self._pause is None or not self._pause():
                break
            for number in late:
                found[number] = self._ask(self._witnesses[number], trace, now)
        return tuple(found)

    def _check_known(self, block: LightBlock) -> None:
        """LC-13: what is trusted is never replaced by an older block, nor by another one."""
        if block.height < self.trusted.height:
            raise LightRefused(
                "LC-13",
                f"block {self.trusted.height} is trusted, {block.height} is below it",
                why="what was verified is never taken back",
                fix="wait until the node has caught up, or ask another",
            )
        if block.hash != self.trusted.hash:
            raise LightRefused(
                "LC-13",
                "the node has another block than the trusted one of its height",
                where=f"block {block.height}",
            )

    def _verify(
        self, source: Source, trusted: Trusted, target: LightBlock, now: int
    ) -> tuple[LightBlock, ...]:
        """LC-11: blocks from `trusted` to `target`, each checked from the one before."""
        trace: list[LightBlock] = []
        waiting = [target]
        while waiting:
            block = waiting[-1]
            apart = block.height - trusted.height
            if self._sequential and apart > 1:
                waiting.append(_asked(source, trusted.height + 1))
                continue
            try:
                check(trusted, block, self._chain_id, now, self._terms)
            except TooFewTrusted:  # of blocks more than one apart, so there is one between
                waiting.append(_asked(source, trusted.height + apart // 2))
                continue
            trusted = Trusted.of(block)
            trace.append(waiting.pop())
        return tuple(trace)

    def _ask(self, witness: Witness, trace: Sequence[LightBlock], now: int) -> Opinion:
        """A witness's opinion of the last block. Raises Forked."""
        last = trace[-1]
        try:
            block = _asked(witness.source, last.height)
            if block.hash == last.hash:
                return Opinion(witness.name, agrees=True)
            fork = self._examine(witness.source, trace, now)
        except NotFound:
            why = "it does not have the block"
            return Opinion(witness.name, agrees=False, why=why, behind=True)
        except (NodeError, DecodeError, LightRefused) as error:
            return Opinion(witness.name, agrees=False, why=f"{error.id}: {error.message}")
        raise Forked(
            f"two blocks are signed by enough validators; {witness.name} has the other one",
            fork,
            where=f"block {fork.ours.height}",
        )

    def _examine(self, source: Source, trace: Sequence[LightBlock], now: int) -> Fork:
        """The first block of the trace of which the witness proves another.

        Raises:
            LightRefused: it proves none.
        """
        trusted = self.trusted
        for ours in trace:
            theirs = _asked(source, ours.height)
            self._verify(source, trusted, theirs, now)
            if theirs.hash != ours.hash:
                return Fork(trusted.height, ours, theirs)
            trusted = Trusted.of(theirs)
        raise LightRefused("LC-14", "the witness has given two blocks of one height")


def _asked(source: Source, height: int | None) -> LightBlock:
    """LC-11: the block that was asked for, and no other."""
    block = source.light_block(height)
    if height is not None and block.height != height:
        raise LightRefused("LC-11", f"asked for block {height}, got {block.height}")
    return block


def pinned(
    source: Source, chain_id: str, height: int, digest: bytes, now: int, terms: Terms
) -> LightBlock:
    """LC-12: the block that somebody vouched for by height and hash.

    Raises:
        LightRefused: LC-12, the node has another; LC-2 … LC-4, LC-7, LC-10.
        NodeError, DecodeError: no usable answer.
    """
    block = _asked(source, height)
    check_itself(block, chain_id)
    if block.hash != digest:
        raise LightRefused(
            "LC-12",
            f"the node's block {height} has hash {block.hash.hex()}",
            fix="compare the hash with who gave it to you; or ask another node",
        )
    check_commit(block, chain_id)
    check_time(Trusted.of(block), now, terms)
    return block
