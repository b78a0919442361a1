"""Regenerates the committed vectors from their oracles: `make vectors`.

No value comes from the code under test. Baby Jubjub and Poseidon are circomlibjs's (through
`circomlibjs.cjs`; `make oracles` installs it), BN254 is py_ecc's. The output is deterministic, so
`git diff` after a run shows whether an oracle changed its mind.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from py_ecc import optimized_bn128 as bn

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
MODULES = ROOT / ".cache" / "js" / "node_modules"
COMMAND = "python tests/vectors/generate.py"

P = bn.field_modulus
R = bn.curve_order
RNG = random.Random("chiaro/v1/vectors")

Json = dict[str, Any]


def main(folder: Path = HERE) -> None:
    """Write every file into the folder."""
    circomlib = from_circomlibjs()
    package = json.loads((MODULES / "circomlibjs" / "package.json").read_text())
    circomlibjs = f"circomlibjs {package['version']}"
    py_ecc = f"py_ecc {version('py-ecc')} (optimized_bn128)"
    for name, oracle, content in (
        ("poseidon.json", circomlibjs, circomlib["poseidon"]),
        ("babyjub.json", circomlibjs, circomlib["babyjub"]),
        ("bn254_add.json", py_ecc, {"cases": list(additions())}),
        ("bn254_multiply.json", py_ecc, {"cases": list(multiplications())}),
        ("bn254_pairing.json", py_ecc, {"cases": list(pairings())}),
        ("bn254_compressed.json", "arkworks (published values, see README.md)", PUBLISHED),
    ):
        document = {"source": COMMAND, "oracle": oracle, **content}
        (folder / name).write_text(json.dumps(document, indent=1) + "\n")


def from_circomlibjs() -> Json:
    """The JSON that circomlibjs.cjs prints."""
    result = subprocess.run(
        ["node", str(HERE / "circomlibjs.cjs")],
        env={**os.environ, "NODE_PATH": str(MODULES)},
        check=True,
        capture_output=True,
        text=True,
    )
    found: Json = json.loads(result.stdout)
    return found


# EIP-196 and EIP-197 in their own encoding. A case has `expected`, or `error`: the class that
# refuses the input.


def word(value: int) -> str:
    return f"{value:064x}"


def g1(point: Any) -> str:
    """64 bytes of EIP-196."""
    if bn.is_inf(point):
        return word(0) * 2
    return "".join(word(int(c)) for c in bn.normalize(point))


def g2(point: Any) -> str:
    """128 bytes of EIP-197: imaginary part first."""
    if bn.is_inf(point):
        return word(0) * 4
    x, y = bn.normalize(point)
    return "".join(word(int(c)) for c in (x.coeffs[1], x.coeffs[0], y.coeffs[1], y.coeffs[0]))


def scalar() -> int:
    return RNG.randrange(1, R)


def point1() -> Any:
    return bn.multiply(bn.G1, scalar())


def point2() -> Any:
    return bn.multiply(bn.G2, scalar())


def on_twist_outside_the_subgroup() -> Any:
    """The first point of the twist with x = i + 1·u, i = 1, 2, …; its order is not r."""
    order = P * P - 1
    for i in range(1, 1000):
        x = bn.FQ2([i, 1])
        square = x * x * x + bn.b2
        if square ** (order // 2) != bn.FQ2.one():
            continue
        y = root_in_fq2(square)
        point = (x, y, bn.FQ2.one())
        if bn.is_on_curve(point, bn.b2) and not bn.is_inf(bn.multiply(point, R)):
            return point
    raise AssertionError("the twist has such points")


def root_in_fq2(a: Any) -> Any:
    """A square root in Fp2: p² − 1 = 16·q, q odd, so a^((q+1)/2) is one up to a root of unity."""
    q = (P * P - 1) // 16
    candidate = a ** ((q + 1) // 2)
    unit = bn.FQ2([9, 1]) ** q  # of order 16, since 9 + u is no square
    for _ in range(16):
        if candidate * candidate == a:
            return candidate
        candidate = candidate * unit
    raise AssertionError("not a square")


def additions() -> Iterator[Json]:
    """Inputs of 128 bytes, two points."""
    p, q = point1(), point1()
    infinity = bn.Z1
    for comment, a, b in (
        ("two points", p, q),
        ("the other order", q, p),
        ("a point and itself", p, p),
        ("a point and its opposite", p, bn.neg(p)),
        ("infinity on the left", infinity, q),
        ("infinity on the right", p, infinity),
        ("infinity twice", infinity, infinity),
        ("the generator and its double", bn.G1, bn.double(bn.G1)),
    ):
        yield {"comment": comment, "input": g1(a) + g1(b), "expected": g1(bn.add(a, b))}
    x, y = (int(c) for c in bn.normalize(p))
    for comment, data, error in (
        ("off the curve", word(x) + word((y + 1) % P), "NotOnCurve"),
        ("x = 0, y = 1", word(0) + word(1), "NotOnCurve"),
        ("x not below p", word(x + P) + word(y), "NonCanonical"),
        ("y not below p", word(x) + word(y + P), "NonCanonical"),
        ("infinity written with p", word(P) + word(0), "NonCanonical"),
        ("one byte short", (word(x) + word(y))[2:], "WrongLength"),
        ("one byte long", word(x) + word(y) + "00", "WrongLength"),
        ("empty", "", "WrongLength"),
    ):
        yield {"comment": comment, "input": g1(q) + data, "error": error}


def multiplications() -> Iterator[Json]:
    """Inputs of 96 bytes, a point and a scalar of any 256 bits."""
    p = point1()
    for comment, a, k in (
        ("a random scalar", p, scalar()),
        ("0", p, 0),
        ("1", p, 1),
        ("2", p, 2),
        ("r − 1", p, R - 1),
        ("r", p, R),
        ("r + 1", p, R + 1),
        ("2²⁵⁶ − 1", p, (1 << 256) - 1),
        ("infinity", bn.Z1, scalar()),
        ("p, the other prime", bn.G1, P),
    ):
        yield {
            "comment": comment,
            "input": g1(a) + word(k),
            "expected": g1(bn.multiply(a, k % R)),
        }
    yield {"comment": "off the curve", "input": word(1) * 2 + word(2), "error": "NotOnCurve"}


def pairings() -> Iterator[Json]:
    """Inputs of 192·k bytes; expected is 1 where the product of the pairings is 1, else 0."""
    for comment, scalars in (
        ("nothing", []),
        ("one pair", [(3, 5)]),
        ("opposite pairs", [(1, 1), (-1, 1)]),
        ("the scalar on the other side", [(6, 1), (-2, 3)]),
        ("three pairs", [(2, 3), (4, 5), (-26, 1)]),
        ("three pairs, off by one", [(2, 3), (4, 5), (-25, 1)]),
        ("infinity in G1", [(0, 7)]),
        ("infinity in G2", [(7, 0)]),
        ("infinity among others", [(0, 9), (5, 7), (9, 0), (-35, 1)]),
        ("a pair twice", [(3, 5), (3, 5)]),
    ):
        data = "".join(
            g1(bn.multiply(bn.G1, a % R)) + g2(bn.multiply(bn.G2, b % R)) for a, b in scalars
        )
        product = bn.FQ12.one()
        for a, b in scalars:
            product *= bn.pairing(bn.multiply(bn.G2, b % R), bn.multiply(bn.G1, a % R))
        yield {"comment": comment, "input": data, "expected": int(product == bn.FQ12.one())}
    # Four random pairs in the shape of a Groth16 check.
    a, b, c, d = (scalar() for _ in range(4))
    e = (a * b - c * d) * pow(7, -1, R) % R
    good = [(-a, b), (c, d), (e, 7)]
    data = "".join(g1(bn.multiply(bn.G1, m % R)) + g2(bn.multiply(bn.G2, n % R)) for m, n in good)
    yield {"comment": "random scalars", "input": data, "expected": 1}

    outside = on_twist_outside_the_subgroup()
    x, y = bn.normalize(point2())
    x0, x1 = (int(v) for v in x.coeffs)
    y0, y1 = (int(v) for v in y.coeffs)
    for comment, first, second, error in (
        ("on the twist, outside the subgroup", g1(bn.G1), g2(outside), "NotInSubgroup"),
        ("off the twist", g1(bn.G1), word(x1) + word(x0) + word(y1) + word(y0 ^ 1), "NotOnCurve"),
        ("real part first", g1(bn.G1), word(x0) + word(x1) + word(y0) + word(y1), "NotOnCurve"),
        ("G1 off the curve", word(1) * 2, g2(bn.G2), "NotOnCurve"),
        (
            "a coefficient not below p",
            g1(bn.G1),
            word(x1 + P) + word(x0) + word(y1) + word(y0),
            "NonCanonical",
        ),
        ("a byte short", g1(bn.G1), g2(bn.G2)[2:], "WrongLength"),
    ):
        yield {"comment": comment, "input": first + second, "error": error}


# Values that others published: α and β of the perpetual powers of tau in the verification keys of
# snarkjs, and in arkworks's compressed form in contracts for Sui; G2's generator in many places.
PUBLISHED: Json = {
    "g1": [
        {
            "comment": "α of the Hermez ceremony",
            "x": "20491192805390485299153009773594534940189261866228447918068658471970481763042",
            "y": "9383485363053290200918347156157836566562967994039712273449902621266178545958",
            "bytes": "e2f26dbea299f5223b646cb1fb33eadb059d9407559d7441dfd902e3a79a4d2d",
        },
    ],
    "g2": [
        {
            "comment": "the generator",
            "x": [
                "10857046999023057135944570762232829481370756359578518086990519993285655852781",
                "11559732032986387107991004021392285783925812861821192530917403151452391805634",
            ],
            "y": [
                "8495653923123431417604973247489272438418190587263600148770280649306958101930",
                "4082367875863433681332203403145435568316851327593401208105741076214120093531",
            ],
            "bytes": "edf692d95cbdde46ddda5ef7d422436779445c5e66006a42761e1f12efde0018"
            "c212f3aeb785e49712e7a9353349aaf1255dfb31b7bf60723a480d9293938e19",
        },
        {
            "comment": "β of the Hermez ceremony",
            "x": [
                "6375614351688725206403948262868962793625744043794305715222011528459656738731",
                "4252822878758300859123897981450591353533073413197771768651442665752259397132",
            ],
            "y": [
                "10505242626370262277552901082094356697409835680220590971873171140371331206856",
                "21847035105528745403288232691147584728191162732299865338377159692350059136679",
            ],
            "bytes": "abb73dc17fbc13021e2471e0c08bd67d8401f52b73d6d07483794cad4778180e"
            "0c06f33bbc4c79a9cadef253a68084d382f17788f885c9afd176f7cb2f036789",
        },
    ],
}


if __name__ == "__main__":
    main()
