"""The story's chain and committee: a node's process, and a process for each of four members.

Blocks come when something waits, or when the story asks for one: deadlines are heights, and nobody
is hurried by a clock. Members speak over sockets of this machine, and say what they say and hear
(`private member run --trace`); the liar runs with `--lie`, a killed one is killed with `kill -9`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from node.cli.demo_private_facts import LIAR, MEMBERS
from node.cli.demo_private_traces import Trace
from node.cli.demo_run import DemoFailed

if TYPE_CHECKING:
    from node.core.genesis import Genesis
    from node.rpc.client import NodeClient
    from node.rpc.private_schema import CellView
    from node.rpc.sale_schema import ReadView
    from private_exec.committee.participant import EpochSecrets
    from transparent.signature import SigningKey

STEP: Final = 8
"""Heights of each step of a ceremony, and between deadlines of a round."""
EPOCH_BLOCKS: Final = 500
READERS: Final = (1, 3)
"""Two members, t + 1, who put their folders together at the end."""
WAIT_S: Final = 120.0
LIFE_S: Final = 900
"""Members end by themselves then, should nobody be left to stop them."""
_POLL_S: Final = 0.05
_STOP_S: Final = 20.0


class PrivateWorld:
    """Processes, which `close` ends.

    Args:
        folder: empty.

    Raises:
        StartFailed: the node does not start.
    """

    def __init__(self, folder: Path) -> None:
        from node.app import development, process
        from node.core.genesis import Parameters
        from node.core.genesis_file import format_genesis
        from node.core.private import PrivateParameters
        from node.rpc.client import NodeClient

        self.folder = folder
        self.genesis: Genesis = development.genesis(
            time.time_ns() // 1_000_000,
            parameters=Parameters(block_time_ms=0),
            lane=None,
            private=PrivateParameters(step_heights=STEP),
        )
        written = folder / "genesis.toml"
        written.write_text(format_genesis(self.genesis, json_format=False), encoding="utf-8")
        self._home, self._state = folder / "node", folder / "state"
        self.url = process.spawn(
            self._home, self._state, port=0, genesis=written, timeout=WAIT_S
        ).url
        self.client: NodeClient = NodeClient(self.url)
        self.committee = b""
        self._running: dict[int, subprocess.Popen[bytes]] = {}

    def close(self) -> None:
        """Stop what runs."""
        from node.app import process

        self.stop_members()
        self.client.close()
        process.stop(self._home, self._state)

    # --- the chain ---------------------------------------------------------------------------

    @property
    def height(self) -> int:
        return self.client.status().height

    def to(self, height: int) -> None:
        """Blocks, until the chain is there."""
        while self.height < height:
            self.client.make_block()

    def send(self, tx: bytes) -> int:
        """Hand in a transaction; the height of its block.

        Raises:
            DemoFailed: it was refused.
        """
        from node.rpc.text import bytes_of

        identity = bytes_of(self.client.submit(tx).tx_id, 32)
        view = self.client.wait_for_tx(identity, WAIT_S)
        if view.receipt is None or not view.receipt.ok:
            raise DemoFailed(f"refused: {view.receipt and view.receipt.message}")
        return view.receipt.height

    def until(self, done: Callable[[], bool], what: str) -> None:
        """Wait; whoever is waited for makes the blocks.

        Raises:
            DemoFailed: it does not come.
        """
        deadline = time.monotonic() + WAIT_S
        while not done():
            if time.monotonic() > deadline:
                raise DemoFailed(f"not within {WAIT_S:g} s: {what}")
            time.sleep(_POLL_S)

    # --- members -----------------------------------------------------------------------------

    def home(self, member: int) -> Path:
        return self.folder / f"member-{member}"

    def declare(self, payer: SigningKey, fee: int) -> Sequence[SigningKey]:
        """Make members' keys, and declare a committee of them; the members' signing keys."""
        from node.core.ids import Height, tagged_hash
        from node.private.member.secrets import make_key
        from node.private.paid import DeclareTx, Head, sign_declare
        from node.private.payload import wire
        from node.testing.localnets import free_endpoints
        from private_exec.committee.declaration import Declaration, Seat

        keys = [make_key(self.home(member)) for member in range(1, MEMBERS + 1)]
        endpoints = free_endpoints(MEMBERS)
        seats = tuple(Seat(key.account, e) for key, e in zip(keys, endpoints, strict=True))
        purpose = tagged_hash("demo/private")
        declaration = Declaration(self.genesis.chain_id, purpose, EPOCH_BLOCKS, seats)
        head = Head(self.genesis.chain_id, fee, Height(self.height + 20), payer.account)
        self.send(wire(sign_declare(DeclareTx(head, declaration.to_bytes()), payer)))
        self.committee = declaration.id
        return keys

    def start(self, member: int) -> None:
        """A member's process; it goes on where it was."""
        command = [
            sys.executable, "-P", "-m", "node.cli", "--home", str(self.folder / "config"),
            "--node", self.url, "private", "member", "run", "--dir", str(self.home(member)),
            "--committee", "0x" + self.committee.hex(), "--trace", "--timeout", str(LIFE_S),
        ]  # fmt: skip
        command += ["--lie"] if member == LIAR else []
        with self._log(member).open("ab") as log:
            self._running[member] = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the story, which stops them
            )

    def kill(self, member: int) -> None:
        """SIGKILL."""
        process = self._running.pop(member)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()

    def stop_members(self) -> None:
        """As an operator does; those that do not listen are killed."""
        for process in self._running.values():
            process.terminate()
        for process in self._running.values():
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._running.clear()

    def trace(self, member: int) -> Trace:
        """What its process told."""
        return Trace.of(self._log(member).read_text(encoding="utf-8", errors="replace"))

    def words(self, step: str) -> int:
        """Messages of a step of the ceremony that is under way."""
        found = self.client.private_ceremony(self.committee).words
        return sum(1 for word in found if word.step == step)

    def make_keys(self) -> None:
        """A ceremony on the chain, in which only members speak.

        Raises:
            DemoFailed: it does not come to keys of all.
        """
        self.until(lambda: self.words("notice") == MEMBERS, "notices")
        plan = self.client.private_ceremony(self.committee)
        self.to(plan.opened + plan.step_heights - 1)
        self.until(lambda: self.words("dealing") == MEMBERS, "dealings")
        self.to(plan.opened + 3 * plan.step_heights)
        made = self.client.private_committee(self.committee).latest
        if made is None or len(made.qualified) != MEMBERS or made.faults:
            raise DemoFailed("the members made no keys together")

    def secrets_of(self, member: int) -> EpochSecrets:
        """What a member's folder and the chain give whoever has both: its keys of the epoch."""
        from node.cli.private_member import RemoteChain
        from node.private.member.keys import Keys
        from node.private.member.run import folder_of
        from node.private.member.secrets import Vault, load_key
        from node.private.member.view import Past, View

        home = self.home(member)
        vault = Vault(folder_of(home, self.committee) / "secrets", self.committee)
        chain = RemoteChain(self.client, self.committee)
        view = View(chain, self.committee, self.height, Past())
        found = Keys(member, load_key(home), vault, STEP).of_epoch(view, 0)
        if found is None:
            raise DemoFailed(f"member {member} has no keys")
        return found

    def _log(self, member: int) -> Path:
        return self.folder / f"member-{member}.log"


def shares_of(
    secrets: Mapping[int, EpochSecrets], views: Sequence[CellView | ReadView]
) -> dict[int, list[int]]:
    """What members hold of cells, by member."""
    from node.rpc.text import bytes_of
    from private_exec.committee import cells
    from private_exec.committee.cells import Cell
    from private_exec.mpc.labels import CellId
    from zk.curve.encoding import g1_from_bytes

    held = [
        Cell(
            CellId(bytes_of(view.id, 32)),
            0,
            int(view.c or 0),
            g1_from_bytes(bytes_of(view.com, 32), what="commitment"),
        )
        for view in views
    ]
    return {m: [o.value for o in cells.shares(s.prss, held)] for m, s in secrets.items()}
