"""`chiaro up`, `status`, `logs`, `down`: a real process, found again through its state folder."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from node.app import process
from node.cli import local, ports
from node.cli import main as entry
from node.cli.session import DEFAULT_NODE, Places, open_session


@pytest.fixture
def run(tmp_path, capsys):
    """`chiaro --home … --json …`: exit code and document."""

    def chiaro(*words: str) -> tuple[int, dict]:
        with pytest.raises(SystemExit) as stopped:
            entry.main(["--home", str(tmp_path / "home"), "--json", *words])
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == 1
        return int(stopped.value.code or 0), json.loads(lines[0])

    yield chiaro
    places = Places.of(str(tmp_path / "home"))
    process.stop(places.node, places.state)


def _ended(pid: int) -> bool:
    """Whether a child of ours has ended, within ten seconds."""
    for _ in range(200):
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def test_rpc62_a_node_without_an_explorer_says_so(run) -> None:
    assert run("up", "--port", "0", "--no-explorer")[0] == 0
    code, refused = run("explorer", "--open")
    assert code == 1
    assert refused["error"]["message"] == "this node serves no explorer"


def test_a_node_from_up_to_down(run, tmp_path) -> None:
    code, started = run("up", "--port", "0")
    assert code == 0
    data = started["data"]
    assert data["port"] != 0
    assert any("published" in text for text in started["warnings"])

    # Later commands find it, whatever its port.
    home = str(tmp_path / "home")
    session = open_session({"home": home}, {})
    assert session.node == data["url"] != DEFAULT_NODE
    assert session.settings["node"][1].endswith("node.json")
    elsewhere = open_session({"home": home, "node": "http://127.0.0.1:9"}, {})
    assert elsewhere.node == "http://127.0.0.1:9"

    code, pages = run("explorer")
    assert (code, pages["data"]["url"]) == (0, data["url"] + "/explorer")
    assert pages["data"]["opened"] is False

    code, status = run("status")
    assert code == 0
    assert (status["data"]["pid"], status["data"]["url"]) == (data["pid"], data["url"])
    assert status["data"]["chain_id"] == data["chain_id"]
    assert (status["data"]["height"], status["data"]["ready"]) == (0, True)
    assert status["data"]["faucet"] == data["faucet"]

    code, again = run("up", "--port", "0")
    assert (code, again["error"]["code"]) == (5, "APP-003")
    assert data["url"] in again["error"]["message"]

    code, log = run("logs", "-n", "50")
    assert code == 0
    assert [line["event"] for line in log["data"]["lines"]] == ["chain open", "ready"]
    assert len(run("logs", "-n", "1")[1]["data"]["lines"]) == 1

    code, down = run("down")
    assert (code, down["data"]["stopped"], down["data"]["pid"]) == (0, True, data["pid"])
    assert _ended(data["pid"])
    assert run("down")[1]["data"] == {"stopped": False, "pid": None, "url": None, "erased": False}
    assert open_session({"home": home}, {}).node == DEFAULT_NODE

    # The chain is still there, until it is erased, and that wants a yes.
    assert run("down", "--erase")[1]["error"]["code"] == "USE-002"
    assert (tmp_path / "home" / "node").is_dir()
    assert run("down", "--erase", "--yes")[1]["data"]["erased"] is True
    assert not (tmp_path / "home" / "node").exists()


def test_in_the_foreground_a_signal_ends_it_gracefully(tmp_path) -> None:
    home = tmp_path / "home"
    words = ["--home", str(home), "up", "--foreground", "--port", "0"]
    child = subprocess.Popen(
        [sys.executable, "-m", "node.cli", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    state = home / "state"
    try:
        for _ in range(600):
            if process.NodeProcess.read(state) is not None or child.poll() is not None:
                break
            time.sleep(0.1)
        found = process.NodeProcess.read(state)
        assert found is not None
        assert found.pid == child.pid
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=60)
    finally:
        child.kill()
        child.wait()
    assert child.returncode == 0, err
    assert out == ""
    assert "ready  url=http://127.0.0.1:" in err
    assert "stopped" in err
    assert process.NodeProcess.read(state) is None


def test_a_port_in_use_is_refused_with_the_name_of_its_holder(run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, refused = run("up", "--port", str(port))
        assert (code, refused["error"]["code"]) == (5, "LOC-001")
        if Path("/proc/net/tcp").exists():
            assert f"pid {os.getpid()}" in refused["error"]["message"]
        code, refused = run("up", "--node", f"http://127.0.0.1:{port}")
        assert refused["error"]["code"] == "LOC-001"


def test_a_port_that_nobody_holds_is_free_and_its_holder_unknown() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    ports.check_free(port)
    assert ports.holder(port) == "another program"


def test_up_is_for_development_chains_only(run) -> None:
    code, refused = run("up", "--profile", "main")
    assert (code, refused["error"]["code"]) == (2, "USE-001")
    assert "profile main" in refused["error"]["message"]


def test_status_without_a_node_is_exit_6_and_logs_without_one_a_no(run) -> None:
    assert run("status", "--node", "http://127.0.0.1:9")[0] == 6
    assert run("logs")[0] == 1


def test_a_process_file_that_is_damaged_is_as_none(tmp_path) -> None:
    state = tmp_path / "home" / "state"
    state.mkdir(parents=True)
    (state / "node.json").write_text("{")
    assert open_session({"home": str(tmp_path / "home")}, {}).node == DEFAULT_NODE


def test_log_lines_for_people() -> None:
    line = '{"time": "2026-01-02T03:04:05.678+00:00", "level": "info", "source": "node.app", '
    entry_ = json.loads(line + '"event": "block", "height": 3}')
    assert local.log_line(entry_) == "2026-01-02 03:04:05  block  height=3"
    loud = {"level": "error", "event": "stopped", "traceback": "Traceback"}
    assert local.log_line(loud) == "ERROR  stopped\nTraceback"
    assert local.log_line({"event": "not JSON at all"}) == "not JSON at all"


def test_following_a_log_goes_on_when_the_file_is_turned_over(tmp_path) -> None:
    path = tmp_path / "node.log"
    path.write_text("old\n")
    lines = local._following(path, 0)
    assert next(lines) == "old\n"
    with path.open("a") as file:
        file.write("half ")
        file.flush()
        file.write("and half\n")
    assert next(lines) == "half and half\n"
    path.rename(tmp_path / "node.log.1")
    path.write_text("new\n")
    assert next(lines) == "new\n"
    lines.close()
