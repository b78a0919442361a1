"""A cluster on which people trade: sealed orders, a solver, and what must be true at the end.

Every run is judged by `judge`: agreement and validity (a fresh replay), shares of final blocks only
(PX-1), no last look (P1-1), nothing opened early.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from node.core.genesis import Genesis
from node.core.ids import Kind
from node.core.interfaces import StateReader
from node.core.lane import LaneParameters
from node.lane import layout
from node.lane.layout import Stage
from node.lane.validator.keeper import Keeper
from node.testing.cluster import lane_checks, market
from node.testing.cluster.faults import Faults
from node.testing.cluster.invariants import Violation
from node.testing.cluster.keys import entropy
from node.testing.cluster.lane_host import BUSY, LANE, LaneKit, keeper_of
from node.testing.cluster.market import GOLD, SILVER, START, trader
from node.testing.cluster.simulation import Cluster
from transparent.accounts import Ledger

SOLD: Final = {1: 60, 2: 100, 3: 60}
"""What traders 1 to 3 sell; 1 and 3 gold, 2 silver, at one for one."""
_MANY: Final = 16

Endings = dict[tuple[int, int], tuple[str, int]]
"""How each batch ended, and in which block."""


class Trade:
    """A cluster, three traders and a solver; what they do follows from the chain.

    Args:
        n: validators.
        seed: of everything random.
        faults: the schedule.
        lane: of the chain; by default one whose rounds are as long as n asks for.
        stakes: of the validators; default: none, and equals.
    """

    def __init__(
        self,
        n: int,
        *,
        seed: int = 1,
        faults: Faults | None = None,
        lane: LaneParameters | None = None,
        stakes: Sequence[int] | None = None,
    ) -> None:
        lane = lane or (LANE if n < _MANY else BUSY)  # more validators, more messages are late
        allocations = market.allocations(4)
        self.kit: Final = LaneKit.of(n, allocations=allocations, lane=lane, stakes=stakes)
        self.genesis: Final[Genesis] = self.kit.keys.genesis
        self.lane: Final = lane
        self.cluster: Final = Cluster(n, seed=seed, faults=faults, kit=self.kit)
        self.services: Final = market.services_of(self.genesis, self.kit.verifier)
        self.sealer: Final = market.Sealer(self.genesis)
        self.checker: Final = self.cluster.checker
        self.height = 0
        self._solved: set[bytes] = set()
        self._nonce = 0

    @property
    def state(self) -> StateReader:
        """Behind the last final block."""
        return self.checker.state

    @property
    def keepers(self) -> list[Keeper]:
        """Of the honest validators."""
        return [keeper_of(self.cluster.running[place].host) for place in self.cluster.honest]

    def step(self, heights: int = 1) -> None:
        """Go on; the solver settles whatever was opened."""
        for _ in range(heights):
            self.height += 1
            self.cluster.run_to(self.height)
            for item in layout.live(self.state):
                if item.stage is Stage.SOLVING and item.ref not in self._solved:
                    self._solved.add(item.ref)
                    tx = market.solved(self.services, self.state, item, trader(0))
                    if tx is not None:
                        self.cluster.submit(tx, late_ms=0)

    def to_height(self, height: int) -> None:
        """Go on to a height."""
        self.step(max(0, height - self.height))

    def to_key(self, epoch: int = 0) -> None:
        """Until the epoch has its key.

        Raises:
            Violation: `liveness`, the epoch is over.
        """
        while layout.key_of(self.state, 1, epoch) is None:
            self.step()
            if self.height >= self.lane.last_height(epoch):
                raise Violation("liveness", f"no key of epoch {epoch} at {self.height}")

    def to_live(self) -> layout.Live:
        """Until one batch is under way."""
        while not layout.live(self.state):
            self.step()
        (item,) = layout.live(self.state)
        return item

    def seal(self, *who: int) -> None:
        """Seal an order of each, for the next block."""
        for k in who:
            sell, buy = (SILVER, GOLD) if k == 2 else (GOLD, SILVER)
            self._nonce += 1
            intent = market.order(
                self.genesis, k, sell, SOLD[k], buy, expiry=self.height + 60, nonce=self._nonce
            )
            fresh = entropy("seal", self.cluster.seed, self._nonce)
            height = self.height + 1
            tx = self.sealer.seal(self.state, height, intent.to_bytes(), trader(k), fresh)
            self.cluster.submit(tx, late_ms=0)

    def to_end(self, batches: int = 1, most: int = 60) -> Endings:
        """Until so many batches are over.

        Raises:
            Violation: `liveness`.
        """
        for _ in range(most):
            ended = lane_checks.endings(self.checker, self.height)
            if len(ended) >= batches and not layout.live(self.state):
                return ended
            self.step()
        raise Violation("liveness", f"up to {self.height}: {layout.live(self.state)}")

    def busy(self, heights: int) -> Endings:
        """A sealed order in every block, from the first key on; how the batches ended."""
        self.to_key()
        last = self.height + heights
        while self.height < last:
            self.seal(1 + self.height % 3)
            self.step()
        return self.to_end()

    def judge(self) -> None:
        """At the end. Raises Violation."""
        self.cluster.finish()
        lane_checks.check_no_last_look(self.checker, self.height)
        lane_checks.check_nothing_opened_early(self.checker, self.height)

    def balance(self, who: int, kind: Kind) -> int:
        """What a trader has more than at the start."""
        return Ledger(self.state).balance(trader(who).account, kind) - START

    def refused(self) -> str:
        """Why honest validators refused what they refused."""
        return "\n".join(line for line in self.cluster.lines if " refuses " in line)


def faulty(n: int) -> range:
    """The last f of n."""
    return range(n - (n - 1) // 3, n)
