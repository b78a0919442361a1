"""The dark pool of the demonstration: a session with a proof, one member lying.

Four members, in this process: keys and shares are real, messages are signed and encoded as they
would be; nothing goes through sockets or lands on the chain.
"""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from node.cli.demo_private_facts import (
    LIAR,
    MEMBERS,
    KindFacts,
    LeakFacts,
    OrderFacts,
    PoolFacts,
    SessionFacts,
    T,
)
from node.cli.demo_run import DemoFailed

if TYPE_CHECKING:
    from private_exec.programs.program import Program
    from private_exec.provable.document import Transition
    from zk.groth16.keys import VerifyingKey

WHERE: Final = "in one process, on no chain"
TICKS: Final = 4


@dataclass(frozen=True, slots=True)
class Order:
    """What a trader wants."""

    name: str
    buys: bool
    limit: int
    quantity: int


ORDERS: Final = (
    Order("Ada", True, 2, 50),
    Order("Ben", False, 1, 30),
    Order("Cleo", False, 2, 40),
    Order("Dan", True, 0, 20),
)


def darkpool() -> PoolFacts:
    """Four orders, one of which cannot be filled.

    Raises:
        DemoFailed: what came out is not what the orders give.
    """
    from private_exec.programs import clear
    from private_exec.programs.darkpool import darkpool as program

    buys = [int(order.buys) for order in ORDERS]
    limits, quantities = [o.limit for o in ORDERS], [o.quantity for o in ORDERS]
    made = program.at(orders=len(ORDERS), ticks=TICKS)
    session, opened = _session(made, [*buys, *limits, *quantities])
    given = {"buys": buys, "limits": limits, "quantities": quantities}
    if opened != _lists(clear.run(made, given)):
        raise DemoFailed("the dark pool came out otherwise than in the clear")
    orders = tuple(
        OrderFacts(order.name, order.buys, order.limit, order.quantity, fill)
        for order, fill in zip(ORDERS, opened["fills"], strict=True)
    )
    return PoolFacts(orders, TICKS, opened["tick"][0], session)


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


def _lists(values: Mapping[str, Sequence[int]]) -> dict[str, list[int]]:
    """Outputs by name, each a list."""
    return {name: list(found) for name, found in values.items()}


def _session(program: Program, values: Sequence[int]) -> tuple[SessionFacts, dict[str, list[int]]]:
    """Run one with a liar, and check its proof as an observer does."""
    from node.cli.rehearsal import Rehearsal
    from private_exec.provable.transition import Provable
    from zk import backends

    provable = Provable.unsafe(program, backends.get())
    began = time.perf_counter()
    played = Rehearsal(provable, MEMBERS, [LIAR], secrets.token_bytes(32), values)
    proved = played.run()
    seconds = time.perf_counter() - began
    transition = played.transition(proved)
    began = time.perf_counter()
    transition.verify(provable.verifying_key, backends.get())
    verify_seconds = time.perf_counter() - began
    honest = [m for m in played.committee.session.members if m != LIAR]
    faults = [fault for m in honest for fault in played.outcome.contexts[m].faults]
    said = {
        m: [(s.kind, s.length) for s in played.outcome.sent if s.sender == m]
        for m in played.committee.session.members
    }
    counts = Counter(kind for kind, _ in said[1])
    size = played.committee.session.size
    sizes = Counter[object]()
    for message in played.outcome.messages:
        if message.header.sender == 1:
            sizes[message.header.kind] += len(message.to_bytes())
    session = SessionFacts(
        where=WHERE,
        liar=LIAR,
        named=tuple(sorted({fault.member for fault in faults})),
        rules=tuple(sorted({fault.rule for fault in faults})),
        rounds=played.outcome.contexts[1].tally.rounds,
        kinds=tuple(KindFacts(k.name.lower(), n, sizes[k]) for k, n in sorted(counts.items())),
        even=all(sent == said[1] for sent in said.values()),
        proof_bytes=len(proved.linked.hidden.to_bytes()) + len(proved.linked.link.to_bytes()),
        seconds=seconds,
        verify_seconds=verify_seconds,
        altered_refused_by=altered(transition, provable.verifying_key),
        share=f"{played.share(1, 0):064x}",
        read=tuple(played.read_by(honest[: size.t + 1])),
    )
    if len(session.read) != len(values) or size.t != T:
        raise DemoFailed("the committee is another one than the page speaks of")
    return session, played.opened()


def altered(transition: Transition, key: VerifyingKey) -> str:
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
