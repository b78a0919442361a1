"""A small chain with real proofs, its bundle, and the means to change one thing of it."""

from __future__ import annotations

import io
import tarfile
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import pytest

from circuits.key_registry import Registry
from node.audit import bundle, keys, work
from node.audit.archive import Listing, digest
from node.audit.engine import Audit
from node.audit.export import export
from node.audit.sources import FolderSource, bundle_in
from node.core.block import Block
from node.testing.ledger import Ledger, Pool, transfer
from transparent.signature import SigningKey

ALICE = SigningKey(b"alice".ljust(32, b"."))
UNIT = 10**6


def write_bundle(ledger: Ledger, path: Path, registry=None, **changes) -> Path:
    source = FolderSource(ledger.store, ledger.genesis, "memory", None)
    source.keys, source.ceremony = changes.get("keys", {}), changes.get("ceremony", {})
    export(source, path, registry or Registry.load())
    return path


@dataclass
class Story:
    """The chain of most tests, and what it is made of."""

    ledger: Ledger
    pool: Pool
    blocks: list[tuple[bytes, ...]]
    path: Path


@pytest.fixture(scope="session")
def story(tmp_path_factory) -> Story:
    """Faucet, shield, two private transfers, one that leaves and one refused, an empty block."""
    ledger = Ledger()
    pool = Pool(ledger)
    blocks: list[tuple[bytes, ...]] = []

    def decide(*txs: bytes, settle: tuple[bytes, ...] = ()) -> list[str]:
        blocks.append(txs)
        codes = [receipt.code for receipt in ledger.block(*txs)]
        pool.settle(*settle)
        return codes

    assert decide(transfer(ledger, ALICE.account, 50 * UNIT, sequence=0)) == ["ok"]
    entering = pool.shield(2, 10 * UNIT, key=ALICE)
    assert decide(entering, settle=(entering,)) == ["ok"]
    both = (pool.pay(), pool.pay())
    assert decide(*both, settle=both) == ["ok", "ok"]
    out = pool.leave(ALICE.account, UNIT)
    again = transfer(ledger, ALICE.account, UNIT, sequence=0)  # a sequence number that was used
    assert decide(out, again, settle=(out,)) == ["ok", "TR-6"]
    assert decide() == []
    path = write_bundle(ledger, tmp_path_factory.mktemp("audit") / "chain.tar")
    return Story(ledger, pool, blocks, path)


def run_audit(path: Path, registry=None, journal=None, *, trust_bundled=False, **options):
    """Audit a bundle in memory."""
    with bundle_in(path) as source:
        chosen, used = keys.choose(
            source.genesis, source.keys, registry or Registry.load(), trust_bundled=trust_bundled
        )
        keys.check_ceremony(source.genesis, source.ceremony, registry or Registry.load())
        with work.in_memory(source.genesis) as fresh:
            report = Audit(source, chosen, journal or fresh, **options).run()
        report.keys = used
        return report


@pytest.fixture
def audit():
    return run_audit


class Members:
    """A bundle taken apart; `write` makes its outer digests fit whatever was changed."""

    def __init__(self, path: Path) -> None:
        with tarfile.open(path) as tar:
            self.list = [(m.name, tar.extractfile(m).read()) for m in tar.getmembers()]

    def __getitem__(self, name: str) -> bytes:
        return dict(self.list)[name]

    def __setitem__(self, name: str, data: bytes) -> None:
        self.list = [(n, data if n == name else old) for n, old in self.list]

    def manifest(self) -> bundle.Manifest:
        return msgspec.json.decode(self[bundle.MANIFEST], type=bundle.Manifest)

    def end(self) -> bundle.End:
        return msgspec.json.decode(self[bundle.END], type=bundle.End)

    def set_end(self, **changes) -> None:
        self[bundle.END] = bundle.dump(msgspec.structs.replace(self.end(), **changes))

    def set_manifest(self, **changes) -> None:
        self[bundle.MANIFEST] = bundle.dump(msgspec.structs.replace(self.manifest(), **changes))

    def block(self, height: int) -> Block:
        return Block.from_bytes(self[bundle.block_file(height)])

    def set_block(self, height: int, block: Block) -> None:
        self[bundle.block_file(height)] = block.to_bytes()

    def change_header(self, height: int, /, **changes) -> None:
        block = self.block(height)
        self.set_block(height, replace(block, header=replace(block.header, **changes)))

    def fit(self) -> None:
        """Re-make every digest of the outer form."""
        manifest = self.manifest()
        self.set_manifest(
            genesis=msgspec.structs.replace(
                manifest.genesis, digest=digest(self[manifest.genesis.file])
            ),
            keys=[msgspec.structs.replace(k, digest=digest(self[k.file])) for k in manifest.keys],
            ceremony=[
                msgspec.structs.replace(c, digest=digest(self[c.file])) for c in manifest.ceremony
            ],
        )
        listing = Listing()
        for name, data in self.list[:-1]:
            listing.add(name, data)
        self.set_end(members=listing.members, digest=listing.hexdigest())

    def write(self, path: Path, *, fit: bool = True, change=None, form=tarfile.USTAR_FORMAT):
        """As a bundle; `change` gets each TarInfo before it is written."""
        if fit:
            self.fit()
        with tarfile.open(path, "w", format=form) as tar:
            for name, data in self.list:
                info = tarfile.TarInfo(name)
                info.size, info.mode = len(data), 0o644
                if change is not None:
                    change(info)
                tar.addfile(info, io.BytesIO(data) if info.isreg() else None)
        return path


@pytest.fixture
def members(story) -> Members:
    return Members(story.path)


@pytest.fixture
def taken_apart():
    return Members


@pytest.fixture
def bundled():
    return write_bundle
