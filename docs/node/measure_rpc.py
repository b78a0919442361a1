"""Figures of docs/production.md: does a node answer while proofs are made and verified beside it?

    python docs/node/measure_rpc.py [--seconds 20] [--rate 50] [--only idle,prover,…]

A development node in a process of its own; another process asks it `rate` times a second for what
wallets and dashboards ask, and notes how late each answer is against the moment it was due.

    idle      nothing else
    prover    a wallet's process proves the action without a pause (R7)
    verify    four clients send copies of an honest transaction under other proofs, without a pause:
              the node verifies each, none is admitted
    blocks    two hundred payments a second
    readers   two auditors read whole blocks without a pause, which `blocks` has made
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import multiprocessing
import os
import re
import secrets
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.synchronize import Event
from pathlib import Path

from node.app import localnet
from node.app.process import NodeProcess
from node.core.block import Transaction
from node.core.genesis import DEV_FAUCET_SEED
from node.core.ids import NATIVE, EnvironmentId
from node.rpc.client import NodeClient
from node.rpc.text import bytes_of
from node.testing.localnets import free_port, p2p_port
from shielded.transaction import ShieldedTx
from transparent.signature import SigningKey
from transparent.transaction import Transfer, sign
from zk.errors import ChiaroError

PATHS = ("status", "blocks/tip", "supply", "mempool", "blocks?first=1&limit=20")
PASSWORD = "correct horse battery"  # noqa: S105
SCENES = ("idle", "prover", "verify", "blocks", "readers")
PAID = 200


@contextlib.contextmanager
def running(folder: Path, *, driven: bool) -> Iterator[tuple[NodeProcess, int]]:
    """A node with metrics, in `folder` as `chiaro --home` has it; or a localnet of one."""
    metrics, state, home = free_port(), folder / "state", folder / "node"
    words = ["--create"]
    if driven:
        now = time.time_ns() // 1_000_000
        localnet.create(folder / "net", 1, time_ms=now, p2p_port=p2p_port(1))
        home, words = folder / "net" / "node0", ["--start-cometbft", str(localnet.binary())]
    command = [sys.executable, "-P", "-m", "node.app", "run", "--port", "0", *words]
    command += ["--home", str(home), "--state", str(state)]
    command += ["--metrics", f"127.0.0.1:{metrics}"]
    with subprocess.Popen(command) as child:
        try:
            while (found := NodeProcess.read(state)) is None:
                if child.poll() is not None:
                    raise SystemExit("the node ended before it was ready")
                time.sleep(0.05)
            yield found, metrics
        finally:
            child.send_signal(signal.SIGTERM)


def ask(port: int, rate: float, seconds: float, pipe: object) -> None:
    """A process: milliseconds from when each answer was due, open loop."""
    late: list[float] = []
    lock = threading.Lock()
    began = time.monotonic() + 0.2

    def one(number: int) -> None:
        due, at = began + number / rate, number
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while due < began + seconds:
            time.sleep(max(0.0, due - time.monotonic()))
            connection.request("GET", f"/v1/{PATHS[at % len(PATHS)]}")
            connection.getresponse().read()
            with lock:
                late.append((time.monotonic() - due) * 1000)
            at += LANES
            due += LANES / rate
        connection.close()

    threads = [threading.Thread(target=one, args=(k,)) for k in range(LANES)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pipe.send(late)  # type: ignore[attr-defined]


LANES = 4


def lag_buckets(port: int) -> dict[float, float]:
    """Cumulative counts of the loop's lag."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    found = re.findall(r'chiaro_loop_lag_seconds_bucket\{le="([^"]+)"\} ([0-9.]+)', text)
    return {float(bound): float(count) for bound, count in found}


def lag_p99(before: dict[float, float], after: dict[float, float]) -> float:
    """Milliseconds: the bound of the bucket in which it falls."""
    total = after[float("inf")] - before[float("inf")]
    return 1000 * min(b for b in after if after[b] - before[b] >= 0.99 * total)


def prove(stop: Event, ready: Event, nice: int, count: object) -> None:
    """A process: the action, again and again, as a wallet does."""
    from circuits.example import example_action
    from circuits.keys import KeyStore
    from circuits.prover import prove_statement
    from circuits.registry import statement
    from zk.groth16.keys import Blinding

    os.nice(nice)
    keys, claim = KeyStore(), statement("action/1")
    public, witness = example_action(b"measure")
    while not stop.is_set():
        blinding = Blinding(secrets.randbits(200), secrets.randbits(200))
        prove_statement(claim, public, witness, blinding, profile="dev", keys=keys)
        count.value += 1  # type: ignore[attr-defined]
        ready.set()


def flood(url: str, wire: bytes, proof: bytes, stop: Event, count: object) -> None:
    """A process: one honest transaction under proofs of our own making."""
    from zk.curve.bn254 import G1, G2
    from zk.groth16.keys import Proof

    point, twist = G1.generator(), G2.generator().to_affine()
    with NodeClient(url) as client:
        while not stop.is_set():
            a, c = (secrets.randbits(64) * point for _ in range(2))
            made = Proof(a.to_affine(), twist, c.to_affine()).to_bytes()
            with contextlib.suppress(ChiaroError):
                client.submit(wire.replace(proof, made))
            count.value += 1  # type: ignore[attr-defined]


def pay(url: str, stop: Event, count: object) -> None:
    """A process: payments of the faucet's key at a steady rate."""
    key = SigningKey(DEV_FAUCET_SEED)
    with NodeClient(url) as client:
        chain_id = client.genesis().chain_id
        sequence, began, sent = client.account(key.account).sequence, time.monotonic(), 0
        height = client.status().height
        while not stop.is_set():
            if sent % 50 == 0:
                height = client.status().height
            moved = (Transfer(key.account, NATIVE, 1),)
            tx = sign(key, chain_id, sequence + sent, height + 60, 1000, moved)
            wire = Transaction(EnvironmentId.TRANSPARENT, tx.to_bytes()).to_bytes()
            try:
                client.submit(wire)
            except ChiaroError:
                sequence, sent = client.account(key.account).sequence, 0
                began = time.monotonic()
                continue
            sent += 1
            count.value = count.value + 1  # type: ignore[attr-defined]
            time.sleep(max(0.0, began + sent / PAID - time.monotonic()))


def read(url: str, stop: Event, count: object) -> None:
    """A process: pages of blocks as bytes, as `chiaro audit export` asks for them."""
    with NodeClient(url) as client:
        first = 1
        while not stop.is_set():
            first = client.raw_page(first, 100).next or 1
            count.value += 1  # type: ignore[attr-defined]


def shield(folder: Path, url: str) -> bytes:
    """A real private transaction, from the wallet; its bytes."""
    secret = folder / "password"
    secret.write_text(PASSWORD + "\n")
    secret.chmod(0o600)

    def run(*words: str) -> dict[str, object]:
        command = [sys.executable, "-P", "-m", "node.cli", "--home", str(folder), "--node", url]
        command += [*words, "--json", "--yes", "--password-file", str(secret)]
        ended = subprocess.run(command, capture_output=True, text=True, check=True)
        found: dict[str, object] = json.loads(ended.stdout)["data"]
        return found

    run("wallet", "new", "measure")
    operation = run("shield", "1")["operation"]
    with NodeClient(url) as client:
        view = client.transaction(bytes_of(operation["tx_id"]))  # type: ignore[index]
    assert view.tx is not None  # noqa: S101
    return bytes_of(view.tx)


def scene(
    name: str, node: NodeProcess, metrics: int, seconds: float, rate: float, nice: int, wire: bytes
) -> dict[str, object]:
    """Measure while something happens beside it."""
    spawn = multiprocessing.get_context("spawn")
    stop, ready, count = spawn.Event(), spawn.Event(), spawn.Value("i", 0)
    proof = ShieldedTx.from_bytes(Transaction.from_bytes(wire).payload).actions[0].proof
    work: dict[str, list[tuple[Callable[..., None], tuple[object, ...]]]] = {
        "idle": [],
        "prover": [(prove, (stop, ready, nice, count))],
        "verify": [(flood, (node.url, wire, proof, stop, count))] * 4,
        "blocks": [(pay, (node.url, stop, count))],
        "readers": [(read, (node.url, stop, count))] * 2,
    }
    beside = [spawn.Process(target=target, args=args) for target, args in work[name]]
    for process in beside:
        process.start()
    if name == "prover":
        ready.wait(120)
    elif beside:
        time.sleep(5)
    before, counted, load = lag_buckets(metrics), count.value, os.getloadavg()[0]
    mine, theirs = spawn.Pipe()
    asking = spawn.Process(target=ask, args=(node.port, rate, seconds, theirs))
    asking.start()
    late = sorted(mine.recv())
    asking.join()
    after, done = lag_buckets(metrics), count.value - counted
    stop.set()
    for process in beside:
        process.join(30)
        process.kill()
    cuts = statistics.quantiles(late, n=1000)
    return {
        "scene": name,
        "load": round(load, 1),
        "requests": len(late),
        "p50_ms": round(cuts[499], 1),
        "p99_ms": round(cuts[989], 1),
        "max_ms": round(late[-1], 1),
        "loop_lag_p99_below_ms": lag_p99(before, after),
        "beside_per_s": round(done / seconds, 1),
    }


def main() -> None:
    """Run the scenes; a line of JSON each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rate", type=float, default=50)
    parser.add_argument("--nice", type=int, default=10, help="of the prover, as wallets have it")
    parser.add_argument("--only", default=",".join(SCENES))
    parser.add_argument("--cometbft", action="store_true", help="CometBFT decides, every second")
    words = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="rpc", dir="/tmp"))
    try:
        with running(folder, driven=words.cometbft) as (node, metrics):
            wire = shield(folder, node.url)
            for name in words.only.split(","):
                found = scene(name, node, metrics, words.seconds, words.rate, words.nice, wire)
                sys.stdout.write(json.dumps(found) + "\n")
                sys.stdout.flush()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
