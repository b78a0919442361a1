"""The action's keys and proofs at full size: the shipped registry, the stored proof, snarkjs."""

from __future__ import annotations

import runpy
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from circuits import registry
from circuits.example import example_action
from circuits.key_registry import DEV, Registry
from circuits.keys import KeyStore, generate, recorded_shape
from circuits.prover import prove_statement
from circuits.statement import evaluate, public_values
from node.private.program_keys import programs, shape_of
from zk import backends, params
from zk.bench.tasks import backend_with
from zk.errors import InvalidProof
from zk.formats import snarkjs
from zk.formats.itemised import verify_documents
from zk.formats.r1cs import write_r1cs
from zk.formats.wtns import write_wtns
from zk.groth16.verify import verify

ROOT = Path(__file__).resolve().parent.parent.parent
PINS = ROOT / "tests/pins"
SNARKJS = ROOT / ".cache/js/node_modules/snarkjs/cli.js"
ACTION = "action/1"
_PLAN = runpy.run_path(str(PINS / "store_proof.py"))
SEED, BLINDING = _PLAN["SEED"], _PLAN["BLINDING"]


@pytest.fixture(scope="session")
def keys() -> KeyStore:
    return KeyStore()


@pytest.fixture(scope="session")
def stored() -> tuple[bytes, bytes]:
    return tuple((PINS / f"action-1.{name}.json").read_bytes() for name in ("proof", "public"))


def test_the_registry_lists_every_statement_as_it_is_recorded() -> None:
    listed = Registry.load()
    assert {name for name, _ in listed.entries} == {*registry.STATEMENTS, *programs()}
    for (statement, _), entry in listed.entries.items():
        shape = shape_of(statement)
        assert shape.digest.hex() == entry.r1cs
        assert shape.publics == entry.publics


def test_the_stored_proof_still_verifies(keys, stored) -> None:
    """A proof made once under `action/1` must verify for ever."""
    path = params.path(keys.entry(ACTION, DEV).verifying_key_file)
    names = registry.statement(ACTION).public_names
    checks = verify_documents(
        *stored,
        path.read_bytes(),
        registry=keys.registry.statements_by_key(),
        statement=ACTION,
        names=names,
        backend=backends.get(),
    )
    assert " ".join(check.id for check in checks if check.ok) == (
        "format count canonical curve subgroup identity key registry pairing"
    )


@pytest.mark.parametrize("index", range(13))
def test_no_public_input_of_the_stored_proof_may_change(keys, stored, index) -> None:
    public = list(snarkjs.read_public(stored[1]))
    public[index] ^= 1
    with pytest.raises(InvalidProof):
        verify(
            keys.verifying_key(ACTION, DEV), public, snarkjs.read_proof(stored[0]), backends.get()
        )


@pytest.mark.parametrize("threads", [1, 3])
def test_the_prover_makes_the_stored_proof_again(keys, stored, threads) -> None:
    """Same plan, same bytes, whatever backend this machine has; phases overlap given threads."""
    name = backends.get().name
    if threads > 1 and name == "reference":
        pytest.skip("the reference has one thread")
    public, witness = example_action(SEED)
    phases: list[str] = []
    proof = prove_statement(
        registry.statement(ACTION),
        public,
        witness,
        BLINDING,
        profile=DEV,
        keys=keys,
        backend=backend_with(name, threads),
        progress=lambda phase, share: phases.append(phase) if share == 1.0 else None,
    )
    assert snarkjs.read_public(stored[1]) == tuple(public_values(public))
    assert snarkjs.read_proof(stored[0]) == proof
    ended = [phase for phase in phases if phase != "key"]
    serial = ["witness", "ntt", "msm_h", "msm_a", "msm_b1", "msm_b2", "msm_c", "verify"]
    assert (ended[0], ended[-1]) == ("witness", "verify")
    assert ended.index("ntt") < ended.index("msm_h")
    assert sorted(ended) == sorted(serial)
    if threads == 1:
        assert ended == serial


def test_a_false_statement_gets_no_proof(keys) -> None:
    public, witness = example_action(SEED)
    lie = replace(public, anchor=public.anchor ^ 1)
    with pytest.raises(InvalidProof):
        prove_statement(registry.statement(ACTION), lie, witness, BLINDING, profile=DEV, keys=keys)


@pytest.mark.slow
def test_the_shipped_keys_are_what_the_published_seed_gives(tmp_path) -> None:
    shapes = map(shape_of, (*registry.STATEMENTS, *programs()))
    generate(shapes, tmp_path, tmp_path / "cache", backends.get())
    for path in sorted(tmp_path.rglob("*.toml")) + sorted(tmp_path.rglob("*.json")):
        shipped = params.path(str(path.relative_to(tmp_path)))
        assert path.read_bytes() == shipped.read_bytes()


@pytest.mark.slow
@pytest.mark.oracle_snarkjs
def test_snarkjs_proves_and_verifies_the_action(keys, stored, tmp_path) -> None:
    node = shutil.which("node")
    if node is None or not SNARKJS.exists():
        pytest.skip("node or snarkjs is missing: run `make oracles`")

    def run(*arguments: object) -> str:
        command = [node, SNARKJS, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    public, witness = example_action(b"for snarkjs")
    shape = recorded_shape(ACTION)
    write_r1cs(shape, tmp_path / "action.r1cs")
    write_wtns(evaluate(registry.statement(ACTION), public, witness), tmp_path / "w.wtns")
    told = run("wtns", "check", tmp_path / "action.r1cs", tmp_path / "w.wtns")
    assert "WITNESS IS CORRECT" in told

    keys.proving_key(ACTION, DEV)
    zkey, proof = keys.proving_key_path(ACTION, DEV), tmp_path / "proof.json"
    run("groth16", "prove", zkey, tmp_path / "w.wtns", proof, tmp_path / "public.json")
    theirs = snarkjs.read_proof(proof.read_bytes())
    verify(keys.verifying_key(ACTION, DEV), public_values(public), theirs, backends.get())

    key = params.path(keys.entry(ACTION, DEV).verifying_key_file)
    told = run(
        "groth16", "verify", key, PINS / "action-1.public.json", PINS / "action-1.proof.json"
    )
    assert "OK!" in told
