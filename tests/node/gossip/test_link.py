"""What protects frames on carriage that anybody writes to: presence, marks, circles, addresses."""

from __future__ import annotations

import asyncio
import base64
import binascii
import dataclasses
import datetime
import math

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from nats.errors import Error as NatsError

from node.core.ids import ChainId
from node.gossip import presence
from node.gossip.errors import GossipRefused, InvalidMessage
from node.gossip.link import MAX_DATAGRAM, WINDOW, Datagram, Link, Session, check_size
from node.gossip.presence import Directory, Presence, neighbours
from node.gossip.servers import BadServer, Connection, Files, Nkey, Servers
from node.testing.network import CHAIN, signer_of

ALICE, BOB, EVE = (signer_of(name) for name in ("alice", "bob", "eve"))
WALL = 1_800_000_000_000


def refused(rule: str, call, *args):
    with pytest.raises((InvalidMessage, GossipRefused)) as caught:
        call(*args)
    assert caught.value.rule == rule
    return caught.value


def links() -> tuple[Link, Link]:
    """Alice's to Bob and Bob's to Alice."""
    a, b = Session(ALICE.node, CHAIN), Session(BOB.node, CHAIN)
    return a.link(BOB.node, b.public), b.link(ALICE.node, a.public)


# LINKS


def test_go32_a_frame_is_its_senders_and_comes_once() -> None:
    out, back = links()
    data = out.pack(b"frame")
    assert back.open(Datagram.from_bytes(data)) == b"frame"
    refused("GO-32", back.open, Datagram.from_bytes(data))
    refused("GO-32", out.open, Datagram.from_bytes(data))  # one's own, sent back
    for place in range(len(data)):
        wrong = bytearray(out.pack(b"frame"))
        wrong[place] ^= 1
        error = refused("GO-32", lambda w=wrong: back.open(Datagram.from_bytes(bytes(w))))
        assert isinstance(error, InvalidMessage)
    assert back.open(Datagram.from_bytes(out.pack(b"later"))) == b"later"


def test_go32_other_runs_other_chains_and_other_pairs_have_other_keys() -> None:
    a, b = Session(ALICE.node, CHAIN), Session(BOB.node, CHAIN)
    there = b.link(ALICE.node, a.public)
    others = (
        Session(ALICE.node, CHAIN).link(BOB.node, b.public),
        a.link(EVE.node, b.public),
        a.link(BOB.node, Session(BOB.node, CHAIN).public),
    )
    for other in others:
        refused("GO-32", there.open, Datagram.from_bytes(other.pack(b"frame")))
    assert there.open(Datagram.from_bytes(a.link(BOB.node, b.public).pack(b"frame"))) == b"frame"


@given(st.permutations(range(12)))
def test_go32_frames_may_overtake_each_other(order) -> None:
    out, back = links()
    sent = [Datagram.from_bytes(out.pack(bytes([k]))) for k in range(12)]
    assert [back.open(sent[k])[0] for k in order] == list(order)
    for datagram in sent:
        refused("GO-32", back.open, datagram)


def test_go32_what_is_too_far_behind_is_refused() -> None:
    out, back = links()
    sent = [Datagram.from_bytes(out.pack(b"")) for _ in range(WINDOW + 1)]
    back.open(sent[-1])
    refused("GO-32", back.open, sent[0])
    assert back.open(sent[1]) == b""


def test_go33_a_long_datagram_is_dropped_by_its_length() -> None:
    check_size(bytes(MAX_DATAGRAM))
    refused("GO-33", check_size, bytes(MAX_DATAGRAM + 1))
    refused("GO-33", Datagram.from_bytes, bytes(MAX_DATAGRAM + 1))


def test_links_and_sessions_show_no_secret() -> None:
    session = Session(ALICE.node, CHAIN)
    assert session._secret.private_bytes_raw().hex()[:16] not in repr(session)
    out, _ = links()
    assert out._outward.hex()[:8] not in repr(out)


# PRESENCE


def said(signer=BOB, time_ms=WALL, **fields) -> Presence:
    return Presence.sign(signer, bytes(range(32)), time_ms, **fields)


def directory() -> Directory:
    return Directory(ALICE.node, CHAIN, 0)


def test_go31_a_presence_is_its_nodes_on_this_chain() -> None:
    found = directory()
    found.hear(said(), 0, WALL)
    assert found.session(BOB.node) == bytes(range(32))
    fresh = said(EVE)
    for wrong in (
        dataclasses.replace(fresh, node=BOB.node, time_ms=WALL + 1),
        dataclasses.replace(fresh, session=bytes(32)),
        dataclasses.replace(fresh, here=False),
        Presence.sign(type(EVE)(bytes(32), ChainId(bytes(32))), bytes(32), WALL),
    ):
        refused("GO-31", found.hear, wrong, 1000, WALL)
    assert found.session(EVE.node) is None


def test_go31_old_ones_and_those_of_another_time_are_refused() -> None:
    found = directory()
    first = said()
    found.hear(said(time_ms=WALL + 5), 0, WALL)
    refused("GO-31", found.hear, first, 1000, WALL)
    again = said(time_ms=WALL + 5)  # replayed: else whoever has it keeps a dead node alive
    refused("GO-31", found.hear, again, 1000, WALL)
    apart = presence.CLOCKS_APART_MS + 1
    refused("GO-31", found.hear, said(EVE, WALL - apart), 0, WALL)
    refused("GO-31", found.hear, said(EVE, WALL + apart), 0, WALL)
    refused("GO-31", found.hear, said(ALICE), 0, WALL)


def test_go31_a_presence_has_one_encoding() -> None:
    data = said().to_bytes()
    assert Presence.from_bytes(data) == said()
    for wrong in (b"", data[:-1], data + b"\0", b"\x02" + data[1:], data[:73] + b"\2" + data[74:]):
        refused("GO-31", Presence.from_bytes, wrong)


def test_go31_a_session_that_is_no_key_makes_no_link() -> None:
    refused("GO-31", Session(ALICE.node, CHAIN).link, BOB.node, bytes(32))


def test_go35_new_nodes_and_repeated_words_are_bounded(monkeypatch) -> None:
    monkeypatch.setattr(presence, "_STRANGERS_AT_ONCE", 3)
    found = directory()
    for k in range(3):
        found.hear(said(signer_of(str(k))), 0, WALL)
    refused("GO-35", found.hear, said(), 0, WALL)
    found.hear(said(), 1000, WALL)
    refused("GO-35", found.hear, said(time_ms=WALL + 1), 1000, WALL)
    found.hear(said(time_ms=WALL + 1), 1000 + presence.SOONEST_MS, WALL)
    monkeypatch.setattr(presence, "MOST_KNOWN", 4)
    refused("GO-35", found.hear, said(EVE), 9000, WALL)


def test_go38_the_silent_and_the_leaving_are_gone() -> None:
    found = directory()
    found.hear(said(), 0, WALL)
    found.hear(said(EVE), 0, WALL)
    found.alive(EVE.node, 5000)
    assert found.silent(presence.SILENT_MS) == []
    assert found.silent(presence.SILENT_MS + 1) == [BOB.node]
    assert found.wanted() == {EVE.node}
    found.hear(said(EVE, WALL + 1, here=False), 5001, WALL)
    assert found.wanted() == set()


@given(st.integers(2, 80))
def test_go38_circles_are_mutual_and_small(count: int) -> None:
    keys = [bytes([k]) * 32 for k in range(count)]
    wanted = {key: neighbours(key, keys) for key in keys}
    for key, others in wanted.items():
        assert key not in others
        assert all(key in wanted[other] for other in others)
        assert len(others) <= 2 * math.ceil(math.log2(count)) or count == 2
    seen, edge = {keys[0]}, {keys[0]}
    for _ in range(math.ceil(math.log2(count))):
        edge = {other for key in edge for other in wanted[key]} - seen
        seen |= edge
    assert seen == set(keys)


# ADDRESSES AND CREDENTIALS


@pytest.mark.parametrize(
    "url",
    ["nats://me:secret@host", "nats://token@host", "http://host", "host:4222", "nats://", "",
     "nats://host/path", "nats://host:0", "nats://host:99999", "nats://host?x=secret"],
)  # fmt: skip
def test_go36_an_address_is_an_address_and_holds_no_secret(url) -> None:
    with pytest.raises(BadServer, match="GO-36") as caught:
        Servers((url,))
    said = f"{caught.value} {caught.value.where}"
    assert "secret" not in said
    assert "token" not in said


def test_go36_lists_and_pairs_of_files_are_checked(tmp_path) -> None:
    assert Servers.parse("nats://a:1, tls://b").urls == ("nats://a:1", "tls://b")
    with pytest.raises(BadServer, match="not 1 to"):
        Servers(())
    for files in (Files(nkey=tmp_path, login=tmp_path), Files(key=tmp_path)):
        with pytest.raises(BadServer, match="GO-36"):
            Servers(("nats://a",), files)
    with pytest.raises(BadServer, match="certificates"):
        Servers(("tls://a",), Files(authority=tmp_path / "none")).options("tls://a")


def test_go36_a_key_under_a_passphrase_is_refused(tmp_path) -> None:
    path = tmp_path / "node.key"
    sealed = serialization.BestAvailableEncryption(b"phrase")
    forms = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, sealed
    key = ec.generate_private_key(ec.SECP256R1())
    path.write_bytes(key.private_bytes(*forms))
    path.chmod(0o600)
    whose = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a")])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder(whose, whose, key.public_key(), 1, now, now).sign(
        key, hashes.SHA256()
    )
    (tmp_path / "node.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    servers = Servers(("tls://a",), Files(certificate=tmp_path / "node.pem", key=path))
    with pytest.raises(BadServer, match="certificates"):
        servers.options("tls://a")
    clear = serialization.NoEncryption()
    path.write_bytes(key.private_bytes(*forms[:2], clear))
    assert servers.options("tls://a")["tls"]


def test_go36_secret_files_are_private_and_of_their_form(tmp_path) -> None:
    path = tmp_path / "secret"
    body = bytes((18 << 3 | 20 << 3 >> 5, (20 << 3 & 31) << 3)) + bytes(32)
    seed = base64.b32encode(body + binascii.crc_hqx(body, 0).to_bytes(2, "little")).rstrip(b"=")
    path.write_bytes(seed + b"\n")
    path.chmod(0o640)
    with pytest.raises(BadServer, match="open to others"):
        Nkey.load(path)
    path.chmod(0o600)
    key = Nkey.load(path)
    assert key.public.startswith("U")
    assert seed.decode() not in repr(key)
    for wrong in (b"", seed[:-1], b"SA" + seed[2:], seed[:-1] + b"A", b"\xff", b"x" * 5000):
        path.write_bytes(wrong)
        with pytest.raises(BadServer, match="GO-36"):
            Nkey.load(path)
    path.write_text("me\nsecret\n")
    given = Servers(("nats://a",), Files(login=path)).options("nats://a")
    assert (given["user"], given["password"]) == ("me", "secret")
    path.write_text("me\n")
    with pytest.raises(BadServer, match="a name and a password"):
        Servers(("nats://a",), Files(login=path)).options("nats://a")


async def _info(url: str, info: dict) -> None:
    await Connection(Servers((url,)), url)._process_info(info, initial_connection=True)


def test_go36_tls_is_not_given_up_because_a_server_says_so() -> None:
    with pytest.raises(NatsError, match="GO-36"):
        asyncio.run(_info("tls://a", {}))
