"""A node's process with a fault of its own: `python -m node.testing.faults.node FAULT run …`.

    crash:POINT:HIT       ends by SIGKILL when it passes the point for the HIT-th time
    mutated-state:HEIGHT  writes something else than the others into the state from a height on
    bad-proposal          proposes a transaction that nobody can decode
    garbage-extension     votes with bytes that are no shares
    oversize-extension    votes with more bytes than an extension may have

Several go together with + between them. Everything else it does as an honest one does. Its own
rules, by which an honest node keeps such things to itself (CH-42), it breaks. Lies about sealed
intents: `node.testing.lying_node`.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from node.app import __main__ as program
from node.app.node import Node
from node.consensus.application import LedgerApplication
from node.core.block import Block
from node.core.ids import Height
from node.lane.validator import identity
from node.lane.validator.extension import MAX_EXTENSION
from node.store.versioned import CrashPoint, no_crash

PROGRAM: Final = "node.testing.faults.node"
MUTATION: Final = b"t/no account has this key"


class HonestApplication(LedgerApplication):
    """What the lies below are put into; `own` is this validator's key."""

    own: bytes = b""

    def verify_vote_extension(
        self, height: Height, extension: bytes, validator: bytes = b""
    ) -> None:
        """Its own passes (CH-42 would keep it from leaving)."""
        if validator != self.own:
            super().verify_vote_extension(height, extension, validator)


def _mutated(height: int) -> type[HonestApplication]:
    class Mutated(HonestApplication):
        def _block_writes(
            self, block: Block, writes: Mapping[bytes, bytes | None]
        ) -> dict[bytes, bytes | None]:
            found = super()._block_writes(block, writes)
            return found if block.header.height < height else {**found, MUTATION: b"x"}

    return Mutated


class BadProposer(HonestApplication):
    """Garbage behind what an honest one proposes."""

    def prepare_proposal(
        self,
        height: Height,
        txs: Sequence[bytes],
        max_bytes: int,
        extensions: Sequence[bytes] = (),
    ) -> tuple[bytes, ...]:
        return (*super().prepare_proposal(height, txs, max_bytes, extensions), b"\xff" * 40)

    def process_proposal(self, block: Block) -> None:
        """It believes in everything."""


class Garbler(HonestApplication):
    """Bytes that are no shares."""

    def extend_vote(self, height: Height) -> bytes:
        return b"\xff" + bytes(str(height), "ascii")


class Hoarder(HonestApplication):
    """More bytes than any extension may have, and fewer than CometBFT lets through."""

    def extend_vote(self, height: Height) -> bytes:
        return bytes([height % 256]) * (16 * MAX_EXTENSION)


def crash_at(point: str, hit: int) -> CrashPoint:
    """Ends the process at the `hit`-th passing of a point."""
    left = hit

    def passed(at: str) -> None:
        nonlocal left
        if at == point:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return passed


_LIES: Final[dict[str, Callable[[str], type[HonestApplication]]]] = {
    "mutated-state": lambda height: _mutated(int(height)),
    "bad-proposal": lambda _: BadProposer,
    "garbage-extension": lambda _: Garbler,
    "oversize-extension": lambda _: Hoarder,
}


def faulty(fault: str, own: bytes) -> type[Node]:
    """A node with a fault.

    Args:
        fault: as at the top.
        own: consensus key of the validator that it is.

    Raises:
        KeyError, ValueError: no such fault.
    """
    crash: CrashPoint = no_crash
    lies: list[type[HonestApplication]] = []
    for one in fault.split("+"):
        name, _, detail = one.partition(":")
        if name == "crash":
            point, _, hit = detail.rpartition(":")
            crash = crash_at(point, int(hit))
        else:
            lies.append(_LIES[name](detail))
    application: type[LedgerApplication] = LedgerApplication
    if lies:
        application = type("Lying", tuple(lies), {"own": own})

    class Faulty(Node):
        application_type = application

        @classmethod
        def open(cls, home: Path, *, crash_point: CrashPoint = crash, **rest: Any) -> Node:
            return super().open(home, crash_point=crash_point, **rest)

    return Faulty


def main(arguments: Sequence[str]) -> int:
    """The exit code is the node's."""
    fault, *rest = arguments
    home = Path(rest[rest.index("--home") + 1])
    own = identity.load(home / identity.KEY_FILE).public
    return program.main(rest, faulty(fault, own))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
