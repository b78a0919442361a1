"""What a file of this family holds: told by its first bytes, then by what reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zk.errors import ChiaroError, FormatError

_MAGIC_BYTES = 4


def inspected(path: Path) -> dict[str, Any]:
    """Kind, contents and digest of a file.

    Raises:
        FormatError, DecodeError: by its code, for a file that claims to be something and is not.
        OSError: it cannot be read.
    """
    from circuits.keys import file_digest

    with path.open("rb") as file:
        magic = file.read(_MAGIC_BYTES)
    readers = {b"zkey": _zkey, b"r1cs": _r1cs, b"wtns": _wtns, b"ptau": _ptau}
    if magic in readers:
        found = readers[magic](path)
    elif path.suffix == ".sym":
        found = _sym(path)
    else:
        found = _small(path)
    return {**found, "bytes": path.stat().st_size, "digest": "0x" + file_digest(path)}


def _zkey(path: Path) -> dict[str, Any]:
    from zk.formats.zkey import read_zkey
    from zk.groth16.ceremony.contribution import contributions_from_bytes

    key = read_zkey(path)
    made = contributions_from_bytes(key.contributions)
    return {
        "kind": "proving key",
        "wires": key.wires,
        "publics": key.publics,
        "domain": key.domain,
        "nonzeros": [key.a_rows.nonzeros, key.b_rows.nonzeros],
        "verifying_key": _key_id(key),
        "circuit_hash": "0x" + key.circuit_hash.hex(),
        "contributions": [{"name": c.name, "hash": "0x" + c.digest.hex()} for c in made],
        "note": key.note,
    }


def _key_id(key: Any) -> str:
    try:
        return "0x" + str(key.verifying_key.id)
    except ChiaroError as error:
        return f"refused by {error.id}: {error.message}"


def _r1cs(path: Path) -> dict[str, Any]:
    from zk.formats.r1cs import read_r1cs

    circuit = read_r1cs(path)
    shape = circuit.shape
    return {
        "kind": "circuit",
        "rows": shape.rows,
        "wires": shape.wires,
        "publics": shape.publics,
        "outputs": circuit.outputs,
        "private_inputs": circuit.private_inputs,
        "labels": circuit.label_count,
        "domain": shape.domain,
        "nonzeros": [matrix.nonzeros for _, matrix in shape.matrices()],
        "circuit_digest": "0x" + shape.digest.hex(),
    }


def _wtns(path: Path) -> dict[str, Any]:
    from zk.formats.wtns import read_wtns

    return {"kind": "witness", "wires": len(read_wtns(path))}  # its values are secret


def _ptau(path: Path) -> dict[str, Any]:
    from zk.formats.ptau import read_ptau
    from zk.groth16.ceremony.phase1_contribution import powers_contributions_from_bytes

    powers = read_ptau(path)
    made = powers_contributions_from_bytes(powers.contributions)
    return {
        "kind": "powers of tau",
        "power": powers.power,
        "ceremony_power": powers.ceremony_power,
        "bases": powers.lagrange is not None,
        "contributions": [{"name": c.name, "hash": "0x" + c.response.hex()} for c in made],
    }


def _sym(path: Path) -> dict[str, Any]:
    from zk.formats.sym import REMOVED, read_sym

    symbols = read_sym(path)
    return {
        "kind": "names of wires",
        "signals": len(symbols),
        "removed": sum(symbol.wire == REMOVED for symbol in symbols),
    }


def _small(path: Path) -> dict[str, Any]:
    from node.cli.verify import read_file
    from zk.formats import convert, snarkjs

    data = read_file(path)
    for kind, guess in (("proof", convert.guess_proof), ("verifying key", convert.guess_key)):
        try:
            encoding = guess(data)
        except FormatError:
            continue
        if kind == "proof":
            public = convert.read_proof(data, encoding).public
            return {"kind": kind, "encoding": encoding, "publics": public and len(public)}
        key = convert.read_key(data, encoding)
        return {
            "kind": kind,
            "encoding": encoding,
            "publics": key.publics,
            "verifying_key": "0x" + key.id,
            "registered": _registered(key.id),
        }
    try:
        inputs = snarkjs.read_public(data, str(path))
    except ChiaroError:
        _refuse_document(data, str(path))
        message = "no file that is known here, or a damaged one"
        raise FormatError(message, where=str(path), code="FMT-035") from None
    return {"kind": "public inputs", "encoding": "snarkjs", "publics": len(inputs)}


def _refuse_document(data: bytes, where: str) -> None:
    """Says what is wrong with a document that can only be meant for one of snarkjs's.

    Raises:
        MalformedDocument, UnsafeKey: as its reader says.
    """
    from zk.formats import snarkjs

    try:
        document = snarkjs.load(data, where)
    except ChiaroError:
        return
    if isinstance(document, list):
        snarkjs.read_public(data, where)
    elif isinstance(document, dict) and "pi_a" in document:
        snarkjs.read_proof(data, where)
    elif isinstance(document, dict) and "vk_alpha_1" in document:
        snarkjs.read_verifying_key(data, where)


def _registered(key_id: str) -> str:
    from circuits.key_registry import Registry

    return Registry.load().statements_by_key().get(key_id, "")
