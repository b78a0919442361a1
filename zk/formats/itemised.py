"""Verification that says what it checked: one item per property, over snarkjs documents.

    format      JSON, groth16, bn128, every member there and of its type
    count       as many public inputs as the key has
    canonical   coordinates below q, inputs below r, one text for each number
    curve       A and C on the curve, B on the twist
    subgroup    B has order r
    identity    no point is at infinity
    key         the key passes rule S-11
    registry    the key is one that params/registry.toml lists (only where a registry is given)
    pairing     the equation holds; names the statement, since proofs of it can be varied by anyone

Malformed documents raise, each with its own code; a well-formed proof that is wrong gives a list
whose `pairing` is not ok: "the answer is no" and "this is no question" are different answers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from zk.errors import InvalidProof, UnknownKey
from zk.field.arrays import BYTES
from zk.formats import snarkjs
from zk.formats.errors import MalformedDocument
from zk.groth16.keys import Proof, VerifyingKey
from zk.groth16.verify import verify
from zk.interfaces import Backend

DOCUMENTS: Final = ("proof.json", "public.json", "verification_key.json")
STATEMENT_DOMAIN: Final = b"chiaro/v1/proved-statement"


@dataclass(frozen=True, slots=True)
class Check:
    """One property: its id, whether it holds, the code of its refusal, what was looked at."""

    id: str
    ok: bool
    code: str
    detail: str


def verify_documents(
    proof: bytes,
    public: bytes,
    key: bytes,
    *,
    registry: Mapping[str, str] | None = None,
    statement: str | None = None,
    origin: str = "",
    names: Sequence[str] = (),
    files: tuple[str, str, str] = DOCUMENTS,
    backend: Backend | None = None,
) -> list[Check]:
    """Check a proof of snarkjs documents item by item.

    Args:
        proof: `proof.json`.
        public: `public.json`.
        key: `verification_key.json`.
        registry: statement id of each verifying-key id that is known here. A key that it does not
            list gives no `registry` item: that key is trusted by whoever chose the file.
        statement: demand the registered key of this statement.
        origin: where the registry says that the key comes from, for people.
        names: names of the public inputs, for messages.
        files: names of the three documents, for messages.
        backend: what computes; without one, the reference mathematics.

    Raises:
        MalformedDocument: PRF-010 … PRF-023.
        UnsafeKey: rule S-11.
        UnknownKey: `statement` was given, and the key is not that statement's.
    """
    points = snarkjs.proof_format(proof, files[0])
    digits = snarkjs.public_format(public, files[1])
    verifying_key = snarkjs.read_verifying_key(key, files[2])
    check_count(verifying_key, len(digits), files[1])
    inputs = snarkjs.public_canonical(digits, files[1], names)
    g1, g2 = points.checked()
    checks = [
        Check("format", True, "", "snarkjs JSON, bn128 (BN254), groth16"),
        Check("count", True, "", f"{len(inputs)} public inputs, as many as the key has"),
        Check("canonical", True, "", f"8 coordinates < q, {len(inputs)} public inputs < r"),
        Check("curve", True, "", "A and C on the curve, B on the twist"),
        Check("subgroup", True, "", "B has order r"),
        Check("identity", True, "", "no point at infinity"),
        Check("key", True, "", f"key {verifying_key.id} passes S-11"),
    ]
    if registry is not None:
        checks += _registry(verifying_key, registry, statement, origin)
    checks.append(
        _pairing(verifying_key, inputs, Proof(g1["pi_a"], g2["pi_b"], g1["pi_c"]), backend)
    )
    return checks


def check_count(key: VerifyingKey, inputs: int, where: str) -> None:
    """As many public inputs as the key has; raises MalformedDocument, PRF-013."""
    if inputs != key.publics:
        raise MalformedDocument(
            "PRF-013", f"{inputs} public inputs, the key has {key.publics}", where=where
        )


def _registry(
    key: VerifyingKey, registry: Mapping[str, str], statement: str | None, origin: str
) -> list[Check]:
    listed = registry.get(key.id)
    if statement is not None and listed != statement:
        raise UnknownKey(
            f"this is the key of {listed or 'no statement in the registry'}, not of {statement}",
            where=f"key {key.id}",
        )
    if listed is None:
        return []
    return [Check("registry", True, "", f"the key of {listed}" + (f": {origin}" if origin else ""))]


def _pairing(
    key: VerifyingKey, public: Sequence[int], proof: Proof, backend: Backend | None
) -> Check:
    try:
        verify(key, public, proof, backend)
    except InvalidProof as error:
        return Check("pairing", False, error.id, error.message)
    engine = "reference" if backend is None else backend.name
    named = statement_digest(key, public)
    detail = f"the equation holds ({engine} arithmetic): statement {named}, which has other proofs"
    return Check("pairing", True, "", detail)


def statement_digest(key: VerifyingKey, public: Sequence[int]) -> str:
    """What a proof proves, whichever of its proofs it is: hex of BLAKE2b-256 over key and inputs.

    Anyone can make (−A, −B, C) and re-randomised forms of a proof, so its bytes identify nothing.
    """
    numbers = b"".join(value.to_bytes(BYTES, "little") for value in public)
    content = STATEMENT_DOMAIN + bytes.fromhex(key.id) + numbers
    return hashlib.blake2b(content, digest_size=32).hexdigest()
