"""The account model: balances per kind and sequence numbers, as keys of the state.

    t/b/ ‖ account ‖ kind    balance, u64 little-endian; absent when zero
    t/n/ ‖ account           next sequence number, u64; absent when zero

Reads go to the state, writes gather in a ledger that becomes `Effects`. Rules about *who may* move
what are in `env` and, later, in validity predicates; this module knows only how much there is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from node.core.amounts import MAX_AMOUNT
from node.core.codec import Reader
from node.core.effects import held_key
from node.core.errors import InvalidTransaction
from node.core.ids import ID_BYTES, AccountId, Kind
from node.core.interfaces import StateReader

_BALANCE: Final = b"t/b/"
_SEQUENCE: Final = b"t/n/"


def balance_key(account: AccountId, kind: Kind) -> bytes:
    """Key of one balance."""
    return _BALANCE + account + kind.to_bytes()


def sequence_key(account: AccountId) -> bytes:
    """Key of an account's next sequence number."""
    return _SEQUENCE + account


def _encode(value: int) -> bytes | None:
    return value.to_bytes(8, "little") if value else None


def _decode(value: bytes | None) -> int:
    return int.from_bytes(value, "little") if value else 0


def balances(state: StateReader, account: AccountId) -> Iterator[tuple[Kind, int]]:
    """All non-zero balances of an account, in the order of kinds' bytes."""
    prefix = _BALANCE + account
    for key, value in state.iterate(prefix):
        yield Kind.read(Reader(key[len(prefix) :])), _decode(value)


def sequence(state: StateReader, account: AccountId) -> int:
    """The sequence number that the account's next transaction must carry."""
    return _decode(state.get(sequence_key(account)))


def held(state: StateReader, account: AccountId, kind: Kind) -> int:
    """How much of a balance opened intents may take (TR-11)."""
    return _decode(state.get(held_key(account, kind)))


def every_balance(state: StateReader) -> Iterator[tuple[AccountId, Kind, int]]:
    """All balances of all accounts: what a supply audit sums."""
    for key, value in state.iterate(_BALANCE):
        account = AccountId(key[len(_BALANCE) : len(_BALANCE) + ID_BYTES])
        yield account, Kind.read(Reader(key[len(_BALANCE) + ID_BYTES :])), _decode(value)


Change = tuple[AccountId, Kind, int]
"""What an account gets of a kind; negative: what it gives."""


def changes(
    state: StateReader, writes: Iterable[tuple[bytes, bytes | None]]
) -> tuple[tuple[Change, ...], tuple[tuple[bytes, bytes | None], ...]]:
    """Writes taken apart: what they do to balances, as differences, and the other ones."""
    moved, others = list[Change](), list[tuple[bytes, bytes | None]]()
    for key, value in writes:
        if not key.startswith(_BALANCE):
            others.append((key, value))
            continue
        reader = Reader(key[len(_BALANCE) :], "balance")
        account, kind = AccountId(reader.take(ID_BYTES)), Kind.read(reader)
        if difference := _decode(value) - _decode(state.get(key)):
            moved.append((account, kind, difference))
    return tuple(moved), tuple(others)


def is_balance(key: bytes) -> bool:
    """Whether a key of the state is a balance's."""
    return key.startswith(_BALANCE)


class Ledger:
    """Changes on top of a state. Every failed rule raises and leaves nothing behind."""

    def __init__(self, state: StateReader) -> None:
        self._state = state
        self._balances: dict[tuple[AccountId, Kind], int] = {}
        self._sequences: dict[AccountId, int] = {}

    def balance(self, account: AccountId, kind: Kind) -> int:
        known = self._balances.get((account, kind))
        if known is None:
            known = _decode(self._state.get(balance_key(account, kind)))
        return known

    def free(self, account: AccountId, kind: Kind) -> int:
        """The balance without what is held."""
        return self.balance(account, kind) - held(self._state, account, kind)

    def debit(self, account: AccountId, kind: Kind, amount: int) -> None:
        """TR-7, TR-11: an account never pays what it does not have, nor what is held of it."""
        have = self.balance(account, kind)
        if have < amount:
            raise InvalidTransaction(
                "TR-7", f"needs {amount} base units, the account has {have}", where=account.hex()
            )
        if (free := self.free(account, kind)) < amount:
            raise InvalidTransaction(
                "TR-11",
                f"needs {amount} base units, {free} are free: opened intents hold {have - free}",
                where=account.hex(),
            )
        self._balances[account, kind] = have - amount

    def credit(self, account: AccountId, kind: Kind, amount: int) -> None:
        """TR-8: a balance never leaves [0, 2⁶⁴)."""
        total = self.balance(account, kind) + amount
        if total > MAX_AMOUNT:
            raise InvalidTransaction(
                "TR-8", "the balance would exceed 2^64 - 1", where=account.hex()
            )
        self._balances[account, kind] = total

    def advance(self, account: AccountId, given: int) -> None:
        """TR-6: sequence numbers run without gap or repetition."""
        due = self._sequences.get(account, sequence(self._state, account))
        if given != due:
            raise InvalidTransaction(
                "TR-6", f"sequence number {given}, the account's next is {due}", where=account.hex()
            )
        self._sequences[account] = due + 1

    def writes(self) -> tuple[tuple[bytes, bytes | None], ...]:
        """What changed, for `Effects`."""
        changed = [(balance_key(*key), _encode(value)) for key, value in self._balances.items()]
        changed += [(sequence_key(key), _encode(value)) for key, value in self._sequences.items()]
        return tuple(changed)


def genesis_writes(
    allocations: Iterator[tuple[AccountId, Kind, int]],
) -> dict[bytes, bytes | None]:
    """The state that initial allocations make; each account and kind once (CH-16)."""
    return {balance_key(account, kind): _encode(n) for account, kind, n in allocations}
