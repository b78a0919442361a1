from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
SNARKJS = ROOT / ".cache/js/node_modules/snarkjs/cli.js"

Snarkjs = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def snarkjs() -> Snarkjs:
    """Runs snarkjs; skips where it or node is missing (`make oracles` installs it)."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    if not SNARKJS.exists():
        pytest.skip("snarkjs is not installed: run `make oracles`")

    def run(*arguments: object, ok: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [node, SNARKJS, *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        if ok:
            assert done.returncode == 0, done.stdout + done.stderr
        return done

    return run
