"""`chiaro private rehearse` and `verify`: liars in a session, and an auditor with one file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from node.cli.private_proofs import PROVIDED
from node.cli.session import UsageError, utf8
from private_exec.errors import LinkRefused
from private_exec.provable.document import parse
from private_exec.provable.errors import MalformedTransition, TransitionRefused
from private_exec.provable.transition import Provable
from zk import backends
from zk.formats import snarkjs
from zk.groth16.setup import UNSAFE_STAMP

WORDS = ("private", "rehearse", "auction", "--size", "bidders=2")


_MADE: dict[str, Any] = {}


@pytest.fixture
def rehearsed(offline: Any, made: Path) -> Any:
    """What the command said, once for all tests of this file."""
    if not made.exists():
        _MADE["data"] = offline(*WORDS, "--liars", "1", "-o", str(made), "--json").data
    return _MADE["data"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("transition") / "proof.json"


def test_a_lying_member_is_named_and_changes_nothing(offline: Any, rehearsed: Any) -> None:
    honest = offline(*WORDS, "--json").data
    assert (rehearsed["liars"], rehearsed["named"], honest["named"]) == ([1], [1], [])
    assert rehearsed["outputs"] == honest["outputs"]
    assert set(rehearsed["outputs"]) == {"winner", "price"}
    assert rehearsed["proof_bytes"] == 160 + 32 * (6 + 11)


def test_more_liars_than_t_end_it(offline: Any) -> None:
    refused = offline(*WORDS, "--liars", "2", "--json")
    assert (refused.code, refused.error["code"]) == (7, "PV-13")


def test_an_auditor_verifies_the_file_alone(offline: Any, rehearsed: Any, made: Path) -> None:
    found = offline("private", "verify", str(made), "--json")
    assert found.code == 0
    assert found.data["valid"] is True
    assert (found.data["cells_read"], found.data["cells_made"]) == (3, 2)
    assert found.data["development_key"] is True
    assert "this project's tools only" in found.data["note"]
    assert found.data["claim"].endswith(PROVIDED)
    assert "published" in " ".join(found.document["warnings"])


def test_a_key_may_be_given(offline: Any, rehearsed: Any, made: Path, tmp_path: Path) -> None:
    provable = Provable.unsafe(parse(made.read_bytes(), "").program, backends.get())
    for stamp, unsafe in ((UNSAFE_STAMP, True), ("", False)):
        key = snarkjs.verifying_key_document(provable.verifying_key, unsafe=stamp)
        (tmp_path / "vk.json").write_bytes(snarkjs.dump(key))
        found = offline("private", "verify", str(made), "--vk", str(tmp_path / "vk.json"), "--json")
        assert found.data["development_key"] is unsafe


def test_another_key_is_refused(offline: Any, rehearsed: Any, made: Path, tmp_path: Path) -> None:
    from private_exec.programs.library import program

    provable = Provable.unsafe(program("auction").at(bidders=3), backends.get())
    key = snarkjs.verifying_key_document(provable.verifying_key)
    (tmp_path / "vk.json").write_bytes(snarkjs.dump(key))
    refused = offline("private", "verify", str(made), "--vk", str(tmp_path / "vk.json"), "--json")
    assert (refused.code, refused.error["code"]) == (1, "PV-78")


def test_a_ceremonys_key_serves_any_profile(offline: Any, tmp_path: Path) -> None:
    """The circuit as exported, a key with a contribution, a proof under it, verified under it."""
    from private_exec.programs.library import program
    from zk.formats.r1cs import read_r1cs
    from zk.formats.zkey import write_zkey
    from zk.groth16.ceremony import phase2

    circuit, zkey, vk, proof = (
        tmp_path / name for name in ("a.r1cs", "a.zkey", "vk.json", "proof.json")
    )
    told = offline(
        "private", "export", "auction", "--size", "bidders=2", "-o", str(circuit), "--json"
    )
    provable = Provable.unsafe(program("auction").at(bidders=2), backends.get())
    shape = read_r1cs(circuit).shape
    assert (shape.rows, shape.wires) == (told.data["rows"], told.data["wires"])
    assert "0x" + shape.digest.hex() == told.data["digest"]
    assert told.data["hidden"] == told.data["public_inputs"] - 1

    key, _ = phase2.contribute(provable.key, backends.get(), seed=bytes(32), name="outsider")
    write_zkey(replace(key, note=""), zkey)
    vk.write_bytes(snarkjs.dump(snarkjs.verifying_key_document(key.verifying_key)))
    played = offline("--profile", "other", *WORDS, "--zkey", str(zkey), "-o", str(proof), "--json")
    assert played.document["warnings"] == []
    checked = offline(
        "--profile", "other", "private", "verify", str(proof), "--vk", str(vk), "--json"
    )
    assert checked.data["development_key"] is False
    wrong = offline("private", "verify", str(proof), "--json")
    assert (wrong.code, wrong.error["code"]) == (1, "PV-63")
    write_zkey(provable.key, zkey)
    unsafe = snarkjs.verifying_key_document(provable.verifying_key, unsafe=UNSAFE_STAMP)
    vk.write_bytes(snarkjs.dump(unsafe))
    for words in (
        (*WORDS, "--zkey", str(zkey)),
        ("private", "verify", str(proof), "--vk", str(vk)),
    ):
        refused = offline("--profile", "other", *words, "--json")
        assert (refused.code, refused.error["code"]) == (5, "PAR-005")
    for words in (WORDS, ("private", "verify", str(proof))):
        refused = offline("--profile", "other", *words, "--json")
        assert (refused.code, refused.error["code"]) == (2, "USE-001")


def change(made: Path, **values: Any) -> bytes:
    return json.dumps(json.loads(made.read_text()) | values).encode()


def test_pv68_a_changed_file_is_refused(rehearsed: Any, made: Path) -> None:
    """Cells in another order, another session: the link is not about them."""
    good = json.loads(made.read_text())
    key = Provable.unsafe(parse(made.read_bytes(), "").program, backends.get()).verifying_key
    parse(made.read_bytes(), "").verify(key, backends.get())
    for values in (
        {"inputs": good["inputs"][::-1]},
        {"outputs": good["outputs"][::-1]},
        {"session": "0x" + "00" * 32},
        {"inputs": good["outputs"] + good["inputs"][:1], "outputs": good["inputs"][1:]},
    ):
        with pytest.raises(LinkRefused):
            parse(change(made, **values), "").verify(key, backends.get())
    with pytest.raises(TransitionRefused) as caught:
        parse(change(made, digest="0x" + "00" * 32), "")
    assert (caught.value.rule, type(caught.value)) == ("PV-68", TransitionRefused)
    with pytest.raises(TransitionRefused) as caught:
        parse(change(made, program="lottery\x1b[2J"), "")
    assert (caught.value.rule, type(caught.value)) == ("PV-68", TransitionRefused)
    assert "lottery" not in str(caught.value)


def test_pv68_cells_are_counted_before_a_program_is_traced(
    rehearsed: Any, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small file must not ask for the longest program that there is."""
    from private_exec.programs.program import PrivateProgram

    monkeypatch.setattr(PrivateProgram, "at", lambda *_, **__: pytest.fail("it was traced"))
    most = {"program": "darkpool", "sizes": {"orders": 255, "ticks": 255}}
    for values in (most, {"sizes": {"bidders": 255}}):
        with pytest.raises(MalformedTransition) as caught:
            parse(change(made, **values), "")
        assert caught.value.rule == "PV-68"


def test_pv232_a_program_of_many_prices_is_not_traced(
    offline: Any, rehearsed: Any, made: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Cells bound orders, but prices are no cells."""
    from private_exec.programs.program import PrivateProgram

    point = json.loads(made.read_text())["inputs"][0]
    many = {"program": "darkpool", "sizes": {"orders": 63, "ticks": 17}}
    file = change(made, **many, inputs=[point] * 189, outputs=[point] * 64)
    with monkeypatch.context() as watched:
        watched.setattr(PrivateProgram, "at", lambda *_, **__: pytest.fail("it was traced"))
        with pytest.raises(MalformedTransition) as caught:
            parse(file, "")
    assert caught.value.rule == "PV-232"
    monkeypatch.setattr("private_exec.provable.document.MAX_WORK", 1)
    refused = offline(*WORDS, "-o", str(tmp_path / "proof.json"), "--json")
    assert (refused.code, refused.error["code"]) == (3, "PV-232")


def test_pv68_what_is_no_transition_is_refused(rehearsed: Any, made: Path) -> None:
    good = json.loads(made.read_text())
    broken = [
        b"", b"[]", b"{}", b"null", b"{" * 10_000,
        change(made, more=1),
        change(made, schema="chiaro.transition/2"),
        change(made, program=7),
        change(made, sizes=[]),
        change(made, sizes={"bidders": True}),
        change(made, sizes={"bidders": 0}),
        change(made, sizes={"bidders": 100_000}),
        change(made, sizes={"self": 1}),
        change(made, sizes={}),
        change(made, session="0x00"),
        change(made, session=good["session"].upper()),
        change(made, session=good["session"][2:]),
        change(made, inputs="0x"),
        change(made, inputs=[1]),
        change(made, inputs=["0x" + "ff" * 32]),
        change(made, inputs=["0x" + "00" * 31 + "40"]),
        change(made, inputs=good["inputs"] * 200),
        change(made, inputs=good["inputs"][:2]),
        change(made, proof=good["proof"][:-2]),
        change(made, proof="0x" + "ff" * 160),
        change(made, link=good["link"] + "00"),
        change(made, link="0x" + "ff" * ((len(good["link"]) - 2) // 2)),
    ]  # fmt: skip
    for data in broken:
        with pytest.raises(MalformedTransition) as caught:
            parse(data, "somewhere")
        assert (caught.value.rule, caught.value.where) == ("PV-68", "somewhere")


@pytest.mark.parametrize(
    ("words", "exit_code", "code"),
    [
        (("rehearse", "lottery"), 1, "PRG-003"),
        (("rehearse", "auction", "--members", "5"), 2, "USE-001"),
        (("rehearse", "auction", "--liars", "9"), 2, "USE-001"),
        (("verify", "{missing}"), 3, "FIL-001"),
    ],
)
def test_refusals(offline: Any, tmp_path: Path, words: Any, exit_code: Any, code: Any) -> None:
    refused = offline(
        "private", *(word.format(missing=tmp_path / "missing") for word in words), "--json"
    )
    assert (refused.code, refused.error["code"]) == (exit_code, code)


def test_a_lone_surrogate_is_no_text(offline: Any) -> None:
    """What Python makes of a byte of an argument that is no UTF-8."""
    told = offline.json(*WORDS, "--draw", "\udcff")
    assert told.code == 2, told.out
    with pytest.raises(UsageError, match="no Unicode"):
        utf8("\udcff", "--item")
