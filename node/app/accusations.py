"""Evidence that the keeper of the sealed lane has, sent until it is punished or proves nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Final

from node.core.errors import PolicyRefused
from node.core.genesis import Genesis
from node.core.ids import tagged_hash
from node.core.interfaces import Admission
from node.execution.bounded import BoundedCache
from node.stake.faults import FaultKind
from node.stake.transaction import EvidenceTx, wire

_MOST_KNOWN: Final = 4096
_AHEAD: Final = "ST-16"
"""The rule that refuses evidence which will be good later: of a key of an epoch to come."""

_log = logging.getLogger(__name__)


class Accusations:
    """Of one node; what is done with is not looked at again.

    Args:
        genesis: of the chain; without stake nothing is sent.
        add: takes a transaction into the node's mempool, which judges it.
    """

    def __init__(self, genesis: Genesis, add: Callable[[bytes], Admission]) -> None:
        self._genesis: Final = genesis
        self._add: Final = add
        self._known: Final[BoundedCache[bytes, bool]] = BoundedCache(_MOST_KNOWN)

    def send(self, found: Iterable[tuple[FaultKind, bytes]]) -> None:
        """Behind every block, with all that the keeper knows then."""
        if self._genesis.stake is None:
            return
        for kind, evidence in found:
            name = tagged_hash("accusation", bytes([kind]), evidence)
            known = self._known.get(name)
            if known:
                continue
            tx = EvidenceTx(self._genesis.chain_id, kind, evidence)
            error = self._add(wire(tx)).error
            if error is None:
                if known is None:
                    _log.error("a fault is proved, evidence sent", extra={"code": kind.label})
                self._known.put(name, value=False)
            elif error.id != _AHEAD and not isinstance(error, PolicyRefused):
                self._known.put(name, value=True)
                _log.info("evidence is done with: %s", error, extra={"code": error.id})
