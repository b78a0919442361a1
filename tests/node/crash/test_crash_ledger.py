"""kill −9 at every named point of a node with the real executor and real proofs."""

from __future__ import annotations

import importlib.util
import random
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def load_beside(name: str):
    spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


crash = load_beside("test_crash")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("ledger") / "script.json"
    load_beside("ledger_node").record(file, crash.TARGET)
    return file


@pytest.fixture(scope="module")
def world(kv, recorded):
    return kv.world(str(recorded))


@pytest.fixture(scope="module")
def roots(world):
    return world.uninterrupted(crash.TARGET)


@pytest.fixture(scope="module")
def nursery(kv_node_path, recorded):
    with crash.nursery_of(kv_node_path, str(recorded)) as run:
        yield run


def test_the_recorded_transactions_all_succeed(world) -> None:
    from node.core.ids import EnvironmentId
    from node.execution import turnstile
    from node.store.memory import memory_store

    store = memory_store(world.genesis.chain_id)
    _, engine = world.build(store)
    engine.start()
    receipts = [r for _ in range(crash.TARGET) for r in engine.produce_block().receipts]
    assert {receipt.code for receipt in receipts} == {"ok"}
    assert sum(r.environment is EnvironmentId.SHIELDED for r in receipts) == 4
    assert sum(r.environment is EnvironmentId.CHAIN for r in receipts) == 2
    assert all(line.adds_up for line in turnstile.supply(store.reader()))


@pytest.mark.parametrize("point", crash.POINTS)
def test_ch22_the_ledger_killed_at_a_named_point(nursery, kv, world, roots, tmp_path, point):
    hits = [1, 1] if point.startswith(crash.SELDOM) else [3, 1]
    killed = crash.kill_at(nursery, tmp_path, point, hits)
    assert killed == (1 if point == "init-after-commit" else len(hits))
    crash.check(tmp_path, kv, roots, world=world)


@pytest.mark.slow
@pytest.mark.parametrize("point", crash.REPEATED)
def test_ch22_the_ledger_killed_often(nursery, kv, world, roots, tmp_path, point):
    rng = random.Random(point)
    killed = 0
    while killed < 12:
        folder = tmp_path / str(killed)
        folder.mkdir()
        most = 1 if point.startswith(crash.SELDOM) else 3
        killed += crash.kill_at(nursery, folder, point, [rng.randint(1, most)] * 3)
        crash.check(folder, kv, roots, world=world)
