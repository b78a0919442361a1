"""`chiaro light verify …`: one answer of a node, proved under a block that validators signed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import typer

from node.cli import light_session, output, show
from node.cli.session import Session
from node.cli.typed import digits

if TYPE_CHECKING:
    from rich.console import Console

    from node.cli.light_session import Light
    from node.core.genesis import Genesis
    from node.core.ids import Kind
    from node.light.root import VerifiedLedger
    from node.rpc.schema import TransactionView

app = typer.Typer(help="Prove one answer of the node.")

_SAMPLES: Final = 20
_APP_BYTES: Final = 29
Data = dict[str, Any]


def _proved(session: Session, name: str, prove: Callable[[Light, VerifiedLedger], Data]) -> None:
    """Verify the newest block, then what `prove` proves under it."""
    with light_session.opened(session) as light:
        light.sync()
        ledger = light.ledger()
        data = prove(light, ledger)
    data |= {
        "proved_at": ledger.height,
        "state_root": "0x" + ledger.root.hex(),
        "age_s": light_session.age_s(ledger.time_ms),
    }

    def draw(out: Console) -> None:
        for key, value in data.items():
            out.print(f"{key:<14} {_shown(value)}", markup=False)

    output.emit(session, f"light.verify.{name}", data, draw)


def _shown(value: object) -> str:
    """For people: what the state does not tell is a dash."""
    if isinstance(value, list):
        return ", ".join(map(_shown, value)) or "-"
    if isinstance(value, dict):
        return " ".join(map(str, value.values()))
    return "-" if value is None else str(value)


@app.command()
def tx(
    context: typer.Context,
    tx_id: str = typer.Argument(help="Id of a transaction, 64 hexadecimal digits."),
) -> None:
    """Prove that a transaction is in a block, and what became of it where the state tells."""
    from node.cli.light_lookup import place_of

    wanted = digits(tx_id, 32, "ID")

    def prove(light: Light, ledger: VerifiedLedger) -> Data:
        from node.light.accounts import took_effect

        view = light.primary.transaction(wanted)
        height, index = place_of(view)
        block, _ = ledger.transaction(height, index)
        _check_id(light.genesis, block.txs[index], view, wanted)
        carried = view.carrier is not None  # that the other one holds it is the node's word
        return {
            "tx_id": "0x" + wanted.hex(),
            "carrier": view.carrier,
            "height": height,
            "index": index,
            "block_hash": "0x" + block.header.hash.hex(),
            "in_block": None if carried else True,
            "took_effect": None if carried else took_effect(ledger, block, index),
        }

    _proved(context.obj, "tx", prove)


def _check_id(genesis: Genesis, wire: bytes, view: TransactionView, wanted: bytes) -> None:
    """LC-17: the transaction at that place has the id that was asked for, or its carrier's.

    Raises:
        LightRefused: LC-17.
    """
    from node.cli.light_lookup import tx_id_of
    from node.light.errors import LightRefused
    from node.rpc.text import bytes_of

    named = wanted if view.carrier is None else bytes_of(view.carrier, 32)
    if tx_id_of(genesis, wire) != named:
        raise LightRefused("LC-17", "the node shows another transaction", where=named.hex())


@app.command()
def account(
    context: typer.Context,
    account: str = typer.Argument(help="An account, 64 hexadecimal digits."),
) -> None:
    """Prove an account's balances, of every asset there is, and its sequence number."""
    from node.core.ids import AccountId

    wanted = AccountId(digits(account, 32, "ACCOUNT"))

    def prove(light: Light, ledger: VerifiedLedger) -> Data:
        from node.light import accounts

        found = accounts.account(ledger, light.genesis, wanted)
        names = _names(light.genesis)
        return {
            "account": "0x" + wanted.hex(),
            "sequence": found.sequence,
            "balances": [show.amount(n, names(k)) for k, n in found.balances.items()],
        }

    _proved(context.obj, "account", prove)


@app.command()
def batch(
    context: typer.Context,
    domain: str = typer.Argument(help="Name or number of a domain."),
    number: int = typer.Argument(min=0, help="Of the batch."),
    app_id: str = typer.Option(..., "--app", help="The application, 58 hexadecimal digits."),
) -> None:
    """Prove that no opened intent of an application was left out of a batch."""
    name = digits(app_id, _APP_BYTES, "--app")

    def prove(light: Light, ledger: VerifiedLedger) -> Data:
        from node.core.intent import Intent
        from node.rpc.lane_client import domain_named
        from node.rpc.light_client import opened_of

        place = domain_named(light.genesis, domain).number
        found = opened_of(light.primary, ledger, place, number, name)
        return {
            "domain": place,
            "batch": number,
            "app": "0x" + name.hex(),
            "complete": True,
            "intents": ["0x" + Intent.from_bytes(item).id.hex() for item in found],
        }

    _proved(context.obj, "batch", prove)


@app.command()
def blob(
    context: typer.Context,
    root: str = typer.Argument(help="Root of a blob, 64 hexadecimal digits."),
    samples: int = typer.Option(_SAMPLES, "--samples", min=1, help="Rows to ask for at random."),
    missing: int = typer.Option(0, "--missing", min=0, help="How many of them may not come."),
) -> None:
    """Prove that a blob was ordered, and sample whether it can be read; says how sure that is."""
    wanted = digits(root, 32, "ROOT")

    def prove(light: Light, ledger: VerifiedLedger) -> Data:
        from node.rpc.light_client import ordered

        found = ordered(ledger, wanted)
        passed = light.primary.da.sample(found.commitment, samples, missing)
        return {
            "root": "0x" + wanted.hex(),
            "domain": found.domain,
            "height": found.height,
            "rows": found.commitment.coding.n,
            "needed": found.commitment.coding.k,
            "asked": list(passed.indices),
            "missing": list(passed.missing),
            "risk": str(passed.risk),
        }

    _proved(context.obj, "blob", prove)


def _names(genesis: Genesis) -> Callable[[Kind], str]:
    """Names of kinds: those of the development chain's assets, else labels."""
    from node.app.development import names
    from node.core.ids import NATIVE

    known = {NATIVE: "native", **names(genesis)}
    return lambda kind: known.get(kind, str(kind.label))
