"""`chiaro solver …`: settle opened batches, see what others proposed, and why one won."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from node.cli import connection, output, show, start, wallets
from node.cli.session import Session, UsageError
from node.core.errors import NotFound, PolicyRefused
from zk.errors import ChiaroError

if TYPE_CHECKING:
    from rich.console import Console

    from node.cli.solver_run import Submitted
    from node.core.genesis import Genesis
    from node.core.ids import Kind
    from node.intents.worker import Limits
    from node.rpc.client import NodeClient
    from node.rpc.lane_schema import BatchView, LiveBatchView
    from transparent.signature import SigningKey

app = typer.Typer(help="Settle opened batches of sealed intents, and look at settlements.")

_BATCH: Final = re.compile(r"(?:([a-z][a-z0-9-]{0,31}|[0-9]{1,10})/)?([0-9]{1,18})", re.ASCII)
_IDLE_S: Final = 10.0
_LOW: Final = 100_000
"""Base units: a tenth of a native unit, some submissions."""

BATCH = typer.Argument(metavar="BATCH", help="Such as main/12; without a domain, of the first.")
SOLVER = typer.Option(
    "standard", "--solver", help="standard, cycles, matching, complete, or module:function."
)
SECONDS = typer.Option(5.0, "--seconds", min=0.1, help="Wall clock of one solver's process.")
MEMORY = typer.Option(2048, "--memory", min=128, help="Address space of it, MiB.")


# --- run ------------------------------------------------------------------------------------------


@app.command()
def run(
    context: typer.Context,
    domain: list[str] = typer.Option([], "--domain", help="Only these domains; else all."),
    solver: str = SOLVER,
    seconds: float = SECONDS,
    memory: int = MEMORY,
    password_file: Path | None = start.PASSWORD_FILE,
    timeout: float = typer.Option(
        120.0, "--timeout", min=0.0, help="With --once: seconds to wait for a batch to solve."
    ),
    *,
    once: bool = typer.Option(False, "--once", help="Stop after one batch was worked on."),
    unsealed: bool = typer.Option(
        False, "--open", help="Open intents from the overlay, in place of sealed batches."
    ),
) -> None:
    """Watch for opened batches, solve them in a bounded process, submit what was found.

    Submissions are signed and paid by the wallet's transparent account, for everyone to see.
    """
    from node.cli import intent_new
    from node.intents.worker import Limits

    session: Session = context.obj
    name = wallets.choose(session)
    limits = Limits(seconds, memory << 20)
    with connection.connected(session) as client:
        genesis = client.genesis()
        wanted = frozenset(_domain(genesis, text) for text in domain)
        with wallets.opened(session.places, name, profile=session.profile) as wallet:
            secrets, entropy = intent_new.unlock(session, wallet, password_file)
            key = secrets.signing
        output.note(
            session, f"watching {session.node} as account 0x{key.account.hex()}; Ctrl-C ends"
        )
        if unsealed:
            from node.cli import solver_open, solver_watch

            me = solver_open.solver_of(entropy, key, genesis.chain_id)
            rounds = solver_watch.watch(
                session, client, genesis, me, solver, limits, timeout, once=once
            )
            solver_watch.report(session, solver, rounds)
            return
        done = _watch(session, client, genesis, wanted, solver, limits, key, timeout, once=once)
    output.emit(session, "solver.run", {"solver": solver, "batches": done}, _render_run(done))


def _watch(
    session: Session,
    client: NodeClient,
    genesis: Genesis,
    wanted: frozenset[int],
    solver: str,
    limits: Limits,
    key: SigningKey,
    timeout: float,
    *,
    once: bool,
) -> list[dict[str, Any]]:
    """Work on every batch once, for ever; with `once`, on one.

    Raises:
        StillPending: with `once`, none was opened in time.
    """
    from node.cli import solver_run
    from node.rpc.errors import StillPending

    seen: set[tuple[int, int]] = set()
    deadline = time.monotonic() + timeout
    while True:
        found = list(solver_run.solvable(client, wanted))
        fresh = [live for live in found if (live.domain, live.number) not in seen]
        seen = {(live.domain, live.number) for live in found}
        for live in fresh:
            result = _work(session, client, genesis, live, solver, limits, key)
            tell(session, result, event=not once)
            if once:
                return [result]
        left = deadline - time.monotonic()
        if once and left <= 0:
            raise StillPending(
                f"no batch was opened within {timeout:g} s",
                why="a batch is opened after it closed, by its validators",
                fix="run it again while intents are on their way, or leave out --once",
            )
        client.events(client.status().height, min(left, _IDLE_S) if once else _IDLE_S)


def _work(
    session: Session,
    client: NodeClient,
    genesis: Genesis,
    live: LiveBatchView,
    solver: str,
    limits: Limits,
    key: SigningKey,
) -> dict[str, Any]:
    """Solve and submit; what goes wrong with one batch is told and does not end the watch."""
    from node.cli import solver_run

    result: dict[str, Any] = {
        "domain": live.domain,
        "batch": live.number,
        "deadline": live.due,
        "intents": 0,
        "settlement": None,
        "components": 0,
        "fee": None,
        "submitted": False,
        "error": None,
    }
    try:
        found = solver_run.solve(client, genesis, live.domain, live.number, solver, limits)
        result["intents"] = found.intents
        if found.settlement is None:
            result["error"] = {"code": "", "message": found.why}
            return result
        result["settlement"] = "0x" + found.settlement.id.hex()
        result["components"] = len(found.settlement.components)
        fill_account(session, client, key)
        wire, fee = solver_run.submission(client, genesis, found, key)
        client.submit(wire)
        result.update(submitted=True, fee=show.amount(fee, "native"))
    except ChiaroError as error:
        result["error"] = {"code": error.id, "message": error.message}
    return result


def tell(session: Session, result: dict[str, Any], *, event: bool, line: str = "") -> None:
    """A line for people; with `--json`, of a watch that does not end, a document a batch."""
    if session.json and event:
        document = {
            "schema": "chiaro.solver.event/1",
            "ok": True,
            "profile": session.profile,
            "data": result,
        }
        sys.stdout.write(output.json_text(document) + "\n")
        sys.stdout.flush()
    output.note(session, line or _line(result))


def fill_account(session: Session, client: NodeClient, key: SigningKey) -> None:
    """Development chains: an account that is nearly empty is filled from the faucet."""
    from node.core.ids import NATIVE

    low = client.account(key.account).balance(NATIVE) < _LOW
    if low and client.status().faucet is not None:
        output.note(session, "the account is nearly empty: the development faucet pays in 1 native")
        client.faucet(key.account, 10 * _LOW)


def _line(result: dict[str, Any]) -> str:
    batch = f"batch {result['domain']}/{result['batch']}: {result['intents']} intents"
    if result["error"]:
        code = f" ({result['error']['code']})" if result["error"]["code"] else ""
        return f"{batch}; {result['error']['message']}{code}"
    return f"{batch}; settlement of {result['components']} component(s) submitted"


def _render_run(done: list[dict[str, Any]]) -> Any:
    def render(out: Console) -> None:
        for result in done:
            out.print(("✓ " if result["submitted"] else "… ") + _line(result), markup=False)

    return render


@app.command()
def contact(context: typer.Context, password_file: Path | None = start.PASSWORD_FILE) -> None:
    """Print where intents for this solver alone are sent: `chiaro intent submit --to CONTACT`."""
    from node.cli import intent_new, solver_open

    session: Session = context.obj
    name = wallets.choose(session)
    with connection.connected(session) as client:
        genesis = client.genesis()
        with wallets.opened(session.places, name, profile=session.profile) as wallet:
            secrets, entropy = intent_new.unlock(session, wallet, password_file)
        me = solver_open.solver_of(entropy, secrets.signing, genesis.chain_id)
    text = "0x" + me.contact.to_bytes().hex()
    data = {"wallet": name, "account": "0x" + me.key.account.hex(), "contact": text}
    output.emit(
        session, "solver.contact", data, lambda out: out.print(text, markup=False, soft_wrap=True)
    )


# --- quote ----------------------------------------------------------------------------------------


@app.command()
def quote(
    context: typer.Context,
    give: tuple[str, str] = typer.Option(..., "--give", metavar="AMOUNT ASSET", help="To be sold."),
    want: tuple[str, str] = typer.Option(
        ..., "--want", metavar="AMOUNT ASSET", help="At least, for all of it."
    ),
    batch: str | None = typer.Argument(None, metavar="[BATCH]", help="A batch under solution."),
    solver: str = SOLVER,
    seconds: float = SECONDS,
    memory: int = MEMORY,
) -> None:
    """Say what a limit order would have got in the book of a batch that is being solved.

    Computed here, and an estimate: that batch is closed, and the order's own book is not known.
    """
    from node.cli import solver_run, wallet_spend
    from node.cli.intent_make import known_kinds
    from node.cli.transfer import amount_of
    from node.intents.worker import Limits

    session: Session = context.obj
    amounts = (amount_of(give[0], "--give"), amount_of(want[0], "--want"))
    if not all(amounts):
        raise UsageError("an amount of zero moves nothing", fix="give more than 0")
    with connection.connected(session) as client:
        genesis, status = client.genesis(), client.status()
        kinds = [wallet_spend.kind_of(status, asset) for asset in (give[1], want[1])]
        if kinds[0] == kinds[1]:
            raise UsageError("gives and wants the same asset", fix="name two different assets")
        domain, number = _chosen(client, genesis, batch)
        problem, deadline = client.lane.problem(genesis, domain, number)
        limits = Limits(seconds, memory << 20)
        found = solver_run.quote(
            problem, kinds[0], amounts[0], kinds[1], amounts[1], solver, limits
        )
        names = known_kinds(status)
    data = {
        "domain": domain,
        "batch": number,
        "deadline": deadline,
        "sold": show.amount(found.sold, names[kinds[0]]),
        "bought": show.amount(found.bought, names[kinds[1]]),
        "others": found.others,
        "estimate": True,
    }
    session.exit_code = 0 if found.sold else 1

    def render(out: Console) -> None:
        text = show.amount_text
        if found.sold:
            out.print(
                f"{text(found.sold)} {give[1]} would get {text(found.bought)} {want[1]}",
                markup=False,
            )
        else:
            out.print("it would not trade at that price", markup=False)
        out.print(
            f"in the book of batch {domain}/{number} ({found.others} intents), which is closed: "
            "an order made now goes into a later one",
            markup=False,
        )

    output.emit(session, "solver.quote", data, render)


def _chosen(client: NodeClient, genesis: Genesis, batch: str | None) -> tuple[int, int]:
    """The batch meant: named, or the one being solved that ends first."""
    from node.cli import solver_run

    if batch is not None:
        return _batch(genesis, batch)
    found = next(solver_run.solvable(client, frozenset()), None)
    if found is None:
        raise NotFound(
            "no batch is being solved now",
            why="only an opened batch has a book that anybody can read",
            fix="wait for one: `chiaro solver run --once` shows when",
        )
    return found.domain, found.number


# --- solutions, explain ---------------------------------------------------------------------------


@app.command()
def solutions(context: typer.Context, batch: str = BATCH) -> None:
    """List the settlements that were submitted for a batch, with score, and which one won."""
    from node.cli import solver_run

    session: Session = context.obj
    with connection.connected(session) as client:
        genesis = client.genesis()
        domain, number = _batch(genesis, batch)
        view = client.lane.batch(domain, number)
        found = solver_run.submitted(client, genesis, view)
    rows, parts = [_solution(item, view) for item in found], _parts(view)
    data = {
        "domain": domain,
        "batch": number,
        "stage": view.stage,
        "solutions": rows,
        "components": parts,
    }

    def render(out: Console) -> None:
        out.print(f"batch {domain}/{number}: {view.stage}", markup=False)
        if not rows:
            out.print("no settlement was submitted", markup=False)
            return
        headings = ("block", "settlement", "solver", "score", "intents", "result")
        cells = [
            (
                str(row["height"]),
                (row["settlement"] or "")[:14],
                row["solver"][:14],
                row["score"] or "",
                str(row["intents"]),
                "✓ won" if row["won"] else "best so far" if row["best"] else row["code"],
            )
            for row in rows
        ]
        output.table(out, headings, cells)
        for part in parts:
            out.print(f"  {part['name']}: {part['code']}", markup=False)

    output.emit(session, "solver.solutions", data, render)


def _solution(item: Submitted, view: BatchView) -> dict[str, Any]:
    from node.cli import solver_run

    settlement = item.settlement
    name = None if settlement is None else "0x" + settlement.id.hex()
    best = view.best is not None and view.best.id == name and item.code == "ok"
    score = solver_run.score_text(view.best.score) if best and view.best is not None else None
    return {
        "height": item.height,
        "settlement": name,
        "solver": "0x" + item.tx.solver.hex(),
        "fee": show.amount(item.tx.fee, "native"),
        "intents": 0 if settlement is None else len(settlement.intents),
        "score": score,
        "best": best,
        "won": best and view.stage == "settled",
        "code": item.code,
        "message": item.message,
    }


def _parts(view: BatchView) -> list[dict[str, str]]:
    if view.end is None:
        return []
    return [{"name": part.name, "code": part.code} for part in view.end.parts]


@app.command()
def explain(context: typer.Context, batch: str = BATCH) -> None:
    """Tell a batch's way: what was ordered, what was opened, what was settled, and why not more."""
    from node.cli import solver_run
    from node.cli.intent_make import known_kinds

    session: Session = context.obj
    with connection.connected(session) as client:
        genesis = client.genesis()
        names = dict(known_kinds(client.status()))
        domain, number = _batch(genesis, batch)
        view = client.lane.batch(domain, number)
    data = {
        "domain": domain,
        "batch": number,
        "stage": view.stage,
        "due": view.due,
        "height": view.height,
        "entries": [
            {
                "id": entry.id,
                "payer": entry.payer,
                "fee": show.amount(int(entry.fee), "native"),
                "size": entry.size,
                "fate": entry.fate,
            }
            for entry in view.entries
        ],
        "opened": [
            {
                "id": item.id,
                "schema": item.schema,
                "gives": [_amount(b.kind.kind, int(b.amount), names) for b in item.gives],
                "wants": [_amount(b.kind.kind, int(b.amount), names) for b in item.wants],
                "lines": item.lines,
            }
            for item in view.opened
        ],
        "components": _components(view, names),
        "score": None if view.best is None else solver_run.score_text(view.best.score),
        "solver": None if view.best is None else view.best.solver,
        "settled": [] if view.end is None else view.end.settled,
    }
    output.emit(session, "solver.explain", data, lambda out: _render_batch(out, data))


def _components(view: BatchView, names: dict[Kind, str]) -> list[dict[str, str]]:
    """Components of the settlement that was carried out, each with its result."""
    from node.cli import solver_run
    from node.rpc.text import bytes_of

    if view.end is None:
        return []
    codes = {part.name: part.code for part in view.end.parts}
    settlement = solver_run.settlement_of(bytes_of(view.end.settlement))
    components = () if settlement is None else settlement.components
    return [
        {
            "name": f"component {index}",
            "text": solver_run.component_text(component, names),
            "code": codes.get(f"component {index}", ""),
        }
        for index, component in enumerate(components)
    ]


def _amount(kind: Kind, amount: int, names: dict[Kind, str]) -> dict[str, str]:
    return show.amount(amount, names.get(kind, f"0x{kind.label:064x}"[:14]))


def _render_batch(out: Console, data: dict[str, Any]) -> None:
    out.print(f"batch {data['domain']}/{data['batch']}: {data['stage']}", markup=False)
    headings = ("sealed intent", "payer", "fee", "bytes", "fate")
    rows = [
        (e["id"][:14], e["payer"][:14], e["fee"]["amount"], str(e["size"]), e["fate"] or "sealed")
        for e in data["entries"]
    ]
    output.table(out, headings, rows)
    for item in data["opened"]:
        gives, wants = (
            " + ".join(f"{x['amount']} {x['unit']}" for x in item[side]) or "?"
            for side in ("gives", "wants")
        )
        out.print(f"  {item['schema']:<9} gives {gives}, wants {wants}", markup=False)
    for item in data["components"]:
        out.print(f"  {item['name']}: {item['text']}: {item['code']}", markup=False)
    if data["score"] is not None:
        out.print(f"  score {data['score']}, solver {data['solver']}", markup=False)


# --- common ---------------------------------------------------------------------------------------


def _domain(genesis: Genesis, text: str) -> int:
    if genesis.lane is None:
        raise PolicyRefused("this chain has no sealed lane")
    for domain in genesis.lane.domains:
        if text in {domain.name, str(domain.number)}:
            return domain.number
    known = ", ".join(domain.name for domain in genesis.lane.domains)
    raise UsageError(f"this chain has no domain {text!r}", fix=f"one of {known}")


def _batch(genesis: Genesis, text: str) -> tuple[int, int]:
    """`main/12`, `0/12` or `12`.

    Raises:
        UsageError: something else.
    """
    found = _BATCH.fullmatch(text.strip().lower())
    if found is None:
        raise UsageError(f"not a batch: {text[:64]!r}", where="BATCH", fix="write it like main/12")
    if genesis.lane is None:
        raise PolicyRefused("this chain has no sealed lane")
    domain = genesis.lane.domains[0].number if found[1] is None else _domain(genesis, found[1])
    return domain, int(found[2])
