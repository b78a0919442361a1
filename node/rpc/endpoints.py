"""The table of endpoints: path, documents, and the call of the service behind each."""

from __future__ import annotations

from typing import Final, cast

from node.core.ids import AccountId, Height, TxId
from node.rpc import schema
from node.rpc.da_endpoints import DA_ENDPOINTS
from node.rpc.endpoint import Call, Endpoint
from node.rpc.errors import BadRequest, TooLarge
from node.rpc.gossip_endpoints import GOSSIP_ENDPOINTS
from node.rpc.lane_endpoints import LANE_ENDPOINTS
from node.rpc.light_endpoints import LIGHT_ENDPOINTS
from node.rpc.private_endpoints import PRIVATE_ENDPOINTS
from node.rpc.stake_endpoints import STAKE_ENDPOINTS
from node.rpc.text import bytes_of

EVENTS_LIMIT: Final = 100
MAX_KEY_BYTES: Final = 256


def _block(call: Call) -> schema.BlockView:
    if call.path == "tip":
        return call.service.tip()
    if not call.path.isascii() or not call.path.isdigit() or len(call.path) > 15:
        raise BadRequest("a height is a decimal number, or `tip`", where="path")
    return call.service.block(Height(int(call.path)))


def _key(text: str) -> bytes:
    key = bytes_of(text, where="path")
    if len(key) > MAX_KEY_BYTES:
        raise TooLarge(f"a key has at most {MAX_KEY_BYTES} bytes", where="path")
    return key


async def _submit(call: Call) -> schema.Submitted:
    return await call.service.submit(bytes_of(call.body.tx, where="tx"))


async def _events(call: Call) -> schema.EventPage:
    """RPC-9: answered from what is on disk, as soon as there is something."""
    query = cast("schema.EventsQuery", call.query)
    await call.tip.above(query.after, query.wait_ms / 1000)
    return call.service.events(query.after, EVENTS_LIMIT)


ENDPOINTS: Final = (
    Endpoint(
        "GET",
        "/status",
        "Chain, height, state root, keys, parameters",
        schema.Status,
        lambda call: call.service.status(),
    ),
    Endpoint(
        "GET",
        "/genesis",
        "Genesis: its hash is the chain id",
        schema.GenesisView,
        lambda call: call.service.genesis_view(),
    ),
    Endpoint(
        "POST",
        "/tx",
        "Hand in a transaction",
        schema.Submitted,
        wait=_submit,
        body=schema.SubmitRequest,
        changes=True,
    ),
    Endpoint(
        "GET",
        "/tx/{id}",
        "What became of a transaction",
        schema.TransactionView,
        lambda call: call.service.transaction(TxId(call.id)),
    ),
    Endpoint(
        "GET",
        "/blocks",
        "List of blocks",
        schema.BlockPage,
        lambda call: call.service.blocks(call.query.first, call.query.limit),
        query=schema.PageQuery,
    ),
    Endpoint(
        "GET",
        "/raw",
        "Blocks and receipts as bytes, for auditors",
        schema.RawPage,
        lambda call: call.service.raw(call.query.first, call.query.limit),
        query=schema.PageQuery,
    ),
    Endpoint("GET", "/blocks/{id}", "A block, by height or `tip`", schema.BlockView, _block),
    Endpoint(
        "GET",
        "/actions",
        "What wallets scan",
        schema.ActionPage,
        lambda call: call.service.actions.page(call.query.first, call.query.limit),
        query=schema.PageQuery,
    ),
    Endpoint(
        "GET",
        "/anchor",
        "The note tree",
        schema.AnchorView,
        lambda call: call.service.actions.tree(call.query.height),
        query=schema.HeightQuery,
    ),
    Endpoint(
        "GET",
        "/nullifiers/{id}",
        "Whether a nullifier is spent",
        schema.NullifierView,
        lambda call: call.service.nullifier(call.id, call.query.environment),
        query=schema.EnvironmentQuery,
    ),
    Endpoint(
        "GET",
        "/accounts/{id}",
        "Balances and sequence number",
        schema.AccountView,
        lambda call: call.service.account(AccountId(call.id)),
    ),
    Endpoint(
        "GET",
        "/supply",
        "The supply audit",
        schema.SupplyReport,
        lambda call: call.service.supply(),
    ),
    Endpoint(
        "GET",
        "/state/{id}",
        "An entry of the state, with proof",
        schema.StateView,
        lambda call: call.service.state(_key(call.path), call.query.height),
        query=schema.HeightQuery,
    ),
    Endpoint(
        "GET",
        "/mempool",
        "What waits for a block",
        schema.MempoolView,
        lambda call: call.service.mempool(call.query.limit),
        query=schema.LimitQuery,
    ),
    Endpoint(
        "GET",
        "/events",
        "Blocks above a height, waiting for the first",
        schema.EventPage,
        wait=_events,
        query=schema.EventsQuery,
    ),
    Endpoint(
        "POST",
        "/dev/faucet",
        "Development: base units from the faucet",
        schema.FaucetReceipt,
        lambda call: call.service.pay(call.body),
        body=schema.FaucetRequest,
        development=True,
    ),
    Endpoint(
        "POST",
        "/dev/block",
        "Development: make a block now",
        schema.BlockView,
        lambda call: call.service.make_block(),
        body=schema.Nothing,
        development=True,
    ),
    *LANE_ENDPOINTS,
    *DA_ENDPOINTS,
    *GOSSIP_ENDPOINTS,
    *LIGHT_ENDPOINTS,
    *STAKE_ENDPOINTS,
    *PRIVATE_ENDPOINTS,
)
