"""Phase 2: what contributors make verifies, and every way to cheat is refused by its own rule."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from zk.backends import get
from zk.curve.bn254 import G1, G1_GENERATOR, G2
from zk.errors import ParamsError, UnsafeKey
from zk.field.params import FR
from zk.groth16.ceremony.beacon import Beacon
from zk.groth16.ceremony.contribution import (
    Contribution,
    Transcript,
    contributions_from_bytes,
    contributions_to_bytes,
)
from zk.groth16.ceremony.errors import REFUSALS, CeremonyError
from zk.groth16.ceremony.phase2 import contribute, verify_chain, verify_key
from zk.groth16.ceremony.stream import Stream, beacon_seed, hash_to_g2
from zk.groth16.example import random_circuit
from zk.groth16.keys import Blinding, ProvingKey
from zk.groth16.points import g1_rows, g2_rows
from zk.groth16.prove import prove, public_inputs
from zk.groth16.setup import ToxicWaste, setup
from zk.groth16.verify import verify

TOXIC = ToxicWaste(tau=271828, alpha=314159, beta=161803, gamma=1, delta=1)
BEACON = Beacon(bytes(range(32)), 10)
BACKEND = get()


def seed(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


@pytest.fixture(scope="module")
def circuit():
    return random_circuit(3, rows=9, publics=3)


@pytest.fixture(scope="module")
def initial(circuit) -> ProvingKey:
    return setup(circuit[0], TOXIC, BACKEND)


@pytest.fixture(scope="module")
def keys(initial) -> list[ProvingKey]:
    """The initial key, then after Ada, after Bob, after a beacon."""
    made = [initial]
    for arguments in (
        {"seed": seed("Ada's secret"), "name": "Ada"},
        {"seed": seed("Bob's secret")},
        {"beacon": BEACON, "name": "beacon"},
    ):
        made.append(contribute(made[-1], BACKEND, **arguments)[0])
    return made


def test_every_step_verifies(keys, initial) -> None:
    for count, key in enumerate(keys):
        if count:
            names = [c.name for c in verify_key(key, initial, BACKEND)]
            assert names == ["Ada", "", "beacon"][:count]


def test_a_key_that_many_made_proves_and_verifies(keys, circuit) -> None:
    shape, assignment = circuit
    proof = prove(keys[-1], assignment, Blinding(5, 6), BACKEND)
    verify(keys[-1].verifying_key, public_inputs(keys[-1], assignment), proof, BACKEND)
    assert shape.wires == keys[-1].wires


def test_phases_are_reported_and_a_name_is_kept(initial) -> None:
    told: list[tuple[str, float]] = []
    key, made = contribute(
        initial, BACKEND, seed=seed("x"), name="Åse", progress=lambda *step: told.append(step)
    )
    assert told == [("c", 0.0), ("c", 1.0), ("h", 0.0), ("h", 1.0)]
    assert contributions_from_bytes(key.contributions) == (made,)
    assert made.name == "Åse"
    assert made.digest == hashlib.blake2b(made.hashed()).digest()
    assert key.note == initial.note


def test_the_same_beacon_gives_the_same_key(keys) -> None:
    again, _ = contribute(keys[2], BACKEND, beacon=BEACON, name="beacon")
    assert again.contributions == keys[3].contributions
    np.testing.assert_array_equal(again.h, keys[3].h)


def test_s11_an_initial_key_is_refused_as_a_verifying_key(initial) -> None:
    with pytest.raises(UnsafeKey):
        _ = initial.verifying_key


# -- refusals -------------------------------------------------------------------------------------


def rewritten(key: ProvingKey, index: int, **changes) -> ProvingKey:
    made = list(contributions_from_bytes(key.contributions))
    made[index] = replace(made[index], **changes)
    return replace(key, contributions=contributions_to_bytes(made))


def g1(k: int):
    return (k * G1.generator()).to_affine()


def without_knowledge(key: ProvingKey) -> ProvingKey:
    """The last contribution replaced: δ becomes a multiple whose exponent is claimed, not known."""
    made = list(contributions_from_bytes(key.contributions))[:-1]
    x, claimed = 12345, 54321
    s = g1(99)
    sx = (claimed * G1.from_affine(s)).to_affine()
    digest = Transcript(key.circuit_hash, made).digest(s, sx)
    before = made[-1].delta_after if made else G1_GENERATOR
    after = (x * G1.from_affine(before)).to_affine()
    spx = (x * G2.from_affine(hash_to_g2(digest))).to_affine()
    made.append(Contribution(after, s, sx, spx, digest))
    return replace(key, contributions=contributions_to_bytes(made), delta_g1=g1_rows([after])[0])


def restarted(key: ProvingKey) -> ProvingKey:
    """Everybody before is thrown away: δ = x alone, with a perfect proof of x."""
    made = list(contributions_from_bytes(key.contributions))[:-1]
    x, s = 777, g1(99)
    sx = (x * G1.from_affine(s)).to_affine()
    digest = Transcript(key.circuit_hash, made).digest(s, sx)
    spx = (x * G2.from_affine(hash_to_g2(digest))).to_affine()
    made.append(Contribution(g1(x), s, sx, spx, digest))
    return replace(
        key,
        contributions=contributions_to_bytes(made),
        delta_g1=g1_rows([g1(x)])[0],
        delta_g2=g2_rows([(x * G2.generator()).to_affine()])[0],
    )


def doubled(rows: np.ndarray, index: int) -> np.ndarray:
    changed = rows.copy()
    changed[index] = BACKEND.scale_g1(changed[index : index + 1], np.array([[2, 0, 0, 0]], "u8"))[0]
    return changed


CHEATS = {
    "nobody contributed": ("CER-001", lambda keys: keys[0]),
    "contributions dropped": (
        "CER-001",
        lambda keys: replace(keys[2], contributions=bytes(4)),
    ),
    "first contribution dropped": (
        "CER-002",
        lambda keys: replace(
            keys[2],
            contributions=contributions_to_bytes(
                contributions_from_bytes(keys[2].contributions)[1:]
            ),
        ),
    ),
    "another transcript": ("CER-002", lambda keys: rewritten(keys[2], 1, transcript=bytes(64))),
    "another name of the pair": ("CER-002", lambda keys: rewritten(keys[2], 1, s=g1(5))),
    "exponent not known": ("CER-003", lambda keys: without_knowledge(keys[2])),
    "another proof": (
        "CER-003",
        lambda keys: rewritten(keys[2], 1, spx=(7 * G2.generator()).to_affine()),
    ),
    "those before thrown away": ("CER-004", lambda keys: restarted(keys[2])),
    "another δ after": ("CER-004", lambda keys: rewritten(keys[2], 1, delta_after=g1(5))),
    "a beacon of one's choice": (
        "CER-005",
        lambda keys: rewritten(keys[2], 1, beacon=b"chosen afterwards", iterations_exp=10),
    ),
    "another beacon": ("CER-005", lambda keys: rewritten(keys[3], 2, beacon=bytes(32))),
    "another number of iterations": (
        "CER-005",
        lambda keys: rewritten(keys[3], 2, iterations_exp=11),
    ),
    "too many hashes": ("CER-012", lambda keys: rewritten(keys[3], 2, iterations_exp=33)),
    "too few hashes": ("CER-011", lambda keys: rewritten(keys[3], 2, iterations_exp=9)),
    "more hashes than exist": ("CER-011", lambda keys: rewritten(keys[3], 2, iterations_exp=64)),
    "δ in G1 of one's own": (
        "CER-006",
        lambda keys: replace(keys[2], delta_g1=g1_rows([g1(5)])[0]),
    ),
    "δ in G2 of one's own": (
        "CER-007",
        lambda keys: replace(keys[2], delta_g2=g2_rows([(5 * G2.generator()).to_affine()])[0]),
    ),
    "another A": ("CER-008", lambda keys: replace(keys[2], a=doubled(keys[2].a, 3))),
    "another IC": ("CER-008", lambda keys: replace(keys[2], ic=doubled(keys[2].ic, 1))),
    "γ that is not one": (
        "CER-008",
        lambda keys: replace(keys[2], gamma_g2=g2_rows([(5 * G2.generator()).to_affine()])[0]),
    ),
    "a point of C": ("CER-009", lambda keys: replace(keys[2], c=doubled(keys[2].c, 0))),
    "the last point of H": (
        "CER-009",
        lambda keys: replace(keys[2], h=doubled(keys[2].h, 15)),
    ),
    "C not divided": ("CER-009", lambda keys: replace(keys[2], c=keys[0].c)),
    "H not divided": ("CER-009", lambda keys: replace(keys[2], h=keys[1].h)),
    "no C at all": ("CER-009", lambda keys: replace(keys[2], c=np.zeros_like(keys[2].c))),
    "bytes that are no contribution": (
        "CER-011",
        lambda keys: replace(keys[2], contributions=keys[2].contributions[:-1]),
    ),
}


@pytest.mark.parametrize("name", CHEATS)
def test_cheats(keys, initial, name) -> None:
    code, cheat = CHEATS[name]
    with pytest.raises(CeremonyError) as caught:
        verify_key(cheat(keys), initial, BACKEND)
    assert caught.value.id == code
    assert caught.value.why == REFUSALS[code][1]


def test_cer010_a_key_of_another_circuit(keys) -> None:
    other, _ = random_circuit(4, rows=9, publics=3)
    foreign = setup(other, TOXIC, BACKEND)
    with pytest.raises(CeremonyError) as caught:
        verify_key(keys[2], foreign, BACKEND)
    assert caught.value.id == "CER-010"


def test_the_chain_alone_needs_no_initial_key(keys) -> None:
    assert len(verify_chain(keys[3], BACKEND)) == 3


# -- encoding -------------------------------------------------------------------------------------

DAMAGE = {
    "number": lambda d: b"\xff\xff\xff\xff" + d[4:],
    "too many": lambda d: (3).to_bytes(4, "little") + d[4:],
    "left over": lambda d: d + b"\0",
    "δ at infinity": lambda d: d[:4] + bytes(64) + d[68:],
    "δ off the curve": lambda d: d[:4] + b"\1" + bytes(63) + d[68:],
    "δ not below q": lambda d: d[:4] + b"\xff" * 32 + d[36:],
    "sp·x off the twist": lambda d: d[: 4 + 192] + b"\1" + bytes(127) + d[4 + 320 :],
    "kind without parameters": lambda d: d[: 4 + 384] + b"\1" + d[4 + 385 :],
    "unknown kind": lambda d: d[: 4 + 384] + b"\2" + d[4 + 385 :],
    "unknown parameter": lambda d: d[: 4 + 392] + b"\4" + d[4 + 393 :],
    "length of the name": lambda d: d[: 4 + 393] + b"\xff" + d[4 + 394 :],
    "length of parameters": lambda d: d[: 4 + 388] + b"\xff" + d[4 + 389 :],
    "name": lambda d: d[: 4 + 394] + b"\xff" + d[4 + 395 :],
}


@pytest.mark.parametrize("name", DAMAGE)
def test_cer011_damaged_contributions(keys, name) -> None:
    data = keys[1].contributions
    assert contributions_to_bytes(contributions_from_bytes(data)) == data
    with pytest.raises(CeremonyError) as caught:
        contributions_from_bytes(DAMAGE[name](data))
    assert caught.value.id == "CER-011"


def test_cer011_every_truncation(keys) -> None:
    data = keys[3].contributions
    for length in range(0, len(data), 7):
        with pytest.raises(CeremonyError):
            contributions_from_bytes(data[:length])


def test_arguments(initial) -> None:
    for arguments in ({}, {"seed": b"short"}, {"seed": bytes(32), "beacon": BEACON}):
        with pytest.raises(ParamsError):
            contribute(initial, BACKEND, **arguments)
    with pytest.raises(ParamsError):
        contribute(initial, BACKEND, seed=bytes(32), name="x" * 256)
    for value, exponent in ((b"", 10), (bytes(256), 10), (b"x", 9), (b"x", 64)):
        with pytest.raises(ParamsError):
            Beacon(value, exponent)


def test_numbers_of_a_seed() -> None:
    """As ffjavascript (snarkjs 0.7.6) draws them; tests/differential has the whole ceremony."""
    stream = Stream(b"".join(i.to_bytes(4, "big") for i in range(1, 9)))
    assert (stream.word(), stream.word()) == (2291208717, 2715286880)
    assert stream.scalar() == (
        8396318878943655355613463627786171946508547143850377951006712437319873133317
    )
    assert stream.g1()[0] == (
        4285727601281371844104816657107983360630611667256941194814397446216853288064
    )
    assert stream.g2()[0][0] == (
        641199754954959273306872614490767973290994499011272162007942258076045378070
    )
    assert G2.from_affine(stream.g2()).in_subgroup()
    assert 0 < stream.scalar() < FR.modulus
    assert beacon_seed(b"x", 1) == hashlib.sha256(hashlib.sha256(b"x").digest()).digest()
