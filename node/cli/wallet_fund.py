"""A wallet's account before a shielding or a bond: what it lacks, and where that comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from node.cli.wallet_spend import InsufficientFunds, Proposal, asset_names
from node.cli.wallets import Wallet
from node.core.amounts import format_amount
from node.core.ids import NATIVE

if TYPE_CHECKING:
    from node.rpc.client import NodeClient


def missing_funds(wallet: Wallet, client: NodeClient, proposal: Proposal) -> dict[str, int]:
    """What the transparent account lacks for a shielding: asset → base units. Empty otherwise."""
    debits = {v.kind: -v.amount for v in proposal.plan.public_values if v.amount < 0}
    if not debits:
        return {}
    names, view = asset_names(client.status()), client.account(wallet.account)
    return {
        names(kind): amount - view.balance(kind)
        for kind, amount in debits.items()
        if view.balance(kind) < amount
    }


def missing_native(wallet: Wallet, client: NodeClient, amount: int) -> dict[str, int]:
    """What the account lacks of so many base units of the native asset. Empty: nothing."""
    short = amount - client.account(wallet.account).balance(NATIVE)
    return {"native": short} if short > 0 else {}


def check_faucet(
    wallet: Wallet,
    client: NodeClient,
    missing: dict[str, int],
    why: str = "shielding moves what an account holds, and pays the fee from it",
    fix: str = "transfer to this account first, or shield less",
) -> None:
    """Refuse early what `fund` could not fill; `why` and `fix` are of the error.

    Raises:
        InsufficientFunds: the chain has no faucet.
    """
    if client.status().faucet is None:
        lacks = ", ".join(f"{format_amount(n)} {asset}" for asset, n in missing.items())
        raise InsufficientFunds(
            f"account 0x{wallet.account.hex()} lacks {lacks}",
            why=why,
            fix=fix,
        )


def fund(wallet: Wallet, client: NodeClient, missing: dict[str, int]) -> None:
    """Development chains: fill the account from the faucet; on disk when this returns.

    Raises:
        InsufficientFunds: the chain has no faucet.
    """
    check_faucet(wallet, client, missing)
    for asset, amount in missing.items():
        client.faucet(wallet.account, amount, asset)
