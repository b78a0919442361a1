"""What docs/production hands to an operator works: units, alerts."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "production"
PAGE = ROOT / "docs" / "production.md"
PROGRAMS = re.compile(r"/opt/chiaro/\S+/(?:chiaro|cometbft)")


def verify(folder: Path) -> str:
    """What `systemd-analyze verify` has to say of the units in a folder."""
    ended = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, sorted(folder.glob("*.service")))],
        env={"SYSTEMD_UNIT_PATH": f"{folder}:"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return "\n".join(line for line in ended.stderr.splitlines() if str(folder) in line)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    units = sorted(FOLDER.glob("*.service"))
    assert len(units) == 3
    for unit in units:
        text, replaced = PROGRAMS.subn("/bin/true", unit.read_text())
        assert replaced, unit.name
        (tmp_path / unit.name).write_text(text)
    assert verify(tmp_path) == ""
    first = tmp_path / units[0].name
    first.write_text(first.read_text().replace("KillSignal", "KillSignals"))
    assert "KillSignals" in verify(tmp_path)


@pytest.mark.parametrize("unit", sorted(path.name for path in FOLDER.glob("*.service")))
def test_commands_of_units_exist_and_carry_no_secret(unit: str) -> None:
    import typer

    from node.cli import main as entry

    text = (FOLDER / unit).read_text()
    command = re.search(r"^ExecStart=\S*/chiaro (.+)$", text, re.M)
    if command is None:
        assert "cometbft start --home" in text
        return
    words = [word for word in command[1].split() if not word.startswith("-")]
    tree = typer.main.get_command(entry.build())
    assert any(
        name in words and getattr(group, "commands", {}).keys() & set(words)
        for name, group in tree.commands.items()
    )
    assert "Environment=" in text
    assert not re.search(r"(?i)(secret|token|key)=", text)


def test_alerts_ask_for_what_is_measured() -> None:
    listed = set(re.findall(r"^\| `(chiaro_[a-z_]+)`", PAGE.read_text(encoding="utf-8"), re.M))
    text = (FOLDER / "alerts.yml").read_text()
    asked = set(re.findall(r"chiaro_[a-z_]+", text))
    names = {re.sub(r"_(bucket|sum|count)$", "", name) for name in asked}
    assert names
    assert names <= listed
