"""The envelope: what carriers read of an intent, and its body, which they do not. Rule GO-2."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from node.core.codec import Reader, Writer
from node.core.ids import Height, tagged_hash
from node.gossip.errors import InvalidMessage, decoding
from node.gossip.fees import Fee, NoFee, read_fee

VERSION: Final = 1
APP_BYTES: Final = 29
MAX_SCHEMA: Final = 64
MAX_ENVELOPE: Final = 15_104
"""Leaves room for a whole path below the 16 KiB of a message."""
MAX_HEIGHT: Final = 2**63 - 1

NO_APP: Final = bytes(APP_BYTES)
"""Of sealed envelopes: the real one is inside."""

_SCHEMA: Final = re.compile(r"[a-z0-9][a-z0-9._/-]{0,63}", re.ASCII)
_SEALED: Final = 1
_BOUND: Final = 2


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the origin signs.

    Attributes:
        app: namespace of the application, 29 bytes.
        schema: how `body` is encoded: lower-case letters, digits, `. _ / -`, up to 64.
        expiry: last height at which it is of use.
        fee: what is offered.
        body: opaque, 1 byte or more; the whole envelope has at most 15,104. Not in the repr: what
            came sealed must not end in a log.
        sealed: `body` is a box for one recipient (`node.gossip.sealed`); app and schema are blank.
        bound: every statement of the path names its successor (GO-6).
        encoded: its one encoding.
        digest: 32 bytes, a tagged hash of that: what the origin says.
    """

    app: bytes
    schema: str
    expiry: Height
    fee: Fee
    body: bytes = field(repr=False)
    sealed: bool = False
    bound: bool = False
    encoded: bytes = field(init=False, repr=False, compare=False)
    digest: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """GO-2."""
        if len(self.app) != APP_BYTES:
            raise InvalidMessage("GO-2", f"a namespace has {APP_BYTES} bytes", where="app")
        if self.sealed:
            if self.schema or self.app != NO_APP:
                raise InvalidMessage("GO-2", "a sealed envelope names app or schema")
        elif not _SCHEMA.fullmatch(self.schema):
            raise InvalidMessage("GO-2", "not the name of a schema", where="schema")
        if not 0 <= self.expiry <= MAX_HEIGHT:
            raise InvalidMessage("GO-2", f"{self.expiry} is no height", where="expiry")
        if not self.body:
            raise InvalidMessage("GO-2", "an empty body", where="body")
        encoded = self._encode()
        if len(encoded) > MAX_ENVELOPE:
            raise InvalidMessage("GO-2", f"an envelope has at most {MAX_ENVELOPE} bytes")
        object.__setattr__(self, "encoded", encoded)
        object.__setattr__(self, "digest", tagged_hash("gossip/origin", encoded))

    def to_bytes(self) -> bytes:
        return self.encoded

    def _encode(self) -> bytes:
        flags = _SEALED * self.sealed | _BOUND * self.bound
        writer = Writer().u8(VERSION).u8(flags).raw(self.app, APP_BYTES)
        writer.blob(self.schema.encode("ascii")).u64(self.expiry)
        self.fee.write(writer)
        return writer.blob(self.body).done()

    @staticmethod
    def from_bytes(data: bytes) -> Envelope:
        """Strict.

        Raises:
            InvalidMessage: GO-1 not an encoding; GO-2, GO-9, GO-11 a value.
        """
        with decoding("GO-1", "envelope"):
            reader = Reader(data, "envelope")
            if reader.u8() != VERSION:
                raise InvalidMessage("GO-1", "an envelope of another version", where="envelope")
            flags = reader.u8()
            if flags & ~(_SEALED | _BOUND):
                raise InvalidMessage("GO-1", f"unknown flags {flags:#04x}", where="envelope")
            app = reader.take(APP_BYTES)
            schema = reader.blob(MAX_SCHEMA, "schema")
            if not schema.isascii():
                raise InvalidMessage("GO-2", "not the name of a schema", where="schema")
            expiry = Height(reader.u64())
            fee = read_fee(reader)
            body = reader.blob(MAX_ENVELOPE, "body")
            reader.done()
        sealed, bound = bool(flags & _SEALED), bool(flags & _BOUND)
        return Envelope(app, schema.decode(), expiry, fee, body, sealed, bound)


def plain(app: bytes, schema: str, expiry: Height, body: bytes, fee: Fee | None = None) -> Envelope:
    """An envelope that everyone may read, for an undirected broadcast."""
    return Envelope(app, schema, expiry, fee or NoFee(), body)
