"""A node's options: from `node.toml`, and from the words that it was started with.

Words count more than the file, and the file more than its role's defaults.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TypeVar

from node.app import localnet, settings
from node.app.node import ENGINE_FOLDER
from node.app.options import Options
from node.app.process import GENESIS_FILE
from node.app.roles import EXPLORER, NATS_FILES
from node.app.settings import Settings
from node.core.genesis_file import load_genesis
from node.gossip.servers import Files, Servers
from node.lane.validator import identity

T = TypeVar("T")


def load(home: Path, words: argparse.Namespace) -> Options:
    """Of the node in `home`.

    Raises:
        BadSettings: RPC-50, RPC-51.
        NotInstalled: there is no CometBFT for a node that is to run it.
    """
    found = settings.load(home)
    if found is not None:
        check_role(home, found)
    return _merged(found or settings.of({}), words, home)


def check_role(home: Path, found: Settings) -> None:
    """RPC-51: the role fits the key in the folder.

    Raises:
        BadSettings: RPC-51.
        BadKeyFile: LN-32.
    """
    path = home / identity.KEY_FILE
    key = identity.load(path) if path.exists() else None
    genesis = load_genesis(home / GENESIS_FILE)
    settings.check_role(found, None if key is None else key.public, genesis)


def _merged(found: Settings, words: argparse.Namespace, home: Path) -> Options:
    """The file's, and what was said on the command line in their place."""
    host, port = found.place("node.rpc") or ("", 0)
    said = words.metrics if words.metrics is not None else found.text("node.metrics")
    mode, binary = found.text("engine.mode"), words.binary
    if mode == "child" and binary is None:
        binary = Path(found.text("engine.binary") or localnet.binary())
    return Options(
        host=_or(words.host, host),
        port=_or(words.port, port),
        allow_remote=words.allow_remote or found.flag("node.allow_remote"),
        delay_ms=_or(words.delay_ms, found.number("node.delay_ms")),
        empty_blocks=words.empty_blocks or found.flag("node.empty_blocks"),
        lane_tick_ms=_or(words.lane_tick_ms, found.number("node.lane_tick_ms")),
        explorer=_or(words.explorer, EXPLORER[found.text("node.explorer")]),
        snapshot_interval=_or(words.snapshot_interval, found.number("node.snapshot_interval")),
        retain_heights=_or(words.retain_heights, found.number("node.retain_heights")),
        gossip=found.flag("gossip.on"),
        gossip_cut=_or(words.gossip_cut, found.number("gossip.cut")),
        nats=_servers(found, words),
        engine=home / ENGINE_FOLDER if words.cometbft or binary or mode == "beside" else None,
        binary=binary,
        metrics=settings.place_of(said),
        disk_reserve=found.number("node.disk_reserve_mb") << 20,
    )


def _servers(found: Settings, words: argparse.Namespace) -> Servers | None:
    """What carries the overlay. Raises BadServer (GO-36)."""
    text = _or(words.nats, found.text("gossip.nats"))
    if not text:
        return None

    def file(name: str) -> Path | None:
        set_ = found.text(f"gossip.nats_{name}")
        said: Path | None = getattr(words, f"nats_{name}")
        return _or(said, Path(set_) if set_ else None)

    return Servers.parse(text, Files(**{name: file(name) for name in NATS_FILES}))


def _or(said: T | None, otherwise: T) -> T:
    return otherwise if said is None else said
