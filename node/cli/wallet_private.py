"""Donations to rounds of quadratic funding, and their way back, from a wallet's notes.

Plain functions: no questions and no printing here. As for every payment the caller holds the wallet
open, and an operation lies on the disk with its transaction before that is sent (`wallet_spend`).
What a claim needs is found again from the wallet's words and the chain alone (SH-71, SH-73).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from node.cli import private_trust, wallet_carry, wallet_spend
from node.cli.output import Report
from node.cli.wallet_db import Operation
from node.cli.wallet_sync import silent
from node.cli.wallets import Secrets, Wallet
from node.core.errors import PolicyRefused
from node.core.ids import NATIVE, ChainId, tagged_hash
from node.core.private import MAX_DONATIONS
from zk import jsontext
from zk.errors import ChiaroError

if TYPE_CHECKING:
    from circuits.membership import MemberTree
    from node.core.ids import Kind
    from node.private.build import Pledge, ProveLinked
    from node.private.terms import Terms
    from node.rpc.client import NodeClient
    from node.rpc.private_schema import InputView
    from node.rpc.schema import Status
    from private_exec.committee.epoch import EpochRecord
    from private_exec.pedersen import Opening
    from shielded.build import Prove
    from shielded.history import OwnedNote
    from shielded.private_owner import PrivateOwner

DONATE: Final = "donate"
PAGE: Final = 64
_MAX_FILE: Final = 4 << 20


class MembersFile(ChiaroError):
    """A list of members that is none."""

    code = "WOP-033"
    exit_code = 3
    why = "who may give in a round is a list that everybody has; its root stands in the round"
    fix = 'ask whoever keeps it for the file: {"group": NAME, "leaves": [0x…, …]}'


class NothingToClaim(PolicyRefused):
    """No donation of this wallet goes back now."""

    code = "WOP-031"
    exit_code = 1
    why = "a donation goes back if it was refused, if its round failed or its project got nothing"
    fix = "`chiaro private fund show ROUND` says how far the round is"


class GaveAlready(PolicyRefused):
    """This wallet has a donation in the round."""

    code = "WOP-032"
    why = "a member gives once in a round: a second proof would show the same nullifier"
    fix = "give to the next round"


@dataclass(frozen=True, slots=True)
class Members:
    """A list of members.

    Attributes:
        group: its name, from which each member's wallet derives its secret.
        tree: over the leaves.
    """

    group: str
    tree: MemberTree


def read_members(path: Path) -> Members:
    """A file `{"group": NAME, "leaves": [0x…, …]}`.

    Raises:
        MembersFile: unreadable, or no such list.
    """
    from circuits.crossing import MEMBER_DEPTH
    from circuits.membership import MemberTree
    from shielded.json_values import fr_from_hex

    try:
        if path.stat().st_size > _MAX_FILE:
            raise MembersFile(f"larger than {_MAX_FILE} bytes", where=str(path))
        document = _document(path.read_bytes())
        if not isinstance(document, dict) or set(document) != {"group", "leaves"}:
            raise MembersFile("not exactly `group` and `leaves`", where=str(path))
        group, leaves = document["group"], document["leaves"]
        if not isinstance(group, str) or not isinstance(leaves, list):
            raise MembersFile("a name and a list are expected", where=str(path))
        if not all(isinstance(leaf, str) and leaf.startswith("0x") for leaf in leaves):
            raise MembersFile("leaves are 0x and 64 digits each", where=str(path))
        group_id(group)
        return Members(group, MemberTree([fr_from_hex(leaf[2:]) for leaf in leaves], MEMBER_DEPTH))
    except OSError as error:
        raise MembersFile(error.strerror or "cannot be read", where=str(path)) from None
    except ChiaroError as error:
        raise MembersFile(error.message, where=str(path)) from None


def _document(data: bytes) -> object:
    try:
        return jsontext.loads(data)
    except ValueError as error:
        raise MembersFile(str(error)) from None


def group_id(group: str) -> bytes:
    """What a member's secret in a group is derived from.

    Raises:
        MembersFile: the name is no Unicode text, as a lone surrogate is none.
    """
    try:
        return tagged_hash("private/group", group.encode())
    except UnicodeEncodeError:
        raise MembersFile("the name of a group is text", where="group") from None


def terms_of(client: NodeClient, identity: bytes) -> Terms:
    """What a round's id stands for, whatever else the node shows of it.

    Raises:
        NotFound: the node has no such round.
        PrivateRefused: PV-142.
    """
    from node.rpc.text import bytes_of

    chain_id = ChainId(bytes_of(client.status().chain_id, 32))
    return private_trust.terms_of(client, chain_id, identity)


def check_list(members: Members, terms: Terms) -> None:
    """PV-109: the list is the round's, so that a wallet of it can prove to be on it.

    Raises:
        PrivateRefused: PV-109.
    """
    from node.private.errors import PrivateRefused

    if members.tree.root != terms.members:
        raise PrivateRefused("PV-109", "this is not the round's list of members", where="members")


def inputs_of(client: NodeClient, identity: bytes) -> Iterator[InputView]:
    """All donations of a round; of a node that has no end of them, as many as there may be."""
    for first in range(0, MAX_DONATIONS, PAGE):
        page = client.private_inputs(identity, first, PAGE).inputs
        yield from page
        if len(page) < PAGE:
            return


def fee_of(wallet: Wallet, status: Status, kind: Kind, amount: int, links: int = 1) -> int:
    """What a node takes for a donation or bid, which depends on the notes that it needs.

    Raises:
        InsufficientFunds: says what there is, what is needed and why.
    """
    asset, actions = wallet_spend.asset_names(status)(kind), 1
    while True:
        fee = wallet_carry.least_fee(status, actions, links)
        needs = {kind: amount}
        needs[NATIVE] = needs.get(NATIVE, 0) + fee
        count = sum(len(_select(wallet, of, asset, need, fee)) for of, need in needs.items())
        needed = max(1, -(-count // 2), 1 if kind == NATIVE else 2)
        if needed <= actions:
            return fee
        actions = needed


def _select(wallet: Wallet, kind: Kind, asset: str, amount: int, fee: int) -> tuple[OwnedNote, ...]:
    from shielded.selection import InsufficientFunds

    try:
        return wallet.state.select(kind, amount, most=wallet_spend.MAX_SPENT)
    except InsufficientFunds:
        name = "native" if kind == NATIVE else asset
        raise wallet_spend.insufficient(wallet, name, kind, amount, fee) from None


def root_of(amount: int) -> int:
    """The largest w with w² ≤ amount: donations are squares of whole numbers of base units."""
    return math.isqrt(amount)


# --- giving --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, repr=False)
class Donation:
    """What a person agreed to.

    Attributes:
        identity: the round's id, as it was given: terms and keys follow from it (PV-142, PV-143).
        terms: of the round.
        members: its list of members.
        project: index.
        weight: w; w² base units are given.
        fee: base units of the native kind.
    """

    identity: bytes
    terms: Terms
    members: Members
    project: int
    weight: int
    fee: int

    def __repr__(self) -> str:
        return "<Donation: hidden>"


@dataclass(frozen=True, slots=True)
class Provers:
    """What makes proofs: of actions, and those that are linked to commitments."""

    action: Prove
    linked: ProveLinked


def provers(profile: str, action: str, progress: Report = silent) -> Provers:
    """With this installation's keys, loaded (at first use built) before this returns.

    Raises:
        InsecureVersion, UnknownKey, DevParamsRefused, DigestMismatch: no usable key.
    """
    of_actions = wallet_spend.prover(profile, action, progress)
    return Provers(of_actions, linked_proofs(profile))


def linked_proofs(profile: str) -> ProveLinked:
    """What makes the proofs alone that are linked to commitments."""
    from node.private.prove import linked_prover

    return linked_prover(profile=profile)


def donate(
    wallet: Wallet, client: NodeClient, asked: Donation, secrets: Secrets, prove: Provers
) -> Operation:
    """Draft on disk, prove, bytes on disk, submit. Returns the submitted operation.

    Raises:
        GaveAlready: to this round.
        ParamsError: this wallet is not on the list of members.
        PrivateRefused: PV-143, the node gives other keys than the round's id stands for.
        InvalidTransaction, PolicyRefused: the node refuses it; the operation is `rejected`.
        Unreachable: it stays `proved`; `tx submit` sends it later.
    """
    from node.private.build import pledge
    from node.rpc.text import bytes_of
    from shielded.private_owner import member_secret, next_owner, own

    status, identity, terms = client.status(), asked.identity, asked.terms
    owners = [bytes_of(item.owner, 32) for item in inputs_of(client, identity)]
    if own(secrets.spending, identity, owners):
        raise GaveAlready("this wallet gave to this round already", where="0x" + identity.hex())
    owner = next_owner(secrets.spending, identity, owners)
    made: Pledge = pledge(
        ChainId(bytes_of(status.chain_id, 32)),
        private_trust.trusted_record(client, terms),
        terms,
        identity,
        asked.project,
        asked.weight,
        owner,
        member_secret(secrets.spending, group_id(asked.members.group)),
        asked.members.tree,
    )
    memo = f"project {asked.project}"
    return wallet_carry.put_in(
        wallet, client, status, DONATE, identity, made, asked.fee, memo, secrets, prove
    )


# --- taking back ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, repr=False)
class Returning:
    """A donation of this wallet that goes back."""

    view: InputView
    owner: PrivateOwner
    opening: Opening

    def __repr__(self) -> str:
        return f"<Returning {self.view.id[:18]}: hidden>"


def returning(
    wallet: Wallet, client: NodeClient, identity: bytes, terms: Terms, secrets: Secrets
) -> list[Returning]:
    """This wallet's donations to a round that go back now, with what opens them.

    Amounts are those that the wallet's own history has of what it put into the private pool; the
    commitment on the chain says which one it was.

    Raises:
        NothingToClaim: there is none.
    """
    mine = owned(secrets, identity, inputs_of(client, identity))
    record = private_trust.record_of(client, terms)
    back, closed = [], ""
    for owner, item in mine:
        if item.claimable:
            opening = _opening(wallet, record, identity, item, owner)
            closed = closed if opening else item.id
            back += [Returning(item, owner, opening)] if opening else []
    if not back:
        raise nothing_back(NothingToClaim, "donation", "to the round", mine, closed)
    return back


def _opening(
    wallet: Wallet, record: EpochRecord, identity: bytes, item: InputView, owner: PrivateOwner
) -> Opening | None:
    """None: this wallet did not make it, or has forgotten what it gave."""
    from circuits.crossing import MAX_WEIGHT
    from node.private.build import about_of, openings_of
    from node.rpc.text import bytes_of
    from shielded.history import Direction
    from zk.curve.encoding import g1_to_bytes

    about, wanted = about_of(record, identity, item.project), bytes_of(item.amount, 32)
    pledged = {e.quantity for e in wallet.state.history if e.direction is Direction.PLEDGED}
    for weight in sorted({root_of(amount) for amount in pledged}):
        if weight <= MAX_WEIGHT:
            opening = openings_of(owner, weight, about).amount
            if g1_to_bytes(opening.commitment) == wanted:
                return opening
    return None


def claim(
    wallet: Wallet,
    client: NodeClient,
    identity: bytes,
    terms: Terms,
    item: Returning,
    secrets: Secrets,
    prove: Provers,
) -> Operation:
    """Take one donation back into a note of this wallet; otherwise as `donate`."""
    from node.rpc.text import bytes_of

    name, memo = bytes_of(item.view.id, 32), f"donation {item.view.id}"
    return wallet_carry.take_back(
        wallet, client, identity, terms.kind, name, item.opening, item.owner, memo, secrets, prove
    )


# --- both ----------------------------------------------------------------------------------------


class _Owned(Protocol):
    """What a node lists with its owner's key, 0x and 64 digits, and how it stands."""

    @property
    def owner(self) -> str: ...

    @property
    def status(self) -> str: ...


_Item = TypeVar("_Item", bound=_Owned)


def owned(
    secrets: Secrets, context: bytes, items: Iterable[_Item]
) -> list[tuple[PrivateOwner, _Item]]:
    """What is this wallet's of a round, sale or batch, by its owner keys, in order.

    Anybody can put something of its own under a key that it saw: so a key may have several, and
    only some of them open.
    """
    from node.rpc.text import bytes_of
    from shielded.private_owner import own

    listed = [(bytes_of(item.owner, 32), item) for item in items]
    keys = {one.public: one for one in own(secrets.spending, context, [key for key, _ in listed])}
    return [(keys[key], item) for key, item in listed if key in keys]


def nothing_back(
    refusal: type[PolicyRefused],
    noun: str,
    where: str,
    mine: Sequence[tuple[PrivateOwner, _Owned]],
    closed: str = "",
    *,
    also: str = "",
) -> PolicyRefused:
    """Why a wallet can take nothing.

    Args:
        refusal: what is refused.
        noun: what one is called.
        where: of which round, sale or batch.
        mine: what is this wallet's of it (`owned`).
        closed: id of one that comes back and that this wallet cannot open; empty: there is none.
        also: what else is said of them.
    """
    if closed:
        return refusal(
            f"no amount in this wallet's history opens its {noun} {closed[:18]}…",
            fix="scan the chain again: `chiaro sync --rescan`",
        )
    states = ", ".join(item.status for _, item in mine)
    return refusal(f"{noun}s of this wallet {where}: {states or 'none'}{also}")
