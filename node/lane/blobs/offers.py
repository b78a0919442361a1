"""What members of a committee send each other: rows to keep, and who answers for their fees.

    promise   statement ‖ entries 2 ‖ member 32 ‖ signature 64
    offer     version 1 ‖ promise ‖ count 2 ‖ rows
    request   who asks, whom, when, and the hash of what is asked; signed by who asks

A member that has the whole blob can tell whether every payer agreed and has the fees; one that gets
rows cannot. So the first one says so under its own key, and has credit with the others for as much
as no block has ordered yet.  Rules DA-34, DA-35.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from node.core.codec import Reader, Writer
from node.core.committee import Committee
from node.core.ed25519 import KEY_BYTES, SIGNATURE_BYTES, is_signed
from node.core.ids import ID_BYTES, ChainId, tagged_hash
from node.da.attest import MemberKey
from node.da.certificate import Statement
from node.da.codec import MAX_K, RATE
from node.da.domain import BATCH_BYTES
from node.da.errors import DataRefused
from node.da.rows import Commitment, Row
from node.da.shards import Promised
from zk.errors import DecodeError, NonCanonical

CREDIT_BYTES: Final = 16 * 1024 * 1024
"""Rows that one member may have kept at another for blobs that no block has ordered."""
CLOCKS_APART_MS: Final = 30_000
MAX_OFFER: Final = RATE * BATCH_BYTES + 512 * 1024
"""Bytes: all rows of the largest blob, with their proofs."""
_VERSION: Final = 1
_SCHEME: Final = "Chiaro-Member"


class Members(Protocol):
    """How a node reaches the others of a committee."""

    def others(self) -> tuple[bytes, ...]:
        """Keys of those whose addresses it knows, itself not among them."""
        ...

    def offer(self, member: bytes, offer: bytes) -> bytes:
        """Ask a member to keep rows; its signature.

        Raises:
            ChiaroError: its refusal, or that it does not answer.
        """
        ...

    def rows(self, member: bytes, commitment: Commitment, first: int, limit: int) -> Sequence[Row]:
        """Rows that a member has, from an index on; believed by nobody yet.

        Raises:
            ChiaroError: it does not answer, or not with rows.
        """
        ...


@dataclass(frozen=True, slots=True)
class Promise:
    """A member's word that every entry of a blob is paid for.

    Attributes:
        statement: about the blob.
        entries: how many it has.
        member: key of who answers for that.
        signature: of the member, for the committee that keeps the rows.
    """

    statement: Statement
    entries: int
    member: bytes
    signature: bytes

    @staticmethod
    def sign(key: MemberKey, statement: Statement, committee: Committee, entries: int) -> Promise:
        """Say so, having looked."""
        digest = _promised(statement, committee, entries, key.public)
        return Promise(statement, entries, key.public, key.sign(digest))

    def check(self, committee: Committee, credit: Mapping[bytes, Promised], size: int) -> None:
        """DA-35: a member signed it, and has credit for as many bytes more.

        Args:
            committee: that keeps the rows.
            credit: what is kept here on promises, by root.
            size: bytes of the rows that come with it.

        Raises:
            DataRefused: DA-35.
        """
        where = f"member {self.member.hex()[:16]}…"
        if committee.index(self.member) is None:
            raise DataRefused("DA-35", "promised by nobody of the committee", where=where)
        digest = _promised(self.statement, committee, self.entries, self.member)
        if not is_signed(self.member, digest, self.signature):
            raise DataRefused("DA-35", "the promise is not signed by that member", where=where)
        root = self.statement.commitment.root
        used = sum(
            item.size
            for name, item in credit.items()
            if item.member == self.member and name != root
        )
        if used + size > CREDIT_BYTES:
            raise DataRefused(
                "DA-35",
                f"{used} bytes wait for a block already, {CREDIT_BYTES} may",
                where=where,
                why="rows that nobody pays for would fill the disks of all members",
                fix="order what was kept, or wait until it expires",
            )

    def write(self, writer: Writer) -> None:
        self.statement.write(writer)
        writer.u16(self.entries).raw(self.member, KEY_BYTES).raw(self.signature, SIGNATURE_BYTES)

    @staticmethod
    def read(reader: Reader) -> Promise:
        statement, entries = Statement.read(reader), reader.u16()
        return Promise(statement, entries, reader.take(KEY_BYTES), reader.take(SIGNATURE_BYTES))


@dataclass(frozen=True, slots=True)
class Offer:
    """Rows for one member, with the promise."""

    promise: Promise
    rows: tuple[Row, ...]

    @property
    def promised(self) -> Promised:
        """What is noted beside the rows."""
        said = self.promise.statement
        return Promised(self.promise.member, self.size, said.expiry)

    @property
    def size(self) -> int:
        """Bytes of the rows on a disk, with their proofs."""
        return disk_bytes(self.rows)

    def to_bytes(self) -> bytes:
        writer = Writer().u8(_VERSION)
        self.promise.write(writer)
        writer.u16(len(self.rows))
        for row in self.rows:
            row.write(writer)
        return writer.done()

    @staticmethod
    def from_bytes(data: bytes) -> Offer:
        """Strict. Raises DecodeError; DataRefused (DA-2)."""
        reader = Reader(data, "offer")
        if (version := reader.u8()) != _VERSION:
            raise NonCanonical(f"unknown version {version}", where="offer")
        promise = Promise.read(reader)
        count = reader.count(2, RATE * MAX_K, "rows")
        rows = tuple(Row.read(reader) for _ in range(count))
        reader.done()
        return Offer(promise, rows)


@dataclass(frozen=True, slots=True)
class Request:
    """Who asks: checked before what is asked is read.

    Attributes:
        sender: its key.
        time_ms: when, by its clock.
        body: hash of what is asked.
        signature: of the sender.
    """

    sender: bytes
    time_ms: int
    body: bytes
    signature: bytes

    @staticmethod
    def sign(
        key: MemberKey, chain_id: ChainId, recipient: bytes, time_ms: int, data: bytes
    ) -> Request:
        """Of this member, now."""
        body = tagged_hash("da/request/body", data)
        digest = _asked(chain_id, key.public, recipient, time_ms, body)
        return Request(key.public, time_ms, body, key.sign(digest))

    def check(self, chain_id: ChainId, recipient: bytes, now_ms: int) -> None:
        """DA-34, but for who is a member. Raises DataRefused."""
        where = f"member {self.sender.hex()[:16]}…"
        if abs(now_ms - self.time_ms) > CLOCKS_APART_MS:
            raise DataRefused(
                "DA-34", f"asked {abs(now_ms - self.time_ms) // 1000} s from now", where=where,
                fix="set the clocks of both machines",
            )  # fmt: skip
        digest = _asked(chain_id, self.sender, recipient, self.time_ms, self.body)
        if not is_signed(self.sender, digest, self.signature):
            raise DataRefused("DA-34", "not signed by that member for this one", where=where)

    def check_body(self, data: bytes) -> None:
        """DA-34: it is what was signed. Raises DataRefused."""
        if tagged_hash("da/request/body", data) != self.body:
            raise DataRefused("DA-34", "another body than was signed", where="request")

    def to_text(self) -> str:
        """As the value of the header `Authorization`."""
        fields = (self.sender.hex(), str(self.time_ms), self.body.hex(), self.signature.hex())
        return " ".join((_SCHEME, *fields))

    @staticmethod
    def from_text(text: str) -> Request:
        """Strict. Raises DataRefused (DA-34)."""
        parts = text.split(" ")
        try:
            scheme, sender, time_ms, body, signature = parts
            found = Request(
                bytes.fromhex(sender), int(time_ms), bytes.fromhex(body), bytes.fromhex(signature)
            )
        except ValueError:
            raise DataRefused("DA-34", "nobody signed the request", where="request") from None
        sizes = len(found.sender), len(found.body), len(found.signature)
        if (
            scheme != _SCHEME
            or sizes != (KEY_BYTES, ID_BYTES, SIGNATURE_BYTES)
            or not 0 <= found.time_ms < 1 << 63
            or found.to_text() != text
        ):
            raise DataRefused("DA-34", "nobody signed the request", where="request")
        return found


def disk_bytes(rows: Sequence[Row]) -> int:
    """What rows with their proofs take."""
    return sum(len(row.to_bytes()) for row in rows)


def write_rows(rows: Sequence[Row]) -> bytes:
    """As a member answers: count 2 ‖ rows."""
    writer = Writer().u16(len(rows))
    for row in rows:
        row.write(writer)
    return writer.done()


def read_rows(data: bytes) -> tuple[Row, ...]:
    """Strict. Raises DecodeError."""
    reader = Reader(data, "rows")
    count = reader.count(2, RATE * MAX_K, "rows")
    rows = tuple(Row.read(reader) for _ in range(count))
    reader.done()
    if any(a.index >= b.index for a, b in itertools.pairwise(rows)):
        raise DecodeError("rows are not in order", where="rows")
    return rows


def _promised(statement: Statement, committee: Committee, entries: int, member: bytes) -> bytes:
    said = statement.digest(committee), entries.to_bytes(2, "little"), member
    return tagged_hash("da/promise", *said)


def _asked(chain_id: ChainId, sender: bytes, recipient: bytes, time_ms: int, body: bytes) -> bytes:
    moment = time_ms.to_bytes(8, "little")
    return tagged_hash("da/request", chain_id, sender, recipient, moment, body)
