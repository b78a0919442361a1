"""The committed vectors are what their oracles say today."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
from pathlib import Path
from types import ModuleType

import pytest

HERE = Path(__file__).resolve().parent


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("vector_generator", HERE / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.oracle_snarkjs
def test_regeneration_changes_nothing(tmp_path: Path) -> None:
    module = generator()
    if shutil.which("node") is None or not (module.MODULES / "circomlibjs").is_dir():
        pytest.skip("needs node and circomlibjs (make oracles)")
    module.main(tmp_path)
    made = sorted(p.name for p in tmp_path.iterdir())
    assert len(made) == 6
    for name in made:
        assert (tmp_path / name).read_bytes() == (HERE / name).read_bytes(), name


def test_every_file_made_here_names_its_source_and_its_oracle() -> None:
    """And README.md lists it."""
    module, readme = generator(), (HERE / "README.md").read_text()
    names = re.findall(r'"(\w+\.json)"', (HERE / "generate.py").read_text())
    files = [n for n in names if n != "package.json"]
    assert len(files) == 6
    for name in files:
        document = json.loads((HERE / name).read_text())
        assert document["source"] == module.COMMAND
        assert document["oracle"]
        assert f"`{name}`" in readme


def test_files_of_foreign_provers_name_their_source_and_their_pinned_oracle() -> None:
    readme = (HERE / "README.md").read_text()
    pins = {"gnark": ("go.mod", "go.sum"), "arkworks": ("Cargo.toml", "Cargo.lock")}
    for name, files in pins.items():
        document = json.loads((HERE / f"{name}.json").read_text())
        assert document["source"] == "python tests/vectors/foreign.py"
        versions = re.findall(r"\d+\.\d+\.\d+", document["oracle"])
        pinned = (HERE / name / files[0]).read_text()
        assert versions
        assert all(version in pinned for version in versions)
        assert (HERE / name / files[1]).exists()
        assert f"`{name}.json`" in readme
