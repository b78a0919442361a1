import dataclasses

import numpy as np
import pytest

from circuits import registry, report, review, statement
from circuits.gadgets.bits import to_bits
from circuits.gadgets.compare import enforce_nonzero
from circuits.statement import Statement, check, evaluate, public_values, record
from zk import params
from zk.errors import CircuitError, ShapeMismatch, UnknownKey, UnusedWire
from zk.field.params import FR


@dataclasses.dataclass(frozen=True, slots=True)
class Public:
    total: int
    pair: tuple[int, int]


class Toy(Statement[Public, int]):
    """Knows x below 256 with x² = total.

    T1  The square.
    T2  The pair is not zero.
    """

    id = "toy/1"
    public_names = ("total", "pair_0", "pair_1")
    slack = 0

    def placeholder(self):
        return Public(0, (0, 0)), 0

    def constrain(self, cs, public, witness):
        total = cs.public("total", public.total)
        pair = [cs.public(f"pair_{i}", v) for i, v in enumerate(public.pair)]
        x = cs.witness("x", witness)
        with cs.clause("T1"):
            with cs.scope("range 3"):
                to_bits(cs, x, 8)
            cs.enforce(x, x, total + self.slack, "square")
        with cs.clause("T2"):
            for value in pair:
                enforce_nonzero(cs, value, "not zero")


class Loose(Toy):
    """A wire that nothing reads, one that is squared only, one that is free."""

    def constrain(self, cs, public, witness):
        super().constrain(cs, public, witness)
        cs.witness("unused", 0)
        root = cs.witness("root", 3)
        cs.enforce(root, root, 9, "a square")
        cs.enforce(cs.witness("times zero", 5), total_zero(cs), 0, "nothing")


def total_zero(cs):
    zero = cs.witness("zero", 0)
    cs.enforce(zero, 1, 0, "zero")
    return zero


class Changed(Toy):
    slack = 1


class Undeclared(Toy):
    public_names = ("total",)


GOOD = Public(49, (2, 3)), 7


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CHIARO_CACHE", str(tmp_path))
    return tmp_path


def test_used_wires():
    review.check_used(record(Toy(), cache=False))
    with pytest.raises(UnusedWire) as caught:
        review.check_used(record(Loose(), cache=False))
    assert caught.value.where == "unused"


def test_an_unread_public_input_is_found():
    class Forgetful(Toy):
        def constrain(self, cs, public, witness):
            for name in self.public_names:
                cs.public(name, 0)
            cs.equal(cs.witness("x", witness), 0, "x")

    assert review.unused_wires(record(Forgetful(), cache=False)) == list(Toy.public_names)


def test_free_wires_are_exact():
    tight = record(Toy(), cache=False)
    assert review.free_wires(tight, evaluate(Toy(), *GOOD)) == []
    loose = record(Loose(), cache=False)
    assert review.free_wires(loose, evaluate(Loose(), *GOOD)) == ["unused", "root", "times zero"]


def test_rows_that_admit_the_same_change_leave_a_wire_free():
    class Twice(Toy):
        def constrain(self, cs, public, witness):
            super().constrain(cs, public, witness)
            same, other = cs.witness("same", 3), cs.witness("other", 3)
            cs.enforce(same, same, 9, "±3")
            cs.enforce(same * 2, same, 18, "±3 again")
            cs.enforce(other, other, 9, "±3")
            cs.enforce(other, other - 1, 6, "3 or -2")

    shape = record(Twice(), cache=False)
    assert review.free_wires(shape, evaluate(Twice(), *GOOD)) == ["same"]


def test_wires_of_one_row():
    single = review.single_row_wires(record(Loose(), cache=False))
    assert single == ["inverse or 0", "inverse or 0#2", "root", "times zero"]


def test_costs_add_up():
    shape = record(Toy(), cache=False)
    total = review.total_cost(shape)
    for costs in (
        review.cost_by_clause(shape),
        review.cost_by_scope(shape),
        review.cost_by_gadget(shape),
    ):
        for field in ("rows", "a", "b", "c"):
            assert sum(getattr(c, field) for c in costs) == getattr(total, field)
    assert [(c.name, c.rows) for c in review.cost_by_clause(shape)] == [("T1", 9), ("T2", 2)]
    assert [(c.name, c.rows) for c in review.cost_by_scope(shape)] == [("range *", 8), ("", 3)]
    assert 0 < review.g2_wires(shape) < shape.wires


def test_advice_sites():
    sites = review.advice_sites(Toy())
    assert [(s.name, s.count, s.clause) for s in sites] == [
        ("range 3/bit", 7, "T1"),
        ("inverse or 0", 1, "T2"),
        ("inverse or 0", 1, "T2"),
    ]
    assert review.advice_summary(sites) == {"range */bit": (1, 7), "inverse or *": (2, 2)}


def test_differences():
    toy, changed, loose = (record(s(), cache=False) for s in (Toy, Changed, Loose))
    assert review.differences(toy, toy) == []
    found = review.differences(toy, changed)
    assert found == ["non-zeros of C: 3 → 4", "first different row: 8, T1 square"]
    found = review.differences(toy, loose)
    assert "rows: 11 → 14" in found
    assert "clause (none) is new" in found
    assert "clause (none) is gone" in review.differences(loose, toy)


def test_cached_record_is_the_same(cache):
    fresh = record(Toy(), cache=False)
    first, second = record(Toy()), record(Toy())
    assert len(list(cache.rglob("*.npz"))) == 1
    for shape in (first, second):
        assert shape.digest == fresh.digest
        names = ("wire_names", "row_clauses", "row_scopes", "name", "rows", "wires", "publics")
        assert all(getattr(shape, n) == getattr(fresh, n) for n in names)


def _flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def _truncate(path):
    path.write_bytes(path.read_bytes()[:200])


def _other_circuit(path):
    """A well-formed entry whose matrices are another circuit's: only the seal can tell."""
    with np.load(path) as data:
        arrays = dict(data)
    arrays["A_values"] = arrays["A_values"].copy()
    arrays["A_values"][0, 0] += 1
    with path.open("wb") as file:
        np.savez(file, **arrays)


def _other_names(path):
    with np.load(path) as data:
        arrays = dict(data)
    names = arrays["names"].tobytes().replace(b"square", b"sphere")
    arrays["names"] = np.frombuffer(names, dtype=np.uint8)
    with path.open("wb") as file:
        np.savez(file, **arrays)


def _pickled(path):
    with np.load(path) as data:
        arrays = dict(data)
    arrays["shape"] = np.array([object()], dtype=object)
    with path.open("wb") as file:
        np.savez(file, **arrays)


@pytest.mark.parametrize(
    "damage",
    [_flip, _truncate, _other_circuit, _other_names, _pickled, lambda p: p.write_bytes(b"")],
)
def test_a_damaged_cache_is_rebuilt(cache, damage):
    expected = record(Toy())
    (entry,) = cache.rglob("*.npz")
    damage(entry)
    assert statement._load(entry) is None
    again = record(Toy())
    assert again.digest == expected.digest
    assert again.row_scopes == expected.row_scopes
    assert statement._load(entry) is not None


def test_the_cache_follows_the_constants(cache, monkeypatch, tmp_path_factory):
    before = statement._sources_hash()
    folder = tmp_path_factory.mktemp("params")
    (folder / "poseidon").mkdir()
    for file in params.path("poseidon").glob("*.json"):
        (folder / "poseidon" / file.name).write_bytes(file.read_bytes())
    monkeypatch.setenv("CHIARO_PARAMS", str(folder))
    assert statement._sources_hash() == before
    with next(iter(sorted((folder / "poseidon").glob("*.json")))).open("a") as file:
        file.write(" ")
    assert statement._sources_hash() != before


def test_declared_public_inputs():
    for run in (
        lambda: record(Undeclared(), cache=False),
        lambda: evaluate(Undeclared(), *GOOD),
        lambda: check(Undeclared(), *GOOD),
    ):
        with pytest.raises(CircuitError, match="declares other public inputs"):
            run()


def test_public_values_in_order():
    assert public_values(GOOD[0]) == [49, 2, 3]
    for bad in (
        Public(FR.modulus, (0, 0)),
        Public(1, (0, -1)),
        Public("1", (0, 0)),
        (1, 2),
        Public,
    ):
        with pytest.raises(ShapeMismatch):
            public_values(bad)
    with pytest.raises(ShapeMismatch) as caught:
        public_values(Public(1, (0, FR.modulus)))
    assert caught.value.where == "pair_1"


def test_registry():
    for identifier in registry.STATEMENTS:
        assert registry.statement(identifier).id == identifier
    with pytest.raises(UnknownKey, match="toy/1"):
        registry.statement("toy/1")


def test_report_of_a_toy():
    text = report.render([Toy()])
    assert "## toy/1" in text
    assert "* **T1** The square." in text
    assert "| 2 | `pair_0` |" in text
    assert "| T1 | 9 |" in text
    assert record(Toy(), cache=False).digest.hex() in text


def test_report_is_up_to_date(capsys):
    assert report.main(["--check"]) == 0, capsys.readouterr().err


def test_an_old_report_is_noticed(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(report, "README", tmp_path / "README.md")
    monkeypatch.setattr(report, "STATEMENTS", {"toy/1": Toy})
    assert report.main(["--check"]) == 1
    assert "out of date" in capsys.readouterr().err
    assert report.main([]) == 0
    assert report.main(["--check"]) == 0
