"""Committees, keys and batches for the tests of sealed intents; everything from small seeds."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import strategies as st

from private_exec import batch as batches
from private_exec import envelope as envelopes
from private_exec import final, group, shares
from private_exec.envelope import Envelope, EpochWindow, Terms
from private_exec.errors import NotFinal
from private_exec.keygen import dealing as dealings
from private_exec.keygen.context import Context, Schedule
from private_exec.keygen.dealing import Dealing
from private_exec.keygen.participant import Participant
from private_exec.keygen.protocol import Keygen, make_commit
from private_exec.keys import EpochKey, HeldShares
from private_exec.parameters import Parameters
from private_exec.proofs import prove_knowledge
from private_exec.roster import Domain, Roster
from private_exec.sharing import PackedPolynomial
from private_exec.transcript import secret_scalar
from zk.errors import DecodeError

CHAIN = bytes(range(32))
HEIGHT = 20
WINDOW = EpochWindow(number=3, first=10, last=100, grace=10)


def entropy(*parts: object) -> bytes:
    return secret_scalar("test", repr(parts).encode()).to_bytes(32, "little")


def signer(name: str, number: int = 0) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(entropy(name, number))


def public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


class Committed:
    """Evidence of an engine that committed these (height, block hash, root)."""

    def __init__(self, *known: tuple[int, bytes, bytes]) -> None:
        self.known = set(known)

    def confirm(self, height: int, block_hash: bytes, batch_root: bytes) -> None:
        if (height, block_hash, batch_root) not in self.known:
            raise NotFinal("PX-1", f"block {height} is not final", where=f"height {height}")


@dataclass(frozen=True)
class World:
    """A committee with a key of which the test knows everything."""

    signers: tuple[Ed25519PrivateKey, ...]
    polynomial: PackedPolynomial
    key: EpochKey
    held: tuple[HeldShares, ...]
    payer: Ed25519PrivateKey

    @property
    def parameters(self) -> Parameters:
        return self.key.parameters

    def terms(self, number: int = 0, **changes) -> Terms:
        return replace(Terms(public(self.payer), number, 5, 1000, 50, 0), **changes)

    def envelope(self, number: int = 0, intent: bytes | None = None, **changes) -> Envelope:
        text = b"intent %d" % number if intent is None else intent
        terms = self.terms(number, **changes)
        return envelopes.seal_intent(
            self.key, terms, text, self.payer, entropy("seal", number, changes)
        )

    def batch(self, count: int = 0, *, items=None, height: int = HEIGHT):
        chosen = self.envelopes(count) if items is None else items
        return batches.order(self.key, WINDOW, height, chosen)

    def envelopes(self, count: int) -> list[Envelope]:
        return [_sealed(self, number) for number in range(count)]

    def final(self, batch):
        block = entropy("block", batch.root)
        return final.finalise(Committed((batch.height, block, batch.root)), block, batch)

    def messages(self, batch, members=None):
        block = self.final(batch)
        chosen = range(len(self.held)) if members is None else members
        made = (
            shares.make_shares(block, self.held[m], final.MemoryRoots(), self.signers[m])
            for m in chosen
        )
        return [message for message in made if message is not None]


@functools.cache
def _signers(count: int) -> tuple[Ed25519PrivateKey, ...]:
    return tuple(signer("validator", k) for k in range(count))


_SEALED: dict[tuple[bytes, int], Envelope] = {}


def _sealed(world: World, number: int) -> Envelope:
    at = world.key.digest, number
    if at not in _SEALED:
        _SEALED[at] = world.envelope(number)
    return _SEALED[at]


@functools.cache
def build(counts: tuple[int, ...], packing: int | None, quorum: int | None = None) -> World:
    """A key dealt by the test itself, to members with these numbers of shares."""
    parameters = Parameters.of_equals(sum(counts), packing)
    if quorum is not None:
        parameters = Parameters(sum(counts), quorum, packing or 1)
    polynomial = PackedPolynomial(
        parameters.packing,
        tuple(
            secret_scalar("test", f"c{counts}{packing}{k}".encode())
            for k in range(parameters.privacy + 1)
        ),
    )
    signers = _signers(len(counts))
    roster = Roster.of([public(s) for s in signers], counts)
    values = [polynomial.share(i) for i in range(1, parameters.shares + 1)]
    key = EpochKey(
        Domain(CHAIN, 1, 2),
        WINDOW.number,
        parameters,
        roster,
        group.base_g1([polynomial.secret])[0],
        group.base_g2([polynomial.secret])[0],
        tuple(group.base_g2(values)),
    )
    held = tuple(
        HeldShares(m, {i: values[i - 1] for i in roster.indices(m)}) for m in range(len(counts))
    )
    return World(signers, polynomial, key, held, signer("payer"))


@pytest.fixture(scope="session")
def world():
    """`world(n, packing=None)`: n holders of one share each; `world(shares=(2, 1, …))`."""

    def make(n: int = 4, packing: int | None = None, *, shares=None, quorum=None) -> World:
        return build(tuple(shares) if shares else (1,) * n, packing, quorum)

    return make


class Generation:
    """A key generation whose members can be made to misbehave."""

    def __init__(self, n: int, packing: int | None = None, attempt: int = 0) -> None:
        self.signers = _signers(n)
        parameters = Parameters.of_equals(n, packing)
        roster = Roster.of([public(s) for s in self.signers])
        self.context = Context(Domain(CHAIN, 1, 2), 3, attempt, parameters, roster)
        self.keygen = Keygen(self.context, Schedule(1, 2, 3, 4))
        self.members = [
            Participant(self.context, m, s, entropy("keygen", m, attempt))
            for m, s in enumerate(self.signers)
        ]

    def notices(self, absent=()) -> None:
        for member in self.members:
            if member.member not in absent:
                self.keygen.notice(member.notice(), 1)

    def commits(self, absent=()) -> None:
        for member in self.members:
            if member.member not in absent:
                self.keygen.commit(member.commit(self.keygen), 2)

    def deal(self, absent=()) -> None:
        for member in self.members:
            if member.member not in absent:
                self.keygen.deal(member.dealing(), 3)

    def complain(self, absent=()) -> list:
        return [
            self.keygen.complain(complaint, 4)
            for member in self.members
            if member.member not in absent
            for complaint in member.complaints(self.keygen)
        ]

    def run(self):
        self.notices()
        self.commits()
        self.deal()
        assert self.complain() == []
        return self.keygen.finish(5)

    def wrong_dealing(self, dealer: int, victims, *, off: int = 1) -> Dealing:
        """A dealing of (7, 8, …) whose shares for these numbers are off by something."""
        context = self.context
        polynomial = PackedPolynomial(
            context.parameters.packing, tuple(range(7, 8 + context.parameters.privacy))
        )
        numbers = dealings.recipients(context, self.keygen.keys)
        values = {i: polynomial.share(i) + (off if i in victims else 0) for i in numbers}
        return dealings.assemble(
            context, self.keygen.keys, dealer, polynomial, 99 + dealer, values, entropy(dealer)
        )

    def plant(self, dealer: int, dealing: Dealing) -> None:
        """Let a member commit to this dealing instead of its own."""
        self.keygen.commit(make_commit(self.keygen.session, dealing, self.signers[dealer]), 2)

    def proved(self, dealing: Dealing, secret: int, ephemeral: int) -> Dealing:
        """The dealing with proofs that hold for it as it is."""
        binding = dealings._binding(self.keygen.session, dealing.body)
        return replace(
            dealing,
            knows_secret=prove_knowledge(secret, dealings._CONSTANT_PROOF, binding, b""),
            knows_ephemeral=prove_knowledge(ephemeral, dealings._EPHEMERAL_PROOF, binding, b""),
        )


@pytest.fixture(scope="session")
def generation():
    return Generation


@pytest.fixture(scope="session")
def helpers():
    """The functions above, for tests that build by hand."""

    class Helpers:
        window = WINDOW
        height = HEIGHT
        committed = Committed

    Helpers.entropy = staticmethod(entropy)
    Helpers.signer = staticmethod(signer)
    Helpers.public = staticmethod(public)
    return Helpers


class Codec:
    """That a message has one encoding, whatever its bytes."""

    @staticmethod
    def holds(kind, raw: bytes) -> None:
        """Refused, or written as it was read."""
        try:
            message = kind.from_bytes(raw)
        except DecodeError:
            return
        assert message.to_bytes() == raw

    @staticmethod
    def holds_damaged(kind, sample: bytes, data) -> None:
        """The same of a good message, and of it with something wrong."""
        raw = bytearray(sample)
        assert kind.from_bytes(sample).to_bytes() == sample
        how = data.draw(st.sampled_from(["flip", "cut", "grow", "splice"]))
        at = data.draw(st.integers(0, len(raw) - 1))
        if how == "flip":
            raw[at] ^= data.draw(st.integers(1, 255))
        elif how == "cut":
            del raw[at:]
        elif how == "grow":
            raw[at:at] = data.draw(st.binary(min_size=1, max_size=40))
        else:
            raw[at : at + 32] = data.draw(st.binary(min_size=32, max_size=32))
        Codec.holds(kind, bytes(raw))


@pytest.fixture(scope="session")
def codec():
    return Codec
