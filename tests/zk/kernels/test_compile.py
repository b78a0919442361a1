"""The object cache: exact matches only, damage repaired, and nothing needed of the disk."""

from __future__ import annotations

import ctypes
import dataclasses
import os
import platform
import random
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from zk.errors import BackendError
from zk.field.arrays import to_array
from zk.kernels import compile as compiler
from zk.kernels import library, linear, verification
from zk.kernels.constants import FR
from zk.kernels.loaded import Kernels
from zk.kernels.vector import library as vector


def answer(value: int) -> str:
    return f"define i64 @answer() {{\n  ret i64 {value}\n}}\n"


def ask(code: compiler.Compiled) -> int:
    return code.bind("answer", returns=ctypes.c_int64)()


def load(value: int, folder) -> compiler.Compiled:
    return compiler.load(answer(value), ("answer",), folder=folder)


def test_second_load_comes_from_the_cache(tmp_path):
    first, second = load(41, tmp_path), load(41, tmp_path)
    assert (first.cached, second.cached) == (False, True)
    assert ask(first) == ask(second) == 41


def test_changed_text_never_loads_a_stale_object(tmp_path):
    load(1, tmp_path)
    changed = load(2, tmp_path)
    assert not changed.cached
    assert ask(changed) == 2


def test_a_file_under_another_texts_name_is_not_loaded(tmp_path):
    """Even where the file name matches, the key inside decides."""
    load(1, tmp_path)
    (one,) = tmp_path.glob("*.o")
    load(2, tmp_path)
    (two,) = set(tmp_path.glob("*.o")) - {one}
    two.write_bytes(one.read_bytes())
    again = load(2, tmp_path)
    assert not again.cached
    assert ask(again) == 2


@pytest.mark.parametrize("field", ["triple", "cpu", "features", "llvm"])
def test_key_depends_on_the_whole_target(field):
    target = compiler.host()
    other = dataclasses.replace(target, **{field: getattr(target, field) + "x"})
    assert other.key("text") != target.key("text")
    assert target.key("text") == compiler.host().key("text")
    assert target.key("te", "xt") != target.key("text")


def test_passes_are_part_of_the_key(tmp_path):
    for passes in (compiler.LIGHT, compiler.FULL):
        for cached in (False, True):
            code = compiler.load(answer(5), ("answer",), folder=tmp_path, passes=passes)
            assert (code.cached, ask(code)) == (cached, 5)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:20],
        lambda data: data[:-1],
        lambda data: data + b"\0",
        lambda data: data[:-5] + bytes([data[-5] ^ 1]) + data[-4:],
        lambda data: b"X" + data[1:],
    ],
    ids=["empty", "header only", "truncated", "longer", "one bit", "magic"],
)
def test_damaged_entry_is_rebuilt(tmp_path, damage):
    load(7, tmp_path)
    (path,) = tmp_path.glob("*.o")
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    rebuilt = load(7, tmp_path)
    assert not rebuilt.cached
    assert ask(rebuilt) == 7
    assert path.read_bytes()[: len(whole) // 2] == whole[: len(whole) // 2]
    assert load(7, tmp_path).cached


def test_a_cache_that_cannot_be_written_only_costs_time(tmp_path):
    folder = tmp_path / "file"
    folder.write_text("not a folder")
    code = load(9, folder)
    assert not code.cached
    assert ask(code) == 9
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_no_temporary_files_remain(tmp_path):
    load(3, tmp_path)
    assert len(list(tmp_path.iterdir())) == 1


def test_refused_text_is_an_error_of_ours(tmp_path):
    with pytest.raises(BackendError):
        compiler.load("define i64 @f() { ret i32 0 }", ("f",), folder=tmp_path)


def test_the_ir_is_deterministic_and_free_of_target_intrinsics():
    text = library.build().text()
    assert text == library.build().text()
    assert "llvm.x86" not in text
    assert "llvm.aarch64" not in text


@pytest.mark.parametrize("made", [library, linear, verification], ids=lambda m: m.__name__)
def test_signatures_cover_exactly_the_exports(made):
    module = made.build()
    signatures = made._SIGNATURES
    assert set(module.exports) == set(signatures)
    for name, (letters, _) in signatures.items():
        (head,) = [
            line
            for line in module.text().splitlines()
            if line.startswith("define") and f"@{name}(" in line
        ]
        params = head[head.index("(") + 1 : head.index(")")].split(", ")
        assert "".join("p" if p.startswith("ptr") else "n" for p in params) == letters


@pytest.mark.parametrize("multiplier", ["fma", "ifma", "ifma-emulated"])
def test_every_vector_export_has_a_signature(multiplier):
    """The IR of every multiplier can be written anywhere, for processors that this one is not."""
    text = vector.build(multiplier).text()
    for name, (letters, _) in vector._SIGNATURES.items():
        (head,) = re.findall(rf"^define \w+ @{name}\((.*)\) nounwind", text, re.MULTILINE)
        params = head.split(", ")
        assert "".join("p" if p.startswith("ptr") else "n" for p in params) == letters


def run(code: str, *, timeout: float | None = None, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.strip()


WORK = """
from zk.backends import get
from zk.field.arrays import to_array
b = get()
print(b.name, b.fr_powers(to_array([5]), 2).shape)
"""


def test_read_only_home_falls_back(tmp_path):
    """HOME may not exist and not be made: below a file nothing can be, even by root."""
    blocked = tmp_path / "blocked"
    blocked.write_text("")
    home = str(blocked / "home")
    where = {"HOME": home, "XDG_CACHE_HOME": home, "CHIARO_CACHE": home, "TMPDIR": str(tmp_path)}
    assert run(WORK, CHIARO_BACKEND="portable", **where) == "portable (2, 4)"


@pytest.mark.parametrize("broken", ["llvmlite", "llvmlite.binding"])
def test_without_llvm_the_reference_answers_without_a_warning(broken):
    assert run(f"import sys\nsys.modules[{broken!r}] = None\n{WORK}") == "reference (2, 4)"


def test_a_backend_asked_for_by_name_is_not_replaced():
    code = (
        "import sys\nsys.modules['llvmlite'] = None\n"
        "from zk.backends import get\nfrom zk.errors import BackendError\n"
        "try:\n    get('portable')\nexcept BackendError as error:\n    print(error.fix)"
    )
    assert "reference" in run(code)


def test_importing_the_backends_does_not_import_llvm_or_numba():
    loaded = run("import sys, zk.backends\nprint(*sys.modules)").split()
    assert "zk.backends" in loaded
    assert not {"numba", "llvmlite"} & set(loaded)


def test_a_forked_child_computes_in_threads_after_its_parent_did():
    """Neither pools nor locks of the parent are waited for."""
    code = """
import os, random, warnings
from zk.backends import get
from zk.bench.tasks import backend_with
from zk.field.arrays import to_array
b = backend_with(get().name, 2)
rng = random.Random(1)
k = to_array(rng.randrange(1 << 250) for _ in range(8192))
p = b.fixed_base_g1(k)
want = b.ntt(k), b.msm_g1(p, k)
with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    pid = os.fork()
if pid == 0:
    same = (b.ntt(k) == want[0]).all() and (b.msm_g1(p, k) == want[1]).all()
    os._exit(0 if same else 1)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
    assert run(code) == "0"


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="reads Linux's list of libraries")
def test_nothing_brings_openmp():
    """A fork after OpenMP kills the child."""
    code = f"""
import re, sys
from pathlib import Path
{WORK}
k = to_array(range(8192))
b.msm_g1(b.fixed_base_g1(k), k)
b.ntt(k)
print("numba" in sys.modules, re.findall("lib[gi]?omp|libtbb", Path("/proc/self/maps").read_text()))
"""
    assert run(code).splitlines()[-1] == "False []"


WAIT = """
define void @wait(ptr %words) {
  %there = getelementptr i8, ptr %words, i64 8
  store atomic i64 1, ptr %there seq_cst, align 8
  br label %again
again:
  %word = load atomic i64, ptr %words seq_cst, align 8
  %done = icmp ne i64 %word, 0
  br i1 %done, label %out, label %again
out:
  ret void
}
"""


def test_kernels_run_without_the_gil():
    """One that waits for what only another thread of Python writes."""
    code = f"""
import ctypes, threading
import numpy as np
from zk.kernels import compile as compiler
code = compiler.load({WAIT!r}, ("wait",))
wait = code.bind("wait", ctypes.c_void_p)
words = np.zeros(2, dtype=np.uint64)
thread = threading.Thread(target=wait, args=(words.ctypes.data,))
thread.start()
while words[1] == 0:
    pass
words[0] = 1
thread.join()
print("done")
"""
    assert run(code, timeout=100) == "done"


@pytest.mark.parametrize(
    ("triple", "cpu", "machine"),
    [
        ("x86_64-unknown-linux-gnu", "x86-64", 0x3E),
        ("aarch64-unknown-linux-gnu", "generic", 0xB7),
    ],
)
def test_all_kernels_compile_for_the_plainest_machines(triple, cpu, machine):
    """Without one optional feature, on both architectures: nothing depends on this machine."""
    llvm = pytest.importorskip("llvmlite.binding")
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    plain = compiler.Target(triple=triple, cpu=cpu, features="", llvm="")
    data = compiler.build(library.build().text(), plain)
    assert data[:4] == b"\x7fELF"
    assert int.from_bytes(data[18:20], "little") == machine


@pytest.mark.skipif(platform.machine() != "x86_64", reason="runs code of the plainest x86-64")
def test_code_of_the_plainest_machine_computes_the_same():
    host = compiler.host()
    plain = dataclasses.replace(host, cpu="x86-64", features="")
    module = library.build()
    data = compiler.build(module.text(), plain)
    slow = Kernels(compiler._link(data, module.exports, cached=False), library._SIGNATURES)
    rng = random.Random(1)
    a = to_array(rng.randrange(FR.value) for _ in range(64))
    results = []
    for code in (slow, library.shared()):
        out = np.empty_like(a)
        code.call("fr_mul_rows", out.ctypes.data, a.ctypes.data, a.ctypes.data, 32, 64)
        results.append(out)
    np.testing.assert_array_equal(*results)
