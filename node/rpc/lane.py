"""What the RPC answers about the sealed lane: documents from the committed state and the blocks.

RPC-26: a chain without a lane has none of this. RPC-27: everything comes from what is on disk, so
nothing of a sealed intent is told before the block that opens it; shares are told to nobody.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from node.core.block import Receipt, Transaction
from node.core.codec import Writer
from node.core.errors import NotFound
from node.core.ids import EnvironmentId, Kind
from node.core.intent import Intent
from node.core.interfaces import StateReader
from node.core.lane import LaneDomain, LaneParameters
from node.da import batch as batches
from node.da.batch import Batch
from node.execution.bounded import BoundedCache
from node.intents.schema import MACHINE_FAULTS
from node.intents.solvers.problem import pose
from node.lane import layout, payload, sealed
from node.lane import view as lane_view
from node.lane.layout import Live, Stage
from node.lane.payload import EndTx
from node.lane.services import Services
from node.lane.validator.keeper import Keeper
from node.rpc import lane_schema as schema
from node.rpc import views
from node.rpc.errors import problem
from node.rpc.schema import BalanceView
from node.rpc.text import hex_of
from node.store.chain import Chain
from node.store.versioned import VersionedStore
from private_exec.keygen.context import Schedule
from zk.errors import ChiaroError

MOST_SEARCHED: Final = 256
"""RPC-33: finished batches of a domain in which a sealed intent is looked for, the latest ones."""
MOST_POSED: Final = 16
"""Problems that are kept: posing one verifies every proof of its batch."""
_STAGES: Final[Mapping[Stage, schema.BatchStage]] = {
    Stage.OPEN: "open",
    Stage.CLOSED: "closed",
    Stage.SOLVING: "solving",
}


class LaneViews:
    """One method per endpoint; synchronous, safe from several threads.

    Args:
        services: of the lane, as the executor has them.
        chain: of the node.
        store: of the node.
        names: kind → name.
        want: tells the validator that a domain's key is wanted; None: there is none to tell.
        keeper: of the validator, or of a node that only follows.
    """

    def __init__(
        self,
        services: Services,
        chain: Chain,
        store: VersionedStore,
        names: Mapping[Kind, str],
        want: Callable[[int], object] | None = None,
        keeper: Keeper | None = None,
    ) -> None:
        self._services: Final = services
        self._chain: Final = chain
        self._store: Final = store
        self._names: Final = names
        self._want: Final = want
        self._keeper: Final = keeper
        self._lane: Final[LaneParameters] = services.lane
        self._posed: BoundedCache[bytes, schema.ProblemView] = BoundedCache(MOST_POSED)

    # --- domains and keys --------------------------------------------------------------------

    def lane(self) -> schema.LaneView:
        """Domains, their keys, batches that are not over."""
        state, lane = self._store.reader(), self._lane
        return schema.LaneView(
            height=state.height,
            epoch=lane.epoch_of(state.height + 1),
            epoch_heights=lane.epoch_heights,
            grace=lane.grace,
            lead=lane.lead,
            round_heights=lane.round_heights,
            domains=[self._domain(state, state.height, item) for item in lane.domains],
            live=[_live(item) for item in layout.live(state)],
        )

    def _domain(self, state: StateReader, height: int, domain: LaneDomain) -> schema.LaneDomainView:
        number = state.get(layout.next_key(domain.number))
        after = height + 1
        return schema.LaneDomainView(
            number=domain.number,
            name=domain.name,
            id=hex_of(domain.id),
            period=domain.period,
            criterion=domain.criterion,
            fee=str(domain.fee),
            reveal_window=domain.reveal_window,
            solve_period=domain.solve_period,
            closes=-(-after // domain.period) * domain.period,
            next_batch=int.from_bytes(number or b"", "little"),
            key=self._key(state, domain.number, self._lane.epoch_of(after), whole=False),
        )

    def key(self, domain: int, epoch: int | None) -> schema.KeyView:
        """RPC-28: the key of an epoch, by default of that of the next block."""
        self._of(domain)
        state = self._store.reader()
        wanted = self._lane.epoch_of(state.height + 1) if epoch is None else epoch
        return self._key(state, domain, wanted, whole=True)

    def want(self, domain: int) -> schema.WantedView:
        """RPC-32: tell the node's own validator; nothing else happens, and never twice at once."""
        self._of(domain)
        before = self.key(domain, None)
        wanted = self._want is not None and before.state != "made"
        if wanted and self._want is not None:
            self._want(domain)
        return schema.WantedView(wanted=wanted, key=self.key(domain, None))

    def _key(self, state: StateReader, domain: int, epoch: int, *, whole: bool) -> schema.KeyView:
        lane = self._lane
        found = layout.key_of(state, domain, epoch)
        attempt = layout.attempt(state, domain, epoch)
        going = found is None and attempt is not None and not attempt.over
        due = None
        if going and attempt is not None:
            due = Schedule.starting(attempt.opened, lane.round_heights).complaints
        return schema.KeyView(
            domain=domain,
            epoch=epoch,
            first=lane.first_height(epoch),
            last=lane.last_height(epoch),
            state="made" if found is not None else "generating" if going else "none",
            attempt=None if attempt is None else attempt.number,
            due=due,
            digest=None if found is None else hex_of(found.digest),
            key=hex_of(found.to_bytes()) if found is not None and whole else None,
        )

    def _of(self, domain: int) -> LaneDomain:
        found = self._lane.domain(domain)
        if found is None:
            known = ", ".join(f"{item.number} {item.name}" for item in self._lane.domains)
            raise NotFound(f"RPC-32: this chain has no domain {domain}; there are {known}")
        return found

    # --- batches -----------------------------------------------------------------------------

    def batch(self, domain: int, number: int) -> schema.BatchView:
        """A batch in whatever stage; opened intents as their schemas describe them."""
        state = self._store.reader()
        item, live = self._find(state, domain, number)
        ref = payload.ref(domain, number)
        tree = state.get(layout.tree_key(ref))
        return schema.BatchView(
            domain=domain,
            number=number,
            stage=_stage(item, live),
            height=item.height,
            entries=_entries(item, layout.fates(state, ref)),
            opened=self._opened(state, ref),
            epoch=None if live is None else live.epoch,
            due=None if live is None else live.height,
            closed=(live.closed or None) if live is not None else None,
            root=self._root(state, live),
            gathered=self._gathered(live),
            tree=None if tree is None else hex_of(tree),
            best=_best(item),
            end=self._end(item, ref),
        )

    def _gathered(self, live: Live | None) -> list[str]:
        """RPC-27: whose shares are here, never the shares."""
        if live is None or live.stage is not Stage.CLOSED or self._keeper is None:
            return []
        return [hex_of(key) for key in self._keeper.gathered(live.scope)]

    def _root(self, state: StateReader, live: Live | None) -> str | None:
        """What shares are made for; while the batch waits for them."""
        if live is None or live.stage is not Stage.CLOSED:
            return None
        return hex_of(sealed.sealed_batch(state, live, self._services.genesis).root)

    def _find(self, state: StateReader, domain: int, number: int) -> tuple[Batch, Live | None]:
        self._of(domain)
        found = layout.batch(state, payload.ref(domain, number)) if number < 2**64 else None
        if found is None:
            raise NotFound(
                f"domain {domain} has no batch {number}",
                fix="a batch is made by the first intent that is ordered; see `GET /lane`",
            )
        return found, layout.live_batch(state, domain, number)

    def _opened(self, state: StateReader, ref: bytes) -> list[schema.OpenedView]:
        found = []
        for index, data in sorted(layout.plaintexts(state, ref).items()):
            try:
                intent = Intent.from_bytes(data)
            except ChiaroError:
                continue  # it opened to something that is no intent; its fate says so
            found.append(self._describe(index, intent))
        return found

    def _describe(self, index: int, intent: Intent) -> schema.OpenedView:
        services = self._services
        gives: list[BalanceView] = []
        wants: list[BalanceView] = []
        lines: list[str] = []
        error = None
        try:
            told = services.registry.decode(intent, services.genesis.chain_id).describe()
            gives, wants = self._amounts(told.gives), self._amounts(told.wants)
            lines = list(told.lines)
        except MACHINE_FAULTS:
            raise
        except ChiaroError as refused:
            error = problem(refused)
        return schema.OpenedView(
            index=index,
            id=hex_of(intent.id),
            app=hex_of(intent.app),
            schema=intent.schema,
            expiry=intent.expiry,
            fee=str(intent.fee),
            intent=hex_of(intent.to_bytes()),
            gives=gives,
            wants=wants,
            lines=lines,
            error=error,
        )

    def _amounts(self, sums: Mapping[Kind, int]) -> list[BalanceView]:
        return [
            BalanceView(kind=views.kind(kind, self._names), amount=str(amount))
            for kind, amount in sorted(sums.items())
        ]

    def _end(self, item: Batch, ref: bytes) -> schema.EndView | None:
        """RPC-34: how it ended, from the block that ended it. Raises NotKept: SN-12."""
        if not isinstance(item, (batches.Settled, batches.Expired)):
            return None
        chain = self._chain
        block, receipts = chain.block(item.height), chain.receipts(item.height)
        for data, receipt in zip(block.txs, receipts, strict=True):
            tx = _end_of(data, receipt)
            if tx is not None and payload.ref(tx.domain, tx.number) == ref:
                events = [(event.name, dict(event.data)) for event in receipt.events]
                return schema.EndView(
                    height=item.height,
                    settlement=hex_of(tx.settlement),
                    parts=[
                        schema.PartView(name=told.get("name", ""), code=told.get("code", ""))
                        for name, told in events
                        if name == "part"
                    ],
                    settled=[
                        "0x" + told["intent"]
                        for name, told in events
                        if name == "settled" and "intent" in told
                    ],
                )
        return None

    # --- solving -----------------------------------------------------------------------------

    def problem(self, domain: int, number: int) -> schema.ProblemView:
        """RPC-30: posed on the committed state, for the height at which the batch ends."""
        state = self._store.reader()
        _, live = self._find(state, domain, number)
        if live is None or live.stage is not Stage.SOLVING:
            raise NotFound(
                f"RPC-27: batch {number} of domain {domain} is not being solved",
                why="before it is opened nobody can read it; afterwards it is over",
                fix="see `GET /lane` for batches in stage `solving`",
            )
        name = Writer().u64(state.height).raw(live.ref, len(live.ref)).done()
        found = self._posed.get(name)
        if found is None:
            found = self._pose(state, state.height, live)
            self._posed.put(name, found)
        return found

    def _pose(self, state: StateReader, height: int, live: Live) -> schema.ProblemView:
        services = self._services
        batch = lane_view.opened(state, live, services.genesis.chain_id)
        view = lane_view.view(state, live.scope, live.height, services)
        posed, out = pose(batch, view, services.registry)
        return schema.ProblemView(
            domain=live.domain,
            number=live.number,
            height=height,
            deadline=live.height,
            problem=hex_of(posed.to_bytes()),
            left_out=[
                schema.LeftOut(id=hex_of(intent_id), code=error.id)
                for intent_id, error in sorted(out.items())
            ],
        )

    def completeness(self, domain: int, number: int, app: bytes) -> schema.CompletenessView:
        """RPC-31: all opened intents of one application, with the proof that these are all."""
        state = self._store.reader()
        self._find(state, domain, number)
        ref = payload.ref(domain, number)
        root, plain = state.get(layout.tree_key(ref)), layout.plaintexts(state, ref)
        if root is None or not plain:
            raise NotFound(
                f"RPC-27: batch {number} of domain {domain} holds no opened intents",
                why="they are kept from the opening of the batch to its end",
            )
        tree = lane_view.tree(plain[index] for index in sorted(plain))
        data, proof = tree.prove(app)
        return schema.CompletenessView(
            domain=domain,
            number=number,
            height=state.height,
            app=hex_of(app),
            tree=hex_of(root),
            data=[hex_of(item) for item in data],
            proof=hex_of(proof.to_bytes()),
        )

    def seal(self, intent_id: bytes) -> schema.SealView:
        """RPC-33: the batch that has a sealed intent, among live ones and the latest finished."""
        state = self._store.reader()
        for domain, number in self._candidates(state):
            ref = payload.ref(domain, number)
            item = layout.batch(state, ref)
            if item is None:
                continue
            for index, entry in enumerate(item.entries):
                if entry.id == intent_id:
                    fates = layout.fates(state, ref)
                    return schema.SealView(
                        id=hex_of(intent_id),
                        domain=domain,
                        number=number,
                        index=index,
                        stage=_stage(item, layout.live_batch(state, domain, number)),
                        fate=fates[index] if index < len(fates) else "",
                    )
        raise NotFound(
            f"RPC-33: no batch has the sealed intent {intent_id.hex()[:16]}…",
            why=f"looked for in live batches and the last {MOST_SEARCHED} of each domain",
            fix="an intent is in a batch once a block has ordered it",
        )

    def _candidates(self, state: StateReader) -> Iterator[tuple[int, int]]:
        yield from ((item.domain, item.number) for item in layout.live(state))
        for domain in self._lane.domains:
            after = int.from_bytes(state.get(layout.next_key(domain.number)) or b"", "little")
            latest = itertools.islice(range(after - 1, -1, -1), MOST_SEARCHED)
            yield from ((domain.number, number) for number in latest)


def _live(item: Live) -> schema.LiveBatchView:
    return schema.LiveBatchView(
        domain=item.domain,
        number=item.number,
        epoch=item.epoch,
        stage=_STAGES[item.stage],
        due=item.height,
        closed=item.closed or None,
    )


def _stage(item: Batch, live: Live | None) -> schema.BatchStage:
    if live is not None:
        return _STAGES[live.stage]
    if isinstance(item, batches.Settled):
        return "settled"
    unread = isinstance(item, batches.Expired) and item.reason is batches.Reason.UNREVEALED
    return "unrevealed" if unread else "unsolved"


def _entries(item: Batch, fates: tuple[str, ...]) -> list[schema.EntryView]:
    return [
        schema.EntryView(
            id=hex_of(entry.id),
            payer=hex_of(entry.payer),
            fee=str(entry.fee),
            size=entry.size,
            expiry=entry.expiry,
            fate=fates[index] if index < len(fates) else "",
        )
        for index, entry in enumerate(item.entries)
    ]


def _best(item: Batch) -> schema.SolutionView | None:
    found = None
    if isinstance(item, batches.Solving):
        found = item.best
    elif isinstance(item, batches.Settled):
        found = item.solution
    if found is None:
        return None
    return schema.SolutionView(
        id=hex_of(found.id), solver=hex_of(found.solver), score=str(found.score)
    )


def _end_of(data: bytes, receipt: Receipt) -> EndTx | None:
    """The end that a transaction of a block is, if it is one and took effect."""
    if not receipt.ok or receipt.environment is not EnvironmentId.INTENTS:
        return None
    tx = payload.decode(Transaction.from_bytes(data).payload)
    return tx if isinstance(tx, EndTx) else None
