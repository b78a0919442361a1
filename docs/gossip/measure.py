"""Figures of docs/gossip.md: nodes in processes of their own over a cluster of three NATS servers.

    python docs/gossip/measure.py [--rate 50] [--seconds 10] [--nodes 5] [--spam none|bus|peer]

One node publishes messages of 2 KiB, `rate` a second; the others say when each came. With `--spam`
another process sends ten times as much: `bus`, garbage into one receiver's subject, of nobody;
`peer`, valid messages as a node that was let in.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import secrets
import statistics
import time
from multiprocessing.connection import Connection as Pipe
from multiprocessing.synchronize import Event

from node.app.blocks import system_clock
from node.app.overlay import monotonic_ms
from node.core.ids import Height
from node.gossip.bus import Filter
from node.gossip.envelope import APP_BYTES, plain
from node.gossip.message import originate
from node.gossip.nats import NatsBus, prefix
from node.gossip.node import GossipNode
from node.gossip.sequence import MemorySequence
from node.gossip.servers import Connection, Servers
from node.gossip.statement import Signer
from node.testing.nats import Cluster, binary
from node.testing.network import CHAIN
from zk.bench.stats import percentile

BODY = 2048
APP = b"measure".ljust(APP_BYTES, b"\0")
WARM_S = 3.0
CUT_OFF_S = 2.0
"""In which a spammer has to be cut off."""


def make(urls: tuple[str, ...]) -> tuple[NatsBus, Signer]:
    """A node of a new key."""
    signer = Signer(secrets.token_bytes(32), CHAIN)
    node = GossipNode(signer, MemorySequence())
    return NatsBus(node, signer, Servers(urls), monotonic_ms, system_clock), signer


def body(start: float) -> bytes:
    """2 KiB that begin with when they were made."""
    return f"{start:.6f}".encode().ljust(BODY, b".")


def receiver(urls: tuple[str, ...], pipe: Pipe, stop: Event) -> None:
    """A process: its key, and in the end what came."""

    async def story() -> None:
        bus, _ = make(urls)
        took: list[tuple[float, float]] = []

        async def read() -> None:
            with bus.subscribe(Filter(app=APP, schema="honest"), 1 << 16) as arriving:
                async for item in arriving:
                    sent = float(item.envelope.body.rstrip(b"."))
                    took.append((sent, time.time() - sent))

        tasks = [asyncio.create_task(bus.run()), asyncio.create_task(read())]
        await asyncio.sleep(WARM_S)
        pipe.send(bus.node.node)
        before = time.process_time()
        lag = 0.0
        while not stop.is_set():
            then = time.monotonic()
            await asyncio.sleep(0.02)
            lag = max(lag, time.monotonic() - then - 0.02)
        used = time.process_time() - before
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        pipe.send({"took": took, "cpu": used, "lag": lag, "dropped": dict(bus.dropped)})

    asyncio.run(story())


def publisher(
    urls: tuple[str, ...], rate: float, seconds: float, start: Event, schema: str
) -> None:
    """A process: messages, as many as its peers take (`honest`) or as it can."""

    async def story() -> None:
        bus, signer = make(urls)
        running = asyncio.create_task(bus.run())
        await asyncio.sleep(WARM_S)
        while not start.is_set():
            await asyncio.sleep(0.01)
        began = time.monotonic()
        for number in range(int(rate * seconds)):
            envelope = plain(APP, schema, Height(32), body(time.time()))
            if schema == "honest":
                await bus.publish(envelope)
            else:  # past its own allowance, which an honest node keeps
                frame = b"\x01" + originate(signer, number, envelope).to_bytes()
                for peer in bus.node.peers.connected:
                    bus.carry(peer, frame)
            await asyncio.sleep(max(0.0, began + (number + 1) / rate - time.monotonic()))
        await asyncio.sleep(2)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(story())


def forger(urls: tuple[str, ...], rate: float, seconds: float, start: Event, target: bytes) -> None:
    """A process: garbage for one node, in the name of nobody."""

    async def story() -> None:
        client = Connection(Servers(urls), urls[0])
        await client.connect(urls[0], allow_reconnect=False)
        while not start.is_set():
            await asyncio.sleep(0.01)
        began = time.monotonic()
        for number in range(int(rate * seconds)):
            sender = os.urandom(32).hex() if number % 2 else target.hex()
            subject = f"{prefix(CHAIN)}.to.{target.hex()}.{sender}"
            await client.publish(subject, b"\x01" + os.urandom(BODY))
            await asyncio.sleep(max(0.0, began + (number + 1) / rate - time.monotonic()))
        await client.close()

    asyncio.run(story())


def _p99(took: list[float]) -> float:
    return round(1000 * percentile(took, 0.99), 2)


def main() -> None:
    """Print a line of JSON for each receiver."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=float, default=50)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--nodes", type=int, default=5)
    parser.add_argument("--spam", choices=("none", "bus", "peer"), default="none")
    given = parser.parse_args()
    program = binary()
    if program is None:
        raise SystemExit("nats-server is not here: `make nats`")
    spawn = multiprocessing.get_context("spawn")
    stop, start = spawn.Event(), spawn.Event()
    with Cluster(program) as cluster:
        pipes, processes = [], []
        for number in range(given.nodes - 1):
            here, there = spawn.Pipe()
            urls = cluster.urls[number % 3 :] + cluster.urls[: number % 3]
            pipes.append(here)
            processes.append(spawn.Process(target=receiver, args=(urls, there, stop)))
        args = (cluster.urls, given.rate, given.seconds, start, "honest")
        sending = spawn.Process(target=publisher, args=args)
        for process in (*processes, sending):
            process.start()
        targets = [pipe.recv() for pipe in pipes]
        spam = None
        more = (cluster.urls, 10 * given.rate, given.seconds, start)
        if given.spam == "bus":
            spam = spawn.Process(target=forger, args=(*more, targets[0]))
        elif given.spam == "peer":
            spam = spawn.Process(target=publisher, args=(*more, "spam"))
        if spam is not None:
            spam.start()
            time.sleep(WARM_S + 3)
        start.set()
        sending.join()
        if spam is not None:
            spam.join()
        stop.set()
        for number, pipe in enumerate(pipes):
            found = pipe.recv()
            all_took: list[tuple[float, float]] = found.pop("took")
            began = min(sent for sent, _ in all_took)
            took = [delay for _, delay in all_took]
            later = [delay for sent, delay in all_took if sent - began >= CUT_OFF_S]
            line = {
                "receiver": number,
                "came": len(took),
                "sent": int(given.rate * given.seconds),
                "p50_ms": round(1000 * statistics.median(took), 2),
                "p99_ms": _p99(took),
                "p99_after_2_s_ms": _p99(later),
                "cpu_ms_per_message": round(1000 * found["cpu"] / max(1, len(took)), 2),
                "loop_lag_ms": round(1000 * found["lag"], 1),
                "dropped": found["dropped"],
            }
            print(json.dumps(line))  # noqa: T201
        for process in processes:
            process.join()


if __name__ == "__main__":
    main()
