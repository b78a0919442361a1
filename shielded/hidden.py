"""Hidden values: amounts that cross between the shielded pool and another one in the dark.

    target 1, reference 32, logic 32, label 32, enters 1, cv 32        130 bytes each

cv = [v]K + [rcv]R is subtracted from the balance where the amount v leaves, added where it enters
(SH-19). That v is a u64, and what the other side takes, is proved there, over this cv; so such a
transaction is good only inside the private transaction that names its hidden values (SH-69).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Final

from node.core.amounts import MAX_AMOUNT
from node.core.codec import Reader, Writer
from node.core.effects import HiddenValue
from node.core.ids import ID_BYTES, EnvironmentId, Kind
from shielded import spec
from shielded.errors import MalformedTransaction, PlanRefused
from shielded.fields import read_environment, read_flag
from zk.curve import babyjub
from zk.curve.babyjub import ORDER, Point
from zk.errors import DecodeError

MAX_HIDDEN_VALUES: Final = 8
POINT_BYTES: Final = 32
_WHERE: Final = "hidden values"


@dataclass(frozen=True, slots=True, repr=False)
class HiddenOpening:
    """What the wallet knows of a hidden value.

    Attributes:
        reference: 32 bytes, digest of the private message.
        kind: what moves; of a plain token.
        amount: how much, a u64.
        rcv: blinding of cv, in [1, l); the wallet derives it (SH-72), nobody draws it.
        enters: into the shielded pool; else out of it.

    Raises:
        PlanRefused: SH-70, a number out of range.
    """

    reference: bytes
    kind: Kind
    amount: int
    rcv: int
    enters: bool = False

    def __repr__(self) -> str:
        return "<HiddenOpening: secret>"

    def __post_init__(self) -> None:
        if not 0 <= self.amount <= MAX_AMOUNT or not 0 < self.rcv < ORDER:
            raise PlanRefused("SH-70", "an amount or its blinding is out of range", where=_WHERE)

    @property
    def value(self) -> HiddenValue:
        """As the transaction shows it."""
        cv = babyjub.encode(commitment(self.kind, self.amount, self.rcv))
        return HiddenValue(EnvironmentId.PRIVATE, self.reference, self.kind, cv, self.enters)


def commitment(kind: Kind, amount: int, rcv: int) -> Point:
    """Cv = [amount]K + [rcv]R of a persistent kind."""
    return spec.delta_point([(spec.kind_point(kind).point, amount)], rcv)


def point(value: HiddenValue) -> Point:
    """The commitment to the amount.

    Raises:
        MalformedTransaction: SH-66, no canonical point of the subgroup, or the identity.
    """
    try:
        return babyjub.decode(value.cv, what="cv")
    except DecodeError as error:
        raise MalformedTransaction("SH-66", error.message, where=_WHERE) from error


def check_form(values: tuple[HiddenValue, ...]) -> None:
    """Form of hidden values.  Rules SH-5, SH-66, SH-67.

    Raises:
        MalformedTransaction: names the rule.
    """
    if len(values) > MAX_HIDDEN_VALUES:
        raise MalformedTransaction("SH-5", f"{len(values)} hidden values", where=_WHERE)
    for value in values:
        if len(value.reference) != ID_BYTES or len(value.cv) != POINT_BYTES:
            raise MalformedTransaction("SH-1", "a field of another length", where=_WHERE)
        if value.target is not EnvironmentId.PRIVATE:
            raise MalformedTransaction(
                "SH-66", "amounts move in the dark to or from the private pool only", where=_WHERE
            )
        point(value)
    references = [value.reference for value in values]
    if any(not a < b for a, b in itertools.pairwise(references)):
        raise MalformedTransaction(
            "SH-67", "not sorted by their references, or one is there twice", where=_WHERE
        )


def write(writer: Writer, values: tuple[HiddenValue, ...]) -> None:
    """Their number, and each."""
    writer.u8(len(values))
    for value in values:
        writer.u8(value.target).raw(value.reference, ID_BYTES).raw(value.kind.to_bytes(), 64)
        writer.u8(value.enters).raw(value.cv, POINT_BYTES)


def read(reader: Reader) -> HiddenValue:
    """One of them.

    Raises:
        MalformedTransaction: SH-1.
    """
    target, reference = read_environment(reader, _WHERE), reader.take(ID_BYTES)
    kind, enters = Kind.read(reader), read_flag(reader, _WHERE)
    return HiddenValue(target, reference, kind, reader.take(POINT_BYTES), enters)
