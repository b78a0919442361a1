"""What a wallet believes when it asks for proof.  Rule LC-19."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from node.cli import light_session
from node.cli.session import Session

if TYPE_CHECKING:
    from collections.abc import Mapping

    from node.cli.light_session import Light
    from node.cli.wallets import Wallet
    from node.core.ids import Kind
    from node.light.root import VerifiedLedger

TRIES: Final = 10
"""Blocks to wait for, until the one that vouches for the wallet's last one is signed."""
_WAIT_S: Final = 5.0


def proved(session: Session, wallet: Wallet) -> Mapping[Kind, int]:
    """LC-19: the account's balances by the state alone; the wallet's notes are all there are.

    The wallet has scanned every note of the chain and built the tree over them; the state under
    a signed block names that tree's root, so no note was left out, added or changed on the way.
    That none of the wallet's notes is spent is not proved: to ask for their nullifiers would
    tell the node which notes are whose.

    Args:
        session: whose light client is asked.
        wallet: open and scanned.

    Returns:
        Base units by kind; nothing for a wallet without an account.

    Raises:
        LightRefused: LC-19, and what the light client refuses.
        UsageError: there is no light client.
    """
    from node.core.ids import AccountId
    from node.light import accounts

    with light_session.opened(session) as light:
        ledger = _ledger_above(light, wallet.state.height)
        light_session.check_fresh(ledger)
        _check_tree(wallet, ledger)
        if not wallet.keystore.account:
            return {}
        return accounts.account(ledger, light.genesis, AccountId(wallet.account)).balances


def _ledger_above(light: Light, height: int) -> VerifiedLedger:
    """At or above the wallet's height: the block behind that one must be signed."""
    from node.light.errors import LightRefused

    for _ in range(TRIES):
        light.sync()
        ledger = light.ledger()
        if ledger.height >= height:
            return ledger
        light.primary.events(height, _WAIT_S)
    raise LightRefused(
        "LC-19",
        f"no signed block vouches for block {height}, up to which the wallet has scanned",
        fix="try again in a moment, or ask another node: `chiaro light sync --primary URL`",
    )


def _check_tree(wallet: Wallet, ledger: VerifiedLedger) -> None:
    """LC-19: the tree over all scanned notes is the one that the state names for that block."""
    from node.light.errors import LightRefused
    from shielded.env import nullifier_bytes, root_key

    height = wallet.state.height
    named = ledger.entry(root_key(height))
    if named is None or named != nullifier_bytes(wallet.state.tree.root()):
        raise LightRefused(
            "LC-19",
            "the notes that were scanned are not those of the chain",
            where=f"block {height}",
            why="a note that was left out may be one of yours",
            fix="`chiaro sync --rescan` with another node",
        )
