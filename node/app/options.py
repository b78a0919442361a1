"""What a node's operator chooses, as `node.app.choices` makes it of words and settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from node.app import snapshots
from node.execution.mempool import MempoolLimits
from node.gossip.servers import Servers

DEFAULT_PORT: Final = 7420


@dataclass(frozen=True, slots=True)
class Options:
    """What a node's operator chooses; nothing of it is the chain's.

    Attributes:
        host, port: where the RPC listens; port 0 takes a free one.
        allow_remote: listen where other machines reach it (RPC-1).
        delay_ms: how long to gather transactions for a block.
        empty_blocks: make blocks on the chain's timer even when nothing waits.
        lane_tick_ms: between blocks that only the sealed lane waits for.
        gossip: whether it is on the overlay of open intents, where the chain has a lane.
        explorer: serve the web explorer; None: where only this machine reaches it (RPC-62).
        gossip_cut: base units that it takes of the fee of an open intent for passing it on.
        nats: servers that carry the overlay; None: nodes of this process only.
        engine: folder of the CometBFT that decides; None: this node decides alone.
        binary: CometBFT, to be run as a child; None: it is started by others.
        snapshot_interval: heights between snapshots for those who join late, where CometBFT
            decides; 0: none.
        retain_heights: SN-14, how many of the last blocks are kept; 0: all.
        mempool: bounds.
        metrics: where metrics and health are told, host and port; None: nowhere (RPC-52).
        disk_reserve: bytes that should stay free; with less it is not ready (RPC-53).
    """

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    allow_remote: bool = False
    delay_ms: int = 20
    empty_blocks: bool = False
    lane_tick_ms: int = 1000
    gossip: bool = True
    explorer: bool | None = None
    gossip_cut: int = 0
    nats: Servers | None = None
    engine: Path | None = None
    binary: Path | None = None
    snapshot_interval: int = snapshots.INTERVAL
    retain_heights: int = 0
    mempool: MempoolLimits = field(default_factory=MempoolLimits)
    metrics: tuple[str, int] | None = None
    disk_reserve: int = 0
