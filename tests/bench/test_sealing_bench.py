"""Timings of sealed intents, sizes of private_exec/NOTES.md; `pytest -m bench tests/bench`."""

from __future__ import annotations

import functools

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from private_exec import batch as batches
from private_exec import cipher, final, reveal, shares
from private_exec import envelope as envelopes
from private_exec.envelope import EpochWindow, Terms
from private_exec.keygen import dealing as dealings
from private_exec.keygen.context import Context, Schedule
from private_exec.keygen.participant import Participant
from private_exec.keygen.protocol import Keygen
from private_exec.parameters import Parameters
from private_exec.roster import Domain, Roster
from zk import backends

pytestmark = pytest.mark.bench

SIZES = [
    (4, 1, 32),
    (4, 1, 64),
    (7, 1, 32),
    (7, 2, 64),
    (16, 1, 32),
    (16, 1, 64),
    (16, 3, 64),
    (100, 9, 128),
]
WINDOW = EpochWindow(1, 1, 100, 10)


class Trusting:
    def confirm(self, *_: object) -> None:
        pass


@functools.cache
def generation(n: int, packing: int) -> tuple[Keygen, list[Participant]]:
    signers = [Ed25519PrivateKey.from_private_bytes(bytes([m]) * 32) for m in range(n)]
    roster = Roster.of([s.public_key().public_bytes_raw() for s in signers])
    context = Context(Domain(bytes(32)), 1, 0, Parameters.of_equals(n, packing), roster)
    keygen = Keygen(context, Schedule(1, 2, 3, 4))
    members = [Participant(context, m, s, bytes([m]) * 32) for m, s in enumerate(signers)]
    for member in members:
        keygen.notice(member.notice(), 1)
    for member in members:
        keygen.commit(member.commit(keygen), 2)
    for member in members:
        keygen.deal(member.dealing(), 3)
    return keygen, members


@functools.cache
def scene(n: int, packing: int, size: int):
    keygen, members = generation(n, packing)
    outcome = keygen.finish(5)
    key = outcome.key
    payer = Ed25519PrivateKey.from_private_bytes(bytes(32))
    account = payer.public_key().public_bytes_raw()
    items = [
        envelopes.seal_intent(key, Terms(account, k, 1, 1, 50, 0), b"x", payer, bytes([k]) * 32)
        for k in range(size)
    ]
    block = final.finalise(Trusting(), bytes(32), batches.order(key, WINDOW, 20, items))
    quorum = members[: key.parameters.quorum]
    held = [member.held(keygen, outcome) for member in quorum]
    messages = [
        shares.make_shares(block, own, final.MemoryRoots(), member._signer)
        for own, member in zip(held, quorum, strict=True)
    ]
    return block, held, members, messages, reveal.recover(block.batch, messages)[0]


@pytest.fixture(params=SIZES, ids=lambda s: f"n={s[0]},l={s[1]},B={s[2]}")
def size(request):
    return request.param


@pytest.fixture
def run(benchmark):
    backend = backends.get()
    benchmark.extra_info["backend"] = backend.name
    benchmark.extra_info["threads"] = backend.threads

    def measure(function, *arguments):
        return benchmark.pedantic(function, arguments, rounds=9, warmup_rounds=1, iterations=1)

    return measure


def test_seal(run, size) -> None:
    block, *_ = scene(*size)
    key, item = block.batch.key, block.batch.envelopes[0]
    run(cipher.seal, key, item.label(key), bytes(496), bytes(32))


def test_verify_proofs_of_a_batch(run, size) -> None:
    batch = scene(*size)[0].batch
    items = [(item.label(batch.key), item.seal) for item in batch.envelopes]
    run(cipher.verify_batch, batch.key, items)


def test_order_a_batch(run, size) -> None:
    """Proofs, payers' signatures, ids."""
    batch = scene(*size)[0].batch
    run(batches.order, batch.key, WINDOW, 20, batch.envelopes)


def test_make_shares(run, size) -> None:
    block, held, members, *_ = scene(*size)
    run(
        lambda: shares.make_shares(block, held[0], final.MemoryRoots(), members[0]._signer),
    )


def test_verify_shares_of_a_quorum(run, size) -> None:
    block, _, _, messages, _ = scene(*size)
    run(shares.verify_shares, block.batch, messages)


def test_combine(run, size) -> None:
    block, _, _, messages, _ = scene(*size)
    run(shares.combine, block.batch, messages)


def test_check_a_reveal(run, size) -> None:
    block, *_, found = scene(*size)
    run(reveal.check_reveal, block.batch, found)


def test_open_a_batch(run, size) -> None:
    block, *_, found = scene(*size)
    run(reveal.open_batch, block.batch, found)


@pytest.mark.parametrize(("n", "packing"), [(4, 1), (7, 2), (16, 1), (16, 3), (100, 9)])
def test_check_a_dealing(run, n, packing) -> None:
    keygen, members = generation(n, packing)
    run(dealings.check, members[0].dealing(), keygen.context, keygen.keys)


@pytest.mark.parametrize(("n", "packing"), [(4, 1), (7, 2), (16, 1), (16, 3), (100, 9)])
def test_finish_a_key(run, n, packing) -> None:
    keygen, _ = generation(n, packing)
    run(keygen.finish, 5)
