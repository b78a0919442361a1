"""How the works are done here: what is loaded beforehand, what the clock runs over, what is said.

Every task answers in the words of the protocol, so that ours is compared like any other program.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from zk import backends, jsontext, params
from zk.bench import products
from zk.bench.errors import BenchError
from zk.curve.encoding import g1_from_evm, g1_to_evm, g2_from_evm, g2_to_evm
from zk.errors import InvalidProof
from zk.field.arrays import LIMBS, U64Array, from_array, to_array
from zk.formats import snarkjs
from zk.formats.wtns import read_wtns
from zk.formats.zkey import read_zkey
from zk.groth16.batch import verify_batch
from zk.groth16.keys import Blinding
from zk.groth16.points import g1_points, g1_rows, g2_points, g2_rows
from zk.groth16.prove import prove
from zk.groth16.verify import verify
from zk.interfaces import Backend, Progress

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Task:
    """One piece of work, ready to run.

    Attributes:
        run: does it once; the clock runs over this. It may report phases.
        answer: puts the result into the protocol's words; outside the clock.
    """

    run: Callable[[Progress], Any]
    answer: Callable[[Any], str]


Make = Callable[[Backend, int, Values], Task]
"""Loads inputs and gives the task: (backend, size, the protocol's inputs)."""


def backend_with(name: str, threads: int) -> Backend:
    """A backend that uses exactly so many threads.

    Raises:
        BackendError: no such backend, or it does not start here.
        BenchError: it cannot be told how many threads to use, and one is not enough.
    """
    found = backends.get(name)
    parameters = inspect.signature(type(found)).parameters
    if "threads" in parameters:
        which = {"multiplier": found.name} if "multiplier" in parameters else {}
        again: Callable[..., Backend] = type(found)
        return again(**which, threads=threads)
    if threads != 1:
        raise BenchError(f"the backend {name} runs in one thread", fix="take --threads 1")
    return found


def read_rows(path: str, width: int, count: int) -> U64Array:
    """`uint64[count, width]` from a raw little-endian file.

    Raises:
        BenchError: the file is not of this size.
    """
    data = np.fromfile(path, dtype="<u8")
    if data.size != width * count:
        raise BenchError(f"{Path(path).name} holds {data.size} words, not {width * count}")
    return np.ascontiguousarray(data.reshape(count, width).astype(np.uint64, copy=False))


def _msm_g1(backend: Backend, size: int, values: Values) -> Task:
    points = read_rows(values["points"], 8, size)
    factors = read_rows(values["scalars"], LIMBS, size)
    return Task(
        lambda _: backend.msm_g1(points, factors),
        lambda out: g1_to_evm(g1_points(out.reshape(1, -1))[0]).hex(),
    )


def _msm_g2(backend: Backend, size: int, values: Values) -> Task:
    points = read_rows(values["points"], 16, size)
    factors = read_rows(values["scalars"], LIMBS, size)
    return Task(
        lambda _: backend.msm_g2(points, factors),
        lambda out: g2_to_evm(g2_points(out.reshape(1, -1))[0]).hex(),
    )


def _ntt(backend: Backend, size: int, values: Values) -> Task:
    rows = read_rows(values["values"], LIMBS, size)
    one = to_array([1])

    def answer(out: U64Array) -> str:
        standard = backend.fr_mul(out, one)  # M × S → S
        return hashlib.sha256(standard.astype("<u8").tobytes()).hexdigest()

    return Task(lambda _: backend.ntt(rows), answer)


def _mul(field: str) -> Make:
    """x·yⁿ as n products; with `lanes` in the inputs they need not wait for each other."""

    def make(backend: Backend, size: int, values: Values) -> Task:
        x, y = (int(values[name], 16) for name in ("x", "y"))
        ready = products.lanes if values.get("lanes") else products.chain
        work = ready(backend.name, field, x, y, size)
        return Task(lambda _: work.run(), lambda _: f"{work.result():064x}")

    return make


def _poseidon(backend: Backend, size: int, values: Values) -> Task:
    """Hashes of rows, as many at once as the backend likes; or one after the other."""
    if "pairs" in values:
        pairs = read_rows(values["pairs"], 2 * LIMBS, size).reshape(size, 2, LIMBS)
        return Task(
            lambda _: backend.poseidon(0, pairs),
            lambda out: hashlib.sha256(out.astype("<u8").tobytes()).hexdigest(),
        )
    row = to_array([int(values["seed"]), 0]).reshape(1, 2, LIMBS)

    def run(_: Progress) -> U64Array:
        state = row.copy()
        for index in range(size):
            state[0, 1, 0] = index
            state[0, 0] = backend.poseidon(0, state)[0]
        return state[0, :1]

    return Task(run, lambda out: f"{from_array(out)[0]:064x}")


def _pairing(backend: Backend, _size: int, values: Values) -> Task:
    left = g1_rows([g1_from_evm(bytes.fromhex(values["g1"]))])
    right = g2_rows([g2_from_evm(bytes.fromhex(values["g2"]))])
    return Task(lambda _: backend.pairing_check(left, right), lambda out: f"{int(out):02x}")


def _prove(backend: Backend, _size: int, values: Values) -> Task:
    key = read_zkey(Path(values["zkey"]))
    assignment = read_wtns(Path(values["wtns"]))
    blinding = Blinding(int(values["r"]), int(values["s"]))
    return Task(
        lambda phases: prove(key, assignment, blinding, backend, phases),
        lambda proof: json.dumps(snarkjs.proof_document(proof)),
    )


def _load_key(_backend: Backend, _size: int, values: Values) -> Task:
    path = Path(values["zkey"])
    return Task(lambda _: read_zkey(path), lambda key: key.verifying_key.id)


def _start(backend: Backend, _size: int, values: Values) -> Task:
    """A fresh interpreter up to a backend that is ready, with the cache as it is or empty."""
    program = f"from zk import backends; backends.get({backend.name!r}); print('ready')"

    def start(folder: str | None) -> str:
        place = {} if folder is None else {params.ENV_CACHE: folder}
        words = [sys.executable, "-c", program]
        done = subprocess.run(
            words, env={**os.environ, **place}, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def run(_: Progress) -> str:
        if values["cache"] == "cached":
            return start(None)
        with tempfile.TemporaryDirectory() as folder:
            return start(folder)

    return Task(run, str)


def _verify(backend: Backend, _size: int, values: Values) -> Task:
    key = snarkjs.read_verifying_key(Path(values["vk"]).read_bytes())
    public = snarkjs.read_public(Path(values["public"]).read_bytes())
    proof = snarkjs.read_proof(Path(values["proof"]).read_bytes())

    def run(_: Progress) -> bool:
        try:
            verify(key, public, proof, backend)
        except InvalidProof:
            return False
        return True

    return Task(run, lambda valid: f"{int(valid):02x}")


def _verify_batch(backend: Backend, size: int, values: Values) -> Task:
    key = snarkjs.read_verifying_key(Path(values["vk"]).read_bytes())
    publics, proofs = (
        [json.dumps(each).encode() for each in jsontext.loads(Path(values[name]).read_bytes())]
        for name in ("publics", "proofs")
    )
    if not len(publics) == len(proofs) == size:
        raise BenchError(f"the files hold {len(publics)} and {len(proofs)} proofs, not {size}")
    items = [
        (snarkjs.read_public(public), snarkjs.read_proof(proof))
        for public, proof in zip(publics, proofs, strict=True)
    ]

    def run(_: Progress) -> bool:
        try:
            verify_batch(key, items, backend)
        except InvalidProof:
            return False
        return True

    return Task(run, lambda valid: f"{int(valid):02x}")


TASKS: Final[dict[str, Make]] = {
    "fp_mul": _mul("fp"),
    "fr_mul": _mul("fr"),
    "msm_g1": _msm_g1,
    "msm_g2": _msm_g2,
    "ntt": _ntt,
    "poseidon": _poseidon,
    "pairing": _pairing,
    "load_key": _load_key,
    "start": _start,
    "prove": _prove,
    "verify": _verify,
    "verify_batch": _verify_batch,
}
"""Works that need no circuit of this project; the command line adds those that do."""
