"""Validators: keys, stake, part in the lane's keys; and who was found at fault, by which rule."""

from __future__ import annotations

from typing import Any, Final

from node.core.errors import NotFound
from node.core.ids import Height
from node.explorer.page import Ask, Page, Route
from node.explorer.text import bare
from node.rpc.lane_keys import LaneKeysView
from node.rpc.service import Service
from node.rpc.stake_schema import StakedView, StakeView
from node.rpc.text import hex_of
from node.stake.punishment import PUNISHED


def validators(ask: Ask) -> Page:
    """Who decides, with what at stake; who makes keys of the lane, and how far they are."""
    service = ask.service
    keys, stake = _keys(service), _stake(service)
    context = {"keys": keys, "stake": stake, "rows": _rows(service, keys, stake)}
    return Page("validators", "Validators", "validators", context)


def faults(ask: Ask) -> Page:
    """Who was found at fault, by which rule."""
    service = ask.service
    found = _faults(service, _keys(service), _stake(service))
    return Page("faults", "Faults", "faults", {"faults": found})


def count(service: Service) -> int:
    """How many vote on the next block but one."""
    stake = _stake(service)
    if stake is None:
        return len(service.genesis.validators)
    return sum(item.power > 0 for item in stake.validators)


def _keys(service: Service) -> LaneKeysView | None:
    return None if service.genesis.lane is None else service.lane_keys()


def _stake(service: Service) -> StakeView | None:
    return None if service.genesis.stake is None else service.stake.stake()


def _rows(
    service: Service, keys: LaneKeysView | None, stake: StakeView | None
) -> list[dict[str, Any]]:
    """One line a validator; without stake those of genesis, as equals."""
    staked = {} if stake is None else {item.key: item for item in stake.validators}
    names = list(staked) if staked else [hex_of(key) for key in service.genesis.validators]
    reports = [] if keys is None else keys.keys
    shares = {item.validator: item.shares for report in reports[:1] for item in report.holders}
    faulty = [item["validator"] for item in _faults(service, keys, stake)]
    return [
        {
            "number": number,
            "key": name,
            "own": keys is not None and keys.own == name,
            "staked": staked.get(name),
            "shares": shares.get(name, 0),
            "made": sum(name in report.dealers for report in reports),
            "faults": faulty.count(name),
        }
        for number, name in enumerate(names)
    ]


# FAULTS


def _faults(
    service: Service, keys: LaneKeysView | None, stake: StakeView | None
) -> list[dict[str, Any]]:
    """Punished ones, those of key generation, and wrong shares that this node saw."""
    return [*_punished(service, stake), *_found(keys)]


def _punished(service: Service, stake: StakeView | None) -> list[dict[str, Any]]:
    proven = [] if stake is None else [item for item in stake.validators if item.fault]
    return [
        {
            "validator": item.key,
            "what": _cost(service, item),
            "rule": "ST-22",
            "where": f"proved in block {item.fault:,}",
            "known": "state, by evidence",
        }
        for item in proven
    ]


def _cost(service: Service, item: StakedView) -> str:
    """What was proved, as the block says that has the evidence."""
    try:
        receipts = service.node.chain.receipts(Height(item.fault))
    except NotFound:  # this node keeps the block no more
        return "punished"
    for receipt in receipts:
        for event in receipt.events:
            said = dict(event.data)
            if event.name == PUNISHED and said.get("validator", "") == bare(item.key):
                return said.get("kind", "punished")
    return "punished"


def _found(keys: LaneKeysView | None) -> list[dict[str, Any]]:
    if keys is None:
        return []
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
    found += [
        {
            "validator": item.validator,
            "what": _SHARES.get(item.rule, "shares"),
            "rule": item.rule,
            "where": f"domain {item.domain}, block {item.height:,}",
            "known": "this node",
        }
        for item in keys.seen
    ]
    return found


_SHARES: Final = {
    "PX-18": "shares that do not fit",
    "PX-19": "shares of two batches of one height",
}

ROUTES: Final = (Route("/validators", validators), Route("/faults", faults))
