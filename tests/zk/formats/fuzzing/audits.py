"""Bundles of audits: a whole chain in one file, from whoever has it."""

from __future__ import annotations

import io
from dataclasses import dataclass

import msgspec

from circuits.key_registry import Registry
from fuzzing.target import Target
from node.audit import bundle
from node.audit.archive import Reader, Writer, digest
from node.audit.sources import BundleSource, FolderSource, Raw, Tip
from node.core.block import Block
from node.core.genesis_file import format_genesis
from node.core.ids import AccountId
from node.store.chain import decode_receipts
from node.testing.ledger import Ledger, transfer
from zk import params
from zk.errors import ChiaroError


@dataclass(frozen=True)
class Bundle:
    """All that a bundle says."""

    source: BundleSource
    blocks: tuple[Raw, ...]
    tip: Tip


def _read(data: bytes) -> Bundle:
    source = BundleSource(io.BytesIO(data), len(data), "fuzzed")
    blocks = tuple(source.blocks(1))
    for raw in blocks:
        Block.from_bytes(raw.block)
        decode_receipts(raw.receipts)
    return Bundle(source, blocks, source.end())


def _write(found: Bundle) -> bytes:
    manifest = found.source.manifest
    members = {
        bundle.MANIFEST: bundle.dump(manifest),
        bundle.GENESIS: found.source.genesis.to_bytes(),
        bundle.GENESIS_TEXT: format_genesis(found.source.genesis, json_format=False).encode(),
    }
    members |= {key.file: found.source.keys[key.statement] for key in manifest.keys}
    members |= {item.file: found.source.ceremony[item.statement] for item in manifest.ceremony}
    for raw in found.blocks:
        members[bundle.block_file(raw.height)] = raw.block
        members[bundle.receipts_file(raw.height)] = raw.receipts
    return _packed(members, found.tip)


def _packed(members: dict[str, bytes], tip: Tip) -> bytes:
    file = io.BytesIO()
    writer = Writer(file)
    for name, data in members.items():
        writer.add(name, data)
    end = bundle.End(
        height=tip.height,
        tip=tip.tip.hex(),
        state_root=tip.state_root.hex(),
        members=writer.listing.members,
        digest=writer.listing.hexdigest(),
    )
    writer.add(bundle.END, bundle.dump(end))
    writer.close()
    return file.getvalue()


def _repaired(data: bytes) -> bytes:
    """The digests of what the members now hold, where it is still a bundle at all.

    Else no change would get past them, and nothing behind them would be tried.
    """
    reader = Reader(io.BytesIO(data), len(data))
    try:
        take = reader.take
        manifest = bundle.load(take(bundle.MANIFEST, len(data)), bundle.Manifest, bundle.MANIFEST)
        members = {n: take(n, len(data)) for n in (bundle.GENESIS, bundle.GENESIS_TEXT)}
        keys = [(key, take(key.file, len(data))) for key in manifest.keys]
        blocks = {}
        for height in range(1, min(manifest.height, len(data)) + 1):
            for name in (bundle.block_file(height), bundle.receipts_file(height)):
                blocks[name] = take(name, len(data))
        end = bundle.load(take(bundle.END, len(data)), bundle.End, bundle.END)
        tip = Tip(end.height, bytes.fromhex(end.tip), bytes.fromhex(end.state_root))
    except (ChiaroError, ValueError):
        return data
    record = bundle.FileRecord(file=manifest.genesis.file, digest=digest(members[bundle.GENESIS]))
    manifest = msgspec.structs.replace(
        manifest,
        genesis=record,
        keys=[msgspec.structs.replace(key, digest=digest(held)) for key, held in keys],
        ceremony=[],
    )
    held = {key.file: data for key, data in keys}
    return _packed({bundle.MANIFEST: bundle.dump(manifest), **members, **held, **blocks}, tip)


def _seeds() -> list[bytes]:
    """An empty chain, and one of two blocks."""
    found = []
    for blocks in (0, 2):
        ledger = Ledger()
        for number in range(blocks):
            ledger.block(transfer(ledger, AccountId(b"\x07" * 32), 1 + number, sequence=number))
        found.append(_bundle(ledger))
    return found


def _bundle(ledger: Ledger) -> bytes:
    """As `chiaro audit export` makes it."""
    genesis, source = ledger.genesis, FolderSource(ledger.store, ledger.genesis, "seed", None)
    plain, members, keys = genesis.to_bytes(), {}, []
    listed = Registry.load()
    for item in genesis.statements:
        entry = listed.find(item.statement, genesis.profile)
        name = bundle.key_file(item.statement)
        members[name] = params.path(entry.verifying_key_file).read_bytes()
        keys.append(
            bundle.KeyRecord(
                statement=item.statement,
                file=name,
                digest=digest(members[name]),
                r1cs=entry.r1cs,
                verifying_key=entry.verifying_key,
                origin=entry.origin,
                unsafe=entry.unsafe,
            )
        )
    for raw in source.blocks(1):
        members[bundle.block_file(raw.height)] = raw.block
        members[bundle.receipts_file(raw.height)] = raw.receipts
    manifest = bundle.Manifest(
        format=bundle.FORMAT,
        version=bundle.VERSION,
        program="chiaroscuro",
        chain_id=genesis.chain_id.hex(),
        name=genesis.name,
        profile=genesis.profile,
        height=source.height,
        genesis=bundle.FileRecord(file=bundle.GENESIS, digest=digest(plain)),
        keys=keys,
        ceremony=[],
    )
    head = {
        bundle.MANIFEST: bundle.dump(manifest),
        bundle.GENESIS: plain,
        bundle.GENESIS_TEXT: format_genesis(genesis, json_format=False).encode(),
    }
    return _packed(head | members, source.end())


TARGETS = (Target("audit_bundle", _read, _write, _seeds, 16, exact=True, repaired=_repaired),)
