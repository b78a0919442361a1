"""Questions to another's CometBFT, which may answer anything."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from node.consensus.cometbft import query
from node.consensus.cometbft.query import EngineAnswer, Query
from node.core.errors import NotFound, Unreachable


class Other(BaseHTTPRequestHandler):
    """What the server's `said` is, or spaces for ever."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        said = self.server.said  # type: ignore[attr-defined]
        try:
            while said is None and not self.server.stop.wait(0.05):  # type: ignore[attr-defined]
                self.wfile.write(b" ")
            self.wfile.write(said or b"")
        except OSError:  # who asked has left
            self.close_connection = True

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def other() -> Iterator[HTTPServer]:
    server = HTTPServer(("127.0.0.1", 0), Other)
    server.said, server.stop = None, threading.Event()  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.stop.set()  # type: ignore[attr-defined]
    server.shutdown()
    thread.join()
    server.server_close()


def asked(server: HTTPServer) -> object:
    return Query(f"http://127.0.0.1:{server.server_port}").ask("status")


def test_an_answer_that_comes_byte_by_byte_is_not_waited_for(other, monkeypatch) -> None:
    monkeypatch.setattr(query, "WHOLE_S", 0.2)
    with pytest.raises(Unreachable, match="not all of it within"):
        asked(other)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (b"", EngineAnswer),
        (b"[]", EngineAnswer),
        (b'{"error":{"data":"no such method"}}', EngineAnswer),
        (b'{"error":{"data":"height 9 is not available"}}', NotFound),
        (b'{"result":null}', NotFound),
        (b"{" * 100, EngineAnswer),
    ],
)
def test_what_is_no_answer_is_refused(other, said: bytes, kind: type[Exception]) -> None:
    other.said = said
    with pytest.raises(kind):
        asked(other)


def test_an_answer_is_its_result(other, monkeypatch) -> None:
    other.said = b'{"result":{"a":1}}'
    assert asked(other) == {"a": 1}
    monkeypatch.setattr(query, "MAX_ANSWER", 5)
    with pytest.raises(EngineAnswer, match="more than 5 bytes"):
        asked(other)
