"""Committees whose ceremonies and inputs the tests drive, honest or not; all from small seeds."""

from __future__ import annotations

import functools

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.core.ids import ChainId
from private_exec import exponent
from private_exec.committee import acceptance, cells, inputs, points
from private_exec.committee import dealing as dealings
from private_exec.committee.acceptance import Accepted
from private_exec.committee.ceremony import Ceremony, CeremonySucceeded
from private_exec.committee.declaration import Declaration, Seat
from private_exec.committee.epoch import EpochContext, Schedule
from private_exec.committee.participant import Participant
from private_exec.mpc import vectors
from private_exec.mpc.decode import decode
from private_exec.pedersen import Opening
from private_exec.transcript import secret_scalar

CHAIN = ChainId(bytes(range(32)))
PURPOSE = bytes(31) + b"\7"
ROUND = bytes(31) + b"\1"


def entropy(*parts: object) -> bytes:
    return secret_scalar("test", repr(parts).encode()).to_bytes(32, "little")


def signer(*parts: object) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(entropy("signer", *parts))


def public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


def opening(*parts: object, value: int | None = None) -> Opening:
    drawn = secret_scalar("test/value", repr(parts).encode()) if value is None else value
    return Opening(drawn, secret_scalar("test/blinding", repr(parts).encode()))


def declare(n: int, name: str = "", **changes) -> Declaration:
    seats = tuple(Seat(public(signer(name, k)), f"tcp://{name}{k}:1") for k in range(1, n + 1))
    fields = {"chain": CHAIN, "purpose": PURPOSE, "epoch_blocks": 100, "seats": seats} | changes
    return Declaration(**fields)


class Run:
    """A ceremony whose members can be made to misbehave."""

    def __init__(self, n: int, *, name: str = "", epoch: int = 3, attempt: int = 0) -> None:
        self.declaration = declare(n, name)
        self.context = EpochContext(self.declaration, epoch, attempt)
        self.ceremony = Ceremony(self.context, Schedule(1, 2, 3))
        self.signers = {m: signer(name, m) for m in self.declaration.members}
        self.members = {
            m: Participant(self.context, m, s, entropy("ceremony", name, m, epoch, attempt))
            for m, s in self.signers.items()
        }

    def notices(self, absent=()) -> None:
        for m, member in self.members.items():
            if m not in absent:
                self.ceremony.notice(member.notice(), 1)

    def deal(self, absent=()) -> None:
        for m, member in self.members.items():
            if m in self.ceremony.keys and m not in absent:
                self.ceremony.deal(member.dealing(self.ceremony), 2)

    def complain(self, absent=()) -> list:
        return [
            self.ceremony.complain(accusation, 3)
            for m, member in self.members.items()
            if m in self.ceremony.keys and m not in absent
            for accusation in member.complaints(self.ceremony)
        ]

    def finish(self):
        return self.ceremony.finish(4)

    def run(self):
        self.notices()
        self.deal()
        assert self.complain() == []
        return self.finish()

    def wrong_dealing(self, dealer: int, victim: int) -> dealings.Dealing:
        """A dealing whose first part for one member is another than its hash says."""
        keys = self.ceremony.keys
        seed = entropy("wrong", dealer)
        size = self.declaration.size
        parts = dealings.own_parts(self.context, keys, dealer, seed)
        plain = {
            m: b"".join(parts[a] for a in dealings.sets_of(size, dealer, m))
            for m in dealings.receivers(keys, dealer)
        }
        plain[victim] = bytes(32) + plain[victim][32:]
        return dealings.assemble(
            self.context, keys, dealer, parts, plain, self.signers[dealer], seed
        )


class Epoch:
    """A committee with keys: record and every member's secrets."""

    def __init__(self, run: Run, silent=()) -> None:
        run.notices(absent=silent)
        run.deal()
        assert run.complain() == []
        outcome = run.finish()
        assert isinstance(outcome, CeremonySucceeded)
        self.record = outcome.record
        self.signers = run.signers
        self.secrets = {
            m: run.members[m].secrets(run.ceremony, self.record) for m in self.record.keys
        }

    @property
    def size(self):
        return self.record.declaration.size

    def shared(self, number: int = 0, *values: Opening, reference: bytes = ROUND) -> inputs.Input:
        given = values or (opening(number),)
        owner = public(signer("owner", number))
        return inputs.make(self.record, reference, owner, given, entropy("input", number))

    def accept(self, given: list[inputs.Input], liars=()):
        """Inputs to cells, as members do it: open, show points, sign. Returns message and cells."""
        ids = [cells.cell_id(item.id, k) for item in given for k in range(len(item.values))]
        coms = [com for item in given for com in item.commitments]
        opened = {m: inputs.open_all(given, s) for m, s in self.secrets.items()}
        rows = {m: [pair for found in opened[m] for pair in found] for m in opened}
        sent = {m: acceptance.masked(self.secrets[m].prss, ids, rows[m]) for m in rows}
        for m in liars:
            sent[m] = tuple([x + 1 for x in part] for part in sent[m])
        c, shift = (
            vectors.ints(
                decode(self.size, {m: vectors.vec(sent[m][part]) for m in sent}, self.size.t).values
            )
            for part in range(2)
        )
        accepted = [Accepted(*row) for row in zip(ids, c, shift, strict=True)]
        known = dict(zip(ids, coms, strict=True))
        made = acceptance.cells_of(self.record, accepted, known)
        self.check_points(made)
        signatures = {
            m: acceptance.sign(self.record, accepted, self.signers[m]) for m in self.secrets
        }
        return acceptance.assemble(self.record, accepted, signatures), made, known

    def check_points(self, made) -> None:
        """Every member finds that all points agree."""
        shown = {m: self.points(m, made) for m in self.secrets}
        for m in self.secrets:
            found = points.agree(self.size, [cell.com for cell in made], shown, m)
            assert found == ()

    def points(self, member: int, made):
        own = cells.shares(self.secrets[member].prss, made)
        return exponent.read(points.points_of(own), len(made))

    def reveal(self, made):
        """What the cells hold, by all members together."""
        rows = {m: cells.shares(s.prss, made) for m, s in self.secrets.items()}
        parts = (
            vectors.ints(
                decode(
                    self.size,
                    {
                        m: vectors.vec(getattr(pair, name) for pair in row)
                        for m, row in rows.items()
                    },
                    self.size.t,
                ).values
            )
            for name in ("value", "blinding")
        )
        return [Opening(*pair) for pair in zip(*parts, strict=True)]


@functools.cache
def build(n: int, name: str, number: int, silent: tuple[int, ...]) -> Epoch:
    return Epoch(Run(n, name=name, epoch=number), silent)


@pytest.fixture(scope="session")
def epoch():
    """`epoch(n)`: a committee of n with keys; do not erase them."""

    def make(n: int = 4, name: str = "", number: int = 3, silent: tuple[int, ...] = ()) -> Epoch:
        return build(n, name, number, silent)

    return make


@pytest.fixture(scope="session")
def ceremony():
    return Run


@pytest.fixture(scope="session")
def helpers():
    """The functions above, for tests that build by hand."""

    class Helpers:
        chain = CHAIN
        round = ROUND

    for function in (entropy, signer, public, opening, declare):
        setattr(Helpers, function.__name__, staticmethod(function))
    return Helpers
