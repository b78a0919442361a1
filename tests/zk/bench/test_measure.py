"""Timing one function: what is recorded, not how long anything takes."""

from __future__ import annotations

import json

import pytest

from zk.bench import SCHEMA, machine, measure


def test_a_measurement_counts_its_calls_and_carries_its_machine():
    calls = []
    result = measure("noop", lambda: calls.append(1), size=3, backend="none", rounds=4)
    assert len(calls) == 5
    assert (result.name, result.size, result.backend, result.rounds) == ("noop", 3, "none", 4)
    assert 0 <= result.best_ms <= result.wall_ms
    assert result.machine == machine()
    assert result.machine.cores >= 1


def test_json_is_one_line_with_its_schema():
    text = measure("noop", lambda: None, rounds=1).to_json()
    assert "\n" not in text
    assert json.loads(text)["schema"] == SCHEMA


def test_no_rounds_are_refused():
    with pytest.raises(ValueError, match="round"):
        measure("noop", lambda: None, rounds=0)
