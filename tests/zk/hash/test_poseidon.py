"""Poseidon: circomlibjs's digests, the sparse form against the textbook, parameters as data."""

from __future__ import annotations

import dataclasses
import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zk.errors import DigestMismatch, NonCanonical, ParamsError, WrongLength
from zk.field.params import FR
from zk.hash import poseidon_constants
from zk.hash.poseidon import parameters, permutation, permutation_reference, poseidon
from zk.hash.poseidon_constants import load
from zk.hash.poseidon_generate import (
    FULL_ROUNDS,
    PARTIAL_ROUNDS,
    WIDTHS,
    document,
    file_name,
    generate,
    grain,
    main,
)

R = FR.modulus
VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).resolve().parents[2] / "vectors" / "poseidon.json").read_text()
)
# Hypothesis prefers small integers; a seed gives uniform ones beside them.
UNIFORM = st.integers(min_value=0).map(lambda seed: random.Random(seed).randrange(R))
ELEMENT = UNIFORM | st.integers(min_value=0, max_value=R - 1)


@pytest.mark.parametrize("inputs", range(1, 17))
def test_digests_are_circomlibs(inputs: int) -> None:
    cases = [case for case in VECTORS["cases"] if len(case["inputs"]) == inputs]
    assert {case["tag"] == "0" for case in cases} == {True, False}
    for case in cases:
        digest = poseidon(int(case["tag"]), [int(v) for v in case["inputs"]])
        assert digest == int(case["digest"])
        assert type(digest) is int


def test_digests_published_in_circomlibs_tests() -> None:
    assert poseidon(0, [1, 2]) == (
        0x115CC0F5E7D690413DF64C6B9662E9CF2A3617F2743245519E19607A4417189A
    )
    assert poseidon(0, [1, 2, 3, 4]) == (
        0x299C867DB6C1FDD79DCEFA40E4510B9837E60EBB1CE0663DBAA525DF65250465
    )


@pytest.mark.parametrize("t", range(2, 18))
def test_sparse_form_is_the_textbook_permutation(t: int) -> None:
    rng = random.Random(t)
    for state in ([0] * t, [R - 1] * t, [rng.randrange(R) for _ in range(t)]):
        assert permutation(state) == permutation_reference(state)


@given(st.integers(min_value=1, max_value=5).flatmap(lambda n: st.lists(ELEMENT, min_size=n)))
@settings(deadline=None, max_examples=30)
def test_tag_and_every_input_matter(values: list[int]) -> None:
    inputs = values[:8]
    digest = poseidon(7, inputs)
    assert 0 <= digest < R
    assert poseidon(8, inputs) != digest
    for i in range(len(inputs)):
        changed = [*inputs]
        changed[i] = (changed[i] + 1) % R
        assert poseidon(7, changed) != digest
    assert poseidon(7, [*inputs, 0]) != digest  # lengths do not collide: other parameters


@pytest.mark.parametrize("count", [0, 17, 18])
def test_wrong_numbers_of_inputs_are_refused(count: int) -> None:
    with pytest.raises(WrongLength):
        poseidon(0, [1] * count)


@pytest.mark.parametrize("value", [-1, R, R + 5, 1 << 256])
def test_values_outside_the_field_are_refused(value: int) -> None:
    """x and x + r would hash alike: a second note with the same commitment."""
    with pytest.raises(NonCanonical):
        poseidon(0, [1, value])
    with pytest.raises(NonCanonical):
        poseidon(value, [1, 2])


@pytest.mark.parametrize("t", WIDTHS)
def test_shipped_constants_are_the_generators(t: int) -> None:
    loaded = load(t)
    loaded.check()
    assert loaded.t == t
    assert (loaded.full_rounds, loaded.partial_rounds) == (FULL_ROUNDS, PARTIAL_ROUNDS[t - 2])
    assert len(loaded.round_constants) == FULL_ROUNDS + PARTIAL_ROUNDS[t - 2]


def test_constants_begin_as_circomlib_publishes_them() -> None:
    """First and last constant of width 3 in circomlib's poseidon_constants.circom."""
    constants = load(3).round_constants
    assert constants[0][0] == (0x0EE9A592BA9A9518D05986D656F40C2114C4993C11BB29938D21D47304CD8E6E)
    assert load(3).mds[0][0] == (0x109B7F411BA0E4C9B2B70CAF5C36A7B194BE7C11AD24378BFEDB68592BA8118B)


@pytest.mark.parametrize("t", range(2, 18))
def test_mds_matrix_is_cauchy(t: int) -> None:
    """Rank one after inverting each entry: M[i][j] = 1/(x_i + y_j), all sums distinct per line."""
    mds = parameters(t).mds
    inverses = [[pow(v, -1, R) for v in row] for row in mds]
    first = inverses[0]
    for row in inverses:
        offset = (row[0] - first[0]) % R
        assert row == [(v + offset) % R for v in first]
        assert len(set(row)) == t
    assert len({row[0] for row in inverses}) == t


def test_changed_constants_are_noticed() -> None:
    good = load(3)
    rows = [list(row) for row in good.round_constants]
    rows[5][1] ^= 1
    with pytest.raises(DigestMismatch):
        dataclasses.replace(good, round_constants=tuple(map(tuple, rows))).check()
    mds = [list(row) for row in good.mds]
    mds[2][2] ^= 1
    with pytest.raises(DigestMismatch):
        dataclasses.replace(good, mds=tuple(map(tuple, mds))).check()
    with pytest.raises(DigestMismatch):
        dataclasses.replace(good, partial_rounds=56).check()


def mutated(change: str) -> dict[str, Any]:
    data: dict[str, Any] = document(2)
    if change == "a constant not below r":
        data["round_constants"][0][0] = f"{R:064x}"
    elif change == "a row short":
        data["round_constants"].pop()
    elif change == "a lane short":
        data["mds"][0].pop()
    elif change == "a row too many":
        data["mds"].append(data["mds"][0])
    elif change == "another width":
        data["t"] = 3
    elif change == "fewer rounds":
        data["partial_rounds"] -= 1
    elif change == "no matrix":
        del data["mds"]
    elif change == "not a number":
        data["mds"][0][0] = "zz"
    return data


@pytest.mark.parametrize(
    "change",
    [
        "a constant not below r",
        "a row short",
        "a lane short",
        "a row too many",
        "another width",
        "fewer rounds",
        "no matrix",
        "not a number",
    ],
)
def test_malformed_files_are_refused(
    change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / file_name(2)
    target.parent.mkdir()
    target.write_text(json.dumps(mutated(change)))
    monkeypatch.setenv("CHIARO_PARAMS", str(tmp_path))
    with pytest.raises(ParamsError, match="malformed") as caught:
        poseidon_constants.load.__wrapped__(2)
    assert str(target) in caught.value.where


def test_files_that_are_no_json_or_missing_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHIARO_PARAMS", str(tmp_path))
    with pytest.raises(ParamsError, match="no such parameter"):
        poseidon_constants.load.__wrapped__(2)
    target = tmp_path / file_name(2)
    target.parent.mkdir()
    target.write_text("{")
    with pytest.raises(ParamsError, match="malformed"):
        poseidon_constants.load.__wrapped__(2)


def test_generator_writes_the_shipped_files(tmp_path: Path) -> None:
    main([str(tmp_path)])
    shipped = Path(__file__).resolve().parents[3] / "params"
    for t in WIDTHS:
        assert (tmp_path / file_name(t)).read_bytes() == (shipped / file_name(t)).read_bytes()


def test_grain_register_by_its_recurrence() -> None:
    """A list of bits, b_{i+80} = b_{i+62} + b_{i+51} + b_{i+38} + b_{i+23} + b_{i+13} + b_i."""
    t, full, partial = 3, 8, 57
    text = f"{1:02b}{0:04b}{254:012b}{t:012b}{full:010b}{partial:010b}" + "1" * 30
    bits = [int(c) for c in text]
    assert len(bits) == 80
    while len(bits) < 80 + 160 + 400:
        bits.append(sum(bits[len(bits) - 80 + tap] for tap in (62, 51, 38, 23, 13, 0)) % 2)
    pairs = list(zip(bits[240::2], bits[241::2], strict=True))
    expected = [second for first, second in pairs if first]
    stream = grain(t, full, partial)
    assert [next(stream) for _ in expected] == expected


def test_generated_constants_are_below_r_and_distinct() -> None:
    constants, mds = generate(4)
    flat = [v for row in constants for v in row]
    assert all(0 <= v < R for v in flat)
    assert len(set(flat)) == len(flat)
    assert all(0 < v < R for row in mds for v in row)
