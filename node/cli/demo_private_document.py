"""The facts of a demonstration of the private environment as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from node.cli.demo_private_facts import PrivateFacts, SessionFacts, T


def document(facts: PrivateFacts) -> dict[str, Any]:
    """The facts as JSON: amounts are decimal text, bytes 0x-hex."""
    found, claim = facts.round, facts.claim
    return {
        "valid": facts.valid,
        "seconds": round(facts.seconds, 3),
        "chain_id": "0x" + facts.chain_id,
        "started_ms": facts.started_ms,
        "unit": "base units (6 decimals)",
        "steps": [step.document for step in facts.steps],
        "committee": {
            "threshold": T,
            "members": [{**asdict(m), "key": "0x" + m.key} for m in facts.members],
            "links": [asdict(link) for link in facts.links],
            "liar": asdict(facts.liar),
            "killed": asdict(facts.outage),
        },
        "donors": [
            {
                **asdict(donor),
                "amount": str(donor.amount),
                "read": str(donor.read),
                "masked": "0x" + donor.masked,
                "shares": ["0x" + share for share in donor.shares],
            }
            for donor in facts.donors
        ],
        "round": {
            **asdict(found),
            "id": "0x" + found.id,
            "pool": str(found.pool),
            "rest": str(found.rest),
            "projects": [
                {
                    "name": project.name,
                    "donations": project.donations,
                    "roots": _text(project.roots),
                    "total": _text(project.total),
                    "payout": _text(project.payout),
                }
                for project in found.projects
            ],
        },
        "claim": {**asdict(claim), "amount": str(claim.amount), "fee": str(claim.fee)},
        "auction": {
            **asdict(facts.auction),
            "id": "0x" + facts.auction.id,
            "bids": [{"name": name, "amount": str(bid)} for name, bid in facts.auction.bids],
            "reserve": str(facts.auction.reserve),
            "price": str(facts.auction.price),
            "paid": str(facts.auction.paid),
            "back": [
                {**asdict(one), "amount": str(one.amount), "fee": str(one.fee)}
                for one in facts.auction.back
            ],
            "session": _session(facts.auction.session),
        },
        "darkpool": {
            **asdict(facts.pool),
            "id": "0x" + facts.pool.id,
            "lot": str(facts.pool.lot),
            "price": str(facts.pool.price),
            "taken": [{**asdict(one), "amount": str(one.amount)} for one in facts.pool.taken],
            "session": _session(facts.pool.session),
        },
        "leaks": {leak.program: list(leak.leaks) for leak in facts.leaks},
        "audit": {
            "blocks": facts.audit.blocks,
            "bytes": facts.audit.size,
            "clean": facts.audit.clean,
            "seconds": round(facts.audit.seconds, 3),
        },
        "checks": [{"id": c.id, "ok": c.ok, "detail": c.detail} for c in facts.checks],
        "versions": dict(facts.versions),
    }


def _session(session: SessionFacts) -> dict[str, Any]:
    return {
        **asdict(session),
        "seconds": round(session.seconds, 3),
        "verify_seconds": round(session.verify_seconds, 4),
        "share": "0x" + session.share,
        "read": [str(value) for value in session.read],
    }


def _text(value: int | None) -> str | None:
    return None if value is None else str(value)
