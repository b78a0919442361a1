"""Peers as `chiaro bench` starts them, and inputs in the files that it hands them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from zk.backends import get
from zk.bench import peers
from zk.bench.peers import Command, Process
from zk.field.arrays import U64Array
from zk.formats import snarkjs
from zk.formats.wtns import write_wtns
from zk.formats.zkey import write_zkey
from zk.groth16.example import random_circuit
from zk.groth16.keys import Blinding, Proof, ProvingKey
from zk.groth16.prove import prove, public_inputs
from zk.groth16.setup import UnsafeDevSetup

TAKES_BLINDING = frozenset({"gnark", "arkworks", "snarkjs"})
"""Provers that use r and s where they are given; the others draw their own."""


@pytest.fixture(scope="session")
def start() -> Iterator[Callable[[str], Process]]:
    """A peer by name, started once; skips where it is not built."""
    running: dict[str, Process] = {}

    def started(name: str) -> Process:
        if name not in running:
            running[name] = Process(_command(name))
        return running[name]

    yield started
    for process in running.values():
        process.close()


def _command(name: str) -> Command:
    known = next(peer for peer in peers.KNOWN if peer.name == name)
    command = peers.installed(known)
    if command is None:
        pytest.skip(f"the peer {name} is not built: run `{known.install}`")
    return command


@pytest.fixture
def rows(tmp_path: Path) -> Callable[[str, U64Array], str]:
    """Writes an array as the protocol has it and gives its path."""

    def write(name: str, array: U64Array) -> str:
        path = tmp_path / name
        path.write_bytes(np.ascontiguousarray(array, dtype="<u8").tobytes())
        return str(path)

    return write


@dataclass(frozen=True)
class Statement:
    """A circuit with its key, a witness, and proofs, as files."""

    folder: Path
    key: ProvingKey
    assignment: U64Array
    public: tuple[int, ...]
    proofs: tuple[Proof, ...]

    @property
    def domain(self) -> int:
        return self.key.domain

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def write(self, document: object) -> str:
        """A file of its own for each document."""
        data = snarkjs.dump(document)
        path = self.folder / f"{hashlib.sha256(data).hexdigest()[:16]}.json"
        path.write_bytes(data)
        return str(path)

    def documents(self, public: list[str] | None = None, proof: object = None) -> dict[str, str]:
        """Inputs of `verify`: valid ones, but for what is given."""
        public = snarkjs.public_document(self.public) if public is None else public
        proof = snarkjs.proof_document(self.proofs[0]) if proof is None else proof
        return {
            "vk": self.path("vk.json"),
            "public": self.write(public),
            "proof": self.write(proof),
        }


@pytest.fixture(scope="session")
def statement(tmp_path_factory) -> Callable[..., Statement]:
    """Circuits by numbers of rows, public inputs and proofs; made once."""
    made: dict[tuple[int, int, int], Statement] = {}

    def make(rows: int, publics: int = 2, proofs: int = 1) -> Statement:
        if (rows, publics, proofs) in made:
            return made[rows, publics, proofs]
        folder = tmp_path_factory.mktemp(f"circuit-{rows}-{publics}-")
        backend = get()
        shape, assignment = random_circuit(11 + rows, rows=rows, publics=publics)
        key = UnsafeDevSetup().run(shape, backend)
        write_zkey(key, folder / "circuit.zkey")
        write_wtns(assignment, folder / "witness.wtns")
        document = snarkjs.verifying_key_document(key.verifying_key)
        (folder / "vk.json").write_bytes(snarkjs.dump(document))
        several = tuple(
            prove(key, assignment, Blinding(5 + i, 7 + i), backend) for i in range(proofs)
        )
        public = public_inputs(key, assignment)
        made[rows, publics, proofs] = Statement(folder, key, assignment, public, several)
        return made[rows, publics, proofs]

    return make


@pytest.fixture(scope="session")
def ask() -> Callable[..., str]:
    """Prepares and runs a work; gives its output."""

    def output(peer: Process, work: str, size: int, inputs: dict, threads: int = 1) -> str:
        prepared = peer.ask(
            {"op": "prepare", "work": work, "size": size, "threads": threads, "inputs": inputs}
        )
        assert peer.number(prepared, "prepare_ms") >= 0
        first, second = (peer.ask({"op": "run"}) for _ in range(2))
        for told in (first, second):
            assert peer.number(told, "wall_ms") >= 0
            assert told["cpu_ms"] is None or peer.number(told, "cpu_ms") >= 0
        drawn = work == "prove" and (peer.name not in TAKES_BLINDING or "r" not in inputs)
        if not drawn:
            assert first["output"] == second["output"], "a run spoils the next"
        return second["output"]

    return output


@pytest.fixture(scope="session")
def takes_blinding() -> Callable[[Process], bool]:
    return lambda peer: peer.name in TAKES_BLINDING


@pytest.fixture(scope="session")
def read_proof() -> Callable[[str], Proof]:
    return lambda text: snarkjs.read_proof(text.encode())
