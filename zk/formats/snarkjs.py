"""The JSON documents of snarkjs: `proof.json`, `public.json`, `verification_key.json`.

Numbers are strings of decimal digits. G1 points are [x, y, "1"], G2 points [[x.c0, x.c1],
[y.c0, y.c1], ["1", "0"]]. Writers give what snarkjs gives; readers are strict where it is not: each
document has exactly one text for each value, and every refusal has its own code
(`zk.formats.errors`).

Reading goes in steps, so that `zk.formats.itemised` can name the one that failed:
`proof_format` → `.canonical` → `.check_identity` → `.check_curve` → `.check_subgroup`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from zk.curve.bn254 import G1, G2, G1Affine, G2Affine
from zk.curve.pairing import pairing
from zk.errors import NotOnCurve, UnsafeKey
from zk.field.params import FP, FR, SEED
from zk.field.tower import Fp12
from zk.formats.errors import MalformedDocument
from zk.groth16.keys import MAX_PUBLICS, Proof, VerifyingKey
from zk.jsontext import nests_deeper

PROTOCOL: Final = "groth16"
CURVE: Final = "bn128"
MAX_BYTES: Final = 1 << 20  # a key of five thousand public inputs
MAX_DEPTH: Final = 8
UNSAFE_MEMBER: Final = "UNSAFE"

_DECIMAL: Final = re.compile(r"(?:0|[1-9][0-9]*)\Z", re.ASCII)
_MAX_DIGITS: Final = 78  # of 2²⁵⁶

Digits = tuple[str, ...]
"""The numbers of a point as they stand in the text: x, y, z of G1; the pairs of G2, flattened."""


def load(data: bytes, what: str) -> Any:
    """The value of one JSON document in UTF-8; numbers must be integers.

    Raises:
        MalformedDocument: PRF-010, PRF-021 (a member given twice) or PRF-023.
    """
    if len(data) > MAX_BYTES:
        raise MalformedDocument("PRF-023", f"{len(data)} bytes are too many", where=what)

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) != len(pairs):
            raise MalformedDocument("PRF-021", "a member is given twice", where=what)
        return members

    def refuse(text: str) -> NoReturn:
        raise MalformedDocument("PRF-016", f"{text[:20]} is no integer", where=what)

    if nests_deeper(data, MAX_DEPTH):
        raise MalformedDocument("PRF-010", "nested deeper than any document", where=what)
    try:
        return json.loads(
            data.decode("utf-8"),
            object_pairs_hook=unique,
            parse_float=refuse,
            parse_constant=refuse,
        )
    except ValueError as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "not UTF-8 JSON"
        raise MalformedDocument("PRF-010", f"not a JSON document: {reason}", where=what) from None


@dataclass(frozen=True, slots=True)
class Points:
    """Named points of a document whose shape is right, numbers not yet looked at."""

    g1: Mapping[str, Digits]
    g2: Mapping[str, Digits]
    what: str

    def canonical(self) -> tuple[dict[str, tuple[int, ...]], dict[str, tuple[int, ...]]]:
        """All numbers, below q.

        Raises:
            MalformedDocument: PRF-016 or PRF-015.
        """

        def numbers(points: Mapping[str, Digits]) -> dict[str, tuple[int, ...]]:
            return {
                name: tuple(
                    below(text, FP.modulus, "PRF-015", f"{self.what}: {name}") for text in digits
                )
                for name, digits in points.items()
            }

        return numbers(self.g1), numbers(self.g2)

    def check_identity(self) -> None:
        """No point is at infinity, and all are affine.

        Raises:
            MalformedDocument: PRF-020 or PRF-022.
        """
        for points, one in ((self.g1, ("1",)), (self.g2, ("1", "0"))):
            for name, digits in points.items():
                z = digits[-len(one) :]
                if all(text == "0" for text in z):
                    self._refuse("PRF-020", f"{name} is at infinity", name)
                if z != one:
                    self._refuse("PRF-022", f"{name} has another z than 1", name)

    def check_curve(self) -> None:
        """All points are on their curves.

        Raises:
            MalformedDocument: PRF-018.
        """
        g1, g2 = self.canonical()
        for name, numbers in (g1 | g2).items():
            try:
                if name in g1:
                    G1.from_affine(affine_g1(numbers))
                else:
                    G2.from_affine(affine_g2(numbers), subgroup=False)
            except NotOnCurve:
                self._refuse("PRF-018", f"{name} is not on the curve", name)

    def check_subgroup(self) -> None:
        """All points of G2 have order r.

        Raises:
            MalformedDocument: PRF-019.
        """
        for name, numbers in self.canonical()[1].items():
            if not G2.from_affine(affine_g2(numbers), subgroup=False).in_subgroup():
                self._refuse("PRF-019", f"{name} is outside the subgroup", name)

    def checked(self) -> tuple[dict[str, G1Affine], dict[str, G2Affine]]:
        """All points, after every check."""
        g1, g2 = self.canonical()
        self.check_identity()
        self.check_curve()
        self.check_subgroup()
        return (
            {name: affine_g1(numbers) for name, numbers in g1.items()},
            {name: affine_g2(numbers) for name, numbers in g2.items()},
        )

    def _refuse(self, code: str, message: str, name: str) -> NoReturn:
        raise MalformedDocument(code, message, where=f"{self.what}: {name}")


def affine_g1(numbers: Sequence[int]) -> G1Affine:
    """X and y of a G1 point's numbers."""
    return numbers[0], numbers[1]


def affine_g2(numbers: Sequence[int]) -> G2Affine:
    """X and y of a G2 point's numbers."""
    return (numbers[0], numbers[1]), (numbers[2], numbers[3])


def proof_format(data: bytes, what: str = "proof") -> Points:
    """A proof document of the right shape.

    Raises:
        MalformedDocument: PRF-010 … PRF-012, PRF-017, PRF-021, PRF-023.
    """
    document = _object(data, what, ("pi_a", "pi_b", "pi_c", "protocol", "curve"))
    return Points(
        g1={name: _g1(document[name], what, name) for name in ("pi_a", "pi_c")},
        g2={"pi_b": _g2(document["pi_b"], what, "pi_b")},
        what=what,
    )


def public_format(data: bytes, what: str = "public") -> Digits:
    """Public inputs as they stand in their document.

    Raises:
        MalformedDocument: PRF-010, PRF-017, PRF-021, PRF-023.
    """
    document = load(data, what)
    if not isinstance(document, list):
        raise MalformedDocument("PRF-017", "a list of numbers is needed", where=what)
    return tuple(_digits(value, what, f"[{i}]") for i, value in enumerate(document))


def public_canonical(
    digits: Digits, what: str = "public", names: Sequence[str] = ()
) -> tuple[int, ...]:
    """Public inputs as numbers below r; `names` tell which is which in messages.

    Raises:
        MalformedDocument: PRF-016 or PRF-014.
    """
    return tuple(
        below(
            text,
            FR.modulus,
            "PRF-014",
            f'{what}, index {i} ("{names[i]}")' if i < len(names) else f"{what}, index {i}",
        )
        for i, text in enumerate(digits)
    )


def read_public(data: bytes, what: str = "public") -> tuple[int, ...]:
    """Public inputs.

    Raises:
        MalformedDocument: by its code.
    """
    return public_canonical(public_format(data, what), what)


def read_proof(data: bytes, what: str = "proof") -> Proof:
    """A proof.

    Raises:
        MalformedDocument: by its code.
    """
    g1, g2 = proof_format(data, what).checked()
    return Proof(g1["pi_a"], g2["pi_b"], g1["pi_c"])


def read_verifying_key(data: bytes, what: str = "verification key") -> VerifyingKey:
    """A verifying key; `vk_alphabeta_12` is not read, since it follows from the rest.

    Raises:
        MalformedDocument: by its code.
        UnsafeKey: rule S-11; also when `nPublic` does not match the number of ICs.
    """
    document = _object(
        data,
        what,
        (
            "protocol",
            "curve",
            "nPublic",
            "vk_alpha_1",
            "vk_beta_2",
            "vk_gamma_2",
            "vk_delta_2",
            "IC",
        ),
        optional=("vk_alphabeta_12", UNSAFE_MEMBER),
    )
    ic, publics = document["IC"], document["nPublic"]
    if not isinstance(ic, list) or not isinstance(publics, int) or isinstance(publics, bool):
        raise MalformedDocument("PRF-017", "IC is no list or nPublic no number", where=what)
    if len(ic) > MAX_PUBLICS + 1 or publics != len(ic) - 1:
        raise UnsafeKey(f"{len(ic)} IC points for {publics} public inputs", where=f"{what}: IC")
    names = [f"IC[{i}]" for i in range(len(ic))]
    g1, g2 = Points(
        g1={
            "vk_alpha_1": _g1(document["vk_alpha_1"], what, "vk_alpha_1"),
            **{name: _g1(point, what, name) for name, point in zip(names, ic, strict=True)},
        },
        g2={
            name: _g2(document[name], what, name)
            for name in ("vk_beta_2", "vk_gamma_2", "vk_delta_2")
        },
        what=what,
    ).checked()
    return VerifyingKey(
        g1["vk_alpha_1"],
        g2["vk_beta_2"],
        g2["vk_gamma_2"],
        g2["vk_delta_2"],
        tuple(g1[name] for name in names),
    )


def marked_unsafe(data: bytes, what: str = "verification key") -> bool:
    """Whether a verifying key's document says that it is one for development.

    Raises:
        MalformedDocument: no document.
    """
    document = load(data, what)
    return isinstance(document, dict) and UNSAFE_MEMBER in document


def proof_document(proof: Proof) -> dict[str, Any]:
    """A proof as snarkjs writes it."""
    return {
        "pi_a": g1_text(proof.a),
        "pi_b": g2_text(proof.b),
        "pi_c": g1_text(proof.c),
        "protocol": PROTOCOL,
        "curve": CURVE,
    }


def public_document(public: Sequence[int]) -> list[str]:
    """Public inputs as snarkjs writes them."""
    return [str(value) for value in public]


def verifying_key_document(key: VerifyingKey, *, unsafe: str = "") -> dict[str, Any]:
    """A verifying key as snarkjs writes it.

    Args:
        key: the key.
        unsafe: the warning of a development key; stands in a member of its own, which snarkjs
            does not read.
    """
    document: dict[str, Any] = {UNSAFE_MEMBER: unsafe} if unsafe else {}
    return document | {
        "protocol": PROTOCOL,
        "curve": CURVE,
        "nPublic": key.publics,
        "vk_alpha_1": g1_text(key.alpha),
        "vk_beta_2": g2_text(key.beta),
        "vk_gamma_2": g2_text(key.gamma),
        "vk_delta_2": g2_text(key.delta),
        "vk_alphabeta_12": alphabeta_text(key),
        "IC": [g1_text(point) for point in key.ic],
    }


def dump(document: Any) -> bytes:
    """One document, indented as snarkjs does."""
    return (json.dumps(document, indent=1) + "\n").encode()


def g1_text(point: G1Affine) -> list[str]:
    """[x, y, "1"]; infinity is [0, 1, 0]."""
    x, y = point or (0, 1)
    return [str(x), str(y), "1" if point else "0"]


def g2_text(point: G2Affine) -> list[list[str]]:
    """[[x.c0, x.c1], [y.c0, y.c1], ["1", "0"]]."""
    x, y = point or ((0, 0), (1, 0))
    return [[str(c) for c in pair] for pair in (x, y, (1 if point else 0, 0))]


def alphabeta_text(key: VerifyingKey) -> list[list[list[str]]]:
    """e(α, β) in snarkjs's tower, which is ours, and with its final exponentiation.

    That one uses a multiple of the hard part's exponent, 2x(6x² + 3x + 1) times it
    (Fuentes-Castañeda et al., SAC 2011), so its values are this power of the exact pairing.
    """
    exact = pairing(G1.from_affine(key.alpha), G2.from_affine(key.beta))
    value: Fp12 = exact ** (2 * SEED * (6 * SEED**2 + 3 * SEED + 1))
    return [
        [[str(c.c0), str(c.c1)] for c in (half.c0, half.c1, half.c2)]
        for half in (value.c0, value.c1)
    ]


def below(text: str, modulus: int, code: str, where: str) -> int:
    """The number of a canonical decimal, below a modulus.

    Raises:
        MalformedDocument: PRF-016, or `code` where the number is too large.
    """
    if not _DECIMAL.match(text):
        raise MalformedDocument("PRF-016", f"{text[:24]!r} is no canonical decimal", where=where)
    if len(text) > _MAX_DIGITS or int(text) >= modulus:
        raise MalformedDocument(code, f"{text[:12]}… is not below the modulus", where=where)
    return int(text)


def _object(
    data: bytes, what: str, members: Sequence[str], optional: Sequence[str] = ()
) -> dict[str, Any]:
    document = load(data, what)
    if not isinstance(document, dict):
        raise MalformedDocument("PRF-017", "a JSON object is needed", where=what)
    missing = [name for name in members if name not in document]
    unknown = [name for name in document if name not in members and name not in optional]
    if missing or unknown:
        problem = f"{missing[0]} is missing" if missing else f"{unknown[0][:40]!r} is not known"
        raise MalformedDocument("PRF-021", problem, where=what)
    for name, expected, code in (("protocol", PROTOCOL, "PRF-011"), ("curve", CURVE, "PRF-012")):
        if document[name] != expected:
            raise MalformedDocument(
                code, f"{name} is {str(document[name])[:24]!r}, not {expected!r}", where=what
            )
    return document


def _digits(value: Any, what: str, name: str) -> str:
    if not isinstance(value, str):
        raise MalformedDocument("PRF-017", "numbers must be strings", where=f"{what}: {name}")
    return value


def _list(value: Any, length: int, what: str, name: str) -> list[Any]:
    if not isinstance(value, list) or len(value) != length:
        raise MalformedDocument("PRF-017", f"a list of {length} is needed", where=f"{what}: {name}")
    return value


def _g1(value: Any, what: str, name: str) -> Digits:
    return tuple(_digits(text, what, name) for text in _list(value, 3, what, name))


def _g2(value: Any, what: str, name: str) -> Digits:
    return tuple(
        _digits(text, what, name)
        for pair in _list(value, 3, what, name)
        for text in _list(pair, 2, what, name)
    )
