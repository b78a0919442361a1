"""The prover of Groth16 (eprint 2016/260, section 3.2).

    A = α + Σ wᵢ·Aᵢ(τ) + r·δ                          G1
    B = β + Σ wᵢ·Bᵢ(τ) + s·δ                          G2, and B₁ the same in G1
    C = Σ_private wᵢ·(βAᵢ + αBᵢ + Cᵢ)(τ)/δ + P(τ)/δ + s·A + r·B₁ − rs·δ

Four MSMs in G1, one in G2, six transforms. Variable time: a machine that others can time while it
proves may leak the witness.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from zk.errors import ShapeMismatch
from zk.field.arrays import LIMBS, U64Array, from_array, to_array
from zk.field.params import FR
from zk.groth16.keys import Blinding, Proof, ProvingKey
from zk.groth16.points import g1_points, g2_points, stacked
from zk.groth16.qap import quotient
from zk.interfaces import Backend, Progress
from zk.r1cs.matrices import below_modulus

Multiply = Callable[[U64Array, U64Array], U64Array]


def prove(
    key: ProvingKey,
    assignment: U64Array,
    blinding: Blinding,
    backend: Backend,
    progress: Progress | None = None,
) -> Proof:
    """A proof that the assignment's public part has a satisfying completion.

    A wrong assignment gives a proof that does not verify: the caller checks its own proof.

    Args:
        key: proving key of the circuit.
        assignment: `uint64[wires, 4]`, standard form, wire 0 equal to one.
        blinding: r and s, never used for another witness.
        backend: what computes.
        progress: called with `ntt`, `msm_a`, `msm_b1`, `msm_b2`, `msm_c`, `msm_h`; from several
            threads, and with phases that overlap, where the backend has several.

    Raises:
        ShapeMismatch: the assignment is not one of this circuit.
    """
    check_assignment(key, assignment)
    report: Progress = progress or (lambda _phase, _share: None)
    r, s = blinding.r, blinding.s

    def sum_of(
        phase: str, multiply: Multiply, points: U64Array, scalars: U64Array
    ) -> Callable[[], U64Array]:
        def job() -> U64Array:
            report(phase, 0.0)
            total = multiply(points, scalars)
            report(phase, 1.0)
            return total

        return job

    def sum_h_job() -> U64Array:
        report("ntt", 0.0)
        p_odd = quotient(key, assignment, backend)
        report("ntt", 1.0)
        return sum_of("msm_h", backend.msm_g1, key.h, p_odd)()

    g1, g2 = backend.msm_g1, backend.msm_g2
    sum_h, sum_a, sum_b1, sum_b2, sum_c = _all(
        sum_h_job,
        sum_of("msm_a", g1, key.a, assignment),
        sum_of("msm_b1", g1, key.b1, assignment),
        sum_of("msm_b2", g2, key.b2, assignment),
        sum_of("msm_c", g1, key.c, assignment[key.publics + 1 :]),
        threads=backend.threads,
    )

    point_a = backend.msm_g1(stacked(key.alpha_g1, sum_a, key.delta_g1), to_array([1, 1, r]))
    point_b1 = backend.msm_g1(stacked(key.beta_g1, sum_b1, key.delta_g1), to_array([1, 1, s]))
    point_b = backend.msm_g2(stacked(key.beta_g2, sum_b2, key.delta_g2), to_array([1, 1, s]))
    point_c = backend.msm_g1(
        stacked(sum_c, sum_h, point_a, point_b1, key.delta_g1),
        to_array([1, 1, s, r, -r * s % FR.modulus]),
    )
    return Proof(g1_points(point_a)[0], g2_points(point_b)[0], g1_points(point_c)[0])


def _all(*jobs: Callable[[], U64Array], threads: int) -> list[U64Array]:
    """What independent jobs return; as many at a time as there are threads.

    So what one job does outside its kernels fills the gaps of another.
    """
    if threads == 1:
        return [job() for job in jobs]
    with ThreadPoolExecutor(min(threads, len(jobs)), thread_name_prefix="chiaro-prove") as pool:
        return [future.result() for future in [pool.submit(job) for job in jobs]]


def public_inputs(key: ProvingKey, assignment: U64Array) -> tuple[int, ...]:
    """The public part of an assignment."""
    return tuple(from_array(assignment[1 : key.publics + 1]))


def check_assignment(key: ProvingKey, assignment: U64Array) -> None:
    """That an array is an assignment of the key's circuit; not that it satisfies it.

    Raises:
        ShapeMismatch: another shape, wire 0 is not one, or a value not below r.
    """
    if assignment.shape != (key.wires, LIMBS) or assignment.dtype != "uint64":
        raise ShapeMismatch(
            f"the key is of a circuit of {key.wires} wires, the assignment is not",
            why="key and assignment belong to different circuits",
            fix="take the key that the registry names for this statement",
        )
    if not below_modulus(assignment).all():
        raise ShapeMismatch("a wire's value is not below r")
    if from_array(assignment[:1]) != [1]:
        raise ShapeMismatch("wire 0 is not one")
