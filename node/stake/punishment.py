"""What a proved fault costs.  Rules ST-16 … ST-19, ST-21, ST-22."""

from __future__ import annotations

from typing import Final

from node.core.codec import Writer
from node.core.effects import Effects, Event
from node.core.ids import Height
from node.core.interfaces import StateReader
from node.core.stake import MILLION, StakeParameters
from node.stake import state as entries
from node.stake.epochs import oldest_fault
from node.stake.errors import StakeOutdated, StakeRefused
from node.stake.faults import Judges, Offence
from node.stake.state import Validator
from node.stake.transaction import EvidenceTx

PUNISHED: Final = "punished"
"""Event of a punishment: validator, kind, height of the fault, what it cost."""


def offence(tx: EvidenceTx, state: StateReader, judges: Judges) -> Offence:
    """What evidence proves, by its bytes and the state: the same for node, auditor and wallet.

    Raises:
        ChiaroError: the rule by which it proves nothing; ST-21, nobody here judges its kind.
    """
    judge = judges.get(tx.kind)
    if judge is None:
        raise StakeRefused(
            "ST-21", f"evidence of {tx.kind.label}, and this chain has no such fault", where="kind"
        )
    return judge.judge(tx.kind, tx.evidence, state)


def check(found: Offence, state: StateReader, height: Height, stake: StakeParameters) -> Validator:
    """ST-16 … ST-19: whether an offence can be punished in block `height`.

    Returns:
        The validator.

    Raises:
        StakeRefused: ST-17, nobody bonded the key.
        StakeOutdated: ST-16, it lies ahead; ST-18, too long ago; ST-19, it was punished.
    """
    if not 1 <= found.height < height:
        raise StakeOutdated(
            "ST-16", f"a fault at height {found.height}, this is block {height}", where="height"
        )
    validator = entries.validator(state, found.key)
    if validator is None:
        raise StakeRefused(
            "ST-17", f"{found.key.hex()[:16]}… has nothing at stake", where="validator"
        )
    epoch, now = found.epoch(stake), stake.epoch_of(height)
    if epoch < (oldest := oldest_fault(now, stake)):
        raise StakeOutdated(
            "ST-18", f"a fault of epoch {epoch}, those since epoch {oldest} are punished",
            where="height",
        )  # fmt: skip
    if state.get(entries.punished_key(epoch, found.key, found.kind)) is not None:
        raise StakeOutdated(
            "ST-19", f"{found.kind.label} in epoch {epoch} was punished", where="validator"
        )
    return validator


def punish(found: Offence, state: StateReader, height: Height, stake: StakeParameters) -> Effects:
    """ST-22: take the fraction, of what is bonded and of what stood behind the fault, for good.

    Raises:
        StakeRefused: of `check`.
    """
    validator = check(found, state, height, stake)
    epoch, fraction = found.epoch(stake), found.kind.fraction(stake)
    cost = cut = validator.bonded * fraction // MILLION
    first = validator.fault or int(height)
    after = Validator(validator.owner, validator.bonded - cut, first)
    writes: list[tuple[bytes, bytes | None]] = [
        (entries.validator_key(found.key), after.to_bytes()),
        (entries.punished_key(epoch, found.key, found.kind), Writer().u64(height).done()),
    ]
    for since, waiting in entries.notices(state, found.key):
        if since + 1 >= epoch:
            cut = waiting * fraction // MILLION
            cost += cut
            left = entries.amount(waiting - cut)
            writes.append((entries.notice_key(found.key, since), left))
    writes.append((entries.LOST_KEY, entries.amount(entries.lost(state) + cost)))
    event = Event(
        PUNISHED,
        (
            ("validator", found.key.hex()),
            ("kind", found.kind.label),
            ("height", str(found.height)),
            ("amount", str(cost)),
        ),
    )
    return Effects(writes=tuple(writes), events=(event,))
