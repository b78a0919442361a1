"""Snarkjs documents: what is written, and every way in which a document is refused."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zk.errors import InvalidProof, UnknownKey, UnsafeKey
from zk.field.params import FP, FR
from zk.formats import snarkjs
from zk.formats.errors import DOCUMENT_REFUSALS, FILE_REFUSALS, MalformedDocument
from zk.formats.itemised import verify_documents
from zk.groth16.setup import UNSAFE_STAMP
from zk.groth16.verify import verify

Q, R = FP.modulus, FR.modulus
IDS = ["format", "count", "canonical", "curve", "subgroup", "identity", "key", "pairing"]


class Change:
    """A path into a document and what to put there, or a function of what is there."""

    def __init__(self, *path: Any, to: Any) -> None:
        self.path, self.to = path, to

    def apply(self, data: bytes) -> bytes:
        document = json.loads(data)
        if not self.path:
            return json.dumps(self.to(document)).encode()
        at = document
        for step in self.path[:-1]:
            at = at[step]
        at[self.path[-1]] = self.to(at[self.path[-1]]) if callable(self.to) else self.to
        return json.dumps(document).encode()


def plus(modulus: int):
    return lambda text: str(int(text) + modulus)


def code_of(documents, *, proof=None, public=None, key=None) -> str:
    with pytest.raises(MalformedDocument) as caught:
        verify_documents(
            documents.proof_json if proof is None else proof,
            documents.public_json if public is None else public,
            documents.key_json if key is None else key,
        )
    error = caught.value
    assert error.exit_code == 3
    assert error.why
    assert error.fix
    return error.id


def test_the_right_documents_pass_every_check(documents) -> None:
    checks = verify_documents(documents.proof_json, documents.public_json, documents.key_json)
    assert [c.id for c in checks] == IDS
    assert all(c.ok and c.code == "" and c.detail for c in checks)


def test_a_wrong_proof_is_an_answer_not_an_error(documents) -> None:
    public = Change(0, to=lambda text: str((int(text) + 1) % R)).apply(documents.public_json)
    checks = verify_documents(documents.proof_json, public, documents.key_json)
    assert [c.id for c in checks] == IDS
    assert [c.ok for c in checks] == [True] * 7 + [False]
    assert checks[-1].code == InvalidProof.code


def test_documents_are_read_as_they_were_written(documents) -> None:
    assert snarkjs.read_proof(documents.proof_json) == documents.proof
    assert snarkjs.read_public(documents.public_json) == documents.public
    assert snarkjs.read_verifying_key(documents.key_json) == documents.verifying_key
    verify(documents.verifying_key, documents.public, documents.proof)


# The table of malformed inputs (snarkjs 0.7.6 accepts the first, the sixth and the two after it).


def test_public_inputs_one_short(documents) -> None:
    assert code_of(documents, public=Change(to=lambda d: d[:-1]).apply(documents.public_json)) == (
        "PRF-013"
    )


def test_public_inputs_one_too_many(documents) -> None:
    assert code_of(
        documents, public=Change(to=lambda d: [*d, "0"]).apply(documents.public_json)
    ) == ("PRF-013")


@pytest.mark.parametrize("alias", [R, 2 * R, 1 << 256])
@pytest.mark.parametrize("index", [0, 1])
def test_public_input_plus_r(documents, index, alias) -> None:
    changed = Change(index, to=plus(alias)).apply(documents.public_json)
    assert code_of(documents, public=changed) == "PRF-014"


def test_public_input_between_r_and_q(documents) -> None:
    """Snarkjs's Solidity verifier compared with q until 2024 (#480): [r, q) was a window."""
    assert R < Q
    for value in (R, Q - 1):
        changed = Change(1, to=str(value)).apply(documents.public_json)
        assert code_of(documents, public=changed) == "PRF-014"


@pytest.mark.parametrize(
    "path",
    [
        ("pi_a", 0),
        ("pi_a", 1),
        ("pi_b", 0, 0),
        ("pi_b", 0, 1),
        ("pi_b", 1, 0),
        ("pi_b", 1, 1),
        ("pi_c", 0),
        ("pi_c", 1),
    ],
)
def test_coordinate_plus_q(documents, path) -> None:
    changed = Change(*path, to=plus(Q)).apply(documents.proof_json)
    assert code_of(documents, proof=changed) == "PRF-015"


@pytest.mark.parametrize("protocol", ["plonk", "fflonk", "Groth16", "", None, 16])
def test_another_protocol(documents, protocol) -> None:
    for name in ("proof", "key"):
        data = getattr(documents, f"{name}_json")
        changed = Change("protocol", to=protocol).apply(data)
        assert code_of(documents, **{name: changed}) == "PRF-011"


@pytest.mark.parametrize("curve", ["bls12381", "bn254", "BN128", None, 254])
def test_another_curve(documents, curve) -> None:
    for name in ("proof", "key"):
        data = getattr(documents, f"{name}_json")
        changed = Change("curve", to=curve).apply(data)
        assert code_of(documents, **{name: changed}) == "PRF-012"


@pytest.mark.parametrize(
    "change",
    [
        Change("pi_a", 0, to=lambda text: str((int(text) + 1) % Q)),
        Change("pi_a", to=["0", "0", "1"]),
        Change("pi_c", 1, to="5"),
        Change("pi_b", 1, 0, to=lambda text: str((int(text) + 1) % Q)),
        Change("pi_b", 0, to=["0", "0"]),
    ],
)
def test_off_the_curve(documents, change) -> None:
    assert code_of(documents, proof=change.apply(documents.proof_json)) == "PRF-018"


def test_b_off_the_subgroup(documents, outside_g2) -> None:
    changed = Change("pi_b", to=snarkjs.g2_text(outside_g2)).apply(documents.proof_json)
    assert code_of(documents, proof=changed) == "PRF-019"
    for name in ("vk_beta_2", "vk_gamma_2", "vk_delta_2"):
        changed = Change(name, to=snarkjs.g2_text(outside_g2)).apply(documents.key_json)
        assert code_of(documents, key=changed) == "PRF-019"


@pytest.mark.parametrize(
    ("name", "point"),
    [
        ("pi_a", ["0", "1", "0"]),
        ("pi_a", ["0", "0", "0"]),
        ("pi_c", ["0", "1", "0"]),
        ("pi_b", [["0", "0"], ["1", "0"], ["0", "0"]]),
        ("pi_b", [["0", "0"], ["0", "0"], ["0", "0"]]),
    ],
)
def test_infinity(documents, name, point) -> None:
    assert code_of(documents, proof=Change(name, to=point).apply(documents.proof_json)) == "PRF-020"


def test_infinity_in_a_key(documents) -> None:
    infinity = snarkjs.g1_text(None)
    for path in (("vk_alpha_1",), ("IC", 0), ("IC", 2)):
        changed = Change(*path, to=infinity).apply(documents.key_json)
        assert code_of(documents, key=changed) == "PRF-020"


@pytest.mark.parametrize(
    "text",
    [
        "-1",
        "+1",
        "01",
        "00",
        "",
        " 1",
        "1 ",
        "1\n",
        "1_0",
        "0x1",
        "1e3",
        "1.0",
        "٣",
        "²",
        "١",
        "NaN",
    ],
)
def test_numbers_that_are_no_canonical_decimals(documents, text) -> None:
    """Negative, leading zeros, blanks, other bases, other scripts' digits."""
    assert code_of(documents, public=Change(0, to=text).apply(documents.public_json)) == "PRF-016"
    changed = Change("pi_a", 0, to=text).apply(documents.proof_json)
    assert code_of(documents, proof=changed) == "PRF-016"


def test_numbers_of_absurd_length_are_not_converted(documents) -> None:
    changed = Change(0, to="9" * 1_000_000).apply(documents.public_json)
    assert code_of(documents, public=changed) == "PRF-014"


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("proof", Change(to=lambda d: [d])),
        ("proof", Change(to=lambda _d: "proof")),
        ("proof", Change("pi_a", to="1")),
        ("proof", Change("pi_a", to=lambda p: p[:2])),
        ("proof", Change("pi_a", to=lambda p: [*p, "0"])),
        ("proof", Change("pi_a", 0, to=5)),
        ("proof", Change("pi_a", 0, to=None)),
        ("proof", Change("pi_b", 0, to="1")),
        ("proof", Change("pi_b", 2, to=["1"])),
        ("proof", Change("pi_b", to=lambda p: p[:2])),
        ("proof", Change("pi_b", 1, 1, to=True)),
        ("public", Change(to=lambda d: {"inputs": d})),
        ("public", Change(to=lambda _d: None)),
        ("public", Change(0, to=7)),
        ("public", Change(0, to=["7"])),
        ("key", Change(to=lambda d: [d])),
        ("key", Change("IC", to={})),
        ("key", Change("IC", 0, to="1")),
        ("key", Change("nPublic", to="2")),
        ("key", Change("nPublic", to=True)),
        ("key", Change("vk_alpha_1", to=[1, 2, 1])),
    ],
)
def test_wrong_types_and_shapes(documents, name, change) -> None:
    changed = change.apply(getattr(documents, f"{name}_json"))
    assert code_of(documents, **{name: changed}) == "PRF-017"


@pytest.mark.parametrize("name", ["proof", "public", "key"])
@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data + b"junk",
        lambda data: data + data,
        lambda data: data[:-5],
        lambda data: b"",
        lambda data: b"\xff" + data,
        lambda data: b"\xef\xbb\xbf" + data,
        lambda data: data.decode().encode("utf-16"),
        lambda data: b"[" * 200_000,
        lambda data: b"[1" + b"0" * 10_000 + b"]",
    ],
)
def test_what_is_no_json_document(documents, name, spoil) -> None:
    changed = spoil(getattr(documents, f"{name}_json"))
    assert code_of(documents, **{name: changed}) == "PRF-010"


def test_deep_nesting_cannot_overflow_the_stack(documents) -> None:
    """py_ecc raises the interpreter's limit at import; the parser then has none."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000_000)
    try:
        for opening in (b"[", b'{"a":', b'["]]]]]]",', b'["\\"]",'):
            assert code_of(documents, public=opening * 100_000) == "PRF-010"
    finally:
        sys.setrecursionlimit(limit)
    deep = b'["' + b"[" * 50 + b'"]'  # brackets inside a string nest nothing
    assert code_of(documents, public=deep) == "PRF-013"


def test_floats_and_constants_are_no_integers(documents) -> None:
    for text in (b"[1.5]", b"[NaN]", b"[Infinity]", b"[1e5]"):
        assert code_of(documents, public=text) == "PRF-016"


@pytest.mark.parametrize("name", ["proof", "key"])
def test_members_missing_unknown_or_repeated(documents, name) -> None:
    data = getattr(documents, f"{name}_json")
    for member in json.loads(data):
        if member != "vk_alphabeta_12":
            without = Change(to=lambda d, m=member: {k: v for k, v in d.items() if k != m})
            assert code_of(documents, **{name: without.apply(data)}) == "PRF-021"
    unknown = Change(to=lambda d: d | {"pi_d": []}).apply(data)
    assert code_of(documents, **{name: unknown}) == "PRF-021"
    repeated = data.replace(b'"protocol"', b'"protocol": "groth16", "protocol"')
    assert code_of(documents, **{name: repeated}) == "PRF-021"


@pytest.mark.parametrize(
    ("name", "z"),
    [("pi_a", "2"), ("pi_c", "0001"), ("pi_b", ["1", "1"]), ("pi_b", ["2", "0"])],
)
def test_projective_points(documents, name, z) -> None:
    code = code_of(documents, proof=Change(name, 2, to=z).apply(documents.proof_json))
    assert code == ("PRF-016" if z == "0001" else "PRF-022")


def test_documents_that_are_too_large(documents) -> None:
    padded = documents.public_json + b" " * snarkjs.MAX_BYTES
    assert code_of(documents, public=padded) == "PRF-023"


def test_s11_a_key_document_that_lets_anyone_forge_is_refused(documents) -> None:
    gamma = json.loads(documents.key_json)["vk_gamma_2"]
    for change in (
        Change("vk_delta_2", to=gamma),
        Change("nPublic", to=1),
        Change("nPublic", to=3),
        Change("IC", 1, to=json.loads(documents.key_json)["IC"][2]),
    ):
        with pytest.raises(UnsafeKey) as caught:
            snarkjs.read_verifying_key(change.apply(documents.key_json))
        assert caught.value.exit_code == 8


def test_messages_name_file_index_and_signal(documents) -> None:
    changed = Change(1, to=plus(R)).apply(documents.public_json)
    with pytest.raises(MalformedDocument) as caught:
        verify_documents(
            documents.proof_json,
            changed,
            documents.key_json,
            names=("anchor", "nullifier_0"),
        )
    assert caught.value.where == 'public.json, index 1 ("nullifier_0")'


def test_the_registry_names_the_statement_of_a_key(documents) -> None:
    parts = (documents.proof_json, documents.public_json, documents.key_json)
    listed = {documents.verifying_key.id: "example/1"}
    checks = verify_documents(*parts, registry=listed, statement="example/1")
    assert [c.id for c in checks] == [*IDS[:7], "registry", "pairing"]
    assert "example/1" in checks[7].detail
    assert [c.id for c in verify_documents(*parts, registry={})] == IDS
    for registry in (listed, {}):
        with pytest.raises(UnknownKey):
            verify_documents(*parts, registry=registry, statement="action/1")


def test_a_development_key_carries_its_warning(documents) -> None:
    document = snarkjs.verifying_key_document(documents.verifying_key, unsafe=UNSAFE_STAMP)
    assert "UNSAFE" in document
    assert snarkjs.read_verifying_key(snarkjs.dump(document)) == documents.verifying_key


def test_infinity_as_snarkjs_writes_it() -> None:
    assert snarkjs.g1_text(None) == ["0", "1", "0"]
    assert snarkjs.g2_text(None) == [["0", "0"], ["1", "0"], ["0", "0"]]


def test_every_code_explains_itself() -> None:
    for code, refusal in (DOCUMENT_REFUSALS | FILE_REFUSALS).items():
        assert code[:4] in ("PRF-", "FMT-")
        assert refusal.title
        assert refusal.why
        assert refusal.fix


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_verification_never_breaks_on_a_changed_document(documents, data) -> None:
    """Any byte of a proof changed: a refusal with a code or a plain no; nothing else."""
    text = bytearray(documents.proof_json)
    at = data.draw(st.integers(0, len(text) - 1))
    text[at] = data.draw(st.integers(0, 255).filter(lambda b: b != text[at]))
    try:
        snarkjs.read_proof(bytes(text))
        refused = None
    except MalformedDocument as error:
        refused = error.id
    same = json.loads(text) == json.loads(documents.proof_json) if refused is None else False
    assert same or refused in DOCUMENT_REFUSALS
