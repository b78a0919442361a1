"""The registry: which keys belong to which version of which statement, and what is known of them.

`registry.toml` in a folder of parameters, read strictly: a member that is unknown, missing or of
another type refuses the whole file. A *statement* such as `action/1` is one version of a circuit;
its status is `current`, or `insecure` with the date and the reason. Keys of an insecure version
stay listed, since old blocks are checked with them, and prove nothing new.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from zk import params
from zk.errors import (
    DevParamsRefused,
    InsecureVersion,
    ParamsError,
    UnknownKey,
    UnsafeKey,
)

REGISTRY: Final = "registry.toml"
DEV: Final = "dev"
CEREMONY: Final = "ceremony"
CURRENT: Final = "current"
INSECURE: Final = "insecure"
NO_BEACON: Final = "none"
FORMAT: Final = 2
STATEMENT_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}/[0-9]{1,4}")
_HEX_DIGITS: Final = 64
_MOST_TEXT: Final = 600

_STATEMENT_MEMBERS: Final = ("r1cs", "publics", "status", "keys")
_MARK_MEMBERS: Final = ("since", "reason")
_KEY_MEMBERS: Final = ("verifying_key", "verifying_key_file", "proving_key")
_ORIGIN_MEMBERS: Final = {
    DEV: ("unsafe", "seed"),
    CEREMONY: ("transcript", "transcript_file", "contributions", "beacon"),
}


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """One pair of keys of one statement, as the registry has it.

    Attributes:
        statement: id, such as `action/1`.
        origin: `dev` or `ceremony`.
        r1cs: digest of the constraint system, hex.
        publics: number of public inputs.
        verifying_key: id of the verifying key, hex.
        verifying_key_file: path below the folder of parameters.
        proving_key: BLAKE2b-256 of the `.zkey` file, hex.
        seed: the published seed of a development key, else empty.
        unsafe: the warning of a development key, else empty.
        status: of the statement: `current` or `insecure`.
        since: date from which it is insecure, YYYY-MM-DD, else empty.
        reason: why it is, one line, else empty.
        transcript: digest of a ceremony's transcript, hex; empty for a development key.
        transcript_file: path of the ceremony's record below the folder of parameters.
        contributions: how many a ceremony has, its beacon among them.
        beacon: the randomness that ended the ceremony, hex, or `none`.
    """

    statement: str
    origin: str
    r1cs: str
    publics: int
    verifying_key: str
    verifying_key_file: str
    proving_key: str
    seed: str = ""
    unsafe: str = ""
    status: str = CURRENT
    since: str = ""
    reason: str = ""
    transcript: str = ""
    transcript_file: str = ""
    contributions: int = 0
    beacon: str = ""

    @property
    def label(self) -> str:
        """What messages call this key; development keys carry UNSAFE."""
        stamp = "UNSAFE development " if self.unsafe else ""
        return f"{stamp}key {self.verifying_key[:16]} of {self.statement}"

    @property
    def version(self) -> str:
        """The statement as name@version."""
        return self.statement.replace("/", "@")

    @property
    def made(self) -> str:
        """Where the key comes from, for people."""
        if self.origin == DEV:
            return "UNSAFE development key: its secret is published"
        beacon = "" if self.beacon == NO_BEACON else ", the last a beacon"
        number = (
            "1 contribution" if self.contributions == 1 else f"{self.contributions} contributions"
        )
        return f"ceremony of {number}{beacon}, transcript {self.transcript}"

    @property
    def insecure(self) -> str:
        """What must be said of an insecure version; empty for a current one."""
        if self.status == CURRENT:
            return ""
        return f"{self.version} is INSECURE since {self.since}: {self.reason}"

    @property
    def proving_key_file(self) -> str:
        """Name of the proving key's file: another key has another name."""
        return f"{file_name(self.statement)}-{self.origin}-{self.proving_key[:16]}.zkey"

    def require_current(self) -> None:
        """That new proofs and new chains may use this version.

        Raises:
            InsecureVersion: it is kept for history only.
        """
        if self.status != CURRENT:
            raise InsecureVersion(self.insecure, where=REGISTRY)


@dataclass(frozen=True, slots=True)
class Registry:
    """The registry's entries by statement and origin.

    Attributes:
        entries: all of them.
        folder: of the parameters that it describes; None: the installation's.
    """

    entries: Mapping[tuple[str, str], KeyEntry]
    folder: Path | None = None

    @classmethod
    def load(cls, path: Path | None = None) -> Registry:
        """Read `registry.toml`; that of the installation, without a path.

        Raises:
            ParamsError: missing, or not of the documented form.
            UnsafeKey: S-11, a key is listed as a ceremony's to which nobody contributed.
        """
        found = path or params.path(REGISTRY)
        try:
            document = tomllib.loads(found.read_text(encoding="utf-8"))
            _members(document, ("format", "statements"), "the file")
            if document["format"] != FORMAT:
                raise ValueError(f"format {document['format']} is not {FORMAT}")
            entries = [
                _entry(statement, origin, about, pair)
                for statement, about in document["statements"].items()
                for origin, pair in about["keys"].items()
            ]
            if len({entry.verifying_key for entry in entries}) != len(entries):
                raise ValueError("one verifying key is listed twice")
        except (
            OSError, ValueError, KeyError, TypeError, AttributeError,
            RecursionError,  # TOML's parser recurses in Python
        ) as error:  # fmt: skip
            raise ParamsError(
                f"the registry of keys cannot be read: {error}",
                where=str(found),
                why="without it no key can be told from a forged one",
                fix="restore the file from the release",
            ) from error
        for entry in entries:
            if entry.origin == CEREMONY and not entry.contributions:
                raise UnsafeKey(
                    f"S-11: nobody contributed to the key of {entry.statement}", where=str(found)
                )
        folder = None if path is None else path.parent
        return cls({(entry.statement, entry.origin): entry for entry in entries}, folder)

    def has_current(self, statement: str, profile: str) -> bool:
        """Whether a new chain of this profile can verify it."""
        try:
            return self.find(statement, profile).status == CURRENT
        except (UnknownKey, DevParamsRefused):
            return False

    def find(self, statement: str, profile: str) -> KeyEntry:
        """The entry that a profile may use; also that of an insecure version.

        Raises:
            UnknownKey: no keys of this statement are listed.
            DevParamsRefused: only development keys exist, and the profile is not `dev`.
        """
        origin = DEV if profile == DEV else CEREMONY
        found = self.entries.get((statement, origin))
        if found is not None:
            return found
        if origin == CEREMONY and (statement, DEV) in self.entries:
            raise DevParamsRefused(
                f"{statement} has only development keys, which profile {profile!r} refuses",
                where=REGISTRY,
            )
        raise UnknownKey(f"the registry lists no key of {statement}", where=REGISTRY)

    def of_statement(self, statement: str) -> list[KeyEntry]:
        """The entries of a statement, of whatever origin; those agree on circuit and status."""
        return [entry for entry in self.entries.values() if entry.statement == statement]

    def statements_by_key(self) -> dict[str, str]:
        """Statement id of each verifying-key id."""
        return {entry.verifying_key: entry.statement for entry in self.entries.values()}

    def entry_of_key(self, verifying_key: str) -> KeyEntry:
        """The entry of a verifying-key id.

        Raises:
            UnknownKey: not listed.
        """
        for entry in self.entries.values():
            if entry.verifying_key == verifying_key:
                return entry
        raise UnknownKey("the registry does not list this key", where=f"key {verifying_key}")


def file_name(statement: str) -> str:
    """A statement's id where a file name is needed."""
    return statement.replace("/", "-")


def registry_text(entries: Iterable[KeyEntry]) -> str:
    """`registry.toml` of these entries: statement by statement, in order of their ids."""
    statements: dict[str, list[KeyEntry]] = {}
    for entry in sorted(entries, key=lambda entry: (entry.statement, entry.origin)):
        statements.setdefault(entry.statement, []).append(entry)
    lines = [
        "# Which keys belong to which statement. By `python -m circuits.keys` and `chiaro setup",
        "# import`; see README.md.",
        "",
        f"format = {FORMAT}",
        *([] if statements else ["", "[statements]"]),
    ]
    for statement, group in statements.items():
        first = group[0]
        marks = _MARK_MEMBERS if first.status == INSECURE else ()
        lines += ["", f'[statements."{statement}"]']
        lines += [_line(first, name) for name in ("r1cs", "publics", "status", *marks)]
        for entry in group:
            lines += ["", f'[statements."{statement}".keys.{entry.origin}]']
            lines += [_line(entry, n) for n in (*_ORIGIN_MEMBERS[entry.origin], *_KEY_MEMBERS)]
    return "\n".join(lines) + "\n"


def _line(entry: KeyEntry, name: str) -> str:
    # Of what a registry may hold, JSON writes text and numbers as TOML does.
    return f"{name} = {json.dumps(getattr(entry, name), ensure_ascii=False)}"


def _entry(statement: str, origin: str, about: dict[str, Any], pair: dict[str, Any]) -> KeyEntry:
    if not STATEMENT_ID.fullmatch(statement):
        raise ValueError(f"{statement!r} is no statement's id")
    if origin not in _ORIGIN_MEMBERS:
        raise ValueError(f"keys of unknown origin {origin!r}")
    if (origin == DEV) != bool(pair.get("seed") and pair.get("unsafe")):
        raise ValueError(f"the {origin} keys of {statement} are not stamped for what they are")
    status = about["status"]
    if status not in (CURRENT, INSECURE):
        raise ValueError(f"status {status!r} of {statement} is neither {CURRENT} nor {INSECURE}")
    marks = _MARK_MEMBERS if status == INSECURE else ()
    _members(about, (*_STATEMENT_MEMBERS, *marks), statement)
    _members(pair, (*_KEY_MEMBERS, *_ORIGIN_MEMBERS[origin]), f"{statement}, {origin}")
    if marks:
        date.fromisoformat(_text(about["since"]))
    ceremony = origin == CEREMONY
    return KeyEntry(
        statement=statement,
        origin=origin,
        r1cs=_digest(about["r1cs"]),
        publics=_count(about["publics"]),
        verifying_key=_digest(pair["verifying_key"]),
        verifying_key_file=_text(pair["verifying_key_file"]),
        proving_key=_digest(pair["proving_key"]),
        seed="" if ceremony else _text(pair["seed"]),
        unsafe="" if ceremony else _text(pair["unsafe"]),
        status=status,
        since=_text(about["since"]) if marks else "",
        reason=_text(about["reason"]) if marks else "",
        transcript=_digest(pair["transcript"]) if ceremony else "",
        transcript_file=_text(pair["transcript_file"]) if ceremony else "",
        contributions=_count(pair["contributions"]) if ceremony else 0,
        beacon=_beacon(pair["beacon"]) if ceremony else "",
    )


def _members(table: Mapping[str, Any], names: tuple[str, ...], where: str) -> None:
    if unknown := sorted(table.keys() - set(names)):
        raise ValueError(f"{where} has an unknown member {unknown[0]!r}")
    if missing := [name for name in names if name not in table]:
        raise ValueError(f"{where} has no member {missing[0]!r}")


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.isprintable() or not 0 < len(value) <= _MOST_TEXT:
        raise ValueError(f"{str(value)[:40]!r} is not a line of text")
    return value


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{str(value)[:40]!r} is no count")
    return value


def _beacon(value: object) -> str:
    text = _text(value)
    if text != NO_BEACON and bytes.fromhex(text).hex() != text:
        raise ValueError(f"{text!r} is no beacon")
    return text


def _digest(value: object) -> str:
    text = _text(value)
    if len(text) != _HEX_DIGITS or bytes.fromhex(text).hex() != text:
        raise ValueError(f"{text!r} is no digest")
    return text
