"""`chiaro proof batch, inspect, convert, calldata, export-solidity`, and `--with`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from node.cli import crosscheck
from zk.backends import get
from zk.formats import evm, gnark, snarkjs
from zk.formats.ptau import write_ptau
from zk.formats.r1cs import write_r1cs
from zk.formats.sym import write_sym
from zk.formats.wtns import write_wtns
from zk.formats.zkey import read_zkey, write_zkey
from zk.groth16.ceremony.phase1 import new_powers
from zk.groth16.example import random_circuit
from zk.groth16.keys import Blinding
from zk.groth16.points import g1_points
from zk.groth16.prove import prove, public_inputs
from zk.groth16.setup import UnsafeDevSetup

SNARKJS = Path(__file__).resolve().parents[3] / ".cache/js/node_modules/snarkjs/cli.js"


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A statement in files of every kind, with four proofs."""
    folder = tmp_path_factory.mktemp("proofs")
    backend = get()
    shape, assignment = random_circuit(3, rows=9, publics=3)
    key = UnsafeDevSetup().run(shape, backend)
    public = snarkjs.dump(snarkjs.public_document(public_inputs(key, assignment)))
    for index in range(4):
        proof = prove(key, assignment, Blinding(5, 6 + index), backend)
        prefix = f"{index}." if index else ""
        document = snarkjs.dump(snarkjs.proof_document(proof))
        (folder / f"{prefix}proof.json").write_bytes(document)
        (folder / f"{prefix}public.json").write_bytes(public)
    document = snarkjs.verifying_key_document(key.verifying_key)
    (folder / "verification_key.json").write_bytes(snarkjs.dump(document))
    write_zkey(key, folder / "c.zkey")
    write_r1cs(shape, folder / "c.r1cs")
    write_sym(shape, folder / "c.sym")
    write_wtns(assignment, folder / "c.wtns")
    write_ptau(new_powers(2, backend), folder / "c.ptau")
    return folder


@pytest.fixture
def folder(made, tmp_path) -> Path:
    shutil.copytree(made, tmp_path / "files")
    return tmp_path / "files"


ENCODINGS = ["arkworks", "arkworks-raw", "gnark", "gnark-raw", "evm", "calldata", "calldata-text"]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_there_and_back(offline, folder, encoding) -> None:
    proof, there, back = (folder / name for name in ("proof.json", "there", "back.json"))
    words = ("--public", str(folder / "public.json"))
    told = offline(
        "proof", "convert", str(proof), "-o", str(there), "--to", encoding, *words, "--json"
    )
    assert told.data["from"] == "snarkjs"
    offline("proof", "convert", str(there), "-o", str(back), "--to", "snarkjs", "--json")
    assert back.read_bytes() == proof.read_bytes()
    kind = offline("proof", "inspect", str(there), "--json").data
    assert kind["kind"] == "proof"
    assert kind["encoding"] == encoding.removesuffix("-raw")
    assert kind["publics"] == (3 if encoding in {"evm", "calldata", "calldata-text"} else None)


@pytest.mark.parametrize("encoding", ["arkworks", "arkworks-raw"])
def test_keys_there_and_back(offline, folder, encoding) -> None:
    key, there, back = (folder / name for name in ("verification_key.json", "there", "back.json"))
    offline("proof", "convert", str(key), "-o", str(there), "--to", encoding, "--key", "--json")
    offline("proof", "convert", str(there), "-o", str(back), "--to", "snarkjs", "--key", "--json")
    assert json.loads(back.read_text()) == json.loads(key.read_text())


KINDS = {
    "c.zkey": ("proving key", "wires"),
    "c.r1cs": ("circuit", "rows"),
    "c.sym": ("names of wires", "signals"),
    "c.wtns": ("witness", "wires"),
    "c.ptau": ("powers of tau", "power"),
    "proof.json": ("proof", "encoding"),
    "verification_key.json": ("verifying key", "publics"),
    "public.json": ("public inputs", "publics"),
}


@pytest.mark.parametrize("name", KINDS)
def test_inspect(offline, folder, name) -> None:
    told = offline("proof", "inspect", str(folder / name), "--json").data
    kind, member = KINDS[name]
    assert told["kind"] == kind
    assert told[member]
    assert told["bytes"] == (folder / name).stat().st_size
    assert len(told["digest"]) == 66


@pytest.mark.parametrize("encoding", ["gnark", "gnark-raw"])
def test_inspect_keys_of_gnark(offline, folder, encoding) -> None:
    """A key of gnark's cannot be made from a verifying key alone, so no command writes one."""
    key = read_zkey(folder / "c.zkey")
    halves = g1_points(key.beta_g1)[0], g1_points(key.delta_g1)[0]
    file = folder / "key.gnark"
    raw = encoding.endswith("raw")
    file.write_bytes(gnark.verifying_key_to_bytes(key.verifying_key, *halves, raw=raw))
    told = offline("proof", "inspect", str(file), "--json").data
    assert (told["kind"], told["encoding"], told["publics"]) == ("verifying key", "gnark", 3)
    assert told["verifying_key"] == "0x" + key.verifying_key.id
    back = folder / "back.json"
    offline("proof", "convert", str(file), "-o", str(back), "--to", "snarkjs", "--key", "--json")
    assert json.loads(back.read_text()) == json.loads(
        (folder / "verification_key.json").read_text()
    )


@pytest.mark.parametrize(
    ("name", "member", "value", "code"),
    [
        ("proof.json", "curve", "bls12381", "PRF-012"),
        ("verification_key.json", "vk_alpha_1", ["1", "1", "1"], "PRF-018"),
        ("verification_key.json", "nPublic", 9, "PAR-004"),
        ("public.json", 0, "-1", "PRF-016"),
        ("proof.json", "pi_b", [], "PRF-017"),
    ],
)
def test_inspect_says_what_is_wrong_with_a_document(
    offline, folder, name, member, value, code
) -> None:
    document = json.loads((folder / name).read_text())
    document[member] = value
    (folder / name).write_text(json.dumps(document))
    told = offline("proof", "inspect", str(folder / name), "--json")
    assert told.error["code"] == code
    assert code == "PAR-004" or str(folder / name) in told.error["where"]


def test_inspect_tells_no_values_of_a_witness(offline, folder) -> None:
    told = offline("proof", "inspect", str(folder / "c.wtns"), "--json").data
    assert set(told) == {"kind", "wires", "bytes", "digest"}


def test_calldata_and_contract(offline, folder) -> None:
    told = offline("proof", "calldata", str(folder / "proof.json"), "--json").data
    proof, public = evm.from_call_data(bytes.fromhex(told["calldata"][2:]))
    assert evm.from_text(told["arguments"]) == (proof, public)
    contract = folder / "V.sol"
    key = folder / "verification_key.json"
    offline("proof", "export-solidity", str(key), "-o", str(contract), "--name", "V", "--json")
    assert "contract V {" in contract.read_text()


def test_batch_names_the_wrong_ones(offline, folder) -> None:
    names = [folder / f"{prefix}proof.json" for prefix in ("", "1.", "2.", "3.")]
    key = ("--vk", str(folder / "verification_key.json"))
    told = offline("proof", "batch", *map(str, names), *key, "--json")
    assert (told.code, told.data["valid"], told.data["invalid"]) == (0, True, [])
    (folder / "1.public.json").write_text('["1", "2", "3"]')
    (folder / "2.public.json").write_text('["1", "2"]')
    (folder / "3.proof.json").write_text("{}")
    told = offline("proof", "batch", *map(str, names), *key, "--json")
    assert told.code == 1
    assert told.data["invalid"] == [str(path) for path in names[1:]]
    assert [row["code"] for row in told.data["proofs"]] == ["", "PRF-001", "PRF-013", "PRF-021"]


REFUSED = {
    "encoding": (("convert", "proof.json", "-o", "x", "--to", "pickle"), 3, "FMT-035"),
    "inputs": (("convert", "proof.json", "-o", "x", "--to", "evm"), 2, "USE-001"),
    "nothing known": (("inspect", "junk"), 3, "FMT-035"),
    "no file": (("inspect", "nowhere"), 3, "FIL-001"),
    "gnark's keys need more": (
        ("convert", "verification_key.json", "-o", "x", "--to", "gnark", "--key"),
        3,
        "FMT-035",
    ),
    "name of a contract": (
        ("export-solidity", "verification_key.json", "-o", "x", "--name", "a b"),
        3,
        "FMT-034",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(offline, folder, monkeypatch, name) -> None:
    monkeypatch.chdir(folder)
    (folder / "junk").write_bytes(b"junk")
    words, code, error = REFUSED[name]
    result = offline("proof", *words, "--json")
    assert (result.code, result.error["code"]) == (code, error)
    assert not (folder / "x").exists()


def test_a_key_that_its_maker_marks_unsafe(offline, folder) -> None:
    key = folder / "verification_key.json"
    document = json.loads(key.read_text())
    for marked in (False, True):
        if marked:
            key.write_text(json.dumps({"UNSAFE": "*/ evil", **document}))
        made = offline("proof", "export-solidity", str(key), "-o", str(folder / "V.sol"), "--json")
        told = offline("verify", str(folder / "proof.json"), "--json")
        for result in (made, told):
            assert any("UNSAFE" in w for w in result.document["warnings"]) == marked
        contract = (folder / "V.sol").read_text()
        assert ("UNSAFE" in contract) == marked
        assert "evil" not in contract


def test_converted_files_are_all_there_or_none(offline, folder) -> None:
    proof, packed = folder / "proof.json", folder / "packed"
    words = ("--public", str(folder / "public.json"), "-o", str(packed), "--to", "evm", "--json")
    offline("proof", "convert", str(proof), *words)
    target = folder / "out"
    (target / "public.json").mkdir(parents=True)
    for name, code, error in (("x.json", 3, "FIL-001"), ("public.json", 2, "USE-001")):
        told = offline(
            "proof", "convert", str(packed), "-o", str(target / name), "--to", "snarkjs", "--json"
        )
        assert (told.code, told.error["code"]) == (code, error)
    assert [path.name for path in target.iterdir()] == ["public.json"]


@pytest.mark.parametrize(
    ("script", "code", "error"),
    [
        ("exit 5", 70, "XCH-002"),
        ("echo OK! ; exit 1", 70, "XCH-002"),
        ("echo Invalid proof; exit 1", 1, "XCH-003"),
        ("echo 'OK!'", 0, ""),
    ],
)
def test_what_another_program_says(offline, folder, monkeypatch, script, code, error) -> None:
    program = folder / "bin/snarkjs"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.delenv("CHIARO_SNARKJS", raising=False)
    told = offline("verify", str(folder / "proof.json"), "--with", "snarkjs", "--json")
    assert told.code == code
    said = told.error["code"] if code == 70 else told.data["checks"][-1]["code"]
    assert said == error


def test_with_evm(offline, folder) -> None:
    pytest.importorskip("pyrevm", reason="pyrevm is not installed")
    told = offline("verify", str(folder / "proof.json"), "--with", "evm", "--json")
    assert told.data["checks"][-1]["id"] == "evm"
    assert told.data["valid"]
    (folder / "public.json").write_text('["1", "2", "3"]')
    told = offline("proof", "verify", str(folder / "proof.json"), "--with", "evm", "--json")
    assert told.code == 1
    assert [c["code"] for c in told.data["checks"][-2:]] == ["PRF-001", "XCH-003"]


@pytest.mark.oracle_snarkjs
def test_with_snarkjs(offline, folder, monkeypatch) -> None:
    if not SNARKJS.exists() or shutil.which("node") is None:
        pytest.skip("node or snarkjs is not installed: run `make oracles`")
    monkeypatch.setenv("CHIARO_SNARKJS", str(SNARKJS))
    told = offline("verify", str(folder / "proof.json"), "--with", "snarkjs", "--json")
    assert told.data["checks"][-1] == {
        "id": "snarkjs",
        "ok": True,
        "code": "",
        "detail": "groth16 verify agrees",
    }
    (folder / "public.json").write_text('["1", "2", "3"]')
    told = offline("verify", str(folder / "proof.json"), "--with", "snarkjs", "--json")
    assert [c["code"] for c in told.data["checks"][-2:]] == ["PRF-001", "XCH-003"]


def test_programs_that_are_not_there(offline, folder, monkeypatch) -> None:
    monkeypatch.setattr(crosscheck.shutil, "which", lambda _name: None)
    proof = str(folder / "proof.json")
    told = offline("verify", proof, "--with", "snarkjs", "--json")
    assert (told.code, told.error["code"]) == (2, "XCH-001")
    told = offline("verify", proof, "--with", "magic", "--json")
    assert (told.code, told.error["code"]) == (2, "USE-001")
