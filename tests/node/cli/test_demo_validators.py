"""`chiaro demo validators`: real CometBFT; one validator lies, another is killed."""

from __future__ import annotations

import contextlib
import io
import json
import os
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from node.cli import main as entry
from node.cli.demo_intents_people import GIVEN, METAL
from node.consensus.cometbft import home
from node.consensus.cometbft.home import binary


def run(scratch: Path, *arguments: str) -> tuple[int, dict, str]:
    """Exit code, document, and what was said to people."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setenv("CHIARO_HOME", str(scratch / "home"))
        with pytest.raises(SystemExit) as stopped:
            entry.main(["demo", "validators", "--json", *arguments])
    return stopped.value.code or 0, json.loads(out.getvalue()), err.getvalue()


def test_without_the_engine_it_says_what_is_missing(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(home, "binary", lambda: None)
    code, document, _ = run(tmp_path)
    assert code == 70
    assert "CometBFT" in document["error"]["message"]
    assert "make cometbft" in document["error"]["hint"]


@pytest.mark.skipif(
    binary() is None, reason="CometBFT is not here: `make cometbft`, which needs Go"
)
@pytest.mark.oracle_cometbft
def test_a_ring_settles_though_one_is_killed_and_another_lies(tmp_path: Path) -> None:
    before = set(Path(tempfile.gettempdir()).iterdir())
    code, document, _ = run(tmp_path, "--out", str(tmp_path / "out"))
    assert code == 0, document
    data = document["data"]
    assert data["valid"] is True
    for one in data["parties"]:
        kept = {one["gives"]["asset"]: str(METAL - GIVEN), one["wants"]["asset"]: str(GIVEN)}
        assert one["after"] == kept
    killed, liar = data["killed_validator"], data["faulty_validator"]
    assert killed["without"] > 0
    assert killed["killed"] < killed["stood"] < killed["back"]
    assert liar["wrong_shares"] > 0
    moments = {moment["id"]: moment["height"] for moment in data["batch"]["moments"]}
    assert moments["closed"] == killed["stood"] < moments["opened"] <= moments["settled"]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"report.html", "chain.bundle"}
    left = {path.name for path in set(Path(tempfile.gettempdir()).iterdir()) - before}
    assert not [name for name in left if name.startswith(("cd", "chiaro-demo-"))]
    assert not nodes()


def nodes() -> list[str]:
    """Command lines of nodes of this story that run."""
    found = []
    for entry_ in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            line = (entry_ / "cmdline").read_bytes()
            if b"--home\0" + os.fsencode(tempfile.gettempdir()) + b"/cd" in line:
                found.append(line.decode())
    return found
