"""Libraries known by the sources that write them: quick, and never stale."""

from __future__ import annotations

import ctypes
import dataclasses
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest

import zk.kernels
from zk.errors import BackendError
from zk.kernels import ahead, libraries, library, sources
from zk.kernels import compile as compiler
from zk.kernels.constants import FR
from zk.kernels.emit import Module
from zk.kernels.field import emit_field

ROOT = Path(zk.kernels.__file__).parents[2]


def small() -> Module:
    module = Module()
    emit_field(module, FR)
    f = module.function("answer", returns="i64", export=True)
    f.leave("i64 42")
    return module


small.__module__ = "zk.kernels.small"  # as if it stood in the package
RECIPE = compiler.Recipe("small", small)


def ask(code: compiler.Compiled) -> int:
    return code.bind("answer", returns=ctypes.c_int64)()


def load(folder: Path, recipe: compiler.Recipe = RECIPE) -> compiler.Compiled:
    return compiler.load_recipe(recipe, ("answer",), folder=folder)


def other(folder: Path, value: int) -> compiler.Recipe:
    """The same name and sources, another content: what a stale entry would be."""

    def build() -> Module:
        module = Module()
        module.function("answer", returns="i64", export=True).leave(f"i64 {value}")
        return module

    build.__module__, build.__qualname__ = small.__module__, small.__qualname__
    return compiler.Recipe("small", build)


def entry(folder: Path) -> Path:
    (found,) = folder.glob("small-*.key")
    return found


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    """Nobody edits the kernels while these tests run, or so they believe."""
    monkeypatch.setattr(sources, "changed", lambda: False)


@pytest.fixture
def calls(monkeypatch):
    """How often LLVM was asked to compile."""
    made = []
    real = compiler.build
    monkeypatch.setattr(compiler, "build", lambda *a: made.append(a[0]) or real(*a))
    return made


# -- what the sources are -----------------------------------------------------------------------


def test_every_source_file_counts(tmp_path):
    copy = copied(tmp_path) / "zk/kernels"
    want = sources.hashed(copy)
    paths = sorted(copy.rglob("*.py"))
    assert len(paths) > 30
    for path in paths:
        content = path.read_bytes()
        path.write_bytes(content + b"\n")
        assert sources.hashed(copy) != want, path
        path.write_bytes(content)
    paths[3].rename(paths[3].with_name("renamed.py"))
    assert sources.hashed(copy) != want


def copied(folder: Path) -> Path:
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "zk", folder / "zk", ignore=ignore)
    return folder


def test_what_is_no_source_does_not_count(tmp_path):
    (tmp_path / "a.py").write_text("1")
    want = sources.hashed(tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.py").write_text("2")
    (tmp_path / "notes.txt").write_text("3")
    assert sources.hashed(tmp_path) == want


def test_without_sources_there_is_no_hash(tmp_path):
    (tmp_path / "a.pyc").write_bytes(b"1")
    assert sources.hashed(tmp_path) is None


def test_an_archive_hashes_like_a_folder(tmp_path):
    folder, archive = copied(tmp_path), tmp_path / "zk.zip"
    with zipfile.ZipFile(archive, "w") as pack:
        for path in folder.rglob("*.py"):
            pack.write(path, path.relative_to(folder))
    code = "from zk.kernels import sources\nprint(sources.__file__, sources.DIGEST.hex())"
    done = subprocess.run(
        [sys.executable, "-P", "-c", f"import sys\nsys.path.insert(0, {str(archive)!r})\n{code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    want = sources.hashed(folder / "zk/kernels")
    assert want is not None
    assert done.stdout.split() == [f"{archive}/zk/kernels/sources.py", want.hex()]


def test_the_kernels_are_a_leaf_without_numpy():
    """What emits IR depends on nothing that the hash does not cover, but on errors and files."""
    code = "import sys, zk.kernels.libraries\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name for name in done.stdout.split() if name.startswith("zk")}
    allowed = {"zk", "zk.errors", "zk.files", "zk.params"}
    assert {name for name in loaded if not name.startswith("zk.kernels")} <= allowed
    assert "numpy" not in done.stdout.split()


# -- never stale --------------------------------------------------------------------------------


def test_a_warm_start_writes_no_ir(tmp_path):
    first = load(tmp_path)
    silent = dataclasses.replace(RECIPE, build=forbidden)
    second = load(tmp_path, silent)
    assert (first.cached, second.cached) == (False, True)
    assert ask(first) == ask(second) == 42


def forbidden() -> Module:
    raise AssertionError("no IR was needed")


forbidden.__module__, forbidden.__qualname__ = small.__module__, small.__qualname__


@pytest.mark.parametrize("field", ["triple", "cpu", "features", "llvm"])
def test_the_key_covers_the_machine(field):
    target = compiler.host()
    changed = dataclasses.replace(target, **{field: getattr(target, field) + "x"})
    assert RECIPE.key(changed) != RECIPE.key(target)


def test_the_key_covers_sources_name_function_arguments_and_passes(monkeypatch):
    target = compiler.host()
    keys = {
        RECIPE.key(target),
        compiler.Recipe("other", small).key(target),
        compiler.Recipe("small", library.build).key(target),
        compiler.Recipe("small", small, ("ifma",)).key(target),
        compiler.Recipe("small", small, passes=compiler.FULL).key(target),
    }
    monkeypatch.setattr(sources, "DIGEST", bytes(32))
    keys.add(RECIPE.key(target))
    assert len(keys) == 6


def test_edited_sources_are_compiled_again_only_if_the_ir_differs(tmp_path, monkeypatch, calls):
    load(tmp_path)
    monkeypatch.setattr(sources, "DIGEST", bytes(32))  # another comment
    assert load(tmp_path).cached
    assert len(calls) == 1
    monkeypatch.setattr(sources, "DIGEST", bytes([1] * 32))  # another function
    changed = load(tmp_path, other(tmp_path, 7))
    assert not changed.cached
    assert ask(changed) == 7
    assert len(calls) == 2


def test_nothing_is_stored_for_sources_that_changed_while_the_process_ran(tmp_path, monkeypatch):
    monkeypatch.undo()  # nobody is quiet here
    monkeypatch.setattr(sources, "_now", lambda: bytes(32))
    assert ask(load(tmp_path)) == 42
    assert not list(tmp_path.glob("*.key"))
    assert len(list(tmp_path.glob("*.o"))) == 1  # known by its IR, which cannot be stale
    assert load(tmp_path).cached


def test_code_outside_the_package_is_known_by_its_ir_alone(tmp_path):
    def build() -> Module:
        return small()

    recipe = compiler.Recipe("small", build)
    assert recipe.key(compiler.host()) is None
    assert [load(tmp_path, recipe).cached for _ in range(2)] == [False, True]
    assert not list(tmp_path.glob("*.key"))


def test_without_sources_libraries_are_known_by_their_ir(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "DIGEST", None)
    assert [load(tmp_path).cached for _ in range(2)] == [False, True]
    assert not list(tmp_path.glob("*.key"))


def test_checking_finds_an_entry_of_another_ir(tmp_path):
    """As a hash that misses something would make it."""
    assert not compiler.verified(RECIPE, folder=tmp_path)
    assert ask(load(tmp_path, other(tmp_path, 7))) == 7
    assert ask(load(tmp_path)) == 7
    assert not compiler.verified(RECIPE, folder=tmp_path)
    assert ask(load(tmp_path)) == 42
    assert compiler.verified(RECIPE, folder=tmp_path)


# -- damage, and others at the same time --------------------------------------------------------


@pytest.mark.parametrize("pattern", ["*.key", "*.o"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:50],
        lambda data: data[:-1],
        lambda data: data + b"\0",
        lambda data: data[:-5] + bytes([data[-5] ^ 1]) + data[-4:],
        lambda data: data[:20] + bytes([data[20] ^ 1]) + data[21:],
    ],
    ids=["empty", "header only", "truncated", "longer", "one bit", "key"],
)
def test_damaged_files_are_made_again(tmp_path, pattern, damage):
    load(tmp_path)
    (path,) = tmp_path.glob(pattern)
    path.write_bytes(damage(path.read_bytes()))
    again = load(tmp_path)
    assert again.cached is (pattern == "*.key")  # the object itself was whole
    assert ask(again) == 42
    assert load(tmp_path, dataclasses.replace(RECIPE, build=forbidden)).cached


def test_an_entry_of_another_library_is_not_read(tmp_path):
    load(tmp_path)
    key = compiler.Recipe("small", small, ("x",)).key(compiler.host())
    assert key is not None
    shutil.copy(entry(tmp_path), tmp_path / f"small-{key.hex()[:24]}.key")

    def build(_: str) -> Module:
        return other(tmp_path, 9).build()

    build.__module__, build.__qualname__ = small.__module__, small.__qualname__
    assert ask(load(tmp_path, compiler.Recipe("small", build, ("x",)))) == 9


def test_threads_that_want_the_same_library_compile_it_once(tmp_path, calls):
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(ask(load(tmp_path)))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [42] * 6
    assert len(calls) == 1


def test_a_folder_that_cannot_be_written_only_costs_time(tmp_path):
    folder = tmp_path / "file"
    folder.write_text("not a folder")
    code = load(folder)
    assert not code.cached
    assert ask(code) == 42
    assert not compiler.verified(RECIPE, folder=folder)


# -- several at a time --------------------------------------------------------------------------


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CHIARO_CACHE", str(tmp_path))
    return tmp_path / "kernels"


@pytest.fixture
def two(monkeypatch):
    """A backend of two small libraries."""
    recipes = tuple(compiler.Recipe(name, small) for name in ("first", "second"))
    monkeypatch.setattr(libraries, "of", lambda _name: recipes)
    return recipes


def test_libraries_are_made_by_several_processes(cache):
    if sources.hashed(ROOT / "zk/kernels") != sources.DIGEST:
        pytest.skip("the kernels were edited since these tests began")
    told: list[tuple[str, float]] = []
    made = ahead.prepare("portable", processes=2, progress=lambda *x: told.append(x))
    assert [(m.name, m.cached) for m in made] == [
        (name, False) for name in ("scalar", "verification", "linear")
    ]
    assert sorted(told) == sorted((m.name, share) for m in made for share in (0.0, 1.0))
    assert all(m.size > 1000 and m.milliseconds > 0 for m in made)
    assert ahead.prepare("portable") == []
    checked = ahead.prepare("portable", verify=True)
    assert [(m.name, m.cached, m.size) for m in checked] == [(m.name, True, m.size) for m in made]
    assert library.load().cached
    assert len(list(cache.glob("*.o"))) == 3


@pytest.mark.parametrize("python", ["/nowhere/python", shutil.which("false"), shutil.which("cat")])
def test_processes_that_fail_only_cost_time(cache, two, monkeypatch, python):
    """One that does not start, one that ends at once, one that answers nonsense."""
    monkeypatch.setattr(sys, "executable", python)
    made = ahead.prepare("any", processes=3)
    assert [m.name for m in made] == ["first", "second"]
    assert all(load(cache, recipe).cached for recipe in two)


def test_an_error_while_compiling_leaves_no_process(cache, two, monkeypatch):
    started = []
    real = subprocess.Popen
    monkeypatch.setattr(
        subprocess, "Popen", lambda *a, **k: started.append(real(*a, **k)) or started[-1]
    )

    def refuse(_recipe):
        raise BackendError("no")

    monkeypatch.setattr(compiler, "obtain", refuse)
    with pytest.raises(BackendError):
        ahead.prepare("any", processes=2)
    assert len(started) == 1
    assert started[0].poll() is not None


def test_every_library_is_listed():
    written = {
        f"zk.kernels.vector.{path.stem}"
        for path in (ROOT / "zk/kernels/vector").glob("*library.py")
    }
    built = {recipe.build.__module__ for recipe in libraries.of("ifma-emulated")}
    apart = {"library", "verification", "linear"}
    assert built == written | {f"zk.kernels.{name}" for name in apart}


def test_names_of_a_backends_libraries_differ():
    for name in ("portable", "ifma-emulated"):
        names = [recipe.name for recipe in libraries.of(name)]
        assert len(set(names)) == len(names) > 1
    assert libraries.of("reference") == ()


def test_a_fresh_process_starts_from_the_cache_that_another_one_filled(cache):
    code = "from zk.kernels import verification\nprint(verification.load().cached)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    said = [
        subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for _ in range(2)
    ]
    assert said == ["False", "True"]
