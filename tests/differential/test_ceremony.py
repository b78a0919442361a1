"""One ceremony in two programs: snarkjs and we contribute in turn, and both verify the whole."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from zk.backends import get
from zk.formats.ptau import read_ptau, write_ptau
from zk.formats.r1cs import write_r1cs
from zk.formats.zkey import read_zkey, write_zkey
from zk.groth16.ceremony.beacon import Beacon
from zk.groth16.ceremony.contribution import contributions_from_bytes
from zk.groth16.ceremony.initial import initial_key, verify_initial
from zk.groth16.ceremony.lagrange import verify_lagrange
from zk.groth16.ceremony.phase1 import contribute_powers, new_powers, verify_powers
from zk.groth16.ceremony.phase1_contribution import powers_contributions_from_bytes
from zk.groth16.ceremony.phase2 import contribute, verify_key
from zk.groth16.example import random_circuit

pytestmark = pytest.mark.oracle_snarkjs

POWER = 5
BEACON = "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
BACKEND = get()


def seed(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def printed(text: str) -> str:
    """What snarkjs prints, without the blanks that it puts into hashes."""
    return re.sub(r"\x1b\[[0-9;]*m|\s|\[INFO\]|snarkJS:", "", text)


@pytest.fixture(scope="module")
def first_phase(snarkjs, tmp_path_factory) -> Path:
    """Ours, theirs, ours, then their beacon; prepared by them."""
    folder = tmp_path_factory.mktemp("phase1")
    paths = [folder / f"{i}.ptau" for i in range(6)]
    write_ptau(new_powers(POWER, BACKEND), paths[0])
    powers, ours = contribute_powers(
        read_ptau(paths[0], check=BACKEND), BACKEND, seed=seed("1"), name="ours"
    )
    write_ptau(powers, paths[1])
    snarkjs("powersoftau", "contribute", paths[1], paths[2], "--name=theirs", "-e=two")
    powers = read_ptau(paths[2], check=BACKEND)
    powers, _ = contribute_powers(powers, BACKEND, seed=seed("3"), name="ours again")
    write_ptau(powers, paths[3])
    snarkjs("powersoftau", "beacon", paths[3], paths[4], BEACON, "10", "-n=beacon")
    snarkjs("powersoftau", "prepare", "phase2", paths[4], paths[5])
    assert ours.name == "ours"
    return paths[5]


def test_both_verify_a_first_phase_that_both_made(first_phase, snarkjs) -> None:
    made = verify_powers(read_ptau(first_phase, check=BACKEND), BACKEND)
    assert [c.name for c in made] == ["ours", "theirs", "ours again", "beacon"]
    told = printed(snarkjs("powersoftau", "verify", first_phase).stdout)
    assert "PowersofTauOk!" in told
    for contribution in made:
        assert contribution.next_challenge.hex() in told
        assert contribution.response.hex() in told


def test_a_prepared_first_phase_of_snarkjs_is_written_again_byte_for_byte(
    first_phase, tmp_path
) -> None:
    """With contributions of both, a beacon and all Lagrange bases."""
    write_ptau(read_ptau(first_phase, check=BACKEND), tmp_path / "again.ptau")
    assert (tmp_path / "again.ptau").read_bytes() == first_phase.read_bytes()


def test_an_empty_first_phase_is_the_same_file(snarkjs, tmp_path) -> None:
    snarkjs("powersoftau", "new", "bn128", POWER, tmp_path / "theirs.ptau")
    write_ptau(new_powers(POWER, BACKEND), tmp_path / "ours.ptau")
    assert (tmp_path / "ours.ptau").read_bytes() == (tmp_path / "theirs.ptau").read_bytes()


def test_the_same_beacon_gives_the_same_powers(snarkjs, tmp_path) -> None:
    """The state of a hash has unused bytes, in which snarkjs leaves what it hashed before."""
    write_ptau(new_powers(POWER, BACKEND), tmp_path / "0.ptau")
    snarkjs("powersoftau", "beacon", tmp_path / "0.ptau", tmp_path / "1.ptau", BEACON, "10", "-n=b")
    beacon = Beacon(bytes.fromhex(BEACON), 10)
    powers, ours = contribute_powers(new_powers(POWER, BACKEND), BACKEND, beacon=beacon, name="b")
    theirs = read_ptau(tmp_path / "1.ptau", check=BACKEND)
    for mine, other in zip(powers.parts(), theirs.parts(), strict=True):
        np.testing.assert_array_equal(mine, other)
    (made,) = powers_contributions_from_bytes(theirs.contributions)
    assert made.response == ours.response
    assert replace(made, state=ours.state) == ours


def test_both_verify_a_key_that_both_made(first_phase, snarkjs, tmp_path) -> None:
    shape, _ = random_circuit(3, rows=9, publics=3)
    write_r1cs(shape, tmp_path / "c.r1cs")
    paths = [tmp_path / f"{i}.zkey" for i in range(5)]
    snarkjs("groth16", "setup", tmp_path / "c.r1cs", first_phase, paths[0])
    initial = read_zkey(paths[0], check=BACKEND)
    powers = read_ptau(first_phase, check=BACKEND)
    verify_lagrange(powers, BACKEND)
    verify_initial(initial, shape, powers, BACKEND)
    for same in (powers, replace(powers, lagrange=None)):
        write_zkey(initial_key(shape, same, BACKEND), tmp_path / "initial.zkey", plain=True)
        assert (tmp_path / "initial.zkey").read_bytes() == paths[0].read_bytes()
    key, first = contribute(initial, BACKEND, seed=seed("1"), name="ours")
    write_zkey(key, paths[1], plain=True)
    snarkjs("zkey", "contribute", paths[1], paths[2], "--name=theirs", "-e=two")
    key, third = contribute(read_zkey(paths[2], check=BACKEND), BACKEND, seed=seed("3"))
    write_zkey(key, paths[3], plain=True)
    snarkjs("zkey", "beacon", paths[3], paths[4], BEACON, "10", "-n=beacon")

    final = read_zkey(paths[4], check=BACKEND)
    made = verify_key(final, initial, BACKEND)
    assert [c.name for c in made] == ["ours", "theirs", "", "beacon"]
    assert (made[0], made[2]) == (first, third)
    told = printed(snarkjs("zkey", "verify", tmp_path / "c.r1cs", first_phase, paths[4]).stdout)
    assert "ZKeyOk!" in told
    for contribution in made:
        assert contribution.digest.hex() in told
    assert contributions_from_bytes(final.contributions) == made

    ours, _ = contribute(key, BACKEND, beacon=Beacon(bytes.fromhex(BEACON), 10), name="beacon")
    write_zkey(ours, tmp_path / "ours.zkey", plain=True)
    assert (tmp_path / "ours.zkey").read_bytes() == paths[4].read_bytes()
