"""A validator's process that is killed at a named point: makes a key, orders an intent, opens it.

Run as a program it is a *nursery*: it imports everything once, then forks one validator per line
of JSON, [HOME, POINT, HIT], on stdin and answers with how that process ended.

What a validator says goes to HOME/said, a line each, once it is said: what, which, its bytes.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from pathlib import Path

from node.app import validator as app_validator
from node.app.node import Node
from node.app.options import Options
from node.core.block import Transaction
from node.core.genesis import DEV_FAUCET_SEED
from node.core.ids import EnvironmentId
from node.lane import layout, payload
from node.lane.payload import KeyTx, SealTx
from node.lane.validator.roots import FileRoots
from node.lane.validator.secrets import FileSecrets
from private_exec.envelope import Terms, seal_intent
from transparent.signature import SigningKey

DOMAIN = 1
FEE = 10_000


class Killer:
    """Kills this process at the n-th pass of a point."""

    def __init__(self, point: str, hit: int) -> None:
        self._point = point
        self._left = hit

    def __call__(self, name: str) -> None:
        if name == self._point:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def after(owner, name: str, point) -> None:
    """Call `point` when a method has returned."""
    method = getattr(owner, name)

    def wrapped(self, *arguments):
        result = method(self, *arguments)
        point()
        return result

    setattr(owner, name, wrapped)


def say(home: Path, line: str) -> None:
    with (home / "said").open("a") as file:
        file.write(line + "\n")
        file.flush()
        os.fsync(file.fileno())


def main(home: Path, point: str, hit: int) -> None:
    kill = Killer(point, hit)
    after(FileSecrets, "put", lambda: kill("secret-kept"))
    after(FileSecrets, "erase", lambda: kill("secret-erased"))
    after(FileRoots, "record", lambda: kill("root-recorded"))
    send = app_validator.Validator._send

    def heard(self, outbox) -> None:
        kill("before-saying")
        for data in outbox.txs:
            tx = payload.decode(Transaction.from_bytes(data).payload)
            assert isinstance(tx, KeyTx)
            place = f"{tx.domain}/{tx.epoch}/{tx.attempt}/{tx.what.name}"
            say(home, f"key {place} {data.hex()}")
        for share in outbox.shares:
            say(home, f"share {share.height}/{share.epoch} {share.to_bytes().hex()}")
        kill("after-saying")
        send(self, outbox)

    app_validator.Validator._send = heard
    node = Node.open(home, options=Options(port=0), crash_point=kill)
    try:
        node.start()
        run(node)
    finally:
        node.close()


def run(node: Node) -> None:
    """Until the first batch is over."""
    state = node.store.reader
    while layout.key_of(state(), DOMAIN, 0) is None:
        node.want_key(DOMAIN)
        node.produce_block()
    while layout.live(state()) or state().get(layout.next_key(DOMAIN)) is None:
        if not layout.live(state()):
            assert node.pool.add(intent(node)).error is None
        node.produce_block()


def intent(node: Node) -> bytes:
    key = layout.key_of(node.store.reader(), DOMAIN, 0)
    payer = SigningKey(DEV_FAUCET_SEED)
    terms = Terms(payer.account, 1, FEE, 1, 1000, 0)
    item = seal_intent(key, terms, b"whatever", payer, os.urandom(32))
    return Transaction(EnvironmentId.INTENTS, SealTx(DOMAIN, item).to_bytes()).to_bytes()


def nursery() -> None:
    for line in sys.stdin:
        home, point, hit = json.loads(line)
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                main(Path(home), point, hit)
                code = 0
            except BaseException:
                traceback.print_exc()
                sys.stderr.flush()
            os._exit(code)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    nursery()
