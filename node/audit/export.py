"""Writing a bundle: the whole history of a chain in one file that needs nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from circuits.key_registry import Registry
from node.audit import bundle
from node.audit.archive import Writer, digest
from node.audit.errors import AuditError
from node.audit.keys import check_ceremony, choose, installed
from node.audit.sources import Source
from node.core.block import Block
from node.core.genesis import Genesis
from node.core.genesis_file import format_genesis
from node.lane.blobs import attached
from zk import files, params
from zk.errors import DecodeError


@dataclass(frozen=True, slots=True)
class Exported:
    """A bundle that was written.

    Attributes:
        height, tip, state_root: of the last block.
        transactions: in all blocks.
        members, size: of the file.
        digest: over all members but the last, as `end.json` has it.
    """

    height: int
    tip: bytes
    state_root: bytes
    transactions: int
    members: int
    size: int
    digest: str


def export(
    source: Source,
    target: Path,
    registry: Registry,
    *,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Exported:
    """Write a bundle, whole or not at all.

    Nothing is verified but that blocks decode and follow one another: that is the auditor's part.

    Args:
        source: the history.
        target: the file; replaced if it is there.
        registry: lists the chain's keys.
        progress: called with blocks written and to write.

    Raises:
        AuditError: AUD-008 the source has no such history, AUD-011.
        KeysRefused, ParamsError: its keys are not at hand.
        OSError: the file cannot be written.
    """
    genesis = source.genesis
    keys = _keys(genesis, source.keys, registry)
    records = dict(source.ceremony) or _ceremonies(genesis, registry)
    check_ceremony(genesis, records, registry)
    with files.replacing(target, durable=True) as temporary, temporary.open("wb") as file:
        writer = Writer(file)
        plain = genesis.to_bytes()
        manifest = bundle.Manifest(
            format=bundle.FORMAT,
            version=bundle.VERSION,
            program=f"chiaroscuro {version('chiaroscuro')}",
            chain_id=genesis.chain_id.hex(),
            name=genesis.name,
            profile=genesis.profile,
            height=source.height,
            genesis=bundle.FileRecord(file=bundle.GENESIS, digest=digest(plain)),
            keys=[record for record, _ in keys],
            ceremony=[
                bundle.CeremonyRecord(
                    statement=statement, file=bundle.ceremony_file(statement), digest=digest(data)
                )
                for statement, data in records.items()
            ],
        )
        writer.add(bundle.MANIFEST, bundle.dump(manifest))
        writer.add(bundle.GENESIS, plain)
        writer.add(bundle.GENESIS_TEXT, format_genesis(genesis, json_format=False).encode())
        for record, data in keys:
            writer.add(record.file, data)
        for statement, data in records.items():
            writer.add(bundle.ceremony_file(statement), data)
        transactions = _blocks(source, writer, progress)
        tip = source.end()
        listing = writer.listing
        end = bundle.End(
            height=tip.height,
            tip=tip.tip.hex(),
            state_root=tip.state_root.hex(),
            members=listing.members,
            digest=listing.hexdigest(),
        )
        writer.add(bundle.END, bundle.dump(end))
        writer.close()
        size = file.tell()
    return Exported(
        tip.height, tip.tip, tip.state_root, transactions, end.members + 1, size, end.digest
    )


def _blocks(source: Source, writer: Writer, progress: Callable[[int, int], None]) -> int:
    """All blocks; a source that is not a chain is found here rather than by the auditor."""
    previous, due, transactions = bytes(32), 1, 0
    for raw in source.blocks(1):
        try:
            block = Block.from_bytes(raw.block)
        except DecodeError as error:
            raise AuditError("AUD-008", error.message, where=f"block {due}") from error
        if (raw.height, block.header.height, block.header.previous) != (due, due, previous):
            raise AuditError(
                "AUD-008",
                f"does not follow block {due - 1}",
                where=f"block {due}",
                fix="the node's chain changed meanwhile, or is damaged; try again",
            )
        writer.add(bundle.block_file(due), raw.block)
        writer.add(bundle.receipts_file(due), raw.receipts)
        if raw.blobs:
            writer.add(bundle.blobs_file(due), raw.blobs)
        elif attached.due_raw(raw.block, raw.receipts):
            raise AuditError(
                "AUD-019",
                "the source does not have the blobs that it ordered",
                where=f"block {due}",
                why="without them nobody can execute the block again",
                fix="export from a node that keeps them for good",
            )
        previous, due = block.header.hash, due + 1
        transactions += len(block.txs)
        progress(due - 1, source.height)
    if due - 1 != source.height:
        raise AuditError("AUD-008", f"{due - 1} blocks of {source.height}", where=source.what)
    return transactions


def _keys(
    genesis: Genesis, documents: Mapping[str, bytes], registry: Registry
) -> list[tuple[bundle.KeyRecord, bytes]]:
    _, used = choose(genesis, documents, registry)
    found = []
    for key, item in zip(used, genesis.statements, strict=True):
        data = documents.get(key.statement) or installed(item, genesis, registry)
        record = bundle.KeyRecord(
            statement=key.statement,
            file=bundle.key_file(key.statement),
            digest=digest(data),
            r1cs=key.r1cs,
            verifying_key=key.verifying_key,
            origin=key.origin,
            unsafe=key.warning,
        )
        found.append((record, data))
    return found


def _ceremonies(genesis: Genesis, registry: Registry) -> dict[str, bytes]:
    """The manifests that the registry's folder has of the chain's ceremonies; all, or none."""
    if genesis.ceremony is None:
        return {}
    entries = [registry.find(item.statement, genesis.profile) for item in genesis.statements]
    return {
        entry.statement: params.path(entry.transcript_file, registry.folder).read_bytes()
        for entry in entries
    }
