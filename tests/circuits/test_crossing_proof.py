"""Crossings proved under the shipped development keys: hidden, linked, and revealed to snarkjs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from circuits import registry
from circuits.crossing_example import example_donation, example_transit
from circuits.key_registry import DEV
from circuits.keys import KeyStore
from circuits.prover import prove_hidden_statement
from circuits.statement import public_values
from private_exec.errors import LinkRefused
from private_exec.linking import Linked, prove_link, verify_linked
from private_exec.pedersen import Opening
from zk import backends, params
from zk.errors import InvalidProof
from zk.formats import snarkjs
from zk.groth16.hidden import HiddenProof
from zk.groth16.keys import Blinding, VerifyingKey
from zk.groth16.verify import verify

ROOT = Path(__file__).resolve().parent.parent.parent
SNARKJS = ROOT / ".cache/js/node_modules/snarkjs/cli.js"
EXAMPLES = {"transit/1": example_transit, "donation/1": example_donation}
CONTEXT = b"\7" * 32

both = pytest.mark.parametrize("name", EXAMPLES)


@pytest.fixture(scope="session")
def keys() -> KeyStore:
    return KeyStore()


@pytest.fixture(scope="session")
def proved(keys: KeyStore) -> dict[str, tuple[VerifyingKey, list[int], HiddenProof]]:
    made = {}
    for name, example in EXAMPLES.items():
        public, witness = example(b"proof")
        statement = registry.statement(name)
        hidden = prove_hidden_statement(
            statement, public, witness, Blinding(3, 4), profile=DEV, keys=keys
        )
        made[name] = (keys.verifying_key(name, DEV), public_values(public), hidden)
    return made


def link(name: str, key: VerifyingKey, values: list[int], hidden: HiddenProof) -> Linked:
    count = registry.statement(name).hidden
    shown, (*secret, nu) = values[:-count], values[-count:]
    openings = [Opening(value, 500 + j) for j, value in enumerate(secret)]
    return prove_link(key, shown, hidden, openings, nu, CONTEXT, b"\3" * 32)


@both
def test_a_crossing_is_proved_of_what_commitments_hold(name: str, proved: Any) -> None:
    key, values, hidden = proved[name]
    linked = link(name, key, values, hidden)
    verify_linked(key, registry.statement(name).hidden, linked, backends.get())
    wrong = Linked(linked.public, linked.commitments, linked.hidden, linked.link, bytes(32))
    with pytest.raises(LinkRefused):
        verify_linked(key, registry.statement(name).hidden, wrong, backends.get())


@both
def test_no_shown_input_may_change(name: str, proved: Any) -> None:
    """With the link made anew by who knows all secrets: the equation refuses."""
    key, values, hidden = proved[name]
    count = registry.statement(name).hidden
    for index in range(len(values) - count):
        changed = [*values]
        changed[index] ^= 1
        with pytest.raises(InvalidProof):
            verify_linked(key, count, link(name, key, changed, hidden), backends.get())


@both
def test_revealed_it_is_an_ordinary_proof(name: str, proved: Any) -> None:
    key, values, hidden = proved[name]
    verify(key, values, hidden.proof, backends.get())


@both
@pytest.mark.oracle_snarkjs
def test_snarkjs_verifies_it_revealed(
    name: str, proved: Any, keys: KeyStore, tmp_path: Path
) -> None:
    node = shutil.which("node")
    if node is None or not SNARKJS.exists():
        pytest.skip("node or snarkjs is missing: run `make oracles`")
    _, values, hidden = proved[name]
    proof, public = tmp_path / "proof.json", tmp_path / "public.json"
    proof.write_bytes(snarkjs.dump(snarkjs.proof_document(hidden.proof)))
    key = params.path(keys.entry(name, DEV).verifying_key_file)

    def told(inputs: list[int]) -> str:
        public.write_bytes(snarkjs.dump(snarkjs.public_document(inputs)))
        command = [node, SNARKJS, "groth16", "verify", key, public, proof]
        done = subprocess.run(
            [str(part) for part in command],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return done.stdout + done.stderr

    assert "OK!" in told(values)
    assert "Invalid proof" in told([*values[:-1], values[-1] ^ 1])
