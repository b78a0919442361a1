"""`chiaro demo`, whole: a real node, real proofs, the report, and nothing left behind."""

from __future__ import annotations

import io
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from node.cli import demo as command
from node.cli import keystore
from node.cli import main as entry
from node.cli.demo_run import MEMO, PhaseClock
from shielded import disclosure

FILES = {"report.html", "proof.json", "public.json", "verification_key.json"}


@pytest.fixture(scope="module")
def scratch(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("demo")


def chiaro(scratch: Path, *words: str, code: int = 0) -> dict:
    """Run a command with its temporary folders below `scratch`."""
    done = subprocess.run(
        [sys.executable, "-m", "node.cli", "--json", *words],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env=_environment(scratch),
    )
    assert done.returncode == code, (done.stdout, done.stderr)
    return json.loads(done.stdout)


def _environment(scratch: Path) -> dict[str, str]:
    temporary = scratch / "tmp"
    temporary.mkdir(exist_ok=True)
    return {**os.environ, "TMPDIR": str(temporary), "CHIARO_HOME": str(scratch / "home")}


@dataclass
class Story:
    """A run in this process: its document, all that it printed, and the secrets it made."""

    data: dict
    printed: str
    secrets: list[str]


@pytest.fixture(scope="module")
def story(scratch: Path):
    """`chiaro demo --json --out …`, with every secret written down as it is made."""
    found: list[str] = []
    temporary = scratch / "tmp"
    temporary.mkdir(exist_ok=True)

    def recording(function, *texts):
        def wrapped(*words, **named):
            made = function(*words, **named)
            found.extend(text(made) for text in texts)
            return made

        return wrapped

    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setenv("CHIARO_HOME", str(scratch / "home"))
        patch.setattr(tempfile, "tempdir", str(temporary))
        words = (bytes.hex, lambda entropy: " ".join(keystore.to_words(entropy)))
        patch.setattr(keystore, "new_entropy", recording(keystore.new_entropy, *words))
        patch.setattr(secrets, "token_urlsafe", recording(secrets.token_urlsafe, str))
        patch.setattr(secrets, "token_bytes", recording(secrets.token_bytes, bytes.hex))
        patch.setattr(
            disclosure, "create", recording(disclosure.create, lambda made: made.rseed.hex())
        )
        with pytest.raises(SystemExit) as stopped:
            entry.main(["demo", "--out", str(scratch / "out"), "--json"])
    assert not stopped.value.code, out.getvalue()
    document = json.loads(out.getvalue())
    return Story(document["data"], out.getvalue() + err.getvalue(), found)


@pytest.fixture(scope="module")
def shown(story: Story) -> dict:
    return story.data


def test_everything_holds(shown: dict) -> None:
    assert shown["valid"] is True
    proof = shown["proof"]
    assert all(check["ok"] for check in (*proof["checks"], *proof["reference_checks"]))
    assert [check["id"] for check in proof["checks"]][-1] == "pairing"
    assert proof["tampered_refused_by"] == "PRF-001"
    assert sum(clause["rows"] for clause in proof["clauses"]) == proof["rows"]
    assert all(clause["title"] for clause in proof["clauses"])
    assert {"witness", "ntt", "msm_b2", "msm_h"} <= {phase["name"] for phase in proof["phases"]}
    assert shown["disclosure"]["amount"] == shown["transfer"]["amount"] == "4250000"
    assert shown["disclosure"]["memo"] == MEMO
    assert shown["disclosure"]["altered_refused_by"] == "SH-57"
    assert [item["what"] for item in shown["crossings"]] == ["Alice shields", "Bob unshields"]


def test_supply_moves_between_the_pools_and_nothing_else(shown: dict) -> None:
    history = shown["supply"]["history"]
    heights = [point["height"] for point in history]
    assert heights == sorted(set(heights))
    pools = [int(point["shielded"]) for point in history]
    assert pools[0] == 0
    assert max(pools) == 10_000_000
    left_the_faucet = {int(p["public"]) + int(p["shielded"]) for p in history[1:]}
    assert len(left_the_faucet) == 1


def test_the_files_are_there_and_verify(shown: dict, scratch: Path) -> None:
    assert {Path(name).name for name in shown["files"]} == FILES
    assert {path.name for path in (scratch / "out").iterdir()} == FILES
    verified = chiaro(scratch, "verify", str(scratch / "out" / "proof.json"), "--circuit", "action")
    assert verified["data"]["valid"] is True


def test_the_report_has_this_runs_values(shown: dict, scratch: Path) -> None:
    page = (scratch / "out" / "report.html").read_text()
    for value in (shown["transfer"]["tx_id"], shown["transfer"]["nullifiers"][0], MEMO):
        assert value in page
    assert not re.search(r"https?://(?!127\.0\.0\.1)", page)


def test_no_secret_is_printed_or_written(story: Story, scratch: Path) -> None:
    """Entropies, words, passwords, plan seeds, the seed of the disclosed note."""
    assert len(story.secrets) >= 2 * 2 + 2 + 3 + 1
    everything = story.printed + "".join(p.read_text() for p in (scratch / "out").iterdir())
    for secret in story.secrets:
        assert secret not in everything


def test_nothing_is_left_behind(shown: dict, scratch: Path) -> None:
    assert shown["kept"] is None
    assert list((scratch / "tmp").iterdir()) == []
    assert not (scratch / "home").exists()


def test_the_next_commands_are_for_three_kinds_of_people(shown: dict, scratch: Path) -> None:
    assert [item["for"] for item in shown["next"]] == ["a user", "an auditor", "a researcher"]
    assert shown["next"][1]["command"] == f"chiaro verify {scratch / 'out'}/proof.json"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_stops_its_node_and_removes_its_folder(number, tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "node.cli", "--json", "demo"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=_environment(tmp_path),
    )
    temporary = tmp_path / "tmp"
    found: list[Path] = []
    try:
        for _ in range(600):
            found = list(temporary.glob("*/state/node.json"))
            if found or child.poll() is not None:
                break
            time.sleep(0.1)
        pid = json.loads(found[0].read_text())["pid"]
        child.send_signal(number)
        child.communicate(timeout=60)
    finally:
        child.kill()
        child.wait()
    assert child.returncode == 130
    assert list(temporary.iterdir()) == []
    assert not _is_node(pid)


def _is_node(pid: int) -> bool:
    """Whether a process of this id still runs a node; a zombie has no command line."""
    try:
        return b"node.app" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def test_kept_folders_are_private_and_others_are_removed_after_failures() -> None:
    with command._folder(keep=True) as folder:
        assert folder.stat().st_mode & 0o077 == 0
    assert folder.is_dir()
    folder.rmdir()

    def fail() -> None:
        with command._folder(keep=False) as made:
            (made / "file").write_text("x")
            assert made.parent == Path(tempfile.gettempdir())
            gone.append(made)
            raise RuntimeError

    gone: list[Path] = []
    with pytest.raises(RuntimeError):
        fail()
    assert not gone[0].exists()


def test_places_that_cannot_be_written_to_are_refused_before_any_work(scratch: Path) -> None:
    file = scratch / "file"
    file.write_text("")
    assert chiaro(scratch, "demo", "--out", str(file), code=2)["error"]["code"] == "USE-001"
    assert chiaro(scratch, "demo", "--open", code=2)["error"]["code"] == "USE-001"


def test_the_clock_of_phases_counts_from_zero_to_one() -> None:
    clock = PhaseClock()
    clock("ntt", 0.0)
    clock("ntt", 0.5)
    assert clock.seconds == {}
    clock("ntt", 1.0)
    assert set(clock.seconds) == {"ntt"}
    clock.restart()
    assert clock.seconds == {}
