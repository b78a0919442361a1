"""Another program's opinion of a proof: Ethereum's precompile, or snarkjs.

Documents are handed over as they were checked: canonical, on their curves. What another program
would accept beyond that (see docs/cli.md) never gets there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from node.cli.session import UsageError
from zk.errors import ChiaroError
from zk.formats.itemised import Check

TOOLS: Final = ("evm", "snarkjs")
_SENDER: Final = "0x" + "11" * 20
_SECONDS: Final = 120


class ToolMissing(ChiaroError):
    """A program that was to be asked is not installed."""

    code = "XCH-001"
    exit_code = 2
    why = "an opinion that was asked for is missing"
    fix = "install it, or leave `--with` out"


class ToolFailed(ChiaroError):
    """A program that was asked gave no answer."""

    code = "XCH-002"
    exit_code = 70
    why = "neither a yes nor a no was heard"
    fix = "run the program by hand on the three files"


class Disagrees(ChiaroError):
    """A program that was asked says that the proof does not hold."""

    code = "XCH-003"
    exit_code = 1
    why = "one of two verifiers is wrong about this proof, or it is no proof"
    fix = "reject it, unless the other checks say that it holds: then report the difference"


def cross_check(tool: str, proof: bytes, public: bytes, key: bytes) -> Check:
    """What another program says of three snarkjs documents.

    Raises:
        UsageError: a program that is not known here.
        ToolMissing: it is not installed.
        ToolFailed: it gave no answer.
    """
    if tool == "evm":
        return _evm(proof, public, key)
    if tool == "snarkjs":
        return _snarkjs(proof, public, key)
    raise UsageError(f"--with takes {' or '.join(TOOLS)}, not {tool!r}")


def _evm(proof: bytes, public: bytes, key: bytes) -> Check:
    try:
        import pyrevm  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        raise ToolMissing("pyrevm is not installed", fix="`pip install pyrevm`") from None
    from zk.formats import evm, snarkjs

    question = evm.pairing_input(
        snarkjs.read_verifying_key(key), snarkjs.read_public(public), snarkjs.read_proof(proof)
    )
    target = f"0x{evm.PAIRING_PRECOMPILE:040x}"
    answer = bytes(pyrevm.EVM().message_call(_SENDER, target, calldata=question))
    holds = answer == (1).to_bytes(32, "big")
    if not holds and any(answer):
        raise ToolFailed(f"precompile 0x08 answered 0x{answer.hex()}")
    return Check(
        "evm",
        holds,
        "" if holds else Disagrees.code,
        "precompile 0x08 agrees" if holds else "precompile 0x08 says no",
    )


def _snarkjs(proof: bytes, public: bytes, key: bytes) -> Check:
    command = _snarkjs_command()
    with tempfile.TemporaryDirectory(prefix="chiaro-") as folder:
        names = ("vk.json", "public.json", "proof.json")
        paths = [Path(folder) / name for name in names]
        for path, data in zip(paths, (key, public, proof), strict=True):
            path.write_bytes(data)
        try:
            done = subprocess.run(
                [*command, "groth16", "verify", *map(str, paths)],
                capture_output=True,
                text=True,
                timeout=_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ToolFailed(f"snarkjs gave no answer: {type(error).__name__}") from None
    if done.returncode == 0 and "OK!" in done.stdout:
        return Check("snarkjs", True, "", "groth16 verify agrees")
    if "Invalid proof" in done.stdout:
        return Check("snarkjs", False, Disagrees.code, "groth16 verify says no")
    raise ToolFailed(f"snarkjs ended with {done.returncode}")


def _snarkjs_command() -> list[str]:
    """`snarkjs` of PATH, or the file that CHIARO_SNARKJS names, run by node."""
    named = os.environ.get("CHIARO_SNARKJS", "")
    if named:
        node = shutil.which("node")
        if node is None or not Path(named).is_file():
            raise ToolMissing("node or the file of CHIARO_SNARKJS is not there")
        return [node, named]
    found = shutil.which("snarkjs")
    if found is None:
        raise ToolMissing("snarkjs is not in PATH", fix="`npm install -g snarkjs`")
    return [found]
