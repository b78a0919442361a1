"""Connections that wait, and readers that do not read: RPC-63, and bodies of RPC-2."""

from __future__ import annotations

import contextlib
import gc
import socket
import time
from contextlib import AbstractContextManager

import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from node.rpc import server
from node.rpc.connections import BoundedProtocol
from node.testing.nodes import memory_node, served, serving

LARGE = 16 << 20
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
WAIT_S = 20.0


@pytest.fixture
def impatient(monkeypatch) -> None:
    monkeypatch.setattr(BoundedProtocol, "head_s", 0.3)
    monkeypatch.setattr(BoundedProtocol, "take_s", 0.3)


def answering(data: bytes) -> AbstractContextManager[tuple[str, int]]:
    """A listener that has one answer to everything."""
    return served(Starlette(routes=[Route("/", lambda _: Response(data))]))


def is_answered(raw: socket.socket) -> bool:
    """Whether the whole answer `x` comes."""
    got = b""
    while not got.endswith(b"\r\n\r\nx") and (part := raw.recv(1 << 16)):
        got += part
    return got.startswith(b"HTTP/1.1 200")


def ends(raw: socket.socket) -> bool:
    """Whether the other side closes it; what comes before is read and forgotten."""
    raw.settimeout(WAIT_S)
    try:
        while raw.recv(1 << 16):
            pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True


def test_rpc63_who_does_not_finish_the_head_of_a_request_is_closed(impatient) -> None:
    with answering(b"x") as place:
        for sent in (b"", b"GET / HTT", GET + b"GET"):
            with socket.create_connection(place, timeout=WAIT_S) as raw:
                raw.sendall(sent)
                if sent.startswith(GET):
                    assert is_answered(raw)
                    raw.sendall(b" /")
                assert ends(raw), sent


def test_rpc63_a_byte_now_and_then_does_not_set_the_clock_back(impatient) -> None:
    def drip(raw: socket.socket) -> None:
        for _ in range(200):
            raw.sendall(b"G")
            time.sleep(0.05)

    with (
        answering(b"x") as place,
        socket.create_connection(place, timeout=WAIT_S) as raw,
        pytest.raises(ConnectionError),
    ):
        drip(raw)


def test_rpc63_who_takes_nothing_of_an_answer_is_closed_and_who_is_slow_is_not(impatient) -> None:
    with answering(bytes(LARGE)) as place:
        with socket.create_connection(place, timeout=WAIT_S) as deaf:
            deaf.sendall(GET)
            time.sleep(1.5)
            got = 0
            with contextlib.suppress(ConnectionError):
                while part := deaf.recv(1 << 20):
                    got += len(part)
            assert got < LARGE
        got = 0
        with socket.create_connection(place, timeout=WAIT_S) as slow:
            slow.sendall(GET)
            while got < LARGE:
                part = slow.recv(1 << 19)
                assert part
                got += len(part)
                time.sleep(0.04)


def test_rpc63_connections_of_a_listener_are_bounded(monkeypatch) -> None:
    monkeypatch.setattr(BoundedProtocol, "most", 3)
    with answering(b"x") as place, contextlib.ExitStack() as stack:
        for _ in range(3):
            raw = stack.enter_context(socket.create_connection(place, timeout=WAIT_S))
            raw.sendall(GET)
            assert is_answered(raw)
        assert ends(stack.enter_context(socket.create_connection(place, timeout=WAIT_S)))
        raw.sendall(GET)
        assert is_answered(raw)


def test_who_is_still_there_when_a_listener_has_ended_is_cut_off(monkeypatch) -> None:
    """A reader that does not read, for one: nothing of it is left to whoever collects garbage."""
    monkeypatch.setattr("node.rpc.listener._GRACE_S", 0)
    with answering(bytes(LARGE)) as place:
        raw = socket.create_connection(place, timeout=WAIT_S)
        raw.sendall(GET)
        assert raw.recv(1)
    gc.collect()  # an end that nobody closed fails this test
    with raw:
        assert ends(raw)


def test_rpc2_a_body_has_a_longest_time(monkeypatch) -> None:
    monkeypatch.setattr(server, "READ_S", 0.2)
    with serving(memory_node()) as client:
        host, port = client.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=WAIT_S) as raw:
            raw.sendall(
                b"POST /v1/tx HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                b"Content-Length: 100\r\n\r\n{"
            )
            answer = b""
            while b"}" not in answer and (part := raw.recv(1 << 16)):
                answer += part
        assert answer.startswith(b"HTTP/1.1 408")
        assert b"RPC-2" in answer
