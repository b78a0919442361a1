"""Every work of every peer gives the answer that we give, on random inputs and on awkward ones."""

from __future__ import annotations

import contextlib
import hashlib
import random

import numpy as np
import pytest

from zk.backends import get
from zk.bench import harness, works
from zk.bench import peers as programs
from zk.bench.errors import PeerRefused
from zk.bench.inputs import Inputs
from zk.bench.peers import Process
from zk.curve.bn254 import G1, G1_GENERATOR, G2, G2_GENERATOR
from zk.curve.encoding import g1_to_evm, g2_to_evm
from zk.field.arrays import to_array
from zk.field.params import FP, FR
from zk.field.tower import Fp2
from zk.formats import snarkjs
from zk.groth16.keys import Blinding
from zk.groth16.points import g1_points, g2_points
from zk.groth16.prove import prove
from zk.groth16.verify import verify

R = FR.modulus
CURVES = {"fp_mul", "fr_mul", "msm_g1", "msm_g2", "ntt", "pairing"}
PEERS = {
    "gnark": CURVES | {"prove", "verify", "verify_batch"},
    "arkworks": CURVES | {"prove", "verify"},
    "snarkjs": {"msm_g1", "msm_g2", "ntt", "prove", "verify"},
    "groth16py": {"prove", "verify"},
}
NEEDS_PUBLIC_INPUTS = {"snarkjs"}
"""Their verifier does not take statements without any: it says that sizes do not match."""
THREADS = {"gnark": (1, 2), "arkworks": (1, 2), "snarkjs": (1, 2), "groth16py": (1,)}
MARKS = {
    "gnark": pytest.mark.oracle_gnark,
    "arkworks": pytest.mark.oracle_arkworks,
    "snarkjs": pytest.mark.oracle_snarkjs,
    "groth16py": pytest.mark.slow,
}


def those_that(*works: str, threads: bool = True):
    """One case for each peer that does all of these, and each number of threads it can use."""
    cases = [
        pytest.param((name, count), id=f"{name}-{count}", marks=MARKS[name])
        for name, known in PEERS.items()
        if known.issuperset(works)
        for count in (THREADS[name] if threads else (1,))
    ]
    return pytest.mark.parametrize("case", cases)


@pytest.fixture
def peer(case: tuple[str, int], start) -> Process:
    return start(case[0])


@pytest.fixture
def threads(case: tuple[str, int]) -> int:
    return case[1]


@those_that(threads=False)
def test_says_who_it_is_and_what_it_does(peer: Process) -> None:
    about = peer.ask({"op": "hello"})
    assert about["protocol"] == "chiaro-peer/1"
    assert about["peer"] == peer.name
    assert set(about["works"]) == PEERS[peer.name]
    assert any(letter.isdigit() for letter in about["version"])
    assert 1 in about["threads"]
    assert 1 < peer.number(peer.ask({"op": "memory"}), "peak_rss_mb") < 10_000


@those_that(threads=False)
@pytest.mark.parametrize(
    "request_",
    [
        {"op": "nonsense"},
        {"op": "prepare", "work": "nonsense", "size": 1, "threads": 1, "inputs": {}},
        {"op": "prepare", "work": "WORK", "size": 0, "threads": 1, "inputs": {}},
        {"op": "prepare", "work": "WORK", "size": -1, "threads": 1, "inputs": {}},
        {"op": "prepare", "work": "WORK", "size": 1, "threads": 0, "inputs": {}},
        {"op": "prepare", "work": "WORK", "size": 1, "threads": 1, "inputs": {}},
        {"op": "run"},
    ],
    ids=["op", "work", "size 0", "size -1", "threads", "inputs", "unprepared"],
)
def test_refuses_in_a_sentence_and_lives_on(peer: Process, request_: dict) -> None:
    for work in sorted(PEERS[peer.name]):
        filled = {k: work if v == "WORK" else v for k, v in request_.items()}
        with pytest.raises(PeerRefused) as refused:
            peer.ask(filled)
        assert len(str(refused.value)) > len(peer.name) + 5
    assert peer.ask({"op": "hello"})["ok"]


@those_that("msm_g1")
def test_refuses_files_of_another_size(peer: Process, threads: int, ask, rows) -> None:
    points, scalars = rows("p", np.zeros((3, 8), dtype=np.uint64)), rows("s", to_array([1, 2]))
    for size in (2, 3, 4):
        with pytest.raises(PeerRefused):
            ask(peer, "msm_g1", size, {"points": points, "scalars": scalars}, threads)
    with pytest.raises(PeerRefused):
        ask(peer, "msm_g1", 3, {"points": points, "scalars": scalars + ".missing"}, threads)


# --- fields ---------------------------------------------------------------------------------------


@those_that("fp_mul", "fr_mul")
def test_products(peer: Process, threads: int, ask) -> None:
    draw = random.Random(1)
    for work, modulus in (("fp_mul", FP.modulus), ("fr_mul", R)):
        edges = [(0, 5), (5, 0), (1, 1), (modulus - 1, modulus - 1), (1, modulus - 1)]
        cases = [*edges, *((draw.randrange(modulus), draw.randrange(modulus)) for _ in range(4))]
        for x, y in cases:
            for count in (1, 2, 1001):
                told = ask(peer, work, count, {"x": f"{x:064x}", "y": f"{y:064x}"}, threads)
                assert told == f"{x * pow(y, count, modulus) % modulus:064x}"
        with pytest.raises(PeerRefused):
            ask(peer, work, 1, {"x": f"{modulus:064x}", "y": f"{1:064x}"}, threads)


# --- sums -----------------------------------------------------------------------------------------

N = 33


def sums() -> dict[str, tuple[list[int], list[int]]]:
    """Logarithms of points, and scalars."""
    draw = random.Random(2)
    logs, scalars = ([draw.randrange(1, R) for _ in range(N)] for _ in range(2))
    opposite = [log if i % 2 == 0 else R - logs[i - 1] for i, log in enumerate(logs)]
    return {
        "random": (logs, scalars),
        "one": (logs[:1], scalars[:1]),
        "two": (logs[:2], scalars[:2]),
        "zero scalars": (logs, [0] * N),
        "one zero": (logs[:1], [0]),
        "bits": (logs, [draw.randrange(2) for _ in range(N)]),
        "largest scalars": (logs, [R - 1] * N),
        "near the middle": (logs, [(R - 1) // 2 + i % 3 for i in range(N)]),
        "powers of two": (logs, [1 << (8 * i % 254) for i in range(N)]),
        "infinities": ([0] * N, scalars),
        "some infinities": ([log if i % 3 else 0 for i, log in enumerate(logs)], scalars),
        "one infinity": ([0], scalars[:1]),
        "one point repeated": (logs[:1] * N, scalars),
        "all equal": (logs[:1] * N, scalars[:1] * N),
        "opposite points": (opposite, [scalars[i - i % 2] for i in range(N)]),
        "sum is infinity": (logs[:1] * 2, [scalars[0], R - scalars[0]]),
    }


SUMS = sums()


@those_that("msm_g1", "msm_g2")
@pytest.mark.parametrize("name", SUMS)
def test_sums_of_multiples(peer: Process, threads: int, name: str, ask, rows) -> None:
    backend = get()
    logs, scalars = SUMS[name]
    total = sum(log * k for log, k in zip(logs, scalars, strict=True)) % R
    for group in ("g1", "g2"):
        points = getattr(backend, f"fixed_base_{group}")(to_array(logs))
        inputs = {"points": rows("points", points), "scalars": rows("scalars", to_array(scalars))}
        told = ask(peer, f"msm_{group}", len(logs), inputs, threads)
        if group == "g1":
            ours = g1_points(backend.msm_g1(points, to_array(scalars)))[0]
            assert ours == (total * G1.from_affine(G1_GENERATOR)).to_affine()
            assert told == g1_to_evm(ours).hex()
        else:
            ours = g2_points(backend.msm_g2(points, to_array(scalars)))[0]
            assert ours == (total * G2.from_affine(G2_GENERATOR)).to_affine()
            assert told == g2_to_evm(ours).hex()


@those_that("msm_g1", "msm_g2")
def test_sums_of_many(peer: Process, threads: int, ask, rows) -> None:
    """Enough points for other windows: the same few points over and over, so that it stays fast."""
    backend, draw, n = get(), random.Random(3), 3000
    logs = [draw.randrange(R) for _ in range(10)]
    scalars = [draw.randrange(R) for _ in range(n)]
    total = sum(logs[i % 10] * k for i, k in enumerate(scalars)) % R
    for group, curve, generator, encode in (
        ("g1", G1, G1_GENERATOR, g1_to_evm),
        ("g2", G2, G2_GENERATOR, g2_to_evm),
    ):
        few = getattr(backend, f"fixed_base_{group}")(to_array(logs))
        points = np.tile(few, (n // 10, 1))
        inputs = {"points": rows("points", points), "scalars": rows("scalars", to_array(scalars))}
        told = ask(peer, f"msm_{group}", n, inputs, threads)
        assert told == encode((total * curve.from_affine(generator)).to_affine()).hex()


# --- transforms -----------------------------------------------------------------------------------


def digest_of(values) -> str:
    standard = get().fr_mul(values, to_array([1]))
    return hashlib.sha256(standard.astype("<u8").tobytes()).hexdigest()


@those_that("ntt")
@pytest.mark.parametrize("log", [0, 1, 2, 3, 5, 8, 10])
def test_transforms(peer: Process, threads: int, log: int, ask, rows) -> None:
    draw, n = random.Random(log), 1 << log
    for values in (
        [draw.randrange(R) for _ in range(n)],
        [0] * n,
        [R - 1] * n,
        [1, *[0] * (n - 1)],
        [*[0] * (n - 1), R - 1],
    ):
        array = to_array(values)
        told = ask(peer, "ntt", n, {"values": rows("values", array)}, threads)
        assert told == digest_of(get().ntt(array))


@those_that("ntt")
def test_a_transform_needs_a_power_of_two(peer: Process, threads: int, ask, rows) -> None:
    with pytest.raises(PeerRefused):
        ask(peer, "ntt", 3, {"values": rows("values", to_array([1, 2, 3]))}, threads)


# --- pairings -------------------------------------------------------------------------------------


def evm(log1: int, log2: int) -> dict[str, str]:
    return {
        "g1": g1_to_evm((log1 * G1.from_affine(G1_GENERATOR)).to_affine()).hex(),
        "g2": g2_to_evm((log2 * G2.from_affine(G2_GENERATOR)).to_affine()).hex(),
    }


@those_that("pairing")
def test_pairings_are_bilinear(peer: Process, threads: int, ask) -> None:
    def pair(a: int, b: int) -> str:
        return ask(peer, "pairing", 1, evm(a, b), threads)

    assert pair(6, 35) == pair(35, 6) == pair(210, 1) == pair(1, 210)
    assert pair(6, 35) != pair(6, 36)
    assert pair(R - 1, R - 1) == pair(1, 1) != pair(1, R - 1)
    assert pair(0, 3) == pair(3, 0) == pair(0, 0) != pair(1, 1)


@those_that("pairing")
def test_pairings_take_points_of_the_groups_only(peer: Process, threads: int, ask) -> None:
    right = evm(1, 1)
    x, y = outside_g2()
    off = g2_to_evm((x, y)).hex()
    for wrong in (
        right | {"g1": f"{1:064x}{3:064x}"},
        right | {"g1": f"{1 + FP.modulus:064x}{2:064x}"},
        right | {"g1": right["g1"][:-2]},
        right | {"g2": off},
        right | {"g2": f"{1:064x}" * 4},
    ):
        with pytest.raises(PeerRefused):
            ask(peer, "pairing", 1, wrong, threads)


def outside_g2():
    """On the twist, not of order r."""
    x = 0
    while True:
        x += 1
        y = (Fp2(x, 0).square() * Fp2(x, 0) + G2.b).sqrt()
        if y is not None:
            return (x, 0), y.to_ints()


# --- proofs ---------------------------------------------------------------------------------------

CIRCUITS = ((2, 1), (9, 3), (30, 0), (100, 2))


@those_that("prove")
@pytest.mark.parametrize("shape", CIRCUITS, ids=lambda s: f"{s[0]} rows")
def test_its_proofs_are_valid(
    peer: Process, threads: int, shape, ask, statement, read_proof
) -> None:
    made = statement(*shape)
    files = {"zkey": made.path("circuit.zkey"), "wtns": made.path("witness.wtns")}
    first, second = (read_proof(ask(peer, "prove", made.domain, files, threads)) for _ in range(2))
    for proof in (first, second):
        verify(made.key.verifying_key, made.public, proof)
    assert first != second, "proofs without fresh blinding"


@those_that("prove")
@pytest.mark.parametrize("shape", CIRCUITS, ids=lambda s: f"{s[0]} rows")
def test_its_proofs_are_ours(
    peer: Process, threads: int, shape, ask, statement, read_proof, takes_blinding
) -> None:
    """Where r and s can be given, proofs are equal; else they verify in spite of r and s."""
    made = statement(*shape)
    for r, s in ((1, 1), (R - 1, 1), (123456789, R - 2)):
        files = {"zkey": made.path("circuit.zkey"), "wtns": made.path("witness.wtns")}
        blinding = {"r": str(r), "s": str(s)}
        proof = read_proof(ask(peer, "prove", made.domain, files | blinding, threads))
        verify(made.key.verifying_key, made.public, proof)
        if takes_blinding(peer):
            assert proof == prove(made.key, made.assignment, Blinding(r, s), get())


@those_that("prove", threads=False)
def test_a_series_notices_that_proofs_are_the_same(
    peer: Process, statement, read_proof, takes_blinding
) -> None:
    made = statement(30, 0)
    files = {"zkey": made.path("circuit.zkey"), "wtns": made.path("witness.wtns")}

    def accept(output: str) -> bool:
        verify(made.key.verifying_key, made.public, read_proof(output))
        return True

    given = Inputs(files | {"r": "12", "s": "34"}, sha256="", accept=accept)
    plan = harness.Plan(works.WORKS["prove"], made.domain, 1, 1)
    ours = {"reference": programs.ours("reference", 1)}
    series = harness.run(plan, given, ours, [programs.find([peer.name], {})[0]])
    assert series.sides[1].agreement == (
        "verified, same proof" if takes_blinding(peer) else "verified"
    )


@those_that("prove", threads=False)
def test_proving_refuses_what_does_not_fit(peer: Process, ask, statement, tmp_path) -> None:
    made, other = statement(9, 3), statement(30, 0)
    files = {"zkey": made.path("circuit.zkey"), "wtns": made.path("witness.wtns")}
    short = tmp_path / "short.zkey"
    data = (made.folder / "circuit.zkey").read_bytes()
    short.write_bytes(data[: len(data) // 2])
    for wrong in (
        files | {"wtns": other.path("witness.wtns")},
        files | {"zkey": str(short)},
        files | {"zkey": files["wtns"]},
        files | {"wtns": files["zkey"]},
    ):
        with pytest.raises(PeerRefused):
            ask(peer, "prove", made.domain, wrong)
    with pytest.raises(PeerRefused):
        ask(peer, "prove", 2 * made.domain, files)


@those_that("verify")
@pytest.mark.parametrize("shape", CIRCUITS, ids=lambda s: f"{s[0]} rows")
def test_valid_proofs_are_accepted(peer: Process, threads: int, shape, ask, statement) -> None:
    documents = statement(*shape).documents()
    if shape[1] == 0 and peer.name in NEEDS_PUBLIC_INPUTS:
        with pytest.raises(PeerRefused):
            ask(peer, "verify", 1, documents, threads)
        return
    assert ask(peer, "verify", 1, documents, threads) == "01"


@those_that("verify")
def test_false_statements_are_not(peer: Process, threads: int, ask, statement) -> None:
    made = statement(9, 3)
    public = snarkjs.public_document(made.public)
    proof = snarkjs.proof_document(made.proofs[0])
    x, y = outside_g2()
    outside = [[*map(str, x)], [*map(str, y)], ["1", "0"]]
    infinity = ["0", "1", "0"]
    negated = [proof["pi_a"][0], str(-int(proof["pi_a"][1]) % FP.modulus), "1"]
    false = {
        "another statement": {"public": [public[0], public[1], "1"]},
        "C for A": {"proof": proof | {"pi_a": proof["pi_c"]}},
        "A negated": {"proof": proof | {"pi_a": negated}},
        "another B": {"proof": proof | {"pi_b": snarkjs.g2_text(G2_GENERATOR)}},
    }
    for name, part in false.items():
        assert ask(peer, "verify", 1, made.documents(**part), threads) == "00", name
    malformed = {
        "A at infinity": {"proof": proof | {"pi_a": infinity}},
        "C at infinity": {"proof": proof | {"pi_c": infinity}},
        "A off the curve": {"proof": proof | {"pi_a": ["1", "3", "1"]}},
        "B outside its group": {"proof": proof | {"pi_b": outside}},
        "a public input not below r": {"public": [str(made.public[0] + R), *public[1:]]},
        "a public input too few": {"public": public[1:]},
        "no proof": {"proof": []},
    }
    for name, part in malformed.items():
        with contextlib.suppress(PeerRefused):
            assert ask(peer, "verify", 1, made.documents(**part), threads) == "00", name


@those_that("verify_batch")
@pytest.mark.parametrize("count", [1, 2, 5])
def test_batches(peer: Process, threads: int, count: int, ask, statement) -> None:
    made = statement(9, 3, 5)
    public = snarkjs.public_document(made.public)
    proofs = [snarkjs.proof_document(proof) for proof in made.proofs[:count]]

    def told(publics: list, documents: list) -> str:
        inputs = {"publics": made.write(publics), "proofs": made.write(documents)}
        return ask(peer, "verify_batch", count, {"vk": made.path("vk.json"), **inputs}, threads)

    assert told([public] * count, proofs) == "01"
    x, y = outside_g2()
    outside = [[*map(str, x)], [*map(str, y)], ["1", "0"]]
    for at in range(count):
        publics = [public] * count
        publics[at] = [public[0], public[1], "1"]
        assert told(publics, proofs) == "00"
        for part in ({"pi_a": proofs[at]["pi_c"]}, {"pi_b": outside}):
            wrong = [*proofs]
            wrong[at] = proofs[at] | part
            assert told([public] * count, wrong) == "00"
    with pytest.raises(PeerRefused):
        told([public] * (count + 1), proofs)
