"""Genesis as a file, TOML or JSON: the same fields, strictly read; bytes as hex, amounts as text.

Amounts are strings because a u64 fits neither TOML's integers nor JavaScript's numbers.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NoReturn

from node.core.genesis import Allocation, Genesis, Parameters, StatementKey
from node.core.guardians import Predecessor
from node.core.ids import ID_BYTES, AccountId, ChainId, Height, Kind
from node.core.lane import LaneDomain, LaneParameters
from node.core.private import PrivateParameters
from node.core.stake import GenesisBond, StakeParameters
from zk import jsontext, tomltext
from zk.errors import DecodeError
from zk.field.params import FR

MAX_FILE: Final = 64 * 1024 * 1024
"""About 240,000 balances."""
_PARAMETERS: Final = tuple(f.name for f in dataclasses.fields(Parameters))
_LANE: Final = tuple(f.name for f in dataclasses.fields(LaneParameters) if f.name != "domains")
_DOMAIN: Final = tuple(f.name for f in dataclasses.fields(LaneDomain))
_STAKE: Final = tuple(f.name for f in dataclasses.fields(StakeParameters) if f.name != "bonds")
_PRIVATE: Final = tuple(f.name for f in dataclasses.fields(PrivateParameters))
_STAKE_AMOUNTS: Final = frozenset({"unit", "min_bond"})
Document = dict[str, Any]


def load_genesis(path: Path) -> Genesis:
    """Read `.toml` or `.json`.

    Raises:
        DecodeError: not a genesis file; unknown, missing or repeated fields are refused too.
    """
    json_format = _is_json(path)
    return parse_genesis(_text(path), json_format=json_format, where=str(path))


def load_allocations(path: Path, asset: Callable[[str], Kind]) -> tuple[Allocation, ...]:
    """The `allocations` of a genesis to be, from a `.toml` or `.json` of that one list.

    As in genesis, or for people: `asset` by name instead of `logic` and `label`, and an account
    as wallets show it, with `0x`.

    Args:
        path: the file.
        asset: the kind that a name stands for.

    Returns:
        Sorted.

    Raises:
        DecodeError: not such a file.
    """
    where = str(path)
    document = _document(_text(path), json_format=_is_json(path), where=where)
    fields = _fields(document, ("allocations",), where)
    return tuple(
        sorted(_owned(value, asset, where) for value in _list(fields, "allocations", where))
    )


def _owned(value: object, asset: Callable[[str], Kind], where: str) -> Allocation:
    if not isinstance(value, dict) or "asset" not in value:
        return _allocation(value, where)
    place = f"{where}: allocations"
    fields = _fields(value, ("account", "asset", "amount"), place)
    account = _str(fields["account"], place).removeprefix("0x")
    kind = asset(_str(fields["asset"], place))
    return Allocation(AccountId(_id(account, place)), kind, _amount(fields["amount"], place))


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_FILE:
            _refuse(f"larger than {MAX_FILE} bytes", str(path))
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DecodeError(f"cannot read the file: {error}", where=str(path)) from error


def parse_genesis(text: str, *, json_format: bool, where: str = "genesis") -> Genesis:
    """Undo `format_genesis`. Raises DecodeError, or DevParamsRefused by CH-17."""
    return _from_document(_document(text, json_format=json_format, where=where), where)


def _document(text: str, *, json_format: bool, where: str) -> object:
    try:
        if json_format:
            return jsontext.loads(text.encode(), most_bytes=MAX_FILE)
        return tomltext.loads(text)
    except ValueError as error:
        raise DecodeError(f"not a genesis file: {error}", where=where) from error


def save_genesis(genesis: Genesis, path: Path) -> None:
    """Write `.toml` or `.json`; refuses to overwrite."""
    text = format_genesis(genesis, json_format=_is_json(path))
    with path.open("x", encoding="utf-8") as file:
        file.write(text)


def format_genesis(genesis: Genesis, *, json_format: bool) -> str:
    """The file's text; equal genesis, equal text."""
    document = _to_document(genesis)
    if json_format:
        return json.dumps(document, indent=2) + "\n"
    lines = [f"# Chain {genesis.chain_id.hex()}"]
    tables: list[str] = []
    for key, value in document.items():
        if isinstance(value, dict):
            tables += ["", f"[{key}]", *(f"{k} = {json.dumps(v)}" for k, v in value.items())]
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for item in value:
                tables += ["", f"[[{key}]]", *(f"{k} = {json.dumps(v)}" for k, v in item.items())]
        else:
            lines.append(f"{key} = {json.dumps(value)}")
    return "\n".join(lines + tables) + "\n"


def _to_document(genesis: Genesis) -> Document:
    document: Document = {
        "profile": genesis.profile,
        "name": genesis.name,
        "time_ms": genesis.time_ms,
        "ceremony": genesis.ceremony.hex() if genesis.ceremony is not None else "none",
        "validators": [validator.hex() for validator in genesis.validators],
        "guardians": [guardian.hex() for guardian in genesis.guardians],
        "guardian_threshold": genesis.guardian_threshold,
        "predecessor": _predecessor_document(genesis.predecessor),
        "lane": _lane_document(genesis.lane),
        "domains": [_domain_document(d) for d in genesis.lane.domains] if genesis.lane else [],
        "stake": _stake_document(genesis.stake),
        "bonds": [_bond_document(bond) for bond in genesis.stake.bonds] if genesis.stake else [],
        "runtime": genesis.runtime.hex() if genesis.runtime is not None else "none",
        "parameters": {name: getattr(genesis.parameters, name) for name in _PARAMETERS},
        "statements": [
            {"id": s.statement, "r1cs": s.r1cs.hex(), "verifying_key": s.verifying_key.hex()}
            for s in genesis.statements
        ],
        "allocations": [
            {
                "account": a.account.hex(),
                "logic": f"{a.kind.logic:#066x}",
                "label": f"{a.kind.label:#066x}",
                "amount": str(a.amount),
            }
            for a in genesis.allocations
        ],
    }
    document["parameters"]["fee_floor"] = str(genesis.parameters.fee_floor)
    if genesis.private is not None:
        document["private"] = {name: getattr(genesis.private, name) for name in _PRIVATE}
    return document


def _predecessor_document(found: Predecessor | None) -> Document | str:
    if found is None:
        return "none"
    return {
        "chain_id": found.chain_id.hex(),
        "height": found.height,
        "block_hash": found.block_hash.hex(),
    }


def _lane_document(lane: LaneParameters | None) -> Document | str:
    return "none" if lane is None else {name: getattr(lane, name) for name in _LANE}


def _domain_document(domain: LaneDomain) -> Document:
    document = {name: getattr(domain, name) for name in _DOMAIN}
    return {**document, "fee": str(domain.fee)}


def _lane(value: object, domains: list[object], where: str) -> LaneParameters | None:
    """CH-35: domains are there exactly where the lane is."""
    if value == "none" and not domains:
        return None
    fields = _fields(value, _LANE, f"{where}: lane")
    numbers = {name: _int(number, f"{where}: {name}") for name, number in fields.items()}
    return LaneParameters(tuple(_domain(item, f"{where}: domains") for item in domains), **numbers)


def _domain(value: object, where: str) -> LaneDomain:
    fields = _fields(value, _DOMAIN, where)
    fee = _amount(fields["fee"], where)
    values: dict[str, Any] = {
        name: _str(fields[name], where)
        if name in {"name", "criterion"}
        else _int(fields[name], where)
        for name in _DOMAIN
        if name != "fee"
    }
    return LaneDomain(**values, fee=fee)


def _stake_document(stake: StakeParameters | None) -> Document | str:
    if stake is None:
        return "none"
    document = {name: getattr(stake, name) for name in _STAKE}
    return {**document, **{name: str(document[name]) for name in _STAKE_AMOUNTS}}


def _bond_document(bond: GenesisBond) -> Document:
    return {"key": bond.key.hex(), "owner": bond.owner.hex(), "amount": str(bond.amount)}


def _stake(value: object, bonds: list[object], where: str) -> StakeParameters | None:
    """CH-45: bonds are there exactly where stake is."""
    if value == "none" and not bonds:
        return None
    fields = _fields(value, _STAKE, f"{where}: stake")
    numbers = {
        name: (_amount if name in _STAKE_AMOUNTS else _int)(number, f"{where}: {name}")
        for name, number in fields.items()
    }
    return StakeParameters(tuple(_bond(item, f"{where}: bonds") for item in bonds), **numbers)


def _bond(value: object, where: str) -> GenesisBond:
    fields = _fields(value, ("key", "owner", "amount"), where)
    owner = AccountId(_id(fields["owner"], where))
    return GenesisBond(_id(fields["key"], where), owner, _amount(fields["amount"], where))


def _from_document(document: object, where: str) -> Genesis:
    names = ("profile", "name", "time_ms", "ceremony", "validators")
    lists = ("parameters", "statements", "allocations")
    emergency = ("guardians", "guardian_threshold", "predecessor")
    later = ("lane", "domains", "stake", "bonds", "runtime")
    optional = ("private",) if isinstance(document, dict) and "private" in document else ()
    fields = _fields(document, (*names, *emergency, *lists, *later, *optional), where)
    parameters = _fields(fields["parameters"], _PARAMETERS, f"{where}: parameters")
    numbers = {
        name: _amount(value, f"{where}: fee_floor")
        if name == "fee_floor"
        else _int(value, f"{where}: {name}")
        for name, value in parameters.items()
    }
    ceremony = _str(fields["ceremony"], f"{where}: ceremony")
    runtime = _str(fields["runtime"], f"{where}: runtime")
    return Genesis(
        profile=_str(fields["profile"], f"{where}: profile"),
        name=_str(fields["name"], f"{where}: name"),
        time_ms=_int(fields["time_ms"], f"{where}: time_ms"),
        parameters=Parameters(**numbers),
        validators=tuple(
            _id(v, f"{where}: validators") for v in _list(fields, "validators", where)
        ),
        statements=tuple(_statement(v, where) for v in _list(fields, "statements", where)),
        allocations=tuple(_allocation(v, where) for v in _list(fields, "allocations", where)),
        ceremony=None if ceremony == "none" else _id(ceremony, f"{where}: ceremony"),
        guardians=tuple(_id(v, f"{where}: guardians") for v in _list(fields, "guardians", where)),
        guardian_threshold=_int(fields["guardian_threshold"], f"{where}: guardian_threshold"),
        predecessor=_predecessor(fields["predecessor"], f"{where}: predecessor"),
        lane=_lane(fields["lane"], _list(fields, "domains", where), where),
        stake=_stake(fields["stake"], _list(fields, "bonds", where), where),
        runtime=None if runtime == "none" else _id(runtime, f"{where}: runtime"),
        private=_private(fields["private"], f"{where}: private") if optional else None,
    )


def _private(value: object, where: str) -> PrivateParameters:
    """PV-100: there, or not named at all: files of chains without it stay as they are."""
    fields = _fields(value, _PRIVATE, where)
    return PrivateParameters(**{name: _int(number, where) for name, number in fields.items()})


def _predecessor(value: object, where: str) -> Predecessor | None:
    if value == "none":
        return None
    fields = _fields(value, ("chain_id", "height", "block_hash"), where)
    return Predecessor(
        ChainId(_id(fields["chain_id"], where)),
        Height(_int(fields["height"], where)),
        _id(fields["block_hash"], where),
    )


def _statement(value: object, where: str) -> StatementKey:
    where = f"{where}: statements"
    fields = _fields(value, ("id", "r1cs", "verifying_key"), where)
    return StatementKey(
        _str(fields["id"], where), _id(fields["r1cs"], where), _id(fields["verifying_key"], where)
    )


def _allocation(value: object, where: str) -> Allocation:
    where = f"{where}: allocations"
    fields = _fields(value, ("account", "logic", "label", "amount"), where)
    kind = Kind(_element(fields["logic"], where), _element(fields["label"], where))
    return Allocation(
        AccountId(_id(fields["account"], where)), kind, _amount(fields["amount"], where)
    )


def _is_json(path: Path) -> bool:
    if path.suffix not in {".json", ".toml"}:
        _refuse("a genesis file ends in .toml or .json", str(path))
    return path.suffix == ".json"


def _refuse(message: str, where: str) -> NoReturn:
    raise DecodeError(
        f"CH-16: {message}",
        where=where,
        why="a genesis that is read loosely gives two nodes two chains",
        fix="use the file exactly as the chain's founders published it",
    )


def _fields(value: object, names: tuple[str, ...], where: str) -> Document:
    if not isinstance(value, dict):
        _refuse("a table was expected", where)
    if unknown := sorted(str(key) for key in value.keys() - set(names)):
        _refuse(f"unknown field {unknown[0]!r}", where)
    if missing := [name for name in names if name not in value]:
        _refuse(f"field {missing[0]!r} is missing", where)
    return {name: value[name] for name in names}


def _list(fields: Document, name: str, where: str) -> list[object]:
    if not isinstance(value := fields[name], list):
        _refuse(f"{name} is not a list", where)
    return value


def _str(value: object, where: str) -> str:
    if not isinstance(value, str):
        _refuse("text was expected", where)
    return value


def _int(value: object, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        _refuse("an integer was expected", where)
    return value


def _amount(value: object, where: str) -> int:
    text = _str(value, where)
    if len(text) > 20 or not text.isascii() or not text.isdigit() or str(int(text)) != text:
        _refuse(f"not an amount in base units: {text[:40]!r}", where)
    return int(text)


def _hex(text: str, where: str) -> bytes:
    if len(text) != 2 * ID_BYTES or text.strip("0123456789abcdef"):
        _refuse("64 hexadecimal digits, lower case, were expected", where)
    return bytes.fromhex(text)


def _id(value: object, where: str) -> bytes:
    return _hex(_str(value, where), where)


def _element(value: object, where: str) -> int:
    text = _str(value, where)
    if not text.startswith("0x"):
        _refuse("a field element starts with 0x", where)
    number = int.from_bytes(_hex(text[2:], where), "big")
    if number >= FR.modulus:
        _refuse("the field element is not below r", where)
    return number
