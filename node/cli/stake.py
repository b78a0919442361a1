"""`chiaro validator bond | unbond | withdraw | stake | evidence`: what validators have at stake."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from node.cli import connection, output, prompts, show, start, wallet_fund, wallets
from node.cli.address import decode_account
from node.cli.session import Session, UsageError
from node.cli.transfer import AMOUNT, FEE, NO_WAIT, TIMEOUT, amount_of

if TYPE_CHECKING:
    from rich.console import Console

    from node.core.ids import ChainId
    from node.rpc.client import NodeClient
    from node.rpc.schema import Status
    from node.rpc.stake_schema import StakedView, StakeView
    from node.stake.transaction import BondTx, Tag
    from transparent.signature import SigningKey

VALIDATOR: Final = typer.Option(
    None, "--validator", help="Consensus key, 0x and 64 digits; by default this machine's."
)
_KINDS: Final = "duplicate-vote, two-roots, wrong-share or key-generation"
_KIND: Final = typer.Argument(metavar="KIND", help=f"Of the fault: {_KINDS}.")
_FILE: Final = typer.Argument(metavar="FILE", help="The evidence, as bytes.")


def bond(
    context: typer.Context,
    amount: str = AMOUNT,
    validator: str | None = VALIDATOR,
    fee: str | None = FEE,
    password_file: Path | None = start.PASSWORD_FILE,
    timeout: float = TIMEOUT,
    *,
    no_wait: bool = NO_WAIT,
) -> None:
    """Put balance of the wallet's account at stake behind a validator; the first bond makes it one.

    For the first bond the validator's key file must be on this machine: it proves that the key is
    yours. Stake comes back by `unbond`, epochs later, and is lost in part if its fault is proved.
    """
    from node.stake.transaction import Tag

    base = amount_of(amount)
    _send(context.obj, Tag.BOND, base, validator, fee, password_file, timeout, no_wait=no_wait)


def unbond(
    context: typer.Context,
    amount: str = AMOUNT,
    validator: str | None = VALIDATOR,
    fee: str | None = FEE,
    password_file: Path | None = start.PASSWORD_FILE,
    timeout: float = TIMEOUT,
    *,
    no_wait: bool = NO_WAIT,
) -> None:
    """Give notice of stake: it stops to count with the roster after next, and is due epochs later.

    Until it is due it can still be lost for faults of the time when it counted.
    """
    from node.stake.transaction import Tag

    base = amount_of(amount)
    _send(context.obj, Tag.UNBOND, base, validator, fee, password_file, timeout, no_wait=no_wait)


def withdraw(
    context: typer.Context,
    validator: str | None = VALIDATOR,
    fee: str | None = FEE,
    password_file: Path | None = start.PASSWORD_FILE,
    timeout: float = TIMEOUT,
    *,
    no_wait: bool = NO_WAIT,
) -> None:
    """Take all stake that is due back to the wallet's account; the fee is paid out of it."""
    from node.stake.transaction import Tag

    _send(context.obj, Tag.WITHDRAW, 0, validator, fee, password_file, timeout, no_wait=no_wait)


def stake(context: typer.Context) -> None:
    """Show all validators: stake, weight, power, notice and when it is due, faults."""
    session: Session = context.obj
    with connection.connected(session) as client:
        found = client.stake()
    data = {
        "height": found.height,
        "epoch": found.epoch,
        "until": found.until,
        "unit": "base units",
        "weight_unit": found.unit,
        "min_bond": found.min_bond,
        "unbonding_epochs": found.unbonding_epochs,
        "max_validators": found.max_validators,
        "held": found.held,
        "lost": found.lost,
        "fractions": found.fractions,
        "validators": [_row(item) for item in found.validators],
    }
    fresh = {"height": found.height}
    output.emit(session, "validator.stake", data, lambda out: _draw(out, found), freshness=fresh)


def evidence(
    context: typer.Context,
    kind: str = _KIND,
    file: Path = _FILE,
    timeout: float = TIMEOUT,
    *,
    no_wait: bool = NO_WAIT,
) -> None:
    """Hand evidence of a validator's fault to the chain; it costs nothing and proves by itself.

    Nodes do this by themselves for what they see; this is for who saw it elsewhere.
    """
    from node.stake.faults import FaultKind
    from node.stake.transaction import MAX_EVIDENCE, EvidenceTx, wire

    session: Session = context.obj
    found = next((item for item in FaultKind if item.label == kind), None)
    if found is None:
        raise UsageError(f"no kind of fault: {kind[:40]!r}", where="KIND", fix=f"write {_KINDS}")
    try:
        with file.open("rb") as opened:
            proof = opened.read(MAX_EVIDENCE + 1)
    except OSError as error:
        raise UsageError(f"cannot read the file: {error.strerror}", where=str(file)) from None
    if len(proof) > MAX_EVIDENCE:
        raise UsageError(f"more than {MAX_EVIDENCE} bytes", where=str(file))
    with connection.connected(session) as client:
        tx = EvidenceTx(_chain(client.status()), found, proof)
        client.submit(wire(tx))
        view = None if no_wait else client.wait_for_tx(tx.id, timeout)
    show.report_transaction(session, "validator.evidence", tx.id, view, {"kind": kind})


# --- sending --------------------------------------------------------------------------------------


def _send(
    session: Session,
    tag: Tag,
    amount: int,
    validator: str | None,
    fee: str | None,
    password_file: Path | None,
    timeout: float,
    *,
    no_wait: bool,
) -> None:
    """Make it, show it, ask, sign, submit, wait."""
    from node.stake.transaction import Tag, sign, wire

    name = wallets.choose(session)
    with (
        wallets.opened(session.places, name, profile=session.profile) as wallet,
        connection.connected(session) as client,
    ):
        wallets.check_spends(wallet.keystore)
        status, found = client.status(), client.stake()
        key, own = _key(session, validator)
        known = {item.key for item in found.validators}
        proving = tag is Tag.BOND and "0x" + key.hex() not in known
        if proving and own is None:
            raise UsageError(
                "the first bond of a validator needs its key file on this machine",
                where="--validator",
                fix="run it where `chiaro validator init` made the key",
            )
        tx = _made(status, tag, key, wallet.account, amount, fee)
        # What is withdrawn pays for itself.
        needs = {Tag.BOND: amount + tx.fee, Tag.UNBOND: tx.fee}.get(tag, 0)
        if missing := wallet_fund.missing_native(wallet, client, needs):
            wallet_fund.check_faucet(
                wallet,
                client,
                missing,
                why="what is put at stake, and fees, come from the account",
                fix="`chiaro unshield` or somebody else can pay it in; or put less at stake",
            )
        _show(session, client, tx)
        if not prompts.confirm(session, f"Continue on {session.profile}?"):
            raise typer.Abort
        password = prompts.password(session, password_file, f"Password for {name}")
        secrets = wallets.unlock(wallet, password)
        for asset, short in missing.items():
            text = f"the account lacks {show.amount_text(short)} {asset}"
            output.note(session, f"{text}: the development faucet pays it in")
        wallet_fund.fund(wallet, client, missing)
        client.submit(wire(sign(tx, secrets.signing, own if proving else None)))
        view = None if no_wait else client.wait_for_tx(tx.id, timeout)
    data = {
        "validator": "0x" + key.hex(),
        "owner": "0x" + tx.owner.hex(),
        "amount": show.amount(tx.amount, "native"),
        "fee": show.amount(tx.fee, "native"),
    }
    show.report_transaction(session, f"validator.{tag.label}", tx.id, view, data)


def _made(
    status: Status, tag: Tag, key: bytes, owner: bytes, amount: int, fee: str | None
) -> BondTx:
    from node.core.ids import AccountId, Height
    from node.stake.transaction import BondTx

    paid = int(status.parameters.fee_floor) if fee is None else amount_of(fee, "--fee")
    expiry = Height(status.height + status.parameters.max_expiry // 2)
    return BondTx(tag, _chain(status), key, AccountId(owner), amount, paid, expiry)


def _chain(status: Status) -> ChainId:
    from node.core.ids import ChainId

    return ChainId(bytes.fromhex(status.chain_id[2:]))


def _key(session: Session, validator: str | None) -> tuple[bytes, SigningKey | None]:
    """Which validator, and its secret key where the file is here."""
    from node.lane.validator import identity
    from transparent.signature import SigningKey

    path = session.places.node / identity.KEY_FILE
    wanted = None if validator is None else decode_account(validator)
    if not path.is_file():
        if wanted is None:
            raise UsageError(
                "there is no validator's key on this machine", where=str(path),
                fix="name the validator: --validator 0x…",
            )  # fmt: skip
        return wanted, None
    own = SigningKey(identity.load(path).secret())
    if wanted is None or wanted == own.account:
        return bytes(own.account), own
    return wanted, None


def _show(session: Session, client: NodeClient, tx: BondTx) -> None:
    """The draft on stderr, before the question."""
    from node.core.ids import NATIVE

    if session.json or session.quiet:
        return
    err = output.console(session, stderr=True)
    have = client.account(tx.owner).balance(NATIVE)
    lines = [
        (tx.tag.label, f"{show.amount_text(tx.amount)} native" if tx.amount else "all that is due"),
        ("fee", f"{show.amount_text(tx.fee)} native"),
        ("validator", "0x" + tx.key.hex()),
        ("account", f"0x{tx.owner.hex()}, {show.amount_text(have)} native"),
    ]
    for label, text in lines:
        err.print(f"  {label:<10} {text}", markup=False)


# --- showing --------------------------------------------------------------------------------------


def _row(item: StakedView) -> dict[str, Any]:
    return {
        "key": item.key,
        "owner": item.owner,
        "bonded": item.bonded,
        "weight": item.weight,
        "next": item.next,
        "power": item.power,
        "fault": item.fault,
        "notices": [
            {"epoch": notice.epoch, "amount": notice.amount, "due": notice.due}
            for notice in item.notices
        ],
    }


def _draw(out: Console, found: StakeView) -> None:
    headings = ("validator", "bonded", "weight", "next epoch", "power", "under notice", "fault")
    rows = []
    for item in found.validators:
        waiting = sum(int(notice.amount) for notice in item.notices)
        due = min((notice.due for notice in item.notices), default=0)
        notice = f"{show.amount_text(waiting)}, from block {due}" if waiting else ""
        rows.append(
            (
                show.shorten(item.key),
                show.amount_text(int(item.bonded)),
                str(item.weight),
                str(item.next),
                str(item.power),
                notice,
                f"block {item.fault}" if item.fault else "",
            )
        )
    output.table(out, headings, rows)
    out.print(f"epoch      {found.epoch}, up to block {found.until}", markup=False)
    out.print(f"at stake   {show.amount_text(int(found.held))} native, of it lost for good "
              f"{show.amount_text(int(found.lost))}", markup=False)  # fmt: skip
    out.print(f"least      {show.amount_text(int(found.min_bond))} native to vote", markup=False)
