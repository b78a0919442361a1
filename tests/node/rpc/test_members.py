"""Members over HTTP: signed requests on a real socket, and what is refused before it is read."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from node.app.errors import BadMembersFile
from node.app.members import MEMBERS_FILE, MembersConfig
from node.core.errors import Unreachable
from node.core.ids import tagged_hash
from node.da.blob import encode, recover
from node.da.certificate import Collector
from node.da.shards import ShardStore
from node.lane import domains
from node.lane.blobs import blob as blobs
from node.lane.blobs import dispersal
from node.lane.blobs.addresses import Book
from node.lane.blobs.availability import Availability
from node.lane.blobs.offers import Offer, Promise, Request
from node.lane.validator.identity import ConsensusKey
from node.rpc import member_client, member_server
from node.rpc.errors import BadAnswer
from node.rpc.member_client import MemberClient
from node.rpc.member_server import ROWS_PATH, MemberServer
from node.store.memory import MemoryKeyValue
from node.testing.dispersal import sealed
from node.testing.lane import LaneChain, entropy
from node.testing.nodes import served
from zk.errors import ChiaroError

WALL = 1_800_000_000_000


def key_of(number: int) -> ConsensusKey:
    return ConsensusKey(entropy("signer", "validator", number))


@contextlib.contextmanager
def at_url(app) -> Iterator[str]:
    with served(app) as (host, port):
        yield f"http://{host}:{port}"


class World:
    """A chain of four, the listener of member 1, and member 0 who asks it."""

    def __init__(self) -> None:
        self.chain = LaneChain(4)
        self.chain.make_key(0)
        self.chain_id = self.chain.genesis.chain_id
        self.domain = domains.domain_of(self.chain.genesis, 0)
        self.asker, self.asked = key_of(0), key_of(1)
        self.store = ShardStore(MemoryKeyValue(), self.chain_id)
        self.keeper = Availability(self.chain.genesis, self.store, self.asked)
        self.server = MemberServer(
            self.chain.genesis, self.keeper, self.chain.store, self.asked.public, lambda: WALL
        )

    def offer(self, key: ConsensusKey | None = None) -> Offer:
        data = blobs.encode(sealed(self.chain))
        made = encode(data, self.domain.coding)
        said = dispersal.statement(
            self.chain.genesis, self.domain, made.commitment, self.chain.next_height
        )
        promise = Promise.sign(key or self.asker, said, self.domain.committee, 6)
        rows = self.domain.assignment.rows_of(self.asked.public)
        return Offer(promise, tuple(made.row(i) for i in rows))

    def client(self, url: str, key: ConsensusKey | None = None) -> MemberClient:
        book = Book(b"", {self.asked.public: url})
        return MemberClient(book, self.chain_id, key or self.asker, lambda: WALL)


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.fixture(scope="module")
def url(world) -> Iterator[str]:
    with at_url(world.server.app) as found:
        yield found


def code(call) -> str:
    with pytest.raises(ChiaroError) as caught:
        call()
    return caught.value.id


def test_rows_are_kept_signed_for_and_read_over_the_wire(world, url) -> None:
    offer, client = world.offer(), world.client(url)
    signature = client.offer(world.asked.public, offer.to_bytes())
    said = offer.promise.statement
    Collector(said, world.domain.committee).add(world.asked.public, signature)
    rows = client.rows(world.asked.public, said.commitment, 0, 1000)
    assert tuple(rows) == offer.rows
    recover(said.commitment, rows)
    assert len(client.rows(world.asked.public, said.commitment, offer.rows[3].index, 2)) == 2
    client.close()


def test_da34_nobody_but_members_is_read(world, url, monkeypatch) -> None:
    body = world.offer().to_bytes()
    read = []
    monkeypatch.setattr(member_server, "_read", read.append)
    for headers in (
        {},
        {"authorization": "Basic eDp5"},
        {"authorization": _signed(world, key_of(9), body)},
        {"authorization": _signed(world, world.asker, body, time_ms=WALL - 60_000)},
        {"authorization": _signed(world, world.asker, body, to=key_of(2).public)},
    ):
        answer = httpx.post(url + ROWS_PATH, content=body, headers=headers)
        assert answer.status_code == 400, answer.text
        assert answer.json()["error"]["code"] == "DA-34"
    assert read == []


def _signed(world, key, body, *, time_ms=WALL, to=None) -> str:
    return Request.sign(key, world.chain_id, to or world.asked.public, time_ms, body).to_text()


def test_da34_another_body_than_the_signed_one_is_refused(world, url) -> None:
    body = world.offer().to_bytes()
    headers = {"authorization": _signed(world, world.asker, body)}
    answer = httpx.post(url + ROWS_PATH, content=body + b"\0", headers=headers)
    assert answer.json()["error"]["code"] == "DA-34"


def test_da34_bodies_have_a_length_and_a_time(world, url, monkeypatch) -> None:
    monkeypatch.setattr(member_server, "MAX_OFFER", 100)
    headers = {"authorization": _signed(world, world.asker, bytes(101))}
    answer = httpx.post(url + ROWS_PATH, content=bytes(101), headers=headers)
    assert answer.status_code == 413
    monkeypatch.setattr(member_server, "READ_S", 0.05)

    def slowly():
        yield b"x"
        time.sleep(0.5)
        yield b"y"

    assert httpx.post(url + ROWS_PATH, content=slowly(), headers=headers).status_code == 408


def test_da35_a_member_cannot_use_anothers_promise(world, url) -> None:
    offer = world.offer(key_of(2))
    client = world.client(url)
    assert code(lambda: client.offer(world.asked.public, offer.to_bytes())) == "DA-35"
    client.close()


def test_refusals_keep_their_number_on_the_way(world, url) -> None:
    client = world.client(url)
    offer = world.offer()
    few = Offer(offer.promise, offer.rows[:-1])
    assert code(lambda: client.offer(world.asked.public, few.to_bytes())) == "DA-8"
    assert code(lambda: client.offer(key_of(3).public, b"")) == Unreachable.code
    commitment = offer.promise.statement.commitment
    assert code(lambda: client.rows(world.asked.public, commitment, 0, 9)) == "NOD-003"
    client.close()
    answer = httpx.get(f"{url}{ROWS_PATH}/{commitment.root.hex()}?from=-1")
    assert answer.status_code == 400
    assert httpx.get(url + "/v1/status").status_code == 404


def test_too_many_offers_at_one_time_are_turned_away(world, url, monkeypatch) -> None:
    monkeypatch.setattr(member_server, "MOST_OFFERS", 0)
    assert httpx.post(url + ROWS_PATH, content=b"").status_code == 503
    monkeypatch.setattr(member_server, "MOST_READERS", 0)
    assert httpx.get(f"{url}{ROWS_PATH}/{'00' * 32}").status_code == 503


def test_who_sends_slowly_keeps_no_other_member_out(world, url, monkeypatch) -> None:
    monkeypatch.setattr(member_server, "MOST_OF_ONE", 1)
    begun, go_on = threading.Event(), threading.Event()
    body = world.offer().to_bytes()

    def slowly():
        yield body[:1]
        begun.set()
        go_on.wait(10)
        yield body[1:]

    def send(content, key) -> int:
        headers = {"authorization": _signed(world, key, body)}
        return httpx.post(url + ROWS_PATH, content=content, headers=headers).status_code

    answers: list[int] = []
    slow = threading.Thread(target=lambda: answers.append(send(slowly(), world.asker)))
    slow.start()
    try:
        assert begun.wait(10)
        deadline = time.monotonic() + 10
        while not world.server._sending[world.asker.public] and time.monotonic() < deadline:
            time.sleep(0.01)
        assert send(body, world.asker) == 403
        assert send(body, key_of(2)) == 400  # DA-35, heard to its end
    finally:
        go_on.set()
        slow.join(10)
    assert answers == [200]
    assert send(body, world.asker) == 200


def test_what_is_no_answer_of_a_member_is_said(world) -> None:
    async def liar(scope, receive, send) -> None:
        long = scope["path"].startswith(ROWS_PATH + "/")
        body = bytes(1 << 23) if long else b"not 64 bytes"
        await send({"type": "http.response.start", "status": 200, "headers": []})
        with contextlib.suppress(Exception):
            await send({"type": "http.response.body", "body": body})

    with at_url(liar) as url:
        client = world.client(url)
        commitment = world.offer().promise.statement.commitment
        assert code(lambda: client.offer(world.asked.public, b"")) == BadAnswer.code
        assert code(lambda: client.rows(world.asked.public, commitment, 0, 9)) == Unreachable.code
        client.close()
    client = world.client(url)
    assert code(lambda: client.offer(world.asked.public, b"")) == Unreachable.code
    client.close()


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b'{"x":' + b"[" * 30_000, b'{"error":' * 7_000, b'{"error":{"code":"\xff"}}',
     b'{"error":{"code":1}}'],
    ids=["empty", "list", "nested", "objects", "bytes", "number"],
)  # fmt: skip
def test_a_refusal_that_is_no_document_ends_no_node(world, body) -> None:
    """Whoever reads a blob asks members of whom any may lie."""

    async def liar(scope, receive, send) -> None:
        await send({"type": "http.response.start", "status": 400, "headers": []})
        await send({"type": "http.response.body", "body": body})

    with at_url(liar) as url:
        client = world.client(url)
        commitment = world.offer().promise.statement.commitment
        assert code(lambda: client.rows(world.asked.public, commitment, 0, 9)) == BadAnswer.code
        client.close()


@pytest.mark.parametrize("host", ["xn--", "xn--a", "*", "a..b", "[v1.x]", "a\0b"])
def test_a_host_that_is_none_is_a_member_that_cannot_be_reached(world, host) -> None:
    """Whoever announces one ends no node that reads a blob."""
    client = world.client("http://127.0.0.1:1")
    client.book._written[world.asked.public] = f"http://{host}:1"
    assert code(lambda: client.offer(world.asked.public, b"")) == Unreachable.code
    client.close()


def test_an_answer_that_drips_is_not_waited_for(world, monkeypatch) -> None:
    monkeypatch.setattr(member_client, "WHOLE_S", 0.2)
    sent = []

    async def slow(scope, receive, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        with contextlib.suppress(Exception):
            for _ in range(40):
                await send({"type": "http.response.body", "body": b"x", "more_body": True})
                sent.append(1)
                await asyncio.sleep(0.05)

    with at_url(slow) as url:
        client = world.client(url)
        assert code(lambda: client.offer(world.asked.public, b"")) == Unreachable.code
        assert len(sent) < 40
        client.close()


# THE FILE


def test_a_members_file_is_what_was_saved(tmp_path) -> None:
    assert MembersConfig.load(tmp_path) == MembersConfig()
    config = MembersConfig("127.0.0.1:80", "http://a:80", {tagged_hash("a"): "http://b:1"})
    config.save(tmp_path)
    assert MembersConfig.load(tmp_path) == config
    assert config.address == ("127.0.0.1", 80)


@pytest.mark.parametrize(
    "text",
    ["listen = 1", 'listen = "a"', 'listen = "a:x"', 'url = "http://a"', "[members]\nab = 'x'",
     "[members]\n" + "0" * 64 + " = 'x'", "[members]\n" + "Z" * 64 + " = 'http://a:1'", "= 1",
     "listen = " + "9" * 5000, "listen = " + "[" * 20_000, 'listen = "a:' + "9" * 5000 + '"',
     'other = ""', "members = 3", "[members]\n" + "0" * 64 + " = 1", "\xff"],
)  # fmt: skip
def test_a_members_file_is_read_strictly(tmp_path, text) -> None:
    (tmp_path / MEMBERS_FILE).write_bytes(text.encode("latin-1"))
    with pytest.raises(BadMembersFile):
        MembersConfig.load(tmp_path)
