"""Makes programs.json of this folder: a session of each program, prepared, computed and proved.

    nice .venv/bin/python docs/private/programs.py

All members in one process, one thread, no network: signatures, checks and decoding are in it,
waiting is not. A time is the processor's for everybody, divided by the number of members, the
least of some repetitions. `prototype` are the figures of the design, in which nothing was signed.

`prepare` makes the triples and random bits that the program takes, `online` computes from shares of
the inputs and opens what is public; `session` is a session with a proof, which takes both and opens
nothing. Donations are added by everybody, so that their sums need neither preparation nor proof:
members add shares, observers check that the sums open the sums of the commitments.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from private_exec import group
from private_exec.mpc import prepare, simulate, vectors
from private_exec.mpc.arithmetic import Mpc
from private_exec.mpc.context import Context
from private_exec.mpc.machine import Live
from private_exec.mpc.material import Material
from private_exec.mpc.rounds import Rounds
from private_exec.mpc.shamir import Size
from private_exec.mpc.simulate import Committee, Outcome, shares_of
from private_exec.pedersen import Opening, commit
from private_exec.programs import clear
from private_exec.programs.auction import auction
from private_exec.programs.cost import cost
from private_exec.programs.darkpool import darkpool
from private_exec.programs.funding import funding
from private_exec.programs.program import Program
from private_exec.programs.run import execute
from private_exec.programs.types import PUBLIC
from private_exec.provable.protocol import Operands, Proved
from private_exec.provable.protocol import run as prove
from private_exec.provable.transition import Provable, verify_transition
from zk import backends
from zk.bench import host
from zk.bench.least import least

HERE = Path(__file__).resolve().parent
SIZES = (4, 7, 10)
PROTOTYPE: dict[str, Any] = {
    "auction": {
        "prepare_ms": {"4": 145, "7": 380, "10": 2000},
        "online_ms": {"4": 12, "7": 31, "10": 28},
        "rounds": 57,
        "mb": {"4": 0.87, "7": 1.73, "10": 2.61},
    },
    "funding": {"observer_ms": 0.37},
}
"""Of an auction of 16 bids of 32 bits, without a proof; of one sum of 200 votes."""
T = TypeVar("T")


def timed(call: Callable[[], Outcome[T]], repeat: int) -> tuple[Outcome[T], float]:
    """The outcome, and milliseconds for everybody."""
    outcome, spent = least(call, repeat)
    if outcome.errors:
        raise next(iter(outcome.errors.values()))
    return outcome, spent


def given(program: Program) -> dict[str, list[int]]:
    """Inputs of which something comes out."""
    rng = random.Random(program.digest)
    sizes, name = program.sizes, program.declaration.name
    if name == "auction":
        return {"bids": [rng.randrange(1 << 32) for _ in range(sizes["bidders"])], "reserve": [1]}
    if name == "darkpool":
        count = range(sizes["orders"])
        return {
            "buys": [k % 2 for k in count],
            "limits": [rng.randrange(sizes["ticks"]) for _ in count],
            "quantities": [rng.randrange(1, 1 << 32) for _ in count],
        }
    roots = [rng.randrange(1 << 32) for _ in range(sizes["donations"])]
    return {"roots": roots, "amounts": [root * root for root in roots]}


def computed(program: Program, n: int, repeat: int) -> dict[str, Any]:
    """Prepared and computed by one committee, and what it costs."""
    members = Committee.of(Size.of(n), b"measured")
    inputs, spent = given(program), cost(program, n)
    shown = [k for k, o in program.declaration.outputs.items() if o.to == PUBLIC]
    shares = shares_of(members, clear.wires_of(program, inputs))
    request = spent.request
    prepared, before = timed(
        lambda: simulate.run(members, lambda context: prepare.prepare_all(context, request)), repeat
    )

    def member(context: Context) -> Rounds[list[int]]:
        kept = prepared.results[context.member]
        machine = Live(context, Material(kept.triples, kept.bits, kept.certificates))
        mpc = Mpc(machine)
        outputs = yield from execute(mpc, program, shares[context.member])
        opened = yield from mpc.open(np.concatenate([outputs[name] for name in shown]))
        return vectors.ints(opened)

    opened, during = timed(lambda: simulate.run(members, member), repeat)
    expected = clear.run(program, inputs)
    if opened.results[1] != [value for name in shown for value in expected[name]]:
        raise AssertionError(f"{program.declaration.name} came out wrong")
    sent = spent.preparation.bytes + spent.online.bytes
    return {
        "triples": request.triples,
        "bits": request.bits,
        "prepare_ms": round(before / n, 1) if request.triples else 0.0,
        "online_ms": round(during / n, 1),
        "prepare_rounds": spent.preparation.rounds,
        "rounds": spent.online.rounds + 1,
        "mb": round(sent * (n - 1) / 1e6, 2),
    }


def proved(provable: Provable, n: int, repeat: int) -> dict[str, Any]:
    """A whole session of one committee, with its proof."""
    members, program = Committee.of(Size.of(n), b"measured"), provable.program
    rng = random.Random(n)
    numbers = clear.wires_of(program, given(program))
    blinds = [rng.randrange(vectors.R) for _ in numbers]
    known = tuple(commit([Opening(*pair) for pair in zip(numbers, blinds, strict=True)]))
    values, blindings = shares_of(members, numbers, 1), shares_of(members, blinds, 2)
    new = shares_of(members, [rng.randrange(vectors.R) for _ in provable.layout.outputs], 3)

    def whole(context: Context) -> Rounds[Proved]:
        i = context.member
        return prove(context, provable, Operands(values[i], blindings[i], known), new[i])

    session, spent = timed(lambda: simulate.run(members, whole), repeat)
    one = session.results[1]
    _, observer = least(
        lambda: verify_transition(
            program,
            provable.verifying_key,
            members.session.sid,
            known,
            one.outputs,
            one.linked,
            backends.get(),
        ),
        repeat,
    )
    return {
        "session_ms": round(spent / n, 1),
        "session_mb": round(session.contexts[1].tally.bytes * (n - 1) / 1e6, 2),
        "proof_bytes": len(one.linked.hidden.to_bytes()) + len(one.linked.link.to_bytes()),
        "observer_ms": round(observer, 1),
    }


def added(program: Program, repeat: int) -> dict[str, Any]:
    """Sums that everybody forms of commitments, and their opening."""
    sums = clear.run(program, given(program))
    columns = [
        commit([Opening(v, 7 + k) for k, v in enumerate(c)]) for c in given(program).values()
    ]

    def check() -> None:
        for (total,), column in zip(sums.values(), columns, strict=True):
            blinding = sum(range(7, 7 + len(column)))
            (opened,) = commit([Opening(total, blinding)])
            if group.total_g1(column) != opened:
                raise AssertionError("the sum does not open")

    _, observer = least(check, repeat)
    return {"proof_bytes": 0, "observer_ms": round(observer, 2)}


def main(arguments: list[str]) -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--out", type=Path, default=HERE / "programs.json")
    chosen = parser.parse_args(arguments)
    load = host.load()[0]
    runs: list[dict[str, Any]] = []
    programs = (
        auction.at(bidders=16),
        darkpool.at(orders=16, ticks=16),
        funding.at(donations=200),
    )
    for program in programs:
        name = program.declaration.name
        provable = None if name == "funding" else Provable.unsafe(program, backends.get())
        for n in SIZES:
            run = {"program": name, "members": n, **computed(program, n, chosen.repeat)}
            run |= added(program, 9) if provable is None else proved(provable, n, chosen.repeat)
            runs.append(run)
            sys.stdout.write(json.dumps(run) + "\n")
    document = {
        "schema": "chiaro-private-programs/1",
        "machine": host.briefly(),
        "backend": backends.get().name,
        "load": load,
        "prototype": PROTOTYPE,
        "runs": runs,
    }
    chosen.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(table(document) + "\n")


def table(document: dict[str, Any]) -> str:
    """For the page; in brackets the figures of the design."""
    heads = (
        *("program", "n", "prepared, ms", "computed, ms", "rounds", "MB"),
        *("all with a proof, ms", "MB", "proof, bytes", "checked in, ms"),
    )
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for run in document["runs"]:
        design = document["prototype"].get(run["program"], {})

        def beside(value: str, name: str, run: Any = run, design: Any = design) -> str:
            known = design.get(name, {})
            figure = known.get(str(run["members"])) if isinstance(known, dict) else known
            return value if figure is None else f"{value} ({figure})"

        cells = (
            f"`{run['program']}`",
            str(run["members"]),
            beside(f"{run['prepare_ms']:.0f}", "prepare_ms"),
            beside(f"{run['online_ms']:.0f}", "online_ms"),
            beside(f"{run['rounds']}", "rounds"),
            beside(f"{run['mb']:.2f}", "mb"),
            f"{run['session_ms']:.0f}" if "session_ms" in run else "—",
            f"{run['session_mb']:.2f}" if "session_mb" in run else "—",
            f"{run['proof_bytes']:,}" if run["proof_bytes"] else "—",
            beside(f"{run['observer_ms']}", "observer_ms"),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main(sys.argv[1:])
