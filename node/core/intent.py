"""An intent as gossip, data availability and mempool see it: an envelope around opaque bytes.

    app        29     namespace of the application (the width of a namespaced Merkle tree's)
    schema     1 + n  name of the plug-in that reads the payload, ASCII
    expiry     8      last height at which it may settle
    fee        8      base units of the native kind offered
    nonce      32     fresh and random: two intents that want the same are two intents
    payload    4 + n  meant for the schema alone

What a payload means is in `node.intents`. Rules IN-2 and IN-3 of its SPEC.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from node.core.amounts import MAX_AMOUNT
from node.core.codec import Reader, Writer
from node.core.ids import Height, tagged_hash
from zk.errors import DecodeError, NonCanonical, WrongLength

APP_BYTES: Final = 29
NONCE_BYTES: Final = 32
MAX_PAYLOAD_BYTES: Final = 256 * 1024
"""As much as a transaction may have."""
MAX_INTENT_BYTES: Final = MAX_PAYLOAD_BYTES + 512
INTENT_VERSION: Final = 1
_SCHEMA: Final = re.compile(rb"[a-z][a-z0-9-]{0,31}", re.ASCII)


@dataclass(frozen=True, slots=True, repr=False)
class Intent:
    """What somebody wants, not yet how.

    Attributes:
        app: 29 bytes.
        schema: 1 to 32 of `a-z 0-9 -`, a letter first.
        payload: opaque here, at most 256 KiB; it may hold what must not be logged.
        expiry: last height.
        fee: base units of the native kind.
        nonce: 32 bytes.

    Raises:
        DecodeError: IN-3, a field that no intent may have.
    """

    app: bytes
    schema: str
    payload: bytes
    expiry: Height
    fee: int
    nonce: bytes

    def __repr__(self) -> str:
        return f"<Intent {self.schema} {self.id.hex()[:16]}>"

    def __post_init__(self) -> None:
        if len(self.app) != APP_BYTES or len(self.nonce) != NONCE_BYTES:
            raise WrongLength(
                f"IN-3: a namespace has {APP_BYTES} bytes and a nonce {NONCE_BYTES}", where="intent"
            )
        if not self.schema.isascii() or not _SCHEMA.fullmatch(self.schema.encode()):
            raise DecodeError(
                "IN-3: a schema's name is 1 to 32 of a-z, 0-9 and -, a letter first", where="schema"
            )
        if not 0 <= self.expiry <= MAX_AMOUNT or not 0 <= self.fee <= MAX_AMOUNT:
            raise DecodeError("IN-3: expiry and fee are u64", where="intent")
        if len(self.payload) > MAX_PAYLOAD_BYTES:
            raise WrongLength(
                f"IN-3: the payload has {len(self.payload)} bytes, {MAX_PAYLOAD_BYTES} fit",
                where="payload",
            )

    @property
    def id(self) -> bytes:
        """32 bytes: a hash of everything."""
        return tagged_hash("intent", self.to_bytes())

    def to_bytes(self) -> bytes:
        name = self.schema.encode()
        writer = Writer().u8(INTENT_VERSION).raw(self.app, APP_BYTES).u8(len(name))
        writer.raw(name, len(name)).u64(self.expiry).u64(self.fee).raw(self.nonce, NONCE_BYTES)
        return writer.blob(self.payload).done()

    @staticmethod
    def from_bytes(data: bytes) -> Intent:
        """Strict: what it returns encodes to exactly `data` (IN-2).

        Raises:
            DecodeError: IN-2 or IN-3.
        """
        reader = Reader(data, "intent")
        version = reader.u8()
        if version != INTENT_VERSION:
            raise NonCanonical(f"IN-2: unknown version {version} of an intent", where="intent")
        app = reader.take(APP_BYTES)
        name = reader.take(reader.u8())
        if not _SCHEMA.fullmatch(name):
            raise DecodeError("IN-3: not the name of a schema", where="schema")
        expiry, fee, nonce = Height(reader.u64()), reader.u64(), reader.take(NONCE_BYTES)
        intent = Intent(
            app, name.decode(), reader.blob(MAX_PAYLOAD_BYTES, "payload"), expiry, fee, nonce
        )
        reader.done()
        return intent
