"""Which keys an audit verifies proofs under, and on whose word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from circuits.key_registry import CEREMONY, DEV, KeyEntry, Registry
from node.app.development import serves, statements_of
from node.audit.errors import AuditError, KeysRefused
from node.core.genesis import DEV_PROFILE, Genesis, StatementKey, ceremony_digest
from node.core.ids import ID_BYTES
from zk import jsontext, params
from zk.errors import DevParamsRefused, UnknownKey
from zk.formats import snarkjs
from zk.groth16.keys import VerifyingKey

BUNDLED: Final = "bundle"
"""Origin of a key that only the bundle vouches for."""
_MEMBERS: Final = ("r1cs", "verifying_key", "transcript")


@dataclass(frozen=True, slots=True)
class UsedKey:
    """A key that the audit used.

    Attributes:
        statement: what it verifies.
        verifying_key: its id, hex.
        r1cs: digest of the circuit that genesis names, hex.
        origin: `dev` or `ceremony`, by the auditor's registry; `bundle`: nobody else vouches.
        made: where it comes from, for people.
        warning: what must be said of it; empty where there is nothing to say.
    """

    statement: str
    verifying_key: str
    r1cs: str
    origin: str
    made: str
    warning: str


def choose(
    genesis: Genesis,
    documents: Mapping[str, bytes],
    registry: Registry,
    *,
    trust_bundled: bool = False,
) -> tuple[dict[str, VerifyingKey], list[UsedKey]]:
    """The keys of the chain's statements, each linted (S-11) and tied to genesis and a registry.

    Args:
        genesis: of the chain: names statements, circuits and keys.
        documents: keys as a bundle carries them; empty: those of the installation.
        registry: whom the auditor believes about keys.
        trust_bundled: also take keys that the registry does not list; the report says so.

    Raises:
        KeysRefused: AUD-009 not the keys that genesis names, AUD-010 not in the registry.
        DevParamsRefused: a development key outside the profile `dev`.
        UnsafeKey: S-11.
        MalformedDocument: a key's document is damaged.
    """
    named = tuple(item.statement for item in genesis.statements)
    if not serves(named, genesis.private):
        ours = statements_of(genesis.private)
        raise KeysRefused(
            "AUD-009",
            f"the chain verifies {', '.join(named) or 'nothing'}, this version {', '.join(ours)}",
            where="genesis: statements",
            fix="audit it with the version of the program that its founders name",
        )
    keys: dict[str, VerifyingKey] = {}
    used = []
    for item in genesis.statements:
        file = f"key of {item.statement}"
        document = documents.get(item.statement)
        if document is None:
            document = installed(item, genesis, registry)
        key = snarkjs.read_verifying_key(document, file)
        if key.id != item.verifying_key.hex():
            raise KeysRefused(
                "AUD-009",
                f"genesis names key {item.verifying_key.hex()[:16]}…, this is {key.id[:16]}…",
                where=file,
            )
        keys[item.statement] = key
        used.append(_judged(item, genesis, registry, trust_bundled=trust_bundled))
    return keys, used


def installed(item: StatementKey, genesis: Genesis, registry: Registry) -> bytes:
    """The key of a statement as the registry's folder has it.

    Raises:
        UnknownKey, DevParamsRefused: by the registry.
    """
    entry = registry.find(item.statement, genesis.profile)
    return params.path(entry.verifying_key_file, registry.folder).read_bytes()


def _judged(
    item: StatementKey, genesis: Genesis, registry: Registry, *, trust_bundled: bool
) -> UsedKey:
    """AUD-010: who vouches for the key. Its id is genesis's already."""
    identity, r1cs = item.verifying_key.hex(), item.r1cs.hex()
    try:
        entry = registry.entry_of_key(identity)
    except UnknownKey:
        if not trust_bundled:
            raise KeysRefused(
                "AUD-010",
                f"the registry of keys does not list {identity} of {item.statement}",
                where=f"key of {item.statement}",
                fix="name the chain's own registry with --params, or say --trust-bundled-keys "
                "once you have compared this id with what the chain's founders publish",
            ) from None
        warning = f"nobody but the bundle vouches for key {identity} of {item.statement}"
        made = "the bundle alone: nobody else vouches for it"
        return UsedKey(item.statement, identity, r1cs, BUNDLED, made, warning)
    if (entry.statement, entry.r1cs) != (item.statement, r1cs):
        raise KeysRefused(
            "AUD-009",
            f"the registry has key {identity[:16]}… for {entry.statement}, "
            f"circuit {entry.r1cs[:16]}…, genesis for {item.statement}, circuit {r1cs[:16]}…",
            where=f"key of {item.statement}",
        )
    if entry.origin == DEV and genesis.profile != DEV_PROFILE:
        raise DevParamsRefused(
            f"a chain of profile {genesis.profile} uses development keys",
            where=f"key of {item.statement}",
        )
    origin = DEV if entry.origin == DEV else CEREMONY
    warning = "; ".join(text for text in (entry.unsafe, entry.insecure) if text)
    return UsedKey(item.statement, identity, r1cs, origin, entry.made, warning)


def check_ceremony(genesis: Genesis, records: Mapping[str, bytes], registry: Registry) -> list[str]:
    """AUD-011 (CH-34): registry and manifests speak of the ceremonies that genesis names.

    That such a ceremony took place is shown by `chiaro ceremony verify` over its files, which are
    too large for a bundle; this ties the records to the chain.

    Args:
        genesis: of the chain.
        records: manifests by statement; of all statements, or of none.
        registry: whom the auditor believes; says nothing of keys that it does not list.

    Returns:
        One line per statement with a ceremony, for the report.

    Raises:
        AuditError: AUD-011.
    """
    if genesis.ceremony is None:
        if records:
            raise AuditError("AUD-011", "genesis names no ceremony", where="ceremony")
        return []
    entries = {item.statement: _entry(item, registry) for item in genesis.statements}
    listed = {name: entry.transcript for name, entry in entries.items() if entry is not None}
    recorded = {i.statement: _transcript(i, records) for i in genesis.statements if records}
    for what, transcripts in (("registry", listed), ("bundle", recorded)):
        if len(transcripts) < len(genesis.statements):
            continue
        digest = ceremony_digest({n: bytes.fromhex(t) for n, t in transcripts.items()})
        if digest != genesis.ceremony:
            raise AuditError(
                "AUD-011",
                f"genesis names ceremony {genesis.ceremony.hex()}, the {what} has {digest.hex()}",
                where="genesis: ceremony",
            )
    found = recorded or listed
    return [f"{statement}: transcript {transcript}" for statement, transcript in found.items()]


def _entry(item: StatementKey, registry: Registry) -> KeyEntry | None:
    """What the registry has of a ceremony's key of genesis."""
    try:
        entry = registry.entry_of_key(item.verifying_key.hex())
    except UnknownKey:
        return None
    return entry if entry.origin == CEREMONY else None


def _transcript(item: StatementKey, records: Mapping[str, bytes]) -> str:
    """The transcript's digest of a manifest, which must be of the circuit and key of genesis."""
    where = f"ceremony of {item.statement}"
    try:
        document = jsontext.loads(records[item.statement])
        fields = {name: str(document[name]).removeprefix("0x") for name in _MEMBERS}
        length = len(bytes.fromhex(fields["transcript"]))
    except (ValueError, KeyError, TypeError) as error:
        raise AuditError("AUD-011", "no manifest of a ceremony", where=where) from error
    pair = item.r1cs.hex(), item.verifying_key.hex()
    if (fields["r1cs"], fields["verifying_key"]) != pair or length != ID_BYTES:
        raise AuditError("AUD-011", "of a circuit or key that genesis does not name", where=where)
    return fields["transcript"]
