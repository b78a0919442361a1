"""Inputs: the same from the same seed, kept whole, with the right answer beside them."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zk import backends
from zk.bench import inputs, tasks, works
from zk.bench.errors import BenchError
from zk.bench.tasks import TASKS
from zk.field.arrays import from_array, to_array
from zk.field.params import FR
from zk.phases import Phases

PORTABLE = backends.get("portable") if "portable" in backends.available() else backends.get()


def make(name: str, size: int, **options):
    (work,) = works.find(name)
    return inputs.make(work, size, PORTABLE, **options)


def answer(name: str, size: int, made, backend=PORTABLE) -> str:
    task = TASKS[name](backend, size, made.values)
    return task.answer(task.run(Phases()))


@pytest.mark.parametrize("case", works.MSM_CASES)
@pytest.mark.parametrize("name", ["msm_g1", "msm_g2"])
def test_the_known_answer_of_an_msm_is_the_answer(name, case):
    made = make(name, 37, case=case)
    assert made.expected_by == "discrete logarithms"
    assert answer(name, 37, made) == made.expected
    if case in ("zeros", "opposite-points"):
        # 37 is odd: of the pairs nothing is left, but one point stands alone
        assert (int(made.expected, 16) == 0) == (case == "zeros")


@pytest.mark.parametrize("backend", [PORTABLE, backends.get("reference")], ids=lambda b: b.name)
@pytest.mark.parametrize(
    ("name", "size", "case"),
    [
        ("fp_mul", 9, "random"),
        ("fr_mul", 9, "random"),
        ("fr_mul", 9, "lanes"),
        ("poseidon", 5, "random"),
        ("poseidon", 5, "batch"),
    ],
)
def test_the_known_answers_of_the_others(name, size, case, backend):
    made = make(name, size, case=case)
    if case == "lanes" and backend.name == "reference":
        with pytest.raises(BenchError, match="no lanes"):
            answer(name, size, made, backend)
        return
    assert answer(name, size, made, backend) == made.expected


def test_a_transform_is_the_same_by_another_backend():
    made = make("ntt", 16)
    assert answer("ntt", 16, made) == answer("ntt", 16, made, backends.get("reference"))
    assert len(answer("ntt", 16, made)) == 64


def test_a_pairing_runs():
    assert answer("pairing", 1, make("pairing", 1)) == "00"  # e(aG, bH) is not one


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tmp_path, monkeypatch):
    first = make("msm_g1", 8)
    monkeypatch.setattr(inputs, "folder", lambda: tmp_path / "other")
    (tmp_path / "other").mkdir()
    again = inputs.make(works.WORKS["msm_g1"], 8, backends.get("reference"))
    assert first.sha256 == again.sha256
    assert first.values != again.values  # paths do not count
    assert make("msm_g1", 8, seed="another").sha256 != first.sha256


def test_half_a_file_is_made_again():
    made = make("ntt", 8)
    path = Path(str(made.values["values"]))
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert make("ntt", 8).sha256 == made.sha256
    assert path.read_bytes() == whole


def test_points_are_distinct_and_files_have_no_header():
    made = make("msm_g1", 64)
    points = np.fromfile(made.values["points"], dtype="<u8").reshape(64, 8)
    scalars = np.fromfile(made.values["scalars"], dtype="<u8").reshape(64, 4)
    assert len({row.tobytes() for row in points}) == 64
    assert all(value < FR.modulus for value in from_array(scalars.astype(np.uint64)))


def test_scalars_use_the_whole_range():
    values = from_array(inputs.scalars("seed", "label", 512))
    assert max(values) > FR.modulus * 0.95
    assert all(value < FR.modulus for value in values)
    assert values[:100] == from_array(inputs.scalars("seed", "label", 100))


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 2 * FR.modulus - 1), min_size=1, max_size=8))
def test_reduction_is_reduction(values):
    assert from_array(inputs._below_modulus(to_array(values))) == [v % FR.modulus for v in values]


@pytest.mark.parametrize("value", [0, FR.modulus - 1, FR.modulus, FR.modulus + 1, (1 << 254) - 1])
def test_reduction_at_its_edges(value):
    assert from_array(inputs._below_modulus(to_array([value]))) == [value % FR.modulus]


def test_what_cannot_be_made_is_refused():
    with pytest.raises(BenchError, match="powers of two"):
        make("ntt", 12)
    with pytest.raises(BenchError, match="no inputs 'odd'"):
        make("msm_g1", 8, case="odd")
    with pytest.raises(BenchError, match="prove has no inputs"):
        make("prove", 8)


def test_a_digest_is_over_names_and_contents(tmp_path):
    file = tmp_path / "a"
    file.write_bytes(b"content")
    inner = hashlib.sha256(b"content").hexdigest()
    expected = hashlib.sha256(f"n=7\nx={inner}\n".encode()).hexdigest()
    assert inputs.digest({"x": str(file), "n": 7}) == expected


def test_a_file_of_another_length_is_refused(tmp_path):
    made = make("msm_g1", 8)
    with pytest.raises(BenchError, match="holds 64 words, not 72"):
        TASKS["msm_g1"](PORTABLE, 9, made.values)
    assert replace(made).expected == made.expected


def test_threads_are_exactly_as_asked():
    assert tasks.backend_with("portable", 1).threads == 1
    assert tasks.backend_with("portable", 2).threads == 2
    with pytest.raises(BenchError, match="one thread"):
        tasks.backend_with("reference", 2)


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("5", (5,)),
        ("2^4", (16,)),
        ("2^10..2^12", (1024, 2048, 4096)),
        ("3..12,2^4,3", (3, 6, 12, 16)),
        ("1..1", (1,)),
    ],
)
def test_sizes_are_numbers_powers_and_ranges(text, sizes):
    assert works.parse_sizes(text) == sizes


@pytest.mark.parametrize(
    "text",
    ["", "0", "-1", "2^", "^2", "2^99", "2^2^2", "1.5", "2^4..", "8..4", "9" * 30, "2^1000000"],
)
def test_what_is_no_size_is_refused(text):
    with pytest.raises(BenchError):
        works.parse_sizes(text)


def test_every_alias_and_name_is_found():
    assert [work.name for work in works.find("msm")] == ["msm_g1", "msm_g2"]
    assert len(works.find("all")) == len(works.WORKS)
    with pytest.raises(BenchError, match="no work is called 'mms'"):
        works.find("mms")
    assert (works.size_text(1 << 16), works.size_text(1000), works.size_text(64)) == (
        "2^16", "1000", "64",
    )  # fmt: skip
