"""The home of a node on a machine of its own: made once, whole or not at all.  Rule RPC-54."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from circuits.keys import KeyStore
from node.app import assembly, runtime, settings
from node.app.errors import NoNode
from node.app.monitor import check_metrics
from node.app.node import ENGINE_FOLDER, Node
from node.app.process import GENESIS_FILE
from node.app.roles import Value
from node.app.settings import Settings
from node.consensus.cometbft import home as engine
from node.consensus.cometbft.home import Network, Place
from node.core.genesis import Genesis
from node.lane.validator import identity
from node.rpc.listener import check_reach
from zk import files

P2P: Final = "0.0.0.0:26656"
"""Where CometBFT listens for its peers."""


@dataclass(frozen=True, slots=True)
class Made:
    """What others have to know of a new node.

    Attributes:
        home: its folder.
        role: of its settings.
        peer: `ID@HOST:PORT` of its CometBFT; None: the embedded engine.
        validator: consensus key; None: it does not vote.
    """

    home: Path
    role: str
    peer: str | None
    validator: bytes | None


def make(
    home: Path,
    genesis: Genesis,
    given: Mapping[str, Value],
    *,
    p2p: str = P2P,
    network: Network | None = None,
    key_file: Path | None = None,
) -> Made:
    """Make the home of a node of this chain.

    Args:
        home: holds nothing, or a validator's key.
        genesis: of the chain; compared with this installation first.
        given: settings beside the role's.
        p2p: `HOST:PORT` where CometBFT listens.
        network: whom it meets.
        key_file: a validator's key that is to be copied to `home`.

    Raises:
        NoNode: RPC-54, there is a node, or an engine's folder.
        BadSettings: RPC-50 … RPC-52.
        RequestRefused: RPC-1.
        BadKeyFile: LN-32.
        ForeignGenesis, OtherRuntime: RPC-14, RPC-24, CH-56.
        DecodeError: CH-58.
    """
    assembly.check_interpreter()
    found = settings.of(given)
    engine.check_address(p2p)
    _check_places(found)
    folder = home / ENGINE_FOLDER
    _check_new(home, folder)
    assembly.verifying_keys(genesis, KeyStore())
    runtime.check(genesis)
    path = home / identity.KEY_FILE
    there = path.exists()
    source = path if there else key_file
    if there and key_file is not None:
        raise NoNode("RPC-54: there is a validator's key in this folder already", where=str(path))
    key = None if source is None else identity.load(source)
    settings.check_role(found, None if key is None else key.public, genesis)
    place = Place(os.urandom(32), p2p)
    driven = found.text("engine.mode") != "embedded"
    files.make_private_folder(home)
    copied = False
    try:
        if key_file is not None:
            files.write(path, key_file.read_bytes(), mode=files.PRIVATE, durable=True, new=True)
            copied = True
        if driven:
            seed = None if key is None else key.secret()
            engine.make(folder, genesis, seed, place, network=network)
        settings.save(home, given)
        Node.create(home, genesis)  # last: what has a genesis is a node
    except BaseException:
        _undo(home, own_key=copied)
        raise
    listed = (network.external if network is not None else "") or p2p
    node_id = place.peer.partition("@")[0]
    return Made(
        home,
        found.role,
        f"{node_id}@{listed}" if driven else None,
        None if key is None else key.public,
    )


def _check_places(found: Settings) -> None:
    """RPC-1, RPC-52: what `node run` would refuse is refused here."""
    rpc, metrics = found.place("node.rpc"), found.place("node.metrics")
    if rpc is not None and not found.flag("node.allow_remote"):
        check_reach(rpc[0])
    if metrics is not None:
        check_metrics(metrics[0])


def _check_new(home: Path, folder: Path) -> None:
    for path in (home / GENESIS_FILE, home / settings.SETTINGS_FILE, folder):
        if path.exists():
            raise NoNode(
                "RPC-54: there is a node in this folder already",
                where=str(path),
                why="what its engine signed is remembered there: a new folder would let it sign "
                "another block of the same height",
                fix="run it, or name another folder",
            )


def _undo(home: Path, *, own_key: bool) -> None:
    """Away with what was made here; nothing of it has been used."""
    shutil.rmtree(home / ENGINE_FOLDER, ignore_errors=True)
    (home / settings.SETTINGS_FILE).unlink(missing_ok=True)
    if own_key:
        (home / identity.KEY_FILE).unlink(missing_ok=True)
