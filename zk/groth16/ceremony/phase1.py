"""Phase 1 of a ceremony: secrets τ, α and β, each a product of what contributors drew.

A contributor multiplies point i by xτ^i (and by xα or xβ), proves that the three exponents were
known, and forgets them. Verification shows that the points are successive powers of one τ and that
its logarithm is the product of all contributions (rules CER-001 … CER-005, CER-021 … CER-025).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from zk.curve.bn254 import G1_GENERATOR, G2_GENERATOR, G1Affine, G2Affine
from zk.errors import ParamsError
from zk.field.arrays import U64Array, to_array, to_montgomery
from zk.field.params import FR
from zk.groth16.ceremony.beacon import Beacon, stream_of, stream_to_check
from zk.groth16.ceremony.blake2b import Blake2b
from zk.groth16.ceremony.contribution import MAX_NAME_BYTES
from zk.groth16.ceremony.errors import CeremonyError
from zk.groth16.ceremony.phase1_contribution import (
    SECRETS,
    KeyPair,
    PowersContribution,
    powers_contributions_from_bytes,
    powers_contributions_to_bytes,
    public_key,
)
from zk.groth16.ceremony.powers import (
    MAX_POWER,
    PowersOfTau,
    compressed,
    first_challenge,
    hash_compressed,
    hash_uncompressed,
)
from zk.groth16.ceremony.ratio import random_weights, same_ratio, times_g1, times_g2
from zk.groth16.ceremony.stream import Stream
from zk.groth16.points import g1_points, g2_points
from zk.interfaces import Backend, Progress

_HASH_ROWS = 1 << 12


@dataclass(frozen=True, slots=True)
class _Secrets:
    """The three exponents of a contribution, and the proofs that they were known."""

    tau: int
    alpha: int
    beta: int
    pairs: tuple[KeyPair, KeyPair, KeyPair]

    def __repr__(self) -> str:
        return "_Secrets(<secret>)"


def _draw(stream: Stream, challenge: bytes) -> _Secrets:
    exponents = [stream.scalar() for _ in SECRETS]

    def pair(number: int) -> KeyPair:
        s = stream.g1()
        half = KeyPair(s, times_g1(exponents[number], s), None)
        spx = times_g2(exponents[number], half.sp(number, challenge))
        return KeyPair(half.s, half.sx, spx)

    tau, alpha, beta = exponents
    return _Secrets(tau, alpha, beta, (pair(0), pair(1), pair(2)))


def new_powers(power: int, backend: Backend) -> PowersOfTau:
    """Powers of τ = 1, with α = β = 1: what the first contributor starts from.

    Raises:
        ParamsError: a power that is too small or too large.
    """
    if not 0 < power <= MAX_POWER:
        raise ParamsError(f"a ceremony has 2^1 to 2^{MAX_POWER} powers, not 2^{power}")
    n, one = 1 << power, np.array([[1, 0, 0, 0]], dtype=np.uint64)
    g1, g2 = backend.fixed_base_g1(one), backend.fixed_base_g2(one)
    many = np.repeat(g1, 2 * n - 1, axis=0)
    return PowersOfTau(
        power=power,
        ceremony_power=power,
        tau_g1=many,
        tau_g2=np.repeat(g2, n, axis=0),
        alpha_g1=many[:n],
        beta_g1=many[:n],
        beta_g2=g2,
        contributions=bytes(4),
    )


def contribute_powers(
    powers: PowersOfTau,
    backend: Backend,
    *,
    seed: bytes | None = None,
    beacon: Beacon | None = None,
    name: str = "",
    progress: Progress | None = None,
) -> tuple[PowersOfTau, PowersContribution]:
    """Multiply three more secrets into powers of τ. Lagrange bases are left out.

    Run it in a process of its own and end that: Python does not promise to erase secrets.

    Args:
        powers: the powers so far, of the whole ceremony.
        backend: what computes.
        seed: 32 secret bytes that everything is drawn from.
        beacon: instead of a seed, public randomness.
        name: who contributes, as they say.
        progress: called with `tau_g1 tau_g2 alpha_g1 beta_g1 hash`.

    Raises:
        ParamsError: not exactly one of seed and beacon, too long a name, or powers that were cut.
        CeremonyError: CER-011, the contributions so far do not decode.
    """
    if not powers.whole:
        raise ParamsError("powers that were cut from a larger ceremony take no contribution")
    if len(name.encode()) > MAX_NAME_BYTES:
        raise ParamsError(f"a contributor's name has at most {MAX_NAME_BYTES} bytes")
    report: Progress = progress or (lambda _phase, _share: None)
    before = powers_contributions_from_bytes(powers.contributions)
    challenge = _challenge(powers, before, backend)
    secret = _draw(stream_of(seed, beacon), challenge)
    series = backend.fr_powers(_montgomery(secret.tau), len(powers.tau_g1))

    def exponents(count: int, factor: int) -> U64Array:
        return backend.fr_mul(series[:count], to_array([factor]))

    def scaled(phase: str, rows: U64Array, factor: int) -> U64Array:
        report(phase, 0.0)
        scale = backend.scale_g2 if phase.endswith("g2") else backend.scale_g1
        made = scale(np.ascontiguousarray(rows), exponents(len(rows), factor))
        report(phase, 1.0)
        return made

    changed = PowersOfTau(
        power=powers.power,
        ceremony_power=powers.ceremony_power,
        tau_g1=scaled("tau_g1", powers.tau_g1, 1),
        tau_g2=scaled("tau_g2", powers.tau_g2, 1),
        alpha_g1=scaled("alpha_g1", powers.alpha_g1, secret.alpha),
        beta_g1=scaled("beta_g1", powers.beta_g1, secret.beta),
        beta_g2=scaled("beta_g2", powers.beta_g2, secret.beta),
        contributions=b"",
    )
    report("hash", 0.0)
    state = _state(changed, challenge, backend, report)
    response = _finish(state, secret.pairs)
    (tau_g1, tau_g2, alpha_g1, beta_g1, beta_g2) = _starts(changed)
    made = PowersContribution(
        tau_g1=tau_g1,
        tau_g2=tau_g2,
        alpha_g1=alpha_g1,
        beta_g1=beta_g1,
        beta_g2=beta_g2,
        pairs=secret.pairs,
        state=state,
        next_challenge=hash_uncompressed(changed, response, backend),
        name=name,
        beacon=beacon.value if beacon else b"",
        iterations_exp=beacon.iterations_exp if beacon else 0,
    )
    report("hash", 1.0)
    contributions = powers_contributions_to_bytes([*before, made])
    return changed.with_contributions(contributions), made


def _montgomery(value: int) -> U64Array:
    return to_array(to_montgomery([value], FR.modulus))


def _challenge(
    powers: PowersOfTau, before: Sequence[PowersContribution], backend: Backend
) -> bytes:
    if before:
        return before[-1].next_challenge
    return first_challenge(powers.ceremony_power, backend)


def _state(powers: PowersOfTau, challenge: bytes, backend: Backend, report: Progress) -> bytes:
    """The response's hash over challenge and compressed points, not yet over the public key."""
    hasher = Blake2b()
    hasher.update(challenge)
    total, done = sum(map(len, powers.parts())), 0
    for part in powers.parts():
        for at in range(0, len(part), _HASH_ROWS):
            hasher.update(compressed(part[at : at + _HASH_ROWS], backend))
            done += len(part[at : at + _HASH_ROWS])
            report("hash", done / (total + 1))
    return hasher.state


def _finish(state: bytes, pairs: Sequence[KeyPair]) -> bytes:
    hasher = Blake2b.from_state(state)
    hasher.update(public_key(pairs))
    return hasher.digest()


def _starts(powers: PowersOfTau) -> tuple[G1Affine, G2Affine, G1Affine, G1Affine, G2Affine]:
    """τ in both groups, α and β in G1, β in G2."""
    tau_g1, alpha, beta = g1_points(
        np.stack([powers.tau_g1[1], powers.alpha_g1[0], powers.beta_g1[0]])
    )
    tau_g2, beta_g2 = g2_points(np.stack([powers.tau_g2[1], powers.beta_g2[0]]))
    return tau_g1, tau_g2, alpha, beta, beta_g2


# -- verification ---------------------------------------------------------------------------------


def verify_powers(
    powers: PowersOfTau, backend: Backend, progress: Progress | None = None
) -> tuple[PowersContribution, ...]:
    """That powers of τ are what their contributions made, and that all contributions were proved.

    Points must have been checked where they were read. Lagrange bases are not looked at
    (`zk.groth16.ceremony.lagrange`).

    Args:
        powers: the first phase.
        backend: what computes.
        progress: called with `chain`, `tau_g1 tau_g2 alpha_g1 beta_g1`, `hash`.

    Raises:
        CeremonyError: CER-001, CER-003 … CER-005, CER-011, CER-021 … CER-024.
    """
    report: Progress = progress or (lambda _phase, _share: None)
    contributions = powers_contributions_from_bytes(powers.contributions)
    if not contributions:
        raise CeremonyError("CER-001", "the powers have no contribution")
    first = first_challenge(powers.ceremony_power, backend)
    before = _Before(first, G1_GENERATOR, G2_GENERATOR, G1_GENERATOR, G1_GENERATOR, G2_GENERATOR)
    for index, made in enumerate(contributions):
        report("chain", index / len(contributions))
        where = f"contribution {index + 1}" + (f", {made.name!r}" if made.name else "")
        _verify_one(made, before, backend, where)
        before = _Before(
            made.next_challenge,
            made.tau_g1,
            made.tau_g2,
            made.alpha_g1,
            made.beta_g1,
            made.beta_g2,
        )
    report("chain", 1.0)
    _verify_points(powers, contributions[-1], backend, report)
    report("hash", 0.0)
    if powers.whole:
        challenge = contributions[-2].next_challenge if len(contributions) > 1 else first
        _verify_hashes(powers, contributions[-1], challenge, backend)
    report("hash", 1.0)
    return contributions


@dataclass(frozen=True, slots=True)
class _Before:
    """What a contribution started from."""

    challenge: bytes
    tau_g1: G1Affine
    tau_g2: G2Affine
    alpha_g1: G1Affine
    beta_g1: G1Affine
    beta_g2: G2Affine


def _verify_one(made: PowersContribution, before: _Before, backend: Backend, where: str) -> None:
    if made.beacon:
        stream = stream_to_check(made.beacon, made.iterations_exp, where)
        if made.pairs != _draw(stream, before.challenge).pairs:
            raise CeremonyError("CER-005", "not the numbers of this beacon", where=where)
    pairs = []
    for number, (pair, secret) in enumerate(zip(made.pairs, SECRETS, strict=True)):
        pairs.append((pair.sp(number, before.challenge), pair.spx))
        if not same_ratio(backend, (pair.s, pair.sx), pairs[-1]):
            raise CeremonyError("CER-003", f"no proof that its {secret} was known", where=where)
    steps = (
        ("tau in G1", (before.tau_g1, made.tau_g1), pairs[0]),
        ("tau in G2", (made.pairs[0].s, made.pairs[0].sx), (before.tau_g2, made.tau_g2)),
        ("alpha in G1", (before.alpha_g1, made.alpha_g1), pairs[1]),
        ("beta in G1", (before.beta_g1, made.beta_g1), pairs[2]),
        ("beta in G2", (made.pairs[2].s, made.pairs[2].sx), (before.beta_g2, made.beta_g2)),
    )
    for what, one, two in steps:
        if not same_ratio(backend, one, two):
            message = f"{what} does not follow from the one before"
            raise CeremonyError("CER-004", message, where=where)


def _verify_points(
    powers: PowersOfTau, last: PowersContribution, backend: Backend, report: Progress
) -> None:
    starts = _starts(powers)
    expected = (last.tau_g1, last.tau_g2, last.alpha_g1, last.beta_g1, last.beta_g2)
    zeroth = (g1_points(powers.tau_g1[0])[0], g2_points(powers.tau_g2[0])[0])
    if starts != expected or zeroth != (G1_GENERATOR, G2_GENERATOR):
        raise CeremonyError("CER-022", "the powers start elsewhere", where="sections 2 to 6")
    tau = (G2_GENERATOR, last.tau_g2)
    for number, name in ((2, "tau_g1"), (4, "alpha_g1"), (5, "beta_g1")):
        report(name, 0.0)
        one, two = _neighbours(getattr(powers, name), backend.msm_g1)
        if not same_ratio(backend, (g1_points(one)[0], g1_points(two)[0]), tau):
            raise CeremonyError("CER-021", f"{name} is no series", where=f"section {number}")
        report(name, 1.0)
    report("tau_g2", 0.0)
    one, two = _neighbours(powers.tau_g2, backend.msm_g2)
    if not same_ratio(backend, (G1_GENERATOR, last.tau_g1), (g2_points(one)[0], g2_points(two)[0])):
        raise CeremonyError("CER-021", "tau_g2 is no series", where="section 3")
    report("tau_g2", 1.0)


def _neighbours(
    rows: U64Array, msm: Callable[[U64Array, U64Array], U64Array]
) -> tuple[U64Array, U64Array]:
    """One random combination of all points but the last, and of all but the first."""
    weights = random_weights(len(rows) - 1)
    return (
        msm(np.ascontiguousarray(rows[:-1]), weights),
        msm(np.ascontiguousarray(rows[1:]), weights),
    )


def _verify_hashes(
    powers: PowersOfTau, last: PowersContribution, challenge: bytes, backend: Backend
) -> None:
    if hash_compressed(powers, challenge, public_key(last.pairs), backend) != last.response:
        raise CeremonyError("CER-024", "another response", where="section 7")
    if hash_uncompressed(powers, last.response, backend) != last.next_challenge:
        raise CeremonyError("CER-023", "another next challenge", where="section 7")
