"""Files of guardians: a key under a password, and an order that passes from one to the next.

KEY.json      0600; the public key in the clear, the seed as in a wallet: Argon2id →
              ChaCha20-Poly1305 (`node.cli.keystore`)
ORDER.json    public: the order's fields, its digest, the signatures so far
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from node.cli import keystore
from node.cli.keystore import Keystore, Locked, WalletError
from node.cli.session import private_folder
from node.cli.verify import read_file, readable
from zk import files, jsontext
from zk.errors import ChiaroError

if TYPE_CHECKING:
    from node.execution.order import Order
    from transparent.signature import SigningKey

KIND: Final = "guardian"
VERSION: Final = 1
ORDER_SCHEMA: Final = "chiaro.order-file/1"
_HEX: Final = re.compile(r"0x(?:[0-9a-f]{2})*")
_MAX_U64: Final = 2**64 - 1
_FIELDS: Final = frozenset(
    {
        "schema", "chain", "chain_profile", "chain_id", "guardians", "threshold", "sequence",
        "pool", "state", "insecure", "not_before", "expiry", "deadline", "reason", "digest",
        "signatures",
    }
)  # fmt: skip


class GuardianFile(ChiaroError):
    """A guardian's key file or an order's file that is missing parts, damaged or there already."""

    code = "GRD-001"
    exit_code = 3
    why = "an order that is read loosely is another order"
    fix = "make it anew with `chiaro guardian key` or `chiaro guardian order`"


class NotSigned(ChiaroError):
    """An order that its chain would not take: too few signatures, a stranger's, another number."""

    code = "GRD-002"
    exit_code = 5
    why = "a chain obeys a majority of its guardians, and each order once"
    fix = "`chiaro guardian show FILE` says who has signed"


@dataclass(frozen=True, slots=True)
class OrderFile:
    """An order, and what its maker's node said of the chain: for people, and checked at the end.

    Attributes:
        order: with the signatures so far.
        chain, profile: name and profile of the chain.
        guardians, threshold: of the chain, as its node said.
    """

    order: Order
    chain: str
    profile: str
    guardians: tuple[bytes, ...]
    threshold: int


# --- keys -----------------------------------------------------------------------------------------


def new_key(path: Path, profile: str, password: str) -> bytes:
    """Make a key from the system's randomness and write it under the password; the public half.

    Raises:
        GuardianFile: there is a file already.
        Locked: the password is too short.
    """
    from transparent.signature import SigningKey

    seed = secrets.token_bytes(32)
    public = bytes(SigningKey(seed).account)
    sealed = keystore.encrypt(_store(path, profile, public, None), seed, password)
    document = {
        "version": VERSION,
        "kind": KIND,
        "profile": profile,
        "public_key": "0x" + public.hex(),
        "secret": sealed.secret,
    }
    data = json.dumps(document, indent=1).encode()
    with readable(path):
        private_folder(path.parent)
        try:
            files.write(path, data, mode=files.PRIVATE, durable=True, new=True)
        except FileExistsError:
            raise GuardianFile(
                "there is a file of that name already", where=str(path),
                why="overwriting a key destroys it", fix="name another file",
            ) from None  # fmt: skip
    return public


def public_key(path: Path) -> bytes:
    """The public half of a key file; needs no password. Raises GuardianFile."""
    return _read_key(path)[0]


def open_key(path: Path, password: str) -> SigningKey:
    """The key of a file.

    Raises:
        GuardianFile: it is none, or damaged.
        Locked: wrong password, or the file was changed.
    """
    from transparent.signature import SigningKey

    public, store = _read_key(path)
    try:
        key = SigningKey(keystore.decrypt(store, password))
    except Locked:
        raise Locked("wrong password, or the key file was changed", where=str(path)) from None
    except (WalletError, ValueError):
        raise GuardianFile("the key file is damaged", where=str(path)) from None
    if bytes(key.account) != public:
        raise GuardianFile("the key file's two halves do not match", where=str(path))
    return key


def _read_key(path: Path) -> tuple[bytes, Keystore]:
    try:
        document = jsontext.loads(read_file(path))
        kind, profile = document["kind"], document["profile"]
        public, secret = _bytes(document["public_key"], 32), document["secret"]
        if (document["version"], kind) != (VERSION, KIND):
            raise ValueError
        if not isinstance(secret, dict) or not isinstance(profile, str):
            raise ValueError
    except (ValueError, KeyError, TypeError):
        raise GuardianFile("not a guardian's key file", where=str(path)) from None
    return public, _store(path, profile, public, secret)


def _store(path: Path, profile: str, public: bytes, secret: dict[str, Any] | None) -> Keystore:
    """A keystore of this kind: the same encryption, the clear fields authenticated with it."""
    return Keystore(path.stem, KIND, profile, "", public.hex(), 0, secret)


# --- orders ---------------------------------------------------------------------------------------


def order_document(found: OrderFile) -> dict[str, Any]:
    """An order in JSON; bytes as hex, heights as numbers."""
    order = found.order
    return {
        "schema": ORDER_SCHEMA,
        "chain": found.chain,
        "chain_profile": found.profile,
        "chain_id": "0x" + order.chain_id.hex(),
        "guardians": ["0x" + key.hex() for key in found.guardians],
        "threshold": found.threshold,
        "sequence": order.sequence,
        "pool": order.pool.label,
        "state": order.state.label,
        "insecure": order.insecure,
        "not_before": order.not_before,
        "expiry": order.expiry,
        "deadline": order.deadline,
        "reason": order.reason,
        "digest": "0x" + order.digest.hex(),
        "signatures": [
            {"guardian": "0x" + key.hex(), "signature": "0x" + signature.hex()}
            for key, signature in order.signatures
        ],
    }


def write_order(found: OrderFile, path: Path) -> None:
    """The file, whole or not at all."""
    with readable(path):
        files.write(path, (json.dumps(order_document(found), indent=1) + "\n").encode())


def read_order(path: Path) -> OrderFile:
    """An order's file; each signature in it is checked.

    Raises:
        GuardianFile: not of the documented form, a digest or a signature that does not fit.
    """
    from node.core.errors import InvalidTransaction
    from transparent.signature import check_signature

    try:
        document = jsontext.loads(read_file(path))
        if not isinstance(document, dict) or document.keys() != _FIELDS:
            raise ValueError
        found = _order_file(document)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise GuardianFile("not an order of guardians", where=str(path)) from None
    if document["digest"] != "0x" + found.order.digest.hex():
        raise GuardianFile("the digest is not that of the order's fields", where=str(path))
    for guardian, signature in found.order.signatures:
        try:
            check_signature(guardian, found.order.digest, signature, rule="EX-27")
        except InvalidTransaction as error:
            raise GuardianFile(
                f"{guardian.hex()[:16]}…: {error.message}", where=str(path),
                why="the order was changed after it was signed, or the signature was",
                fix="go back to the file that this guardian signed",
            ) from None  # fmt: skip
    return found


def _order_file(document: Mapping[str, Any]) -> OrderFile:
    """ValueError, KeyError or TypeError where it is none."""
    from node.core.ids import AccountId, ChainId, EnvironmentId, Height
    from node.execution.order import MAX_REASON, MAX_STATEMENT, Order, PoolState

    texts = {name: document[name] for name in ("chain", "chain_profile", "insecure", "reason")}
    for name, most in (
        ("insecure", MAX_STATEMENT), ("reason", MAX_REASON), ("chain", 64), ("chain_profile", 64),
    ):  # fmt: skip
        if len(texts[name]) > most or not texts[name].isascii() or not _printable(texts[name]):
            raise ValueError(name)
    numbers = ("sequence", "not_before", "expiry", "deadline", "threshold")
    if document["schema"] != ORDER_SCHEMA or not all(_is_u64(document[name]) for name in numbers):
        raise ValueError
    signatures = tuple(
        (AccountId(_bytes(item["guardian"], 32)), _bytes(item["signature"], 64))
        for item in document["signatures"]
    )
    if list(signatures) != sorted(dict(signatures).items()):
        raise ValueError
    order = Order(
        ChainId(_bytes(document["chain_id"], 32)),
        document["sequence"],
        EnvironmentId[document["pool"].upper()],
        PoolState.of(document["state"]),
        texts["insecure"],
        Height(document["not_before"]),
        Height(document["expiry"]),
        Height(document["deadline"]),
        texts["reason"],
        signatures,
    )
    guardians = tuple(_bytes(item, 32) for item in document["guardians"])
    return OrderFile(
        order, texts["chain"], texts["chain_profile"], guardians, document["threshold"]
    )


def _printable(text: str) -> bool:
    return all(0x20 <= ord(c) < 0x7F for c in text)


def _is_u64(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MAX_U64


def _bytes(text: object, size: int) -> bytes:
    if not isinstance(text, str) or not _HEX.fullmatch(text) or len(text) != 2 + 2 * size:
        raise ValueError("not bytes")
    return bytes.fromhex(text[2:])
