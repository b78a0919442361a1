"""snarkjs's JSON documents and `.sym`."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any

from fuzzing import proofs

from malformed.case import OFF_CURVE, Case, made, outside_g2
from zk.field.params import FP, FR
from zk.formats import snarkjs
from zk.formats.sym import read_sym

Edit = Callable[[Any], Any]


def put(*path: Any, to: Any) -> Edit:
    """Something else at a place of a document."""

    def edit(document: Any) -> Any:
        at = document
        for step in path[:-1]:
            at = at[step]
        at[path[-1]] = to(at[path[-1]]) if callable(to) else to
        return document

    return edit


def plus(modulus: int) -> Callable[[str], str]:
    return lambda text: str(int(text) + modulus)


@cache
def proof() -> bytes:
    return proofs._proof_json(made().proof)


@cache
def public() -> bytes:
    return proofs._public_json(made().public)


@cache
def key() -> bytes:
    return proofs._key_json(made().key.verifying_key)


def edited(source: Callable[[], bytes], edit: Edit) -> Callable[[], bytes]:
    return lambda: json.dumps(edit(json.loads(source()))).encode()


def raw(source: Callable[[], bytes], change: Callable[[bytes], bytes]) -> Callable[[], bytes]:
    return lambda: change(source())


def _off_curve_g1() -> list[str]:
    return [str(OFF_CURVE), "1", "1"]


def _with(name: str) -> Edit:
    return lambda document: {**document, name: []}


PROOF = [
    ("text after the document", "PRF-010", raw(proof, lambda d: d + b"x")),
    ("lists nested deeper than any document", "PRF-010", lambda: b"[" * 99),
    ("text that is not UTF-8", "PRF-010", lambda: b"\xff{}"),
    ("another proof system", "PRF-011", edited(proof, put("protocol", to="plonk"))),
    ("another curve", "PRF-012", edited(proof, put("curve", to="bls12381"))),
    ("a coordinate plus q", "PRF-015", edited(proof, put("pi_a", 0, to=plus(FP.modulus)))),
    ("a negative number", "PRF-016", edited(proof, put("pi_a", 0, to="-1"))),
    ("a leading zero", "PRF-016", edited(proof, put("pi_a", 0, to=lambda t: "0" + t))),
    ("a fraction", "PRF-016", raw(proof, lambda _: b"[1.5]")),
    ("a number that is no text", "PRF-017", edited(proof, put("pi_a", 0, to=1))),
    ("a point of two coordinates", "PRF-017", edited(proof, put("pi_a", to=["1", "2"]))),
    ("a point off its curve", "PRF-018", edited(proof, put("pi_a", to=_off_curve_g1()))),
    (
        "B outside G2",
        "PRF-019",
        edited(proof, put("pi_b", to=lambda _: snarkjs.g2_text(outside_g2()))),
    ),
    ("a point at infinity", "PRF-020", edited(proof, put("pi_a", to=["0", "1", "0"]))),
    ("a member missing", "PRF-021", edited(proof, lambda d: {"pi_a": d["pi_a"]})),
    ("an unknown member", "PRF-021", edited(proof, _with("pi_d"))),
    (
        "a member twice",
        "PRF-021",
        raw(proof, lambda d: d.replace(b'"curve"', b'"curve": "bn128", "curve"')),
    ),
    ("another z than 1", "PRF-022", edited(proof, put("pi_a", 2, to="2"))),
]
PUBLIC = [
    ("no JSON document", "PRF-010", lambda: b"1, 2"),
    ("an input plus r", "PRF-014", edited(public, put(0, to=plus(FR.modulus)))),
    ("an input in [r, q)", "PRF-014", edited(public, put(0, to=str(FP.modulus - 1)))),
    ("a number in another base", "PRF-016", edited(public, put(0, to="0x1"))),
    ("a number that is no text", "PRF-017", edited(public, put(0, to=1))),
    ("an object", "PRF-017", edited(public, lambda d: {"inputs": d})),
    ("a member twice", "PRF-021", lambda: b'[{"a": 1, "a": 1}]'),
]
KEY = [
    ("no JSON document", "PRF-010", raw(key, lambda d: d[:-3])),
    ("another proof system", "PRF-011", edited(key, put("protocol", to="fflonk"))),
    ("another curve", "PRF-012", edited(key, put("curve", to="bls12381"))),
    ("a coordinate plus q", "PRF-015", edited(key, put("IC", 0, 0, to=plus(FP.modulus)))),
    ("a number that is not canonical", "PRF-016", edited(key, put("IC", 0, 0, to="+1"))),
    ("a list of another length", "PRF-017", edited(key, put("vk_beta_2", to=[]))),
    ("a point off its curve", "PRF-018", edited(key, put("vk_alpha_1", to=_off_curve_g1()))),
    (
        "a point outside G2",
        "PRF-019",
        edited(key, put("vk_beta_2", to=lambda _: snarkjs.g2_text(outside_g2()))),
    ),
    ("a point at infinity", "PRF-020", edited(key, put("vk_alpha_1", to=["0", "1", "0"]))),
    ("an unknown member", "PRF-021", edited(key, _with("comment"))),
    ("another z than 1", "PRF-022", edited(key, put("vk_alpha_1", 2, to="2"))),
]
WEAK = [
    ("another number of inputs than of ICs", edited(key, put("nPublic", to=5))),
    ("δ equal to γ", edited(key, lambda d: {**d, "vk_delta_2": d["vk_gamma_2"]})),
    ("two ICs that are equal", edited(key, lambda d: {**d, "IC": [d["IC"][0]] * 2})),
]
SYM = [
    ("a line of three parts", lambda: b"1,1,0\n"),
    ("a number that is none", lambda: b"x,1,0,main.a\n"),
    ("a wire below −1", lambda: b"1,-2,0,main.a\n"),
    ("a name that is not UTF-8", lambda: b"1,1,0,\xff\n"),
    ("a line of more than 4,096 bytes", lambda: b"1,1,0," + b"a" * 4096),
]


def _command(*words: str) -> tuple[str, ...]:
    return ("proof", "convert", "FILE", "-o", "OUT", "--from", "snarkjs", *words)


CASES = [
    *(
        Case("`proof.json`", what, code, data, snarkjs.read_proof, _command("--to", "arkworks"))
        for what, code, data in PROOF
    ),
    *(
        Case(
            "`public.json`",
            what,
            code,
            data,
            snarkjs.read_public,
            ("verify", "PROOF", "--public", "FILE"),
        )
        for what, code, data in PUBLIC
    ),
    *(
        Case(
            "`verification_key.json`",
            what,
            code,
            data,
            snarkjs.read_verifying_key,
            _command("--to", "arkworks", "--key"),
        )
        for what, code, data in KEY
    ),
    *(
        Case(
            "`verification_key.json`",
            what,
            "PAR-004",
            data,
            snarkjs.read_verifying_key,
            _command("--to", "arkworks", "--key"),
            8,
        )
        for what, data in WEAK
    ),
    Case(
        "any document of snarkjs",
        "more than 1 MiB",
        "PRF-023",
        raw(proof, lambda d: d + b" " * (1 << 20)),
        snarkjs.read_proof,
        None,  # a command refuses such a file before it reads it (FMT-001)
    ),
    *(
        Case("`.sym`", what, "FMT-030", data, read_sym, ("proof", "inspect", "FILE"))
        for what, data in SYM
    ),
]
