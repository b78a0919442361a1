"""Makes proofs.json of this folder: what a committee's proof costs, in processor time and bytes.

    nice .venv/bin/python docs/private/measure_proofs.py

One thread, one process, no network, n = 4, 7, 10; circuits of 64, 256 and 4,096 rows with two
linked values; and a whole auction, simulated, its time that of all members divided by n. A time is
the processor's, the least of some repetitions, since others may work on the machine meanwhile.
`prototype` are the figures of the prototype from which it was designed.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from private_exec import group
from private_exec.collaborative.member import Member
from private_exec.collaborative.task import Holding, Task
from private_exec.linking import verify_linked
from private_exec.mpc import shamir, simulate, vectors
from private_exec.mpc.arithmetic import compute
from private_exec.mpc.context import Context
from private_exec.mpc.decode import decode
from private_exec.mpc.labels import SessionId
from private_exec.mpc.rounds import Rounds
from private_exec.mpc.shamir import Size
from private_exec.mpc.simulate import Committee, shares_of
from private_exec.mpc.testing import keys_of_all
from private_exec.pedersen import Opening, commit
from private_exec.programs.auction import auction as auction_program
from private_exec.programs.run import all_wires
from private_exec.provable.protocol import Operands, Proved, run
from private_exec.provable.transition import Provable, shape_of_program, verify_transition
from zk import backends
from zk.bench import host
from zk.bench.least import least
from zk.curve.bn254 import G1_GENERATOR
from zk.curve.encoding import g1_from_bytes, g1_to_bytes
from zk.field.arrays import U64Array, from_array
from zk.groth16.example import hidden_circuit
from zk.groth16.keys import Blinding, ProvingKey
from zk.groth16.prove import prove
from zk.groth16.setup import UnsafeDevSetup

HERE = Path(__file__).resolve().parent
SIZES = (4, 7, 10)
ROWS = (64, 256, 4096)
STEPS = {
    "alone": "one prover who knows everything, without a link",
    "first": "member: shares of A, B, D and of the link's commitments",
    "fix": "member: corrects them",
    "fix_lied": "the same, t members off",
    "second": "member: its share of C",
    "conclude": "member: C, and the proof's equation",
    "conclude_lied": "the same, t members off",
    "third": "member: shares of the responses",
    "finish": "member: the link, and everything verified",
    "member": "first, fix, second, conclude, third and finish, nobody off",
    "verify": "observer",
}
PROTOTYPE = {"4/64": 26.0, "7/256": 75.0, "10/256": 71.0}
"""Milliseconds a member, by n and rows (design of the committee); without a link."""
T = TypeVar("T")


def timed(call: Callable[[], T], repeat: int) -> tuple[T, float]:
    """What it gives, and milliseconds of the processor."""
    result, spent = least(call, repeat)
    return result, round(spent, 3)


def off(bodies: dict[int, bytes], liars: range) -> dict[int, bytes]:
    """The same with another first point of some members."""
    changed = dict(bodies)
    for i in liars:
        point = group.total_g1([g1_from_bytes(bodies[i][:32]), group.multiple_g1(i, G1_GENERATOR)])
        changed[i] = g1_to_bytes(point) + bodies[i][32:]
    return changed


def measured(n: int, key: ProvingKey, assignment: U64Array, repeat: int) -> dict[str, Any]:
    """One committee and circuit."""
    size, rng = Size.of(n), random.Random(n)

    def uniform(count: int) -> U64Array:
        return vectors.vec(rng.randrange(vectors.R) for _ in range(count))

    shown, *values = from_array(assignment[1 : key.publics])
    openings = [Opening(value, 5 + j) for j, value in enumerate(values)]
    task = Task(key, (shown,), tuple(commit(openings)), bytes(32), size, SessionId(bytes(32)), 0)
    parts = [
        shamir.deal(column, size, size.t, uniform)
        for column in (
            vectors.vec(values),
            vectors.vec(o.blinding for o in openings),
            assignment[key.publics + 1 :],
        )
    ]
    held = keys_of_all(size, b"measured")
    members = {
        i: Member(task, Holding(*(part[i - 1] for part in parts)), held[i - 1])
        for i in size.members
    }
    one, cost = members[1], {}
    backend = backends.get()
    _, cost["alone"] = timed(lambda: prove(key, assignment, Blinding(3, 4), backend), repeat)
    first = {i: member.first() for i, member in members.items()}
    _, cost["first"] = timed(one.first, repeat)
    fixed, cost["fix"] = timed(lambda: one.fix(first), repeat)
    liars = range(1, size.t + 1)
    _, cost["fix_lied"] = timed(lambda: one.fix(off(first, liars)), repeat)
    second = {i: member.second(fixed) for i, member in members.items()}
    _, cost["second"] = timed(lambda: one.second(fixed), repeat)
    concluded, cost["conclude"] = timed(lambda: one.conclude(fixed, second), repeat)
    lied, cost["conclude_lied"] = timed(lambda: one.conclude(fixed, off(second, liars)), repeat)
    third = {i: member.third(fixed, concluded) for i, member in members.items()}
    _, cost["third"] = timed(lambda: one.third(fixed, concluded), repeat)
    responses = decode(size, third, size.t).values
    linked, cost["finish"] = timed(lambda: one.finish(fixed, concluded, responses), repeat)
    _, cost["verify"] = timed(
        lambda: verify_linked(task.verifying_key, task.hidden_count, linked, backend), repeat
    )
    steps = ("first", "fix", "second", "conclude", "third", "finish")
    cost["member"] = round(sum(cost[step] for step in steps), 3)
    sent = [len(first[1]), len(second[1]), 32 * len(third[1])]
    return {
        "milliseconds": {step: cost[step] for step in STEPS},
        "tried_lied": lied.tried,
        "bytes": dict(zip(("first", "second", "third"), sent, strict=True)),
        "proof_bytes": len(linked.hidden.to_bytes()) + len(linked.link.to_bytes()),
    }


def auction(n: int, provable: Provable, repeat: int) -> dict[str, Any]:
    """A whole session: sixteen bids of 32 bits, prepared, computed, committed to and proved."""
    size, rng = Size.of(n), random.Random(n)
    members, circuit = Committee.of(size, b"measured"), provable.circuit
    numbers = [rng.randrange(1 << 32) for _ in range(circuit.given)]
    blinds = [rng.randrange(vectors.R) for _ in numbers]
    pairs = zip(numbers, blinds, strict=True)
    known = tuple(commit([Opening(value, blinding) for value, blinding in pairs]))
    values, blindings = shares_of(members, numbers, 1), shares_of(members, blinds, 2)
    new = shares_of(members, [rng.randrange(vectors.R) for _ in provable.layout.outputs], 3)

    def whole(context: Context) -> Rounds[Proved]:
        i = context.member
        return run(context, provable, Operands(values[i], blindings[i], known), new[i])

    def computed(context: Context) -> Rounds[U64Array]:
        return compute(context, lambda mpc: all_wires(mpc, circuit, values[context.member]))

    plain, without = timed(lambda: simulate.run(members, computed), repeat)
    proved, within = timed(lambda: simulate.run(members, whole), repeat)
    if proved.errors or plain.errors:
        raise AssertionError("a session of honest members failed")
    one = proved.results[1]
    _, observer = timed(
        lambda: verify_transition(
            provable.program,
            provable.verifying_key,
            members.session.sid,
            known,
            one.outputs,
            one.linked,
            backends.get(),
        ),
        repeat,
    )
    tally, before = proved.contexts[1].tally, plain.contexts[1].tally
    return {
        "members": n,
        "rows": shape_of_program(provable.program).rows,
        "compute_ms": round(without / n, 1),
        "with_proof_ms": round(within / n, 1),
        "observer_ms": observer,
        "triples": tally.triples,
        "rounds": tally.rounds,
        "rounds_of_proof": tally.rounds - before.rounds,
        "mb": round(tally.bytes * (n - 1) / 1e6, 2),
        "proof_bytes": len(one.linked.hidden.to_bytes()) + len(one.linked.link.to_bytes()),
    }


def main(arguments: list[str]) -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--out", type=Path, default=HERE / "proofs.json")
    chosen = parser.parse_args(arguments)
    backend = backends.get()
    load = host.load()[0]
    runs: list[dict[str, Any]] = []
    for rows in ROWS:
        shape, assignment = hidden_circuit(rows, rows=rows)
        key = UnsafeDevSetup().run(shape, backend)
        for n in SIZES:
            found = measured(n, key, assignment, chosen.repeat)
            runs.append({"members": n, "rows": rows, **found})
            sys.stdout.write(f"n = {n}, {rows} rows: {found['milliseconds']}\n")
    provable = Provable.unsafe(auction_program.at(bidders=16), backend)
    auctions = [auction(n, provable, chosen.repeat) for n in SIZES]
    for line in auctions:
        sys.stdout.write(json.dumps(line) + "\n")
    document = {
        "schema": "chiaro-private-proofs/1",
        "machine": host.briefly(),
        "backend": backend.name,
        "load": load,
        "steps": STEPS,
        "prototype": PROTOTYPE,
        "runs": runs,
        "auction": auctions,
    }
    chosen.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
