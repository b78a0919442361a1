"""The settings of a node and the roles that are rows of them: tables, and nothing else.

docs/production.md prints both, and a test compares.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from node.core.place import is_place
from node.store.chain import MIN_RETAINED

EXPLORER: Final[Mapping[str, bool | None]] = {"alone": None, "on": True, "off": False}
MODES: Final = ("embedded", "child", "beside")

Value = str | int | bool


@dataclass(frozen=True, slots=True)
class Key:
    """One setting.

    Attributes:
        default: its value where neither file nor role says another; its type is the setting's.
        text: what it is, in a sentence.
        check: whether a value is one, beside its type.
        most: of a number.
    """

    default: Value
    text: str
    check: Callable[[Value], bool] = lambda _: True
    most: int = 2**31 - 1


NATS_FILES: Final[Mapping[str, str]] = {
    "nkey": "seed of a user of theirs",
    "login": "a name and a password, a line each",
    "authority": "certificates that theirs must come from",
    "certificate": "of this node, for servers that ask",
    "key": "of that certificate",
}
"""What a client of NATS servers may have, never in the settings themselves."""


def _enough(value: Value) -> bool:
    """SN-14."""
    return isinstance(value, int) and value >= MIN_RETAINED


def _place_or_none(value: Value) -> bool:
    return value == "" or is_place(value)


KEYS: Final[Mapping[str, Key]] = {
    "node.role": Key("full", "the row of defaults, see the table of roles"),
    "node.rpc": Key("127.0.0.1:7420", "where the RPC listens; port 0 takes a free one", is_place),
    "node.allow_remote": Key(False, "the RPC may listen where other machines reach it (RPC-1)"),
    "node.explorer": Key(
        "alone",
        "pages for people: `alone`, where only this machine reaches the RPC; `on`; `off` (RPC-62)",
        lambda v: v in EXPLORER,
    ),
    "node.metrics": Key(
        "", "where metrics and health are told, on loopback; empty: nowhere", _place_or_none
    ),
    "node.log": Key(
        "stderr",
        "of `chiaro node run`: `stderr`, or `file` in the state folder",
        lambda v: v in ("stderr", "file"),
    ),
    "node.disk_reserve_mb": Key(1024, "free space below which the node says that it is not ready"),
    "node.delay_ms": Key(
        20, "embedded engine: how long to gather transactions for a block", most=60_000
    ),
    "node.empty_blocks": Key(
        False, "embedded engine: blocks by the chain's timer though nothing waits"
    ),
    "node.lane_tick_ms": Key(
        1000, "embedded engine: between blocks that only sealed intents wait for", most=600_000
    ),
    "node.snapshot_interval": Key(
        1000, "with CometBFT: blocks between snapshots for those who join late; 0: none"
    ),
    "node.retain_heights": Key(
        0, "of the last blocks, how many are kept; 0: all", lambda v: v == 0 or _enough(v)
    ),
    "engine.mode": Key(
        "embedded",
        "`child`: the node runs CometBFT; `beside`: others do; `embedded`: one validator alone",
        lambda v: v in MODES,
    ),
    "engine.binary": Key(
        "", "CometBFT, for `child`; empty: the one on PATH, or built by `make cometbft`"
    ),
    "gossip.on": Key(True, "part of the overlay of open intents, where the chain has a lane"),
    "gossip.cut": Key(0, "base units taken of the fee of an open intent for passing it on"),
    "gossip.nats": Key("", "servers that carry the overlay, URL[,URL…]; empty: none"),
    **{f"gossip.nats_{name}": Key("", f"a file: {text}") for name, text in NATS_FILES.items()},
}


@dataclass(frozen=True, slots=True)
class Role:
    """A row of defaults.

    Attributes:
        votes: it needs a validator's key of the chain; the others must have none in their home.
        values: what differs from the table's defaults.
        text: who runs it.
    """

    votes: bool
    values: Mapping[str, Value]
    text: str


ROLES: Final[Mapping[str, Role]] = {
    "validator": Role(
        True, {"node.explorer": "off"}, "votes, makes keys of sealed intents, opens them"
    ),
    "full": Role(False, {}, "follows the chain, for oneself"),
    "archive": Role(False, {"gossip.on": False}, "keeps every block, for those who come late"),
    "rpc": Role(
        False,
        {"node.allow_remote": True, "gossip.on": False},
        "answers others under any name, through a proxy on its machine",
    ),
    "solver": Role(
        False,
        {"node.snapshot_interval": 0},
        "the node of a solver, who is a process of its own (`chiaro solver run`)",
    ),
    "gossip": Role(
        False,
        {"gossip.cut": 10, "node.snapshot_interval": 0},
        "carries open intents, and is paid for it",
    ),
}
ARCHIVE: Final = "archive"
"""The role that keeps every block."""
NO_NODE: Final = "light"
"""The role of who runs no node: `chiaro light`."""
