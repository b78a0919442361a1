"""Committees with keys, a small domain, rows of a blob for every member."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.core.committee import Committee, Member
from node.core.ids import ChainId, Height
from node.da.blob import Dispersal, encode
from node.da.certificate import Certificate, Collector, Statement
from node.da.codec import Coding
from node.da.domain import CloseRule, Domain
from node.lane.validator.identity import ConsensusKey

CHAIN = ChainId(b"\x11" * 32)
SMALL = Coding(4, 16)


def secret_key(i: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"member %d" % i).digest())


def member_key(i: int) -> ConsensusKey:
    """The same one, as a member has it."""
    return ConsensusKey(secret_key(i).private_bytes_raw())


def committee_of(*weights: int) -> Committee:
    """Member i has id i in 32 bytes, and `secret_key(i)`."""
    return Committee(
        tuple(
            Member(i.to_bytes(32, "big"), secret_key(i).public_key().public_bytes_raw(), weight)
            for i, weight in enumerate(weights)
        )
    )


def domain_of(*weights: int, coding: Coding = SMALL, **fields) -> Domain:
    defaults = {
        "id": b"\x22" * 32,
        "close": CloseRule(Height(10), 5),
        "criterion": "surplus",
        "fee": 3,
        "committee": committee_of(*(weights or (1, 1, 1, 1))),
        "coding": coding,
        "max_batch_bytes": 64 * 1024,
        "inline_bytes": 100,
    }
    return Domain(**{**defaults, **fields})


@dataclass
class World:
    """A domain with a dispersed blob, and everybody's keys."""

    domain: Domain
    dispersal: Dispersal
    statement: Statement
    chain_id: ChainId = CHAIN

    def rows(self, member: int):
        own = self.domain.assignment.rows_of(member.to_bytes(32, "big"))
        return [self.dispersal.row(index) for index in own]

    def sign(self, member: int, statement: Statement | None = None) -> bytes:
        digest = (statement or self.statement).digest(self.domain.committee)
        return secret_key(member).sign(digest)

    def certificate(self, *members: int) -> Certificate:
        """Signed by these, enough or not."""
        return Certificate(
            self.statement,
            len(self.domain.committee.members),
            members,
            tuple(self.sign(member) for member in members),
        )

    def collector(self) -> Collector:
        return Collector(self.statement, self.domain.committee)

    def with_statement(self, **fields) -> World:
        return World(self.domain, self.dispersal, replace(self.statement, **fields))


def world_of(*weights: int, blob: bytes = b"sealed " * 100, **fields) -> World:
    domain = domain_of(*weights, **fields)
    dispersal = encode(blob, domain.coding)
    statement = Statement(CHAIN, domain.id, dispersal.commitment, Height(50), Height(60))
    return World(domain, dispersal, statement)


@pytest.fixture
def world() -> World:
    return world_of(1, 1, 1, 1)


@pytest.fixture(scope="session")
def make_world():
    return world_of


@pytest.fixture(scope="session")
def make_domain():
    return domain_of


@pytest.fixture(scope="session")
def make_committee():
    return committee_of


@pytest.fixture(scope="session")
def key_of():
    return secret_key


@pytest.fixture(scope="session", name="member_key")
def of_member():
    return member_key
