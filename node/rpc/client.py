"""A node over HTTP: synchronous, typed, and believing only what it can check.

    with NodeClient("http://127.0.0.1:7420") as node:
        sent = node.submit(transaction.to_bytes())
        done = node.wait_for_tx(bytes_of(sent.tx_id), timeout=30)

What the node refuses is raised here as the error it was there (`InvalidTransaction` with its rule,
`PolicyRefused`, `NotFound`, …); no answer is `Unreachable`; an answer of another form `BadAnswer`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

import httpx
import msgspec

from node.core.errors import NotFound, Unreachable
from node.core.genesis import Genesis
from node.core.streams import TooLong, TooSlow, whole
from node.rpc import schema
from node.rpc.errors import BadAnswer, NodeFault, StillPending, error_of
from node.rpc.health_schema import HealthView
from node.rpc.text import bytes_of, document_of, hex_of
from zk.errors import ChiaroError

if TYPE_CHECKING:
    from types import TracebackType

    from node.lane.trust import Trust
    from node.rpc import batch_schema, private_schema, sale_schema
    from node.rpc.da_client import DaClient
    from node.rpc.gossip_client import GossipClient
    from node.rpc.lane_client import LaneClient
    from node.rpc.stake_schema import StakeView
    from shielded.scan import ScannedBlock

TIMEOUT: Final = 15.0
"""Seconds for one answer; proofs are verified within a submission."""
LONG_POLL: Final = 10.0
"""Seconds that one question for events may wait at the node."""
MAX_ANSWER: Final = 64 * 1024 * 1024
WHOLE_S: Final = 300.0
"""For all bytes of an answer; `TIMEOUT` is for each part of it."""

Answer = TypeVar("Answer", bound=schema.Response)
Value = TypeVar("Value")


def check_address(url: str, where: str = "--node") -> None:
    """An address without a name or a password, which would stand in errors, JSON and settings.

    Raises:
        Unreachable: it has one.
    """
    if "@" in url:
        raise Unreachable(
            "the address holds a name or a password",
            where=where,
            why="addresses stand in argument lists, settings and what commands print",
            fix="nodes have no passwords; let a proxy on this machine add one for its upstream",
        )


class NodeClient:
    """One node. Safe to use from several threads.

    Args:
        url: such as `http://127.0.0.1:7420`.
        timeout: seconds for one answer.
        transport: for tests: how requests travel.

    Attributes:
        trust: whose epoch keys it takes, beside those of genesis' validators (LN-49); None:
            nobody's.
    """

    trust: Trust | None = None

    def __init__(
        self, url: str, *, timeout: float = TIMEOUT, transport: httpx.BaseTransport | None = None
    ) -> None:
        check_address(url)
        self.url = url.rstrip("/")
        try:
            self._http = httpx.Client(
                base_url=f"{self.url}/{schema.API}",
                timeout=timeout,
                transport=transport,
                # Over plain HTTP no certificate is looked at; loading them takes 25 ms.
                verify=not self.url.lower().startswith("http:"),
                trust_env=False,  # a proxy of the environment must not see what a wallet asks
                follow_redirects=False,
            )
        except httpx.InvalidURL as error:
            raise Unreachable(f"not an address: {url}", where="--node") from error

    def __enter__(self) -> NodeClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    @property
    def lane(self) -> LaneClient:
        """What the node says of the sealed lane."""
        from node.rpc.lane_client import LaneClient

        return LaneClient(self)

    @property
    def da(self) -> DaClient:
        """What the node keeps of the lane's blobs."""
        from node.rpc.da_client import DaClient

        return DaClient(self)

    @property
    def gossip(self) -> GossipClient:
        """Open intents on the node's overlay."""
        from node.rpc.gossip_client import GossipClient

        return GossipClient(self)

    # --- the chain ---------------------------------------------------------------------------

    def status(self) -> schema.Status:
        """Chain, height, state root, keys, parameters."""
        return self.get("/status", schema.Status)

    def health(self) -> HealthView:
        """Whether the node is ready; that it is not is an answer, not an error."""
        response = self._send("GET", f"{self.url}/health/ready")
        return self.checked(lambda: document_of(response.content, HealthView))

    def has_explorer(self) -> bool:
        """RPC-62: whether the node has pages for people."""
        try:
            answer = self._http.get(f"{self.url}/explorer/search", headers={"accept": "text/html"})
        except httpx.HTTPError as error:
            raise Unreachable(f"no answer from {self.url}", where=self.url) from error
        return answer.status_code == 200

    def genesis(self) -> Genesis:
        """RPC-11: genesis, decoded, its id compared with the one the node claims.

        Raises:
            BadAnswer: the bytes are not of the chain that the node names.
        """
        view = self.get("/genesis", schema.GenesisView)
        found = self.checked(lambda: Genesis.from_bytes(bytes_of(view.encoded)))
        if hex_of(found.chain_id) != view.chain_id:
            raise BadAnswer("RPC-11: genesis does not hash to the node's chain id", where=self.url)
        return found

    def submit(self, tx: bytes) -> schema.Submitted:
        """Hand in a transaction (full bytes of its envelope).

        Raises:
            InvalidTransaction: with the refusing rule.
            PolicyRefused: this node does not take it (fee, caps, conflict).
        """
        return self.post("/tx", schema.SubmitRequest(tx=hex_of(tx)), schema.Submitted)

    def transaction(self, tx_id: bytes) -> schema.TransactionView:
        """What the node knows of a transaction id; `unknown` is an answer, not an error."""
        return self.get(f"/tx/{tx_id.hex()}", schema.TransactionView)

    def wait_for_tx(
        self,
        tx_id: bytes,
        timeout: float = 60.0,
        progress: Callable[[schema.TransactionView], None] | None = None,
    ) -> schema.TransactionView:
        """Wait until a transaction is `included` or `rejected`.

        Args:
            tx_id: identity, without proofs.
            timeout: seconds.
            progress: called with every answer on the way.

        Raises:
            StillPending: it is in no block when the time is over.
        """
        deadline = time.monotonic() + timeout
        while True:
            view = self.transaction(tx_id)
            if progress is not None:
                progress(view)
            if view.status in {"included", "rejected"}:
                return view
            left = deadline - time.monotonic()
            if left <= 0:
                raise StillPending(
                    f"transaction {tx_id.hex()} is {view.status} after {timeout:g} s",
                    where=f"height {view.tip}",
                )
            self.events(view.tip, min(left, LONG_POLL))

    def block(self, height: int | Literal["tip"] = "tip") -> schema.BlockView:
        """A block with receipts and full transactions. Raises NotFound."""
        return self.get(f"/blocks/{height}", schema.BlockView)

    def blocks(self, first: int = 1, limit: int = 20) -> schema.BlockPage:
        """A list of blocks from `first` on."""
        return self.get("/blocks", schema.BlockPage, {"from": first, "limit": limit})

    def raw_page(self, first: int = 1, limit: int = 100) -> schema.RawPage:
        """One page of the stream that `raw` reads."""
        return self.get("/raw", schema.RawPage, {"from": first, "limit": limit})

    def raw(self, first: int, last: int) -> Iterator[tuple[int, bytes, bytes, bytes]]:
        """Height; block, receipts and blobs as bytes, from height `first` to `last`, no gaps.

        Raises:
            BadAnswer: an answer that does not decode, or for other heights.
        """
        at = first
        while at <= last:
            page = self.raw_page(at, min(100, last - at + 1))
            heights = [item.height for item in page.blocks]
            if not heights or heights != list(range(at, at + len(heights))) or heights[-1] > last:
                raise BadAnswer("the node answers for other heights", where=f"height {at}")
            for item in page.blocks:
                block = self.checked(partial(bytes_of, item.block))
                receipts = self.checked(partial(bytes_of, item.receipts))
                blobs = self.checked(partial(bytes_of, item.blobs)) if item.blobs else b""
                yield item.height, block, receipts, blobs
            at += len(heights)

    def mempool(self, limit: int = 100) -> schema.MempoolView:
        """What waits for a block."""
        return self.get("/mempool", schema.MempoolView, {"limit": limit})

    def events(self, after: int, timeout: float = LONG_POLL) -> schema.EventPage:
        """Blocks above height `after`; waits up to `timeout` seconds for the first of them."""
        wait = max(0, round(min(timeout, LONG_POLL) * 1000))
        query = {"after": after, "wait_ms": wait}
        return self.get("/events", schema.EventPage, query, timeout=TIMEOUT + wait / 1000)

    # --- the shielded pool -------------------------------------------------------------------

    def anchor(self, height: int | None = None) -> schema.AnchorView:
        """Root, size and frontier of the note tree, at the tip or a recent height."""
        return self.get("/anchor", schema.AnchorView, _at(height))

    def action_page(self, first: int, limit: int = 500) -> schema.ActionPage:
        """One page of the stream that `actions` reads."""
        return self.get("/actions", schema.ActionPage, {"from": first, "limit": limit})

    def actions(
        self,
        first: int,
        last: int | None = None,
        *,
        page: int = 500,
        progress: Callable[[int, int], None] | None = None,
    ) -> Iterator[ScannedBlock]:
        """Blocks as wallets scan them, from height `first` to `last` (default: the tip), no gaps.

        Args:
            first: height of the first block.
            last: height of the last.
            page: how many heights to ask for at once.
            progress: called with the heights fetched and to fetch, after each page.

        Raises:
            BadAnswer: an answer that does not decode or skips a height.
        """
        from node.rpc.scanning import scanned_blocks

        at = first
        while last is None or at <= last:
            found = self.action_page(at, page if last is None else min(page, last - at + 1))
            if found.first != at or not at <= found.next <= max(found.tip + 1, at):
                raise BadAnswer("the node answers for other heights", where=f"height {at}")
            if found.next == at:
                return
            blocks: list[ScannedBlock] = self.checked(partial(list, scanned_blocks(found)))
            end = found.tip if last is None else min(last, found.tip)
            if progress is not None:
                progress(found.next - 1, end)
            yield from blocks
            at = found.next
            if at > found.tip:
                return

    def nullifier(self, nullifier: bytes, environment: str = "shielded") -> schema.NullifierView:
        """Whether a nullifier (32 bytes, little-endian field element) is spent."""
        query = {"environment": environment}
        return self.get(f"/nullifiers/{nullifier.hex()}", schema.NullifierView, query)

    # --- accounts, supply, state -------------------------------------------------------------

    def account(self, account: bytes) -> schema.AccountView:
        """Balances and sequence number; an account that holds nothing is no error."""
        return self.get(f"/accounts/{account.hex()}", schema.AccountView)

    def supply(self) -> schema.SupplyReport:
        """The supply audit."""
        return self.get("/supply", schema.SupplyReport)

    def stake(self) -> StakeView:
        """Validators and what they have at stake. Raises NotFound: RPC-46, there is no stake."""
        from node.rpc.stake_schema import StakeView

        return self.get("/stake", StakeView)

    # --- the private environment -------------------------------------------------------------

    def private_committees(
        self, after: bytes = b"", limit: int = 64
    ) -> private_schema.CommitteesView:
        """Those behind an id. Raises NotFound: PV-140, the chain has no private environment."""
        from node.rpc.private_schema import CommitteesView

        query = {"after": "0x" + after.hex(), "limit": limit}
        return self.get("/private/committees", CommitteesView, query)

    def private_committee(self, identity: bytes) -> private_schema.CommitteeView:
        """One. Raises NotFound: PV-140, PV-141."""
        from node.rpc.private_schema import CommitteeView

        return self.get(f"/private/committees/{identity.hex()}", CommitteeView)

    def private_ceremony(self, identity: bytes) -> private_schema.CeremonyView:
        """Where a committee's next keys stand. Raises NotFound: PV-140, PV-141."""
        from node.rpc.private_schema import CeremonyView

        return self.get(f"/private/committees/{identity.hex()}/ceremony", CeremonyView)

    def private_rounds(self, pages: int = 64) -> private_schema.RoundsView:
        """All of them, page by page; of so many pages at most. Raises NotFound: PV-140."""
        from node.rpc.private_schema import RoundsView

        found = self.get("/private/rounds", RoundsView)
        rounds = list(found.rounds)
        for _ in range(pages - 1):
            if not found.more:
                break
            if not found.rounds:
                raise BadAnswer("PV-141: more rounds behind none", where=self.url)
            found = self.get("/private/rounds", RoundsView, {"after": rounds[-1].id})
            rounds += found.rounds
        return RoundsView(height=found.height, rounds=rounds, more=found.more)

    def private_round(self, identity: bytes) -> private_schema.RoundView:
        """One. Raises NotFound: PV-140, PV-141."""
        from node.rpc.private_schema import RoundView

        return self.get(f"/private/rounds/{identity.hex()}", RoundView)

    def private_inputs(
        self, identity: bytes, first: int = 0, limit: int = 64
    ) -> private_schema.InputsView:
        """Donations of a round, in the order of their blocks. Raises NotFound: PV-140, PV-141."""
        from node.rpc.private_schema import InputsView

        query = {"from": first, "limit": limit}
        return self.get(f"/private/rounds/{identity.hex()}/inputs", InputsView, query)

    def private_input(self, identity: bytes) -> private_schema.InputView:
        """A donation. Raises NotFound: PV-140, PV-141."""
        from node.rpc.private_schema import InputView

        return self.get(f"/private/inputs/{identity.hex()}", InputView)

    def private_deposits(self, committee: bytes) -> private_schema.DepositsView:
        """That wait for a committee. Raises NotFound: PV-140, PV-141."""
        from node.rpc.private_schema import DepositsView

        return self.get(f"/private/committees/{committee.hex()}/deposits", DepositsView)

    def private_held(self, committee: bytes, first: int = 0) -> private_schema.HeldCellsView:
        """Cells of deposits that a committee holds. Raises NotFound: PV-140, PV-141."""
        from node.rpc.private_schema import HeldCellsView

        path = f"/private/committees/{committee.hex()}/cells"
        return self.get(path, HeldCellsView, {"from": first})

    def private_succession(self, committee: bytes) -> private_schema.SuccessionView:
        """Who follows a committee. Raises NotFound: PV-140, PV-141."""
        from node.rpc.private_schema import SuccessionView

        path = f"/private/committees/{committee.hex()}/succession"
        return self.get(path, SuccessionView)

    def private_owned(self, owner: bytes) -> private_schema.DepositsView:
        """Deposits of an owner's key. Raises NotFound: PV-140."""
        from node.rpc.private_schema import DepositsView

        return self.get(f"/private/owners/{owner.hex()}/deposits", DepositsView)

    def private_deposit(self, identity: bytes) -> private_schema.DepositView:
        """One. Raises NotFound: PV-140, PV-141."""
        from node.rpc.private_schema import DepositView

        return self.get(f"/private/deposits/{identity.hex()}", DepositView)

    def private_cell(self, identity: bytes) -> private_schema.CellView:
        """A cell. Raises NotFound: PV-140, PV-141."""
        from node.rpc.private_schema import CellView

        return self.get(f"/private/cells/{identity.hex()}", CellView)

    def private_sales(self, pages: int = 64) -> sale_schema.SalesView:
        """All auctions, page by page; of so many pages at most. Raises NotFound: PV-140."""
        from node.rpc.sale_schema import SalesView

        found = self.get("/private/sales", SalesView)
        sales = list(found.sales)
        for _ in range(pages - 1):
            if not found.more:
                break
            if not found.sales:
                raise BadAnswer("PV-141: more sales behind none", where=self.url)
            found = self.get("/private/sales", SalesView, {"after": sales[-1].id})
            sales += found.sales
        return SalesView(height=found.height, sales=sales, more=found.more)

    def private_sale(self, identity: bytes) -> sale_schema.SaleView:
        """One. Raises NotFound: PV-140, PV-141."""
        from node.rpc.sale_schema import SaleView

        return self.get(f"/private/sales/{identity.hex()}", SaleView)

    def private_bids(self, identity: bytes) -> sale_schema.BidsView:
        """Of a sale, in the order of their blocks. Raises NotFound: PV-140, PV-141."""
        from node.rpc.sale_schema import BidsView

        return self.get(f"/private/sales/{identity.hex()}/bids", BidsView)

    def private_batches(self, pages: int = 64) -> batch_schema.BatchesView:
        """All batches, page by page; of so many pages at most. Raises NotFound: PV-140."""
        from node.rpc.batch_schema import BatchesView

        found = self.get("/private/batches", BatchesView)
        batches = list(found.batches)
        for _ in range(pages - 1):
            if not found.more:
                break
            if not found.batches:
                raise BadAnswer("PV-141: more batches behind none", where=self.url)
            found = self.get("/private/batches", BatchesView, {"after": batches[-1].id})
            batches += found.batches
        return BatchesView(height=found.height, batches=batches, more=found.more)

    def private_batch(self, identity: bytes) -> batch_schema.BatchView:
        """One. Raises NotFound: PV-140, PV-141."""
        from node.rpc.batch_schema import BatchView

        return self.get(f"/private/batches/{identity.hex()}", BatchView)

    def private_orders(self, identity: bytes) -> batch_schema.OrdersView:
        """Of a batch, in the order of their blocks. Raises NotFound: PV-140, PV-141."""
        from node.rpc.batch_schema import OrdersView

        return self.get(f"/private/batches/{identity.hex()}/orders", OrdersView)

    def private_order(self, identity: bytes) -> batch_schema.OrderView:
        """An order. Raises NotFound: PV-140, PV-141."""
        from node.rpc.batch_schema import OrderView

        return self.get(f"/private/orders/{identity.hex()}", OrderView)

    def private_bid(self, identity: bytes) -> sale_schema.BidView:
        """A bid. Raises NotFound: PV-140, PV-141."""
        from node.rpc.sale_schema import BidView

        return self.get(f"/private/bids/{identity.hex()}", BidView)

    def state(self, key: bytes, height: int | None = None) -> schema.StateView:
        """RPC-10: an entry of the state, its proof checked here against the answer's root.

        Raises:
            InvalidStateProof: the proof does not show what the node says.
        """
        from node.core.ids import StateRoot
        from node.store.proof import InvalidStateProof, proved_value

        view = self.get(f"/state/{key.hex()}", schema.StateView, _at(height))
        root = StateRoot(self.checked(lambda: bytes_of(view.state_root, 32)))
        said = None if view.value is None else self.checked(lambda: bytes_of(view.value or ""))
        proof = self.checked(lambda: bytes_of(view.proof))
        if proved_value(root, key, proof) != said:
            raise InvalidStateProof("RPC-10: the proof shows another value", where=key.hex())
        return view

    # --- development -------------------------------------------------------------------------

    def faucet(self, account: bytes, amount: int, asset: str = "native") -> schema.FaucetReceipt:
        """Development chains: base units from the faucet, on disk when this returns."""
        request = schema.FaucetRequest(account=hex_of(account), amount=str(amount), asset=asset)
        return self.post("/dev/faucet", request, schema.FaucetReceipt)

    def make_block(self) -> schema.BlockView:
        """Development chains: make a block now, perhaps an empty one."""
        return self.post("/dev/block", None, schema.BlockView)

    # --- requests ----------------------------------------------------------------------------

    def get(
        self,
        path: str,
        kind: type[Answer],
        query: dict[str, Any] | None = None,
        timeout: float | None = None,
    ) -> Answer:
        """One document; what the node refuses is raised."""
        options: dict[str, Any] = {} if timeout is None else {"timeout": timeout}
        return self._decode(self._send("GET", path, params=query or None, **options), kind)

    def post(self, path: str, body: schema.Request | None, kind: type[Answer]) -> Answer:
        """The same for a request with a body."""
        content = msgspec.json.encode(body if body is not None else {})
        headers = {"content-type": schema.MEDIA_TYPE}
        return self._decode(self._send("POST", path, content=content, headers=headers), kind)

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            with self._http.stream(method, path, **options) as response:
                content = whole(response.iter_bytes(), MAX_ANSWER, WHOLE_S)
                return httpx.Response(response.status_code, content=content)
        except TooLong as error:
            raise BadAnswer(str(error), where=self._where(path)) from None
        except (httpx.TimeoutException, TooSlow) as error:
            raise Unreachable("the node does not answer in time", where=self.url) from error
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise Unreachable(f"no answer from the node: {error}", where=self.url) from error

    def _decode(self, response: httpx.Response, kind: type[Answer]) -> Answer:
        try:
            if response.status_code >= 400:
                raise self._refusal(response)
            return document_of(response.content, kind)
        except msgspec.DecodeError as error:
            raise BadAnswer(f"the node's answer is malformed: {error}", where=self.url) from error

    def _refusal(self, response: httpx.Response) -> ChiaroError:
        try:
            found = document_of(response.content, schema.ProblemDocument).error
        except msgspec.DecodeError:
            if response.status_code >= 500:
                return NodeFault(f"the node failed with status {response.status_code}")
            if response.status_code == 404:
                return NotFound("there is no such thing at this address", where=self.url)
            raise
        return error_of(found)

    def checked(self, read: Callable[[], Value]) -> Value:
        """What `read` makes of an answer; content that does not decode is the node's fault."""
        try:
            return read()
        except (ChiaroError, ValueError) as error:
            raise BadAnswer(
                f"the node's answer does not decode: {error}", where=self.url
            ) from error

    def _where(self, path: str) -> str:
        return f"{self.url}/{schema.API}{path}"


def _at(height: int | None) -> dict[str, Any] | None:
    return None if height is None else {"height": height}
