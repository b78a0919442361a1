"""A circuit of circom's, all the way: its files, our key, our proof; snarkjs and an EVM agree."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from shutil import which

import pytest

from zk.backends import get
from zk.errors import InvalidProof
from zk.field.arrays import from_array
from zk.formats import evm
from zk.formats import snarkjs as documents
from zk.formats.ptau import read_ptau, write_ptau
from zk.formats.r1cs import read_r1cs, write_r1cs
from zk.formats.sym import named, read_sym, write_symbols
from zk.formats.wtns import read_wtns, write_wtns
from zk.formats.zkey import read_zkey, write_zkey
from zk.groth16.ceremony.initial import initial_key, verify_initial
from zk.groth16.ceremony.phase1 import contribute_powers, new_powers
from zk.groth16.ceremony.phase2 import contribute
from zk.groth16.keys import Blinding, Proof, ProvingKey
from zk.groth16.prove import prove, public_inputs
from zk.groth16.setup import UnsafeDevSetup
from zk.groth16.verify import verify

pytestmark = pytest.mark.oracle_snarkjs

JS = Path(__file__).resolve().parents[2] / ".cache/js/node_modules"
BACKEND = get()
SOURCE = """
pragma circom 2.0.0;

template Bits(n) {
    signal input in;
    signal output out[n];
    var sum = 0;
    for (var i = 0; i < n; i++) {
        out[i] <-- (in >> i) & 1;
        out[i] * (out[i] - 1) === 0;
        sum += out[i] * (1 << i);
    }
    sum === in;
}

template Main() {
    signal input a;          // private
    signal input b;          // public
    signal output product;
    signal output low[3];
    component bits = Bits(16);
    bits.in <== a;
    for (var i = 0; i < 3; i++) { low[i] <== bits.out[i]; }
    product <== a * b;
}

component main {public [b]} = Main();
"""


@dataclass(frozen=True)
class Compiled:
    r1cs: Path
    sym: Path
    wtns: Path


@pytest.fixture(scope="module")
def compiled(snarkjs, tmp_path_factory) -> Compiled:
    node = which("node")
    if node is None or not (JS / "circom2").exists():
        pytest.skip("node or circom2 is not installed: run `make oracles`")
    folder = tmp_path_factory.mktemp("circom")
    (folder / "main.circom").write_text(SOURCE)
    done = subprocess.run(
        [node, JS / "circom2/cli.js", "main.circom", "--r1cs", "--sym", "--wasm"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (folder / "input.json").write_text(json.dumps({"a": "25", "b": "7"}))
    wasm, witness = folder / "main_js/main.wasm", folder / "main.wtns"
    snarkjs("wtns", "calculate", wasm, folder / "input.json", witness)
    return Compiled(folder / "main.r1cs", folder / "main.sym", witness)


def test_its_files_come_back_byte_for_byte(compiled, tmp_path) -> None:
    circuit = read_r1cs(compiled.r1cs)
    write_r1cs(circuit, tmp_path / "main.r1cs")
    assert (tmp_path / "main.r1cs").read_bytes() == compiled.r1cs.read_bytes()
    write_symbols(read_sym(compiled.sym), tmp_path / "main.sym")
    assert (tmp_path / "main.sym").read_bytes() == compiled.sym.read_bytes()
    write_wtns(read_wtns(compiled.wtns), tmp_path / "main.wtns")
    assert (tmp_path / "main.wtns").read_bytes() == compiled.wtns.read_bytes()
    assert (circuit.outputs, circuit.shape.publics, circuit.private_inputs) == (4, 5, 1)


def test_its_wires_have_names(compiled) -> None:
    shape = named(read_r1cs(compiled.r1cs).shape, read_sym(compiled.sym))
    assert shape.wire_names[:7] == (
        "one",
        "main.product",
        "main.low[0]",
        "main.low[1]",
        "main.low[2]",
        "main.b",
        "main.a",
    )
    shape.check(read_wtns(compiled.wtns))


def accepted_everywhere(key: ProvingKey, compiled: Compiled, snarkjs, folder: Path) -> None:
    """Our proof under a key: we, snarkjs and an EVM accept it, and none accepts another input."""
    witness = read_wtns(compiled.wtns)
    proof = prove(key, witness, Blinding(11, 13), BACKEND)
    public = public_inputs(key, witness)
    assert public == (175, 1, 0, 0, 7)  # 25·7; 25 ends in 001; b
    verify(key.verifying_key, public, proof, BACKEND)
    with pytest.raises(InvalidProof):
        verify(key.verifying_key, (176, *public[1:]), proof, BACKEND)
    paths = [folder / name for name in ("vk.json", "public.json", "proof.json")]
    for path, document in zip(
        paths,
        (
            documents.verifying_key_document(key.verifying_key),
            documents.public_document(public),
            documents.proof_document(proof),
        ),
        strict=True,
    ):
        path.write_bytes(documents.dump(document))
    assert "OK!" in snarkjs("groth16", "verify", *paths).stdout
    _evm_agrees(key, public, proof)


def _evm_agrees(key: ProvingKey, public: tuple[int, ...], proof: Proof) -> None:
    revm = pytest.importorskip("pyrevm", reason="pyrevm is not installed")
    for inputs, answer in ((public, 1), ((*public[:-1], 8), 0)):
        data = evm.pairing_input(key.verifying_key, inputs, proof)
        told = revm.EVM().message_call("0x" + "11" * 20, f"0x{8:040x}", calldata=data)
        assert int.from_bytes(bytes(told), "big") == answer


def test_its_circuit_under_our_development_key(compiled, snarkjs, tmp_path) -> None:
    key = UnsafeDevSetup().run(read_r1cs(compiled.r1cs).shape, BACKEND)
    accepted_everywhere(key, compiled, snarkjs, tmp_path)


def test_its_circuit_under_a_key_of_snarkjs(compiled, snarkjs, tmp_path) -> None:
    """Powers of ours, prepared and set up by snarkjs, contributed to by snarkjs, proved by us."""
    powers, _ = contribute_powers(new_powers(6, BACKEND), BACKEND, seed=bytes(32))
    paths = [tmp_path / name for name in ("0.ptau", "1.ptau", "0.zkey", "1.zkey")]
    write_ptau(powers, paths[0])
    snarkjs("powersoftau", "prepare", "phase2", paths[0], paths[1])
    snarkjs("groth16", "setup", compiled.r1cs, paths[1], paths[2])
    snarkjs("zkey", "contribute", paths[2], paths[3], "-e=x")
    accepted_everywhere(read_zkey(paths[3], check=BACKEND), compiled, snarkjs, tmp_path)


def test_its_circuit_under_a_key_of_our_ceremony(compiled, snarkjs, tmp_path) -> None:
    powers, _ = contribute_powers(new_powers(6, BACKEND), BACKEND, seed=bytes(32))
    shape = read_r1cs(compiled.r1cs).shape
    initial = initial_key(shape, powers, BACKEND)
    verify_initial(initial, shape, powers, BACKEND)
    key, _ = contribute(initial, BACKEND, seed=bytes(range(32)))
    accepted_everywhere(key, compiled, snarkjs, tmp_path)
    write_ptau(powers, tmp_path / "0.ptau")
    snarkjs("powersoftau", "prepare", "phase2", tmp_path / "0.ptau", tmp_path / "1.ptau")
    write_zkey(key, tmp_path / "ours.zkey", plain=True)
    told = snarkjs("zkey", "verify", compiled.r1cs, tmp_path / "1.ptau", tmp_path / "ours.zkey")
    assert "ZKey Ok!" in told.stdout
    assert read_ptau(tmp_path / "1.ptau", check=BACKEND).lagrange is not None


def test_another_witness_is_no_proof(compiled) -> None:
    key = UnsafeDevSetup().run(read_r1cs(compiled.r1cs).shape, BACKEND)
    witness = read_wtns(compiled.wtns).copy()
    witness[-1, 0] ^= 1
    proof = prove(key, witness, Blinding(11, 13), BACKEND)
    with pytest.raises(InvalidProof):
        verify(key.verifying_key, public_inputs(key, witness), proof, BACKEND)
    assert from_array(witness[:1]) == [1]
