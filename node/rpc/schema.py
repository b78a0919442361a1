"""Documents of the RPC, `/v1`: one source for server, client and `/v1/openapi.json`.

RPC-4: one spelling per value. Bytes are `0x` and lower-case hexadecimal; field elements and amounts
(base units) are decimal text; heights, counts and milliseconds are numbers. Requests refuse unknown
fields; answers may gain fields within `v1`, so readers ignore what they do not know.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from node.core.ids import Kind
from node.rpc.text import element_of

API: Final = "v1"
MEDIA_TYPE: Final = "application/json"

Hex = Annotated[str, Meta(pattern=r"^0x(?:[0-9a-f]{2})*$", description="0x, lower-case hex")]
Id = Annotated[str, Meta(pattern=r"^0x[0-9a-f]{64}$", description="32 bytes")]
Element = Annotated[
    str, Meta(pattern=r"^(?:0|[1-9][0-9]{0,76})$", description="field element, decimal, below r")
]
Amount = Annotated[
    str, Meta(pattern=r"^(?:0|[1-9][0-9]{0,19})$", description="base units, decimal, below 2^64")
]
SignedAmount = Annotated[
    str, Meta(pattern=r"^(?:0|-?[1-9][0-9]{0,19})$", description="base units, decimal")
]
Count = Annotated[int, Meta(ge=0)]


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a client sends: exactly the documented fields."""


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """What the node answers; later versions of `v1` may add fields."""


# --- errors ---------------------------------------------------------------------------------------


class Problem(Response, frozen=True):
    """Why a request failed.

    Attributes:
        code: id of the rule or error (`SH-7`, `ENC-002`), for `chiaro explain`.
        base: code of the error's class (`TXN-001`), for programs.
        message, where, why, hint: for people.
    """

    code: str
    base: str
    message: str
    where: str = ""
    why: str = ""
    hint: str = ""


class ProblemDocument(Response, frozen=True):
    """Body of every answer with a status of 400 or above."""

    error: Problem


# --- the chain ------------------------------------------------------------------------------------


class KindView(Response, frozen=True):
    """A kind; `name` where the node knows one (`native`, assets of the development genesis)."""

    logic: Element
    label: Element
    name: str | None = None

    @property
    def kind(self) -> Kind:
        return Kind(element_of(self.logic), element_of(self.label))


class StatementView(Response, frozen=True):
    """A statement that the chain verifies.

    Attributes:
        unsafe: the warning of a development key.
        insecure: since when and why the circuit is insecure; empty for a current one.
    """

    id: str
    r1cs: Id
    verifying_key: Id
    unsafe: str = ""
    insecure: str = ""


class ParametersView(Response, frozen=True):
    """Constants of the chain (`node.core.genesis.Parameters`)."""

    block_time_ms: Count
    max_expiry: Count
    anchor_window: Count
    fee_floor: Amount
    max_tx_bytes: Count
    max_block_bytes: Count
    max_block_txs: Count


PoolStateName = Literal["open", "exit-only", "frozen"]


class PoolView(Response, frozen=True):
    """A pool's state, as it binds the next block (EX-32).

    Attributes:
        since: height of the order that made it so; 0: no order was ever given.
        ordered: what the last order said; a deadline that has passed makes it `frozen`.
        deadline: last height of what was ordered; absent: none.
        insecure: statements that were declared insecure; never taken back (EX-30).
        closed_for_good: nothing opens it again (EX-31).
    """

    environment: str
    state: PoolStateName
    ordered: PoolStateName
    since: Count
    reason: str
    insecure: list[str]
    closed_for_good: bool
    deadline: Count | None = None


class GuardiansView(Response, frozen=True):
    """Who can order pools open or closed; `next_order` is the number of their next order."""

    keys: list[Id]
    threshold: Count
    next_order: Count


class PredecessorView(Response, frozen=True):
    """The chain that this one continues, and the block after which it does."""

    chain_id: Id
    height: Count
    block_hash: Id


class Status(Response, frozen=True):
    """The node and the last block that is on its disk.

    Attributes:
        state_root: after block `height`.
        oldest_state: lowest height whose state can still be asked for.
        ready: genesis is on disk and blocks can be made.
        faucet: account of the development faucet; absent outside `dev`.
        pools: state of each pool for the next block.
        guardians: absent where the chain has none.
        predecessor: absent where the chain continues no other.
    """

    chain_id: Id
    name: str
    profile: str
    version: str
    api: str
    height: Count
    block_hash: Id
    time_ms: Count
    state_root: Id
    oldest_state: Count
    mempool_txs: Count
    mempool_bytes: Count
    statements: list[StatementView]
    parameters: ParametersView
    assets: list[KindView]
    ready: bool = True
    faucet: Id | None = None
    pools: list[PoolView] = msgspec.field(default_factory=list)
    guardians: GuardiansView | None = None
    predecessor: PredecessorView | None = None


class GenesisView(Response, frozen=True):
    """Genesis: canonical bytes, whose hash is the chain id, and the same as a TOML file."""

    chain_id: Id
    encoded: Hex
    toml: str


class EventView(Response, frozen=True):
    """Something a receipt tells."""

    name: str
    data: dict[str, str]


class ReceiptView(Response, frozen=True):
    """How a transaction of a block ended; `code` is `ok` or the rule that refused it."""

    tx_id: Id
    wire_id: Id
    height: Count
    index: Count
    environment: str
    code: str
    message: str
    fee: Amount
    events: list[EventView]

    @property
    def ok(self) -> bool:
        return self.code == "ok"


class BlockView(Response, frozen=True):
    """A block; `txs` are full bytes, in the order of `receipts`.

    Attributes:
        state_root: after the block *before* (what the header carries).
        root_after: after this block.
    """

    height: Count
    hash: Id
    previous: Id
    time_ms: Count
    chain_id: Id
    state_root: Id
    root_after: Id
    tx_root: Id
    bytes: Count
    receipts: list[ReceiptView]
    txs: list[Hex]


class BlockSummary(Response, frozen=True):
    """One line of a list of blocks."""

    height: Count
    hash: Id
    time_ms: Count
    bytes: Count
    tx_ids: list[Id]
    refused: Count


class BlockPage(Response, frozen=True):
    """Blocks `first` … , ascending; `next` is where to go on, absent at the end."""

    tip: Count
    blocks: list[BlockSummary]
    next: Count | None = None


class RawBlock(Response, frozen=True):
    """A block and its receipts as bytes: `node.core.block.Block`, `node.store.chain`.

    Attributes:
        blobs: what the block orders and lacks (`node.lane.blobs.attached`); absent: nothing.
    """

    height: Count
    block: Hex
    receipts: Hex
    blobs: Hex | None = None


class RawPage(Response, frozen=True):
    """Blocks `first` … , ascending, for who audits the chain; `next` is absent at the end."""

    tip: Count
    blocks: list[RawBlock]
    next: Count | None = None


TxStatus = Literal["pending", "included", "rejected", "unknown"]


class TransactionView(Response, frozen=True):
    """What the node knows of a transaction id.

    Attributes:
        status: `pending` in the mempool; `included` took effect in a block; `rejected` stands in a
            block without effect, or was dropped from the mempool and will not be included from
            here; `unknown` neither.
        tx: full bytes, where the node has them.
        receipt: of the block, for `included`, and for `rejected` where a block has it.
        block_hash: of that block.
        error: why it was dropped, for `rejected` without a receipt.
        tip: last height when this was answered.
        carrier: of one that took effect inside another (a settlement, a blob of sealed intents), id
            of that one; the receipt is at its place.
    """

    tx_id: Id
    status: TxStatus
    tip: Count
    environment: str | None = None
    tx: Hex | None = None
    receipt: ReceiptView | None = None
    block_hash: Id | None = None
    error: Problem | None = None
    carrier: Id | None = None


class SubmitRequest(Request, frozen=True):
    """A transaction: its envelope's full bytes."""

    tx: Hex


class Submitted(Response, frozen=True):
    """Admitted to the mempool; nothing is promised before `included`.

    Attributes:
        wire_id: hash of the full bytes: names this copy, proofs and signatures included.
        height: last height when it was admitted.
    """

    tx_id: Id
    wire_id: Id
    admitted: bool
    height: Count


class MempoolEntry(Response, frozen=True):
    """One waiting transaction."""

    tx_id: Id
    wire_id: Id
    environment: str
    fee: Amount
    bytes: Count
    expiry: Count


class MempoolView(Response, frozen=True):
    """What waits, best first; `more` where the list was cut."""

    txs: Count
    bytes: Count
    entries: list[MempoolEntry]
    more: bool = False


# --- the shielded pool ----------------------------------------------------------------------------


class AnchorView(Response, frozen=True):
    """The note tree after block `height`.

    Attributes:
        anchor: its root.
        notes: how many commitments it holds.
        tree: `shielded.tree.NoteTree.to_bytes`: a new wallet starts from it.
    """

    height: Count
    anchor: Element
    notes: Count
    tree: Hex


class ActionView(Response, frozen=True):
    """What a wallet scans of an action."""

    nullifiers: tuple[Element, Element]
    commitments: tuple[Element, Element]
    ciphertexts: tuple[Hex, Hex]


class CrossingView(Response, frozen=True):
    """Value that left the pool (positive) or entered it (negative)."""

    environment: str
    account: Id
    kind: KindView
    amount: SignedAmount


class HiddenValueView(Response, frozen=True):
    """An amount that nobody sees, into the private pool or, where it `enters`, from there.

    Attributes:
        reference: digest of the private message that it belongs to.
        cv: commitment to the amount.
    """

    environment: str
    reference: Id
    kind: KindView
    enters: bool
    cv: Id


class ShieldedTxView(Response, frozen=True):
    """A shielded transaction that took effect."""

    tx_id: Id
    fee: Amount
    public_values: list[CrossingView]
    actions: list[ActionView]
    hidden_values: list[HiddenValueView] = msgspec.field(default_factory=list)


class ActionBlock(Response, frozen=True):
    """A block's shielded transactions, in order.

    Attributes:
        position: place in the note tree of the block's first commitment.
        anchor: root after this block, where the node still keeps it.
    """

    height: Count
    position: Count
    txs: list[ShieldedTxView]
    anchor: Element | None = None


class ActionPage(Response, frozen=True):
    """Blocks `first` … `next` − 1; those without a shielded transaction are left out.

    Attributes:
        next: first height that this page does not cover.
        tip: last height of the chain; all is read when `next` is above it.
        anchor: root after block `next` − 1, where the node still keeps it.
    """

    first: Count
    next: Count
    tip: Count
    blocks: list[ActionBlock]
    anchor: Element | None = None


class NullifierView(Response, frozen=True):
    """Whether a nullifier is in the set; `height` of the block that put it there."""

    nullifier: Hex
    environment: str
    spent: bool
    at: Count
    height: Count | None = None


# --- accounts, supply, state ----------------------------------------------------------------------


class BalanceView(Response, frozen=True):
    """Base units of one kind."""

    kind: KindView
    amount: Amount


class AccountView(Response, frozen=True):
    """An account after block `height`; `sequence` is what its next transaction must carry."""

    account: Id
    height: Count
    sequence: Count
    balances: list[BalanceView]

    def balance(self, kind: Kind) -> int:
        """Base units of `kind`; 0 where there is none."""
        return sum(int(b.amount) for b in self.balances if b.kind.kind == kind)


class SupplyView(Response, frozen=True):
    """Where the units of one kind are.

    Attributes:
        issued: at genesis: all there will ever be.
        transparent: sum of all balances, fees included.
        fees: of these, what the fee account holds.
        shielded, private, stake: what the turnstile says each pool holds. Of the first two it knows
            only what moved in the open, once amounts went from one to the other in the dark.
        joint: what the shielded and the private pool hold together, exact.
        hidden_into, hidden_out_of: how often amounts went in the dark into the private pool, and
            back into the shielded one.
        balanced: balances are what the turnstile says, and all parts sum to `issued`.
    """

    kind: KindView
    issued: Amount
    transparent: Amount
    fees: Amount
    shielded: SignedAmount
    private: SignedAmount
    stake: Amount
    joint: Amount
    balanced: bool
    hidden_into: Count = 0
    hidden_out_of: Count = 0


class SupplyReport(Response, frozen=True):
    """The supply audit after block `height`, recomputed from the state when asked."""

    height: Count
    state_root: Id
    kinds: list[SupplyView]
    balanced: bool


class StateView(Response, frozen=True):
    """An entry of the state with its proof under `state_root`; no `value`: proof of absence."""

    height: Count
    state_root: Id
    key: Hex
    proof: Hex
    value: Hex | None = None


# --- waiting, development -------------------------------------------------------------------------


class EventPage(Response, frozen=True):
    """Blocks after the height asked for; empty when none came before the timeout."""

    tip: Count
    blocks: list[BlockSummary]


class FaucetRequest(Request, frozen=True):
    """Base units for an account, of the native kind or of an asset named in `Status.assets`."""

    account: Id
    amount: Amount
    asset: str = "native"


class Nothing(Request, frozen=True):
    """The empty object."""


class FaucetReceipt(Response, frozen=True):
    """The faucet's payment, already on disk."""

    tx_id: Id
    height: Count


# --- queries --------------------------------------------------------------------------------------


class NoQuery(Request, frozen=True):
    """No parameters."""


class HeightQuery(Request, frozen=True):
    """`height`: of a recent block; the last one without it."""

    height: Count | None = None


class PageQuery(Request, frozen=True):
    """`from`: first height; `limit`: how many heights at most."""

    first: Annotated[int, Meta(ge=1)] = msgspec.field(name="from", default=1)
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


class LimitQuery(Request, frozen=True):
    """`limit`: how many entries at most."""

    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


class EventsQuery(Request, frozen=True):
    """`after`: blocks above this height; `wait_ms`: how long to wait for the first of them."""

    after: Count
    wait_ms: Annotated[int, Meta(ge=0, le=30_000)] = 0


class EnvironmentQuery(Request, frozen=True):
    """`environment`: whose set of nullifiers."""

    environment: Literal["shielded", "private"] = "shielded"
