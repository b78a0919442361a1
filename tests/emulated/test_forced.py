"""Every backend that runs here, forced by the environment: equal answers from equal inputs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from zk import backends

ROOT = Path(__file__).resolve().parents[2]
PLAN = Path(__file__).with_name("plan.py")


def run(name: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(PLAN)],
        env={**os.environ, "PYTHONPATH": str(ROOT), backends.ENV_BACKEND: name},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    return run("reference")


@pytest.mark.parametrize("name", [n for n in backends.DEFAULT_ORDER if n != "reference"])
def test_all_backends_answer_alike(reference, name) -> None:
    if name not in backends.available():
        pytest.skip(f"{name} does not run here")
    said = run(name)
    assert said["backend"] == name
    assert len(said["results"]) > 40
    assert said["results"] == reference["results"]
