"""Intents of a wallet on disk: one private file each, from the draft to the end.

    wallets/NAME/intents/N.json      0600, replaced in one step

An intent before it is opened is secret: its holder can read what is given and wanted, and its
envelope says who pays. Like the wallet's scanned state it lies in the clear behind 0600 and 0700;
no key is in it. What is sealed is written here before it is sent, so that whatever interrupts a
command, the same bytes are sent again and an intent is never ordered twice.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from node.cli import keystore
from node.cli.session import Places, write_private
from node.core.errors import NotFound
from node.core.ids import Kind
from shielded.json_values import fr_from_hex, fr_to_hex
from zk import jsontext
from zk.errors import ChiaroError

VERSION: Final = 1
FOLDER: Final = "intents"
_HEX: Final = set("0123456789abcdef")
_LEAST_PREFIX: Final = 8


class BadIntentFile(ChiaroError):
    """A kept intent that cannot be read."""

    code = "WOP-022"
    exit_code = 3
    why = "sending what was misread could give away the wrong thing"
    fix = "move the file away; if it was never sent, nothing is lost: make the intent again"


class Outcome(StrEnum):
    """How an intent ended, for its owner."""

    OPEN = ""
    SETTLED = "settled"
    EXPIRED = "expired"
    REFUSED = "refused"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Sum:
    """Base units of an asset, with the name that it had."""

    asset: str
    kind: Kind
    amount: int


@dataclass(frozen=True, slots=True, repr=False)
class Sent:
    """A sealed intent.

    Attributes:
        id: of the envelope, 32 bytes.
        wire: the whole transaction that orders it.
        epoch: of the key under which it is sealed.
        payer: account that pays, 32 bytes.
        payer_index: of its key in the wallet's seed; 0: the wallet's own account.
        fee: base units, for ordering.
        order_until: last height of a block that may order it.
        size: bytes of the envelope.
        tx_id: of the transaction.
        taken: a node has taken it.
    """

    id: bytes
    wire: bytes
    epoch: int
    payer: bytes
    payer_index: int
    fee: int
    order_until: int
    size: int
    tx_id: bytes
    taken: bool = False

    def __repr__(self) -> str:
        return "<Sent: hidden>"


@dataclass(frozen=True, slots=True, repr=False)
class Published:
    """An intent that went out unsealed.

    Attributes:
        message: encoded (`node.gossip.message.Message`).
        id: of the message, 32 bytes.
        to: node key of the only recipient; None: everyone.
        height: of the chain when it was signed.
        taken: a node holds it.
    """

    message: bytes
    id: bytes
    to: bytes | None
    height: int
    taken: bool = False

    def __repr__(self) -> str:
        return "<Published: hidden>"


@dataclass(frozen=True, slots=True, repr=False)
class Kept:
    """An intent of a wallet.

    Attributes:
        number: in this wallet, from 1.
        schema: `swap`, `limit` or `complete`.
        chain_id: 32 bytes.
        domain, domain_name: where it is meant to be ordered.
        epoch: the only one in which it settles; None: any.
        intent: encoded (`node.core.intent.Intent`), secret until it is opened.
        gives, wants: for people.
        fee: base units beside what is given, due when it settles.
        expiry: last height at which it may settle.
        proofs: how many it has.
        notes: positions of the wallet's notes that it spends; reserved until it is over.
        made_ms: milliseconds since 1970.
        one_time: number of the key of the account that pays for it alone; 0: it has none.
        sent: once sealed.
        published: once signed to go out unsealed; then it is never sealed.
        batch: number of its batch, once known.
        opened: everybody could read it.
        outcome, why, height: how it ended, and in which block.
    """

    number: int
    schema: str
    chain_id: bytes
    domain: int
    domain_name: str
    epoch: int | None
    intent: bytes
    gives: tuple[Sum, ...]
    wants: tuple[Sum, ...]
    fee: int
    expiry: int
    proofs: int
    notes: tuple[int, ...]
    made_ms: int
    one_time: int = 0
    sent: Sent | None = None
    published: Published | None = None
    batch: int | None = None
    opened: bool = False
    outcome: Outcome = Outcome.OPEN
    why: str = ""
    height: int | None = None

    def __repr__(self) -> str:
        return f"<Kept: intent {self.number}, hidden>"

    @property
    def name(self) -> str:
        """What commands call it."""
        return f"i-{self.number}"

    @property
    def over(self) -> bool:
        return self.outcome is not Outcome.OPEN

    def with_(self, **changes: Any) -> Kept:
        """The same, with changes."""
        return dataclasses.replace(self, **changes)


def folder(places: Places, wallet: str) -> Path:
    """Of a wallet's intents."""
    return keystore.folder(places, wallet) / FOLDER


def save(places: Places, wallet: str, kept: Kept) -> Path:
    """Write an intent, whole or not at all; 0600."""
    path = folder(places, wallet) / f"{kept.number}.json"
    write_private(path, json.dumps(_document(kept), indent=1).encode() + b"\n")
    return path


def next_number(places: Places, wallet: str) -> int:
    """Above all that there are."""
    return 1 + max((_number(path) for path in _paths(places, wallet)), default=0)


def all_of(places: Places, wallet: str) -> list[Kept]:
    """Newest first. Raises BadIntentFile."""
    return [load(path) for path in reversed(_paths(places, wallet))]


def find(places: Places, wallet: str, identity: str) -> Kept:
    """An intent by number (`3`, `i-3`), or by a unique prefix of its id or its envelope's.

    A prefix has eight digits at least, so that no number is taken for one.

    Raises:
        NotFound: none, or several.
        BadIntentFile: a file that cannot be read.
    """
    text = identity.strip().lower()
    digits, prefix = text.removeprefix("i-"), text.removeprefix("0x")
    found = []
    if digits.isascii() and digits.isdigit() and len(digits) < _LEAST_PREFIX:
        path = folder(places, wallet) / f"{int(digits)}.json"
        found = [load(path)] if path.is_file() else []
    elif len(prefix) >= _LEAST_PREFIX and set(prefix) <= _HEX:
        found = [item for item in all_of(places, wallet) if _matches(item, prefix)]
    if len(found) != 1:
        what = "several intents" if found else "no intent"
        raise NotFound(
            f"wallet {wallet} has {what} {identity!r}",
            why="" if found else "intents are kept by the wallet that made them",
            fix="`chiaro intent list` shows them",
        )
    return found[0]


def load(path: Path) -> Kept:
    """Read an intent's file, strictly.

    Raises:
        BadIntentFile: it is none.
    """
    try:
        return _kept(jsontext.loads(path.read_bytes()))
    except (OSError, ValueError, KeyError, TypeError, ChiaroError):
        raise BadIntentFile("not the file of a kept intent", where=str(path)) from None


def paths_in(home: Path) -> list[Path]:
    """Files of intents in a folder, by number."""
    found = home.glob("*.json")
    return sorted((p for p in found if p.stem.isascii() and p.stem.isdigit()), key=_number)


def _paths(places: Places, wallet: str) -> list[Path]:
    return paths_in(folder(places, wallet))


def _number(path: Path) -> int:
    return int(path.stem)


def _matches(item: Kept, prefix: str) -> bool:
    from node.core.intent import Intent

    ids = [Intent.from_bytes(item.intent).id] + ([item.sent.id] if item.sent else [])
    ids += [item.published.id] if item.published else []
    return any(found.hex().startswith(prefix) for found in ids)


def _sum(item: Sum) -> dict[str, str]:
    kind = f"{fr_to_hex(item.kind.logic)}:{fr_to_hex(item.kind.label)}"
    return {"asset": item.asset, "kind": kind, "amount": str(item.amount)}


def _read_sum(item: dict[str, str]) -> Sum:
    logic, _, label = item["kind"].partition(":")
    return Sum(item["asset"], Kind(fr_from_hex(logic), fr_from_hex(label)), int(item["amount"]))


def _published(item: Published) -> dict[str, Any]:
    return {
        "message": item.message.hex(),
        "id": item.id.hex(),
        "to": None if item.to is None else item.to.hex(),
        "height": item.height,
        "taken": item.taken,
    }


def _read_published(item: dict[str, Any] | None) -> Published | None:
    if item is None:
        return None
    to = None if item["to"] is None else bytes.fromhex(item["to"])
    message, name = bytes.fromhex(item["message"]), bytes.fromhex(item["id"])
    return Published(message, name, to, int(item["height"]), bool(item["taken"]))


def _document(kept: Kept) -> dict[str, Any]:
    sent = kept.sent
    return {
        "version": VERSION,
        "number": kept.number,
        "schema": kept.schema,
        "chain_id": kept.chain_id.hex(),
        "domain": kept.domain,
        "domain_name": kept.domain_name,
        "epoch": kept.epoch,
        "intent": kept.intent.hex(),
        "gives": [_sum(item) for item in kept.gives],
        "wants": [_sum(item) for item in kept.wants],
        "fee": str(kept.fee),
        "expiry": kept.expiry,
        "proofs": kept.proofs,
        "notes": list(kept.notes),
        "made_ms": kept.made_ms,
        "one_time": kept.one_time,
        "sent": None
        if sent is None
        else {
            "id": sent.id.hex(),
            "wire": sent.wire.hex(),
            "epoch": sent.epoch,
            "payer": sent.payer.hex(),
            "payer_index": sent.payer_index,
            "fee": str(sent.fee),
            "order_until": sent.order_until,
            "size": sent.size,
            "tx_id": sent.tx_id.hex(),
            "taken": sent.taken,
        },
        "published": None if kept.published is None else _published(kept.published),
        "batch": kept.batch,
        "opened": kept.opened,
        "outcome": str(kept.outcome),
        "why": kept.why,
        "height": kept.height,
    }


def _kept(found: dict[str, Any]) -> Kept:
    if found["version"] != VERSION:
        raise ValueError("another version")
    sent = found["sent"]
    return Kept(
        number=int(found["number"]),
        schema=str(found["schema"]),
        chain_id=bytes.fromhex(found["chain_id"]),
        domain=int(found["domain"]),
        domain_name=str(found["domain_name"]),
        epoch=None if found["epoch"] is None else int(found["epoch"]),
        intent=bytes.fromhex(found["intent"]),
        gives=tuple(_read_sum(item) for item in found["gives"]),
        wants=tuple(_read_sum(item) for item in found["wants"]),
        fee=int(found["fee"]),
        expiry=int(found["expiry"]),
        proofs=int(found["proofs"]),
        notes=tuple(int(item) for item in found["notes"]),
        made_ms=int(found["made_ms"]),
        one_time=int(found["one_time"]),
        sent=None
        if sent is None
        else Sent(
            id=bytes.fromhex(sent["id"]),
            wire=bytes.fromhex(sent["wire"]),
            epoch=int(sent["epoch"]),
            payer=bytes.fromhex(sent["payer"]),
            payer_index=int(sent["payer_index"]),
            fee=int(sent["fee"]),
            order_until=int(sent["order_until"]),
            size=int(sent["size"]),
            tx_id=bytes.fromhex(sent["tx_id"]),
            taken=bool(sent["taken"]),
        ),
        published=_read_published(found["published"]),
        batch=None if found["batch"] is None else int(found["batch"]),
        opened=bool(found["opened"]),
        outcome=Outcome(found["outcome"]),
        why=str(found["why"]),
        height=None if found["height"] is None else int(found["height"]),
    )
