"""What the RPC refuses at the door, and how it says so."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path

import pytest

from node.core.errors import PolicyRefused
from node.rpc.endpoints import ENDPOINTS
from node.rpc.errors import RequestRefused
from node.rpc.faucet import Faucet
from node.rpc.listener import is_loopback, listen
from node.rpc.server import Server
from node.rpc.text import amount_of, bytes_of, element_of
from node.testing.nodes import development_genesis, memory_node, serving
from zk.errors import DecodeError, DevParamsRefused
from zk.field.params import FR

JSON = {"content-type": "application/json"}
FAUCET = "/v1/dev/faucet"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - what must be refused
ACCOUNT = "0x" + "11" * 32


def post(path, body, headers=JSON):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return lambda http: http.post(path, content=content, headers=headers)


def get(path):
    return lambda http: http.get(path)


MALFORMED = [
    # what, request, status, code, part of `where`
    ("no body", post("/v1/tx", b""), 400, "NET-001", "body"),
    ("no JSON", post("/v1/tx", b"{"), 400, "NET-001", "body"),
    ("no UTF-8", post("/v1/tx", b'{"tx":"\xff"}'), 400, "NET-001", "body"),
    ("array", post("/v1/tx", b"[]"), 400, "NET-001", "body"),
    ("null", post("/v1/tx", b"null"), 400, "NET-001", "body"),
    ("nesting", post("/v1/tx", b"[" * 4000), 400, "NET-001", "body"),
    ("missing field", post("/v1/tx", b"{}"), 400, "NET-001", "body"),
    ("unknown field", post("/v1/tx", b'{"tx":"0x","more":1}'), 400, "NET-001", "body"),
    ("another type", post("/v1/tx", b'{"tx":17}'), 400, "NET-001", "body: tx"),
    ("trailing", post("/v1/tx", b'{"tx":"0x"} {}'), 400, "NET-001", "body"),
    ("no prefix", post("/v1/tx", b'{"tx":"0102"}'), 400, "NET-001", "body: tx"),
    ("upper case", post("/v1/tx", b'{"tx":"0xAB"}'), 400, "NET-001", "body: tx"),
    ("odd digits", post("/v1/tx", b'{"tx":"0x1"}'), 400, "NET-001", "body: tx"),
    ("newline", post("/v1/tx", b'{"tx":"0x01\\n"}'), 400, "ENC-002", "tx"),
    ("empty bytes", post("/v1/tx", b'{"tx":"0x"}'), 400, "ENC-003", "transaction"),
    ("unknown version", post("/v1/tx", b'{"tx":"0x0901"}'), 400, "ENC-002", "transaction"),
    ("form", post("/v1/tx", b'{"tx":"0x"}', {"content-type": "text/plain"}), 415, "NET-001", "Co"),
    ("no type", post("/v1/tx", b'{"tx":"0x"}', {}), 415, "NET-001", "Content-Type"),
    ("short id", get("/v1/tx/0xab"), 400, "ENC-003", "path"),
    ("long id", get("/v1/tx/" + "ab" * 33), 400, "ENC-003", "path"),
    ("id in upper case", get("/v1/tx/" + "AB" * 32), 400, "ENC-002", "path"),
    ("id of letters", get("/v1/accounts/zz"), 400, "ENC-002", "path"),
    ("height", get("/v1/blocks/-1"), 400, "NET-001", "path"),
    ("height in words", get("/v1/blocks/one"), 400, "NET-001", "path"),
    ("height of digits that are none", get("/v1/blocks/²"), 400, "NET-001", "path"),
    ("huge height", get("/v1/blocks/" + "9" * 40), 400, "NET-001", "path"),
    ("no such block", get("/v1/blocks/999999"), 404, "NOD-003", ""),
    ("block 0", get("/v1/blocks/0"), 404, "NOD-003", ""),
    ("unknown parameter", get("/v1/status?x=1"), 400, "NET-001", "query"),
    ("parameter twice", get("/v1/blocks?from=1&from=2"), 400, "NET-001", "query"),
    ("limit of 0", get("/v1/actions?limit=0"), 400, "NET-001", "query: limit"),
    ("huge limit", get("/v1/actions?limit=100000"), 400, "NET-001", "query: limit"),
    ("from 0", get("/v1/actions?from=0"), 400, "NET-001", "query: from"),
    ("from above the tip", get("/v1/actions?from=999999"), 404, "NOD-003", ""),
    ("no number", get("/v1/anchor?height=x"), 400, "NET-001", "query: height"),
    ("height not kept", get("/v1/anchor?height=999999"), 404, "NOD-003", ""),
    ("no `after`", get("/v1/events"), 400, "NET-001", "query"),
    ("wait too long", get("/v1/events?after=0&wait_ms=9999999"), 400, "NET-001", "query: wait_ms"),
    ("environment", get(f"/v1/nullifiers/{ACCOUNT}?environment=x"), 400, "NET-001", "query: env"),
    ("long key", get("/v1/state/" + "ab" * 300), 413, "NET-002", "path"),
    ("no endpoint", get("/v1/nothing"), 404, "NOD-003", ""),
    ("no version", get("/status"), 404, "NOD-003", ""),
    ("method", lambda http: http.delete("/v1/status"), 405, "NET-003", "/v1/status"),
    ("preflight", lambda http: http.options("/v1/tx"), 405, "NET-003", "/v1/tx"),
    ("amount as number", post(FAUCET, {"account": ACCOUNT, "amount": 1}), 400, "NET-001", "amount"),
    ("negative", post(FAUCET, {"account": ACCOUNT, "amount": "-1"}), 400, "NET-001", "amount"),
    ("fraction", post(FAUCET, {"account": ACCOUNT, "amount": "1.5"}), 400, "NET-001", "amount"),
    ("zeros", post(FAUCET, {"account": ACCOUNT, "amount": "01"}), 400, "NET-001", "amount"),
    ("2^64", post(FAUCET, {"account": ACCOUNT, "amount": str(2**64)}), 400, "ENC-001", ""),
    ("amount of 0", post(FAUCET, {"account": ACCOUNT, "amount": "0"}), 422, "TR-5", "transfer 0"),
    ("account", post(FAUCET, {"account": "0x11", "amount": "1"}), 400, "NET-001", "account"),
    (
        "no proper account",
        post(FAUCET, {"account": "0x" + "00" * 32, "amount": "1"}),
        422,
        "TR-3",
        "recipient",
    ),
    (
        "asset",
        post(FAUCET, {"account": ACCOUNT, "amount": "1", "asset": "tin"}),
        400,
        "NET-001",
        "asset",
    ),
]


@pytest.mark.parametrize(
    ("request_", "status", "code", "where"),
    [m[1:] for m in MALFORMED],
    ids=[m[0] for m in MALFORMED],
)
def test_rpc3_malformed_requests(http, request_, status, code, where) -> None:
    answer = request_(http)
    assert answer.headers["content-type"] == "application/json"
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code), error
    assert where in error["where"]
    assert error["message"]


def test_rpc3_a_post_without_the_type_of_json_reaches_nothing(http) -> None:
    before = http.get("/v1/status").json()["height"]
    answer = http.post("/v1/dev/block", content=b"{}", headers={"content-type": "text/plain"})
    assert answer.status_code == 415
    assert "access-control-allow-origin" not in answer.headers
    assert http.get("/v1/status").json()["height"] == before


@pytest.mark.parametrize("text", ["0xAB", "ab ", "0x0", "0X00", "a_b0", "٠٠", "0x0g"])
def test_rpc4_bytes_have_one_spelling(text) -> None:
    with pytest.raises(DecodeError):
        bytes_of(text)
    assert bytes_of("0x00ff") == bytes_of("00ff") == b"\x00\xff"


@pytest.mark.parametrize("text", ["", "00", "+1", "1_0", "-1", " 1", "1e3", "٣", "9" * 78])
def test_rpc4_numbers_have_one_spelling(text) -> None:
    for read in (element_of, amount_of):
        with pytest.raises(DecodeError):
            read(text)


def test_rpc4_numbers_stay_in_their_range() -> None:
    assert element_of(str(FR.modulus - 1)) == FR.modulus - 1
    assert amount_of(str(2**64 - 1)) == 2**64 - 1
    with pytest.raises(DecodeError):
        element_of(str(FR.modulus))
    with pytest.raises(DecodeError):
        amount_of(str(2**64))


def test_rpc2_bodies_are_counted_as_they_come(http, client) -> None:
    most = client.status().parameters.max_tx_bytes

    def endless():
        yield b'{"tx":"0x'
        for _ in range(100):
            yield b"00" * 16384

    answer = http.post("/v1/tx", content=endless(), headers=JSON)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "NET-002")
    large = json.dumps({"account": ACCOUNT, "amount": "1", "asset": "x" * 5000}).encode()
    assert http.post(FAUCET, content=large, headers=JSON).status_code == 413
    with pytest.raises(PolicyRefused) as refused:
        client.submit(b"\x01" * (most + 1))
    assert refused.value.id == "EX-18"


def test_rpc2_a_length_that_lies_does_not_help(client) -> None:
    host, port = client.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as raw:
        raw.sendall(
            b"POST /v1/dev/faucet HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: 100000\r\n\r\n" + b"x" * 8192
        )
        assert raw.recv(4096).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "192.168.1.7", "10.0.0.1"]
)
def test_rpc6_other_host_names_are_refused(http, host) -> None:
    answer = http.get("/v1/status", headers={"host": host})
    assert answer.status_code == 403
    assert "RPC-6" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:99", "127.0.0.1", "127.0.0.9:1", "[::1]:80"]
)
def test_rpc6_names_of_this_machine_are_answered(http, host) -> None:
    assert http.get("/v1/status", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("host", [EVERYWHERE, "::", "192.0.2.1", "example.org", ""])
def test_rpc1_only_loopback_without_the_flag(host) -> None:
    with pytest.raises(RequestRefused, match="RPC-1"):
        listen(host, 0)
    assert not is_loopback(host)


def test_rpc1_loopback_and_the_flag() -> None:
    for host, remote in (("127.0.0.1", False), ("localhost", False), (EVERYWHERE, True)):
        listen(host, 0, allow_remote=remote).close()


def test_rpc5_faults_are_not_described(monkeypatch) -> None:
    node = memory_node()
    with serving(node) as client:

        def broken(*_):
            raise RuntimeError("secret detail")

        monkeypatch.setattr(node.service, "status", broken)
        answer = client._http.get("/status")
        assert answer.status_code == 500
        assert answer.json()["error"]["code"] == "NET-007"
        assert "secret" not in answer.text


def test_rpc7_no_faucet_and_no_blocks_on_request_outside_dev() -> None:
    class Chain:
        profile = "main"
        parameters = development_genesis().parameters

    class Service:
        genesis = Chain()

    paths = {route.path for route in Server(Service(), None, None).app.routes}
    assert "/v1/status" in paths
    assert not [path for path in paths if "dev" in path]
    with pytest.raises(DevParamsRefused, match="RPC-7"):
        Faucet(Chain(), None, None, None, None, {})


def test_rpc12_requests_at_a_time_are_bounded(monkeypatch, client, http) -> None:
    monkeypatch.setattr("node.rpc.server.MOST_IN_FLIGHT", 0)
    answer = http.get("/v1/status")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "NET-003")


def test_the_description_names_every_endpoint(http) -> None:
    document = http.get("/v1/openapi.json").json()
    assert set(document["paths"]) == {endpoint.path for endpoint in ENDPOINTS}
    submit = document["paths"]["/tx"]["post"]
    assert "SubmitRequest" in json.dumps(submit["requestBody"])
    text = json.dumps(document)
    schemas = document["components"]["schemas"]
    for name in schemas:
        assert schemas[name]
    assert {r.rsplit("/", 1)[1] for r in re.findall(r'"\$ref": "([^"]+)"', text)} <= set(schemas)


def test_the_documentation_names_every_endpoint() -> None:
    text = (Path(__file__).parents[3] / "docs" / "rpc.md").read_text()
    named = set(re.findall(r"^\| `(GET|POST) (/[a-z/.]*)", text, re.M))
    paths = {(e.method, e.path.partition("{")[0]) for e in ENDPOINTS}
    assert named == paths | {("GET", "/openapi.json")}
    for endpoint in ENDPOINTS:
        assert f"`{endpoint.answer.__name__}`" in text


def test_answers_are_not_held_back() -> None:
    with listen("127.0.0.1", 0) as sock:
        assert sock.proto == socket.IPPROTO_TCP  # or asyncio leaves Nagle's algorithm on
