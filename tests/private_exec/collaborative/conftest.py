"""Committees of the tests that share x₁, x₂ with y = x₁²·x₂, and what liars among them send."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from private_exec import group
from private_exec.collaborative.member import Concluded, Fixed, Member
from private_exec.collaborative.task import Holding, Task
from private_exec.linking import Linked
from private_exec.mpc import shamir, vectors
from private_exec.mpc.decode import decode
from private_exec.mpc.labels import SessionId
from private_exec.mpc.shamir import Size
from private_exec.mpc.testing import keys_of_all
from private_exec.pedersen import Opening, commit
from zk import backends
from zk.curve.bn254 import G1_GENERATOR
from zk.curve.encoding import g1_from_bytes, g1_to_bytes
from zk.field.arrays import U64Array, from_array
from zk.groth16.example import hidden_circuit
from zk.groth16.keys import ProvingKey
from zk.groth16.setup import UnsafeDevSetup

R = group.R
GATE = 7
SESSION = SessionId(bytes(range(32)))
CONTEXT = b"\1" * 32
SIZES = [4, 7, 10, 13]

Bodies = dict[int, bytes]


@dataclass(frozen=True)
class World:
    """A committee that shares x₁, x₂ with y = x₁²·x₂, and plays all of its members."""

    size: Size
    key: ProvingKey
    assignment: U64Array
    task: Task
    openings: tuple[Opening, ...]

    def members(self, task: Task | None = None, wrong: int = 0) -> dict[int, Member]:
        """All members, before the first round; `wrong` is added to a private wire."""
        task = task or self.task
        rng = random.Random(self.size.n)

        def uniform(count: int) -> U64Array:
            return vectors.vec(rng.randrange(R) for _ in range(count))

        def dealt(values: U64Array) -> list[U64Array]:
            return shamir.deal(values, self.size, self.size.t, uniform)

        values = vectors.vec(o.value for o in self.openings)
        blindings = vectors.vec(o.blinding for o in self.openings)
        private = self.assignment[self.key.publics + 1 :]
        parts = zip(
            dealt(values), dealt(blindings), dealt(vectors.add(private, wrong)), strict=True
        )
        keys = keys_of_all(self.size, b"collaborative")
        return {
            i: Member(task, Holding(*part), keys[i - 1])
            for i, part in zip(self.size.members, parts, strict=True)
        }

    def play(
        self,
        changes: Mapping[str, Callable[[Any], None]] | None = None,
        *,
        members: Mapping[int, Member] | None = None,
        by: int = 1,
    ) -> Played:
        """Three rounds, seen by one member; changes are made to what was sent in its round."""
        changes = changes or {}
        members = members or self.members()
        first = {i: m.first() for i, m in members.items()}
        changes.get("first", lambda _: None)(first)
        fixed = members[by].fix(first)
        second = {i: m.second(fixed) for i, m in members.items()}
        changes.get("second", lambda _: None)(second)
        concluded = members[by].conclude(fixed, second)
        third = {i: m.third(fixed, concluded) for i, m in members.items()}
        changes.get("third", lambda _: None)(third)
        decoded = decode(self.size, third, self.size.t)
        linked = members[by].finish(fixed, concluded, decoded.values)
        return Played(fixed, concluded, linked, decoded.liars)


@dataclass(frozen=True)
class Played:
    fixed: Fixed
    concluded: Concluded
    linked: Linked
    liars: tuple[int, ...]


@pytest.fixture(scope="session")
def worlds() -> dict[int, World]:
    shape, assignment = hidden_circuit(6)
    shape.check(assignment)
    key = UnsafeDevSetup().run(shape, backends.get())
    y, first, second, _ = from_array(assignment[1:5])
    openings = (Opening(first, 111), Opening(second, R - 222))
    commitments = tuple(commit(openings))
    made = {}
    for n in SIZES:
        task = Task(key, (y,), commitments, CONTEXT, Size.of(n), SESSION, GATE)
        made[n] = World(Size.of(n), key, assignment, task, openings)
    return made


def lie_in_first(liars: range | list[int], number: int = 0) -> Callable[[Bodies], None]:
    """Another point in the place of A, D, T, …: by position."""

    def change(bodies: Bodies) -> None:
        for i in liars:
            at = 32 * number
            point = g1_from_bytes(bodies[i][at : at + 32])
            other = g1_to_bytes(group.total_g1([point, group.multiple_g1(1 + i, G1_GENERATOR)]))
            bodies[i] = bodies[i][:at] + other + bodies[i][at + 32 :]

    return change


def lie_in_second(liars: range | list[int]) -> Callable[[Bodies], None]:
    def change(bodies: Bodies) -> None:
        for i in liars:
            point = group.total_g1([g1_from_bytes(bodies[i]), group.multiple_g1(i, G1_GENERATOR)])
            bodies[i] = g1_to_bytes(point)

    return change


def lie_in_third(liars: range | list[int]) -> Callable[[dict[int, U64Array]], None]:
    def change(shares: dict[int, U64Array]) -> None:
        for i in liars:
            shares[i] = vectors.add(shares[i], 1 + i)

    return change


@pytest.fixture(scope="session")
def lies() -> type:
    """What members send instead, by round."""

    class Lies:
        first = staticmethod(lie_in_first)
        second = staticmethod(lie_in_second)
        third = staticmethod(lie_in_third)

    return Lies
