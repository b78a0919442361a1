"""The batch of the chain's state as `private_exec` decrypts it: its key, its order, its root.

    state (i/seal/…, i/key/…)  →  private_exec.batch.Batch  →  shares, reveal

What validators make shares of is computed here from the state alone, so that every node finds the
same root, and a wrong one in a message is nobody's but its sender's.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from node.core.errors import ConsensusFault
from node.core.genesis import Genesis
from node.core.ids import ChainId, tagged_hash
from node.core.interfaces import StateReader
from node.core.lane import LaneParameters
from node.execution.bounded import BoundedCache
from node.lane import layout
from node.lane.layout import Live, Stage
from private_exec import batch as batches
from private_exec import reveal as reveals
from private_exec.batch import Batch
from private_exec.envelope import Envelope, EpochWindow
from private_exec.keygen.context import Context
from private_exec.parameters import Parameters
from private_exec.reveal import Reveal
from private_exec.roster import Domain, Roster

_MOST_BYTES: Final = 16 * 1024 * 1024
_BATCHES: Final[BoundedCache[bytes, Batch]] = BoundedCache(256, _MOST_BYTES)
_REVEALS: Final[BoundedCache[bytes, bool]] = BoundedCache(512)


def parameters_of(genesis: Genesis) -> LaneParameters:
    """Of a chain that has a lane.

    Raises:
        ConsensusFault: it has none; a bug of the caller.
    """
    if genesis.lane is None:
        raise ConsensusFault("this chain has no sealed lane")
    return genesis.lane


def window(genesis: Genesis, epoch: int) -> EpochWindow:
    """Heights in which an epoch's key takes intents."""
    lane = parameters_of(genesis)
    return EpochWindow(epoch, lane.first_height(epoch), lane.last_height(epoch), lane.grace)


@lru_cache(maxsize=64)
def context_of(
    chain_id: ChainId, roster: Roster, parameters: Parameters, domain: int, epoch: int, attempt: int
) -> Context:
    """One attempt at the key of a domain's epoch, by those who have shares of it."""
    return Context(Domain(chain_id, 0, domain), epoch, attempt, parameters, roster)


def sealed_batch(state: StateReader, live: Live, genesis: Genesis) -> Batch:
    """What is decrypted: the sealed intents of a batch that closed, in the chain's order.

    Every proof and signature is verified (again): nothing else becomes a `Batch`.

    Raises:
        ConsensusFault: the batch is still open, or the state has no key for it.
    """
    key = layout.key_of(state, live.domain, live.epoch)
    if live.stage is Stage.OPEN or key is None:
        raise ConsensusFault(f"batch {live.number} of domain {live.domain} is not closed")
    seals = tuple(layout.seals(state, live.ref))
    height = live.closed.to_bytes(8, "little")
    name = tagged_hash("lane/sealed", key.digest, height, *seals)
    found = _BATCHES.get(name)
    if found is None:
        envelopes = [Envelope.from_bytes(data) for data in seals]
        found = batches.order(key, window(genesis, live.epoch), live.closed, envelopes)
        _BATCHES.put(name, found, sum(map(len, seals)))
    return found


def roots(state: StateReader, height: int, genesis: Genesis) -> tuple[bytes, ...]:
    """Roots of the batches that the block of `height` closed and that are not over, in order."""
    return tuple(
        sealed_batch(state, item, genesis).root
        for item in layout.live(state)
        if item.stage is not Stage.OPEN and item.closed == height
    )


def check_reveal(batch: Batch, reveal: Reveal, height: int) -> None:
    """PX-6, PX-17; a reveal that passed is not computed again.

    Raises:
        RevealRefused: PX-6, PX-17.
    """
    reveals.check_height(batch.height, height)
    name = tagged_hash("lane/reveal", batch.key.digest, batch.root, reveal.to_bytes())
    if _REVEALS.get(name) is None:
        reveals.check_reveal(batch, reveal)
        _REVEALS.put(name, True)
