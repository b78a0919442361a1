"""Readers of what nodes send each other: presence and frames over NATS, rows between members."""

from __future__ import annotations

from functools import cache

from fuzzing.availability import ROW, STATEMENT
from fuzzing.target import Target
from node.gossip.frames import Frame, FrameKind
from node.gossip.link import Datagram, Session
from node.gossip.presence import Presence
from node.lane.blobs import offers
from node.lane.blobs.addresses import Record
from node.lane.blobs.offers import Offer, Promise, Request
from node.lane.validator.identity import ConsensusKey
from node.testing.network import CHAIN, signer_of

KEY = ConsensusKey(b"\1" * 32)


@cache
def _presence() -> bytes:
    return Presence.sign(signer_of("alice"), b"\2" * 32, 1_700_000_000_000).to_bytes()


@cache
def _datagram() -> bytes:
    alice, bob = (Session(signer_of(name).node, CHAIN) for name in ("alice", "bob"))
    frame = Frame(FrameKind.DIGEST, ids=(b"\3" * 32, b"\4" * 32)).to_bytes()
    return alice.link(signer_of("bob").node, bob.public).pack(frame)


@cache
def _offer() -> bytes:
    promise = Promise(STATEMENT, 6, KEY.public, b"\5" * 64)
    return Offer(promise, (ROW, ROW)).to_bytes()


def _request(text: bytes) -> Request:
    return Request.from_text(text.decode("latin-1"))


TARGETS = (
    Target(
        "presence", Presence.from_bytes, Presence.to_bytes, lambda: [_presence()], 8, exact=True
    ),
    Target(
        "datagram", Datagram.from_bytes, Datagram.to_bytes, lambda: [_datagram()], 8, exact=True
    ),
    Target("offer", Offer.from_bytes, Offer.to_bytes, lambda: [_offer()], 8, exact=True),
    Target(
        "member_rows",
        offers.read_rows,
        offers.write_rows,
        lambda: [offers.write_rows((ROW,))],
        memory=8,
        exact=True,
    ),
    Target(
        "member_record",
        Record.from_bytes,
        Record.to_bytes,
        lambda: [Record.sign(KEY, CHAIN, 7, "http://10.0.0.1:80").to_bytes()],
        memory=8,
        exact=True,
    ),
    Target(
        "member_request",
        _request,
        lambda found: found.to_text().encode(),
        lambda: [Request.sign(KEY, CHAIN, bytes(32), 1_700_000_000_000, b"x").to_text().encode()],
        memory=16,
        exact=True,
        text=True,
    ),
)
