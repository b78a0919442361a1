"""What is in a bundle, in this order, and the two documents of its own that frame the rest.

    chiaro-audit.json            which chain, how far, digests of what comes before the blocks
    genesis.bin, genesis.toml    canonical bytes, whose hash is the chain id; the same for people
    keys/<statement>.vk.json     verifying keys, in snarkjs's form
    ceremony/<statement>.json    manifests of their ceremonies, where there are any
    blocks/0000000001.block      header and full transactions, `node.core.block.Block`
    blocks/0000000001.receipts   how they ended, `node.store.chain.decode_receipts`
    blocks/0000000001.blobs      blobs that it orders, if any (`node.lane.blobs.attached`)
    …
    end.json                     last block, state root after it, digest over all members

docs/audit.md says how to check digests by hand.
"""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec

from node.audit.errors import AuditError
from node.core.block import MAX_BLOCK_BYTES
from zk import jsontext

FORMAT: Final = "chiaro-audit"
VERSION: Final = 1
MANIFEST: Final = "chiaro-audit.json"
GENESIS: Final = "genesis.bin"
GENESIS_TEXT: Final = "genesis.toml"
END: Final = "end.json"

MAX_DOCUMENT: Final = 1 << 20
MAX_GENESIS: Final = 64 << 20
MAX_BLOCK: Final = 2 * MAX_BLOCK_BYTES
"""Transactions of a block have at most half of it together; lengths and header take the rest."""
MAX_RECEIPTS: Final = 16 * MAX_BLOCK_BYTES
MAX_HEIGHT: Final = 10**10 - 1

Document = TypeVar("Document", bound=msgspec.Struct)


class KeyRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A verifying key of the bundle, and what the exporter's registry says of it."""

    statement: str
    file: str
    digest: str
    r1cs: str
    verifying_key: str
    origin: str
    unsafe: str


class CeremonyRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The manifest of the ceremony that made a statement's key."""

    statement: str
    file: str
    digest: str


class FileRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of the bundle, and its digest."""

    file: str
    digest: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`chiaro-audit.json`. Digests are BLAKE2b-256; all bytes are hex without 0x."""

    format: str
    version: int
    program: str
    chain_id: str
    name: str
    profile: str
    height: int
    genesis: FileRecord
    keys: list[KeyRecord]
    ceremony: list[CeremonyRecord]


class End(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`end.json`: the last block, and the digest over all members before this one."""

    height: int
    tip: str
    state_root: str
    members: int
    digest: str


def dump(document: msgspec.Struct) -> bytes:
    """A document as the bundle holds it."""
    return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"


def load(data: bytes, kind: type[Document], name: str) -> Document:
    """AUD-005: exactly the documented members, and in the one form in which they are written.

    Raises:
        AuditError: AUD-005.
    """
    try:
        found = msgspec.convert(jsontext.loads(data), type=kind)
        written = dump(found)  # refuses text that is none: half of a surrogate pair
    except (ValueError, OverflowError, RecursionError) as error:
        raise AuditError("AUD-005", f"not the document it should be: {error}", where=name) from None
    if written != data:
        raise AuditError("AUD-005", "not the one encoding of this document", where=name)
    return found


def check_manifest(manifest: Manifest) -> Manifest:
    """AUD-005: of this format and version, with file names that a bundle may have.

    Raises:
        AuditError: AUD-005.
    """
    if manifest.format != FORMAT or manifest.version != VERSION:
        raise AuditError(
            "AUD-005",
            f"format {manifest.format[:40]!a}, version {manifest.version}: "
            f"this program reads {FORMAT}, version {VERSION}",
            where=MANIFEST,
            fix="use the version of the program that made the bundle",
        )
    if not 0 <= manifest.height <= MAX_HEIGHT:
        raise AuditError("AUD-005", f"height {manifest.height}", where=MANIFEST)
    statements = [key.statement for key in manifest.keys]
    names = [(key.file, key_file(key.statement)) for key in manifest.keys]
    names += [(manifest.genesis.file, GENESIS)]
    names += [(item.file, ceremony_file(item.statement)) for item in manifest.ceremony]
    if manifest.ceremony and [item.statement for item in manifest.ceremony] != statements:
        raise AuditError("AUD-005", "ceremonies of some statements only", where=MANIFEST)
    if len(set(statements)) != len(statements) or any(a != b for a, b in names):
        raise AuditError("AUD-005", "a file of another name than is due", where=MANIFEST)
    return manifest


def key_file(statement: str) -> str:
    """Where the verifying key of a statement stands."""
    return f"keys/{statement.replace('/', '-')[:64]}.vk.json"


def ceremony_file(statement: str) -> str:
    """Where the manifest of its ceremony stands."""
    return f"ceremony/{statement.replace('/', '-')[:64]}.json"


def block_file(height: int) -> str:
    """Where a block stands."""
    return f"blocks/{height:010}.block"


def receipts_file(height: int) -> str:
    """Where its receipts stand."""
    return f"blocks/{height:010}.receipts"


def blobs_file(height: int) -> str:
    """Where the blobs stand that it ordered, if it did."""
    return f"blocks/{height:010}.blobs"
