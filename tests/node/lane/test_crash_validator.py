"""kill −9 of a validator: what it says after the restart is what it said before (LN-25, LN-27)."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from node.app import development
from node.app.node import Node
from node.core.ids import Height
from node.lane import layout, payload
from node.lane.payload import Tag, tag_of_wire
from node.lane.validator import identity
from node.lane.validator.roots import FileRootLogs
from node.lane.validator.secrets import AttemptId, FileSecrets
from node.store.chain import Chain
from node.store.rocksdb import open_store
from node.testing.clock import EPOCH_MS

CHILD = Path(__file__).parent / "keeper_child.py"
KEY = {f"key 1/0/0/{what}" for what in ("NOTICE", "COMMIT", "DEALING")}


@pytest.fixture
def home(tmp_path) -> Path:
    public = identity.create(tmp_path / "home" / identity.KEY_FILE).public
    Node.create(tmp_path / "home", development.genesis(EPOCH_MS, validators=(public,)))
    return tmp_path / "home"


@pytest.fixture(scope="module")
def run():
    """Start a validator, killed at the n-th passing of a point; how its process ended."""
    with subprocess.Popen(
        [sys.executable, str(CHILD)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:

        def start(home: Path, point: str = "", hit: int = 0) -> int:
            process.stdin.write(json.dumps([str(home), point, hit]) + "\n")
            process.stdin.flush()
            return int(process.stdout.readline())

        yield start
        process.stdin.close()


def said(home: Path) -> dict[str, set[str]]:
    """What → all the bytes that were ever said for it."""
    found: dict[str, set[str]] = {}
    for line in (home / "said").read_text().splitlines():
        what, which, data = line.split()
        found.setdefault(f"{what} {which}", set()).add(data)
    return found


def check(home: Path) -> None:
    """One message for everything, and the intent was opened."""
    found = said(home)
    shares = [what for what in found if what.startswith("share ")]
    assert set(found) >= KEY
    assert len(shares) == 1
    assert all(len(different) == 1 for different in found.values()), "it contradicted itself"
    genesis = development.genesis(
        EPOCH_MS, validators=(identity.load(home / identity.KEY_FILE).public,)
    )
    height, epoch = map(int, shares[0].removeprefix("share ").split("/"))
    logs = FileRootLogs(home / "lane" / "roots", genesis.chain_id)
    assert logs.log(1).root(height, epoch) is not None
    secrets = FileSecrets(home / "lane" / "secrets", genesis.chain_id)
    assert secrets.kept() == (AttemptId(1, 0, 0),)
    store = open_store(home / "chain", genesis.chain_id)
    try:
        block = Chain(store).block(Height(height + 1))
        assert tag_of_wire(block.txs[0]) is Tag.REVEAL
        ref = payload.ref(1, 0)
        assert len(layout.fates(store.reader(), ref)) == 1
        assert not layout.live(store.reader())
    finally:
        store.close()


@pytest.mark.parametrize(
    ("point", "hits"),
    [
        ("secret-kept", [1]),
        ("root-recorded", [1]),
        ("engine-committed", [3, 2]),
        pytest.param("before-saying", [2, 2, 2], marks=pytest.mark.slow),
        pytest.param("after-saying", [2, 2, 2, 2], marks=pytest.mark.slow),
        pytest.param("engine-acknowledged", [3, 3], marks=pytest.mark.slow),
        pytest.param("store-after-write", [4, 2], marks=pytest.mark.slow),
    ],
)
def test_ln25_a_killed_validator_goes_on_with_the_same_words(run, home, point, hits) -> None:
    for hit in hits:
        assert run(home, point, hit) == -signal.SIGKILL
    assert run(home) == 0
    check(home)
