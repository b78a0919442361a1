"""Load on a real node, little of it: everything that was due is sent, told of and accounted for."""

from __future__ import annotations

import itertools

from node.rpc.client import NodeClient
from node.testing.load import targets
from node.testing.load.run import Spread, run
from node.testing.load.workloads import Payments

RATE, SECONDS = 10, 2


def test_all_that_was_due_is_accounted_for() -> None:
    with targets.embedded(200) as target, NodeClient(target.urls[0]) as client:
        found = run(target, Payments(client, target.genesis, 3, 1), RATE, SECONDS)
        again = client.status().height
    assert (found.target, found.workload, found.sent) == ("embedded", "transparent", 20)
    assert (found.included, found.failed, found.refused) == (20, 0, {})
    assert 0 < found.heights < again
    assert set(found.taken) == {"nodes"}
    assert found.taken["nodes"].rss_last > 0
    assert 0 < found.inclusion.p50 <= found.inclusion.p99 <= found.inclusion.most


def test_what_a_node_refuses_is_counted_by_its_code() -> None:
    with targets.embedded(200) as target:
        found = run(target, Garbled(), RATE, 1)
    assert (found.sent, found.included) == (RATE, 0)
    assert found.refused == {"ENC-002": RATE}
    assert found.inclusion == Spread.of([])


class Garbled:
    """Transactions that nobody can decode, each another one."""

    name = "garbled"

    def __init__(self) -> None:
        self._numbers = itertools.count()

    def next(self, tip: int) -> bytes:
        return b"\xff%d" % next(self._numbers)
