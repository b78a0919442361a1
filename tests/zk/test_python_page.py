"""docs/python.md: its code runs as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from zk.backends import get
from zk.formats.wtns import write_wtns
from zk.formats.zkey import write_zkey
from zk.groth16.example import random_circuit
from zk.groth16.setup import UnsafeDevSetup

PAGE = Path(__file__).parents[2] / "docs/python.md"


def test_the_page_runs(tmp_path, monkeypatch, capsys) -> None:
    shape, assignment = random_circuit(3, rows=9, publics=3)
    write_zkey(UnsafeDevSetup().run(shape, get()), tmp_path / "circuit.zkey")
    write_wtns(assignment, tmp_path / "witness.wtns")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 6
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)  # noqa: S102
    printed = capsys.readouterr().out
    assert "(1,)" in printed
    assert "msm_b2" in printed
    assert "FMT-012 2 " in printed
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "proof.json",
        "public.json",
        "verification_key.json",
    ]
    for name in ("proof.gnark", "proof.ark", "Verifier.sol"):
        assert (tmp_path / name).stat().st_size > 100


def test_what_the_page_names_exists() -> None:
    for name in re.findall(r"`(zk(?:\.\w+)+)`", PAGE.read_text(encoding="utf-8")):
        module, _, member = name.rpartition(".")
        try:
            __import__(name)
        except ImportError:
            assert hasattr(__import__(module, fromlist=[member]), member), name


@pytest.mark.parametrize("word", ["ntt", "msm_a", "msm_b1", "msm_b2", "msm_c", "msm_h", "verify"])
def test_the_page_names_every_phase(word) -> None:
    assert word in PAGE.read_text(encoding="utf-8")
