"""The lab finds the holes that circuits of the past had, and none in the gadgets without them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from circuits.gadgets import bits, boolean, compare
from circuits.gadgets.select import select
from circuits.lab import determined, mutants, ranges
from circuits.lab.gadgets import Build, Gadget, Values, is_input
from circuits.lab.program import Program
from circuits.lab.reduced import search
from circuits.lab.subject import Draws, site
from circuits.statement import record
from zk.field.params import FR
from zk.r1cs import advice
from zk.r1cs.advice import SAME, Digits
from zk.r1cs.builder import Builder, Wire

R = FR.modulus


@dataclass(frozen=True)
class Hole:
    """A gadget and its copy without one thing.

    Attributes:
        incident: what it is after.
        sound: the gadget.
        broken: the copy.
        samples: inputs.
        survivors: sites of the broken copy that can be changed unnoticed.
        open: its wires that do not follow from the inputs, collapsed.
        mended: sites of the broken copy that can be changed if others make up for it: outputs.
        sound_survivors: what may vary in the sound one.
    """

    incident: str
    sound: Build
    broken: Build
    samples: Sequence[Values]
    survivors: frozenset[str]
    open: frozenset[str]
    mended: frozenset[str] = frozenset({"out *"})
    sound_survivors: frozenset[str] = frozenset()

    def gadget(self, *, sound: bool) -> Gadget:
        return Gadget(self.incident, self.sound if sound else self.broken, self.samples)


def ladder(cs: Builder, base: Wire, *scalar: Wire, tied: bool) -> Sequence[Wire]:
    """Σ 2^i·bᵢ·base, each step reading its own copy of the base; untied, a step may read any."""
    total: Wire = cs.constant(0)
    for i, wire in enumerate(scalar):
        with cs.scope(f"step {i}"):
            bit = boolean.enforce_boolean(cs, wire)
            copy = cs.advise(SAME, base, name="base")
            if tied or i == 0:
                cs.equal(copy, base, "the same base")
            total = total + select(cs, bit, copy, 0) * (1 << i)
    return [total]


def cube(cs: Builder, x: Wire, *, constrained: bool) -> Sequence[Wire]:
    """x³ as an output that is computed, and compared or not."""
    value = cs.mul(cs.square(x, "square"), x, "cube")
    out = cs.advise(SAME, value, name="result")
    if constrained:
        cs.equal(out, value, "result")
    return [out]


def long_bits(cs: Builder, x: Wire, n: int) -> Sequence[Wire]:
    """Bits compared with x by one linear row: the same for n = 253, ambiguous from 254 on."""
    found = cs.advise_many(Digits(1, 0, n), n, x, name="bit")
    for bit in found:
        boolean.enforce_boolean(cs, bit)
    cs.equal(cs.dot([1 << i for i in range(n)], found), x, "recomposes")
    return found


def loose_bits(cs: Builder, x: Wire, *, boolean_bits: bool) -> Sequence[Wire]:
    """Four bits, each but the lowest perhaps no bit."""
    found = cs.advise_many(Digits(1, 0, 4), 4, x, name="bit")
    for i, bit in enumerate(found):
        if boolean_bits or i == 0:
            boolean.enforce_boolean(cs, bit)
    cs.equal(cs.dot([1, 2, 4, 8], found), x, "recomposes")
    return found


def half_zero_test(cs: Builder, x: Wire) -> Sequence[Wire]:
    """is_nonzero without x·(1 − z) = 0."""
    with cs.scope("is nonzero"):
        inverse = cs.advise(advice.INVERSE, x, name=compare.INVERSE)
        return [cs.mul(x, inverse, "x times inverse")]


def choice(cs: Builder, x: Wire, y: Wire, *, bound: bool) -> Sequence[Wire]:
    """The smaller of two bytes: the flag is compared, or only a bit."""
    if bound:
        for wire in (x, y):
            bits.enforce_range(cs, wire, 8)
        flag = compare.less_than(cs, x, y, 8)
    else:
        flag = boolean.advised_bit(cs, advice.LESS, x, y, name="flag")
    return [select(cs, flag, x, y)]


HOLES = {
    hole.incident: hole
    for hole in (
        Hole(
            "under-constrained base (Orchard, 2026)",
            lambda cs, *v: ladder(cs, *v, tied=True),
            lambda cs, *v: ladder(cs, *v, tied=False),
            [(5, 1, 0, 1), (R - 1, 1, 1, 1)],
            frozenset({"step */base"}),
            frozenset({"step */base", "step */select", "out *"}),
        ),
        Hole(
            "assigned and not constrained (MiMCSponge, 2019)",
            lambda cs, x: cube(cs, x, constrained=True),
            lambda cs, x: cube(cs, x, constrained=False),
            [(3,), (0,)],
            frozenset({"result"}),
            frozenset({"result", "out *"}),
        ),
        Hole(
            "bits without booleanity (missing bit length)",
            lambda cs, x: loose_bits(cs, x, boolean_bits=True),
            lambda cs, x: loose_bits(cs, x, boolean_bits=False),
            [(0,), (11,), (15,)],
            frozenset(),  # no bit can change alone
            frozenset({"bit", "out *"}),
            mended=frozenset({"bit", "out *"}),
        ),
        Hole(
            "half of a zero test",
            lambda cs, x: [compare.is_nonzero(cs, x)],
            half_zero_test,
            [(4,), (0,)],
            frozenset({"is nonzero/inverse or *"}),
            frozenset({"is nonzero/inverse or *", "is nonzero/x times inverse", "out *"}),
            sound_survivors=frozenset({"is nonzero/inverse or *"}),
        ),
        Hole(
            "a flag that is a bit and nothing else",
            lambda cs, x, y: choice(cs, x, y, bound=True),
            lambda cs, x, y: choice(cs, x, y, bound=False),
            [(3, 200), (200, 3)],
            frozenset({"flag"}),
            frozenset({"flag", "select", "out *"}),
            mended=frozenset(),  # an output of one's choice asks for a flag that is no bit
        ),
    )
}


def survivors(gadget: Gadget, draws: Draws) -> tuple[set[str], set[str]]:
    """Sites that may change without others, and sites that may change with others."""
    subject = gadget.subject()
    report = mutants.run(subject, Program(subject.statement), draws)
    single = [s for s in report.survivors if s.change not in ("alone", "mended")]
    assert report.mutants == report.killed + len(single)
    mended = {site(s.wire) for s in report.survivors if s.change == "mended"}
    return {site(s.wire) for s in report.survivors if s.change != "mended"}, mended


def open_wires(gadget: Gadget) -> set[str]:
    shape = record(gadget.statement, cache=False)
    given = [i for i, name in enumerate(shape.wire_names) if is_input(name)]
    found = determined.solve(shape, given)
    return {site(name) for name in found.names(found.open)}


@pytest.mark.parametrize("name", HOLES)
def test_mutants_of_a_broken_gadget_survive(name: str, draws: Draws) -> None:
    hole: Hole = HOLES[name]
    assert survivors(hole.gadget(sound=True), draws) == (hole.sound_survivors, set())
    assert survivors(hole.gadget(sound=False), draws) == (hole.survivors, hole.mended)


@pytest.mark.parametrize("name", HOLES)
def test_algebra_sees_the_hole(name: str) -> None:
    hole: Hole = HOLES[name]
    assert open_wires(hole.gadget(sound=True)) == set()
    assert open_wires(hole.gadget(sound=False)) == hole.open


def test_the_untied_steps_are_named(draws: Draws) -> None:
    """Orchard's hole: the base of one step is tied, those of the others are free."""
    subject = HOLES["under-constrained base (Orchard, 2026)"].gadget(sound=False).subject()
    report = mutants.run(subject, Program(subject.statement), draws)
    single = {s.wire for s in report.survivors if s.change != "mended"}
    assert single == {"step 1/base", "step 2/base"}


def test_an_output_without_constraint_is_named(draws: Draws) -> None:
    """MiMCSponge wrote `=` for `<==`: any result would do."""
    broken = Gadget("cube", lambda cs, x: cube(cs, x, constrained=False), [(3,)])
    report = mutants.run(broken.subject(), Program(broken.statement), draws)
    single = [s for s in report.survivors if s.change != "mended"]
    assert {s.wire for s in single} == {"result"}
    assert {s.change for s in single} == {"0", "1", "r - 1", "+ 1", "negated", "random"}


def test_what_takes_two_wires_is_mended(draws: Draws) -> None:
    """No single bit can change, but the lowest can if another, which is none, makes up for it."""
    broken = Gadget("bits", lambda cs, x: loose_bits(cs, x, boolean_bits=False), [(11,)])
    report = mutants.run(broken.subject(), Program(broken.statement), draws)
    assert {s.change for s in report.survivors} == {"mended"}
    bits_and_outputs = {"bit", "bit#2", "bit#3", "bit#4", "out 0", "out 1", "out 2", "out 3"}
    assert {s.wire for s in report.survivors} == bits_and_outputs


@pytest.mark.parametrize(("n", "wrong"), [(253, []), (254, ["0 + r", "1 + r"])])
def test_an_alias_is_probed(n: int, wrong: list[str]) -> None:
    """Num2Bits(254) takes the bits of x + r for those of x."""
    gadget = Gadget("bits", lambda cs, x: long_bits(cs, x, n), [(0,), (1,)])
    rows = determined.rows_of(record(gadget.statement, cache=False))
    (found,) = ranges.find(rows)
    assert (found.width, len(found.bits), found.implicit) == (n, n, False)
    assert [p.what for p in ranges.probe(rows, found) if not p.right] == wrong
    assert open_wires(gadget) == (set() if n == 253 else {"bit", "out *"})


def test_the_alias_is_a_witness_that_the_rows_accept(draws: Draws) -> None:
    """The probe's claim, on the whole circuit: both decompositions of 1 satisfy every row."""
    gadget = Gadget("bits", lambda cs, x: long_bits(cs, x, 254), [(1,)])
    program = Program(gadget.statement)
    trial = mutants.honest(program, gadget.subject().cases[0])
    names = program.shape.wire_names
    first = names.index("bit")
    for i in range(254):
        trial.set(first + i, (1 + R) >> i & 1)
    assert trial.first_broken() is None


@pytest.mark.parametrize(("sound", "ambiguous"), [(True, 0), (False, 17)])
def test_bits_that_are_none_are_found_over_a_small_field(sound: bool, ambiguous: int) -> None:
    gadget = Gadget("bits", lambda cs, x: loose_bits(cs, x, boolean_bits=sound), [(0,)])
    shape = record(gadget.statement, cache=False)
    outputs = [i for i, name in enumerate(shape.wire_names) if name.startswith("out ")]
    inputs = list(itertools.product(range(17)))
    found = search(shape, 17, [shape.wire_names.index("in 0")], inputs, outputs)
    assert len(found.ambiguous) == ambiguous
    assert len(found.admitted) == (16 if sound else 17)
