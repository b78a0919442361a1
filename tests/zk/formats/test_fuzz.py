"""Any bytes: read, or refused by a ChiaroError with a code, in memory that the file's size bounds.

`make long-fuzz` searches for exceptions with coverage as its guide; what it found useful lies under
`corpus` and is tried here again.
"""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path

import pytest
from fuzzing import mutations, proofs, targets
from fuzzing.bulk import BULK
from fuzzing.target import BASE_MEMORY, Broken, Target
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from node.core import catalog
from node.lane import payload as lane
from node.private import payload as private
from node.stake import transaction as stake
from zk.errors import ChiaroError, FormatError, NonCanonical

TARGETS = tuple(targets.TARGETS.values())
CORPUS = Path(__file__).parent / "corpus"
SLOW = {"zkey", "ptau", "gnark_key", "arkworks_key", "ptau_contributions"}
each = pytest.mark.parametrize("target", TARGETS, ids=[target.name for target in TARGETS])
with_sections = pytest.mark.parametrize(
    "target", [t for t in TARGETS if t.container], ids=[t.name for t in TARGETS if t.container]
)


@cache
def explained(code: str) -> bool:
    return catalog.look_up(code) is not None


def some(target: Target, found: list[bytes]) -> list[bytes]:
    """All, or as many as there is time for."""
    most = 8 if target.name in SLOW else 100
    chance = random.Random(target.name)
    return found if len(found) <= most else chance.sample(found, most)


@each
def test_seeds_are_read_and_written_again(target: Target) -> None:
    for seed in target.examples():
        assert target.check(seed) == ""
    assert (
        target.write(target.read(target.examples()[0])) == target.examples()[0] or not target.exact
    )


@pytest.mark.parametrize(
    ("name", "kinds"),
    [("private_tx", private.Tag), ("lane_tx", lane.Tag), ("stake_tx", stake.Tag)],
)
def test_every_kind_of_transaction_is_among_the_seeds(name, kinds) -> None:
    assert {seed[0] for seed in targets.TARGETS[name].examples()} == set(kinds)


@each
def test_files_cut_short(target: Target) -> None:
    chance = random.Random(target.name)
    cut = [d for seed in target.examples() for d in mutations.truncations(target, seed, chance)]
    for data in some(target, cut):
        code = target.check(data)
        assert code == "" or explained(code)


@each
def test_lengths_that_lie(target: Target) -> None:
    """0, 1, 2³¹, 2³² − 1, 2⁶³, one more and one less: no reader allocates what a file claims."""
    lying = [data for seed in target.examples() for data in mutations.lies(target, seed)]
    for data in some(target, lying):
        code = target.check_memory(data)
        assert code == "" or explained(code)


@each
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_changed_bytes(target: Target, data: st.DataObject) -> None:
    seeds = target.examples()
    changed = bytearray(seeds[data.draw(st.integers(0, len(seeds) - 1))])
    edit = st.tuples(st.integers(0, len(changed) - 1), st.integers(0, 255))
    for place, value in data.draw(st.lists(edit, min_size=1, max_size=4)):
        changed[place] = value
    code = target.check(bytes(changed))
    assert code == "" or explained(code)


@each
@settings(max_examples=12, deadline=None)
@given(data=st.binary(max_size=200))
def test_bytes_of_no_file(target: Target, data: bytes) -> None:
    code = target.check(data)
    assert code == "" or explained(code)


@with_sections
def test_sections_in_any_order_and_unknown_ones_are_the_same_file(target: Target) -> None:
    for seed in target.examples():
        canonical = target.write(target.read(seed))
        for what, data in mutations.rearranged(seed, random.Random(target.name)):
            if what == "unknown":
                assert target.write(target.read(data)) == canonical
            elif what == "order":
                assert _sorted(target.write(target.read(data))) == _sorted(canonical)


@with_sections
def test_sections_left_out_or_twice_are_refused(target: Target) -> None:
    optional = {proofs.NOTE_SECTION, 0x20646170}
    for seed in target.examples():
        numbers = [number for number, _, _ in mutations.sections(seed)]
        made = list(mutations.rearranged(seed, random.Random(0)))
        for kind, expected in (("left out", "FMT-013"), ("twice", "FMT-014")):
            codes = [target.check(data) for what, data in made if what == kind]
            for number, code in zip(numbers, codes, strict=True):
                if number not in optional:
                    assert code == expected, (number, kind)


def _sorted(data: bytes) -> list[bytes]:
    return sorted(data[at:end] for _, at, end in mutations.sections(data))


@pytest.mark.parametrize("name", BULK)
def test_memory_of_large_files_is_bounded_by_their_size(name: str) -> None:
    (target,) = (target for target in TARGETS if target.name == name)
    for data in BULK[name]():
        code = target.check_memory(data)
        assert code == "" or explained(code)


@each
def test_what_the_search_found(target: Target) -> None:
    """The corpus: inputs each of which reaches code that the others do not."""
    entries = sorted((CORPUS / target.name).iterdir())
    assert entries
    for entry in entries:
        code = target.check(entry.read_bytes())
        assert code == "" or explained(code)


def test_the_corpus_is_small() -> None:
    files = [path for path in CORPUS.rglob("*") if path.is_file()]
    assert {path.parent.name for path in files} == {target.name for target in TARGETS}
    assert len(files) <= 10 * len(TARGETS)
    assert sum(path.stat().st_size for path in files) < 200 << 10


# -- that the property can fail -------------------------------------------------------------------


def reader(read, write=bytes, **more) -> Target:
    return Target("example", read, write, lambda: [b"x"], memory=4, **more)


def raising(error: Exception):
    def read(_data: bytes) -> bytes:
        raise error

    return read


class Codeless(ChiaroError):
    code = "oops"


class Fault(ChiaroError):
    code = "CHI-001"
    exit_code = 70


@pytest.mark.parametrize(
    "target",
    [
        reader(raising(ValueError("no"))),
        reader(raising(MemoryError())),
        reader(raising(RecursionError())),
        reader(raising(Codeless("no code"))),
        reader(raising(Fault("a fault of ours"))),
        reader(raising(NonCanonical(""))),
        reader(raising(FormatError("where?", code="FMT-015")), container=True),
        reader(lambda data: data[:1], exact=True),
        reader(lambda data: data[1:], lambda value: value + b"!"),
    ],
)
def test_a_reader_that_breaks_the_property_is_found(target: Target) -> None:
    with pytest.raises(Broken):
        target.check(b"two")


def test_a_reader_that_takes_too_much_memory_is_found() -> None:
    hungry = reader(lambda data: (bytearray(BASE_MEMORY + 5 * len(data)), data)[1])
    modest = reader(lambda data: (bytearray(4 * len(data)), data)[1])
    data = bytes(100_000)
    assert modest.check_memory(data) == ""
    with pytest.raises(Broken, match="bytes of memory"):
        hungry.check_memory(data)
