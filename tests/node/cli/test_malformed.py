"""Every row of docs/formats.md at the command line: the code, the exit code, and no file left."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from malformed import containers, documents, encodings, verifying
from malformed.case import Case, made

from zk.formats import snarkjs

CASES = [
    case
    for case in (*containers.CASES, *documents.CASES, *encodings.CASES)
    if case.command is not None
]


@pytest.fixture
def folder(tmp_path) -> Path:
    """The right documents and the right key beside the malformed file."""
    content = {
        "proof.json": documents.proof(),
        "public.json": documents.public(),
        "verification_key.json": documents.key(),
        "right.zkey": containers.READERS["zkey"][1](),
    }
    for name, data in content.items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


def name_of(case: Case) -> str:
    """Commands tell `.sym` and `.r1cs` from other files by their names."""
    return next((f"file{end}" for end in (".sym", ".r1cs") if end in case.kind), "file")


@pytest.mark.parametrize("case", CASES, ids=[f"{c.kind}: {c.what}" for c in CASES])
def test_each_malformed_file_is_refused_by_its_code(offline, folder, case: Case) -> None:
    places = {
        "FILE": folder / name_of(case),
        "OUT": folder / "out",
        "PROOF": folder / "proof.json",
        "KEY": folder / "verification_key.json",
        "ZKEY": folder / "right.zkey",
    }
    places["FILE"].write_bytes(case.data())
    before = sorted(folder.iterdir())
    told = offline(*(str(places.get(word, word)) for word in case.command), "--json")
    assert (told.code, told.error["code"]) == (case.exit_code, case.code)
    assert told.error["message"]
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize("handed", verifying.HANDED, ids=[h.what for h in verifying.HANDED])
def test_what_verify_answers(offline, folder, handed: verifying.Handed) -> None:
    file = folder / f"{handed.document}.json"
    file.write_text(json.dumps(handed.edit(json.loads(file.read_bytes()))))
    told = offline("verify", str(folder / "proof.json"), "--json")
    assert told.code == handed.exit_code
    if handed.exit_code == 3:
        assert told.error["code"] == handed.code
    else:
        pairing = next(check for check in told.data["checks"] if check["id"] == "pairing")
        assert (told.data["valid"], pairing["code"]) == (not handed.code, handed.code)


def test_another_proof_of_the_same_is_told_to_be_the_same_statement(offline, folder) -> None:
    def said() -> str:
        told = offline("verify", str(folder / "proof.json"))
        assert told.code == 0
        (line,) = [line for line in told.out.splitlines() if "statement" in line]
        return line

    plain = said()
    assert "which has other proofs" in plain
    (folder / "proof.json").write_bytes(snarkjs.dump(verifying.rerandomised()))
    assert said() == plain
    assert made().public
