"""`chiaro ceremony` from an empty folder to a verified key and its report."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

from node.cli import output
from node.cli.ceremony_worker import draw_seed
from zk.backends import get
from zk.formats import snarkjs
from zk.formats.ptau import write_ptau
from zk.formats.r1cs import write_r1cs
from zk.formats.zkey import read_zkey
from zk.groth16.ceremony.phase1 import new_powers
from zk.groth16.example import random_circuit

BEACON = "0x" + "ab" * 32


@pytest.fixture(scope="module")
def r1cs(tmp_path_factory):
    path = tmp_path_factory.mktemp("ceremony") / "mine.r1cs"
    write_r1cs(random_circuit(3, rows=9, publics=3)[0], path)
    return path


def test_a_whole_ceremony(offline, tmp_path, r1cs) -> None:
    """Two people and a beacon in each phase; then both files are verified, and reported on."""
    entropy = tmp_path / "entropy"
    entropy.write_text("forty two dice")
    entropy.chmod(0o600)

    def run(*words: object):
        return offline("ceremony", *map(str, words), "--json")

    def contribute(kind: str) -> str:
        hashes = []
        for step, name in ((1, "Ada"), (2, "Bob")):
            source, target = tmp_path / f"{step - 1}.{kind}", tmp_path / f"{step}.{kind}"
            made = run(
                "contribute", source, "-o", target, "--name", name, "--entropy-file", entropy
            )
            assert made.data["number"] == step
            assert any("erased" in warning for warning in made.document["warnings"])
            assert "forty two" not in made.out + made.err
            hashes.append(made.data["hash"])
        final = tmp_path / f"final.{kind}"
        made = run("beacon", tmp_path / f"2.{kind}", "-o", final, "--beacon", BEACON, "--name", "b")
        hashes.append(made.data["hash"])
        return hashes

    assert run("new", "--power", "5", "-o", tmp_path / "0.ptau").data["power"] == 5
    hashes = contribute("ptau")
    powers = run("verify", tmp_path / "final.ptau").data
    assert [c["hash"] for c in powers["contributions"]] == hashes
    assert [c["name"] for c in powers["contributions"]] == ["Ada", "Bob", "b"]
    assert powers["contributions"][2]["beacon"] == BEACON

    first = ("--ptau", tmp_path / "final.ptau", "--r1cs", r1cs)
    started = run("new", *first, "-o", tmp_path / "0.zkey").data
    assert started["circuit"] == "mine"
    hashes = contribute("zkey")
    key = run("verify", tmp_path / "final.zkey", *first).data
    assert [c["hash"] for c in key["contributions"]] == hashes
    quick = run("verify", tmp_path / "final.zkey", *first, "--initial", tmp_path / "0.zkey").data
    assert quick == key

    manifest = tmp_path / "manifest.json"
    about = offline(
        "setup", "manifest", str(tmp_path / "final.zkey"), *map(str, first), "-o", str(manifest),
        "--initial", str(tmp_path / "0.zkey"), "--json",
    ).data  # fmt: skip
    written = json.loads(manifest.read_text())
    assert written == {name: about[name] for name in written}
    assert written["proving_key"] == key["digest"]
    assert [c["hash"] for c in written["contributions"]] == hashes
    vk = tmp_path / "vk.json"
    exported = offline("setup", "export-vk", str(tmp_path / "final.zkey"), "-o", str(vk), "--json")
    assert exported.data["verifying_key"] == written["verifying_key"]
    assert snarkjs.read_verifying_key(vk.read_bytes()).id == written["verifying_key"][2:]
    refused = offline("setup", "export-vk", str(tmp_path / "0.zkey"), "-o", str(vk), "--json")
    assert refused.error["code"] == "PAR-004"

    page = tmp_path / "report.html"
    offline("ceremony", "report", str(tmp_path / "final.zkey"), *map(str, first), "-o", str(page))
    text = page.read_text()
    assert all(digest[2:] in text for digest in hashes)
    assert all(key[name] in text for name in ("r1cs", "verifying_key", "transcript"))
    assert key["transcript"] == written["transcript"]
    assert "<script" not in text

    refused = run("verify", tmp_path / "0.zkey", *first)
    assert (refused.code, refused.error["code"]) == (1, "CER-001")
    other = tmp_path / "other.r1cs"
    write_r1cs(random_circuit(4, rows=9, publics=3)[0], other)
    refused = run(
        "verify", tmp_path / "final.zkey", "--ptau", tmp_path / "final.ptau", "--r1cs", other
    )
    assert refused.code == 1
    assert refused.error["code"] in {"CER-008", "CER-010"}


def test_a_development_key_of_any_circuit(offline, tmp_path, r1cs) -> None:
    target = tmp_path / "dev.zkey"
    made = offline("setup", "dev", "--r1cs", str(r1cs), "-o", str(target), "--json")
    assert "UNSAFE" in made.data["unsafe"]
    assert any("UNSAFE" in warning for warning in made.document["warnings"])
    assert read_zkey(target).verifying_key.id == made.data["verifying_key"][2:]
    assert "UNSAFE" in read_zkey(target).note


REFUSED = {
    "nothing to start": (("new", "-o", "x"), 2, "USE-001"),
    "two things to start": (("new", "--power", "3", "--ptau", "y", "-o", "x"), 2, "USE-001"),
    "no such file": (("contribute", "nowhere", "-o", "x"), 3, "FIL-001"),
    "no such file to verify": (("verify", "nowhere"), 3, "FIL-001"),
    "no hexadecimal": (("beacon", "nowhere", "-o", "x", "--beacon", "zz"), 2, "USE-001"),
    "another file": (("verify", "{r1cs}"), 3, "FMT-010"),
    "a folder to write": (("new", "--power", "1", "-o", "."), 3, "FIL-001"),
    "the root to write": (("new", "--power", "1", "-o", "/"), 3, "FIL-001"),
    "a folder that is not there": (("new", "--power", "1", "-o", "no/x"), 3, "FIL-001"),
    "a long name": (("contribute", "x" * 300, "-o", "x"), 3, "FIL-001"),
    "no text": (("beacon", "f", "-o", "x", "--beacon", "ab", "--name", "\udcff"), 2, "USE-001"),
    "a circuit in phase 1": (("new", "--power", "1", "--circuit", "a", "-o", "x"), 2, "USE-001"),
    "contributing to another file": (("contribute", "{r1cs}", "-o", "x"), 3, "FMT-010"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(offline, tmp_path, monkeypatch, r1cs, name) -> None:
    monkeypatch.chdir(tmp_path)
    words, code, error = REFUSED[name]
    result = offline("ceremony", *(word.format(r1cs=r1cs) for word in words), "--json")
    assert (result.code, result.error["code"]) == (code, error)
    assert [p.name for p in tmp_path.iterdir() if "home" not in p.name] == []  # no partial file


def test_no_module_of_the_current_folder_runs_beside_the_secret(
    offline, tmp_path, monkeypatch
) -> None:
    folder = tmp_path / "trap"
    (folder / "zk").mkdir(parents=True)
    trap = "open('sprung', 'w')\n"
    for name in ("hashlib.py", "secrets.py", "zk/__init__.py"):
        (folder / name).write_text(trap)
    monkeypatch.chdir(folder)
    offline("ceremony", "new", "--power", "1", "-o", "0.ptau", "--json")
    made = offline("ceremony", "contribute", "0.ptau", "-o", "1.ptau", "--json")
    assert made.data["number"] == 1
    assert not (folder / "sprung").exists()


@pytest.mark.parametrize("name", ["[/x]", "[red]x", "\x1b[31mred", "two\nlines", "\u202egnp"])
def test_names_of_strangers_do_nothing_to_a_terminal(offline, tmp_path, name) -> None:
    first, last, page = (str(tmp_path / n) for n in ("0.ptau", "1.ptau", "[x].html"))
    offline("ceremony", "new", "--power", "1", "-o", first)
    offline("ceremony", "beacon", first, "-o", last, "--beacon", BEACON, "--name", name)
    shown = offline("ceremony", "verify", last)
    assert shown.code == 0
    assert "VALID" in shown.out
    assert not set(shown.out) & set("\x1b\u202e")
    assert output.printable(name) in shown.out
    assert offline("ceremony", "report", last, "-o", page).code == 0
    assert offline("proof", "inspect", last).code == 0
    told = offline("ceremony", "verify", last, "--json")
    assert told.data["contributions"][0]["name"] == name


def test_a_seed_depends_on_what_was_typed_and_on_the_system(monkeypatch) -> None:
    assert draw_seed("same") != draw_seed("same")
    monkeypatch.setattr("os.urandom", bytes)
    assert draw_seed("same") == draw_seed("same")
    assert draw_seed("same") != draw_seed("other")


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_a_process_that_is_ended_leaves_nothing(tmp_path, sent) -> None:
    """In the middle of its work: no file, no half of one, no traceback."""
    write_ptau(new_powers(10, get()), tmp_path / "0.ptau")
    command = [sys.executable, "-m", "node.cli.ceremony_worker", tmp_path / "0.ptau"]
    with subprocess.Popen(
        [*command, tmp_path / "1.ptau"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        process.stdin.write(json.dumps({"entropy": "x", "name": ""}))
        process.stdin.close()
        for line in process.stdout:
            if json.loads(line) == {"phase": "tau_g1", "share": 0.0}:
                break
        process.send_signal(sent)
        assert process.wait(60) == 130
        assert process.stderr.read() == ""
    assert [path.name for path in tmp_path.iterdir()] == ["0.ptau"]


def test_the_process_says_what_is_wrong_in_one_line(tmp_path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "node.cli.ceremony_worker", tmp_path / "no", tmp_path / "out"],
        input=json.dumps({"entropy": "secret words", "name": ""}),
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["error"]["id"] == "FIL-001"
    assert "secret words" not in done.stdout + done.stderr
