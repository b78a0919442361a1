"""Inputs of benchmarks that come from circuits and wallets: keys, witnesses, proofs, outputs.

`zk.bench` knows no circuit; what it measures of them is made here and handed over as files. Files
are kept in the cache under names that hold the digest of the key they belong to.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from node.cli import bench_statements
from node.cli.bench_statements import ACTION
from zk import backends, files, jsontext
from zk.bench import inputs
from zk.bench.errors import BenchError
from zk.bench.inputs import Inputs
from zk.errors import ChiaroError, CircuitError
from zk.field.arrays import U64Array
from zk.field.params import FR
from zk.formats import snarkjs
from zk.formats.wtns import read_wtns, write_wtns
from zk.formats.zkey import read_zkey
from zk.groth16.keys import Blinding, ProvingKey
from zk.groth16.prove import prove, public_inputs
from zk.groth16.verify import verify
from zk.interfaces import Progress

if TYPE_CHECKING:
    from zk.groth16.keys import VerifyingKey

FILES: Final = "files"
PROOF_BYTES: Final = 128
_MAX_BATCH: Final = 4096


@dataclass(frozen=True, slots=True)
class Circuit:
    """A key and a witness of it, in files.

    Attributes:
        case: `action`, another circuit of this project, or `files` for somebody else's.
        zkey: proving key.
        wtns: assignment; holds secrets of nobody: examples are made from a seed.
        target: what is proved, for exports.
        input_size: how much of it, in the target's unit; 0 where that has no meaning.
    """

    case: str
    zkey: Path
    wtns: Path
    target: str = ""
    input_size: int = 0


def action(seed: str, profile: str, progress: Progress) -> Circuit:
    """The action that moves private notes, with an example payment."""
    from circuits.example import example_action
    from circuits.keys import KeyStore
    from circuits.registry import statement
    from circuits.statement import evaluate

    id_ = f"{ACTION}/1"
    store = KeyStore()
    store.proving_key(id_, profile, progress)
    zkey = store.proving_key_path(id_, profile)
    wtns = inputs.folder() / f"{zkey.stem}-{_short(seed)}.wtns"
    if not wtns.exists():
        with files.replacing(wtns, mode=files.PRIVATE) as temporary:
            write_wtns(evaluate(statement(id_), *example_action(seed.encode())), temporary)
    return Circuit(ACTION, zkey, wtns, "private_transfer")


def of_case(case: str, label: str, profile: str, progress: Progress) -> Circuit:
    """A circuit by name; key and witness are made where they are not there yet.

    Raises:
        BenchError: no circuit has this name.
    """
    if case == ACTION:
        return action(label, profile, progress)
    from circuits.samples import catalog

    found = bench_statements.find(case)
    assert found.sample is not None  # noqa: S101 — only the action has none
    seed = bench_statements.number(label)
    made = catalog.artefacts(found.sample, progress=progress, seed=seed)
    return Circuit(case, made.zkey, made.wtns, found.target, found.input_size)


def of_files(zkey: Path | None, wtns: Path | None) -> Circuit:
    """Somebody's own key and witness.

    Raises:
        BenchError: one of them was not given, or is not there.
    """
    if zkey is None or wtns is None:
        raise BenchError("a key needs a witness, and the other way round", fix="--zkey F --wtns F")
    for path in (zkey, wtns):
        if not path.is_file():
            raise BenchError("no such file", where=str(path))
    return Circuit(FILES, zkey.resolve(), wtns.resolve())


def for_prove(circuit: Circuit, seed: str) -> tuple[int, Inputs]:
    """The domain, and inputs of `prove`: key, witness, blinding, and how proofs are judged."""
    key = read_zkey(circuit.zkey)
    assignment = _assignment(circuit)
    r, s = _blinding(seed, 0)
    values: dict[str, str | int] = {
        "zkey": str(circuit.zkey),
        "wtns": str(circuit.wtns),
        "r": str(r),
        "s": str(s),
    }
    accept = _accept(key.verifying_key, public_inputs(key, assignment))
    found = inputs.digest(values)
    return key.domain, Inputs(values, found, accept=accept, details=_details(circuit, key))


def for_load(circuit: Circuit) -> tuple[int, Inputs]:
    """The domain, and a key to read; the right answer is the verifying key's id."""
    key = read_zkey(circuit.zkey)
    values: dict[str, str | int] = {"zkey": str(circuit.zkey)}
    details = _details(circuit, key)
    answer = key.verifying_key.id
    return key.domain, Inputs(values, inputs.digest(values), answer, "the key", details=details)


def for_setup(circuit: Circuit) -> tuple[int, Inputs]:
    """The domain, and a circuit; the right answer is the verifying key of the key that is there."""
    key = read_zkey(circuit.zkey)
    values: dict[str, str | int] = {"circuit": circuit.case}
    answer = key.verifying_key.id
    details = _details(circuit, key)
    return key.domain, Inputs(values, inputs.digest(values), answer, "the key", details=details)


def for_verify(circuit: Circuit, seed: str) -> Inputs:
    """One proof, in the documents of snarkjs."""
    folder, key, _ = _proofs(circuit, seed, 1)
    values: dict[str, str | int] = {
        "vk": str(folder / "verification_key.json"),
        "public": str(folder / "public.json"),
        "proof": str(folder / "proof.json"),
    }
    return Inputs(values, inputs.digest(values), "01", "made valid", details=_details(circuit, key))


def for_batch(circuit: Circuit, seed: str, count: int) -> Inputs:
    """Several proofs of one statement, each with its own blinding.

    Raises:
        BenchError: more than a batch may hold.
    """
    if count > _MAX_BATCH:
        raise BenchError(f"{count} proofs are too many to make", fix=f"at most {_MAX_BATCH}")
    folder, key, documents = _proofs(circuit, seed, count)
    public = jsontext.loads((folder / "public.json").read_bytes())
    many = {"publics": [public] * count, "proofs": documents}
    values: dict[str, str | int] = {"vk": str(folder / "verification_key.json")}
    for name, content in many.items():
        path = folder / f"{name}-{count}.json"
        files.write(path, json.dumps(content).encode())
        values[name] = str(path)
    return Inputs(values, inputs.digest(values), "01", "made valid", details=_details(circuit, key))


def for_witness(circuit: Circuit, label: str) -> tuple[int, Inputs]:
    """The rows of a circuit, and what its witness is made from.

    The right answer is what the evaluator finds that runs the circuit's own source: it made the
    file. The tape that a kernel runs is recorded here if it is not yet.
    """
    from circuits.tapes import record_tape

    with contextlib.suppress(CircuitError):  # no tape: then the evaluator is what is measured
        record_tape(bench_statements.find(circuit.case).statement)
    details = _details(circuit, read_zkey(circuit.zkey))
    values: dict[str, str | int] = {"circuit": circuit.case, "seed": label}
    answer = wires_digest(_assignment(circuit))
    made = Inputs(values, inputs.digest(values), answer, "the evaluator", details=details)
    return details["constraints"], made


def for_transfer(seed: str, profile: str, progress: Progress) -> tuple[int, Inputs]:
    """The domain, and what a wallet knows before it proves a payment."""
    circuit = action(seed, profile, progress)
    domain, found = for_prove(circuit, seed)
    values: dict[str, str | int] = {"seed": seed, "profile": profile}
    values |= {name: found.values[name] for name in ("r", "s")}
    return domain, Inputs(values, inputs.digest(values), accept=found.accept, details=found.details)


def for_scan(count: int, seed: str) -> Inputs:
    """Outputs of a chain, of which every hundredth is for the wallet that looks."""
    from node.cli.bench_scan import Chain

    values: dict[str, str | int] = {"seed": seed}
    found = Chain(seed, count).own_digest()
    return Inputs(values, inputs.digest(values), found, "what was sent")


def wires_digest(assignment: U64Array) -> str:
    """SHA-256 over the wires, 32 bytes each, little-endian standard form."""
    return hashlib.sha256(assignment.astype("<u8").tobytes()).hexdigest()


def _proofs(circuit: Circuit, seed: str, count: int) -> tuple[Path, ProvingKey, list[Any]]:
    """A folder with key, public inputs and proofs; made once for each key, witness and seed."""
    key = read_zkey(circuit.zkey)
    name = inputs.digest({"zkey": str(circuit.zkey), "wtns": str(circuit.wtns), "seed": seed})
    folder = inputs.folder() / f"proofs-{name[:16]}"
    folder.mkdir(exist_ok=True)
    assignment = _assignment(circuit)
    public = public_inputs(key, assignment)
    files.write(
        folder / "verification_key.json",
        snarkjs.dump(snarkjs.verifying_key_document(key.verifying_key)),
    )
    files.write(folder / "public.json", snarkjs.dump(snarkjs.public_document(public)))
    documents = []
    for index in range(count):
        path = folder / ("proof.json" if index == 0 else f"proof-{index}.json")
        if not path.exists():
            backend = backends.get()
            proof = prove(key, assignment, Blinding(*_blinding(seed, index)), backend)
            verify(key.verifying_key, public, proof, backend)
            files.write(path, snarkjs.dump(snarkjs.proof_document(proof)))
        documents.append(jsontext.loads(path.read_bytes()))
    return folder, key, documents


def _accept(key: VerifyingKey, public: tuple[int, ...]) -> Callable[[str], bool]:
    """Whether a proof document is a proof of these inputs; the backend at hand decides."""

    def accept(key: VerifyingKey, public: tuple[int, ...], output: str) -> bool:
        try:
            verify(key, public, snarkjs.read_proof(output.encode()), backends.get())
        except ChiaroError:
            return False
        return True

    return partial(accept, key, public)


def _assignment(circuit: Circuit) -> U64Array:
    return read_wtns(circuit.wtns)


def _details(circuit: Circuit, key: ProvingKey) -> dict[str, Any]:
    """Facts that a result file should carry."""
    busy = np.flatnonzero(np.diff(key.a_rows.indptr) + np.diff(key.b_rows.indptr))
    rows = int(busy[-1]) + 1 if len(busy) else 0
    return {
        "circuit": circuit.case,
        "target": circuit.target,
        "input_size": circuit.input_size,
        "constraints": rows - key.publics - 1,
        "wires": key.wires,
        "publics": key.publics,
        "zkey_bytes": circuit.zkey.stat().st_size,
        "proof_bytes": PROOF_BYTES,
    }


def _blinding(seed: str, index: int) -> tuple[int, int]:
    """Fixed, so that a proof can be repeated; of use for benchmarks only."""
    wide = hashlib.shake_256(f"{seed}/blinding/{index}".encode()).digest(96)
    r, s = (int.from_bytes(part, "little") for part in (wide[:48], wide[48:]))
    return r % (FR.modulus - 1) + 1, s % (FR.modulus - 1) + 1


def _short(seed: str) -> str:
    return hashlib.sha256(seed.encode()).hexdigest()[:12]
