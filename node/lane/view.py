"""What the intents of an opened batch are, and what a settlement of it is judged against.

The same for the chain, for solvers and for whoever checks them: everything here follows from the
state alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from node.core.effects import BatchScope
from node.core.ids import ChainId, Height, tagged_hash
from node.core.intent import Intent
from node.core.interfaces import StateReader, TxContext
from node.da.namespaced import Entry, NamespaceTree
from node.execution.bounded import BoundedCache
from node.intents.batch import Batch
from node.intents.check import Read
from node.intents.schema import MACHINE_FAULTS, Decoded
from node.intents.view import Posterior, View
from node.lane import covers, layout
from node.lane.layout import Live
from node.lane.services import ScopedExecutor, Services
from shielded.transaction import Scope
from zk.errors import ChiaroError

_OPENED: Final[BoundedCache[bytes, Batch]] = BoundedCache(128, 16 * 1024 * 1024)


def view(state: StateReader, scope: BatchScope, height: int, services: Services) -> View:
    """Where a batch settles; what accounts owe to its intents is there to be taken.

    Args:
        state: as it is now.
        scope: of the batch.
        height: of the block that settles it, the deadline of its solving.
        services: of the chain.
    """
    return View(
        TxContext(services.genesis.chain_id, Height(height), scope),
        Posterior(state, dict(covers.release(state, scope.ref))),
        ScopedExecutor(services.inner, scope),
        services.verifier,
        services.shielded,
        Scope(scope.domain, scope.epoch),
    )


def opened(state: StateReader, live: Live, chain_id: ChainId) -> Batch:
    """What may be settled: the intents that were valid when the batch was opened, in order.

    One that was not stays out whatever happens later. Else its owner could see the others and then
    decide, by making it valid, whether it takes part. Remembered by the record of the batch, which
    has a hash of every text.
    """
    record = state.get(layout.batch_key(live.ref)) or b""
    fates = layout.fates(state, live.ref)
    place = live.epoch.to_bytes(8, "little")
    name = tagged_hash("lane/batch", chain_id, place, record, "\n".join(fates).encode())
    found = _OPENED.get(name)
    if found is None:
        texts = layout.plaintexts(state, live.ref)
        valid = (index for index, fate in enumerate(fates) if fate == layout.OK)
        intents = tuple(Intent.from_bytes(texts[index]) for index in valid)
        found = Batch(chain_id, Scope(live.domain, live.epoch), intents)
        _OPENED.put(name, found, sum(len(intent.payload) for intent in intents))
    return found


def read(batch: Batch, services: Services) -> Read:
    """Every intent by id, as `Batch.decode` finds it; the same bytes are read once."""
    found: dict[bytes, Decoded | ChiaroError] = {}
    for intent in batch.intents:
        try:
            found[intent.id] = services.decode(intent)
        except MACHINE_FAULTS:
            raise
        except ChiaroError as error:
            found[intent.id] = error
    return found


def tree(plaintexts: Iterable[bytes]) -> NamespaceTree:
    """The tree over (application, intent), so that one application's can be shown to be all.

    Args:
        plaintexts: of a batch, in order; those that are no intents are in no namespace.
    """
    return NamespaceTree(
        Entry(intent.app, data) for data in plaintexts if (intent := _intent(data)) is not None
    )


def _intent(data: bytes) -> Intent | None:
    try:
        return Intent.from_bytes(data)
    except ChiaroError:
        return None
