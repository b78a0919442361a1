"""A transition as a file, for auditors who have nothing else.  Rules PV-68, PV-232.

    {"schema": "chiaro.transition/1", "program": "auction", "sizes": {"bidders": 4},
     "digest": "0x…", "session": "0x…", "inputs": ["0x…", …], "outputs": ["0x…", …],
     "proof": "0x…", "link": "0x…"}

Which key it is checked with is the reader's affair and not the file's.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from private_exec.linking import Link, Linked
from private_exec.mpc.labels import SessionId
from private_exec.programs.errors import ProgramRefused
from private_exec.programs.library import PROGRAMS
from private_exec.programs.program import Program
from private_exec.provable.errors import MalformedTransition, TransitionRefused
from private_exec.provable.transition import context_of, session_element, verify_transition
from zk import jsontext
from zk.curve.bn254 import G1Affine
from zk.curve.encoding import g1_from_bytes, g1_to_bytes
from zk.errors import ChiaroError, DecodeError
from zk.groth16.hidden import HiddenProof
from zk.groth16.keys import VerifyingKey
from zk.interfaces import Backend

SCHEMA: Final = "chiaro.transition/1"
MAX_CELLS: Final = 255
MAX_WORK: Final = 1024
"""Product of a program's sizes, with which tracing grows: two seconds of it at the most."""
_HEX: Final = re.compile(r"0x(?:[0-9a-f]{2})*")
_MEMBERS: Final = {
    "schema", "program", "sizes", "digest", "session", "inputs", "outputs", "proof", "link",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Transition:
    """What a file says.

    Attributes:
        program: of the house, at the file's sizes.
        session: whose.
        inputs: commitments that it read.
        outputs: commitments that it made.
        linked: the proof.
    """

    program: Program
    session: SessionId
    inputs: tuple[G1Affine, ...]
    outputs: tuple[G1Affine, ...]
    linked: Linked

    def verify(self, key: VerifyingKey, backend: Backend | None = None) -> None:
        """Raises as `verify_transition`."""
        verify_transition(
            self.program, key, self.session, self.inputs, self.outputs, self.linked, backend
        )


def document(transition: Transition) -> dict[str, Any]:
    """What a file holds."""
    linked = transition.linked
    return {
        "schema": SCHEMA,
        "program": transition.program.declaration.name,
        "sizes": dict(transition.program.sizes),
        "digest": "0x" + transition.program.digest.hex(),
        "session": "0x" + transition.session.hex(),
        "inputs": ["0x" + g1_to_bytes(point).hex() for point in transition.inputs],
        "outputs": ["0x" + g1_to_bytes(point).hex() for point in transition.outputs],
        "proof": "0x" + linked.hidden.to_bytes().hex(),
        "link": "0x" + linked.link.to_bytes().hex(),
    }


def parse(data: bytes, where: str) -> Transition:
    """The transition in a file; nothing is verified but its form and the program's digest.

    Raises:
        MalformedTransition: PV-68, PV-232.
        TransitionRefused: PV-68, this version's program of that name and size is another, or there
            is none.
    """
    try:
        found = jsontext.loads(data)
    except ValueError:
        raise MalformedTransition("PV-68", "no JSON document", where=where) from None
    if not isinstance(found, dict) or set(found) != _MEMBERS or found["schema"] != SCHEMA:
        raise MalformedTransition("PV-68", f"no {SCHEMA}", where=where)
    inputs, outputs = (_points(found[name], name, where) for name in ("inputs", "outputs"))
    program = _program(found, (len(inputs), len(outputs)), where)
    if _bytes(found["digest"], "digest", where) != program.digest:
        raise TransitionRefused(
            "PV-68",
            "another program than the one that this version has under that name",
            where=where,
        )
    session = SessionId(_bytes(found["session"], "session", where))
    if len(session) != 32:
        raise MalformedTransition("PV-68", "a session's id has 32 bytes", where=where)
    try:
        hidden = HiddenProof.from_bytes(_bytes(found["proof"], "proof", where), order=False)
        link = Link.from_bytes(_bytes(found["link"], "link", where), len(inputs) + len(outputs))
    except ChiaroError as error:
        raise MalformedTransition("PV-68", error.message, where=where) from error
    linked = Linked(
        (session_element(session),),
        (*inputs, *outputs),
        hidden,
        link,
        context_of(program, session),
    )
    return Transition(program, session, inputs, outputs, linked)


def _program(found: Mapping[str, Any], cells: tuple[int, int], where: str) -> Program:
    """Of the house; that it reads and makes so many cells is known before it is traced."""
    name, sizes = found["program"], found["sizes"]
    if not isinstance(name, str) or not isinstance(sizes, dict):
        raise MalformedTransition("PV-68", "no program at sizes", where=where)
    if name not in PROGRAMS:
        raise TransitionRefused("PV-68", "this version has no program of that name", where=where)
    made = PROGRAMS[name]
    declared = made.declaration
    if set(sizes) != set(declared.sizes) or not all(
        type(n) is int and 0 < n <= MAX_CELLS for n in sizes.values()
    ):
        raise MalformedTransition("PV-68", "sizes that the program has not", where=where)
    items = (declared.inputs, declared.outputs)
    if cells != tuple(sum(item.count(sizes) for item in some.values()) for some in items):
        raise MalformedTransition("PV-68", "cells that the program has not", where=where)
    check_sizes(sizes, where)
    try:
        return made.at(**sizes)
    except ProgramRefused as error:
        raise MalformedTransition("PV-68", error.message, where=where) from error


def check_sizes(sizes: Mapping[str, int], where: str) -> None:
    """That a program of these sizes has a file. Raises MalformedTransition: PV-232."""
    if (work := math.prod(sizes.values())) > MAX_WORK:
        raise MalformedTransition(
            "PV-232", f"sizes whose product is {work}: a file takes {MAX_WORK}", where=where
        )


def _points(values: Any, name: str, where: str) -> tuple[G1Affine, ...]:
    if not isinstance(values, Sequence) or isinstance(values, str) or len(values) > MAX_CELLS:
        raise MalformedTransition("PV-68", f"{name} is no list of commitments", where=where)
    try:
        return tuple(g1_from_bytes(_bytes(v, name, where), what=name) for v in values)
    except MalformedTransition:
        raise
    except DecodeError as error:
        raise MalformedTransition("PV-68", error.message, where=where) from error


def _bytes(value: Any, name: str, where: str) -> bytes:
    if not isinstance(value, str) or not _HEX.fullmatch(value):
        raise MalformedTransition("PV-68", f"{name} is no 0x… of lower-case digits", where=where)
    return bytes.fromhex(value[2:])
