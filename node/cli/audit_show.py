"""What an audit found, as data and for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from node.cli import output, show
from node.cli.demo_facts import duration, units
from node.core.ids import NATIVE, EnvironmentId, Kind

if TYPE_CHECKING:
    from rich.console import Console

    from node.audit.report import AuditReport, Culprit, Point

PARTS = ("issued", "transparent", "fees", "shielded", "private", "stake")
_POOLS = (
    EnvironmentId.TRANSPARENT,
    EnvironmentId.SHIELDED,
    EnvironmentId.PRIVATE,
    EnvironmentId.STAKE,
)
_SHOWN = 20
"""Culprits on a terminal; all of them are in JSON and on the page."""


def names(report: AuditReport) -> dict[Kind, str]:
    """What the kinds of a chain are called here."""
    from node.app.development import ASSETS, asset
    from node.core.genesis import DEV_PROFILE

    known = {asset(name): name for name in ASSETS} if report.profile == DEV_PROFILE else {}
    return {**known, NATIVE: "native"}


def kind_name(kind: Kind, known: Mapping[Kind, str]) -> str:
    """A kind's name, or its label."""
    return known.get(kind) or f"0x{kind.label:064x}"


def data(report: AuditReport) -> dict[str, Any]:
    """The report in JSON; amounts are base units."""
    known = names(report)
    counts = report.counts
    per_proof = report.milliseconds_per_proof
    return {
        "source": report.source,
        "valid": report.valid,
        "chain_id": "0x" + report.chain_id.hex(),
        "name": report.name,
        "chain_profile": report.profile,
        "height": report.height,
        "tip": "0x" + report.tip.hex(),
        "executed": report.executed,
        "state_root": "0x" + report.state_root.hex(),
        "resumed_from": report.resumed,
        "blocks": counts.blocks,
        "transactions": counts.transactions,
        "refused": counts.refused,
        "shielded_transactions": counts.shielded,
        "private_transfers": counts.private_transfers,
        "proofs": counts.proofs,
        "proofs_in_this_run": report.run_proofs,
        "seconds": round(report.seconds, 3),
        "milliseconds_per_proof": None if per_proof is None else round(per_proof, 4),
        "unit": "base units",
        "supply": [
            {
                "asset": kind_name(row.kind, known),
                "logic": str(row.kind.logic),
                "label": str(row.kind.label),
                **{part: str(getattr(row, part)) for part in PARTS},
                "joint": str(row.joint),
                "hidden_into": row.hidden.into,
                "hidden_out_of": row.hidden.out_of,
                "balanced": row.adds_up,
            }
            for row in report.supply
        ],
        "history": [_point(point, known) for point in report.points],
        "keys": [
            {
                "statement": key.statement,
                "verifying_key": "0x" + key.verifying_key,
                "r1cs": "0x" + key.r1cs,
                "origin": key.origin,
                "made": key.made,
                "warning": key.warning,
            }
            for key in report.keys
        ],
        "ceremony": list(report.ceremony),
        "culprits": [_culprit(item) for item in report.culprits],
        "culprits_not_listed": report.more,
        "stopped": report.stopped,
    }


def _point(point: Point, known: Mapping[Kind, str]) -> dict[str, Any]:
    return {
        "height": point.height,
        "blocks": point.blocks,
        "transactions": point.transactions,
        "proofs": point.proofs,
        "held": {
            kind_name(kind, known): {e.label: str(parts.get(e, 0)) for e in _POOLS}
            for kind, parts in sorted(point.held.items())
        },
    }


def _culprit(item: Culprit) -> dict[str, Any]:
    return {
        "height": item.height,
        "index": item.index,
        "tx_id": None if item.tx_id is None else "0x" + item.tx_id.hex(),
        "code": item.rule,
        "rule": item.by,
        "message": item.message,
    }


def draw(out: Console, report: AuditReport, page: Path | None) -> None:
    """The report for people."""
    counts, known = report.counts, names(report)
    lines = {
        "source": report.source,
        "chain": f"{report.name}, profile {report.profile}, {report.chain_id.hex()}",
        "tip": f"block {report.height}, {report.tip.hex()}",
        "state": report.state_root.hex() + f" after block {report.executed}",
        "executed": f"{counts.blocks:,} blocks, {counts.transactions:,} transactions "
        f"({counts.refused:,} without effect), {counts.private_transfers:,} private transfers, "
        f"{counts.proofs:,} proofs",
        "time": _time(report),
    }
    for key in report.keys:
        lines[f"key {key.statement}"] = f"{key.verifying_key}, {key.made}"
    for index, line in enumerate(report.ceremony, 1):
        lines[f"ceremony {index}"] = line
    width = max(map(len, lines))
    for label, text in lines.items():
        out.print(f"{label:<{width}}  {output.printable(text)}", markup=False)
    if report.supply:
        out.print()
        output.table(
            out,
            ("asset", *("of it fees" if part == "fees" else part for part in PARTS), ""),
            [
                (
                    kind_name(row.kind, known),
                    *(units(getattr(row, part)) for part in PARTS),
                    "✓" if row.adds_up else "✗",
                )
                for row in report.supply
            ],
        )
        for line in dark_lines(report, known):
            out.print(output.printable(line), markup=False)
    if report.culprits:
        out.print()
        output.table(
            out,
            ("block", "tx", "transaction", "code", "what"),
            [culprit_row(item) for item in report.culprits[:_SHOWN]],
        )
        if (left := len(report.culprits) - _SHOWN + report.more) > 0:
            out.print(f"and {left} more: --json or --report has them")
    if report.stopped:
        out.print(f"execution ended: {report.stopped}; later blocks were searched without a state")
    out.print()
    if report.valid:
        out.print(f"VALID: blocks 1 to {report.height} hold", style="bold green")
    else:
        out.print("INVALID: this history breaks the rules above", style="bold red")
    if page is not None:
        out.print(f"report  {page}", markup=False)


def _time(report: AuditReport) -> str:
    text = duration(report.seconds)
    if report.resumed:
        text += f" for what is above block {report.resumed}"
    per_proof = report.milliseconds_per_proof
    return text if per_proof is None else f"{text}; {per_proof:.2f} ms a proof, in batches"


def dark_lines(report: AuditReport, known: Mapping[Kind, str]) -> list[str]:
    """What the figures of the two dark pools do not say, a line an asset."""
    lines = (
        show.in_the_dark(kind_name(row.kind, known), row.joint, row.hidden.into, row.hidden.out_of)
        for row in report.supply
    )
    return [line for line in lines if line]


def culprit_row(item: Culprit) -> tuple[str, ...]:
    """A culprit in a table."""
    return (
        str(item.height),
        "" if item.index is None else str(item.index),
        "" if item.tx_id is None else item.tx_id.hex(),
        item.rule,
        item.message,
    )
