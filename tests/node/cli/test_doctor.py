"""`chiaro doctor`: what it says, and what --warm makes."""

from __future__ import annotations

import json

import pytest

from circuits.registry import STATEMENTS
from node.cli import doctor, output
from zk.backends import ENV_BACKEND
from zk.kernels import libraries


@pytest.fixture
def portable(monkeypatch):
    monkeypatch.setenv(ENV_BACKEND, "portable")


def test_it_says_what_will_be_used(offline, monkeypatch):
    monkeypatch.delenv(ENV_BACKEND, raising=False)
    data = offline("doctor", "--json").data
    assert [check["id"] for check in data["checks"]] == [
        *(name for name, _ in doctor.CHECKS),
        "node",
    ]
    assert "warm" not in data


def test_it_says_what_the_environment_forces(offline, portable):
    checks = {check["id"]: check for check in offline("doctor", "--json").data["checks"]}
    assert checks["arithmetic"]["detail"].startswith(f"portable, as {ENV_BACKEND} says")


def test_a_backend_that_does_not_exist_is_a_finding(offline, monkeypatch):
    monkeypatch.setenv(ENV_BACKEND, "ifma2")
    result = offline("doctor", "--json")
    assert result.code == 1
    (bad,) = (check for check in result.document["data"]["checks"] if not check["ok"])
    assert bad["id"] == "arithmetic"
    assert "ifma2" in bad["detail"]
    assert "portable" in bad["fix"]


def test_a_second_warming_finds_everything(offline, portable):
    offline("doctor", "--warm", "--json")
    warm = offline("doctor", "--warm", "--json").data["warm"]
    names = [(item["kind"], item["name"]) for item in warm]
    kernels = [("kernels", recipe.name) for recipe in libraries.of("portable")]
    statements = [(kind, name) for name in STATEMENTS for kind in ("key", "witness")]
    assert names == [*kernels, *statements]
    assert all(item["cached"] and item["bytes"] > 1000 for item in warm)
    text = offline("doctor", "--warm").out
    assert text.count(" cached ") == len(warm)
    assert " made " not in text


def test_an_empty_cache_is_filled(offline, portable, monkeypatch, tmp_path):
    """Kernels only: the key takes seconds, and its own tests build it."""
    monkeypatch.setenv("CHIARO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("circuits.registry.STATEMENTS", ())
    told: list[tuple[str, float]] = []

    def progress(_session, _title):
        from contextlib import nullcontext

        return nullcontext(lambda *x: told.append(x))

    monkeypatch.setattr(output, "progress", progress)
    document = json.loads(offline("doctor", "--warm", "--json").out)
    warm = document["data"]["warm"]
    kernels = libraries.of("portable")
    assert [item["cached"] for item in warm] == [False for _ in kernels]
    assert sorted(told) == sorted((item["name"], share) for item in warm for share in (0.0, 1.0))
    again = offline("doctor", "--warm", "--json").data["warm"]
    assert [item["cached"] for item in again] == [True for _ in kernels]
