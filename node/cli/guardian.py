"""`chiaro guardian …`: keys and orders of those who may close a pool (docs/emergency.md).

key ──▶ founders put the public half into genesis
order ──▶ ORDER.json ──▶ sign (each guardian, offline) ──▶ submit (anyone)
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from node.cli import connection, guardian_files, output, prompts, show, start
from node.cli.guardian_files import NotSigned, OrderFile
from node.cli.session import DEFAULT_PROFILE, Session, UsageError
from node.core.errors import PolicyRefused

if TYPE_CHECKING:
    from node.execution.order import Order
    from node.rpc.schema import Status
    from transparent.signature import SigningKey

VALID_FOR: Final = 10_000
"""Blocks in which an order may enter the chain, by default."""
EFFECTS: Final = {
    "open": "value may enter the pool, move in it and leave it",
    "exit-only": "value may only leave (`chiaro unshield`); shielding and private payments are "
    "refused",
    "frozen": "nothing enters the pool, moves in it or leaves it",
}

app = typer.Typer(help="For guardians: keys and orders that open, narrow or freeze a pool.")

_ORDER = typer.Argument(help="The order's file, .json.")


@app.command()
def key(
    context: typer.Context,
    out: Path = typer.Option(..., "--out", "-o", help="The key file to make, .json."),
    password_file: Path | None = start.PASSWORD_FILE,
) -> None:
    """Make a guardian's key: encrypted in a file, its public half for genesis."""
    session: Session = context.obj
    password = prompts.new_password(session, password_file, "Password for the key")
    public = guardian_files.new_key(out, session.profile, password)
    data = {"file": str(out), "guardian": "0x" + public.hex(), "profile": session.profile}
    output.emit(session, "guardian.key", data)


@app.command()
def order(
    context: typer.Context,
    state: str = typer.Argument(help="open, exit-only or frozen."),
    reason: str = typer.Option(..., "--reason", help="Why, for everyone to read."),
    out: Path = typer.Option(..., "--out", "-o", help="The order's file to make, .json."),
    pool: str = typer.Option("shielded", "--pool", help="Which pool."),
    insecure: str = typer.Option(
        "", "--insecure", help="Statement that is broken, as action/1. Cannot be taken back."
    ),
    deadline: int = typer.Option(
        0, "--deadline", min=0, help="Last block of this state; then the pool is frozen. 0: none."
    ),
    not_before: int = typer.Option(
        0, "--not-before", min=0, help="First block that may hold the order. 0: at once."
    ),
    expiry: int = typer.Option(
        0, "--expiry", min=0, help=f"Last one; by default {VALID_FOR} blocks from now."
    ),
) -> None:
    """Write the next order of a chain, for its guardians to sign."""
    from node.core.ids import ChainId, EnvironmentId, Height
    from node.execution.order import MAX_REASON, Order, PoolState
    from node.rpc.text import bytes_of

    session: Session = context.obj
    if state not in EFFECTS:
        raise UsageError(f"no state {state!r}", where="STATE", fix="open, exit-only or frozen")
    if not reason.isascii() or not reason.isprintable() or not 1 <= len(reason) <= MAX_REASON:
        raise UsageError(f"1 to {MAX_REASON} printable ASCII characters", where="--reason")
    with connection.connected(session) as client:
        status = client.status()
    guardians = _guardians(status)
    if pool not in {item.environment for item in status.pools}:
        raise UsageError(f"this chain has no pool {pool!r}", where="--pool")
    if insecure and insecure not in {item.id for item in status.statements}:
        raise UsageError(f"this chain verifies no {insecure!r}", where="--insecure")
    made = Order(
        ChainId(bytes_of(status.chain_id, 32)),
        guardians.next_order,
        EnvironmentId[pool.upper()],
        PoolState.of(state),
        insecure,
        Height(not_before),
        Height(expiry or status.height + VALID_FOR),
        Height(deadline),
        reason,
    )
    _check_possible(made, status)
    found = OrderFile(
        made, status.name, status.profile, tuple(bytes_of(k) for k in guardians.keys),
        guardians.threshold,
    )  # fmt: skip
    guardian_files.write_order(found, out)
    _report(session, "guardian.order", found, out, f"✓ {out}: guardians sign it next")


def _check_possible(made: Order, status: Status) -> None:
    """Refuse early what the chain would refuse whoever signs it.

    Raises:
        PolicyRefused: by the rule that it names.
    """
    from node.execution.order import PoolState

    view = next(item for item in status.pools if item.environment == made.pool.label)
    refused = ""
    if view.closed_for_good:
        refused = f"EX-31: the {made.pool.label} pool is closed for good"
    elif made.state is PoolState.OPEN and (view.insecure or made.insecure):
        refused = "EX-30: a pool with an insecure statement never opens again"
    elif made.state is PoolState.OPEN and made.deadline:
        refused = "EX-26: an open pool has no deadline"
    elif made.deadline and made.deadline <= max(status.height + 1, made.not_before):
        refused = f"EX-26: deadline {made.deadline} passes before the order takes effect"
    elif (
        made.state is PoolState.FROZEN
        and made.deadline
        and not (made.insecure or view.insecure)
    ):  # fmt: skip
        refused = "EX-26: a frozen pool has a deadline only where a statement is insecure"
    elif made.expiry < max(status.height + 1, made.not_before):
        refused = f"EX-28: no block from {made.not_before} to {made.expiry} is to come"
    if refused:
        raise PolicyRefused(
            refused, why="the chain would refuse it, whoever signs it",
            fix="`chiaro chain pools` shows where things stand",
        )  # fmt: skip


@app.command()
def sign(
    context: typer.Context,
    file: Path = _ORDER,
    keyfile: Path | None = typer.Option(None, "--key", help="The guardian's key file."),
    password_file: Path | None = start.PASSWORD_FILE,
    *,
    dev: bool = typer.Option(False, "--dev", help="UNSAFE: the published key of a dev chain."),
) -> None:
    """Show what an order does, ask, and add one signature. Works offline."""
    session: Session = context.obj
    if dev == (keyfile is not None):
        raise UsageError("one key is needed", where="--key", fix="give --key FILE, or --dev")
    found = guardian_files.read_order(file)
    public = _public(found, keyfile)
    if public not in found.guardians:
        raise NotSigned(
            f"0x{public.hex()} is no guardian of chain {found.chain}", where=str(keyfile or "--dev")
        )
    _show(session, found)
    if not prompts.confirm(session, "Sign this order?"):
        raise typer.Abort
    signed = dataclasses.replace(
        found, order=found.order.signed(_open(session, keyfile, password_file))
    )
    guardian_files.write_order(signed, file)
    count = len(signed.order.signatures)
    line = f"✓ {file}: signed by {count}, {signed.threshold} needed"
    _report(session, "guardian.signed", signed, file, line, quiet=True)


def _public(found: OrderFile, keyfile: Path | None) -> bytes:
    from node.core.guardians import dev_guardian

    if keyfile is not None:
        return guardian_files.public_key(keyfile)
    if found.profile != DEFAULT_PROFILE:
        raise UsageError("the published key is for development chains", where="--dev")
    return dev_guardian()


def _open(session: Session, keyfile: Path | None, password_file: Path | None) -> SigningKey:
    from node.core.guardians import DEV_GUARDIAN_SEED
    from transparent.signature import SigningKey

    if keyfile is None:
        session.warnings.append("signed with the published key of development chains: UNSAFE")
        return SigningKey(DEV_GUARDIAN_SEED)
    password = prompts.password(session, password_file, f"Password for {keyfile.name}")
    return guardian_files.open_key(keyfile, password)


@app.command("show")
def show_order(context: typer.Context, file: Path = _ORDER) -> None:
    """Say what an order does and who has signed it. Works offline."""
    found = guardian_files.read_order(file)
    _report(context.obj, "guardian.show", found, file, "")


@app.command()
def submit(
    context: typer.Context,
    file: Path = _ORDER,
    timeout: float = typer.Option(60.0, "--timeout", min=0.0, help="Seconds to wait for a block."),
    *,
    no_wait: bool = typer.Option(False, "--no-wait", help="Return once the node has taken it."),
) -> None:
    """Hand a signed order to the chain; it takes effect from the block after its own."""
    from node.core.block import Transaction
    from node.core.ids import EnvironmentId

    session: Session = context.obj
    found = guardian_files.read_order(file)
    tx_id = found.order.id
    with connection.connected(session) as client:
        _check_ready(found.order, client.status())
        _show(session, found)
        if not prompts.confirm(session, f"Submit this order to {found.chain}?"):
            raise typer.Abort
        client.submit(Transaction(EnvironmentId.CHAIN, found.order.to_bytes()).to_bytes())
        view = None if no_wait else client.wait_for_tx(tx_id, timeout)
    receipt = None if view is None else view.receipt
    included = view is not None and view.status == "included"
    session.exit_code = 0 if included or view is None else 1
    data: dict[str, Any] = {
        "tx_id": "0x" + tx_id.hex(),
        "status": "pending" if view is None else view.status,
        "height": None if receipt is None else receipt.height,
        "code": None if receipt is None else receipt.code,
        "order": guardian_files.order_document(found),
    }
    effect = f"{found.order.pool.label} is {found.order.state.label}"
    line = "… the node has it" if view is None else f"✗ refused: {data['code']}"
    if included and receipt is not None:
        line = f"✓ in block {receipt.height}: {effect} from block {receipt.height + 1} on"
    output.emit(session, "guardian.submitted", data, lambda out: out.print(line, markup=False))


def _check_ready(order: Order, status: Status) -> None:
    """Refuse early, and say what is missing.

    Raises:
        NotSigned: EX-25, EX-27, EX-28 or EX-29 would refuse it.
    """
    guardians = _guardians(status)
    signers = {"0x" + key.hex() for key, _ in order.signatures}
    if status.chain_id != "0x" + order.chain_id.hex():
        raise NotSigned("EX-25: the order is for another chain", where=f"chain {status.name}")
    if strangers := signers - set(guardians.keys):
        raise NotSigned(f"EX-27: {min(strangers)} is no guardian of this chain", where="signatures")
    if len(signers) < guardians.threshold:
        raise NotSigned(
            f"EX-27: {len(signers)} of {guardians.threshold} needed signatures", where="signatures"
        )
    if order.sequence != guardians.next_order:
        raise NotSigned(
            f"EX-29: order {order.sequence}, the chain's next is {guardians.next_order}",
            where="sequence", fix="make the order anew: `chiaro guardian order`",
        )  # fmt: skip
    if not order.not_before <= status.height + 1 <= order.expiry:
        raise NotSigned(
            f"EX-28: for blocks {order.not_before} to {order.expiry}, "
            f"the next is {status.height + 1}",
            where="not_before, expiry", fix="wait, or make the order anew",
        )  # fmt: skip


def _guardians(status: Status) -> Any:
    if status.guardians is None:
        raise PolicyRefused(
            f"chain {status.name} has no guardians",
            why="genesis names them, and nobody can add any later",
            fix="its pools can be closed by no order",
        )
    return status.guardians


# --- what people see ------------------------------------------------------------------------------


def describe(found: OrderFile) -> list[tuple[str, str]]:
    """What a guardian should know before signing, one line each."""
    order = found.order
    state, pool = order.state.label, order.pool.label
    first = f"from block {order.not_before} on" if order.not_before else "at once"
    lines = [
        ("chain", f"{found.chain}, profile {found.profile}, 0x{order.chain_id.hex()}"),
        ("order", f"number {order.sequence}, {first}, until block {order.expiry}"),
        ("does", f"the {pool} pool is {state} from the block after that of the order on"),
        ("means", EFFECTS[state]),
        ("until", _until(order)),
        ("reason", show.safe(order.reason)),
        ("digest", "0x" + order.digest.hex()),
    ]
    if order.insecure:
        text = f"{order.insecure}: the pool never opens again; this cannot be taken back"
        lines.insert(5, ("insecure", text))
    signers = [key.hex()[:16] + "…" for key, _ in order.signatures]
    text = f"{len(signers)} of {found.threshold} needed"
    return [*lines, ("signed", ": ".join([text, ", ".join(signers)] if signers else [text]))]


def _until(order: Order) -> str:
    """How long an order's state lasts."""
    if not order.deadline:
        return "the guardians' next order"
    good = "for good" if order.insecure else "for good if a statement was declared insecure before"
    if order.state.label == "frozen":
        return f"block {order.deadline}, up to which guardians can order otherwise; then {good}"
    return f"block {order.deadline}; then the pool is frozen, {good}"


def _show(session: Session, found: OrderFile) -> None:
    """On stderr, before the question."""
    if session.json or session.quiet:
        return
    err = output.console(session, stderr=True)
    for label, text in describe(found):
        err.print(f"  {label:<9} {text}", markup=False)


def _report(
    session: Session, schema: str, found: OrderFile, file: Path, line: str, *, quiet: bool = False
) -> None:
    data = {
        "file": str(file),
        "order": guardian_files.order_document(found),
        "signed": len(found.order.signatures),
        "needed": found.threshold,
    }

    def render(out: Any) -> None:
        for label, text in [] if quiet else describe(found):
            out.print(f"  {label:<9} {text}", markup=False)
        if line:
            out.print(line, markup=False)

    output.emit(session, schema, data, render)
