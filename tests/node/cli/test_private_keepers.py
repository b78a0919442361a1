"""Deposits kept by processes: to new keys, and to another committee, with kills in between.

Eight processes that share nothing but a node and their sockets; what wallets prove proves nothing.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from node.app import development
from node.app.options import Options
from node.core.private import PrivateParameters
from node.rpc.text import bytes_of
from node.testing.clock import EPOCH_MS
from node.testing.localnets import p2p_port
from node.testing.member_processes import MemberProcesses
from node.testing.nodes import VALIDATOR, memory_node, serving

STEP = 6
PACE_S = 0.3
WAIT_S = 180.0
SEATS = 4


class Committee(MemberProcesses):
    """Four members' processes."""

    def __init__(self, cli: Any, client: Any, folder: Path, first: int, *words: str) -> None:
        super().__init__(folder, client.url)
        self.client, self.words = client, words
        self.follows = b""
        folder.mkdir()
        port, seats = p2p_port(4, first), []
        for m in range(1, SEATS + 1):
            made = cli.json("private", "member", "init", "--dir", str(self.home(m)))
            seats += ["--member", f"{made.data['key']}@127.0.0.{first + m}:{port}"]
        told = cli.pay("private", "committee", "declare", *seats, "--epoch-blocks", "96")
        assert told.code == 0, told.out
        self.id = told.data["committee"]

    def start(self, *members: int) -> None:
        for member in members:
            self.begin(member, self.id, *self.words)

    def until(self, what: Callable[[], bool]) -> None:
        """Blocks, until it is so; none that a member is late for, however slow the machine is."""
        deadline = time.monotonic() + WAIT_S
        while not what():
            logs = [path.read_text() for path in sorted(self.folder.parent.glob("*/*.log"))]
            assert time.monotonic() < deadline, "\n---\n".join(logs)
            if self.client.status().height < self.last:
                self.client.make_block()
            time.sleep(PACE_S)

    @property
    def last(self) -> float:
        """The height at which blocks wait for what members have still to say.

        With room for all of them: what one says makes a block of its own.
        """
        name = bytes_of(self.id, 32)
        ceremony, going = (
            self.client.private_ceremony(name),
            self.client.private_succession(self.follows or name).transfer,
        )
        said, height = Counter(word.step for word in ceremony.words), ceremony.height
        first, second = ceremony.opened + STEP - 1, ceremony.opened + 2 * STEP - 1
        if ceremony.opened and said["notice"] < len(self.processes) and height < first:
            return first - SEATS
        if ceremony.opened and said["dealing"] < said["notice"] and height < second:
            return second - SEATS
        if going is None or height >= going.until:
            return math.inf
        if len(going.dealt) < 3 and height < going.opened + STEP:
            return going.opened + STEP - SEATS
        return going.until - (2 if going.handed else 6)

    def to(self, height: int) -> None:
        """Blocks in which nobody has anything to say."""
        while self.client.status().height < height:
            self.client.make_block()
            time.sleep(0.05)

    @property
    def opens(self) -> int:
        return self.client.private_committee(bytes_of(self.id, 32)).opens

    @property
    def made(self) -> int:
        return self.client.private_committee(bytes_of(self.id, 32)).made


@pytest.fixture
def place(parts, tmp_path, capsys, assembled) -> Iterator[Any]:
    """A node, a command line over it, and what is to be stopped in the end."""
    parameters = PrivateParameters(step_heights=STEP)
    genesis = development.genesis(EPOCH_MS, validators=(VALIDATOR.public,), private=parameters)
    options = Options(port=0, delay_ms=1, lane_tick_ms=3_600_000)
    running: list[Committee] = []
    with serving(memory_node(genesis, verifier=parts.Believes(), options=options)) as client:
        cli = parts.Cli(tmp_path / "home", capsys, client.url)
        cli.wallet("alice")
        try:
            yield cli, client, tmp_path, running
        finally:
            for one in running:
                one.stop()


@pytest.mark.slow
def test_deposits_go_to_new_keys_and_to_the_committee_that_follows(place) -> None:
    cli, client, folder, running = place
    old = Committee(cli, client, folder / "old", 10)
    running.append(old)
    old.start(1, 2, 3, 4)
    old.until(lambda: old.made == 1)
    given = cli.pay("private", "deposit", "new", old.id, "0.25", "--shown")
    assert given.code == 0, given.out
    deposit = bytes_of(given.data["deposit"], 32)

    def now():
        return client.private_deposit(deposit)

    old.until(lambda: now().status == "accepted")
    old.kill(3)
    old.to(old.opens - 2)
    old.until(lambda: old.made == 2)
    old.start(3)
    old.until(lambda: now().epoch == 1)

    new = Committee(cli, client, folder / "new", 20, "--take-from", old.id)
    running.append(new)
    new.start(1, 2, 3, 4)
    new.until(lambda: new.made == 1)
    new.follows = bytes_of(old.id, 32)
    for member in (1, 2, 3, 4):
        said = cli.json(
            "private", "member", "succeed", "--dir", str(old.home(member)),
            "--committee", old.id, "--successor", new.id,
        )  # fmt: skip
        assert said.code == 0, said.out
    assert said.data["agreed"] == new.id
    shown = cli.json("private", "committee", "show", old.id).data
    assert (shown["successor"], len(shown["words"])) == (new.id, 4)
    new.until(lambda: client.private_succession(bytes_of(old.id, 32)).transfer is not None)
    old.kill(1)
    old.start(1)
    new.until(lambda: now().committee == new.id)
    told = cli.json(
        "private", "member", "status", "--dir", str(old.home(2)), "--committee", old.id
    ).data
    assert (told["keeps"], told["successor"]) == ([], new.id)
    back = cli.pay("private", "deposit", "withdraw", given.data["deposit"])
    assert back.data["amount"]["amount"] == "0.25", back.out
