"""Committees of the tests, and arithmetic with dealt material."""

from __future__ import annotations

import functools

import pytest

from private_exec.mpc import prepare, vectors
from private_exec.mpc.arithmetic import Mpc, cost
from private_exec.mpc.machine import Live
from private_exec.mpc.material import Request
from private_exec.mpc.shamir import Size, reconstruct
from private_exec.mpc.simulate import Committee, material_of, run, shares_of


@functools.cache
def committee_of(n: int, name: str = "test") -> Committee:
    return Committee.of(Size.of(n), name.encode())


@pytest.fixture(scope="session")
def committee():
    """`committee(4)`: the same one for all tests."""
    return committee_of


def evaluate(program, *inputs, n=4, faults=(), order=None):
    """Run `program(mpc, *shares)` on dealt inputs and material; opens what it returns."""
    members = committee_of(n)
    size = members.session.size
    spent = cost(size, lambda mpc: program(mpc, *(vectors.zeros(len(i)) for i in inputs)))
    material = material_of(members, Request(spent.triples, spent.bits))
    shares = [shares_of(members, values, 90 + k) for k, values in enumerate(inputs)]

    def protocol(context):
        mpc = Mpc(Live(context, material[context.member]))
        result = yield from program(mpc, *(s[context.member] for s in shares))
        return (yield from mpc.open(result.reshape(-1, 4)))

    outcome = run(members, protocol, faults=faults, order=order)
    outcome.cost = spent
    return outcome


@pytest.fixture(scope="session")
def compute():
    """`compute(program, inputs…)` → the opened values, which all members agree on."""

    def values(program, *inputs, **options):
        outcome = evaluate(program, *inputs, **options)
        if outcome.errors:
            raise next(iter(outcome.errors.values()))
        first, *others = (vectors.ints(v) for v in outcome.results.values())
        assert all(other == first for other in others)
        return first

    return values


@pytest.fixture(scope="session")
def outcome_of():
    """The same, with everything that happened."""
    return evaluate


ASKED = Request(20, 17)


@pytest.fixture(scope="session")
def asked():
    """What `preparing` prepares."""
    return ASKED


@pytest.fixture(scope="session")
def preparing():
    """`preparing(members)` → the outcome of one batch of `asked`."""

    def prepared(members, **options):
        return run(members, lambda context: prepare.prepare(context, 0, ASKED), **options)

    return prepared


@pytest.fixture(scope="session")
def clear():
    """`clear(members, outcome, pick)` → the values of what `pick` takes of all members' results."""

    def values(members, outcome, pick):
        shares = {member: pick(material) for member, material in outcome.results.items()}
        return vectors.ints(reconstruct(members.session.size, shares, members.session.size.t))

    return values
