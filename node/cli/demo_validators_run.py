"""The story of sealed intents on four real validators: one lies, another is killed meanwhile."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from node.cli.demo_facts import Step
from node.cli.demo_intents_facts import IntentsFacts, KilledFacts
from node.cli.demo_intents_run import IntentsRun
from node.cli.demo_validators_world import KILLED, LocalnetWorld
from node.cli.output import Report

if TYPE_CHECKING:
    from circuits.keys import KeyStore
    from node.core.genesis import Allocation

_STANDS_S: Final = 3.0
"""Without a block: rounds take a fraction of it."""


class ValidatorsRun(IntentsRun):
    """One demonstration; processes and their folder are gone when it ends, however it does."""

    world: LocalnetWorld

    def __init__(self, folder: Path, tell: Callable[[Step], None], bar: Report) -> None:
        super().__init__(folder, tell, bar)
        self._opened: list[LocalnetWorld] = []
        self._killed = self._stood = 0

    def __call__(self) -> IntentsFacts:
        homes = Path(tempfile.mkdtemp(prefix="cd"))
        self._homes = homes
        try:
            return super().__call__()
        finally:
            for world in self._opened:
                world.close()
            shutil.rmtree(homes, ignore_errors=True)

    def _make_world(self, allocations: Sequence[Allocation], keys: KeyStore) -> LocalnetWorld:
        made = LocalnetWorld(self._homes, allocations, keys)
        self._opened.append(made)
        made.start()
        return made

    def _after_order(self) -> None:
        """Nobody is warned."""
        with self._step("kill", "A validator is killed") as say:
            self._killed = self.world.tip
            self.world.kill()
            say(f"validator {KILLED + 1}, by kill -9; three are left, one of them lies",
                self._killed)  # fmt: skip

    def _after_close(self) -> None:
        """Two of four are too many: the chain waits for one of them, and opens nothing before."""
        with self._step("stand", "The chain waits") as say:
            self._stood = self.world.stands(_STANDS_S)
            say("one is away and another’s votes carry wrong shares: nothing is decided, "
                "nothing opened", self._stood)  # fmt: skip
        with self._step("back", "The validator is back") as say:
            back = self.world.revive()
            say("it went on where it was killed, from what is on its disk", back)
        self.killed = KilledFacts(
            f"validator {KILLED + 1}",
            self._killed,
            self._stood - self._killed,
            self._stood,
            back,
        )
