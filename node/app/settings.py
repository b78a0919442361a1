"""What an operator chooses of a node: `node.toml` in its home.  Rules RPC-50, RPC-51.

There is one class of node. A *role* is a name for a row of defaults (`node.app.roles`); what the
file says beside it counts more. The file holds no secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from node.app.errors import BadSettings
from node.app.roles import ARCHIVE, KEYS, NO_NODE, ROLES, Value
from node.core.genesis import Genesis
from node.core.place import is_place
from zk import files, tomltext

SETTINGS_FILE: Final = "node.toml"
"""In the home folder, beside genesis."""
MAX_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Settings:
    """A role, and the value of each key."""

    values: Mapping[str, Value]

    @property
    def role(self) -> str:
        return self.text("node.role")

    @property
    def votes(self) -> bool:
        return ROLES[self.role].votes

    def text(self, key: str) -> str:
        value = self.values[key]
        assert isinstance(value, str)  # noqa: S101
        return value

    def number(self, key: str) -> int:
        value = self.values[key]
        assert isinstance(value, int)  # noqa: S101
        return value

    def flag(self, key: str) -> bool:
        return bool(self.values[key])

    def place(self, key: str) -> tuple[str, int] | None:
        """Host and port; None where the setting is empty."""
        return place_of(self.text(key))


def place_of(text: str) -> tuple[str, int] | None:
    """Host and port of `HOST:PORT`; None of nothing.

    Raises:
        BadSettings: RPC-50.
    """
    if not text:
        return None
    if not is_place(text):
        raise BadSettings(f"RPC-50: {text[:64]!r} is no HOST:PORT", where=text[:64])
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def of(given: Mapping[str, Value]) -> Settings:
    """Settings from what was said, by `section.key`; the rest by role.

    Raises:
        BadSettings: RPC-50; RPC-51, an archive that forgets.
    """
    for name, value in given.items():
        _check(name, value)
    role = given.get("node.role", KEYS["node.role"].default)
    defaults = {name: key.default for name, key in KEYS.items()}
    found = Settings({**defaults, **ROLES[str(role)].values, **given})
    if role == ARCHIVE and found.number("node.retain_heights"):
        raise BadSettings(
            "RPC-51: an archive keeps every block",
            where="node.retain_heights",
            why="who comes late looks for old blocks there",
            fix="leave node.retain_heights out, or take role full",
        )
    return found


def _check(name: str, value: Value) -> None:
    key = KEYS.get(name)
    if key is None:
        raise BadSettings(f"RPC-50: there is no setting {name[:64]!r}", where=name[:64])
    if name == "node.role" and value == NO_NODE:
        raise BadSettings(
            "RPC-50: a light client is no node",
            where=name,
            why="it follows the chain without a copy of it",
            fix="`chiaro light init`",
        )
    if type(value) is not type(key.default):
        raise BadSettings(f"RPC-50: {name} is no {_kind(key.default)}", where=name)
    if isinstance(value, int) and not isinstance(value, bool) and not 0 <= value <= key.most:
        raise BadSettings(f"RPC-50: {name} {value} is outside [0, {key.most}]", where=name)
    if isinstance(value, str) and (not value.isprintable() or '"' in value or "\\" in value):
        raise BadSettings(f"RPC-50: {name} holds quotes or control characters", where=name)
    if not key.check(value) or (name == "node.role" and value not in ROLES):
        raise BadSettings(
            f"RPC-50: {name} is not {str(value)[:64]!r}: {_allowed(name)}", where=name
        )


def _kind(value: Value) -> str:
    return {bool: "true or false", int: "whole number", str: "text"}[type(value)]


def _allowed(name: str) -> str:
    return ", ".join(ROLES) if name == "node.role" else KEYS[name].text


def load(home: Path) -> Settings | None:
    """Those of the node in `home`; None where there is no file.

    Raises:
        BadSettings: RPC-50, names the key.
    """
    path = home / SETTINGS_FILE
    try:
        data = files.read_own(path, MAX_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadSettings(f"RPC-50: it cannot be read: {error.strerror}", where=str(path)) from None
    if len(data) > MAX_BYTES:
        raise BadSettings(f"RPC-50: more than {MAX_BYTES} bytes", where=str(path))
    try:
        document = tomltext.loads(data)
    except ValueError as error:
        raise BadSettings(f"RPC-50: this is no TOML: {error}", where=str(path)) from None
    given: dict[str, Value] = {}
    for section, keys in document.items():
        if not isinstance(keys, dict):
            raise BadSettings(f"RPC-50: there is no setting {section[:64]!r}", where=str(path))
        given |= {f"{section}.{name}": value for name, value in keys.items()}
    try:
        return of(given)
    except BadSettings as error:
        error.where = f"{path}: {error.where}"
        raise


def save(home: Path, given: Mapping[str, Value]) -> None:
    """Write what differs from the role's defaults, and the role.

    Raises:
        BadSettings: RPC-50; nothing is written.
    """
    of(given)
    sections: dict[str, list[str]] = {}
    for name, value in given.items():
        section, _, key = name.partition(".")
        shown = f'"{value}"' if isinstance(value, str) else str(value).lower()
        sections.setdefault(section, []).append(f"{key} = {shown}\n")
    text = "\n".join(f"[{section}]\n{''.join(lines)}" for section, lines in sections.items())
    files.write(home / SETTINGS_FILE, text.encode())


def may_vote(key: bytes, genesis: Genesis) -> bool:
    """Whether a key is a validator's of genesis, or can become one's by a bond."""
    return key in genesis.validators or genesis.stake is not None


def check_role(settings: Settings, key: bytes | None, genesis: Genesis) -> None:
    """RPC-51: who votes has a key of the chain's, and who has one votes.

    Args:
        settings: of the node.
        key: of a validator, public, that lies in its home.
        genesis: of the chain.

    Raises:
        BadSettings: RPC-51.
    """
    if settings.votes and (key is None or not may_vote(key, genesis)):
        missing = "no key is here" if key is None else "its key is none of the chain's validators"
        raise BadSettings(
            f"RPC-51: role {settings.role} votes, and {missing}",
            where="node.role",
            fix="put `validator.key` into the node's home (`chiaro validator init` makes one)",
        )
    if key is not None and not settings.votes:
        raise BadSettings(
            f"RPC-51: role {settings.role} does not vote, and a validator's key is here",
            where="node.role",
            why="a key on two machines signs twice, and that is punished",
            fix="remove `validator.key`, or let role be validator",
        )
