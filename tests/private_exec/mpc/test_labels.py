"""Labels: what is drawn is a function of what it is for, and nothing else is accepted."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from itertools import combinations, product

import pytest

from node.core.ids import ChainId, Height
from private_exec.mpc.errors import MpcRefused
from private_exec.mpc.labels import (
    Call,
    CellId,
    Draw,
    GateLabel,
    MaskLabel,
    Part,
    SessionId,
    Touched,
    Zero,
    ZeroLabel,
    session,
)

CELL, SID = CellId(b"\x01" * 32), SessionId(b"\x02" * 32)
CALL = Call(
    chain=ChainId(b"\x03" * 32),
    block=b"\x04" * 32,
    height=Height(5),
    index=6,
    epoch=7,
    committee=b"\x08" * 32,
    program=b"\x09" * 32,
    cells=(Touched(CELL, 1, 2, bytes(32)), Touched(CellId(b"\x05" * 32), 3, 4, b"\x01" * 32)),
)


def test_pv3_no_two_uses_have_one_label():
    labels = [
        *(MaskLabel(cell, part) for cell in (CELL, CellId(SID)) for part in Part),
        *(GateLabel(SID, *where) for where in product((0, 1, 256), Draw, (0, 1))),
        *(ZeroLabel(SID, *where) for where in product((0, 1, 256), Zero, (0, 1))),
        GateLabel(SessionId(CELL), 0, Draw.LEFT),
    ]
    digests = [label.digest for label in labels]
    assert len(set(digests)) == len(digests)
    assert {len(digest) for digest in digests} == {32}


def test_pv3_a_session_covers_all_that_it_depends_on():
    first, second = CALL.cells
    changed = [
        CALL,
        dataclasses.replace(CALL, chain=ChainId(bytes(32))),
        dataclasses.replace(CALL, block=bytes(32)),
        dataclasses.replace(CALL, height=Height(6)),
        dataclasses.replace(CALL, index=7),
        dataclasses.replace(CALL, epoch=8),
        dataclasses.replace(CALL, committee=bytes(32)),
        dataclasses.replace(CALL, program=bytes(32)),
        dataclasses.replace(CALL, retry=1),
        dataclasses.replace(CALL, cells=(second, first)),
        dataclasses.replace(CALL, cells=(first,)),
        dataclasses.replace(CALL, cells=()),
        *(
            dataclasses.replace(CALL, cells=(dataclasses.replace(first, **{name: value}), second))
            for name, value in (
                ("cell", CellId(bytes(32))), ("version", 9), ("c", 9), ("com", b"\x07" * 32)
            )
        ),
    ]  # fmt: skip
    assert all(session(a) != session(b) for a, b in combinations(changed, 2))


@pytest.mark.parametrize("size", [0, 31, 33])
def test_pv3_ids_have_32_bytes(size):
    for make in (
        lambda: MaskLabel(CellId(bytes(size)), Part.VALUE),
        lambda: GateLabel(SessionId(bytes(size)), 0, Draw.LEFT),
        lambda: ZeroLabel(SessionId(bytes(size)), 0, Zero.TRIPLE),
    ):
        with pytest.raises(MpcRefused) as refused:
            make()
        assert refused.value.rule == "PV-3"


@pytest.mark.parametrize("number", [-1, 1 << 32])
def test_pv3_gates_and_retries_have_bounds(number):
    for make in (
        lambda: GateLabel(SID, number, Draw.LEFT),
        lambda: GateLabel(SID, 0, Draw.LEFT, number),
        lambda: ZeroLabel(SID, number, Zero.TRIPLE),
    ):
        with pytest.raises(MpcRefused) as refused:
            make()
        assert refused.value.rule == "PV-3"


WRONG = """
from private_exec.mpc import prss
from private_exec.mpc.labels import CellId, Draw, GateLabel, MaskLabel, Part, SessionId
from private_exec.mpc.labels import Zero, ZeroLabel

def uses(keys: prss.PrssKeys, cell: CellId, sid: SessionId) -> None:
    prss.shares(keys, MaskLabel(cell, Part.VALUE), 1)
    prss.shares(keys, GateLabel(sid, 0, Draw.LEFT), 1)
    prss.zeros(keys, ZeroLabel(sid, 0, Zero.TRIPLE), 1)
    prss.zeros(keys, GateLabel(sid, 0, Draw.LEFT), 1)  # refused
    prss.zeros(keys, MaskLabel(cell, Part.VALUE), 1)  # refused
    prss.shares(keys, ZeroLabel(sid, 0, Zero.TRIPLE), 1)  # refused
    prss.shares(keys, b"label", 1)  # refused
    prss.shares(keys, 7, 1)  # refused
    MaskLabel(sid, Part.VALUE)  # refused
    GateLabel(cell, 0, Draw.LEFT)  # refused
    GateLabel(sid, 0, Zero.TRIPLE)  # refused
    ZeroLabel(sid, 0, Draw.LEFT)  # refused
    MaskLabel(b"cell", Part.VALUE)  # refused
"""


@pytest.mark.slow
def test_pv3_the_type_checker_refuses_the_wrong_label(tmp_path):
    """Reusing a mask takes a mistake that does not type-check."""
    path = tmp_path / "uses.py"
    path.write_text(WRONG)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    lines = {int(line.split(":")[1]) for line in done.stdout.splitlines() if "error:" in line}
    marked = {k for k, line in enumerate(WRONG.splitlines(), 1) if line.endswith("# refused")}
    assert len(marked) == 10
    assert lines == marked, done.stdout
