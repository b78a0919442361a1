"""One log of blocks, executed again elsewhere: `python -m node.testing.faults.replay FILE WORKERS`.

Another interpreter, hash seed, number of threads or backend must come to the same: the process
prints one digest of every state root and receipt.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from circuits.keys import KeyStore
from node.app import assembly
from node.consensus.application import LedgerApplication
from node.core.block import Block
from node.core.codec import Reader, Writer
from node.core.genesis import Genesis
from node.core.head import HEAD_KEY
from node.execution.verifier import GrothVerifier
from node.rpc.client import NodeClient
from node.store.chain import encode_receipts
from node.store.memory import memory_store
from node.testing.cluster.invariants import Violation
from zk import files, jsontext

MODULE: Final = "node.testing.faults.replay"
_MOST: Final = 1 << 30
_CHILD_S: Final = 1800.0


def save(client: NodeClient, genesis: Genesis, last: int, path: Path) -> str:
    """Write blocks 1 to `last` of a node to a file; the digest that their execution must have."""
    writer = Writer().blob(genesis.to_bytes()).u64(last)
    digest = hashlib.sha256()
    roots: list[bytes] = []
    receipts: list[bytes] = []
    for _, data, told, _ in client.raw(1, last):
        writer.blob(data)
        roots.append(Block.from_bytes(data).header.state_root)
        receipts.append(told)
    behind = client.state(HEAD_KEY, last).state_root
    roots.append(bytes.fromhex(behind.removeprefix("0x")))
    for root, told in zip(roots[1:], receipts, strict=True):
        digest.update(root + told)
    files.write(path, writer.done())
    return digest.hexdigest()


def execute(path: Path, workers: int) -> str:
    """Of a file by `save`: the digest that this process comes to.

    Raises:
        ConsensusFault: a block does not follow from what this process computed (CH-4).
    """
    reader = Reader(path.read_bytes(), "log of blocks")
    genesis = Genesis.from_bytes(reader.blob(_MOST, "genesis"))
    verifier = GrothVerifier(assembly.verifying_keys(genesis, KeyStore()), workers=workers)
    store = memory_store(genesis.chain_id)
    app = LedgerApplication(genesis, assembly.executor(genesis, verifier), store)
    app.init_chain()
    digest = hashlib.sha256()
    for _ in range(reader.u64()):
        root = app.finalize_block(Block.from_bytes(reader.blob(_MOST, "block")))
        found = app.finalized
        digest.update(root + encode_receipts(() if found is None else found.receipts))
        app.commit()
    reader.done()
    verifier.close()
    return digest.hexdigest()


def elsewhere(path: Path, wanted: str, interpreters: Sequence[str], most: int = 1000) -> int:
    """Execute a log in other processes, of every interpreter; how many agreed.

    Args:
        path: by `save`.
        wanted: digest.
        interpreters: programs.
        most: processes.

    Raises:
        Violation: `determinism`, one comes to something else.
    """
    runs: list[tuple[str, str, str, Mapping[str, str]]] = []
    for python in interpreters:
        runs += [(python, seed, "1", {}) for seed in ("0", "1", "random")]
        runs.append((python, "0", "8", {}))
        runs.append((python, "0", "1", {"CHIARO_BACKEND": "portable"}))
    for python, seed, workers, more in runs[:most]:
        environment = {**os.environ, "PYTHONHASHSEED": seed, **more}
        done = subprocess.run(
            [python, "-P", "-m", MODULE, str(path), workers],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=_CHILD_S,
        )
        ended = done.returncode == 0
        found = jsontext.loads(done.stdout.encode())["digest"] if ended else done.stderr[-500:]
        if found != wanted:
            how = f"{python}, hash seed {seed}, {workers} workers, {dict(more)}"
            raise Violation("determinism", f"{how}: {found}, not {wanted}")
    return len(runs[:most])


def main(arguments: Sequence[str]) -> int:
    """Print the digest."""
    path, workers = arguments
    sys.stdout.write(json.dumps({"digest": execute(Path(path), int(workers))}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
