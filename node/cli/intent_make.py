"""Making intents: what is asked → an intent with its proof or signature, kept and not yet sent.

Plain functions: no questions and no printing. The caller holds the wallet open.
"""

from __future__ import annotations

import secrets as randomness
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import gcd
from typing import TYPE_CHECKING, Any, Final

from node.cli import intent_files, intent_notes, wallet_spend
from node.cli.intent_files import Kept, Sum
from node.cli.session import Places
from node.cli.wallets import Secrets, Wallet
from node.core.errors import PolicyRefused

if TYPE_CHECKING:
    from node.core.genesis import Genesis
    from node.core.ids import Kind
    from node.core.intent import Intent
    from node.core.lane import LaneDomain
    from node.rpc.client import NodeClient
    from node.rpc.schema import Status
    from shielded.build import Prove
    from shielded.history import OwnedNote

EXCHANGE: Final = b"chiaro/exchange".ljust(29, b"\x00")
"""Namespace of all that this program makes: intents of one kind are not told apart by it."""


class IntentTooLarge(PolicyRefused):
    """An intent that fits in no sealed envelope."""

    code = "WOP-023"
    why = "sealed intents have four sizes, so that many look alike; the largest holds one action"
    fix = "join notes first, by sending to yourself, so that fewer are spent"


@dataclass(frozen=True, slots=True)
class Place:
    """Where an intent is to be settled, and the chain as it is now."""

    genesis: Genesis
    domain: LaneDomain
    status: Status

    @property
    def epoch(self) -> int:
        """Of the next block, and so of the batch that it would add to."""
        lane = self.genesis.lane
        if lane is None:
            raise PolicyRefused("this chain has no sealed lane")
        return lane.epoch_of(self.status.height + 1)

    def expiry(self, blocks: int | None) -> int:
        """Last height of an intent that shall live for so many blocks; by default the most.

        Raises:
            PolicyRefused: longer than the chain takes, or too short for a batch to end.
        """
        most, domain = self.genesis.parameters.max_expiry, self.domain
        least = domain.period + domain.solve_period + 2
        wanted = most if blocks is None else blocks
        if not least <= wanted <= most:
            raise PolicyRefused(
                f"an intent of {wanted} blocks; {least} to {most} may be",
                why="it must outlive its batch, and a chain bounds how long anything is valid",
                fix=f"say --expires {most}",
            )
        return self.status.height + wanted


def place(client: NodeClient, domain: str | None, wallet: Wallet) -> Place:
    """The domain meant, by name or number; the first one by default.

    Args:
        client: the node.
        domain: name or number.
        wallet: synchronised once: it knows its chain. Who the validators are follows from genesis,
            so another chain's, that a node tells of, would seal intents to others.

    Raises:
        OtherChain: genesis is not that of the wallet's chain.
        PolicyRefused: the chain has no lane, or no such domain.
    """
    from node.cli.wallet_sync import OtherChain

    genesis = client.genesis()
    known = wallet.db.get("chain_id")
    if known != genesis.chain_id:
        raise OtherChain(
            f"the node tells of chain {genesis.chain_id.hex()[:12]}…, "
            f"the wallet knows {'none' if known is None else known.hex()[:12] + '…'}"
        )
    if genesis.lane is None:
        raise PolicyRefused(
            "this chain has no sealed lane",
            why="whether a chain has one is said in its genesis",
            fix="name a node of another chain with --node; `chiaro up` starts one",
        )
    domains = genesis.lane.domains
    found = [d for d in domains if domain is None or domain in {d.name, str(d.number)}]
    if not found:
        names = ", ".join(item.name for item in domains)
        raise PolicyRefused(f"this chain has no domain {domain!r}", fix=f"one of {names}")
    return Place(genesis, found[0], client.status())


# --- the three kinds ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, repr=False)
class Terms:
    """What a person asks for: `give` of one asset for `want` of another, base units."""

    give: int
    give_asset: str
    want: int
    want_asset: str

    def __repr__(self) -> str:
        return "<Terms: hidden>"


@dataclass(frozen=True, slots=True, repr=False)
class Draft:
    """An intent that was agreed to, and not yet made: `make` proves or signs it.

    Attributes:
        schema: which.
        gives, wants: for people.
        fee: base units beside.
        expiry: last height.
        epoch: the only one in which it settles; None: any.
        proofs: how many it will have.
        notes: what it spends.
        make: the intent; takes its time where it proves.
    """

    schema: str
    gives: tuple[Sum, ...]
    wants: tuple[Sum, ...]
    fee: int
    expiry: int
    epoch: int | None
    proofs: int
    notes: tuple[OwnedNote, ...]
    make: Callable[[Secrets, Prove | None], Intent]

    def __repr__(self) -> str:
        return f"<Draft: {self.schema}, hidden>"


def swap(
    wallet: Wallet,
    secrets: Secrets,
    where: Place,
    terms: Terms,
    expiry: int,
    *,
    fee: int = 0,
    unscoped: bool = False,
) -> Draft:
    """An exact swap from the wallet's notes, all or nothing; it settles only in this epoch (S-19).

    Args:
        wallet: whose notes.
        secrets: its keys.
        where: the domain.
        terms: of the swap.
        expiry: last height.
        fee: base units offered beside, to whoever settles it.
        unscoped: it settles anywhere, in any epoch, by anybody's transaction.

    Raises:
        InsufficientFunds: says what there is.
        SwapTooLarge: more than one action is needed.
        UnknownAsset: a name that this chain does not know.
    """
    from node.core.ids import Height
    from node.intents.parties import Swap, build_swap, plan_swap
    from shielded.selection import InsufficientFunds as NotEnoughNotes
    from shielded.transaction import Scope

    gives, wants = _kinds(where.status, terms)
    try:
        planned = plan_swap(
            wallet.state,
            secrets.spending,
            Swap(gives.kind, gives.amount, wants.kind, wants.amount, fee),
            chain_id=where.genesis.chain_id,
            expiry=Height(expiry),
            scope=None if unscoped else Scope(where.domain.number, where.epoch),
            seed=randomness.token_bytes(32),
        )
    except NotEnoughNotes:
        short = wallet_spend.insufficient(wallet, gives.asset, gives.kind, gives.amount, 0, 2)
        raise short from None

    def make(keys: Secrets, prove: Prove | None) -> Intent:
        if prove is None:
            raise PolicyRefused("a swap has a proof, and there is no prover")
        return build_swap(planned, keys.spending, EXCHANGE, prove)

    epoch = None if unscoped else where.epoch
    return Draft("swap", (gives,), (wants,), fee, expiry, epoch, 1, planned.notes, make)


def limit(
    wallet: Wallet, where: Place, terms: Terms, expiry: int, *, partial: bool, fee: int
) -> Draft:
    """A limit order of the wallet's transparent account: at least `want` for `give`.

    Raises:
        UnknownAsset: a name that this chain does not know.
    """
    from node.core.ids import AccountId, Height
    from node.intents.limit import LimitOrder, sign_order

    gives, wants = _kinds(where.status, terms)
    shared = gcd(wants.amount, gives.amount)
    order = LimitOrder(
        AccountId(wallet.account),
        gives.kind,
        gives.amount,
        wants.kind,
        wants.amount // shared,
        gives.amount // shared,
        partial,
    )

    def make(keys: Secrets, _prove: Prove | None) -> Intent:
        return sign_order(
            keys.signing,
            where.genesis.chain_id,
            EXCHANGE,
            order,
            expiry=Height(expiry),
            fee=fee,
            nonce=randomness.token_bytes(32),
        )

    return Draft("limit", (gives,), (wants,), fee, expiry, None, 0, (), make)


def payment(wallet: Wallet, client: NodeClient, request: wallet_spend.Request) -> Draft:
    """A whole private payment that only wants to be ordered before anybody can see it.

    Raises:
        InsufficientFunds, UnknownAsset, PolicyRefused: as `wallet_spend.propose`.
    """
    from node.core.block import Transaction
    from node.core.ids import EnvironmentId
    from node.core.intent import Intent
    from shielded.build import build

    proposal = wallet_spend.propose(wallet, client, request)
    plan, summary = proposal.plan, proposal.summary

    def make(keys: Secrets, prove: Prove | None) -> Intent:
        if prove is None:
            raise PolicyRefused("a payment has a proof, and there is no prover")
        tx = build(plan, keys.spending, prove)
        wire = Transaction(EnvironmentId.SHIELDED, tx.to_bytes()).to_bytes()
        nonce = randomness.token_bytes(32)
        return Intent(EXCHANGE, "complete", wire, plan.expiry, plan.fee, nonce)

    gives = (Sum(request.asset, proposal.kind, request.amount),)
    return Draft(
        "complete", gives, (), plan.fee, plan.expiry, None, summary.actions, proposal.notes, make
    )


def _kinds(status: Status, terms: Terms) -> tuple[Sum, Sum]:
    gives = Sum(terms.give_asset, wallet_spend.kind_of(status, terms.give_asset), terms.give)
    wants = Sum(terms.want_asset, wallet_spend.kind_of(status, terms.want_asset), terms.want)
    if gives.kind == wants.kind:
        raise PolicyRefused("gives and wants the same asset", fix="name two different assets")
    return gives, wants


# --- keeping --------------------------------------------------------------------------------------


def keep(
    places: Places,
    wallet: Wallet,
    where: Place,
    draft: Draft,
    secrets: Secrets,
    prove: Prove | None,
) -> Kept:
    """Make an intent, reserve its notes and write its file. Nothing is sent.

    Raises:
        IntentTooLarge: no envelope holds it.
        InsecureVersion, …: of the prover.
    """
    intent = draft.make(secrets, prove)
    _check_size(len(intent.to_bytes()))
    name = wallet.keystore.name
    kept = Kept(
        number=intent_files.next_number(places, name),
        schema=draft.schema,
        chain_id=bytes(where.genesis.chain_id),
        domain=where.domain.number,
        domain_name=where.domain.name,
        epoch=draft.epoch,
        intent=intent.to_bytes(),
        gives=draft.gives,
        wants=draft.wants,
        fee=draft.fee,
        expiry=draft.expiry,
        proofs=draft.proofs,
        notes=tuple(note.position for note in draft.notes),
        made_ms=time.time_ns() // 1_000_000,
    )
    intent_files.save(places, name, kept)  # first, so that no note is reserved for nothing
    reserve(wallet, kept)
    return kept


def _check_size(size: int) -> None:
    from private_exec.envelope import OVERHEAD, SIZE_CLASSES

    most = SIZE_CLASSES[-1] - OVERHEAD
    if size > most:
        raise IntentTooLarge(f"the intent has {size} bytes, {most} fit")


def reserve(wallet: Wallet, kept: Kept) -> None:
    """Keep an intent's notes out of other transactions until it expires."""
    wanted = set(kept.notes)
    notes = [note for note in wallet.state.notes if note.position in wanted]
    wallet.state.lock(notes, kept.expiry)
    wallet.save()


def release(wallet: Wallet, kept: Kept) -> None:
    """Make the notes of an intent that is over spendable again, unless something else has them."""
    wanted = set(kept.notes) - intent_notes.of_others(wallet, kept)
    wallet.state.unlock([note for note in wallet.state.notes if note.position in wanted])
    wallet.save()


def sums_data(items: Iterable[Sum]) -> list[Mapping[str, Any]]:
    """Sums in JSON."""
    from node.cli import show

    return [show.amount(item.amount, item.asset) for item in items]


def sums_text(items: Iterable[Sum]) -> str:
    """Sums for people."""
    from node.core.amounts import format_amount

    return " + ".join(f"{format_amount(item.amount)} {item.asset}" for item in items)


def known_kinds(status: Status) -> Mapping[Kind, str]:
    """Names of the chain's assets."""
    from node.core.ids import NATIVE

    return {NATIVE: "native", **{v.kind: v.name for v in status.assets if v.name}}
