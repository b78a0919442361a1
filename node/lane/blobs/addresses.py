"""Where members can be reached: records that they sign, and what an operator wrote down. DA-40.

record  version 1 ‖ member 32 ‖ number 8 ‖ length 4 ‖ URL ‖ signature 64
"""

from __future__ import annotations

import ipaddress
import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from node.core.codec import Reader, Writer
from node.core.committee import MAX_MEMBERS
from node.core.ed25519 import KEY_BYTES, SIGNATURE_BYTES, is_proper, is_signed
from node.core.ids import ChainId, tagged_hash
from node.da.attest import MemberKey
from node.da.errors import DataRefused
from zk.errors import DecodeError

MAX_URL: Final = 256
_MAX_NAME: Final = 253
_LABEL: Final = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Record:
    """A member's word about its own address.

    Attributes:
        member: its consensus key.
        number: of several the highest counts; the milliseconds of its making.
        url: `http://host:port` or `https://host:port`.
        signature: of the member, for this chain.
    """

    member: bytes
    number: int
    url: str
    signature: bytes

    @staticmethod
    def sign(key: MemberKey, chain_id: ChainId, number: int, url: str) -> Record:
        """Of this member. Raises DataRefused (DA-40), no such address."""
        check_url(url)
        return Record(key.public, number, url, key.sign(_said(chain_id, key.public, number, url)))

    def check(self, chain_id: ChainId) -> None:
        """DA-40. Raises DataRefused."""
        check_url(self.url)
        said = _said(chain_id, self.member, self.number, self.url)
        if not is_proper(self.member) or not is_signed(self.member, said, self.signature):
            raise DataRefused("DA-40", "not signed by that member", where="record")

    def to_bytes(self) -> bytes:
        writer = Writer().u8(_VERSION).raw(self.member, KEY_BYTES).u64(self.number)
        return writer.blob(self.url.encode()).raw(self.signature, SIGNATURE_BYTES).done()

    @staticmethod
    def from_bytes(data: bytes) -> Record:
        """Strict. Raises DecodeError."""
        reader = Reader(data, "record")
        version, member, number = reader.u8(), reader.take(KEY_BYTES), reader.u64()
        url = reader.blob(MAX_URL, "address")
        signature = reader.take(SIGNATURE_BYTES)
        reader.done()
        if version != _VERSION:
            raise DecodeError(f"unknown version {version}", where="record")
        if not url.isascii():
            raise DecodeError("an address is ASCII", where="record")
        return Record(member, number, url.decode("ascii"), signature)


def check_url(url: str) -> None:
    """DA-40: a plain address, so that nobody is sent elsewhere. Raises DataRefused."""
    try:
        parts = urlsplit(url)
        plain = (
            url.isascii()
            and len(url) <= MAX_URL
            and parts.scheme in {"http", "https"}
            and parts.hostname is not None
            and ("[" in url) == (":" in parts.hostname)
            and _is_host(parts.hostname)
            and parts.port is not None
            and "@" not in url
            and url == f"{parts.scheme}://{parts.netloc}"
        )
    except ValueError:
        plain = False
    if not plain:
        raise DataRefused(
            "DA-40", "not http://HOST:PORT or https://HOST:PORT", where="address",
            why="requests to members carry this node's signature",
        )  # fmt: skip


def _is_host(text: str) -> bool:
    """A name of labels, or an address: what every resolver takes as one. Raises ValueError."""
    if ":" in text or text.replace(".", "").isdigit():
        return bool(ipaddress.ip_address(text))
    return len(text) <= _MAX_NAME and _NAME.fullmatch(text) is not None


class Book:
    """Addresses by member; safe between threads.

    Args:
        own: this node's consensus key; empty on one that is no validator.
        written: by the operator: these stay, whatever is announced.

    Raises:
        DataRefused: DA-40, one of them is no address.
    """

    def __init__(self, own: bytes, written: Mapping[bytes, str]) -> None:
        for url in written.values():
            check_url(url)
        self._own: Final = own
        self._written: Final = dict(written)
        self._heard: Final[dict[bytes, Record]] = {}
        self._lock: Final = threading.Lock()

    def hear(self, record: Record, chain_id: ChainId, members: Iterable[bytes]) -> None:
        """Take a record of one of `members`.

        Who is none any more may still have rows, so its address stays while there is room.

        Raises:
            DataRefused: DA-40, not a member's, not later than the last, not signed.
        """
        current = set(members)
        if record.member not in current:
            raise DataRefused("DA-40", "of nobody of the committee", where="record")
        with self._lock:
            known = self._heard.get(record.member)
        if known is not None and record.number <= known.number:
            raise DataRefused("DA-40", "not later than the last one", where="record")
        record.check(chain_id)
        with self._lock:
            if len(self._heard) >= MAX_MEMBERS:
                for gone in self._heard.keys() - current:
                    del self._heard[gone]
            self._heard[record.member] = record

    def url(self, member: bytes) -> str | None:
        """Where it is; None: nobody said."""
        with self._lock:
            heard = self._heard.get(member)
        return self._written.get(member) or (None if heard is None else heard.url)

    def others(self) -> tuple[bytes, ...]:
        """Members with an address, but for this one."""
        with self._lock:
            return tuple(sorted({*self._written, *self._heard} - {self._own}))


def _said(chain_id: ChainId, member: bytes, number: int, url: str) -> bytes:
    return tagged_hash("da/record", chain_id, member, number.to_bytes(8, "little"), url.encode())
