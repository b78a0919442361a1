"""Whether an epoch's key is the one that the chain's validators made.  Rule LN-43.

    key + what was said when it was made (i/made/…, i/word/…)  →  the same key, or a refusal

A proof under a state root shows what a node has in its state. Whose that root is it does not show:
whoever makes up a key can make up a state that has it. But every commit is signed by a member of
the epoch's roster, over the hash of its dealing and all encryption keys of the attempt. So who
knows the roster and replays the messages needs to trust no node: another key takes the signatures
of a quorum. How a client knows a roster is `node.lane.trust`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from node.core.genesis import Genesis
from node.lane import generation, layout, sealed
from node.lane.errors import LaneRefused
from private_exec.keygen.protocol import KeygenSucceeded
from private_exec.keys import EpochKey
from private_exec.roster import Roster

_ROUNDS_OF_ONE: Final = 4
_WHERE: Final = "epoch key"


def most_words(roster: Roster) -> int:
    """How many messages of an attempt can count: few of each member, and complaints."""
    count = len(roster.members)
    return count * (_ROUNDS_OF_ONE + count)


def keys_of_words(roster: Roster, domain: int, epoch: int, attempt: bytes) -> tuple[bytes, ...]:
    """Keys in the state of the messages of an attempt.

    Args:
        roster: of the key.
        domain: number.
        epoch: of the key.
        attempt: what the state has at `layout.attempt_key`.

    Raises:
        LaneRefused: LN-43, more than validators can have said.
        DecodeError: not an attempt.
    """
    place = layout.attempt_key(domain, epoch)
    found = layout.attempt(_Entries({place: attempt}), domain, epoch)
    if found is None or not 0 < found.words <= most_words(roster):
        raise LaneRefused("LN-43", "nobody can have said so much, or so little", where=_WHERE)
    return tuple(layout.word_key(domain, epoch, found.number, n) for n in range(found.words))


def check_signed(genesis: Genesis, key: EpochKey, entries: Mapping[bytes, bytes]) -> None:
    """LN-43: the key is what the signed messages of its holders give.

    It says nothing to who has not asked whether they are the chain's: `trust.check_holders`.

    Args:
        genesis: of the chain; trusted.
        key: what is said to be the key of its domain and epoch, of holders that the client knows.
        entries: of the state: the attempt and its messages, from whomever.

    Raises:
        LaneRefused: LN-43.
        DecodeError: messages that are none.
    """
    domain, epoch = key.domain.da_domain, key.epoch
    state = _Entries(entries)
    attempt = layout.attempt(state, domain, epoch)
    if attempt is None:
        raise LaneRefused("LN-43", "nothing shows who made it", where=_WHERE)
    said = tuple(generation.words(state, domain, epoch, attempt.number))
    context = sealed.context_of(
        genesis.chain_id, key.roster, key.parameters, domain, epoch, attempt.number
    )
    made = generation.replayed(genesis, context, said)
    outcome = made.finish(made.schedule.complaints + 1)
    if not isinstance(outcome, KeygenSucceeded) or outcome.key != key:
        raise LaneRefused("LN-43", "it is not the key that its validators signed for", where=_WHERE)


class _Entries:
    """`StateReader` of what was fetched."""

    def __init__(self, items: Mapping[bytes, bytes]) -> None:
        self._items = items

    def get(self, key: bytes) -> bytes | None:
        return self._items.get(key)

    def iterate(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        return iter(sorted(item for item in self._items.items() if item[0].startswith(prefix)))
