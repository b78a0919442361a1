"""Ceremonies for tests: real contributions to a key whose first phase is known to everyone.

UNSAFE: τ, α and β are constants, so whoever reads this forges under these keys. What follows the
first phase (contributions, transcript, registry) is as in any ceremony.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from circuits.key_install import install, manifest
from circuits.key_registry import REGISTRY, KeyEntry, Registry, registry_text
from circuits.keys import file_digest
from zk import backends
from zk.formats.ceremony import record
from zk.formats.zkey import write_zkey
from zk.groth16.ceremony.beacon import Beacon
from zk.groth16.ceremony.contribution import contributions_from_bytes
from zk.groth16.ceremony.phase2 import contribute
from zk.groth16.keys import ProvingKey
from zk.groth16.setup import ToxicWaste, setup
from zk.r1cs.matrices import R1CS

KNOWN: Final = ToxicWaste(tau=271828, alpha=314159, beta=161803, gamma=1, delta=1)


def ceremony_key(
    shape: R1CS, names: tuple[str, ...] = ("Ada", "Bob"), *, beacon: bool = True
) -> ProvingKey:
    """A key to which people and, at the end, a beacon contributed; the same in every run."""
    backend = backends.get()
    key = setup(shape, KNOWN, backend)
    for name in names:
        seed = hashlib.sha256(name.encode()).digest()
        key, _ = contribute(key, backend, seed=seed, name=name)
    if beacon:
        key, _ = contribute(key, backend, beacon=Beacon(b"\xab" * 32, 10), name="beacon")
    return key


def write_ceremony(shape: R1CS, key: ProvingKey, path: Path) -> dict[str, Any]:
    """Write the `.zkey` and make its manifest, as if it had been verified."""
    write_zkey(key, path, plain=True)
    return manifest(
        shape.name,
        "0x" + shape.digest.hex(),
        key,
        proving_key="0x" + file_digest(path),
        first_phase="0x" + bytes(32).hex(),
        contributions=[
            {
                "number": line.number,
                "name": line.name,
                "hash": "0x" + line.digest.hex(),
                "beacon": "0x" + line.beacon.hex() if line.beacon else None,
                "iterations_exp": line.iterations_exp or None,
            }
            for line in record(contributions_from_bytes(key.contributions))
        ],
    )


def ceremony_parameters(folder: Path, shape: R1CS, key: ProvingKey | None = None) -> KeyEntry:
    """A folder of parameters with a ceremony's key of the statement that the shape is named for."""
    source = folder.with_name(f"{folder.name}.zkey")
    document = write_ceremony(shape, key or ceremony_key(shape), source)
    return install(source, shape.name, document, folder)


def mark_insecure(folder: Path, statement: str, since: str, reason: str) -> None:
    """Mark a version in a folder's registry, as its maintainers would."""
    path = folder / REGISTRY
    marked = [
        replace(entry, status="insecure", since=since, reason=reason)
        if entry.statement == statement
        else entry
        for entry in Registry.load(path).entries.values()
    ]
    path.write_text(registry_text(marked), encoding="utf-8")
