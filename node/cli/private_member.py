"""`chiaro private member`: a member of a committee, as a process beside a node of its own."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from node.cli import connection, output, show
from node.cli.private_committee import kept_by
from node.cli.session import DEFAULT_PROFILE, Session, UsageError
from node.cli.transfer import NO_WAIT, TIMEOUT
from node.cli.typed import digits

if TYPE_CHECKING:
    from node.private.member.run import Member, Place
    from node.private.member.view import Held
    from node.rpc.client import NodeClient

app = typer.Typer(help="For members of committees: the process that holds shares and answers.")

_DIRECTORY: Final = typer.Option(..., "--dir", help="The member's folder, of nobody else.")
_COMMITTEE: Final = typer.Option(..., "--committee", help="Its id, 0x and 64 digits.")


@app.command()
def init(context: typer.Context, directory: Path = _DIRECTORY) -> None:
    """Make a member's signing key. A declaration of a committee names its public half."""
    from node.private.member.secrets import make_key

    session: Session = context.obj
    key = make_key(directory)
    data = {"directory": str(directory), "key": "0x" + key.account.hex()}
    output.emit(session, "private.member.init", data)


@app.command()
def status(
    context: typer.Context, directory: Path = _DIRECTORY, committee: str = _COMMITTEE
) -> None:
    """Show where the committee stands, what it keeps, of which epochs this member has secrets."""
    from node.private.member.run import folder_of, seat_of
    from node.private.member.secrets import Vault

    session: Session = context.obj
    chosen = digits(committee, 32, "--committee")
    with connection.connected(session) as client:
        place = _place(client, chosen, directory, None)
        view = client.private_committee(chosen)
        deposits = kept_by(client, chosen)
        successor = client.private_succession(chosen).successor
    kept = Vault(folder_of(directory, chosen) / "secrets", chosen).kept()
    latest = view.latest
    data = {
        "key": "0x" + place.signer.account.hex(),
        "committee": view.id,
        "member": seat_of(place.declaration, place.signer),
        "members": len(view.members),
        "endpoint": place.listen,
        "epochs_made": view.made,
        "qualified": [] if latest is None else latest.qualified,
        "until": 0 if latest is None else latest.until,
        "kept": [{"epoch": epoch, "attempt": attempt} for epoch, attempt in kept],
        "keeps": deposits,
        "successor": successor,
    }
    output.emit(session, "private.member.status", data)


@app.command()
def run(
    context: typer.Context,
    directory: Path = _DIRECTORY,
    committee: str = _COMMITTEE,
    listen: str = typer.Option(
        "", "--listen", help="HOST:PORT; default: the endpoint that the declaration names."
    ),
    take_from: list[str] | None = typer.Option(
        None, "--take-from", help="COMMITTEE whose deposits this one takes over; may be repeated."
    ),
    timeout: float = typer.Option(0, "--timeout", help="Seconds, then stop. 0: never.", min=0),
    *,
    trace: bool = typer.Option(
        False, "--trace", help="Also a line of JSON for each message, and for each fault seen."
    ),
    lie: bool = typer.Option(
        False, "--lie", help="Development chains only: give wrong shares in every opening."
    ),
) -> None:
    """Take part: ceremonies, inputs, sums, auctions. Stops at Ctrl-C and SIGTERM."""
    from node.private.member.proving import ProvingKeys
    from node.private.member.run import Member, alone, seat_of
    from node.private.member.watch import Lines
    from node.private.program_keys import key_store
    from private_exec.mpc.faults import Wrong
    from private_exec.mpc.message import Kind

    session: Session = context.obj
    chosen = digits(committee, 32, "--committee")
    takes = tuple(digits(one, 32, "--take-from") for one in take_from or ())
    with connection.connected(session) as client:
        status = client.status()
        if lie and status.profile != DEFAULT_PROFILE:
            raise UsageError("members lie on purpose on development chains only", where="--lie")
        place = replace(_place(client, chosen, directory, listen or None), takes=takes)
        named = {item.id: item.verifying_key.removeprefix("0x") for item in status.statements}
        provable = ProvingKeys(status.profile, named, key_store(), _report)
        with alone(directory):
            member = Member(
                RemoteChain(client, chosen),
                place,
                _report,
                provable=provable,
                watch=Lines(_report) if trace else None,
                lies=[Wrong(seat_of(place.declaration, place.signer), Kind.OPEN)] if lie else (),
            )
            _report(f"member {member.member} at {place.listen}" + (", lying" if lie else ""))
            asyncio.run(_until_stopped(member, timeout))
    data = {"committee": "0x" + chosen.hex(), "member": member.member, "stopped": True}
    output.emit(session, "private.member.run", data)


@app.command()
def succeed(
    context: typer.Context,
    directory: Path = _DIRECTORY,
    committee: str = _COMMITTEE,
    successor: str = typer.Option(
        ..., "--successor", help="Committee that follows; the same as --committee: nobody."
    ),
    timeout: float = TIMEOUT,
    *,
    no_wait: bool = NO_WAIT,
) -> None:
    """Say who follows this committee. When 2t + 1 members said so, its deposits go there."""
    from node.private.member.run import seat_of
    from node.private.payload import tx_id, wire
    from node.private.succession_payload import NameTx

    session: Session = context.obj
    chosen, follows = digits(committee, 32, "--committee"), digits(successor, 32, "--successor")
    with connection.connected(session) as client:
        place = _place(client, chosen, directory, None)
        made = client.private_committee(chosen).made
        bare = NameTx(chosen, follows, made, seat_of(place.declaration, place.signer))
        tx = replace(bare, signature=place.signer.sign(bare.digest))
        name = tx_id(tx, place.declaration.chain)
        client.submit(wire(tx))
        included = None if no_wait else client.wait_for_tx(name, timeout)
        agreed = client.private_succession(chosen).successor
    data = {
        "committee": "0x" + chosen.hex(),
        "member": tx.member,
        "successor": "0x" + follows.hex(),
        "agreed": agreed,
    }
    show.report_transaction(session, "private.member.succeed", name, included, data)


class RemoteChain:
    """`node.private.member.view.Chain` over a node's RPC.

    Args:
        client: of the node.
        committee: whose rounds and deposits matter.
    """

    def __init__(self, client: NodeClient, committee: bytes) -> None:
        self._client = client
        self._committee = committee

    def height(self) -> int:
        return self._client.status().height

    def get(self, key: bytes, height: int) -> bytes | None:
        from node.rpc.text import bytes_of

        value = self._client.state(key, height).value
        return None if value is None else bytes_of(value)

    def rounds(self) -> list[bytes]:
        from node.rpc.text import bytes_of

        found = self._client.private_rounds().rounds
        return [bytes_of(item.id, 32) for item in found if item.status == "running"]

    def deposits(self) -> list[bytes]:
        from node.rpc.text import bytes_of

        found = self._client.private_deposits(self._committee).deposits
        return [bytes_of(item.id, 32) for item in found]

    def sales(self) -> list[bytes]:
        from node.rpc.text import bytes_of

        over = {"opened", "settled", "failed"}
        mine, client = "0x" + self._committee.hex(), self._client
        every = [(item.id, item.committee, item.status) for item in client.private_sales().sales]
        every += [(b.id, b.committee, b.status) for b in client.private_batches().batches]
        return [
            bytes_of(identity, 32)
            for identity, committee, status in every
            if committee == mine and status not in over
        ]

    def held(self, first: int) -> Held:
        from node.private.member.view import Held
        from node.rpc.text import bytes_of

        found = self._client.private_held(self._committee, first)
        return Held([(item.epoch, bytes_of(item.cell, 32)) for item in found.cells], found.more)

    def coming(self) -> list[bytes]:
        from node.rpc.text import bytes_of

        return [
            bytes_of(one, 32) for one in self._client.private_succession(self._committee).coming
        ]

    def send(self, tx: bytes) -> None:
        self._client.submit(tx)


def _place(client: NodeClient, committee: bytes, directory: Path, listen: str | None) -> Place:
    """Who this folder's member is in that committee."""
    from node.core.ids import ChainId
    from node.private.member.run import Place, seat_of
    from node.private.member.secrets import load_key
    from node.rpc.text import bytes_of
    from private_exec.committee.declaration import Declaration, Seat

    key = load_key(directory)
    status, view = client.status(), client.private_committee(committee)
    seats = tuple(Seat(bytes_of(seat.key, 32), seat.endpoint) for seat in view.members)
    declaration = Declaration(
        ChainId(bytes_of(status.chain_id, 32)), bytes_of(view.purpose, 32), view.epoch_blocks, seats
    )
    if declaration.id != committee:
        raise UsageError("the node's committee has another id", where="--committee")
    step_heights = client.private_ceremony(committee).step_heights
    own = declaration.seats[seat_of(declaration, key) - 1].endpoint
    return Place(declaration, key, step_heights, directory, listen or own)


async def _until_stopped(member: Member, timeout: float) -> None:
    task = asyncio.create_task(member.run())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        # On Windows loops have none: Ctrl-C ends `asyncio.run` there, and SIGTERM the process.
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, task.cancel)
    if timeout:
        loop.call_later(timeout, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _report(text: str) -> None:
    typer.echo(text, err=True)
