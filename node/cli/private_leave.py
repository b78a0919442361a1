"""What leaves the private pool into an account, in the clear: deposits, donations, bids, orders.

The way that stays while a pool is exit-only (EX-42), when nothing hidden moves (PV-125).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import typer

from node.cli import prompts, show, wallet_fund
from node.cli.address import decode_account
from node.cli.session import Session

if TYPE_CHECKING:
    from node.cli.wallets import Secrets, Wallet
    from node.core.ids import AccountId
    from node.private.paid import Head
    from node.rpc.client import NodeClient
    from node.rpc.schema import Status, TransactionView
    from private_exec.pedersen import Opening
    from shielded.private_owner import PrivateOwner

TO: Final = typer.Option("", "--to", help="ACCOUNT; default: this wallet's own.")


@dataclass(frozen=True, slots=True, repr=False)
class Leaving:
    """Something of this wallet that can be taken out; prints no secret.

    Attributes:
        id: by which it leaves.
        owner: whose it is.
        opening: of its commitment.
        unit: of the amount, for people.
    """

    id: bytes
    owner: PrivateOwner
    opening: Opening
    unit: str

    def __repr__(self) -> str:
        return f"<Leaving {self.id.hex()[:16]}: hidden>"


def account_of(text: str) -> AccountId | None:
    """Where `--to` says; None: to the wallet's own account."""
    from node.core.ids import AccountId

    return AccountId(decode_account(text)) if text else None


def paying(
    wallet: Wallet, client: NodeClient, status: Status, amount: int
) -> tuple[Head, dict[str, int]]:
    """Who pays, and what the account lacks of the fee and so many native base units."""
    from node.core.ids import AccountId, ChainId, Height
    from node.private.paid import Head
    from node.rpc.text import bytes_of

    fee = int(status.parameters.fee_floor)
    missing = wallet_fund.missing_native(wallet, client, fee + amount)
    if missing:
        wallet_fund.check_faucet(
            wallet, client, missing, why="the account pays the amount and the fee",
            fix="`chiaro unshield` or somebody else can pay it in",
        )  # fmt: skip
    expiry = Height(status.height + status.parameters.max_expiry // 2)
    chain = ChainId(bytes_of(status.chain_id, 32))
    return Head(chain, fee, expiry, AccountId(wallet.account)), missing


def withdraw(
    session: Session,
    wallet: Wallet,
    client: NodeClient,
    secrets: Secrets,
    item: Leaving,
    to: AccountId | None,
    *,
    name: str,
    schema: str,
    timeout: float | None,
) -> None:
    """Ask, sign, send, wait and say.

    Args:
        session: of the command.
        wallet: whose it is, and whose account pays.
        client: a node.
        secrets: of the wallet.
        item: what leaves.
        to: the account; None: the wallet's own.
        name: what the document calls it.
        schema: of the document.
        timeout: seconds to wait for its block; None: not at all.
    """
    from node.cli.private_fund import lines
    from node.core.ids import AccountId
    from node.private.paid import WithdrawTx, sign_withdraw
    from node.private.payload import wire

    head, missing = paying(wallet, client, client.status(), 0)
    bare = WithdrawTx(head, item.id, to or AccountId(wallet.account), item.opening)
    lines(
        session,
        [
            ("withdraw", f"{show.amount_text(item.opening.value)} {item.unit}"),
            ("to", "0x" + bare.account.hex()),
            ("fee", f"{show.amount_text(head.fee)} native"),
            ("reveals", "the amount, whose the account is"),
        ],
    )
    if not prompts.confirm(session, f"Continue on {session.profile}?"):
        raise typer.Abort
    wallet_fund.fund(wallet, client, missing)
    tx = sign_withdraw(bare, secrets.signing, item.owner)
    client.submit(wire(tx))
    included: TransactionView | None = None
    if timeout is not None:
        included = client.wait_for_tx(tx.id, timeout)
    data = {
        name: "0x" + item.id.hex(),
        "account": "0x" + bare.account.hex(),
        "amount": show.amount(item.opening.value, item.unit),
    }
    show.report_transaction(session, schema, tx.id, included, data)
