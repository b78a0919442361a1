"""Which entries of a corpus are worth keeping: few and small ones that reach what all reach."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path
from types import FrameType
from typing import Any

from fuzzing.target import Broken, Target

MOST = 10
"""Entries of one reader."""
LARGEST = 4096
PRICE = 512
"""Bytes of an entry for each step that it adds: larger ones say too little."""
PACKAGES = tuple(
    f"/{name}/"
    for name in (
        "zk/formats",
        "zk/groth16",
        "zk/r1cs",
        "zk/curve",
        "node",
        "shielded",
        "private_exec",
    )
)
OTHERS = (
    "/zk/jsontext.py",
    "/circuits/lab/audit.py",
    "/circuits/lab/reasons.py",
    "/transparent/transaction.py",
)

Step = tuple[str, int, int]


def reached(target: Target, data: bytes) -> tuple[set[Step], str]:
    """Steps from line to line, and the code of the refusal."""
    found: set[Step] = set()

    def trace(frame: FrameType, event: str, _argument: Any) -> Any:
        name = frame.f_code.co_filename
        if event != "call" or not (name.endswith(OTHERS) or any(p in name for p in PACKAGES)):
            return None
        last = -frame.f_code.co_firstlineno

        def line(frame: FrameType, event: str, _argument: Any) -> Any:
            nonlocal last
            if event == "line":
                found.add((name, last, frame.f_lineno))
                last = frame.f_lineno
            return line

        return line

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        code = target.check(data)
    finally:
        sys.settrace(before)
    return found, code


def keep(target: Target, sources: Iterable[Path], into: Path) -> int:
    """Choose entries greedily, those that add most first, small ones before large ones.

    Args:
        target: whose corpus it is.
        sources: folders of entries.
        into: where the chosen ones go; others there are removed.

    Returns:
        How many were chosen.
    """
    contents = {
        path.read_bytes()
        for folder in sources
        if folder.is_dir()
        for path in folder.iterdir()
        if path.stat().st_size <= LARGEST
    }
    covered: dict[bytes, set[Step | str]] = {}
    for data in sorted(contents, key=lambda data: (len(data), data)):
        try:
            steps, code = reached(target, data)
        except Broken:
            continue  # a finding; it gets a test of its own
        covered[data] = steps | {code}
    chosen: list[bytes] = []
    have: set[Step | str] = set()
    while covered and len(chosen) < MOST:
        best = max(covered, key=lambda data: (len(covered[data] - have), -len(data), data))
        new = covered.pop(best) - have
        if not new:
            break
        if len(best) > PRICE * len(new):
            continue  # a smaller one may be worth it
        have |= new
        chosen.append(best)
    into.mkdir(parents=True, exist_ok=True)
    for path in into.iterdir():
        path.unlink()
    for data in chosen:
        (into / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
    return len(chosen)
