"""Blobs from whoever has rows: this disk first, then members, one more every moment. DA-38."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Final

from node.da import blob
from node.da.errors import BadEncoding, DataRefused, TooFewRows
from node.da.rows import Commitment, Row, check_row
from node.execution.bounded import BoundedCache
from node.lane.blobs.blob import NoBytes, ShardBlobs
from node.lane.blobs.offers import Members
from zk.errors import ChiaroError

WAIT_S: Final = 4.0
"""For a blob: who must have it tries again."""
HEDGE_S: Final = 0.3
"""Before one more member is asked."""
MOST_CACHED_BYTES: Final = 32 * 1024 * 1024
_MOST_CACHED: Final = 1024
_LARGEST_PAGE: Final = 1024

_log = logging.getLogger(__name__)


class Reading:
    """`blob.BlobSource` over this disk and the members' nodes; safe between threads.

    Args:
        own: rows of this node.
        members: how others are reached; None: not at all.
    """

    def __init__(self, own: ShardBlobs, members: Members | None) -> None:
        self._own: Final = own
        self._members: Final = members
        self._known: Final[BoundedCache[bytes, bytes | BadEncoding]] = BoundedCache(
            _MOST_CACHED, MOST_CACHED_BYTES
        )
        self._once: Final = threading.Lock()

    def blob(self, commitment: Commitment) -> bytes:
        """LN-37: the bytes, the same whoever had the rows.

        Raises:
            BadEncoding: DA-5, it is ⊥ for everybody.
            NoBytes: fewer than K rows are to be had now.
        """
        known = self._known.get(commitment.root)
        if known is None:
            with self._once:
                known = self._known.get(commitment.root)
                if known is None:
                    known = self._read(commitment)
                    size = commitment.size if isinstance(known, bytes) else 4 * commitment.size
                    self._known.put(commitment.root, known, size)
        if isinstance(known, BadEncoding):
            raise BadEncoding(known.message, known.evidence, where=known.where)
        return known

    def _read(self, commitment: Commitment) -> bytes | BadEncoding:
        rows: dict[int, Row] = {}
        for index in range(commitment.coding.n):
            if (row := self._own.row(commitment, index)) is not None:
                rows[index] = row
                if len(rows) == commitment.coding.k:
                    break
        else:
            self._fetch(commitment, rows)
        try:
            return blob.recover(commitment, rows.values())
        except TooFewRows as error:
            raise NoBytes(error.message, where=error.where) from error
        except BadEncoding as error:
            return error

    def _fetch(self, commitment: Commitment, rows: dict[int, Row]) -> None:
        """Ask members, in an order that differs by blob, until there are K rows or time is up."""
        if self._members is None:
            return
        everybody = self._members.others()
        turn = int.from_bytes(commitment.root[:4], "little") % max(1, len(everybody))
        waiting_for = [*everybody[turn:], *everybody[:turn]]
        deadline = time.monotonic() + WAIT_S
        pool = ThreadPoolExecutor(max(1, len(everybody)), "da-rows")
        asked: dict[Future[list[Row]], bytes] = {}
        try:
            while len(rows) < commitment.coding.k and time.monotonic() < deadline:
                if waiting_for:
                    member = waiting_for.pop(0)
                    asked[pool.submit(self._ask, member, commitment, frozenset(rows))] = member
                elif not asked:
                    return
                left = max(0.0, deadline - time.monotonic())
                pause = min(HEDGE_S, left) if waiting_for else left
                for item in wait(asked, timeout=pause, return_when=FIRST_COMPLETED).done:
                    del asked[item]
                    rows.update((row.index, row) for row in item.result())
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _ask(self, member: bytes, commitment: Commitment, have: frozenset[int]) -> list[Row]:
        """DA-38: the right ones of a member's rows; it is named where there are others."""
        good: list[Row] = []
        try:
            for row in self._pages(member, commitment):
                check_row(commitment, row)
                good.append(row)
                if len(have) + len(good) >= commitment.coding.k:
                    break
        except DataRefused as error:
            _name(member, commitment, error)
        except ChiaroError as error:
            _log.info("member %s… serves no rows: %s", member.hex()[:16], error.id)
        return good

    def _pages(self, member: bytes, commitment: Commitment) -> Iterator[Row]:
        at = 0
        while self._members is not None and at < commitment.coding.n:
            page = self._members.rows(member, commitment, at, _LARGEST_PAGE)
            if not page:
                return
            if page[0].index < at:
                raise DataRefused("DA-4", "rows that were not asked for", where=f"row {at}")
            yield from page
            at = page[-1].index + 1

    def row_of(self, member: bytes, commitment: Commitment, index: int) -> Row | None:
        """DA-38: one row of a member's, right or none; it is named where the row is wrong."""
        if self._members is None:
            return None
        try:
            found = self._members.rows(member, commitment, index, 1)
            if len(found) != 1 or found[0].index != index:
                return None  # it has others only
            check_row(commitment, found[0])
        except DataRefused as error:
            _name(member, commitment, error)
            return None
        except ChiaroError:
            return None
        return found[0]


def _name(member: bytes, commitment: Commitment, error: DataRefused) -> None:
    _log.warning(
        "DA-38: member %s… serves a wrong row of blob %s…: %s",
        member.hex()[:16],
        commitment.root.hex()[:16],
        error,
        extra={"code": error.id},
    )
