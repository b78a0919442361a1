"""The wheel: its contents, and that each of the six names has one owner (docs/adr/0001)."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("circuits", "node", "private_exec", "shielded", "transparent", "zk")

OWNERS = """
import importlib.metadata as m, json, sys
owners = m.packages_distributions()
print(json.dumps({name: owners.get(name) for name in sys.argv[1:]}))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    command = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "-o",
        str(out),
        str(ROOT),
    ]
    subprocess.run(command, check=True, capture_output=True)
    (built,) = out.glob("*.whl")
    return built


def test_wheel_holds_the_six_packages_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
    info = {top for top in tops if top.endswith(".dist-info")}
    assert tops - info == set(PACKAGES)
    assert len(info) == 1


def test_wheel_carries_parameters_licence_and_specs(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert "zk/_params/registry.toml" in names
    assert "zk/_params/dev/action-1.vk.json" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert {"circuits/SPEC.md", "shielded/SPEC.md", "transparent/SPEC.md"} <= names


def test_each_name_has_one_owner_in_a_fresh_environment(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "env", with_pip=False)
    python = tmp_path / "env" / "bin" / "python"
    install = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "--quiet",
        "--no-deps",
        "--no-compile",
        "--no-index",
        str(wheel),
    ]
    subprocess.run(install, check=True, capture_output=True)
    shown = subprocess.run(
        [str(python), "-c", OWNERS, *PACKAGES], check=True, capture_output=True, text=True
    )
    import json

    assert json.loads(shown.stdout) == {name: ["chiaroscuro"] for name in PACKAGES}


def test_no_dependency_owns_one_of_the_six_names() -> None:
    import importlib.metadata

    owners = importlib.metadata.packages_distributions()
    for name in PACKAGES:
        assert set(owners.get(name, [])) <= {"chiaroscuro"}, name
