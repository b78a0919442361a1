"""An epoch that its committee left lying is frozen: for good, at a height.  Rules PV-127, PV-128.

    p/f/ ‖ committee ‖ epoch        the freeze

Rounds of an epoch end before it does (PV-107), so none awaits anything of it when it is frozen.
Bids of a sale that was proved and not opened go back behind it (PV-183).
"""

from __future__ import annotations

from typing import Final

from node.core.effects import Effects, Event
from node.core.interfaces import StateReader
from node.core.private import PrivateParameters
from node.private import committees
from node.private.errors import PrivateOutdated
from node.private.messages import FreezeTx
from private_exec.committee import escape
from private_exec.committee.escape import Freeze

_FREEZE: Final = b"p/f/"
GRACE_STEPS: Final = committees.LEAST_STEPS
"""Steps of a ceremony between the end of an epoch and its freeze: members of a slow network, or of
a ceremony that failed once, still move their cells."""


def freeze_key(committee: bytes, epoch: int) -> bytes:
    """Where the state has a freeze."""
    return _FREEZE + committee + epoch.to_bytes(8, "big")


def find(state: StateReader, committee: bytes, epoch: int) -> Freeze | None:
    """The freeze of an epoch, or none."""
    data = state.get(freeze_key(committee, epoch))
    return None if data is None else Freeze.from_bytes(data)


def check_due(
    tx: FreezeTx, state: StateReader, height: int, parameters: PrivateParameters
) -> Freeze:
    """PV-127: the freeze, if it is time for it.

    Raises:
        PrivateRefused: PV-106; PrivateOutdated: PV-127; FrozenRefused: PV-49, it is frozen.
    """
    over = committees.epoch_of(state, tx.committee, tx.epoch).until
    last = over + GRACE_STEPS * parameters.step_heights
    if height <= last:
        raise PrivateOutdated(
            "PV-127", f"the epoch ends at {over}; its members have time to {last}", where="height"
        )
    known = find(state, tx.committee, tx.epoch)
    return escape.freeze(known, tx.committee, tx.epoch, height)


def freeze(tx: FreezeTx, state: StateReader, height: int, parameters: PrivateParameters) -> Effects:
    """PV-127: by anybody, once, for good.

    Raises:
        PrivateRefused: PV-106; PrivateOutdated: PV-127; FrozenRefused: PV-49.
    """
    made = check_due(tx, state, height, parameters)
    names = ("committee", tx.committee.hex()), ("epoch", str(tx.epoch))
    here = freeze_key(tx.committee, tx.epoch), made.to_bytes()
    return Effects(
        writes=(here, *committees.forget_words(state, tx.committee, tx.epoch)),
        events=(Event("frozen", names),),
        releases=True,
    )


def require_live(state: StateReader, committee: bytes, epoch: int, height: int, what: str) -> None:
    """PV-128: the epoch is not frozen. Raises FrozenRefused: PV-49."""
    escape.require_live(find(state, committee, epoch), height, what)
