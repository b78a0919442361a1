"""Supply, accounts, and what a rule says."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from node.core import catalog
from node.core.catalog import Entry
from node.core.errors import NotFound
from node.core.ids import AccountId
from node.explorer.page import Ask, Page, Route
from node.explorer.text import is_code
from node.rpc.schema import SupplyReport, SupplyView

_POOLS: Final = ("transparent", "shielded", "private", "stake")


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
    """Of each kind the part that each environment holds, in thousandths that sum to 1000.

    `shadow` is what the part of the shielded pool stands for.
    """
    found = []
    for item in report.kinds:
        issued = max(int(item.issued), 1)
        held = {name: int(getattr(item, name)) for name in _POOLS}
        shown = _known(item, held)
        parts = {name: value * 1000 // issued for name, value in shown.items()}
        for name, value in shown.items():
            parts[name] = max(parts[name], 4 if value else 0)  # a little is not nothing
        parts["transparent"] = max(0, 1000 - sum(parts[name] for name in _POOLS[1:]))
        shadow = shown["shielded"]
        found.append({"view": item, "held": held, "parts": parts, "shadow": shadow})
    return found


def _known(item: SupplyView, held: dict[str, int]) -> dict[str, int]:
    """As the picture has it: two pools between which amounts moved in the dark are one."""
    if not item.hidden_into and not item.hidden_out_of:
        return held
    return {**held, "shielded": int(item.joint), "private": 0}


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
    Route("/account/{id}", account),
    Route("/rule/{code}", rule),
)
