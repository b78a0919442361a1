"""Solvers in processes of their own: what they do to themselves stays there."""

from __future__ import annotations

import os
import textwrap
from pathlib import Path

import pytest

from node.intents.check import check_settlement
from node.intents.errors import SolverFailed, TooComplex
from node.intents.settlement import Complete
from node.intents.worker import Limits, run_solver, seed_of

BAD = """
    import os, sys, time
    from node.intents.errors import TooComplex
    from node.intents.settlement import Complete

    def sleeps(problem, seed):
        time.sleep(60)

    def forks(problem, seed):
        if os.fork() == 0:
            time.sleep(60)
        time.sleep(60)

    def floods(problem, seed):
        while True:
            for fd in range(3, 20):
                try:
                    os.write(fd, bytes(1 << 20))
                except OSError:
                    pass

    def raises(problem, seed):
        raise RuntimeError("plaintext of an intent")

    def kills(problem, seed):
        os.abort()

    def eats(problem, seed):
        return bytearray(3 << 30)

    def garbage(problem, seed):
        for fd in range(3, 20):  # one of them is where the answer goes
            try:
                os.write(fd, b"1garbage")
            except OSError:
                pass
        os._exit(0)

    def prints(problem, seed):
        print("plaintext of an intent")
        os.write(1, b"0 not an answer")
        return ()

    def declines(problem, seed):
        raise TooComplex("too many for me \\x1b[31m")

    def invents(problem, seed):
        return (Complete(bytes(32)),)

    def looks(problem, seed):
        assert "CHIARO_TEST_SECRET" not in os.environ
        assert len(seed) == 32
        return ()
"""


@pytest.fixture
def bad(tmp_path, monkeypatch):
    (tmp_path / "bad_solvers.py").write_text(textwrap.dedent(BAD))
    root = os.environ.get("PYTHONPATH", "") or str(Path.cwd())
    monkeypatch.setenv("PYTHONPATH", f"{root}{os.pathsep}{tmp_path}")
    return lambda name: f"bad_solvers:{name}"


@pytest.fixture
def problem(market):
    return market.problem(market.batch(market.transfer(0, 1, 7)))


def failed(name, problem, **limits) -> SolverFailed:
    with pytest.raises(SolverFailed) as caught:
        run_solver(name, problem, limits=Limits(**limits))
    assert caught.value.id == "IN-30"
    assert "plaintext" not in f"{caught.value} {caught.value.where}"
    return caught.value


def test_built_in_solvers_answer_from_their_process(market, ring) -> None:
    """The same answer as in this process, and again: seeds are the batch's."""
    from node.intents.solvers import standard

    gold, silver, _ = market.metals
    orders = market.order(0, gold, 9, silver), market.order(1, silver, 9, gold)
    batch = market.batch(*ring, *orders, market.transfer(2, 3, 7))
    problem = market.problem(batch)
    settlement = run_solver("standard", problem, limits=Limits(seconds=60))
    assert settlement == problem.settlement(standard.solve(problem, seed_of(batch.id)))
    outcome = check_settlement(batch, settlement, market.view(), market.registry)
    assert not outcome.refused
    assert len(outcome.accepted) == 3


@pytest.mark.parametrize("name", ["sleeps", "forks"])
def test_in30_out_of_time(bad, problem, name) -> None:
    assert "within" in failed(bad(name), problem, seconds=1).message


@pytest.mark.parametrize("name", ["raises", "kills", "eats"])
def test_in30_crash(bad, problem, name) -> None:
    assert "exit status" in failed(bad(name), problem, seconds=60).message


def test_in30_an_answer_without_end(bad, problem) -> None:
    assert "does not end" in failed(bad("floods"), problem, seconds=60).message


def test_in30_an_answer_that_is_none(bad, problem) -> None:
    assert "decode" in failed(bad("garbage"), problem, seconds=60).message


@pytest.mark.parametrize("name", ["no_such_module:solve", "?"])
def test_in30_a_solver_that_is_not_there(bad, problem, name) -> None:
    failed(name, problem, seconds=60)


def test_what_a_solver_prints_is_no_part_of_its_answer(bad, problem) -> None:
    assert run_solver(bad("prints"), problem, limits=Limits(seconds=60)).components == ()


def test_a_solver_may_decline_and_its_text_is_harmless(bad, problem) -> None:
    with pytest.raises(TooComplex) as caught:
        run_solver(bad("declines"), problem, limits=Limits(seconds=60))
    assert "too many" in caught.value.message
    assert "\x1b" not in caught.value.message


def test_an_invented_settlement_decodes_and_is_refused_later(bad, market, problem) -> None:
    batch = market.batch(market.transfer(0, 1, 7))
    settlement = run_solver(bad("invents"), problem, limits=Limits(seconds=60))
    assert settlement.components == (Complete(bytes(32)),)
    with pytest.raises(Exception, match="not in the batch"):
        check_settlement(batch, settlement, market.view(), market.registry)


def test_the_nodes_environment_is_not_the_solvers(bad, problem, monkeypatch) -> None:
    monkeypatch.setenv("CHIARO_TEST_SECRET", "1")
    assert run_solver(bad("looks"), problem, limits=Limits(seconds=60)).components == ()
