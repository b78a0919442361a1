"""Phase 1, Lagrange bases in the groups and initial keys: made, verified, and refused."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from zk.backends import get
from zk.curve.bn254 import G1, G2
from zk.errors import FormatError, ParamsError
from zk.field.arrays import to_array
from zk.field.params import FR
from zk.field.tower import Fp2
from zk.formats.container import read, write
from zk.formats.ptau import ptau_sections, read_ptau, write_ptau
from zk.groth16.ceremony.beacon import Beacon
from zk.groth16.ceremony.errors import CeremonyError
from zk.groth16.ceremony.initial import initial_key, verify_initial
from zk.groth16.ceremony.lagrange import lagrange_points, verify_lagrange
from zk.groth16.ceremony.phase1 import contribute_powers, new_powers, verify_powers
from zk.groth16.ceremony.phase1_contribution import (
    powers_contributions_from_bytes,
    powers_contributions_to_bytes,
)
from zk.groth16.ceremony.powers import LagrangeBases, PowersOfTau
from zk.groth16.example import random_circuit
from zk.groth16.points import g1_rows, g2_rows
from zk.groth16.qap import lagrange_basis
from zk.groth16.setup import ToxicWaste, setup

POWER = 6
R = FR.modulus
BACKEND = get()
BEACON = Beacon(bytes(range(32)), 10)
TOXIC = ToxicWaste(tau=271828, alpha=314159, beta=161803, gamma=1, delta=1)


def seed(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


@pytest.fixture(scope="module")
def made() -> list[PowersOfTau]:
    """New, then after Ada, after Bob, after a beacon."""
    powers = [new_powers(POWER, BACKEND)]
    for arguments in (
        {"seed": seed("Ada"), "name": "Ada"},
        {"seed": seed("Bob")},
        {"beacon": BEACON},
    ):
        powers.append(contribute_powers(powers[-1], BACKEND, **arguments)[0])
    return powers


def known_powers(power: int = POWER) -> PowersOfTau:
    """Powers of a known τ, without contributions."""
    n = 1 << power
    series = [pow(TOXIC.tau, i, R) for i in range(2 * n - 1)]

    def g1(factor: int, count: int):
        return BACKEND.fixed_base_g1(to_array(factor * s % R for s in series[:count]))

    return PowersOfTau(
        power=power,
        ceremony_power=power,
        tau_g1=g1(1, 2 * n - 1),
        tau_g2=BACKEND.fixed_base_g2(to_array(series[:n])),
        alpha_g1=g1(TOXIC.alpha, n),
        beta_g1=g1(TOXIC.beta, n),
        beta_g2=BACKEND.fixed_base_g2(to_array([TOXIC.beta])),
        contributions=bytes(4),
    )


def with_bases(powers: PowersOfTau) -> PowersOfTau:
    """With all Lagrange bases, from the known τ."""

    def basis(order: int):
        return lagrange_basis(TOXIC.tau, order, BACKEND)

    logs = range(powers.power + 1)
    flat = np.concatenate([basis(1 << p) for p in logs])
    last = basis(2 * powers.size)
    # The file ends one power short: L'ᵢ = Lᵢ − ωⁱ·τ^(2N−1)/2N.
    short = lagrange_points(np.concatenate((powers.tau_g1, np.zeros((1, 8), np.uint64))), BACKEND)
    assert len(last) == len(short)

    def times(factor: int):
        montgomery = to_array([(factor << 256) % R])
        return BACKEND.fixed_base_g1(BACKEND.fr_mul(flat, montgomery))

    return replace(
        powers,
        lagrange=LagrangeBases(
            g1=np.concatenate((BACKEND.fixed_base_g1(flat), short)),
            g2=BACKEND.fixed_base_g2(flat),
            alpha_g1=times(TOXIC.alpha),
            beta_g1=times(TOXIC.beta),
        ),
    )


def test_every_step_verifies(made) -> None:
    for count, powers in enumerate(made):
        if count:
            names = [c.name for c in verify_powers(powers, BACKEND)]
            assert names == ["Ada", "", ""][:count]


def test_the_secrets_are_products(made) -> None:
    """τ of the second file is Ada's exponent times Bob's, in all five parts."""
    from zk.groth16.ceremony.stream import Stream

    exponents = []
    for text in ("Ada", "Bob"):
        stream = Stream(seed(text))
        exponents.append([stream.scalar() for _ in range(3)])
    tau, alpha, beta = (a * b % R for a, b in zip(*exponents, strict=True))
    third = pow(tau, 3, R)
    powers = made[2]

    def g1(k: int):
        return g1_rows([(k * G1.generator()).to_affine()])[0]

    np.testing.assert_array_equal(powers.tau_g1[3], g1(third))
    np.testing.assert_array_equal(powers.alpha_g1[3], g1(alpha * third % R))
    np.testing.assert_array_equal(powers.beta_g1[3], g1(beta * third % R))
    twice = g2_rows([(third * G2.generator()).to_affine(), (beta * G2.generator()).to_affine()])
    np.testing.assert_array_equal(powers.tau_g2[3], twice[0])
    np.testing.assert_array_equal(powers.beta_g2[0], twice[1])


def test_files(made, tmp_path) -> None:
    for powers in (made[2], with_bases(known_powers(2))):
        write_ptau(powers, tmp_path / "a.ptau")
        write_ptau(read_ptau(tmp_path / "a.ptau", check=BACKEND), tmp_path / "b.ptau")
        assert (tmp_path / "a.ptau").read_bytes() == (tmp_path / "b.ptau").read_bytes()


# -- refusals -------------------------------------------------------------------------------------


def changed(powers: PowersOfTau, name: str, index: int) -> PowersOfTau:
    """One point of a part doubled."""
    rows = getattr(powers, name).copy()
    scale = BACKEND.scale_g2 if rows.shape[1] == 16 else BACKEND.scale_g1
    rows[index] = scale(rows[index : index + 1], to_array([2]))[0]
    return replace(powers, **{name: rows})


def rewritten(powers: PowersOfTau, index: int, **changes) -> PowersOfTau:
    contributions = list(powers_contributions_from_bytes(powers.contributions))
    contributions[index] = replace(contributions[index], **changes)
    return powers.with_contributions(powers_contributions_to_bytes(contributions))


def other_pair(powers: PowersOfTau, index: int, secret: int) -> PowersOfTau:
    found = powers_contributions_from_bytes(powers.contributions)[index]
    pairs = list(found.pairs)
    pairs[secret] = replace(pairs[secret], spx=(7 * G2.generator()).to_affine())
    return rewritten(powers, index, pairs=tuple(pairs))


def restarted(powers: PowersOfTau) -> PowersOfTau:
    """A valid contribution to new powers, with Ada's put before it."""
    ada = powers_contributions_from_bytes(powers.contributions)[0]
    alone, _ = contribute_powers(new_powers(POWER, BACKEND), BACKEND, seed=seed("Mallory"))
    own = powers_contributions_from_bytes(alone.contributions)[0]
    return alone.with_contributions(powers_contributions_to_bytes([ada, own]))


def five(group):
    return (5 * group.generator()).to_affine()


CHEATS = {
    "nobody contributed": ("CER-001", lambda made: made[0]),
    "τ not known": ("CER-003", lambda made: other_pair(made[2], 1, 0)),
    "α not known": ("CER-003", lambda made: other_pair(made[2], 1, 1)),
    "β not known": ("CER-003", lambda made: other_pair(made[2], 1, 2)),
    "Ada put before one's own": ("CER-003", lambda made: restarted(made[2])),
    "τ in G1": ("CER-004", lambda made: rewritten(made[2], 0, tau_g1=five(G1))),
    "τ in G2": ("CER-004", lambda made: rewritten(made[2], 0, tau_g2=five(G2))),
    "α": ("CER-004", lambda made: rewritten(made[2], 1, alpha_g1=five(G1))),
    "β in G1": ("CER-004", lambda made: rewritten(made[2], 1, beta_g1=five(G1))),
    "β in G2": ("CER-004", lambda made: rewritten(made[2], 1, beta_g2=five(G2))),
    "a beacon of one's choice": (
        "CER-005",
        lambda made: rewritten(made[2], 1, beacon=b"late", iterations_exp=10),
    ),
    "too many hashes": ("CER-012", lambda made: rewritten(made[3], 2, iterations_exp=63)),
    "too few hashes": ("CER-011", lambda made: rewritten(made[3], 2, iterations_exp=0)),
    "not a series: τ in G1": ("CER-021", lambda made: changed(made[2], "tau_g1", 9)),
    "not a series: the last τ": ("CER-021", lambda made: changed(made[2], "tau_g1", 126)),
    "not a series: τ in G2": ("CER-021", lambda made: changed(made[2], "tau_g2", 63)),
    "not a series: α": ("CER-021", lambda made: changed(made[2], "alpha_g1", 1)),
    "not a series: β": ("CER-021", lambda made: changed(made[2], "beta_g1", 63)),
    "another start of τ": ("CER-022", lambda made: changed(made[2], "tau_g1", 0)),
    "another start of τ in G2": ("CER-022", lambda made: changed(made[2], "tau_g2", 0)),
    "another α": ("CER-022", lambda made: changed(made[2], "alpha_g1", 0)),
    "another β in G2": ("CER-022", lambda made: changed(made[2], "beta_g2", 0)),
    "points of an earlier file": (
        "CER-022",
        lambda made: made[1].with_contributions(made[2].contributions),
    ),
    "next challenge": ("CER-023", lambda made: rewritten(made[2], 1, next_challenge=bytes(64))),
    "response": (
        "CER-024",
        lambda made: rewritten(
            made[2], 1, state=powers_contributions_from_bytes(made[2].contributions)[0].state
        ),
    ),
    "damaged": (
        "CER-011",
        lambda made: made[2].with_contributions(made[2].contributions[:-1]),
    ),
}


@pytest.mark.parametrize("name", CHEATS)
def test_cheats(made, name) -> None:
    code, cheat = CHEATS[name]
    with pytest.raises(CeremonyError) as caught:
        verify_powers(cheat(made), BACKEND)
    assert caught.value.id == code


def test_what_cannot_be_contributed_to(made) -> None:
    cut = replace(made[1], ceremony_power=POWER + 1)
    with pytest.raises(ParamsError, match="cut from a larger"):
        contribute_powers(cut, BACKEND, seed=bytes(32))
    for arguments in ({}, {"seed": b"x"}, {"seed": bytes(32), "name": "x" * 256}):
        with pytest.raises(ParamsError):
            contribute_powers(made[0], BACKEND, **arguments)
    for power in (0, 29):
        with pytest.raises(ParamsError):
            new_powers(power, BACKEND)


# -- Lagrange bases and initial keys --------------------------------------------------------------


@pytest.mark.parametrize("log", range(6))
def test_lagrange_points(log: int) -> None:
    n = 1 << log
    powers = known_powers()
    basis = lagrange_basis(TOXIC.tau, n, BACKEND)
    np.testing.assert_array_equal(
        lagrange_points(powers.tau_g1[:n], BACKEND), BACKEND.fixed_base_g1(basis)
    )
    np.testing.assert_array_equal(
        lagrange_points(powers.tau_g2[:n], BACKEND), BACKEND.fixed_base_g2(basis)
    )


def test_cer025_bases_that_do_not_follow() -> None:
    powers = with_bases(known_powers(3))
    verify_lagrange(powers, BACKEND)
    verify_lagrange(known_powers(3), BACKEND)  # none: nothing to check
    for name, index in (
        ("g1", 0),
        ("g1", 7),
        ("g1", 30),
        ("g2", 14),
        ("alpha_g1", 3),
        ("beta_g1", 9),
    ):
        wrong = changed(powers.lagrange, name, index)
        with pytest.raises(CeremonyError) as caught:
            verify_lagrange(replace(powers, lagrange=wrong), BACKEND)
        assert caught.value.id == "CER-025"


@pytest.fixture(scope="module")
def circuit():
    return random_circuit(3, rows=25, publics=3)[0]


@pytest.mark.parametrize("prepared", [False, True], ids=["powers", "bases"])
def test_an_initial_key_is_that_of_the_secrets(circuit, prepared) -> None:
    powers = with_bases(known_powers()) if prepared else known_powers()
    key, known = initial_key(circuit, powers, BACKEND), setup(circuit, TOXIC, BACKEND)
    for name in ("alpha_g1", "beta_g1", "beta_g2", "ic", "a", "b1", "b2", "c", "h"):
        np.testing.assert_array_equal(getattr(key, name), getattr(known, name), err_msg=name)
    assert key.circuit_hash == known.circuit_hash
    verify_initial(key, circuit, powers, BACKEND)


KEY_CHEATS = {
    **{
        name: lambda key, name=name: changed(
            key, name, int(getattr(key, name).any(axis=1).argmax())
        )
        for name in ("a", "b1", "b2", "c", "h")
    },
    "ic": lambda key: changed(key, "ic", 2),
    "last of h": lambda key: changed(key, "h", 31),
    "circuit": lambda key: replace(key, a_rows=key.b_rows),
    "alpha_g1": lambda key: replace(key, alpha_g1=key.beta_g1),
    "delta_g2": lambda key: replace(key, delta_g2=key.beta_g2),
}


@pytest.mark.parametrize("name", KEY_CHEATS)
def test_cer008_initial_keys_of_something_else(circuit, name) -> None:
    powers = known_powers()
    key = initial_key(circuit, with_bases(powers), BACKEND)
    with pytest.raises(CeremonyError) as caught:
        verify_initial(KEY_CHEATS[name](key), circuit, powers, BACKEND)
    assert caught.value.id == "CER-008"


def test_cer010_another_hash(circuit) -> None:
    powers = known_powers()
    key = replace(setup(circuit, TOXIC, BACKEND), circuit_hash=bytes(64))
    with pytest.raises(CeremonyError) as caught:
        verify_initial(key, circuit, powers, BACKEND)
    assert caught.value.id == "CER-010"


def test_too_few_powers(circuit) -> None:
    with pytest.raises(ParamsError, match="needs powers of tau of 2\\^5"):
        initial_key(circuit, known_powers(4), BACKEND)


# -- files ----------------------------------------------------------------------------------------


def outside() -> bytes:
    """A point of the twist that is not of order r, as files have it."""
    x = 1
    while (y := (Fp2(x, 0).square() * Fp2(x, 0) + G2.b).sqrt()) is None:
        x += 1
    return g2_rows([((x, 0), y.to_ints())]).tobytes()


FILES = {
    "power": ("FMT-017", 1, lambda s: [(1, s[0][1][:36] + bytes(8)), *s[1:]]),
    "whole": ("FMT-017", 1, lambda s: [(1, s[0][1][:40] + bytes(4)), *s[1:]]),
    "field": ("FMT-016", 1, lambda s: [(1, bytes(36) + s[0][1][36:]), *s[1:]]),
    "short": ("FMT-015", 2, lambda s: [s[0], (2, s[1][1][:-64]), *s[2:]]),
    "off the curve": (
        "FMT-019",
        4,
        lambda s: [*s[:3], (4, b"\1" + bytes(63) + s[3][1][64:]), *s[4:]],
    ),
    "not below q": ("FMT-022", 2, lambda s: [s[0], (2, b"\xff" * 64 + s[1][1][64:]), *s[2:]]),
    "outside the subgroup": (
        "FMT-023",
        3,
        lambda s: [*s[:2], (3, outside() + s[2][1][128:]), *s[3:]],
    ),
    "one basis only": ("FMT-013", 13, lambda s: s[:8]),
}


@pytest.mark.parametrize("name", FILES)
def test_refused_files(name, tmp_path) -> None:
    code, section, change = FILES[name]
    path = tmp_path / "x.ptau"
    with path.open("wb") as file:
        write(file, "ptau", 1, change(ptau_sections(with_bases(known_powers(2)))))
    with pytest.raises(FormatError) as caught:
        read_ptau(path, check=BACKEND)
    assert (caught.value.id, caught.value.section) == (code, str(section))


def test_sections_in_any_order(tmp_path) -> None:
    sections = ptau_sections(known_powers(2))
    path = tmp_path / "x.ptau"
    with path.open("wb") as file:
        write(file, "ptau", 1, [(99, b"?"), *sections[::-1]])
    assert read(path, "ptau", (1,)).version == 1
    powers = read_ptau(path, check=BACKEND)
    np.testing.assert_array_equal(powers.tau_g1, known_powers(2).tau_g1)
