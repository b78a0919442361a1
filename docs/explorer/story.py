"""A development chain with something on every page of the explorer, made by the command line.

    python docs/explorer/story.py HOME     prints the node's address; `stop HOME` ends it

Two wallets shield, pay in the shadow, and swap through a sealed batch that a solver settles;
an account pays in the clear. Real proofs: a minute or two.
"""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from node.app import process
from node.cli.session import Places

TICK_MS = 900
ROUNDS = 4
"""On a busy machine a batch may be over before both have ordered."""


class Story:
    """The chain in a folder.

    Args:
        home: of `chiaro`; made if need be.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.places = Places.of(str(home))
        self.secret = home / "password"

    def begin(self) -> str:
        """Start the node, with the traffic if it is a new chain; its address."""
        new = not self.places.node.exists()
        self.home.mkdir(parents=True, exist_ok=True)
        self.secret.touch(mode=0o600)
        self.secret.write_text("a password for a demonstration\n")
        node = process.find(self.places.node, self.places.state) or process.spawn(
            self.places.node, self.places.state, port=0, lane_tick_ms=TICK_MS
        )
        self.to = ("--node", node.url)
        self.yes = (*self.to, "--yes", "--password-file", str(self.secret))
        if new:
            self._traffic()
        return node.url

    def end(self) -> None:
        """Stop the node."""
        process.stop(self.places.node, self.places.state)

    def chiaro(self, *words: str, codes: tuple[int, ...] = (0,)) -> dict[str, Any]:
        """One command; its data."""
        done = subprocess.run(
            [sys.executable, "-m", "node.cli", "--home", str(self.home), "--json", *words],
            capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
        if done.returncode not in codes:
            raise SystemExit(f"{' '.join(words)}: {done.stdout}{done.stderr}")
        found: dict[str, Any] = json.loads(done.stdout)["data"]
        return found

    def _traffic(self) -> None:
        for who in ("alice", "bob", "solver"):
            self.chiaro("wallet", "new", who, *self.yes)
        self._pay("shield", "10", "--asset", "gold", "--wallet", "alice")
        self._pay("shield", "10", "--asset", "silver", "--wallet", "bob")
        self._pay("shield", "40", "--wallet", "alice")
        to = self.chiaro("address", "new", "--wallet", "bob")
        address = to.get("address") or to["encoded"]
        self._pay("send", "4.25", address, "--memo", "rent", "--wallet", "alice")
        self._pay("unshield", "2.5", "--wallet", "alice")
        swaps = {"alice": ("2", "gold", "5", "silver"), "bob": ("5", "silver", "2", "gold")}
        for who, (give, sold, want, bought) in swaps.items():
            words = ("--give", give, sold, "--want", want, bought, "--expires", "64")
            self._pay("intent", "new", "swap", *words, "--wallet", who)
        for _ in range(ROUNDS):
            if self._settle():
                return
        raise SystemExit("the two intents never met in a batch")

    def _pay(self, *words: str) -> None:
        self.chiaro(*words, *self.yes)

    def _settle(self) -> bool:
        """Order both; whether they were settled in one batch."""
        with ThreadPoolExecutor(3) as at_once:
            solver = at_once.submit(
                self.chiaro, "solver", "run", "--once", "--wallet", "solver", *self.yes,
                codes=(0, 7),
            )  # fmt: skip
            sent = [
                at_once.submit(self.chiaro, "intent", "submit", "1", "--wallet", who, *self.yes)
                for who in ("alice", "bob")
            ]
            for future in sent:
                future.result()
            ends = [
                self.chiaro(
                    "intent", "status", "1", "--wait", "--wallet", who, *self.to, codes=(0, 1)
                )["intent"]["stage"]
                for who in ("alice", "bob")
            ]
            solver.result()
        return set(ends) == {"settled"}


if __name__ == "__main__":
    if sys.argv[1:2] == ["stop"]:
        Story(Path(sys.argv[2])).end()
    else:
        sys.stdout.write(Story(Path(sys.argv[1])).begin() + "\n")
