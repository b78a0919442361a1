"""The frame of the command line: flags, envelope, exit codes, places."""

from __future__ import annotations

import errno
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from node.cli import main as entry
from node.cli import output
from node.cli.session import (
    ConfigError,
    UsageError,
    open_session,
    split_flags,
    write_private,
)


def chiaro(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *words: str
) -> tuple[int, str, str]:
    """Run a command in this process; return exit code, stdout, stderr."""
    monkeypatch.setenv("CHIARO_HOME", str(tmp_path / "home"))
    with pytest.raises(SystemExit) as stopped:
        entry.main(list(words))
    out, err = capsys.readouterr()
    return int(stopped.value.code or 0), out, err


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    return lambda *words: chiaro(capsys, monkeypatch, tmp_path, *words)


def test_global_flags_may_stand_anywhere_but_after_a_double_dash() -> None:
    flags, rest = split_flags(
        ["send", "--json", "5", "--home", "/x", "--node=http://y", "--", "-q"]
    )
    assert flags == {"json": True, "home": "/x", "node": "http://y"}
    assert rest == ["send", "5", "--", "-q"]


def test_a_flag_without_its_value_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="--home needs a value"):
        split_flags(["balance", "--home"])


def test_precedence_flag_environment_project_user(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    home = tmp_path / "home"
    home.mkdir()
    (home / "config.toml").write_text('profile = "user"\nnode = "http://user"\nwallet = "u"\n')
    (tmp_path / "chiaro.toml").write_text('profile = "project"\nnode = "http://project"\n')
    environ = {"CHIARO_HOME": str(home), "CHIARO_PROFILE": "environment"}
    session = open_session({"profile": "flag"}, environ)
    assert (session.profile, session.node, session.wallet) == ("flag", "http://project", "u")
    assert open_session({}, environ).profile == "environment"


@pytest.mark.parametrize("text", ["profile = ", "colour = 'red'", "profile = 3"])
def test_a_malformed_configuration_names_its_file(text: str, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        open_session({"home": str(tmp_path)}, {})
    assert str(tmp_path) in caught.value.where


def test_errors_are_one_json_document_on_stdout(run) -> None:
    for words in (
        ["nope", "--json"],
        ["--json"],
        ["explain", "XX-9", "--json"],
        ["--home", "--json"],
    ):
        code, out, err = run(*words)
        document = json.loads(out)
        assert code == (1 if "XX-9" in words else 2), words
        assert document["ok"] is False
        assert document["error"]["code"]
        assert document["error"]["hint"]
        assert err == ""


def test_errors_for_people_go_to_stderr_with_a_reason_and_a_remedy(run) -> None:
    code, out, err = run("explain", "ENC-0002")
    assert (code, out) == (1, "")
    assert "did you mean ENC-002" in err


def test_explain_knows_error_codes_in_any_case(run) -> None:
    code, out, _ = run("explain", "enc-002", "--json")
    assert code == 0
    assert json.loads(out)["data"]["title"] == "NonCanonical"


def test_config_set_then_get_with_source(run, tmp_path) -> None:
    assert run("config", "set", "node", "http://127.0.0.1:9")[0] == 0
    shown = json.loads(run("config", "get", "--json")[1])["data"]["node"]
    assert shown == {
        "value": "http://127.0.0.1:9",
        "source": str(tmp_path / "home" / "config.toml"),
    }


def test_a_bug_leaves_a_report_without_values(run, monkeypatch, tmp_path) -> None:
    def explode(*_: object) -> None:
        secret = "hunter" + str(2)
        raise RuntimeError(secret)

    monkeypatch.setattr(entry, "build", explode)
    code, out, _ = run("explain", "--json")
    assert code == 70
    report = Path(json.loads(out)["error"]["where"])
    assert report.is_file()
    assert "hunter2" not in report.read_text() + out


def test_a_full_disk_is_no_bug_and_no_traceback(run, monkeypatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(entry, "build", full)
    code, out, err = run("explain", "--json")
    assert (code, json.loads(out)["error"]["code"], err) == (3, "FIL-001", "")
    assert "space on the disk" in json.loads(out)["error"]["hint"]


def test_a_bug_that_cannot_be_reported_is_told_all_the_same(run, monkeypatch) -> None:
    def explode() -> None:
        raise RuntimeError

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(entry, "build", explode)
    monkeypatch.setattr(Path, "write_text", full)
    code, out, err = run("explain", "--json")
    assert (code, json.loads(out)["error"]["code"], err) == (70, "BUG-001", "")
    assert json.loads(out)["error"]["where"] == "no report: No space left on device"


def test_private_files_are_0600_and_atomic(tmp_path) -> None:
    path = tmp_path / "deep" / "secret"
    write_private(path, b"one")
    write_private(path, b"two")
    assert path.read_bytes() == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [item.name for item in path.parent.iterdir()] == ["secret"]


def test_folders_of_private_files_are_0700_at_every_level_that_was_missing(tmp_path) -> None:
    before = os.umask(0o022)
    try:
        (tmp_path / "there").mkdir()
        write_private(tmp_path / "there" / "wallets" / "main" / "keystore.json", b"")
        (tmp_path / "open").mkdir(mode=0o755)
        write_private(tmp_path / "open" / "file", b"")
    finally:
        os.umask(before)
    for name, mode in {
        "there": 0o755,  # not ours to close
        "there/wallets": 0o700,
        "there/wallets/main": 0o700,
        "open": 0o700,  # a secret lies in it now
    }.items():
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == mode, name


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from node.cli.main import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit: pass\n"
        "heavy = {'numba', 'llvmlite', 'galois', 'numpy', 'py_ecc', 'rocksdict', 'starlette'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stderr.strip() == "[]"


def test_a_reader_that_leaves_is_no_error() -> None:
    command = f"{sys.executable} -m node.cli explain | head -1"
    shown = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert shown.stderr == ""


def test_ctrl_c_while_a_module_makes_its_classes_is_130(tmp_path: Path) -> None:
    """Dataclasses are made by `exec` of a text, where CPython takes a plain one for uncaught."""
    (tmp_path / "probe.py").write_text(
        "from node.cli import main\n"
        "main.build = lambda: exec('import signal; signal.raise_signal(signal.SIGINT)')\n"
        "main.main(['status'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "probe"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (130, b"")


STRANGE = "a\x1b[2Jb\x9b1mc\u202ed"


def test_what_strangers_wrote_steers_no_terminal(capsys) -> None:
    session = open_session({}, {"CHIARO_HOME": os.devnull})
    out = output.console(session)
    out.print(f"chain  {STRANGE}", markup=False)
    assert capsys.readouterr().out == "chain  a\\x1b[2Jb\\x9b1mc\\u202ed\n"
    output.emit(session, "x", {"name": STRANGE}, lambda out: out.print(STRANGE, markup=False))
    assert capsys.readouterr().out.strip().isprintable()


def test_json_on_a_terminal_steers_it_as_little(capsys) -> None:
    session = open_session({"json": True}, {"CHIARO_HOME": os.devnull})
    output.emit(session, "x", {"name": STRANGE, "memo": "süß"})
    written = capsys.readouterr().out
    assert written.strip().isprintable()
    assert json.loads(written)["data"] == {"name": STRANGE, "memo": "süß"}
