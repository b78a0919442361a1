"""A wallet's ledger with what people need beside it: names of assets, times of blocks."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from node.cli import connection, output, show, wallets
from node.cli.session import Session
from node.cli.wallet_db import WalletDb
from zk import jsontext
from zk.errors import ChiaroError

if TYPE_CHECKING:
    from node.core.ids import Kind
    from node.rpc.client import NodeClient
    from shielded.address import Address
    from shielded.ledger import Ledger, Movement

PAGE: Final = 500
"""Blocks per question for times."""
_TIMES: Final = "block_times"
_MOST_TIMES: Final = 1 << 26
"""Bytes of stored times; millions of blocks."""


@dataclass(frozen=True, slots=True, repr=False)
class Books:
    """One wallet's ledger, ready to be written down.

    Attributes:
        wallet, profile: whose.
        chain_id: hex; empty before the first synchronisation.
        ledger: the movements.
        names: name of a kind.
        times: height → milliseconds since 1970, as far as known.
        tip: the node's height; None: no node was asked.
    """

    wallet: str
    profile: str
    chain_id: str
    ledger: Ledger
    names: Callable[[Kind], str]
    times: dict[int, int]
    tip: int | None

    def __repr__(self) -> str:
        return f"<Books: {self.wallet}, hidden>"

    def time(self, height: int) -> str:
        """When a block was made, UTC; empty where it is not known."""
        found = self.times.get(height)
        return "" if found is None else show.when(found)

    def counterparty(self, movement: Movement) -> str:
        """Address or account on the other side, as far as known."""
        if movement.address is not None:
            return _address_text(movement.address, self.profile)
        return "0x" + movement.account.hex() if movement.account else ""

    @property
    def statement(self) -> tuple[str, ...]:
        """What these books speak for, and what their key cannot prove.  Rule SH-64."""
        from shielded.viewing import completeness

        books = self.ledger
        return (completeness(books.birthday, books.height), *books.view.cannot_prove)


@functools.lru_cache(maxsize=4096)
def _address_text(address: Address, network: str) -> str:
    """Text of an address; payees come again."""
    return address.encode(network)


def load(session: Session) -> Books:
    """Synchronise if a node answers, and read the chosen wallet's ledger.

    Raises:
        LedgerMismatch: SH-63, the stored history does not add up.
        OtherChain, ChainBehind, AnchorMismatch: the node's chain is not the wallet's.
    """
    from node.cli import wallet_spend, wallet_sync
    from shielded.ledger import ledger

    name = wallets.choose(session)
    with (
        wallets.opened(session.places, name, profile=session.profile) as wallet,
        connection.if_reachable(session) as client,
    ):
        status = None if client is None else client.status()
        if client is not None:
            with output.progress(session, "sync") as progress:
                wallet_sync.sync(wallet, client, progress)
        books = ledger(wallet.state)
        heights = {movement.height for movement in books.movements}
        with output.progress(session, "times") as progress:
            times = block_times(wallet.db, client, heights, progress)
        if client is None:
            session.warnings.append(
                f"no node at {session.node}: not scanned after height {books.height}"
            )
        if heights - times.keys():
            session.warnings.append(
                "times of some blocks are not known here; with a node they are filled in"
            )
        chain = wallet.db.get("chain_id") or b""
        return Books(
            name,
            session.profile,
            chain.hex(),
            books,
            wallet_spend.asset_names(status),
            times,
            None if status is None else status.height,
        )


def block_times(
    db: WalletDb,
    client: NodeClient | None,
    heights: Iterable[int],
    progress: output.Report = lambda _phase, _share: None,
) -> dict[int, int]:
    """Times of blocks, asked once and kept: height → milliseconds since 1970.

    Args:
        db: of the wallet.
        client: None: only what is kept.
        heights: which.
        progress: called with `blocks` and the share done.
    """
    known = _stored_times(db)
    wanted = sorted(set(heights))
    missing = [height for height in wanted if height not in known]
    if client is not None and missing:
        found = dict[int, int]()
        for done, height in enumerate(missing):
            if height in found:
                continue
            last = max(other for other in missing[done : done + PAGE] if other < height + PAGE)
            page = client.blocks(height, last - height + 1)
            found |= {block.height: int(block.time_ms) for block in page.blocks}
            progress("blocks", (done + 1) / len(missing))
        known |= {height: found[height] for height in missing if height in found}
        chain = (db.get("chain_id") or b"").hex()
        document = {"chain": chain, "times": sorted(known.items())}
        db.put(_TIMES, json.dumps(document, separators=(",", ":")).encode())
    return {height: known[height] for height in wanted if height in known}


def _stored_times(db: WalletDb) -> dict[int, int]:
    """What is kept for the wallet's chain; nothing where it is of another, or damaged."""
    data = db.get(_TIMES)
    if data is None:
        return {}
    try:
        document: Any = jsontext.loads(data, most_bytes=_MOST_TIMES)
        if document["chain"] != (db.get("chain_id") or b"").hex():
            return {}
        return {int(height): int(time) for height, time in document["times"]}
    except (ValueError, KeyError, TypeError):
        return {}


def asset_id(kind: Kind) -> str:
    """A kind in full: logic and label, hexadecimal."""
    return f"{kind.logic:064x}:{kind.label:064x}"


def movement_data(movement: Movement, books: Books) -> dict[str, Any]:
    """A movement in JSON: amounts as decimal text, bytes as 0x-hex, memos exact."""
    from node.core.amounts import format_amount
    from shielded.encryption import memo_to_text

    memo = memo_to_text(movement.memo)
    return {
        "height": movement.height,
        "time": books.time(movement.height) or None,
        "tx_id": "0x" + movement.tx_id.hex(),
        "direction": movement.direction,
        **show.amount(movement.quantity, books.names(movement.kind)),
        "asset_id": asset_id(movement.kind),
        "effect": format_amount(movement.effect),
        "running": format_amount(movement.running),
        "fee": None if movement.fee is None else format_amount(movement.fee),
        "internal": movement.internal,
        "output": movement.output,
        "counterparty": books.counterparty(movement) or None,
        "address_index": movement.address_index,
        "memo": memo or "",
        "memo_hex": None if memo is not None else "0x" + movement.memo.rstrip(b"\0").hex(),
    }


class UnknownFormat(ChiaroError):
    """A file name that does not say which of the known formats is meant."""

    code = "WOP-021"
    exit_code = 2
    why = "a file whose name and content disagree is opened with the wrong program"
    fix = "name the format, or end the file's name with it"


def format_of(chosen: str | None, suffix: str, known: tuple[str, ...], default: str) -> str:
    """The format asked for, else the one that the file's name says.

    Raises:
        UnknownFormat: none of the known.
    """
    if chosen is not None and chosen not in known:
        raise UnknownFormat(f"no format {chosen!r}; known: {', '.join(known)}")
    ending = suffix.removeprefix(".").lower()
    return chosen or (ending if ending in known else default)
