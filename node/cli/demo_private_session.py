"""What was seen of a session on the chain: its result there, and what members told of it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from node.cli.demo_private_facts import LIAR, MEMBERS, KindFacts, LeakFacts, SessionFacts
from node.cli.demo_private_people import PROFILE
from node.cli.demo_private_traces import Trace
from node.cli.demo_private_world import READERS, PrivateWorld
from node.cli.demo_run import DemoFailed

if TYPE_CHECKING:
    from node.private.sale_payload import ResultTx
    from private_exec.provable.document import Transition
    from zk.groth16.keys import VerifyingKey


def result_of(world: PrivateWorld, sale: bytes, since: int) -> tuple[int, ResultTx]:
    """A sale's result, and the height of the block that has it.

    Raises:
        DemoFailed: none has.
    """
    from node.core.block import Block, Transaction
    from node.core.ids import EnvironmentId
    from node.private.payload import decode
    from node.private.sale_payload import ResultTx

    for height, block, *_ in world.client.raw(since, world.height):
        for data in Block.from_bytes(block).txs:
            tx = Transaction.from_bytes(data)
            if tx.environment is EnvironmentId.PRIVATE:
                found = decode(tx.payload)
                if isinstance(found, ResultTx) and found.sale == sale:
                    return height, found
    raise DemoFailed("no block has the result")


def session_facts(
    result: ResultTx,
    traces: Mapping[int, Trace],
    shares: Mapping[int, Sequence[int]],
    seconds: float,
) -> SessionFacts:
    """What members told of the session that a result is of, and what an auditor says of it.

    Args:
        result: as a block has it.
        traces: of members, by number.
        shares: what each of them holds of what was read.
        seconds: that it took.
    """
    from node.private.program_keys import key_store
    from node.private.results import transition_of
    from private_exec.sharing import interpolate
    from zk import backends

    transition = transition_of(result)
    key = key_store().verifying_key(result.program.statement, PROFILE)
    transition.verify(key, backends.get())
    began = time.perf_counter()
    transition.verify(key, backends.get())
    verify_seconds = time.perf_counter() - began
    session = "0x" + result.session.hex()
    said = {m: dict(_said(traces[m], session)) for m in range(1, MEMBERS + 1)}
    every: dict[int, set[tuple[str, int]]] = {}
    for rounds in said.values():
        for number, form in rounds.items():
            every.setdefault(number, set()).add(form)
    abouts = f"of sale {result.sale.hex()[:16]}", f"of session {result.session.hex()[:16]}"
    faults = [
        fault
        for member, trace in traces.items()
        for fault in trace.faults
        if member != LIAR and fault["about"].endswith(abouts)
    ]
    rows = zip(*(shares[member] for member in READERS), strict=True)
    return SessionFacts(
        liar=LIAR,
        named=tuple(sorted({fault["member"] for fault in faults})),
        rules=tuple(sorted({fault["rule"] for fault in faults})),
        rounds=len(every),
        kinds=_kinds(every),
        even=all(len(forms) == 1 for forms in every.values()),
        proof_bytes=len(result.linked.to_bytes()),
        seconds=seconds,
        verify_seconds=verify_seconds,
        altered_refused_by=_altered(transition, key),
        share=f"{shares[READERS[0]][0]:064x}",
        read=tuple(interpolate(list(READERS), list(row), 0) for row in rows),
    )


def proof_document(result: ResultTx) -> bytes:
    """A result with its proof, as `chiaro private verify` takes it."""
    import json

    from node.private.results import transition_of
    from private_exec.provable.document import document

    return (json.dumps(document(transition_of(result)), indent=1) + "\n").encode()


def leaks() -> tuple[LeakFacts, ...]:
    """What the programs of the house tell."""
    from private_exec.programs.library import PROGRAMS

    return tuple(
        LeakFacts(
            name,
            tuple(
                (gained, "everybody" if each.to == "public" else each.to)
                for gained, each in made.declaration.outputs.items()
            ),
            tuple(made.declaration.leaks),
        )
        for name, made in sorted(PROGRAMS.items())
    )


def _altered(transition: Transition, key: VerifyingKey) -> str:
    """The rule that refuses the same proof for a last output that is one more.

    Raises:
        DemoFailed: nobody does.
    """
    from private_exec import group
    from zk import backends
    from zk.curve.bn254 import G1_GENERATOR
    from zk.errors import ChiaroError

    more = group.total_g1([transition.outputs[-1], G1_GENERATOR])
    outputs = (*transition.outputs[:-1], more)
    linked = replace(transition.linked, commitments=(*transition.inputs, *outputs))
    try:
        replace(transition, outputs=outputs, linked=linked).verify(key, backends.get())
    except ChiaroError as error:
        return error.id
    raise DemoFailed("a proof of another result was not refused")


def _said(trace: Trace, session: str) -> Iterator[tuple[int, tuple[str, int]]]:
    """Kind and bytes of what a member said in each round of a session."""
    for line in trace.said:
        if line["session"] == session:
            yield line["round"], (line["kind"], line["bytes"])


def _kinds(every: Mapping[int, set[tuple[str, int]]]) -> tuple[KindFacts, ...]:
    """Of all rounds, in the order in which kinds came first."""
    found: dict[str, list[int]] = {}
    for number in sorted(every):
        for kind, size in every[number]:
            found.setdefault(kind, []).append(size)
    return tuple(KindFacts(kind, len(sizes), sum(sizes)) for kind, sizes in found.items())
