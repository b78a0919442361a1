"""A verifier contract for one key: Solidity that asks the precompiles 0x06, 0x07 and 0x08.

`verifyProof` has the signature that contracts of this family have, so call data of any tool fits
(`zk.formats.evm`). It answers false, and never reverts, for everything that is no proof:

    an input not below r                  it would be a second name of another input
    a coordinate not below q              by the precompiles
    a point off its curve, B off G2       by precompile 0x08
    A, B or C at infinity                 here: the precompiles accept it

A contract that calls it must not take a proof's bytes for an identity: (−A, −B, C) holds, too. It
should remember what was proved (a nullifier), never how.
"""

from __future__ import annotations

import re
from typing import Final

from zk.curve.bn254 import G1Affine, G2Affine
from zk.errors import FormatError
from zk.field.params import FP, FR
from zk.groth16.keys import VerifyingKey, negate_g2

PRAGMA: Final = ">=0.8.4 <0.9.0"
MAX_INPUTS: Final = 256
"""More would not fit into a contract of 24,576 bytes (EIP-170)."""

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}\Z", re.ASCII)

_CONTRACT: Final = """\
// SPDX-License-Identifier: Apache-2.0
pragma solidity {pragma};

/// Verifies Groth16 proofs over BN254 under one key.
/// Key {key}{unsafe}
/// Proofs are malleable: never take their bytes for an identity.
contract {name} {{
    uint256 private constant R = {r};
    uint256 private constant Q = {q};

    /// True if and only if the proof holds for these public inputs.
    function verifyProof(
        uint256[2] calldata a,
        uint256[2][2] calldata b,
        uint256[2] calldata c,
        uint256[{publics}] calldata input
    ) external view returns (bool) {{
        for (uint256 i = 0; i < {publics}; i++) {{
            if (input[i] >= R) return false;
        }}
        if (a[0] | a[1] == 0 || c[0] | c[1] == 0) return false;
        if (b[0][0] | b[0][1] | b[1][0] | b[1][1] == 0) return false;
        if (a[1] >= Q) return false;

        bool ok = true;
        uint256[2] memory sum = [{ic0}];
{terms}
        if (!ok) return false;
        return holds(a, b, c, sum);
    }}

    /// e(A, B) = e(alpha, beta) e(sum, gamma) e(C, delta); what does not change is negated here.
    function holds(
        uint256[2] calldata a,
        uint256[2][2] calldata b,
        uint256[2] calldata c,
        uint256[2] memory sum
    ) private view returns (bool) {{
        uint256[24] memory pairs = [
            a[0], a[1],
            b[0][0], b[0][1], b[1][0], b[1][1],
            {alpha},
            {beta},
            sum[0], sum[1],
            {gamma},
            c[0], c[1],
            {delta}
        ];
        uint256[1] memory answer;
        bool ok;
        assembly {{
            ok := staticcall(gas(), 8, pairs, 768, answer, 32)
        }}
        return ok && answer[0] == 1;
    }}

    /// sum + k (x, y), in place.
    function accumulate(bool ok, uint256[2] memory sum, uint256 x, uint256 y, uint256 k)
        private
        view
        returns (bool)
    {{
        uint256[5] memory words = [x, y, k, 0, 0];
        assembly {{
            ok := and(ok, staticcall(gas(), 7, words, 96, add(words, 64), 64))
            mstore(words, mload(sum))
            mstore(add(words, 32), mload(add(sum, 32)))
            ok := and(ok, staticcall(gas(), 6, words, 128, sum, 64))
        }}
        return ok;
    }}
}}
"""


def verifier_contract(key: VerifyingKey, *, name: str = "Verifier", unsafe: str = "") -> str:
    """Source of a contract that verifies proofs under a key.

    Args:
        key: the key.
        name: the contract's name.
        unsafe: warning of a development key; stands in the first comment.

    Raises:
        FormatError: FMT-034, a name that is none, or more public inputs than fit into a contract.
    """
    if not _NAME.match(name):
        raise FormatError(f"{name[:70]!r} is no name of a contract", code="FMT-034")
    if not 0 < key.publics <= MAX_INPUTS:
        raise FormatError(
            f"{key.publics} public inputs; a contract takes 1 to {MAX_INPUTS}", code="FMT-034"
        )
    terms = "\n".join(
        f"        ok = accumulate(ok, sum, {_g1(point)}, input[{index}]);"
        for index, point in enumerate(key.ic[1:])
    )
    return _CONTRACT.format(
        pragma=PRAGMA,
        key=key.id,
        unsafe=f"\n/// {' '.join(unsafe.split())}" if unsafe else "",
        name=name,
        r=FR.modulus,
        q=FP.modulus,
        publics=key.publics,
        ic0=_g1(key.ic[0]),
        terms=terms,
        alpha=_g1(key.alpha),
        beta=_g2(negate_g2(key.beta)),
        gamma=_g2(negate_g2(key.gamma)),
        delta=_g2(negate_g2(key.delta)),
    )


def _g1(point: G1Affine) -> str:
    x, y = point or (0, 0)
    return f"{_word(x)}, {_word(y)}"


def _g2(point: G2Affine) -> str:
    """C1 before c0, as EIP-197 has it."""
    (x0, x1), (y0, y1) = point or ((0, 0), (0, 0))
    return ", ".join(map(_word, (x1, x0, y1, y0)))


def _word(value: int) -> str:
    return f"uint256(0x{value:064x})"
