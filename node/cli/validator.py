"""`chiaro validator …`: the key of this machine's validator, and the keys that validators make."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import typer

from node.cli import connection, output, show, stake
from node.cli.session import Session

if TYPE_CHECKING:
    from rich.console import Console

    from node.rpc.lane_keys import KeyReportView, LaneKeysView, ProtectionView

PROMISES: Final = (
    "shares", "quorum", "privacy", "protected", "opening", "batch", "holders",
)  # fmt: skip
"""What `protection` of an answer says."""
ROUNDS: Final = ("notices", "commits", "dealings", "complaints")

app = typer.Typer(help="For validators: their key, their stake, and the keys of sealed intents.")
for _command in (stake.bond, stake.unbond, stake.withdraw, stake.stake, stake.evidence):
    app.command()(_command)


@app.command()
def init(context: typer.Context) -> None:
    """Make the consensus key of this machine's node; its public half goes into genesis.

    The file is private, and under no password: a validator must start without a person.
    """
    from node.app.validator import create_key
    from node.lane.validator.identity import KEY_FILE

    session: Session = context.obj
    home = session.places.node
    made = create_key(home)
    data = {"file": str(home / KEY_FILE), "validator": "0x" + made.public.hex()}

    def render(out: Console) -> None:
        out.print(f"validator  {data['validator']}", markup=False)
        out.print(f"key        {data['file']}  (private; keep a copy offline)", markup=False)
        out.print(
            "next       chiaro setup genesis --validator KEY …, for a new chain", markup=False
        )
        out.print("           chiaro node init --role validator, where stake decides who votes")

    output.emit(session, "validator.init", data, render)


@app.command()
def keys(context: typer.Context) -> None:
    """Show how far the keys of sealed intents are, who makes them, and who is at fault."""
    session: Session = context.obj
    with connection.connected(session) as client:
        found = client.lane.keys()
    data: dict[str, Any] = {
        "height": found.height,
        "own": found.own,
        "validators": list(found.validators),
        **(_promise(found.protection) or dict.fromkeys(PROMISES)),
        "keys": [_key(item) for item in found.keys],
        "seen": [
            {
                "validator": item.validator,
                "domain": item.domain,
                "height": item.height,
                "rule": item.rule,
            }
            for item in found.seen
        ],
    }
    if found.protection is not None and found.protection.privacy == 0:
        session.warnings.append("one validator can read every sealed intent as soon as it is sent")
    output.emit(
        session,
        "validator.keys",
        data,
        lambda out: _draw(out, found),
        freshness={"height": found.height},
    )


def _key(item: KeyReportView) -> dict[str, Any]:
    return {
        "domain": item.domain,
        "name": item.name,
        "epoch": item.epoch,
        "first": item.first,
        "last": item.last,
        "stage": item.stage,
        "attempt": item.attempt,
        "round": item.round,
        "until": item.until,
        "reason": item.reason,
        "digest": item.digest,
        "participants": list(item.participants),
        "dealers": list(item.dealers),
        "faults": [{"validator": b.validator, "fault": b.fault} for b in item.faults],
        "held": item.held,
        "holders": [
            {"validator": h.validator, "weight": h.weight, "shares": h.shares} for h in item.holders
        ],
        "protection": _promise(item.protection),
    }


def _promise(found: ProtectionView | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {name: getattr(found, name) for name in PROMISES}


def _draw(out: Console, found: LaneKeysView) -> None:
    """A table of keys, who holds them, what they protect from, then faults."""
    rows = [
        (
            f"{item.domain} {show.safe(item.name)}",
            f"{item.epoch} ({item.first}…{item.last})",
            _state(item),
            f"{len(item.dealers or item.participants)} of {_sharing(item)}",
            "yes" if item.held else "no",
        )
        for item in found.keys
    ]
    output.table(out, ("domain", "epoch", "key", "took part", "held here"), rows)
    out.print()
    held = {item.epoch: item.holders for item in found.keys}
    output.table(
        out,
        ("epoch", "validator", "stake", "shares"),
        [
            (str(epoch), holder.validator, holder.weight, str(holder.shares))
            for epoch, holders in sorted(held.items())
            for holder in holders
        ],
    )
    out.print()
    for name, text in (
        ("height", str(found.height)),
        ("own", found.own or "none: this node watches"),
        *_promises(found.protection),
    ):
        out.print(f"{name:<10} {text}", markup=False)
    for line in _faults(found):
        out.print(line, style="yellow", markup=False)


def _sharing(item: KeyReportView) -> int:
    """How many validators have shares of the key."""
    return sum(1 for holder in item.holders if holder.shares)


def _promises(promised: ProtectionView | None) -> list[tuple[str, str]]:
    """How many open a batch; who reads nothing before it is ordered, and what that rests on."""
    if promised is None:
        return [("protected", "nobody: the stakes give no safe shares, and the epoch has no key")]
    opens = f"{promised.quorum} of {promised.shares} shares, {promised.opening} of the stake"
    if promised.privacy == 0:
        protected = "nobody: one validator can read every sealed intent as soon as it is sent"
    else:
        protected = (
            f"less than {promised.protected} of the stake reads nothing before a batch is opened; "
            "more can, from the moment an intent is sent"
        )
    return [("opens", opens), ("protected", protected), ("holders", promised.holders)]


def _state(item: KeyReportView) -> str:
    if item.stage == "made":
        return item.digest or ""
    if item.stage == "round":
        return f"round {item.round} of 4, {ROUNDS[item.round - 1]}, until block {item.until}"
    if item.stage == "failed":
        return f"attempt {item.attempt} failed: {show.safe(item.reason)}"
    return "nobody has asked for it"


def _faults(found: LaneKeysView) -> list[str]:
    lines = [
        f"fault      {blame.validator} {show.safe(blame.fault)} "
        f"(domain {item.domain}, epoch {item.epoch}, attempt {item.attempt})"
        for item in found.keys
        for blame in item.faults
    ]
    return lines + [
        f"fault      {item.validator} {item.rule} (domain {item.domain}, block {item.height})"
        for item in found.seen
    ]
