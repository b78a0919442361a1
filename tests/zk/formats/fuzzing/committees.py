"""Readers of what members of private committees, and those who give to them, send to the chain."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fuzzing.target import Target
from node.core.codec import Reader
from node.core.ids import ChainId
from private_exec import exponent
from private_exec.committee import points
from private_exec.committee.acceptance import Acceptance, Accepted
from private_exec.committee.accusation import Accusation
from private_exec.committee.cells import Cell
from private_exec.committee.certificate import Certificate
from private_exec.committee.dealing import Dealing
from private_exec.committee.declaration import Declaration, Seat
from private_exec.committee.epoch import EpochContext, EpochRecord
from private_exec.committee.escape import Exit, Freeze
from private_exec.committee.inputs import Input
from private_exec.committee.notice import Notice
from private_exec.committee.opening import OpenStatement
from private_exec.committee.remask import Change, Remasking
from private_exec.committee.reshare import MaskDealing
from private_exec.committee.sealing import Sealed
from private_exec.mpc.labels import CellId
from private_exec.pedersen import Opening
from private_exec.proofs import Equality, Knowledge
from zk.curve.bn254 import G1_GENERATOR, G1Affine
from zk.curve.encoding import g1_to_bytes

POINT = G1_GENERATOR
ID = CellId(b"\5" * 32)
SIGNATURE = b"\7" * 64
CERTIFICATE = Certificate(((1, SIGNATURE), (2, SIGNATURE), (4, SIGNATURE)))


@cache
def _declaration() -> Declaration:
    keys = [Ed25519PrivateKey.from_private_bytes(bytes([k]) * 32) for k in range(4)]
    seats = (Seat(key.public_key().public_bytes_raw(), f"m{k}") for k, key in enumerate(keys))
    return Declaration(ChainId(b"\2" * 32), b"\3" * 32, 100, tuple(seats))


@cache
def _record() -> EpochRecord:
    return EpochRecord(
        EpochContext(_declaration(), 5, 1), dict.fromkeys((1, 2, 4), POINT), (1, 2, 4), (3,)
    )


def _sealed(parts: int, size: int) -> Sealed:
    return Sealed(POINT, (bytes(size),) * parts, Knowledge(POINT, 9))


def _read_cell(data: bytes) -> Cell:
    reader = Reader(data, "cell")
    found = Cell.read(reader)
    reader.done()
    return found


def _read_points(data: bytes) -> list[G1Affine]:
    """Of two cells: how many there are is known."""
    return exponent.read(data, 2)


def _write_points(found: list[G1Affine]) -> bytes:
    return b"".join(map(g1_to_bytes, found))


def _points() -> list[bytes]:
    return [points.points_of((Opening(1, 2), Opening(3, 4)))]


def _target(name: str, kind: Any, seed: Callable[[], Any], memory: int = 48) -> Target:
    return Target(
        name, kind.from_bytes, kind.to_bytes, lambda: [seed().to_bytes()], memory, exact=True
    )


TARGETS = (
    _target("committee_declaration", Declaration, _declaration),
    _target("committee_record", EpochRecord, _record),
    _target("committee_notice", Notice, lambda: Notice(1, POINT, Knowledge(POINT, 3), SIGNATURE)),
    _target(
        "committee_dealing",
        Dealing,
        lambda: Dealing(1, (b"\1" * 32, b"\2" * 32), _sealed(3, 48), SIGNATURE),
    ),
    _target(
        "committee_complaint",
        Accusation,
        lambda: Accusation(2, b"\4" * 32, POINT, Equality(POINT, POINT, 3), SIGNATURE),
    ),
    _target(
        "committee_input",
        Input,
        lambda: Input(ID, 5, ID, ID, ((POINT, POINT), (POINT, POINT)), _sealed(3, 144)),
    ),
    _target(
        "committee_acceptance",
        Acceptance,
        lambda: Acceptance(ID, 5, (Accepted(ID, 6, 7),), CERTIFICATE),
    ),
    _target(
        "committee_opening",
        OpenStatement,
        lambda: OpenStatement(ID, (Opening(1, 2), Opening(3, 4))),
    ),
    _target(
        "committee_remasking",
        Remasking,
        lambda: Remasking(ID, b"\6" * 32, (Change(ID, 1, 2),), CERTIFICATE),
    ),
    _target(
        "committee_masks",
        MaskDealing,
        lambda: MaskDealing(
            1, ((POINT, POINT),), ((POINT,),), (_sealed(3, 80), _sealed(4, 80)), SIGNATURE
        ),
    ),
    _target("committee_freeze", Freeze, lambda: Freeze(ID, 5, 60)),
    _target("committee_exit", Exit, lambda: Exit(ID, b"\4" * 32, SIGNATURE)),
    Target("committee_points", _read_points, _write_points, _points, memory=48, exact=True),
    Target(
        "committee_cell",
        _read_cell,
        Cell.to_bytes,
        lambda: [Cell(ID, 5, 6, POINT, 7).to_bytes()],
        memory=32,
        exact=True,
    ),
)
