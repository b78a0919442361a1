"""A committee whose members keep deposits: their disks, and what they do together."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, Final

from node.core.ids import Height, tagged_hash
from node.private import committees, deposits, held, succession
from node.private import state as entries
from node.private.member.due import Job
from node.private.member.handing import HandingDuties
from node.private.member.keeping import KeepingDuties
from node.private.member.keys import Keys
from node.private.member.secrets import Vault
from node.private.member.view import Held, Past, View
from node.testing.private import Held as Owned
from node.testing.private import PrivateChain, assert_ok, signer
from private_exec.committee.cells import Cell, cell_id
from private_exec.mpc import simulate
from private_exec.mpc.faults import Fault
from private_exec.mpc.labels import CellId
from private_exec.mpc.simulate import Committee
from shielded.private_owner import PrivateOwner

MEMBERS: Final = (1, 2, 3, 4)
EPOCH: Final = 40


class Asked:
    """The chain that members of a committee ask."""

    def __init__(self, chain: PrivateChain, committee: bytes) -> None:
        self.chain, self.committee = chain, committee

    def height(self) -> int:
        return self.chain.height

    def get(self, key: bytes, height: int) -> bytes | None:
        return self.chain.ledger.store.reader(Height(height)).get(key)

    def rounds(self) -> list[bytes]:
        return [identity for identity, _ in entries.rounds(self.chain.state)]

    def deposits(self) -> list[bytes]:
        return [key for key, _ in deposits.waiting(self.chain.state, self.committee)]

    def sales(self) -> list[bytes]:
        return []

    def held(self, first: int) -> Held:
        return Held(list(held.cells(self.chain.state, self.committee, first)))

    def coming(self) -> list[bytes]:
        return list(succession.coming(self.chain.state, self.committee))

    def send(self, tx: bytes) -> None:
        self.chain.run(tx)


class Keepers:
    """A committee of short epochs, with keys, and deposits of others.

    Args:
        folder: its members' disks.
        amounts: deposits, accepted.
        chain: where; default: one of its own.
        purpose: of the declaration.
        epoch_blocks: of the declaration.
        takes: committees whose cells it takes.
    """

    def __init__(
        self,
        folder: Path,
        *amounts: int,
        chain: PrivateChain | None = None,
        purpose: bytes = b"\x07" * 32,
        epoch_blocks: int = EPOCH,
        takes: Collection[bytes] = (),
    ) -> None:
        self.chain = chain or PrivateChain()
        self.folder, self.takes = folder, takes
        self.declaration = dataclasses.replace(
            self.chain.declaration, epoch_blocks=epoch_blocks, purpose=purpose
        )
        self.committee = self.declaration.id
        self.use()
        assert_ok(self.chain.run(self.chain.declare()))
        self.restart()
        self.ceremony()
        self.held = [self.place(amount) for amount in amounts]

    def use(self) -> None:
        """The chain speaks of this committee."""
        self.chain.declaration = self.declaration

    def restart(self) -> None:
        """Nobody remembers anything that is not on disk."""
        step = self.chain.parameters.step_heights
        self.vaults = {m: Vault(self.folder / str(m), self.committee) for m in MEMBERS}
        self.keys = {m: Keys(m, signer(m), v, step) for m, v in self.vaults.items()}
        self.duties = {m: KeepingDuties(k, step) for m, k in self.keys.items()}
        self.handing = {
            m: HandingDuties(k, signer(m), step, self.takes) for m, k in self.keys.items()
        }

    def view(self) -> View:
        asked = Asked(self.chain, self.committee)
        return View(asked, self.committee, self.chain.height, Past())

    @property
    def made(self) -> int:
        return committees.committee_of(self.chain.state, self.committee).made

    def ceremony(self) -> None:
        """The keys of the next epoch, as soon as the chain takes them."""
        self.use()
        found = committees.committee_of(self.chain.state, self.committee)
        self.chain.to(found.opens() - 1)
        while self.made == found.made:
            view = self.view()
            assert_ok(self.chain.run(*(tx for k in self.keys.values() for tx in k.due(view))))
        self.remember()

    def remember(self) -> None:
        """The chain's own members have the latest keys of these."""
        view, latest = self.view(), self.made - 1
        secrets = {m: k.of_epoch(view, latest) for m, k in self.keys.items()}
        self.chain.secrets = {m: found for m, found in secrets.items() if found is not None}

    def place(self, amount: int) -> Owned:
        """A deposit that everybody sees, accepted."""
        owner = PrivateOwner(tagged_hash("owner", amount.to_bytes(8, "big")), self.committee)
        tx, found = self.chain.placed(amount, owner)
        assert_ok(self.chain.run(tx))
        assert_ok(self.chain.run(self.chain.welcome([found])))
        return found

    def cell(self, index: int = 0) -> Cell:
        return self.chain.cell(cell_id(self.held[index].input.id, 0))

    def together(self, *, faults: Sequence[Fault] = ()) -> Any:
        """What the members' one change of keys comes to, the first that there is."""
        view = self.view()
        return self.run({m: d.look(view)[0] for m, d in self.duties.items()}, faults)

    def run(self, jobs: dict[int, Job], faults: Sequence[Fault] = ()) -> Any:
        """What members' parts in one session come to; of the first of them."""
        (session,) = {job.session for job in jobs.values()}
        keys = {m: job.keys for m, job in jobs.items()}
        committee = Committee(session, keys, {m: signer(m) for m in jobs})
        found = simulate.run(
            committee, lambda context: jobs[context.member].protocol(context), faults=faults
        )
        return found.results[min(found.results)]

    def is_idle(self) -> bool:
        """Whether no change of keys is due."""
        return not any(duties.look(self.view()) for duties in self.duties.values())

    def listed(self) -> list[tuple[int, CellId]]:
        return list(held.cells(self.chain.state, self.committee, 0))

    def forget(self) -> set[tuple[tuple[int, int], ...]]:
        """What each member keeps after it looked."""
        view = self.view()
        for keys in self.keys.values():
            keys.forget(view)
        return {vault.kept() for vault in self.vaults.values()}
