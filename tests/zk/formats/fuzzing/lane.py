"""Readers of the sealed lane: what anybody sends, what the state keeps, what genesis says of it."""

from __future__ import annotations

from functools import cache

from fuzzing.target import Target
from node.core.codec import Reader, Writer
from node.core.ids import AccountId, ChainId, Height
from node.core.interfaces import StateReader
from node.core.lane import LaneDomain, LaneParameters
from node.da.certificate import Certificate, Statement
from node.da.codec import Coding
from node.da.rows import Commitment
from node.gossip.envelope import APP_BYTES, plain
from node.gossip.message import Message
from node.intents.settlement import Composed, Settlement
from node.lane import layout, payload
from node.lane.blobs import blob as blobs
from node.lane.blobs.dispersal import Ordered
from node.lane.direct import DirectTx
from node.lane.evidence import WrongShare
from node.lane.generation import Finding, Word
from node.lane.layout import Attempt, Best, Live, Stage
from node.lane.payload import (
    DisperseTx,
    Ending,
    EndTx,
    KeyMessage,
    KeyTx,
    LaneTx,
    RevealTx,
    SealTx,
    SubmitTx,
)
from node.lane.validator import extension
from private_exec.cipher import Seal
from private_exec.envelope import Envelope, Terms
from private_exec.keygen.protocol import FailureReason, Fault, FaultKind
from private_exec.reveal import Reveal
from private_exec.shares import ShareMessage
from zk.curve.bn254 import G1_GENERATOR

CHAIN = ChainId(b"\2" * 32)
CODING = Coding(4, 16)
COMMITMENT = Commitment(CODING, 200, b"\1" * 32)


def _envelope() -> Envelope:
    terms = Terms(AccountId(b"\1" * 32), 1, 2, 3, 4, 0)
    point = G1_GENERATOR
    return Envelope(5, terms, Seal(point, point, point, point, 6, bytes(512)), b"\7" * 64)


def _certificate() -> Certificate:
    said = Statement(CHAIN, b"\3" * 32, COMMITMENT, Height(5), Height(9))
    return Certificate(said, 9, (0, 8), (b"\6" * 64, b"\7" * 64))


def _shares() -> ShareMessage:
    return ShareMessage(5, 0, b"\4" * 32, 1, (G1_GENERATOR,), b"\7" * 64)


def _wrong_share() -> bytes:
    return WrongShare(1, _shares(), (b"\1" * 32,), 0, ((b"\2" * 32, b"seal"),)).to_bytes()


def _findings() -> list[bytes]:
    faults = tuple(Fault(number, kind) for number, kind in enumerate(FaultKind))
    return [Finding(None, faults).to_bytes(), Finding(next(iter(FailureReason)), ()).to_bytes()]


def _message() -> Message:
    envelope = plain(b"app".ljust(APP_BYTES, b"\0"), "intent/1", Height(9), b"intent")
    return Message(envelope, b"\2" * 32, 7, b"\3" * 64)


def _settlement() -> Settlement:
    return Settlement(b"\4" * 32, (Composed((b"\5" * 32, b"\6" * 32), b"transaction"),))


@cache
def _transactions() -> list[bytes]:
    """One of each kind."""
    txs: list[LaneTx] = [
        SealTx(0, _envelope()),
        RevealTx(1, 2, Reveal(3, 4, b"\5" * 32, (G1_GENERATOR,))),
        EndTx(1, 2, Ending.SETTLED, b"settlement"),
        EndTx(1, 2, Ending.UNSOLVED),
        KeyTx(0, 1, 2, KeyMessage.DEALING, b"message"),
        SubmitTx(CHAIN, 0, 1, AccountId(b"\1" * 32), 5, Height(6), b"settlement"),
        DisperseTx(0, _certificate()),
        DirectTx(CHAIN, AccountId(b"\1" * 32), 5, Height(6), (_message(),), _settlement()),
    ]
    return [tx.to_bytes() for tx in txs]


class _Entry:
    """A state with this value under every key."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def get(self, _key: bytes) -> bytes:
        return self._data


def _state(data: bytes) -> StateReader:
    return _Entry(data)  # type: ignore[return-value]


def _read_parameters(data: bytes) -> LaneParameters:
    reader = Reader(data, "lane")
    found = LaneParameters.read(reader)
    reader.done()
    return found


def _write_parameters(found: LaneParameters) -> bytes:
    writer = Writer()
    found.write(writer)
    return writer.done()


def _live_batches() -> list[bytes]:
    found = [
        Live(0, 1, Stage.OPEN, 5, 0),
        Live(0, 2, Stage.CLOSED, 15, 0, 5),
        Live(3, 0, Stage.SOLVING, 9, 2, 4),
    ]
    return [data for _, data in (layout.live_write(found), layout.live_write(found[:1])) if data]


PARAMETERS = LaneParameters(
    (LaneDomain(0, "main"), LaneDomain(7, "fast", period=1, fee=0)), epoch_heights=50
)

TARGETS = (
    Target(
        "lane_tx", payload.decode, lambda tx: tx.to_bytes(), _transactions, memory=32, exact=True
    ),
    Target(
        "lane_parameters",
        _read_parameters,
        _write_parameters,
        lambda: [_write_parameters(PARAMETERS)],
        memory=48,
        exact=True,
    ),
    Target(
        "lane_live",
        lambda data: layout.live(_state(data)),
        lambda found: layout.live_write(found)[1] or b"",
        _live_batches,
        memory=48,
        exact=True,
    ),
    Target(
        "lane_best",
        lambda data: layout.best(_state(data), b""),
        Best.to_bytes,
        lambda: [Best(AccountId(b"\1" * 32), b"settlement").to_bytes()],
        memory=8,
        exact=True,
    ),
    Target(
        "lane_attempt",
        lambda data: layout.attempt(_state(data), 0, 0),
        Attempt.to_bytes,
        lambda: [Attempt(1, 2, 3, over=True).to_bytes()],
        memory=8,
        exact=True,
    ),
    Target(
        "lane_blob",
        blobs.decode,
        blobs.encode,
        lambda: [blobs.encode([_envelope(), _envelope()])],
        memory=32,
        exact=True,
    ),
    Target(
        "lane_ordered",
        Ordered.from_bytes,
        Ordered.to_bytes,
        lambda: [Ordered(0, 5, 6, 9, COMMITMENT).to_bytes()],
        memory=16,
        exact=True,
    ),
    Target(
        "lane_word",
        Word.from_bytes,
        Word.to_bytes,
        lambda: [Word(5, KeyMessage.COMMIT, b"message").to_bytes()],
        memory=8,
        exact=True,
    ),
    Target("lane_finding", Finding.from_bytes, Finding.to_bytes, _findings, memory=32, exact=True),
    Target(
        "lane_extension",
        extension.decode,
        lambda found: extension.encode(list(found)),
        lambda: [extension.encode([_shares()])],
        memory=32,
        exact=True,
    ),
    Target(
        "lane_wrong_share",
        WrongShare.from_bytes,
        WrongShare.to_bytes,
        lambda: [_wrong_share()],
        memory=32,
        exact=True,
    ),
)
