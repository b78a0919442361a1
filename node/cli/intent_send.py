"""Sealing and sending an intent, and paying for its order from one of two places.

    account    the wallet's transparent account pays: who knows it sees that it ordered something
    shielded   a fresh account pays, used once, which was funded from the pool a moment before

The one-time account's key is derived from the wallet's seed and a random number, which is in the
intent's file before anything is paid. A fee that comes back, of a batch that was never opened, lies
on that account, and pays when the same intent is ordered again.
"""

from __future__ import annotations

import contextlib
import secrets as randomness
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from node.cli import intent_files, keystore, wallet_spend
from node.cli.intent_files import Kept, Sent
from node.cli.intent_make import Place
from node.cli.output import Report
from node.cli.session import Places, write_new
from node.cli.wallet_sync import silent
from node.cli.wallets import Secrets, Wallet
from node.core.errors import NotFound, PolicyRefused
from node.rpc.errors import BadAnswer

if TYPE_CHECKING:
    from node.core.genesis import Genesis
    from node.rpc.client import NodeClient
    from private_exec.keys import EpochKey
    from transparent.signature import SigningKey

ACCOUNT: Final = "account"
SHIELDED: Final = "shielded"
PAYERS: Final = (ACCOUNT, SHIELDED)
_BATCHES_SEEN: Final = 8
SPARE_BATCHES: Final = 3
"""Further batches in which an envelope may be ordered; then it is certain that it never will."""


class WrongEpoch(PolicyRefused):
    """An intent that settles in another epoch than the present one."""

    code = "WOP-024"
    why = "a swap is bound to the batches of one epoch, so that it cannot be used outside of them"
    fix = "cancel it (`chiaro intent cancel`) and make it again"


class FeeFails(PolicyRefused):
    """The account that is to pay for the order has too little."""

    code = "WOP-025"
    why = "ordering is paid by a transparent account; what is swapped is hidden, this fee is not"
    fix = "transfer to that account, or pay from the pool: `--pay shielded`"


@dataclass(frozen=True, slots=True)
class Cost:
    """What ordering an intent takes.

    Attributes:
        size_class: of the envelope.
        size: bytes of the envelope.
        fee: base units, the least that the chain takes.
        order_until: last height of a block that may order it.
    """

    size_class: int
    size: int
    fee: int
    order_until: int


def cost(where: Place, kept: Kept) -> Cost:
    """What the chain takes for ordering this intent now.

    Raises:
        WrongEpoch: it was made for another epoch.
        PolicyRefused: it would expire before its batch ends.
    """
    from node.lane.domains import least_fee
    from private_exec.envelope import size_class_of, size_of

    lane, domain = where.genesis.lane, where.domain
    if lane is None:
        raise PolicyRefused("this chain has no sealed lane")
    if kept.epoch is not None and kept.epoch != where.epoch:
        raise WrongEpoch(f"intent {kept.name} is for epoch {kept.epoch}, this is {where.epoch}")
    height = where.status.height + 1
    closes = -(-height // domain.period) * domain.period
    if kept.expiry < closes + domain.solve_period + 2:
        raise PolicyRefused(
            f"intent {kept.name} expires at {kept.expiry}, before its batch can end",
            why=f"the next batch closes at {closes} and is solved in {domain.solve_period} blocks",
            fix="make it again with more time: `--expires`",
        )
    size_class = size_class_of(len(kept.intent))
    size = size_of(size_class)
    fee = least_fee(where.genesis, domain.number, size, kept.proofs)
    until = min(closes + SPARE_BATCHES * domain.period, lane.last_height(where.epoch), kept.expiry)
    return Cost(size_class, size, fee, until)


def payer_of(secrets: Secrets, entropy: bytes, index: int) -> SigningKey:
    """The key that pays: the wallet's own for 0, else a one-time key."""
    from transparent.signature import SigningKey

    return SigningKey.from_seed(keystore.seed_of(entropy), index) if index else secrets.signing


def with_account(places: Places, wallet: Wallet, kept: Kept) -> Kept:
    """The intent with a one-time account, which is on disk when this returns.

    Its number is random, so that a wallet restored from its words repeats none.
    """
    if kept.one_time:
        return kept
    named = kept.with_(one_time=1 + randomness.randbelow(2**31 - 1))
    intent_files.save(places, wallet.keystore.name, named)
    return named


def missing(wallet: Wallet, client: NodeClient, fee: int) -> int:
    """Base units that the wallet's account lacks for a fee.

    Raises:
        FeeFails: some, and the chain has no faucet.
    """
    from node.core.amounts import format_amount
    from node.core.ids import NATIVE

    short = max(0, fee - client.account(wallet.account).balance(NATIVE))
    if short and client.status().faucet is None:
        raise FeeFails(f"account 0x{wallet.account.hex()} lacks {format_amount(short)} native")
    return short


def fund_once(
    wallet: Wallet,
    client: NodeClient,
    account: bytes,
    fee: int,
    secrets: Secrets,
    *,
    timeout: float,
    progress: Report = silent,
) -> None:
    """Unshield what a one-time account lacks of the fee, and wait until it is there.

    Raises:
        InsufficientFunds: of native notes.
        StillPending: not within `timeout` seconds.
        PolicyRefused: it was refused.
    """
    from node.core.ids import NATIVE

    short = fee - client.account(account).balance(NATIVE)
    if short <= 0:
        return
    request = wallet_spend.Request(wallet_spend.UNSHIELD, short, account=account)
    proposal = wallet_spend.propose(wallet, client, request)
    prove = wallet_spend.prover(wallet.network, wallet_spend.UNSHIELD, progress)
    operation = wallet_spend.confirm(wallet, client, proposal, secrets, prove)
    done = wallet_spend.wait(wallet, client, operation, timeout)
    if str(done.state) != "included":
        raise PolicyRefused(
            f"the one-time account was not funded: operation {done.id} is {done.state}",
            why=done.error,
            fix="run the command again; nothing was ordered",
        )


def seal(
    places: Places,
    wallet: Wallet,
    where: Place,
    kept: Kept,
    key: EpochKey,
    payer: SigningKey,
    index: int,
    price: Cost,
) -> Kept:
    """Seal an intent; its bytes are on disk when this returns, nothing is sent.

    Args:
        places: where it is kept.
        wallet: by whom.
        where: the domain, and the chain as it is now.
        kept: the intent.
        key: of the epoch, checked (RPC-28).
        payer: signs for the fee.
        index: of that key; 0: the wallet's own.
        price: by `cost`.
    """
    from node.lane.payload import SealTx, seal_tx_id, wire
    from private_exec.envelope import Terms, seal_intent

    terms = Terms(
        payer.account,
        int.from_bytes(randomness.token_bytes(8), "little"),
        price.fee,
        kept.proofs,
        price.order_until,
        price.size_class,
    )
    envelope = seal_intent(key, terms, kept.intent, payer, randomness.token_bytes(32))
    tx = SealTx(where.domain.number, envelope)
    sent = Sent(
        id=envelope.id(key),
        wire=wire(tx),
        tx_id=bytes(seal_tx_id(where.genesis.chain_id, tx)),
        epoch=key.epoch,
        payer=bytes(payer.account),
        payer_index=index,
        fee=price.fee,
        order_until=price.order_until,
        size=len(envelope.to_bytes()),
    )
    sealed = kept.with_(sent=sent)
    intent_files.save(places, wallet.keystore.name, sealed)
    return sealed


def send(places: Places, wallet: Wallet, client: NodeClient, kept: Kept) -> Kept:
    """Hand the sealed bytes to the node, unless it has them; they are the same intent each time.

    Raises:
        InvalidTransaction, PolicyRefused: the node refuses it.
        Unreachable: it stays as it was.
    """
    if kept.sent is None:
        raise PolicyRefused(f"intent {kept.name} is not sealed yet")
    if client.transaction(kept.sent.tx_id).status not in {"pending", "included"}:
        client.submit(kept.sent.wire)
    taken = kept.with_(sent=replace(kept.sent, taken=True))
    intent_files.save(places, wallet.keystore.name, taken)
    return taken


def write(kept: Kept, path: Path) -> None:
    """What orders a sealed intent, into a new file: for a blob of several.

    Raises:
        PolicyRefused: it was sent already.
        UsageError: the file exists.
    """
    if kept.sent is None or kept.sent.taken:
        raise PolicyRefused(
            f"intent {kept.name} was sent by itself already",
            why="in a blob as well it would be ordered once only",
            fix=f"follow it: `chiaro intent status {kept.name} --wait`",
        )
    write_new(path, kept.sent.wire)


def check_epoch(where: Place, key: EpochKey) -> None:
    """The key is of the epoch of the next block; what is sealed under another is never ordered.

    Raises:
        WrongEpoch: the epoch has turned meanwhile, or the node serves an old key.
    """
    if key.epoch != where.epoch:
        raise WrongEpoch(
            f"the node's key is of epoch {key.epoch}, the next block of {where.epoch}",
            why="shares of an epoch that is over may be with whoever should have erased them",
            fix="run the command again",
        )


def has_seen_solver(client: NodeClient, domain: int) -> bool:
    """Whether a settlement was submitted for one of a domain's last batches, as the node tells."""
    domains = client.lane.state().domains
    number = next((item.next_batch for item in domains if item.number == domain), 0)
    for back in range(number - 1, max(-1, number - 1 - _BATCHES_SEEN), -1):
        with contextlib.suppress(NotFound, BadAnswer):
            if client.lane.batch(domain, back).best is not None:
                return True
    return False


def key_for(
    client: NodeClient, genesis: Genesis, domain: int, timeout: float, progress: Report = silent
) -> EpochKey:
    """The key to seal under; asks the node's validator for it, and waits.

    Raises:
        StillPending: it is not made in time.
    """
    return client.lane.wait_for_key(
        genesis, domain, timeout, lambda view: progress(f"key: {view.state}", 0.5)
    )
