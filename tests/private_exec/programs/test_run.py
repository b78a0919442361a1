"""Programs on shares give what they mean, and cost what was said."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from private_exec.mpc import arithmetic, vectors
from private_exec.mpc.arithmetic import Mpc
from private_exec.mpc.faults import Silent, Wrong
from private_exec.mpc.machine import Live
from private_exec.mpc.message import Kind
from private_exec.mpc.shamir import SIZES, Size
from private_exec.mpc.simulate import Committee, material_of, run, shares_of
from private_exec.programs import clear
from private_exec.programs.cost import cost
from private_exec.programs.functions import one_hot, select, total
from private_exec.programs.library import program
from private_exec.programs.program import Program, private_program
from private_exec.programs.run import execute
from private_exec.programs.types import Below, Input, Output, Uint

VECTORS = Path(__file__).parents[2] / "vectors" / "mpc_programs.json"


@cache
def committee(n: int) -> Committee:
    return Committee.of(Size.of(n), b"programs")


def compute(made: Program, inputs, n: int = 4, **options):
    """Outputs that all members agree on, from dealt inputs and material; and what happened."""
    members, spent = committee(n), cost(made, n)
    material = material_of(members, spent.request)
    shares = shares_of(members, clear.wires_of(made, inputs))

    def protocol(context):
        mpc = Mpc(Live(context, material[context.member]))
        outputs = yield from execute(mpc, made, shares[context.member])
        context.spent = (context.tally.rounds, context.tally.bytes)
        opened = {}
        for name, values in outputs.items():
            opened[name] = tuple(vectors.ints((yield from mpc.open(values))))
        return opened

    outcome = run(members, protocol, **options)
    assert not outcome.errors
    first, *others = outcome.results.values()
    assert all(other == first for other in others)
    for context in outcome.contexts.values():
        assert context.tally.triples == spent.request.triples
        assert context.tally.bits == spent.request.bits
        if context.member in outcome.results:
            assert context.spent == (spent.online.rounds, spent.online.bytes)
    return first, outcome


@cache
def cases():
    return json.loads(VECTORS.read_text(encoding="utf-8"))["cases"]


AUCTIONS = [c for c in cases() if c["program"] == "auction" and len(c["inputs"]["bids"]) < 9]
POOLS = [c for c in cases() if c["program"] == "darkpool" and len(c["inputs"]["buys"]) < 6]


@pytest.mark.parametrize("case", AUCTIONS)
def test_pv91_auctions_on_shares_are_those_of_mpyc_and_cost_what_was_said(case) -> None:
    made = program("auction").at(bidders=len(case["inputs"]["bids"]))
    outputs, _ = compute(made, case["inputs"])
    assert {name: list(values) for name, values in outputs.items()} == case["outputs"]


@pytest.mark.parametrize("case", POOLS)
def test_pv91_dark_pools_on_shares_are_those_of_mpyc_and_cost_what_was_said(case) -> None:
    made = program("darkpool").at(orders=len(case["inputs"]["buys"]), ticks=5)
    outputs, _ = compute(made, case["inputs"])
    assert {name: list(values) for name, values in outputs.items()} == case["outputs"]


@pytest.mark.parametrize("n", [7, 10])
def test_larger_committees_with_liars_give_the_same_and_name_them(n: int) -> None:
    case = AUCTIONS[-1]
    made = program("auction").at(bidders=len(case["inputs"]["bids"]))
    liars = range(1, Size.of(n).t)
    faults = [*(Wrong(m, Kind.OPEN, place=0, by=m) for m in liars), Silent(n)]
    outputs, outcome = compute(made, case["inputs"], n, faults=faults)
    assert {name: list(values) for name, values in outputs.items()} == case["outputs"]
    assert outcome.accused(n - 1) == set(liars)


def test_funding_is_opened_and_nothing_is_computed() -> None:
    made = program("funding").at(donations=3)
    outputs, outcome = compute(made, {"roots": [1, 2, 3], "amounts": [1, 4, 9]})
    assert outputs == {"roots_total": (6,), "total": (14,)}
    assert {sent.length for sent in outcome.sent} == {32}
    assert cost(made, 4).online.rounds == 0


def test_prepared_and_run_in_one_session_by_the_members_alone() -> None:
    made = program("auction").at(bidders=2)
    inputs = {"bids": [70, 90], "reserve": 75}
    members = committee(4)
    shares = shares_of(members, clear.wires_of(made, inputs))

    def protocol(context):
        def body(mpc):
            outputs = yield from execute(mpc, made, shares[context.member])
            return (yield from mpc.open(outputs["price"]))

        return (yield from arithmetic.compute(context, body))

    outcome = run(members, protocol)
    assert [vectors.ints(price) for price in outcome.results.values()] == [[75]] * 4
    spent, said = outcome.contexts[1].tally, cost(made, 4)
    assert spent.rounds == said.preparation.rounds + said.online.rounds + 1


@private_program(
    name="everything",
    sizes={"places": 6},
    inputs={
        "first": Input(Uint(8), giver="one"),
        "second": Input(Uint(8), giver="another"),
        "place": Input(Below("places"), giver="third"),
    },
    outputs={"all": Output(Uint(24), per="places")},
    leaks=("All of it.",),
)
def everything(first, second, place, places):
    """Each operation once, on operands that can be negative, too."""
    difference = first - second
    return {
        "all": [
            select(difference < 3, first * second, second),
            total([(difference == 0) * 7, difference != 1]),
            one_hot(place, places).pick([first + k for k in range(places)]),
            select(-difference > place, 1, place * place),
            first * second * place - first * 0 + (first <= place) * 2,
            (first + second) // 3 + (first + place) // 4 * 100 + second // 3 * 10_000,
        ]
    }


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 5))
@settings(deadline=None, max_examples=6)
def test_every_operation_on_shares_is_that_of_the_clear(
    first: int, second: int, place: int
) -> None:
    made = everything.at()
    for other in (second, first):
        inputs = {"first": first, "second": other, "place": place}
        assert compute(made, inputs)[0] == clear.run(made, inputs)


def test_rounds_do_not_grow_with_what_runs_beside_and_no_run_is_longer() -> None:
    """What is sent depends on sizes only: two runs of other values send the same."""
    made = program("auction").at(bidders=3)
    sent = [
        compute(made, {"bids": bids, "reserve": reserve})[1].sent
        for bids, reserve in (([1, 2, 3], 0), ([9, 9, 9], 2**32 - 1))
    ]
    assert sent[0] == sent[1]
    by_width = [cost(program("darkpool").at(orders=size), 4).online.rounds for size in (2, 7)]
    assert by_width[1] - by_width[0] <= 2


@pytest.mark.parametrize("name", ["auction", "darkpool", "funding"])
def test_every_committee_can_run_every_program(name: str) -> None:
    made = program(name).at()
    costs = [cost(made, n) for n in SIZES]
    assert len({(c.request.triples, c.request.bits, c.online.rounds) for c in costs}) == 1
    assert [c.preparation.bytes for c in costs] == sorted(c.preparation.bytes for c in costs)


def test_pv85_the_longest_operands_fit_every_committee() -> None:
    longest = private_program(
        name="longest",
        sizes={},
        inputs={"a": Input(Uint(80), giver="one"), "b": Input(Uint(80), giver="another")},
        outputs={"all": Output(Uint(84))},
        leaks=("All of it.",),
    )(lambda a, b: {"all": a // 3 + (a * a < b * b) + (a * a - b * b == 1) + (a * a) // 2**80})
    made = longest.at()
    for n in SIZES:
        assert cost(made, n).request.bits > 400
    most = 2**80 - 1
    inputs = {"a": most - 1, "b": most}
    assert compute(made, inputs, 13)[0] == clear.run(made, inputs)
    assert clear.run(made, inputs) == {"all": ((most - 1) // 3 + 1 + (most - 1) ** 2 // 2**80,)}


def test_the_documentation_has_the_costs_of_every_program() -> None:
    page = (Path(__file__).parents[3] / "docs" / "private.md").read_text(encoding="utf-8")
    for name in ("auction", "darkpool", "funding"):
        made = program(name).at()
        costs = [cost(made, n) for n in SIZES]

        def megabytes(tallies) -> str:
            sent = zip(tallies, SIZES, strict=True)
            return " / ".join(f"{tally.bytes * (n - 1) / 1e6:.2f}" for tally, n in sent)

        sizes = ", ".join(f"{size} {what}" for what, size in made.sizes.items())
        counts = (costs[0].online.rounds, costs[0].request.triples, costs[0].request.bits)
        cells = [*(f"{count:,}" for count in counts)]
        cells += [megabytes([c.preparation for c in costs]), megabytes([c.online for c in costs])]
        assert f"| `{name}`, {sizes} | {' | '.join(cells)} |" in page
