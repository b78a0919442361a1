"""`node.lane.blobs.offers.Members` over HTTP: each at its own address.  Rule DA-34."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Final

import httpx
import msgspec

from node.core.ed25519 import SIGNATURE_BYTES
from node.core.errors import Unreachable
from node.core.ids import ChainId
from node.core.streams import TooSlow, whole
from node.da.attest import MemberKey
from node.da.rows import Commitment, Row
from node.lane.blobs import offers
from node.lane.blobs.addresses import Book
from node.rpc import schema
from node.rpc.errors import BadAnswer, error_of
from node.rpc.member_server import MEDIA_TYPE, MOST_ANSWERED, ROWS_PATH
from node.rpc.text import document_of

TIMEOUT_S: Final = 3.0
"""Without a byte."""
WHOLE_S: Final = 10.0
"""For all bytes of an answer."""
_MOST_PROBLEM: Final = 64 * 1024
_MOST_ROWS: Final = 2 * MOST_ANSWERED


class MemberClient:
    """Asks members; safe between threads.

    Args:
        book: where they are.
        chain_id: of the chain.
        key: of this validator; None on a node that only reads.
        wall: milliseconds since 1970.
    """

    def __init__(
        self, book: Book, chain_id: ChainId, key: MemberKey | None, wall: Callable[[], int]
    ) -> None:
        self.book: Final = book
        self._chain_id: Final = chain_id
        self._key: Final = key
        self._wall: Final = wall
        self._client: httpx.Client | None = None
        self._lock: Final = threading.Lock()

    def others(self) -> tuple[bytes, ...]:
        """Keys of those whose addresses are known."""
        return self.book.others()

    def offer(self, member: bytes, offer: bytes) -> bytes:
        """`Members.offer`. Raises Unreachable, BadAnswer, or the member's refusal."""
        if self._key is None:
            raise Unreachable("this node signs nothing")
        signed = offers.Request.sign(self._key, self._chain_id, member, self._wall(), offer)
        headers = {"authorization": signed.to_text(), "content-type": MEDIA_TYPE}
        answer = self._ask(member, "POST", ROWS_PATH, SIGNATURE_BYTES, headers, offer)
        if len(answer) != SIGNATURE_BYTES:
            raise BadAnswer("DA-37: no signature", where=_name(member))
        return answer

    def rows(self, member: bytes, commitment: Commitment, first: int, limit: int) -> Sequence[Row]:
        """`Members.rows`. Raises Unreachable, BadAnswer, DecodeError."""
        path = f"{ROWS_PATH}/{commitment.root.hex()}?from={first}&limit={limit}"
        return offers.read_rows(self._ask(member, "GET", path, _MOST_ROWS))

    def _ask(
        self,
        member: bytes,
        method: str,
        path: str,
        most: int,
        headers: dict[str, str] | None = None,
        content: bytes | None = None,
    ) -> bytes:
        url = self.book.url(member)
        if url is None:
            raise Unreachable("nobody said where it is", where=_name(member))
        try:
            with self._http().stream(
                method, url + path, headers=headers, content=content
            ) as response:
                good = response.status_code == httpx.codes.OK
                # as it came: nobody compresses
                data = whole(response.iter_raw(), most if good else _MOST_PROBLEM, WHOLE_S)
        except (
            httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, TooSlow, ValueError,
        ) as error:  # fmt: skip
            # ValueError: of a host that no resolver takes; what a member says ends no node
            raise Unreachable(
                f"no answer: {type(error).__name__}",
                where=_name(member),
                fix="see whether its node runs, and its address in members.toml",
            ) from None
        if good:
            return data
        try:
            raise error_of(document_of(data, schema.ProblemDocument).error)
        except msgspec.DecodeError:
            raise BadAnswer(f"status {response.status_code}", where=_name(member)) from None

    def _http(self) -> httpx.Client:
        """Made when it is needed first; no proxies, no redirects."""
        with self._lock:
            if self._client is None:
                self._client = httpx.Client(
                    timeout=TIMEOUT_S, follow_redirects=False, trust_env=False
                )
            return self._client

    def close(self) -> None:
        """End connections."""
        with self._lock:
            if self._client is not None:
                self._client.close()


def _name(member: bytes) -> str:
    return f"member {member.hex()[:16]}…"
