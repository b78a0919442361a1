"""`chiaro address …`: addresses to give out, and what an address says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from node.cli import keystore, output, wallets
from node.cli.session import Session
from zk.errors import ChiaroError

if TYPE_CHECKING:
    from node.cli.wallets import Wallet
    from shielded.address import Address

app = typer.Typer(help="Shielded addresses; two of one wallet cannot be linked.")


class WrongAddress(ChiaroError):
    """Text that is no address of this network."""

    code = "WOP-008"
    exit_code = 3
    why = "value sent to a wrong address is lost"
    fix = "ask the receiver for the address again, and paste it whole"


def decode_address(text: str, network: str) -> Address:
    """A shielded address of `network`, or an error that says what the text is instead.

    Raises:
        WrongAddress.
    """
    from shielded.address import Address

    stripped = text.strip()
    try:
        return Address.decode(stripped, network)
    except ChiaroError as error:
        raise WrongAddress(_what_is(stripped, network) or error.message) from error


def _what_is(text: str, network: str) -> str:
    """A guess at the mistake, from the prefix alone; empty where there is none."""
    purpose, _, rest = text.lower().partition("_")
    other = rest.partition("1")[0]
    if purpose in {"chiarofvk", "chiaroivk", "chiaroovk"}:
        return "this is a viewing key, not an address; whoever gave it to you shows you too much"
    if purpose == "chiaro" and other and other != network:
        return f"this address belongs to network {other!r}, the wallet to {network!r}"
    digits = text.lower().removeprefix("0x")
    if len(digits) == 64 and set(digits) <= set("0123456789abcdef"):
        return "this is a transparent account; `chiaro unshield --to` pays accounts"
    return ""


def decode_account(text: str) -> bytes:
    """A transparent account of 32 bytes in hexadecimal.

    Raises:
        WrongAddress: something else; a shielded address is named as such.
    """
    from node.core.errors import InvalidTransaction
    from node.core.ids import AccountId
    from transparent.signature import check_key

    digits = text.strip().removeprefix("0x").lower()
    if digits.startswith("chiaro_"):
        raise WrongAddress(
            "this is a shielded address, not an account",
            fix="`chiaro send AMOUNT ADDRESS` pays shielded addresses",
        )
    if len(digits) != 64 or not set(digits) <= set("0123456789abcdef"):
        raise WrongAddress("an account is 0x and 64 hexadecimal digits")
    account = bytes.fromhex(digits)
    try:
        check_key(AccountId(account))
    except InvalidTransaction as error:
        raise WrongAddress(error.message) from error
    return account


def _external(wallet: Wallet, index: int) -> str:
    from shielded.keys import OutgoingViewingKey

    if isinstance(wallet.key, OutgoingViewingKey):
        raise keystore.ViewOnly(f"wallet {wallet.keystore.name} holds an outgoing key: no address")
    return wallet.key.address(index).encode(wallet.network)


@app.command("new")
def new(context: typer.Context) -> None:
    """Make the next address; all of them reach the same wallet."""
    session: Session = context.obj
    with wallets.opened(session.places, wallets.choose(session)) as wallet:
        _external(wallet, 0)
        index = wallet.new_address()
        data = {
            "wallet": wallet.keystore.name,
            "index": index,
            "address": _external(wallet, index),
        }
    output.emit(session, "address", data, lambda out: out.print(str(data["address"]), markup=False))


@app.command("list")
def list_addresses(context: typer.Context) -> None:
    """List the addresses that were made, and the transparent account."""
    session: Session = context.obj
    with wallets.opened(session.places, wallets.choose(session)) as wallet:
        found = [(index, _external(wallet, index)) for index in range(wallet.addresses)]
        account = "0x" + wallet.keystore.account if wallet.keystore.account else None
        name = wallet.keystore.name
    data = {
        "wallet": name,
        "addresses": [{"index": index, "address": text} for index, text in found],
        "account": account,
    }
    rows = [(str(index), text) for index, text in found]
    if account:
        rows.append(("account", account))
    output.emit(
        session, "address.list", data, lambda out: output.table(out, ("index", "address"), rows)
    )


@app.command("inspect")
def inspect(context: typer.Context, address: str = typer.Argument(help="Any address.")) -> None:
    """Say what an address is, and whether it is this wallet's."""
    from shielded.keys import FullViewingKey, IncomingViewingKey

    session: Session = context.obj
    found = decode_address(address, session.profile)
    data: dict[str, Any] = {
        "address": found.encode(session.profile),
        "network": session.profile,
        "diversifier": "0x" + found.diversifier.hex(),
        "transmission_key": "0x" + found.pk_d.hex(),
        "owner": str(found.owner),
        "mine": None,
        "index": None,
    }
    try:
        key = wallets.viewing_key(keystore.load(session.places, wallets.choose(session)))
    except keystore.WalletError:
        key = None
    if isinstance(key, FullViewingKey | IncomingViewingKey):
        index = key.address_index(found.diversifier)
        # A diversifier that decrypts to an index may be copied: compare the whole address.
        mine = index is not None and key.address(index) == found
        data.update(mine=mine, index=index if mine else None)
    output.emit(session, "address.inspect", data)
