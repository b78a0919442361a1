"""A member's side of a dispersal: check its rows, keep them, sign; in this order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from node.core.ids import ChainId, Height
from node.da.certificate import Statement, check_statement
from node.da.domain import Domain
from node.da.errors import DataRefused
from node.da.rows import Row, check_row
from node.da.shards import Promised, ShardStore
from node.store.versioned import CrashPoint, no_crash
from zk.errors import ChiaroError

FeePromise = Callable[[Statement], None]
"""Raises ChiaroError unless somebody has promised to pay for this blob, and can."""

CRASH_POINTS: Final = ("da-checked", "da-stored", "da-signed")


class MemberKey(Protocol):
    """A member's Ed25519 key; where its secret half lies is its own affair."""

    @property
    def public(self) -> bytes:
        """32 bytes."""
        ...

    def sign(self, digest: bytes) -> bytes:
        """64 bytes, the same ones whenever it is asked."""
        ...


class Attester:
    """Signs for rows that it has on disk, and for nothing else.

    Args:
        member_id: which member it is.
        key: that member's; kept, never shown.
        store: where rows go.
        fee_promise: asked about every statement (DA-9).
        crash_point: see `CrashPoint`.
    """

    def __init__(
        self,
        member_id: bytes,
        key: MemberKey,
        store: ShardStore,
        fee_promise: FeePromise,
        *,
        crash_point: CrashPoint = no_crash,
    ) -> None:
        self.member_id = member_id
        self._key = key
        self._store = store
        self._fee_promise = fee_promise
        self._crash_point = crash_point

    def attest(
        self,
        statement: Statement,
        rows: Sequence[Row],
        domain: Domain,
        chain_id: ChainId,
        height: Height,
        promised: Promised | None = None,
    ) -> bytes:
        """The signature, 64 bytes. Asked again, after a crash or not, it is the same one.

        Args:
            statement: what is to be signed.
            rows: all rows that are this member's, ascending, and no others.
            domain: of the statement.
            chain_id: of this chain.
            height: the next block's.
            promised: who answers for the fees, where it is another member.

        Raises:
            DataRefused: DA-11, DA-23 statement; DA-8 not this member's rows; DA-4 a wrong row;
                DA-9 nobody pays.
            StoreError: the disk refuses; nothing was signed.
        """
        check_statement(statement, domain, chain_id, height)
        place = domain.committee.index(self.member_id)
        if place is None or domain.committee.members[place].key != self._key.public:
            raise DataRefused("DA-8", "this node's key is not that of a member", where="committee")
        self._check_rows(statement, rows, domain)
        try:
            self._fee_promise(statement)
        except ChiaroError as error:
            raise DataRefused(
                "DA-9",
                f"no promise to pay: {error.message}",
                where="fee",
                why="rows that nobody pays for would fill the disks of all members",
                fix=error.fix,
            ) from error
        self._crash_point("da-checked")
        until = statement.expiry + domain.retention
        self._store.put(statement, rows, keep_until=until, promised=promised)
        self._crash_point("da-stored")
        # DA-10: `put` returned, so the rows are on disk whatever happens now.
        signature = self._key.sign(statement.digest(domain.committee))
        self._crash_point("da-signed")
        return signature

    def _check_rows(self, statement: Statement, rows: Sequence[Row], domain: Domain) -> None:
        """DA-8 and DA-4."""
        own = domain.assignment.rows_of(self.member_id)
        if [row.index for row in rows] != list(own):
            raise DataRefused(
                "DA-8",
                f"not exactly rows {own.start} to {own.stop - 1}, in order"
                if own
                else "this member has no rows",
                where="rows",
                why="a signature counts for all rows that are the member's",
            )
        for row in rows:
            check_row(statement.commitment, row)

    def __repr__(self) -> str:
        return f"Attester(member={self.member_id.hex()[:16]}…)"
