"""Which backend computes: by features, by name, and never by what this processor cannot do."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from zk import backends
from zk.errors import BackendUnavailable
from zk.kernels import ahead, libraries, target
from zk.kernels import compile as compiler
from zk.kernels.vector import ifma
from zk.kernels.vector import library as vector

FEATURES = {
    "a server without IFMA": "+sse4.2,+avx,+avx2,+fma,+avx512f,+avx512vl,+avx512dq,-avx512ifma",
    "a desktop": "+sse4.2,+avx,+avx2,+fma,-avx512f,-avx512ifma",
    "before 2013": "+sse4.2,+avx,-avx2,-fma",
    "the first x86-64": "+sse2",
    "aarch64": "+neon,+fp-armv8",
}
CAN = {
    "a server without IFMA": {"fma"},
    "a desktop": {"fma"},
    "before 2013": set(),
    "the first x86-64": set(),
    "aarch64": set(),
}


@pytest.fixture
def machine(monkeypatch, request):
    """LLVM says of this processor what the parameter says; no IR may be written meanwhile."""
    told = target.Target("x86_64-unknown-linux-gnu", "generic", FEATURES[request.param], "22")
    monkeypatch.setattr(compiler, "host", lambda: told)

    def never(*_):
        raise AssertionError("IR was written for a processor that cannot run it")

    monkeypatch.setattr(vector, "begin", never)
    return request.param


every_machine = pytest.mark.parametrize("machine", FEATURES, indirect=True)


@every_machine
@pytest.mark.parametrize("name", ["ifma", "fma"])
def test_features_decide_before_any_ir_is_written(machine, name):
    if name in CAN[machine]:
        assert vector.supported(name) is compiler.assembles()
        return
    assert not vector.supported(name)
    for ask in (vector.load, libraries.of, ahead.prepare):
        with pytest.raises(BackendUnavailable, match="processor lacks") as refused:
            ask(name)
        assert refused.value.exit_code == 2
        assert "portable" in refused.value.fix


@every_machine
def test_the_message_names_exactly_what_is_missing(machine):
    with pytest.raises(BackendUnavailable) as refused:
        vector.load("ifma")
    said = refused.value.message.rpartition("lacks ")[2].split(", ")
    have = FEATURES[machine].split(",")
    assert said == [feature for feature in ifma.FEATURES if f"+{feature}" not in have]
    assert "avx512ifma" in said


@every_machine
def test_the_reference_and_the_portable_kernels_need_nothing(machine):
    assert libraries.of("reference") == ()
    assert [recipe.name for recipe in libraries.of("portable")] == [
        "scalar",
        "verification",
        "linear",
    ]


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


FORCED = """
import dataclasses
from zk.kernels import compile as compiler
told = dataclasses.replace(compiler.host(), features={features!r})
compiler.host = lambda: told
from zk import backends
from zk.errors import BackendUnavailable
try:
    print(backends.get().name)
except BackendUnavailable as error:
    print(error.id, error.message)
"""


@pytest.mark.parametrize(
    ("forced", "said"),
    [
        ("ifma", "BCK-002 the backend 'ifma' cannot run here: this processor lacks avx512f"),
        ("fma", "BCK-002 the backend 'fma' cannot run here: this processor lacks avx2, fma"),
        ("reference", "reference"),
        ("", "portable"),
    ],
)
def test_a_process_forced_by_the_environment_ends_with_a_message(forced, said):
    """On a processor without one optional feature; an abort would have another exit code."""
    done = run(FORCED.format(features="+sse2"), CHIARO_BACKEND=forced)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(said)


@pytest.mark.parametrize("name", ["", "numba", "Reference", "ifma-emulated"])
def test_names_that_do_not_exist(name, monkeypatch):
    monkeypatch.delenv(backends.ENV_BACKEND, raising=False)
    with pytest.raises(BackendUnavailable, match="no backend is called"):
        backends.get(name)


def test_a_bad_name_in_the_environment_is_refused_by_all_that_choose(monkeypatch):
    monkeypatch.setenv(backends.ENV_BACKEND, "ifma2")
    for ask in (backends.get, backends.warm):
        with pytest.raises(BackendUnavailable, match="ifma2") as refused:
            ask()
        assert refused.value.where == backends.ENV_BACKEND


@pytest.mark.parametrize("name", ["portable", "reference"])
def test_warming_what_the_environment_names(monkeypatch, name):
    monkeypatch.setenv(backends.ENV_BACKEND, name)
    told: list[tuple[str, float]] = []
    made = backends.warm(lambda *x: told.append(x))
    assert [m.name for m in made] == [recipe.name for recipe in libraries.of(name)]
    assert all(m.cached for m in backends.warm())
    assert sorted(told) == sorted((m.name, share) for m in made for share in (0.0, 1.0))


def test_warming_the_best(monkeypatch):
    monkeypatch.delenv(backends.ENV_BACKEND, raising=False)
    made = backends.warm()
    assert [m.name for m in made] == [r.name for r in libraries.of(backends.get().name)]
    assert backends.get().name == backends.available()[0]
