"""Supply, validators, faults, accounts, and what a rule says."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from node.core import catalog
from node.core.catalog import Entry
from node.core.errors import NotFound
from node.core.ids import AccountId
from node.explorer.page import Ask, Page, Route
from node.explorer.text import is_code
from node.rpc.schema import SupplyReport
from node.rpc.service import Service

_POOLS: Final = ("transparent", "shielded", "private")


def supply(ask: Ask) -> Page:
    """Where the units of each kind are, recomputed from the state."""
    report = ask.service.supply()
    context = {
        "report": report,
        "assets": shares(report),
        "pools": ask.service.status().pools,
    }
    return Page("supply", "Supply", "supply", context)


def shares(report: SupplyReport) -> list[dict[str, Any]]:
    """Of each kind the part that each environment holds, in thousandths that sum to 1000."""
    found = []
    for item in report.kinds:
        issued = max(int(item.issued), 1)
        held = {name: int(getattr(item, name)) for name in _POOLS}
        parts = {name: value * 1000 // issued for name, value in held.items()}
        for name, value in held.items():
            parts[name] = max(parts[name], 4 if value else 0)  # a little is not nothing
        parts["transparent"] = max(0, 1000 - parts["shielded"] - parts["private"])
        found.append({"view": item, "held": held, "parts": parts})
    return found


def validators(ask: Ask) -> Page:
    """Consensus keys; who makes keys of the lane, and how far they are."""
    service = ask.service
    keys = service.lane_keys() if service.genesis.lane is not None else None
    faults = _faults(service)
    context = {
        "keys": keys,
        "rows": [
            {
                "number": number,
                "key": key.hex(),
                "own": keys is not None and keys.own == "0x" + key.hex(),
                "made": 0 if keys is None else _took_part(keys.keys, key.hex()),
                "faults": sum(item["validator"] == "0x" + key.hex() for item in faults),
            }
            for number, key in enumerate(service.genesis.validators)
        ],
    }
    return Page("validators", "Validators", "validators", context)


def faults(ask: Ask) -> Page:
    """Who was found at fault, by which rule."""
    return Page("faults", "Faults", "faults", {"faults": _faults(ask.service)})


def _took_part(reports: Any, key: str) -> int:
    return sum("0x" + key in item.dealers for item in reports)


def _faults(service: Service) -> list[dict[str, Any]]:
    """In the state: faults of key generation. Of this node: wrong shares that it saw."""
    if service.genesis.lane is None:
        return []
    keys = service.lane_keys()
    found: list[dict[str, Any]] = [
        {
            "validator": blame.validator,
            "what": f"key generation: {blame.fault}",
            "rule": "PX-10",
            "where": f"domain {report.domain}, epoch {report.epoch}, attempt {report.attempt}",
            "known": "state",
        }
        for report in keys.keys
        for blame in report.faults
    ]
    words = {"PX-18": "shares that do not fit", "PX-19": "shares of two batches of one height"}
    found += [
        {
            "validator": item.validator,
            "what": words.get(item.rule, "shares"),
            "rule": item.rule,
            "where": f"domain {item.domain}, block {item.height}",
            "known": "this node",
        }
        for item in keys.seen
    ]
    return found


def account(ask: Ask) -> Page:
    """Balances of an account in the clear."""
    found = ask.service.account(AccountId(ask.identity("id")))
    return Page("account", "Account", "", {"account": found})


def rule(ask: Ask) -> Page:
    """What a rule or an error code means: the paragraph that defines it."""
    code = ask.path["code"]
    entry = _entry(code) if is_code(code) else None
    if entry is None:
        raise NotFound("there is no such rule", fix="`chiaro explain` lists them all")
    return Page("rule", entry.code, "", {"entry": entry})


@lru_cache(maxsize=512)
def _entry(code: str) -> Entry | None:
    return catalog.look_up(code)


ROUTES: Final = (
    Route("/supply", supply),
    Route("/validators", validators),
    Route("/faults", faults),
    Route("/account/{id}", account),
    Route("/rule/{code}", rule),
)
