"""Where a chain's history comes from: a bundle, a node that answers, the folder of a stopped one.

All of them give the same: genesis, blocks and receipts as bytes in order, and what they say of the
last block. None of it is believed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple, Protocol

from node.app.errors import AlreadyRunning, NoNode
from node.app.homes import SHARDS_FOLDER, open_rows
from node.app.node import CHAIN_FOLDER
from node.app.process import GENESIS_FILE, LOCK_FILE
from node.audit import bundle
from node.audit.archive import Reader, digest
from node.audit.errors import AuditError
from node.core.errors import NotFound
from node.core.genesis import Genesis
from node.core.genesis_file import format_genesis, load_genesis
from node.core.ids import Height
from node.lane.blobs import attached
from node.lane.blobs.blob import BlobSource, NoBlobs, ShardBlobs
from node.rpc.client import NodeClient
from node.rpc.text import bytes_of
from node.store.chain import Chain
from node.store.versioned import VersionedStore
from zk.errors import DecodeError, ParamsError


class Raw(NamedTuple):
    """A block at its place in the history, as bytes; `blobs` is what lies beside it (AUD-019)."""

    height: int
    block: bytes
    receipts: bytes
    blobs: bytes = b""


@dataclass(frozen=True, slots=True)
class Tip:
    """What a source says of the last block that it gives; `tip` is the hash of its header."""

    height: int
    tip: bytes
    state_root: bytes


class Source(Protocol):
    """A history.

    Attributes:
        what: kind of source, for people.
        genesis: of the chain.
        height: of the last block that `blocks` gives.
        keys: verifying keys as documents, by statement; empty: use the installation's.
        ceremony: manifests of ceremonies, by statement; empty where it has none.
    """

    @property
    def what(self) -> str: ...

    @property
    def genesis(self) -> Genesis: ...

    @property
    def height(self) -> int: ...

    @property
    def keys(self) -> Mapping[str, bytes]: ...

    @property
    def ceremony(self) -> Mapping[str, bytes]: ...

    def blocks(self, first: int) -> Iterator[Raw]:
        """Every block from height `first`, or from a lower one, up to `height`, without gaps."""
        ...

    def end(self) -> Tip:
        """What the source says of the last block; asked for when `blocks` is exhausted."""
        ...


class BundleSource:
    """A bundle. The frame before the blocks is read at once, the blocks as they are asked for.

    Args:
        file: binary, seekable, at its start.
        size: in bytes.
        name: of the file, for people.

    Raises:
        AuditError: AUD-001 … AUD-008.
    """

    def __init__(self, file: IO[bytes], size: int, name: str) -> None:
        self.what = f"bundle {name}"
        self._reader = Reader(file, size)
        take = self._reader.take
        document = take(bundle.MANIFEST, bundle.MAX_DOCUMENT)
        self.manifest = bundle.check_manifest(
            bundle.load(document, bundle.Manifest, bundle.MANIFEST)
        )
        self.height = self.manifest.height
        self.genesis = self._read_genesis()
        self.keys: dict[str, bytes] = {}
        for key in self.manifest.keys:
            self.keys[key.statement] = take(key.file, bundle.MAX_DOCUMENT)
            _check_digest(self.keys[key.statement], key.digest, key.file)
        self.ceremony: dict[str, bytes] = {}
        for item in self.manifest.ceremony:
            self.ceremony[item.statement] = take(item.file, bundle.MAX_DOCUMENT)
            _check_digest(self.ceremony[item.statement], item.digest, item.file)
        self._end: Tip | None = None

    def _read_genesis(self) -> Genesis:
        """AUD-007: the text is that of the canonical bytes, which hash to the manifest's chain id.

        The text is made and compared, not parsed: TOML's parser takes hours over hostile megabytes.
        """
        data = self._reader.take(bundle.GENESIS, bundle.MAX_GENESIS)
        _check_digest(data, self.manifest.genesis.digest, bundle.GENESIS)
        text = self._reader.take(bundle.GENESIS_TEXT, bundle.MAX_GENESIS)
        try:
            genesis = Genesis.from_bytes(data)
        except (DecodeError, ParamsError) as error:
            raise AuditError(
                "AUD-007", f"{error.id}: {error.message}", where=error.where or bundle.GENESIS
            ) from error
        if format_genesis(genesis, json_format=False).encode() != text:
            raise AuditError("AUD-007", "is not the text of genesis.bin", where=bundle.GENESIS_TEXT)
        manifest = self.manifest
        said = (manifest.chain_id, manifest.name, manifest.profile)
        if said != (genesis.chain_id.hex(), genesis.name, genesis.profile):
            raise AuditError(
                "AUD-007",
                f"genesis is of chain {genesis.name} {genesis.chain_id.hex()[:16]}…",
                where=bundle.MANIFEST,
            )
        named = [item.statement for item in genesis.statements]
        if named != [key.statement for key in manifest.keys]:
            raise AuditError(
                "AUD-009",
                f"genesis names {', '.join(named) or 'no statement'}, the bundle has other keys",
                where=bundle.MANIFEST,
            )
        return genesis

    def blocks(self, first: int) -> Iterator[Raw]:  # noqa: ARG002 - a stream has one beginning
        """Every block of the bundle, and then its end."""
        for height in range(1, self.height + 1):
            block = self._reader.take(bundle.block_file(height), bundle.MAX_BLOCK)
            receipts = self._reader.take(bundle.receipts_file(height), bundle.MAX_RECEIPTS)
            blobs = b""
            if attached.due_raw(block, receipts):
                blobs = self._reader.take(bundle.blobs_file(height), attached.MAX_BYTES)
            yield Raw(height, block, receipts, blobs)
        self._read_end()

    def _read_end(self) -> None:
        listing = self._reader.listing
        members, found = listing.members, listing.hexdigest()
        data = self._reader.take(bundle.END, bundle.MAX_DOCUMENT)
        end = bundle.load(data, bundle.End, bundle.END)
        self._reader.end()
        if (end.members, end.digest) != (members, found):
            raise AuditError(
                "AUD-006",
                f"{members} members with digest {found[:16]}…, "
                f"the end says {end.members} and {end.digest[:16]!a}…",
                where=bundle.END,
            )
        if end.height != self.height:
            raise AuditError(
                "AUD-015", f"ends at {end.height}, begins as {self.height}", where=bundle.END
            )
        try:
            tip = bytes_of(end.tip, 32, where="tip")
            root = bytes_of(end.state_root, 32, where="state_root")
        except DecodeError as error:
            raise AuditError(
                "AUD-005", error.message, where=f"{bundle.END}: {error.where}"
            ) from error
        self._end = Tip(end.height, tip, root)

    def end(self) -> Tip:
        if self._end is None:
            raise AuditError("AUD-004", "asked for the end before the blocks", where=bundle.END)
        return self._end


def _check_digest(data: bytes, expected: str, name: str) -> None:
    """AUD-006."""
    found = digest(data)
    if found != expected:
        raise AuditError(
            "AUD-006",
            f"digest {found[:16]}…, the manifest says {expected[:16]!a}…",
            where=name,
        )


class _Live:
    """What a history without a file has in common."""

    what: str
    genesis: Genesis
    height: int

    def __init__(self) -> None:
        self.keys: dict[str, bytes] = {}
        self.ceremony: dict[str, bytes] = {}


class NodeSource(_Live):
    """A node over its RPC, up to `to` or its tip of now.

    Raises:
        NotFound: the chain is not that high.
    """

    def __init__(self, client: NodeClient, to: int | None = None) -> None:
        super().__init__()
        self._client = client
        self.what = f"node {client.url}"
        self.genesis = client.genesis()
        tip = client.status().height
        self.height = _height(to, tip)

    def blocks(self, first: int) -> Iterator[Raw]:
        for item in self._client.raw(max(first, 1), self.height):
            yield Raw(*item)

    def end(self) -> Tip:
        if self.height == 0:
            status = self._client.status()
            root = self._client.block(1).state_root if status.height else status.state_root
            return Tip(0, bytes(32), bytes_of(root, 32))
        found = self._client.block(self.height)
        return Tip(self.height, bytes_of(found.hash, 32), bytes_of(found.root_after, 32))


class FolderSource(_Live):
    """The folder of a node that does not run; see `opened`.

    Args:
        store: of the chain.
        genesis: of it.
        name: of the folder, for people.
        to: last height; default: all.
        blobs: where the bytes of dispersed intents are.
    """

    def __init__(
        self,
        store: VersionedStore,
        genesis: Genesis,
        name: str,
        to: int | None,
        blobs: BlobSource | None = None,
    ) -> None:
        super().__init__()
        self._blobs = blobs or NoBlobs()
        self._chain = Chain(store)
        self.what = f"folder {name}"
        self.genesis = genesis
        self.height = _height(to, store.height)

    def blocks(self, first: int) -> Iterator[Raw]:
        for height in range(max(first, 1), self.height + 1):
            block, receipts = self._chain.raw(Height(height))
            commitments = attached.due_raw(block, receipts)
            yield Raw(height, block, receipts, attached.collect(commitments, self._blobs))

    def end(self) -> Tip:
        at = Height(self.height)
        tip = self._chain.header(at).hash if at else bytes(32)
        return Tip(at, tip, self._chain.root_after(at))


@contextmanager
def opened(home: Path, to: int | None = None) -> Iterator[FolderSource]:
    """The history in a node's folder, which is locked meanwhile.

    Raises:
        NoNode: there is none.
        AlreadyRunning: RPC-16, it runs: ask it instead.
        StoreError: the database is damaged.
    """
    from filelock import FileLock, Timeout

    from node.store.rocksdb import open_store

    if not (home / GENESIS_FILE).is_file():
        raise NoNode("there is no node in this folder", where=str(home))
    lock = FileLock(home / LOCK_FILE)
    try:
        lock.acquire(timeout=0.5)
    except Timeout:
        raise AlreadyRunning("RPC-16: the node of this folder runs", where=str(home)) from None
    try:
        genesis = load_genesis(home / GENESIS_FILE)
        store = open_store(home / CHAIN_FOLDER, genesis.chain_id)
        try:
            with _rows(home, genesis) as blobs:
                yield FolderSource(store, genesis, str(home), to, blobs)
        finally:
            store.close()
    finally:
        lock.release()


@contextmanager
def _rows(home: Path, genesis: Genesis) -> Iterator[BlobSource]:
    """Blobs that a node's folder has."""
    if not (home / SHARDS_FOLDER).is_dir():
        yield NoBlobs()
        return
    rows = open_rows(home, genesis)
    try:
        yield ShardBlobs((rows,))
    finally:
        rows.close()


@contextmanager
def bundle_in(path: Path) -> Iterator[BundleSource]:
    """The history in a bundle's file.

    Raises:
        AuditError: AUD-001 … AUD-008.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        yield BundleSource(file, path.stat().st_size, path.name)


def _height(to: int | None, tip: int) -> int:
    if to is None:
        return tip
    if not 0 <= to <= tip:
        raise NotFound(f"there is no block {to}; the last one is {tip}", fix="name a lower height")
    return to
