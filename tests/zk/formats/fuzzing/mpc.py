"""Readers of what members send each other while they compute on shares."""

from __future__ import annotations

from fuzzing.target import Target
from private_exec.mpc.certificate import Certificate, Verdict
from private_exec.mpc.message import Kind, Message, Session, sign
from private_exec.mpc.shamir import Size
from private_exec.mpc.simulate import Committee


def _session() -> tuple[Session, Committee]:
    members = Committee.of(Size(1), b"fuzzing")
    return members.session, members


def _messages() -> list[bytes]:
    session, members = _session()
    bodies = {Kind.OPEN: bytes(64), Kind.VOTE: b"vote", Kind.REVEAL: b""}
    return [
        sign(session, 2, members.signers[2], 7, kind, body).to_bytes()
        for kind, body in bodies.items()
    ]


def _certificates() -> list[bytes]:
    signatures = {1: b"\3" * 64, 2: b"\4" * 64, 4: b"\5" * 64}
    return [
        Certificate(b"\1" * 32, b"\2" * 32, verdict, signatures).to_bytes() for verdict in Verdict
    ]


TARGETS = (
    Target("mpc_message", Message.from_bytes, Message.to_bytes, _messages, memory=16, exact=True),
    Target(
        "mpc_certificate",
        Certificate.from_bytes,
        Certificate.to_bytes,
        _certificates,
        memory=16,
        exact=True,
    ),
)
