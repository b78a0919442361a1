"""What goes around the fuzzer: rounds that go on where they stopped, findings, the corpus kept."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from fuzzing import keep, proofs, run
from fuzzing.target import Broken, Target

SYM, PUBLIC = (
    next(t for t in proofs.TARGETS if t.name == name) for name in ("sym", "snarkjs_public")
)


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(run, "CACHE", tmp_path)
    return tmp_path


def test_an_interrupted_round_goes_on_with_the_readers_that_are_left(
    cache, monkeypatch, capsys
) -> None:
    given: list[tuple[str, int]] = []
    clock = iter(range(0, 1000, 20))

    def search(target: Target, seconds: int) -> str:
        given.append((target.name, seconds))
        if given == [("sym", 20), ("snarkjs_public", 20)]:
            raise KeyboardInterrupt
        return "told"

    monkeypatch.setattr(run, "search", search)
    monkeypatch.setattr(run.time, "monotonic", lambda: next(clock))
    with pytest.raises(KeyboardInterrupt):
        run.search_all([SYM, PUBLIC, SYM], 20)
    assert (cache / "round.json").exists()
    run.search_all([SYM, PUBLIC], 45)
    assert given[2:] == [("sym", 25), ("snarkjs_public", 25)]
    assert not (cache / "round.json").exists()
    capsys.readouterr()
    (cache / "round.json").write_text('{"sym": 20}')
    run.search_all([SYM], 20)
    assert "has had its time" in capsys.readouterr().out


@pytest.mark.parametrize("content", ["", "[]", "{", '{"sym": "x"}', '{"sym": null}'])
def test_a_damaged_state_starts_a_round_anew(cache, monkeypatch, content) -> None:
    given: list[int] = []
    monkeypatch.setattr(run, "search", lambda _target, seconds: given.append(seconds) or "told")
    (cache / "round.json").write_text(content)
    run.search_all([SYM], 20)
    assert given == [20]


def test_findings_are_named_and_are_a_failure(cache, capsys) -> None:
    assert run.report([SYM]) == 0
    assert capsys.readouterr().out == "nothing found\n"
    folder = cache / "findings" / "sym"
    folder.mkdir(parents=True)
    (folder / "0123").write_bytes(b"1,1,0,main.a\n")
    (folder / "0123.txt").write_text("traceback")
    assert run.report([SYM]) == 1
    assert str(folder / "0123") in capsys.readouterr().out
    assert run.replay(folder / "0123") == 0
    assert "sym: read" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["nonsense"], ["--seconds", "0"]])
def test_words_that_make_no_sense_are_a_usage_error(monkeypatch, capsys, words) -> None:
    monkeypatch.setattr(sys, "argv", ["run", *words])
    with pytest.raises(SystemExit) as stopped:
        run.main()
    assert stopped.value.code == 2


def test_the_corpus_kept_reaches_what_all_reach(tmp_path) -> None:
    source, kept = tmp_path / "source", tmp_path / "kept"
    source.mkdir()
    kept.mkdir()
    (kept / "old").write_bytes(b"1,1,0,main.old\n")
    entries = [b"1,1,0,a\n", b"1,1,0,b\n", b"22,1,0,long.name\n", b"x", b"", b"y" * 5000, b"zz"]
    for number, data in enumerate(entries):
        (source / str(number)).write_bytes(data)
    count = keep.keep(SYM, (source, kept), kept)
    chosen = [path.read_bytes() for path in kept.iterdir()]
    assert len(chosen) == count < len(entries)

    def all_of(found: list[bytes]) -> set[object]:
        return set().union(
            *({*steps, code} for steps, code in (keep.reached(SYM, d) for d in found))
        )

    small = [data for data in entries if len(data) <= keep.LARGEST]
    assert all_of(chosen) == all_of(small)
    assert {SYM.check(data) for data in chosen} == {"", "FMT-030"}


@pytest.mark.parametrize(("price", "count"), [(100, 1), (4000, 2)])
def test_an_entry_that_is_large_for_what_it_adds_is_not_kept(
    tmp_path, monkeypatch, price, count
) -> None:
    monkeypatch.setattr(keep, "PRICE", price)
    (tmp_path / "in").mkdir()
    for name, data in {"good": b"1,1,0,a\n", "large": b"y" * 4000}.items():
        (tmp_path / "in" / name).write_bytes(data)
    assert keep.keep(SYM, (tmp_path / "in",), tmp_path / "out") == count


def test_what_breaks_a_reader_is_no_corpus(tmp_path) -> None:
    def read(data: bytes) -> bytes:
        if data == b"bad":
            raise ValueError
        return data

    target = Target("example", read, bytes, lambda: [b"good"], memory=1)
    (tmp_path / "in").mkdir()
    for data in (b"bad", b"good"):
        (tmp_path / "in" / data.decode()).write_bytes(data)
    with pytest.raises(Broken):
        target.check(b"bad")
    assert keep.keep(target, (tmp_path / "in",), tmp_path / "out") == 1
