"""The folder of a node: how it comes to be, and what of it is opened beside the chain."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from node.app.errors import NoNode
from node.app.process import GENESIS_FILE
from node.core.genesis import Genesis
from node.core.genesis_file import save_genesis
from node.da.shards import ShardStore, open_shards
from zk import files

SHARDS_FOLDER: Final = "shards"


def create(home: Path, genesis: Genesis) -> None:
    """Make `home` the folder of a new node of this chain.

    Raises:
        NoNode: there is a node already.
    """
    files.make_private_folder(home)
    path = home / GENESIS_FILE
    partial = path.with_name(f".{GENESIS_FILE.removesuffix('.toml')}.partial.toml")
    partial.unlink(missing_ok=True)
    save_genesis(genesis, partial)
    try:
        path.hardlink_to(partial)  # there whole or not at all, and never over another
    except FileExistsError:
        raise NoNode(
            "there is a node in this folder already",
            where=str(home),
            why="a new chain would hide the old one",
            fix="open it, or name another folder",
        ) from None
    finally:
        partial.unlink(missing_ok=True)


def open_rows(home: Path, genesis: Genesis) -> ShardStore:
    """Rows of blobs in a node's folder.

    Where one validator is the whole committee nobody else has them, so it keeps them for good.

    Raises:
        StoreError: DA-14; in use by another process; damaged.
    """
    alone = len(genesis.validators) == 1
    return open_shards(home / SHARDS_FOLDER, genesis.chain_id, archival=alone)
