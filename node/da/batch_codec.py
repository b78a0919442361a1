"""Batches as bytes, for the state of the chain: one encoding each (DA-33)."""

from __future__ import annotations

from typing import Final

from node.core.codec import Reader, Writer
from node.core.ids import ID_BYTES, AccountId, Height
from node.da.batch import (
    MAX_ENTRIES,
    MAX_SCORE,
    Batch,
    Closed,
    Decrypted,
    Expired,
    Open,
    Outcome,
    Reason,
    Refund,
    Sealed,
    Settled,
    Solution,
    Solving,
)
from node.da.codec import MAX_BLOB_BYTES
from zk.errors import DecodeError, NonCanonical

_VERSION: Final = 1
_STATES: Final = (Open, Closed, Decrypted, Solving, Settled, Expired)


def encode_batch(batch: Batch) -> bytes:
    """Version u8, state u8, what all have in common, then the state's own fields in order."""
    writer = Writer().u8(_VERSION).u8(_STATES.index(type(batch)))
    writer.raw(batch.domain, ID_BYTES).u64(batch.number).u64(batch.height)
    writer.u32(len(batch.entries))
    for entry in batch.entries:
        writer.raw(entry.id, ID_BYTES).raw(entry.tag, ID_BYTES).raw(entry.payer, ID_BYTES)
        writer.u64(entry.fee).u32(entry.size).u64(entry.expiry)
    match batch:
        case Open():
            writer.u64(batch.closes)
        case Closed():
            writer.u64(batch.closed).u64(batch.deadline)
        case Decrypted():
            writer.u64(batch.revealed)
            _write_outcomes(writer, batch.outcomes)
        case Solving():
            writer.u64(batch.deadline).u8(batch.best is not None)
            _write_outcomes(writer, batch.outcomes)
            if batch.best is not None:
                _write_solution(writer, batch.best)
        case Settled():
            _write_solution(writer, batch.solution)
        case Expired():
            writer.u8(batch.reason)
    return writer.done()


def decode_batch(data: bytes) -> Batch:
    """Strict; refunds follow from the entries and the reason.

    Raises:
        DecodeError: DA-33, not an encoding of a batch, or not the only one.
        DataRefused: DA-24, DA-29, an entry or solution that cannot be.
    """
    where = "batch"
    reader = Reader(data, where)
    if (version := reader.u8()) != _VERSION:
        raise NonCanonical(f"DA-33: unknown version {version} of a batch", where=where)
    state = reader.count(1, len(_STATES) - 1, "DA-33: state")
    domain, number, height = reader.take(ID_BYTES), reader.u64(), Height(reader.u64())
    count = reader.count(4, MAX_ENTRIES, "entries")
    entries = tuple(_read_entry(reader) for _ in range(count))
    batch = _read_state(reader, state, (domain, number, height, entries))
    reader.done()
    return batch


def _read_state(
    reader: Reader, state: int, common: tuple[bytes, int, Height, tuple[Sealed, ...]]
) -> Batch:
    entries = common[3]
    match state:
        case 0:
            return Open(*common, Height(reader.u64()))
        case 1:
            return Closed(*common, Height(reader.u64()), Height(reader.u64()))
        case 2:
            return Decrypted(*common, Height(reader.u64()), _read_outcomes(reader, entries))
        case 3:
            deadline, flag = Height(reader.u64()), _flag(reader)
            outcomes = _read_outcomes(reader, entries)
            return Solving(*common, outcomes, deadline, _read_solution(reader) if flag else None)
        case 4:
            return Settled(*common, _read_solution(reader))
        case _:
            return _read_expired(reader, common)


def _read_expired(reader: Reader, common: tuple[bytes, int, Height, tuple[Sealed, ...]]) -> Expired:
    try:
        reason = Reason(reader.u8())
    except ValueError as error:
        raise DecodeError("DA-33: no reason to expire", where=reader.where) from error
    refunds = tuple(Refund(entry.id, entry.payer, entry.fee) for entry in common[3])
    return Expired(*common, reason, refunds if reason is Reason.UNREVEALED else ())


def _read_entry(reader: Reader) -> Sealed:
    return Sealed(
        reader.take(ID_BYTES),
        reader.take(ID_BYTES),
        AccountId(reader.take(ID_BYTES)),
        reader.u64(),
        reader.u32(),
        Height(reader.u64()),
    )


def _write_outcomes(writer: Writer, outcomes: tuple[Outcome, ...]) -> None:
    """One for each entry, so neither their number nor their ids are written."""
    for outcome in outcomes:
        writer.u8(outcome.plaintext is not None)
        if outcome.plaintext is not None:
            writer.blob(outcome.plaintext)


def _read_outcomes(reader: Reader, entries: tuple[Sealed, ...]) -> tuple[Outcome, ...]:
    return tuple(
        Outcome(entry.id, reader.blob(MAX_BLOB_BYTES, "plaintext") if _flag(reader) else None)
        for entry in entries
    )


def _write_solution(writer: Writer, solution: Solution) -> None:
    writer.raw(solution.id, ID_BYTES).raw(solution.solver, ID_BYTES).i128(solution.score)


def _read_solution(reader: Reader) -> Solution:
    solution = reader.take(ID_BYTES), AccountId(reader.take(ID_BYTES)), reader.i128()
    if abs(solution[2]) > MAX_SCORE:
        raise DecodeError("DA-33: no score", where=reader.where)
    return Solution(*solution)


def _flag(reader: Reader) -> bool:
    if (value := reader.u8()) > 1:
        raise NonCanonical(f"DA-33: a flag of {value}", where=reader.where)
    return bool(value)
