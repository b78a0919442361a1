"""`chiaro verify`, item by item: what others let pass, forged proofs, insecure versions."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from circuits.key_registry import CEREMONY, Registry
from node.testing.ceremonies import KNOWN, ceremony_key, ceremony_parameters, mark_insecure
from zk import params
from zk.backends import get
from zk.curve import bn254
from zk.curve.bn254 import G1, G2
from zk.curve.pairing import pairing_product_is_one
from zk.field.params import FP, FR
from zk.formats import snarkjs
from zk.formats.wtns import write_wtns
from zk.formats.zkey import read_zkey, write_zkey
from zk.groth16.example import random_circuit
from zk.groth16.keys import NO_CONTRIBUTION, Blinding, Proof
from zk.groth16.prove import prove, public_inputs
from zk.groth16.setup import setup

TOY = "toy/1"
PINS = Path(__file__).parents[2] / "pins"
ROOT = Path(__file__).parents[3]
# On the twist, and outside the subgroup of order r.
TWIST_POINT = snarkjs.g2_text(bn254._points_of_the_twist(1)[0].to_affine())


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A folder of parameters with a ceremony's key of a toy statement, and a proof under it."""
    folder = tmp_path_factory.mktemp("strict")
    shape, assignment = random_circuit(3, rows=9, publics=2)
    shape = replace(shape, name=TOY)
    key = ceremony_key(shape)
    ceremony_parameters(folder / "params", shape, key)
    proof = prove(key, assignment, Blinding(5, 6), get())
    public = public_inputs(key, assignment)
    for name, document in (
        ("proof.json", snarkjs.proof_document(proof)),
        ("public.json", snarkjs.public_document(public)),
        ("verification_key.json", snarkjs.verifying_key_document(key.verifying_key)),
    ):
        (folder / name).write_bytes(snarkjs.dump(document))
    write_zkey(key, folder / "last.zkey", plain=True)
    write_zkey(replace(key, gamma_g2=key.delta_g2), folder / "weak.zkey", plain=True)
    write_zkey(setup(shape, KNOWN, get()), folder / "nobody.zkey", plain=True)
    write_wtns(assignment, folder / "c.wtns")
    return folder


@pytest.fixture
def folder(made, tmp_path, monkeypatch) -> Path:
    shutil.copytree(made, tmp_path / "files")
    monkeypatch.setenv(params.ENV_PARAMS, str(tmp_path / "files/params"))
    monkeypatch.chdir(tmp_path / "files")
    return tmp_path / "files"


def edit(path: Path, change) -> None:
    document = json.loads(path.read_text())
    path.write_text(json.dumps(change(document) or document))


ITEMS = [
    "format", "count", "canonical", "curve", "subgroup", "identity", "key", "registry", "version",
    "pairing",
]  # fmt: skip


def test_every_item_is_listed_with_what_is_known_of_the_key(offline, folder) -> None:
    told = offline("verify", "proof.json", "--profile", "local", "--json")
    assert (told.code, told.data["valid"]) == (0, True)
    assert [check["id"] for check in told.data["checks"]] == ITEMS
    entry = Registry.load().entries[TOY, CEREMONY]
    key = told.data["key"]
    assert (key["statement"], key["version"], key["status"]) == (TOY, "toy@1", "current")
    assert key["verifying_key"] == "0x" + entry.verifying_key
    assert (key["origin"], key["contributions"]) == ("ceremony", 3)
    assert key["transcript"] == "0x" + entry.transcript
    assert key["beacon"] == "0x" + "ab" * 32
    assert told.document["warnings"] == []
    shown = offline("verify", "proof.json", "--profile", "local")
    for text in (entry.verifying_key, entry.transcript, "ceremony of 3 contributions", "toy@1"):
        assert text in shown.out


def test_a_development_key_is_unsafe_and_of_profile_dev_only(offline, folder) -> None:
    for pinned, name in (("proof", "proof"), ("public", "public")):
        shutil.copy(PINS / f"action-1.{pinned}.json", f"{name}.json")
    shutil.copy(params.root() / "dev/action-1.vk.json", "verification_key.json")
    told = offline("verify", "proof.json", "--json")
    assert told.code == 0
    registry = next(check for check in told.data["checks"] if check["id"] == "registry")
    assert "UNSAFE development key" in registry["detail"]
    assert told.data["key"]["origin"] == "dev"
    for command in (
        ("verify", "proof.json"),
        ("proof", "batch", "proof.json", "--vk", "verification_key.json"),
        ("proof", "export-solidity", "verification_key.json", "-o", "V.sol"),
    ):
        refused = offline(*command, "--profile", "local", "--json")
        assert (refused.code, refused.error["code"]) == (5, "PAR-005"), command
    assert not Path("V.sol").exists()
    # Out of the registry the maker's own mark says as much.
    edit(Path("verification_key.json"), lambda d: d | {"IC": d["IC"][::-1]})
    refused = offline("verify", "proof.json", "--profile", "local", "--json")
    assert (refused.code, refused.error["code"]) == (5, "PAR-005")


def plus(modulus: int):
    return lambda text: str(int(text) + modulus)


MALFORMED = {
    "one public input short": ("public", lambda d: d[:-1], "PRF-013"),
    "one public input too many": ("public", lambda d: [*d, "0"], "PRF-013"),
    "an alias of a public input": ("public", lambda d: [plus(FR.modulus)(d[0]), d[1]], "PRF-014"),
    "an alias of A's x": (
        "proof", lambda d: d | {"pi_a": [plus(FP.modulus)(d["pi_a"][0]), *d["pi_a"][1:]]}, "PRF-015"
    ),
    "another protocol": ("proof", lambda d: d | {"protocol": "plonk"}, "PRF-011"),
    "another curve": ("proof", lambda d: d | {"curve": "bls12381"}, "PRF-012"),
    "off the curve": ("proof", lambda d: d | {"pi_a": ["1", "3", "1"]}, "PRF-018"),
    "at infinity": ("proof", lambda d: d | {"pi_c": ["0", "1", "0"]}, "PRF-020"),
    "leading zeros": ("public", lambda d: ["0" + d[0], d[1]], "PRF-016"),
    "a number": ("public", lambda d: [1, d[1]], "PRF-017"),
    "a member too many": ("proof", lambda d: d | {"note": "x"}, "PRF-021"),
    "a key off its curve": (
        "verification_key", lambda d: d | {"vk_alpha_1": ["1", "3", "1"]}, "PRF-018"
    ),
    "a key of another count": ("verification_key", lambda d: d | {"nPublic": 3}, "PAR-004"),
    "a key with gamma equal to delta": (
        "verification_key", lambda d: d | {"vk_gamma_2": d["vk_delta_2"]}, "PAR-004"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MALFORMED)
def test_what_other_verifiers_let_pass_has_a_code_of_its_own(offline, folder, name) -> None:
    file, change, code = MALFORMED[name]
    edit(folder / f"{file}.json", change)
    refused = offline("verify", "proof.json", "--json")
    assert (refused.code, refused.error["code"]) == (8 if code == "PAR-004" else 3, code)
    assert refused.out.count("\n") == 1
    batch = offline("proof", "batch", "proof.json", "--vk", "verification_key.json", "--json")
    if file == "verification_key":
        assert batch.error["code"] == code
    else:
        (row,) = batch.data["proofs"]
        assert batch.code == 1
        assert row["code"] == code


def test_messages_name_the_file_that_was_given(offline, folder) -> None:
    (folder / "public.json").rename(folder / "mine.txt")
    edit(folder / "mine.txt", lambda d: [d[0], plus(FR.modulus)(d[1])])
    refused = offline("verify", "proof.json", "--public", "mine.txt", "--json")
    assert (refused.error["code"], refused.error["where"]) == ("PRF-014", "mine.txt, index 1")


def test_a_circuit_may_be_demanded_of_a_batch(offline, folder) -> None:
    words = ("proof", "batch", "proof.json", "--vk", "verification_key.json", "--circuit", "action")
    refused = offline(*words, "--json")
    assert (refused.code, refused.error["code"]) == (8, "PAR-002")
    assert "toy/1" in refused.error["message"]
    refused = offline("verify", "proof.json", "--circuit", "action", "--json")
    assert (refused.code, refused.error["code"]) == (8, "PAR-002")


def test_b_outside_the_subgroup_has_its_own_code(offline, folder) -> None:
    edit(folder / "proof.json", lambda d: d | {"pi_b": TWIST_POINT})
    refused = offline("verify", "proof.json", "--json")
    assert (refused.code, refused.error["code"]) == (3, "PRF-019")


def test_a_wrong_pairing_is_a_no_and_a_malleated_proof_a_yes(offline, folder) -> None:
    """(−A, −B, C) proves the same: a proof is no identity."""
    proof = snarkjs.read_proof((folder / "proof.json").read_bytes())
    a, b = (-G1.from_affine(proof.a)).to_affine(), (-G2.from_affine(proof.b)).to_affine()
    twin = snarkjs.proof_document(Proof(a, b, proof.c))
    (folder / "proof.json").write_bytes(snarkjs.dump(twin))
    assert offline("verify", "proof.json", "--json").data["valid"]
    twin = snarkjs.proof_document(Proof(a, b, a))
    (folder / "proof.json").write_bytes(snarkjs.dump(twin))
    told = offline("verify", "proof.json", "--json")
    assert (told.code, told.data["checks"][-1]["code"]) == (1, "PRF-001")


# --- S-11 -----------------------------------------------------------------------------------------


def forge(folder: Path) -> None:
    """A proof of 31337 and 42 under a key with γ = δ: (α, β, −Σ xᵢ·ICᵢ), and that key."""
    key = snarkjs.read_verifying_key((folder / "verification_key.json").read_bytes())
    lie = (31337, 42)
    statement = G1.from_affine(key.ic[0])
    for value, point in zip(lie, key.ic[1:], strict=True):
        statement = statement + value * G1.from_affine(point)
    forged = Proof(key.alpha, key.beta, (-statement).to_affine())
    delta = G2.from_affine(key.delta)
    pairs = (
        (-G1.from_affine(forged.a), G2.from_affine(forged.b)),
        (G1.from_affine(key.alpha), G2.from_affine(key.beta)),
        (statement, delta),  # γ is δ here
        (G1.from_affine(forged.c), delta),
    )
    assert pairing_product_is_one(pairs)  # a verifier without rule S-11 accepts it
    (folder / "proof.json").write_bytes(snarkjs.dump(snarkjs.proof_document(forged)))
    (folder / "public.json").write_bytes(snarkjs.dump(snarkjs.public_document(lie)))
    edit(folder / "verification_key.json", lambda d: d | {"vk_gamma_2": d["vk_delta_2"]})


def nobody(folder: Path) -> None:
    """A key whose δ is the generator: the initial one of a ceremony (its γ is another here)."""
    edit(
        folder / "verification_key.json",
        lambda d: d | {"vk_delta_2": snarkjs.g2_text(G2.generator().to_affine()),
                       "vk_gamma_2": d["vk_beta_2"]},
    )  # fmt: skip


@pytest.mark.parametrize("weaken", [forge, nobody])
def test_s11_weak_keys_are_refused_by_every_command(offline, folder, weaken) -> None:
    """Also where the proof satisfies the equation: `forge` makes one that does."""
    weaken(folder)
    zkey = "weak.zkey" if weaken is forge else "nobody.zkey"
    before = sorted(folder.rglob("*"))
    for command in (
        ("verify", "proof.json"),
        ("proof", "verify", "proof.json"),
        ("proof", "batch", "proof.json", "--vk", "verification_key.json"),
        ("proof", "export-solidity", "verification_key.json", "-o", "V.sol"),
        ("proof", "convert", "verification_key.json", "-o", "k.bin", "--to", "arkworks", "--key"),
        ("proof", "inspect", "verification_key.json"),
        ("setup", "export-vk", zkey, "-o", "vk.json"),
        ("proof", "prove", "--zkey", zkey, "--wtns", "c.wtns", "-o", "out"),
    ):
        refused = offline(*command, "--json")
        assert (refused.code, refused.error["code"]) == (8, "PAR-004"), command
    assert sorted(folder.rglob("*")) == before


def test_a_key_without_a_recorded_contribution_is_used_with_a_warning(offline, folder) -> None:
    """Its δ is not the generator, so S-11 lets it pass; nobody says who knows its secret."""
    key = replace(read_zkey(folder / "last.zkey"), contributions=bytes(4))
    write_zkey(key, folder / "unrecorded.zkey", plain=True)
    words = ("--zkey", "unrecorded.zkey", "--wtns", "c.wtns", "-o", "out")
    for command in (
        ("proof", "prove", *words),
        ("setup", "export-vk", "unrecorded.zkey", "-o", "vk.json"),
    ):
        told = offline(*command, "--json")
        assert told.code == 0
        assert NO_CONTRIBUTION in told.document["warnings"], command
    for document in ("out/verification_key.json", "vk.json"):
        assert snarkjs.marked_unsafe(Path(document).read_bytes())


# --- versions -------------------------------------------------------------------------------------


@pytest.fixture
def insecure(folder):
    mark_insecure(folder / "params", TOY, "2026-05-01", "a wire is free")
    return folder


TEXT = "toy@1 is INSECURE since 2026-05-01: a wire is free"


def test_a_proof_of_an_insecure_version_is_a_no_except_for_history(offline, insecure) -> None:
    told = offline("verify", "proof.json", "--json")
    assert (told.code, told.data["valid"]) == (1, False)
    version = next(check for check in told.data["checks"] if check["id"] == "version")
    assert (version["ok"], version["code"], version["detail"]) == (False, "PAR-006", TEXT)
    assert told.data["checks"][-1] == {**told.data["checks"][-1], "id": "pairing", "ok": True}
    assert (told.data["key"]["status"], told.data["key"]["since"]) == ("insecure", "2026-05-01")
    told = offline("verify", "proof.json", "--history", "--json")
    assert (told.code, told.data["valid"]) == (0, True)
    assert TEXT in told.document["warnings"]
    edit(insecure / "public.json", lambda d: d[::-1])
    assert offline("verify", "proof.json", "--history", "--json").code == 1


def test_a_batch_of_an_insecure_version_is_a_no_except_for_history(offline, insecure) -> None:
    words = ("proof", "batch", "proof.json", "--vk", "verification_key.json")
    told = offline(*words, "--json")
    assert (told.code, told.data["valid"], told.data["invalid"]) == (1, False, [])
    assert [item["code"] for item in told.data["refused"]] == ["PAR-006"]
    assert TEXT in offline(*words).out
    told = offline(*words, "--history", "--json")
    assert (told.code, told.data["valid"], told.data["refused"]) == (0, True, [])
    assert TEXT in told.document["warnings"]


def test_nothing_new_is_proved_or_exported_with_an_insecure_version(offline, insecure) -> None:
    for command in (
        ("proof", "prove", "--zkey", "last.zkey", "--wtns", "c.wtns", "-o", "out"),
        ("proof", "export-solidity", "verification_key.json", "-o", "V.sol"),
    ):
        refused = offline(*command, "--json")
        assert (refused.code, refused.error["code"]) == (5, "PAR-006"), command
    assert not list(insecure.glob("out/*.json"))
    assert not Path("V.sol").exists()


def test_circuit_list_info_and_doctor_say_insecure(offline, folder) -> None:
    assert offline("circuit", "list", "--json").data["circuits"][0]["status"] == "current"
    mark_insecure(folder / "params", "action/1", "2026-05-01", "a wire is free")
    text = "action@1 is INSECURE since 2026-05-01: a wire is free"
    told = offline("circuit", "list", "--json")
    assert told.data["circuits"][0]["status"] == "insecure"
    assert told.document["warnings"] == [text]
    assert "INSECURE" in offline("circuit", "list").out
    told = offline("circuit", "info", "action", "--json")
    assert (told.data["status"], told.data["insecure"]) == ("insecure", text)
    assert text in told.document["warnings"]
    assert text in offline("circuit", "info", "action").out
    told = offline("doctor", "--json")
    assert told.code == 1
    finding = next(c for c in told.document["data"]["checks"] if c["id"] == "parameters")
    assert (finding["ok"], finding["detail"]) == (False, text)


# --- places ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("home", ["unwritable", "empty", "missing"])
def test_verify_needs_no_home(tmp_path, home) -> None:
    """With a HOME that cannot be written to, and with an empty one, which stays empty."""
    places = {"unwritable": Path(os.devnull), "empty": tmp_path / "home", "missing": tmp_path / "x"}
    (tmp_path / "home").mkdir()
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("XDG_", "CHIARO_", "NUMBA_"))
    }
    command = [sys.executable, "-m", "node.cli", "verify", str(PINS / "action-1.proof.json")]
    command += ["--public", str(PINS / "action-1.public.json")]
    command += ["--vk", str(ROOT / "params/dev/action-1.vk.json"), "--json"]
    done = subprocess.run(
        command,
        env=environment | {"HOME": str(places[home]), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert json.loads(done.stdout)["data"]["valid"]
    assert list((tmp_path / "home").iterdir()) == []
    assert not (tmp_path / "x").exists()
