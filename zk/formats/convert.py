"""Proofs and verifying keys from one encoding to another.

    snarkjs        JSON documents                          proof, key
    arkworks       CanonicalSerialize, compressed          proof, key
    arkworks-raw   the same, uncompressed                  proof, key
    gnark          WriteTo                                 proof, key (read only)
    gnark-raw      WriteRawTo                              proof, key (read only)
    evm            words of EIP-197, then the inputs       proof with its public inputs
    calldata       a call of verifyProof                   proof with its public inputs
    calldata-text  its arguments as snarkjs prints them    proof with its public inputs

A key of gnark's holds β and δ in G1, too, which a verifying key of the others does not know.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from zk.errors import ChiaroError, FormatError, UnsafeKey
from zk.formats import arkworks, evm, gnark, snarkjs
from zk.groth16.keys import Proof, VerifyingKey

WITH_INPUTS: Final = ("evm", "calldata", "calldata-text")
PROOF_ENCODINGS: Final = ("snarkjs", "arkworks", "arkworks-raw", "gnark", "gnark-raw", *WITH_INPUTS)
KEY_ENCODINGS: Final = ("snarkjs", "arkworks", "arkworks-raw")
KEY_SOURCES: Final = (*KEY_ENCODINGS, "gnark", "gnark-raw")


@dataclass(frozen=True, slots=True)
class Statement:
    """A proof, and its public inputs where the encoding has them."""

    proof: Proof
    public: tuple[int, ...] | None = None


def read_proof(data: bytes, encoding: str, what: str = "proof") -> Statement:
    """A proof in a given encoding.

    Raises:
        FormatError: an unknown encoding, or what its reader refuses.
        DecodeError: as the reader of the encoding says.
    """
    match encoding:
        case "snarkjs":
            return Statement(snarkjs.read_proof(data, what))
        case "arkworks" | "arkworks-raw":
            return Statement(arkworks.proof_from_bytes(data))
        case "gnark" | "gnark-raw":
            return Statement(gnark.proof_from_bytes(data))
        case "evm":
            return Statement(*evm.from_words(data))
        case "calldata":
            return Statement(*evm.from_call_data(data))
        case "calldata-text":
            return Statement(*evm.from_text(_text(data)))
    raise _unknown(encoding, PROOF_ENCODINGS)


def write_proof(proof: Proof, encoding: str, public: Sequence[int] = ()) -> bytes:
    """A proof in a given encoding; `public` where the encoding has them.

    Raises:
        FormatError: an unknown encoding.
    """
    match encoding:
        case "snarkjs":
            return snarkjs.dump(snarkjs.proof_document(proof))
        case "arkworks" | "arkworks-raw":
            return arkworks.proof_to_bytes(proof, raw=encoding.endswith("raw"))
        case "gnark" | "gnark-raw":
            return gnark.proof_to_bytes(proof, raw=encoding.endswith("raw"))
        case "evm":
            return evm.words(proof, public)
        case "calldata":
            return evm.call_data(proof, public)
        case "calldata-text":
            return (evm.text(proof, public) + "\n").encode()
    raise _unknown(encoding, PROOF_ENCODINGS)


def read_key(data: bytes, encoding: str, what: str = "verification key") -> VerifyingKey:
    """A verifying key in a given encoding.

    Raises:
        FormatError: an unknown encoding, or what its reader refuses.
        DecodeError, UnsafeKey: as the reader of the encoding says.
    """
    match encoding:
        case "snarkjs":
            return snarkjs.read_verifying_key(data, what)
        case "arkworks" | "arkworks-raw":
            return arkworks.verifying_key_from_bytes(data)
        case "gnark" | "gnark-raw":
            return gnark.verifying_key_from_bytes(data)
    raise _unknown(encoding, KEY_SOURCES)


def write_key(key: VerifyingKey, encoding: str) -> bytes:
    """A verifying key in a given encoding.

    Raises:
        FormatError: an unknown encoding, or gnark's, which needs more than a verifying key has.
    """
    match encoding:
        case "snarkjs":
            return snarkjs.dump(snarkjs.verifying_key_document(key))
        case "arkworks" | "arkworks-raw":
            return arkworks.verifying_key_to_bytes(key, raw=encoding.endswith("raw"))
    raise _unknown(encoding, KEY_ENCODINGS)


def guess_proof(data: bytes) -> str:
    """The encoding in which these bytes are a valid proof.

    Raises:
        FormatError: FMT-035, none, or several.
    """
    return _guess(data, PROOF_ENCODINGS, read_proof, "proof")


def guess_key(data: bytes) -> str:
    """The encoding in which these bytes are a valid verifying key.

    Raises:
        FormatError: FMT-035, none, or several.
        UnsafeKey: they are a key, which rule S-11 refuses.
    """
    return _guess(data, KEY_SOURCES, read_key, "verifying key")


def _guess(data: bytes, encodings: Sequence[str], read: object, what: str) -> str:
    found = []
    weak: UnsafeKey | None = None
    for encoding in encodings:
        if encoding.endswith("-raw"):
            continue  # its sibling reads both forms
        try:
            read(data, encoding)  # type: ignore[operator]
        except UnsafeKey as error:
            weak = error  # well-formed: to call it unknown would hide what is wrong with it
            continue
        except ChiaroError:
            continue
        found.append(encoding)
    if weak is not None and not found:
        raise weak
    if len(found) != 1:
        which = " and ".join(found) if found else "no encoding known here"
        raise FormatError(f"these bytes are a {what} in {which}", code="FMT-035")
    return found[0]


def _text(data: bytes) -> str:
    try:
        return data.decode("ascii")
    except UnicodeDecodeError:
        raise FormatError("not ASCII text", code="FMT-033") from None


def _unknown(encoding: str, known: Sequence[str]) -> FormatError:
    return FormatError(
        f"{encoding!r} is none of {', '.join(known)}",
        code="FMT-035",
    )
