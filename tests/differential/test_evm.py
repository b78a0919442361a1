"""Ethereum's own arithmetic, revm: precompile 0x08, and a contract of ours compiled by solc."""

from __future__ import annotations

import subprocess
from pathlib import Path
from shutil import which
from types import ModuleType
from typing import Any

import pytest

from zk.backends import get
from zk.curve.bn254 import G1, G2, G2Affine
from zk.errors import FormatError
from zk.field.params import FP, FR
from zk.field.tower import Fp2
from zk.formats import evm, solidity
from zk.groth16.example import random_circuit
from zk.groth16.keys import Blinding, Proof, VerifyingKey
from zk.groth16.prove import prove, public_inputs
from zk.groth16.setup import UNSAFE_STAMP, UnsafeDevSetup

SENDER = "0x" + "11" * 20
TRUE, FALSE = (1).to_bytes(32, "big"), bytes(32)
JS = Path(__file__).resolve().parents[2] / ".cache/js/node_modules"


@pytest.fixture(scope="module")
def revm() -> ModuleType:
    return pytest.importorskip("pyrevm", reason="pyrevm is not installed (dependency group test)")


@pytest.fixture(scope="module")
def statement() -> tuple[VerifyingKey, Proof, tuple[int, ...]]:
    backend = get()
    shape, assignment = random_circuit(7, rows=5, publics=2)
    key = UnsafeDevSetup().run(shape, backend)
    proof = prove(key, assignment, Blinding(11, 13), backend)
    return key.verifying_key, proof, tuple(public_inputs(key, assignment))


def precompile(revm: ModuleType, data: bytes) -> bytes:
    target = f"0x{evm.PAIRING_PRECOMPILE:040x}"
    return bytes(revm.EVM().message_call(SENDER, target, calldata=data))


def test_the_precompile_accepts(revm, statement) -> None:
    key, proof, public = statement
    assert precompile(revm, evm.pairing_input(key, public, proof)) == TRUE


def test_the_precompile_refuses_another_statement(revm, statement) -> None:
    key, proof, (first, second) = statement
    assert precompile(revm, evm.pairing_input(key, (second, first), proof)) == FALSE


def test_the_precompile_accepts_the_mirrored_proof(revm, statement) -> None:
    """Incident 7: so nothing may take a proof's bytes for an identity."""
    key, proof, public = statement
    mirrored = Proof(
        (-G1.from_affine(proof.a)).to_affine(), (-G2.from_affine(proof.b)).to_affine(), proof.c
    )
    assert precompile(revm, evm.pairing_input(key, public, mirrored)) == TRUE


class Contract:
    """A verifier of ours, compiled and deployed."""

    def __init__(self, revm: ModuleType, code: bytes) -> None:
        self._vm: Any = revm.EVM()
        self._vm.set_balance(SENDER, 10**18)
        self._address = self._vm.deploy(SENDER, code)

    def verify(self, data: bytes) -> bytes:
        return bytes(self._vm.message_call(SENDER, self._address, calldata=data))


@pytest.fixture(scope="module")
def contract(revm, statement) -> Contract:
    node = which("node")
    if node is None or not (JS / "solc").exists():
        pytest.skip("node or solc is not installed: run `make oracles`")
    source = solidity.verifier_contract(statement[0], name="Mine", unsafe=UNSAFE_STAMP)
    done = subprocess.run(
        [node, Path(__file__).with_name("solc.mjs"), JS, "Mine"],
        input=source,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr  # warnings count
    return Contract(revm, bytes.fromhex(done.stdout.strip()))


@pytest.mark.oracle_snarkjs
def test_the_contract_accepts(contract, statement) -> None:
    _, proof, public = statement
    assert contract.verify(evm.call_data(proof, public)) == TRUE


def words_of(statement) -> list[int]:
    data = evm.words(*statement[1:])
    return [int.from_bytes(data[i : i + 32], "big") for i in range(0, len(data), 32)]


def call(words: list[int]) -> bytes:
    return evm.selector(len(words) - 8) + b"".join(w.to_bytes(32, "big") for w in words)


ZERO = {"a at infinity": (0, 1), "b at infinity": (2, 3, 4, 5), "c at infinity": (6, 7)}


@pytest.mark.oracle_snarkjs
@pytest.mark.parametrize("name", ZERO)
def test_the_contract_refuses_infinity(contract, statement, name) -> None:
    words = words_of(statement)
    for index in ZERO[name]:
        words[index] = 0
    assert contract.verify(call(words)) == FALSE


@pytest.mark.oracle_snarkjs
@pytest.mark.parametrize("index", range(10))
def test_the_contract_refuses_a_second_name_of_each_number(contract, statement, index) -> None:
    """Incidents 4, 5 and 6: a coordinate plus q, an input plus r."""
    words = words_of(statement)
    words[index] += FR.modulus if index >= 8 else FP.modulus
    assert contract.verify(call(words)) == FALSE


@pytest.mark.oracle_snarkjs
@pytest.mark.parametrize("index", range(10))
def test_the_contract_refuses_every_other_number(contract, statement, index) -> None:
    words = words_of(statement)
    words[index] ^= 1
    assert contract.verify(call(words)) == FALSE


@pytest.mark.oracle_snarkjs
def test_the_contract_refuses_b_outside_the_subgroup(contract, statement) -> None:
    x = 1
    while (y := (Fp2(x, 0).square() * Fp2(x, 0) + G2.b).sqrt()) is None:
        x += 1
    outside: G2Affine = ((x, 0), y.to_ints())
    _, proof, public = statement
    assert contract.verify(evm.call_data(Proof(proof.a, outside, proof.c), public)) == FALSE


def test_contracts_that_cannot_be_written(statement) -> None:
    with pytest.raises(FormatError) as caught:
        solidity.verifier_contract(statement[0], name="Mine {}")
    assert caught.value.id == "FMT-034"


def test_a_development_key_says_so(statement) -> None:
    assert UNSAFE_STAMP in solidity.verifier_contract(statement[0], unsafe=UNSAFE_STAMP)
    assert "UNSAFE" not in solidity.verifier_contract(statement[0])
