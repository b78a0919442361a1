"""Events: what comes, to how many, and who is dropped."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
from starlette.applications import Starlette

from node.app.options import Options
from node.explorer import explorer
from node.explorer.explorer import Explorer, Parts
from node.explorer.live import Live
from node.rpc.tip import Tip
from node.testing.nodes import memory_node, serving


class Listener:
    """An ASGI peer that takes everything, or nothing."""

    def __init__(self, *, takes: bool = True) -> None:
        self.takes = takes
        self.sent: list[bytes] = []
        self.gone = asyncio.Event()

    async def receive(self):
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message) -> None:
        if message["type"] == "http.response.body":
            if not self.takes:
                await asyncio.Event().wait()
            self.sent.append(message["body"])


def blocks(node, tip: Tip, count: int) -> None:
    for _ in range(count):
        tip.reached(node.produce_block().block.header.height)


@pytest.fixture
def node():
    found = memory_node(options=Options(port=0, delay_ms=1, lane_tick_ms=3_600_000))
    found.start()
    yield found
    found.close()


def told(listener: Listener) -> list[dict]:
    lines = b"".join(listener.sent).decode().splitlines()
    return [json.loads(line[6:]) for line in lines if line.startswith("data: ")]


def run(node, body, **options):
    """`body(live, tip)` on an event loop of its own."""

    async def all_of_it():
        tip = Tip(node.chain.height)
        return await body(Live(node.service, tip, **options), tip)

    return asyncio.run(all_of_it())


async def until(condition) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


def test_each_block_is_told_and_the_last_counts_for_who_was_away(node) -> None:
    async def body(live: Live, tip: Tip):
        listener = Listener()
        task = asyncio.create_task(
            live.stream(node.chain.height, {})({}, listener.receive, listener.send)
        )
        await until(lambda: listener.sent)
        blocks(node, tip, 1)
        await until(lambda: len(told(listener)) == 1)
        blocks(node, tip, 3)
        await until(lambda: told(listener)[-1]["height"] == node.chain.height)
        listener.gone.set()
        await task
        assert live.listeners == 0
        return told(listener)

    found = run(node, body)
    assert [item["height"] for item in found] == [1, 4]
    assert set(found[0]) == {"height", "txs", "time_ms"}


def test_rpc60_who_takes_nothing_is_dropped(node) -> None:
    async def body(live: Live, tip: Tip):
        deaf, good = Listener(takes=False), Listener()
        tasks = [
            asyncio.create_task(live.stream(0, {})({}, peer.receive, peer.send))
            for peer in (deaf, good)
        ]
        await until(lambda: live.listeners == 2)
        await until(lambda: live.listeners == 1)
        blocks(node, tip, 1)
        await until(lambda: told(good))
        assert tasks[0].done()
        assert tasks[0].exception() is None
        good.gone.set()
        await tasks[1]
        return deaf.sent

    assert run(node, body, send_s=0.05) == []


def test_streams_end_with_the_node_and_after_their_time(node) -> None:
    async def body(live: Live, tip: Tip):
        first, second = Listener(), Listener()
        await live.stream(0, {})({}, first.receive, first.send)
        assert first.sent[-1] == b""
        task = asyncio.create_task(live.stream(0, {})({}, second.receive, second.send))
        await until(lambda: live.listeners == 1)
        tip.close()
        await task
        assert second.sent[-1] == b""
        assert live.listeners == 0

    run(node, body, life_s=0.2)


def test_rpc60_not_more_than_so_many_listen(helpers, node) -> None:
    live = Live(node.service, node.tip, most=0)
    pages = Explorer(Parts(node.service, node.tip, {}, "none"), live=live)
    with helpers.Browser(Starlette(routes=pages.routes)) as http:
        answer = http.get("/explorer/live")
    assert answer.status_code == 503
    assert "RPC-60" in answer.text


def test_rpc60_not_more_than_so_many_pages_at_one_time(helpers, node, monkeypatch) -> None:
    monkeypatch.setattr(explorer, "MOST_PAGES", 0)
    with helpers.browser_of(node) as http:
        answer = http.get("/explorer")
        assert http.get("/v1/status").status_code == 200
    assert answer.status_code == 503
    assert "RPC-60" in answer.text


def test_events_over_http_while_the_rpc_goes_on_answering() -> None:
    with serving(memory_node()) as client, httpx.Client(base_url=client.url, timeout=10) as http:
        ahead = {"last-event-id": "7"}  # of a chain that was here before; this one has no block
        with http.stream("GET", "/explorer/live", headers=ahead) as stream:
            lines = stream.iter_lines()
            assert next(lines) == "retry: 2000"
            made = client.make_block()
            assert [next(lines) for _ in range(3)][2] == f"id: {made.height}"
        with http.stream("GET", "/explorer/live") as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            assert stream.headers["cache-control"] == "no-store"
            lines = stream.iter_lines()
            assert next(lines) == "retry: 2000"
            made = client.make_block()
            found = [next(lines) for _ in range(4)]
        assert found[1:3] == ["event: block", f"id: {made.height}"]
        ahead = {"last-event-id": str(made.height + 100)}
        with http.stream("GET", "/explorer/live", headers=ahead) as stream:
            lines = stream.iter_lines()
            assert [next(lines) for _ in range(4)][3] == f"id: {made.height}"
        bad = http.get("/explorer/live", headers={"last-event-id": "<x>"})
        assert bad.status_code == 400
