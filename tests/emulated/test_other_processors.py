"""All of `zk`, with Python, NumPy and LLVM, on processors that this one is not: under qemu-user.

x86-64 needs `qemu-x86_64` and nothing else, since this very interpreter runs on the emulated
processor. aarch64 needs `qemu-aarch64` and an aarch64 Python with NumPy, gmpy2, llvmlite,
platformdirs and filelock: `python tests/emulated/fetch.py` puts them into `.cache/aarch64`.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from zk import params

ROOT = Path(__file__).resolve().parents[2]
PLAN = Path(__file__).with_name("plan.py")
AARCH64 = ROOT / ".cache/aarch64"

pytestmark = pytest.mark.slow


def run(command: list[str], **environment: str) -> dict[str, Any]:
    done = subprocess.run(
        command,
        env={**os.environ, "CHIARO_PARAMS": str(params.root()), **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def expected() -> dict[str, str]:
    """What the portable kernels say on this very processor; other tests compare them."""
    found: dict[str, str] = run([sys.executable, str(PLAN), "portable"], PYTHONPATH=str(ROOT))[
        "results"
    ]
    assert len(found) > 40
    return found


def emulator(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is missing: install the package qemu-user")
    return found


@pytest.mark.parametrize(
    ("processor", "backend"),
    [("Nehalem", "portable"), ("Haswell", "fma")],
    ids=["x86-64-v2, no AVX", "x86-64-v3"],
)
def test_other_processors_of_x86(tmp_path, expected, processor, backend) -> None:
    """NumPy's own wheels need x86-64-v2, so nothing older is worth a try."""
    if platform.machine() != "x86_64":
        pytest.skip("runs this interpreter, which is not one for x86-64")
    command = [emulator("qemu-x86_64"), "-cpu", processor, sys.executable, str(PLAN)]
    said = run(command, CHIARO_CACHE=str(tmp_path), CHIARO_BACKEND="", PYTHONPATH=str(ROOT))
    assert said["cpu"] == processor.lower()
    assert said["backend"] == backend
    assert "ifma" not in said["available"]
    assert said["results"] == expected


def test_a_name_that_the_processor_cannot_run_is_refused() -> None:
    """In a process that has no AVX at all; LLVM would have ended it."""
    if platform.machine() != "x86_64":
        pytest.skip("runs this interpreter, which is not one for x86-64")
    code = (
        "from zk import backends\nfrom zk.errors import BackendUnavailable\n"
        "for name in ('ifma', 'fma'):\n"
        "    try:\n        backends.get(name)\n"
        "    except BackendUnavailable as error:\n        print(error.message)\n"
    )
    done = subprocess.run(
        [emulator("qemu-x86_64"), "-cpu", "Nehalem", sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    ifma, fma = done.stdout.splitlines()
    assert ifma.startswith("the backend 'ifma' cannot run here: this processor lacks avx512f")
    assert fma == "the backend 'fma' cannot run here: this processor lacks avx2, fma"


def test_aarch64(tmp_path, expected) -> None:
    found = [
        path
        for path in sorted(AARCH64.glob("root/usr/bin/python3.*"))
        if path.name.removeprefix("python3.").isdigit()
    ]
    if not found:
        pytest.skip("no Python for aarch64: run `python tests/emulated/fetch.py`")
    path = os.pathsep.join((str(ROOT), str(AARCH64 / "site")))
    command = [emulator("qemu-aarch64"), "-L", str(AARCH64 / "root"), str(found[0]), str(PLAN)]
    said = run(command, CHIARO_CACHE=str(tmp_path), CHIARO_BACKEND="", PYTHONPATH=path)
    assert said["machine"] == "aarch64"
    assert said["available"] == ["portable", "reference"]
    assert said["backend"] == "portable"
    assert said["results"] == expected
