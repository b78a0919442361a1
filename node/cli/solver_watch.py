"""`chiaro solver run --open`: look at the overlay again and again, settle what fits together."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from node.cli import output, show, solver, solver_open
from node.cli.session import Session
from zk.errors import ChiaroError

if TYPE_CHECKING:
    from rich.console import Console

    from node.cli.solver_open import Carried, Inbox, Solver
    from node.core.genesis import Genesis
    from node.intents.solvers.problem import Problem
    from node.intents.worker import Limits
    from node.rpc.client import NodeClient

_LOOK_S: Final = 1.0
"""Messages come without blocks, so the overlay is looked at without waiting for one."""
_INCLUDED_S: Final = 60.0


def watch(
    session: Session,
    client: NodeClient,
    genesis: Genesis,
    me: Solver,
    name: str,
    limits: Limits,
    timeout: float,
    *,
    once: bool,
) -> list[dict[str, Any]]:
    """Settle open intents, for ever; with `once`, until one settlement was handed in.

    Args:
        session: of the command.
        client: of the node.
        genesis: of the chain.
        me: who settles, and is paid.
        name: of the solver.
        limits: of its process.
        timeout: seconds, with `once`.
        once: stop after one.

    Raises:
        StillPending: with `once`, nothing fit together in time.
    """
    from node.rpc.errors import StillPending

    inbox = solver_open.Inbox(me)
    deadline = time.monotonic() + timeout
    last: tuple[object, ...] = ()
    while True:
        tip = client.status().height
        carried = inbox.gather(client, genesis, tip)
        problem = _problem(client, genesis, carried)
        # What did not fit together does not do so until something is new.
        state = () if problem is None else tuple((i.id, n) for i, n in problem.entries)
        if problem is not None and state != last:
            last = state
            result = _work(session, client, genesis, inbox, carried, problem, name, limits)
            if result["settlement"] is not None or result["error"] is not None:
                solver.tell(session, result, event=not once, line=_line(result))
                if once:
                    return [result]
        left = deadline - time.monotonic()
        if once and left <= 0:
            raise StillPending(
                f"no open intents that fit together within {timeout:g} s",
                why="they come over the overlay of the node that is asked",
                fix="run it again while intents are on their way, or leave out --once",
            )
        client.events(tip, min(left, _LOOK_S) if once else _LOOK_S)


def _problem(client: NodeClient, genesis: Genesis, carried: list[Carried]) -> Problem | None:
    """What is left of them on the present state; None: nothing."""
    if not carried:
        return None
    found = client.gossip.problem(genesis, [item.intent for item in carried])
    return found if found.entries else None


def _work(
    session: Session,
    client: NodeClient,
    genesis: Genesis,
    inbox: Inbox,
    carried: list[Carried],
    problem: Problem,
    name: str,
    limits: Limits,
) -> dict[str, Any]:
    """Solve, hand in, wait for the block; what goes wrong is told and does not end the watch."""
    from node.intents.worker import run_solver
    from node.rpc.text import bytes_of

    result: dict[str, Any] = {
        "intents": len(problem.entries),
        "directed": sum(item.directed for item in carried),
        "settlement": None,
        "components": 0,
        "settled": [],
        "fee": None,
        "offered": None,
        "tx_id": None,
        "height": None,
        "submitted": False,
        "error": None,
    }
    try:
        found = run_solver(name, problem, limits=limits)
        if not found.components:
            return result
        solver.fill_account(session, client, inbox.solver.key)
        wire, fee, used = solver_open.transaction(
            client, genesis, inbox.solver, carried, problem, found
        )
        result["settlement"] = "0x" + found.id.hex()
        result["components"] = len(found.components)
        result["fee"] = show.amount(fee, "native")
        result["offered"] = show.amount(sum(item.worth for item in used), "native")
        result["tx_id"] = client.submit(wire).tx_id
        result["submitted"] = True
        view = client.wait_for_tx(bytes_of(result["tx_id"]), _INCLUDED_S)
        if view.status != "included" or view.receipt is None:
            why = view.receipt or view.error
            code, text = ("", "it expired") if why is None else (why.code, why.message)
            result["error"] = {"code": code, "message": text}
            return result
        result["height"] = view.receipt.height
        events = (event for event in view.receipt.events if event.name == "settled")
        result["settled"] = ["0x" + event.data["intent"] for event in events]
    except ChiaroError as error:
        result["error"] = {"code": error.id, "message": error.message}
    return result


def _line(result: dict[str, Any]) -> str:
    head = f"{result['intents']} open intents"
    if result["error"]:
        code = f" ({result['error']['code']})" if result["error"]["code"] else ""
        return f"{head}; {result['error']['message']}{code}"
    return f"{head}; {len(result['settled'])} of them settled in block {result['height']}"


def report(session: Session, name: str, rounds: list[dict[str, Any]]) -> None:
    """What one settlement came to."""

    def render(out: Console) -> None:
        for result in rounds:
            mark = "… " if result["error"] else "✓ "
            out.print(mark + _line(result), markup=False)

    output.emit(session, "solver.open", {"solver": name, "settlements": rounds}, render)
