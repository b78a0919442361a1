"""Several validators over the real application: agreement, recovery, liveness, determinism."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from node.consensus.application import CRASH_POINTS
from node.testing.cluster.faults import Crash, Faults, Lie, Partition, random_faults
from node.testing.cluster.invariants import Checker, Violation
from node.testing.cluster.keys import keys
from node.testing.cluster.sealed_host import SealedKit
from node.testing.cluster.simulation import Cluster
from node.testing.cluster.validator import POINTS
from private_exec.reveal import open_batch, recover

TRACE = """
from node.testing.cluster.faults import random_faults
from node.testing.cluster.ledger import seal
from node.testing.cluster.sealed_host import SealedKit
from node.testing.cluster.simulation import Cluster

cluster = Cluster(4, seed=11, faults=random_faults(11, 4))
cluster.submit(*(seal(cluster.keys.sealed(k)) for k in range(6)))
cluster.run_to(2)
cluster.finish()
print(cluster.digest)
"""


def test_a_seed_gives_one_trace_whatever_the_hash_seed(make_cluster) -> None:
    def trace(hash_seed: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        command = [sys.executable, "-c", TRACE]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    first = trace("1")
    assert len(first) == 64
    assert first == trace("2")


def test_two_seeds_give_two_traces(storm) -> None:
    assert storm(11).digest == storm(11).digest != storm(12).digest


def test_fair_weather_decides_in_round_0_and_every_batch_opens(make_cluster) -> None:
    made = make_cluster(1)
    made.run_to(4)
    made.run(200)
    made.finish()
    assert not [line for line in made.lines if "dies" in line or "refuses" in line]
    assert all("/0 of" in line for line in made.lines if "says" in line)
    ordered, opened = set(), set()
    for height, batch in sorted(made.checker.batches.items()):
        if height <= 4:
            ordered |= {b"intent %d" % item.terms.payer_nonce for item in batch.envelopes}
            for place in made.honest:
                messages = list(made.running[place].received[height].values())
                reveal, refused = recover(batch, messages)
                assert refused == {}
                opened |= set(open_batch(batch, reveal))
    assert opened == ordered
    assert len(opened) >= 3


@pytest.mark.parametrize("lie", list(Lie))
@pytest.mark.parametrize("n", [4, 7])
def test_f_liars_stop_nothing(make_cluster, n, lie) -> None:
    liars = dict.fromkeys(range(1, 1 + (n - 1) // 3), lie)
    made = make_cluster(5, n, faults=Faults(liars=liars))
    made.run_to(n)
    made.run(500)
    made.finish()
    refused = {rule for place in made.honest for rule in made.running[place].refused}
    if lie is Lie.INVALID:
        assert refused == {"CH-8"}
    elif lie is Lie.GARBAGE:
        assert refused
        assert refused <= {"CH-1", "CH-3", "CH-4", "CH-5", "CH-6"}
    elif lie is Lie.FORGE:
        assert {"CL-2", "CL-3"} <= refused
    else:
        assert refused == set()


def test_f_plus_1_stopped_halt_without_a_fork_and_recover(make_cluster) -> None:
    for n in (4, 7):
        made = make_cluster(3, n)
        made.run_to(1)
        down = range((n - 1) // 3 + 1)
        made.stop(*down)
        made.run(1_000)
        halted = made.heights
        made.run(20_000)
        assert made.heights == halted
        made.start(*down)
        made.run_to(max(halted) + 2)
        made.finish()


def test_islands_without_a_quorum_wait_for_each_other(make_cluster) -> None:
    cut = Partition(0, 4_000, (frozenset({0, 2}),))
    made = make_cluster(2, faults=Faults(4_000, partitions=(cut,)))
    made.run(3_999)
    assert made.heights == [0, 0, 0, 0]
    made.run_to(2)
    made.finish()


def test_a_crash_at_every_point_of_a_height_loses_nothing(make_cluster) -> None:
    """The proposer of height 1 dies at its first point, in another run at its second, …"""
    died = []
    for point in range(1, 100):
        made = make_cluster(4, faults=Faults(2_000, crashes=(Crash(1, point, 100),)))
        made.run_to(1)
        made.finish()
        died += [line.split(" dies at ")[1] for line in made.lines if " dies at " in line]
    in_memory = set(CRASH_POINTS) - {"checkpoint-before-rename", "prune-planned"}
    assert set(died) == in_memory | set(POINTS)


def test_more_liars_than_allowed_fork_the_chain_and_the_checker_sees_it(make_cluster) -> None:
    found = 0
    for seed in range(1, 30):
        two = Faults(liars={0: Lie.EQUIVOCATE, 1: Lie.EQUIVOCATE})
        made = make_cluster(seed, faults=two)
        try:
            made.run_to(2)
        except Violation as violation:
            assert violation.what == "agreement"
            found += 1
            break
    assert found


def test_more_silence_than_allowed_is_seen_as_no_liveness(make_cluster) -> None:
    made = make_cluster(1, faults=Faults(liars={0: Lie.MUTE, 1: Lie.MUTE}))
    with pytest.raises(Violation) as caught:
        made.run_to(1)
    assert caught.value.what == "liveness"


def test_the_checker_sees_lost_blocks_and_strange_transactions(make_cluster) -> None:
    made = make_cluster(1)
    made.run_to(2)
    checker = made.checker
    with pytest.raises(Violation) as caught:
        checker.restarted(0, 1)
    assert caught.value.what == "durability"
    checker.submitted.clear()
    with pytest.raises(Violation) as caught:
        checker.finish(2)
    assert caught.value.what == "validity"
    (block, root), _ = (checker.final[height] for height in (1, 2))
    fresh = Checker(SealedKit(keys(4)))
    fresh.committed(0, block, root)
    with pytest.raises(Violation) as caught:
        fresh.committed(1, block, type(root)(bytes(32)))
    assert caught.value.what == "agreement"


def test_liars_of_random_schedules_are_less_than_a_third() -> None:
    for n in (4, 7):
        drawn = [random_faults(seed, n) for seed in range(200)]
        assert max(len(faults.liars) for faults in drawn) == (n - 1) // 3
        assert {lie for faults in drawn for lie in faults.liars.values()} == set(Lie)
        assert any(faults.partitions for faults in drawn)
        assert any(len(faults.crashes) == n for faults in drawn)


def test_secrets_are_in_no_repr() -> None:
    made = Cluster(4)
    secret = made.keys.held[0].values[1]
    assert str(secret) not in repr(made.keys)
