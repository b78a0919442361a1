"""The chain on which the story of sealed intents happens: four validators, one of them faulty.

`World` is what the story needs of it. Here its validators are real, and their network and clock
simulated in this process, so that the story is the same everywhere and ends soon.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Protocol

from node.cli.demo_intents_facts import FAULTY, VALIDATORS, FaultFacts
from node.core.lane import LaneDomain, LaneParameters

if TYPE_CHECKING:
    from circuits.keys import KeyStore
    from node.core.genesis import Allocation, Genesis
    from node.core.interfaces import ProofVerifier
    from node.testing.history import History

DOMAIN: Final = LaneDomain(1, "ring", period=4, fee=1000, solve_period=6)


class World(Protocol):
    """A chain with a lane, and somebody who watches it.

    Attributes:
        genesis: of the chain.
        verifier: of its proofs.
        domain: that takes the intents.
        life: heights that a transaction is given.
        most: heights in which everything must have happened; a story that takes longer is stuck.
    """

    genesis: Genesis
    verifier: ProofVerifier
    domain: LaneDomain
    life: int
    most: int

    @property
    def history(self) -> History:
        """What the watcher has seen, up to the height of the last `run_to`."""
        ...

    def submit(self, *txs: bytes) -> None:
        """To the validators' mempools."""
        ...

    def run_to(self, height: int) -> None:
        """Until the watcher has that block.

        Raises:
            Violation: none comes, or it is not what it must be.
        """
        ...

    def fresh(self, height: int) -> bool:
        """Whether what is sent behind this block comes into one batch."""
        ...

    def fault(self) -> FaultFacts:
        """What honest validators know of the faulty one."""
        ...

    def blamed(self) -> set[int]:
        """Places of those who signed wrong shares, as honest validators have it."""
        ...

    def judge(self) -> None:
        """Compare the honest validators with each other and with the watcher. Raises Violation."""
        ...


class SimulatedWorld:
    """`World` in one process.

    Args:
        allocations: of genesis.
        keys: of the statements.
    """

    domain: LaneDomain = DOMAIN
    life: int = 40
    most: int = 64

    def __init__(self, allocations: Sequence[Allocation], keys: KeyStore) -> None:
        from node.app import assembly, development
        from node.execution.verifier import GrothVerifier
        from node.testing.cluster.faults import Faults
        from node.testing.cluster.lane_host import LaneKit
        from node.testing.cluster.lane_liars import LaneLie
        from node.testing.cluster.simulation import Cluster

        kit = LaneKit.of(
            VALIDATORS,
            lane=LaneParameters((DOMAIN,), epoch_heights=64, grace=16, lead=8, round_heights=2),
            allocations=allocations,
            statements=development.genesis(0).statements,
        )
        self.genesis = kit.keys.genesis
        self.verifier: ProofVerifier = GrothVerifier(assembly.verifying_keys(self.genesis, keys))
        lies = LaneLie.WRONG_SHARES | LaneLie.FALSE_LEAD
        self._cluster = Cluster(
            VALIDATORS,
            seed=1,
            faults=Faults(liars={FAULTY: lies}),
            kit=LaneKit(kit.keys, self.verifier),
        )

    @property
    def history(self) -> History:
        return self._cluster.checker

    def submit(self, *txs: bytes) -> None:
        self._cluster.submit(*txs, late_ms=0)

    def run_to(self, height: int) -> None:
        self._cluster.run_to(height)

    def fresh(self, height: int) -> bool:  # noqa: ARG002
        """Nothing moves on while somebody thinks."""
        return True

    def fault(self) -> FaultFacts:
        from node.testing.cluster.lane_host import keeper_of

        hosts = [self._cluster.running[place].host for place in self._cluster.honest]
        keepers = [keeper_of(host) for host in hosts]
        wrong = {(fault.validator, fault.height) for keeper in keepers for fault in keeper.faults}
        refused = re.compile(r" refuses ([0-9a-f]{12}): .*?(LN-\d+)")
        found = {match.groups() for line in self._cluster.lines if (match := refused.search(line))}
        return FaultFacts(
            f"validator {FAULTY + 1}",
            len(wrong),
            len({hash_ for hash_, _ in found}),
            tuple(sorted({rule for _, rule in found})),
        )

    def blamed(self) -> set[int]:
        from node.testing.cluster.lane_host import keeper_of

        hosts = [self._cluster.running[place].host for place in self._cluster.honest]
        places = self._cluster.keys.genesis.validators
        return {places.index(f.validator) for host in hosts for f in keeper_of(host).faults}

    def judge(self) -> None:
        from node.testing.cluster.invariants import Violation

        self._cluster.finish()
        running = [self._cluster.running[place] for place in self._cluster.honest]
        if len({validator.app.info().state_root for validator in running}) != 1:
            raise Violation("agreement", "honest validators have several states")
