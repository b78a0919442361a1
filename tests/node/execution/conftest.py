"""A chain with the real transparent environment and a pool that says in the clear what it does."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import asdict, dataclass

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from node.core.block import Block, Header, Transaction, tx_root
from node.core.effects import Crossing, Effects, Event, HiddenValue, Part
from node.core.errors import InvalidTransaction, Outdated
from node.core.genesis import Allocation, Parameters, StatementKey, development_genesis
from node.core.ids import NATIVE, AccountId, EnvironmentId, Height, Kind, StateRoot, tagged_hash
from node.core.interfaces import ProofClaim
from node.execution import pools
from node.execution.executor import Executor
from node.execution.order import Order, PoolState
from transparent import spec
from transparent.env import TransparentEnvironment
from transparent.signature import SigningKey
from transparent.transaction import Transfer, sign
from zk.errors import InvalidProof, NonCanonical

ASSET = Kind(0, 77)


@dataclass(frozen=True)
class PoolTx:
    """`consumes` and `creates` name notes by nullifier; `flaw` leaves out one check, or crashes."""

    consumes: tuple = ()
    creates: tuple = ()  # (nullifier hex, label, amount)
    crossings: tuple = ()  # (target, account hex, label, amount, authorization hex)
    fee: int = 0
    expiry: int = 30
    proofs: tuple = ()
    salt: int = 0
    flaw: str = ""
    hidden: tuple = ()  # (reference hex, label, amount, enters)
    carries: tuple = ()  # (wire hex, the hidden values that are named)
    carried_fee: int = 0


def hidden_values(fields) -> tuple[HiddenValue, ...]:
    """The amount stands where its commitment would."""
    return tuple(
        HiddenValue(
            EnvironmentId.PRIVATE,
            bytes.fromhex(reference),
            kind_of(label),
            amount.to_bytes(32, "little"),
            enters,
        )
        for reference, label, amount, enters in fields
    )


def kind_of(label: int) -> Kind:
    return Kind(0, label)


class PoolEnvironment:
    """The shielded environment without its cryptography: notes' values stand under `s/note/`."""

    def __init__(self, tag=EnvironmentId.SHIELDED, prefix=b"s/"):
        self.id, self.prefix = tag, prefix
        self.stateless_checks = 0

    def preview(self, payload: bytes, chain_id) -> int:
        try:
            return json.loads(payload)["fee"]
        except (ValueError, TypeError, KeyError) as error:
            raise NonCanonical("no pool transaction") from error

    def is_unpaid(self, payload: bytes) -> bool:
        return False

    def decode(self, payload: bytes) -> PoolTx:
        try:
            fields = json.loads(payload)
            tx = PoolTx(**{name: frozen(value) for name, value in fields.items()})
        except (ValueError, TypeError) as error:
            raise NonCanonical("no pool transaction") from error
        if encode(tx) != payload:
            raise NonCanonical("not canonical")
        return tx

    def tx_id(self, tx):
        crossings = [c[:4] for c in tx.crossings]
        body = {**asdict(tx), "proofs": (), "crossings": crossings}
        return tagged_hash("pool", json.dumps(body).encode())

    def expiry(self, tx):
        return Height(tx.expiry)

    def fee(self, tx):
        return tx.fee + tx.carried_fee

    def conflicts(self, tx):
        return tuple(bytes.fromhex(nf) for nf in tx.consumes)

    def check_stateless(self, tx, context):
        self.stateless_checks += 1
        if tx.expiry < context.height:
            raise Outdated("PO-1", "expired")
        if tx.flaw == "stateless":
            raise InvalidTransaction("PO-2", "always wrong")

    def claims(self, tx):
        return tuple(ProofClaim("pool/1", (7,), bytes.fromhex(p)) for p in tx.proofs)

    def check_historical(self, tx, state, context):
        if tx.flaw == "historical":
            raise Outdated("PO-3", "no such root")

    def execute(self, tx, state, context):
        if tx.flaw == "crash":
            return 1 // 0
        if tx.flaw == "memory":
            raise MemoryError
        writes, sums = [], {NATIVE: -tx.fee}
        for nf in tx.consumes:
            note = state.get(self.prefix + b"note/" + bytes.fromhex(nf))
            if note is not None:
                label, amount = json.loads(note)
                sums[kind_of(label)] = sums.get(kind_of(label), 0) + amount
        for nf, label, amount in tx.creates:
            key = self.prefix + b"note/" + bytes.fromhex(nf)
            writes.append((key, json.dumps([label, amount]).encode()))
            sums[kind_of(label)] = sums.get(kind_of(label), 0) - amount
        crossings = tuple(
            Crossing(
                EnvironmentId(target),
                AccountId(bytes.fromhex(account)),
                kind_of(label),
                amount,
                bytes.fromhex(authorization),
            )
            for target, account, label, amount, authorization in tx.crossings
        )
        for crossing in crossings:
            sums[crossing.kind] = sums.get(crossing.kind, 0) - crossing.amount
        inside = [item for _, named in tx.carries for item in named]
        for side, values in ((1, tx.hidden), (-1, inside)):  # what enters there leaves here
            for _, label, amount, enters in values:
                moved = side * (amount if enters else -amount)
                sums[kind_of(label)] = sums.get(kind_of(label), 0) + moved
        told = tx.flaw != "untold"
        parts = tuple(
            Part(
                "carried",
                wires=(bytes.fromhex(wire),) * (2 if tx.flaw == "twice" else 1),
                required=tx.flaw != "perhaps",
                told=told,
                hidden=hidden_values(named),
            )
            for wire, named in tx.carries
        )
        if any(sums.values()) and tx.flaw != "mint":
            raise InvalidTransaction("PO-4", "does not balance")
        if tx.flaw == "outside":
            writes.append((b"t/b/" + bytes(96), b"\x01"))
        if tx.flaw == "executor's":
            writes.append((b"n/2/" + bytes(32), None))
        return Effects(
            writes=tuple(writes),
            nullifiers=tuple(bytes.fromhex(nf) for nf in tx.consumes),
            commitments=tuple(int(nf[:8], 16) for nf, _, _ in tx.creates),
            crossings=crossings,
            fee=tx.fee + (tx.flaw == "fee"),
            events=(Event("pool", (("creates", str(len(tx.creates))),)),),
            parts=parts,
            carried_fee=tx.carried_fee,
            hidden=hidden_values(tx.hidden),
        )

    def cross(self, crossing, digest, state):
        if crossing.account == b"echo" * 8:
            back = Crossing(EnvironmentId.TRANSPARENT, crossing.account, NATIVE, 1)
            return Effects(crossings=(back,))
        if crossing.account == b"free" * 8:
            return Effects(nullifiers=(b"\x0f" * 32,), commitments=(99,))
        raise InvalidTransaction("PO-5", "nothing crosses into the pool")

    def end_block(self, commitments, state, context):
        if 0xFFFFFFFF in commitments:
            raise InvalidTransaction("PO-6", "the tree is full")
        line = f"{context.height}:{','.join(map(str, commitments))};".encode()
        key = self.prefix + b"blocks"
        return Effects(writes=((key, (state.get(key) or b"") + line),))


def frozen(value):
    """Lists as tuples, however deep."""
    return tuple(map(frozen, value)) if isinstance(value, list) else value


def encode(tx: PoolTx) -> bytes:
    return json.dumps(asdict(tx)).encode()


def envelope(order: Order) -> bytes:
    return Transaction(EnvironmentId.CHAIN, order.to_bytes()).to_bytes()


class StubVerifier:
    """Accepts what is not `bad`; counts."""

    def __init__(self):
        self.seen = []

    def verify(self, claims):
        self.seen += claims
        return [InvalidProof("stub") if c.proof == b"bad" else None for c in claims]


class DictState:
    def __init__(self, items=()) -> None:
        self.items = {k: v for k, v in dict(items).items() if v is not None}

    def get(self, key):
        return self.items.get(key)

    def iterate(self, prefix):
        return iter(sorted((k, v) for k, v in self.items.items() if k.startswith(prefix)))

    def after(self, writes) -> DictState:
        return DictState({**self.items, **writes})


class World:
    """A chain in a dictionary: executes blocks, keeps receipts."""

    asset = ASSET
    guardians = tuple(
        sorted((SigningKey(bytes([50 + i]) * 32) for i in range(3)), key=lambda key: key.account)
    )
    envelope = staticmethod(envelope)
    empty = staticmethod(DictState)

    def __init__(self, *, parameters=None, verifier=None, environments=None, **genesis):
        self.alice, self.bob = (SigningKey(bytes([i]) * 32) for i in (1, 2))
        allocations = [
            Allocation(key.account, kind, amount)
            for key in (self.alice, self.bob)
            for kind, amount in ((NATIVE, 1_000_000), (ASSET, 500))
        ]
        self.genesis = development_genesis(
            parameters=parameters or Parameters(fee_floor=10), allocations=tuple(allocations)
        )
        self.genesis = dataclasses.replace(self.genesis, **genesis)
        self.verifier = verifier or StubVerifier()
        self.pool = PoolEnvironment()
        self.environments = environments or {
            EnvironmentId.TRANSPARENT: TransparentEnvironment(64),
            EnvironmentId.SHIELDED: self.pool,
        }
        self.executor = self.new_executor()
        self.state = DictState(self.executor.genesis())
        self.height = 0
        self.receipts = []
        self.blocks = []

    def new_executor(self) -> Executor:
        return Executor(self.genesis, self.environments, self.verifier)

    def latest(self):
        return Height(self.height), self.state

    def execute(self, *txs, executor=None):
        executor = executor or self.executor
        return executor.execute(txs, self.state, Height(self.height + 1), 0)

    def block(self, *txs):
        """Execute and keep; the receipts' codes."""
        result = self.execute(*txs)
        self.height += 1
        self.state = self.state.after(result.writes)
        self.receipts += result.receipts
        self.blocks.append(txs)
        return [receipt.code for receipt in result.receipts]

    def as_block(self, *txs) -> Block:
        zero = bytes(32)
        root = StateRoot(zero)
        header = Header(self.genesis.chain_id, self.height, 0, zero, root, tx_root(txs))
        return Block(header, txs)

    # transactions

    def transfer(self, key=None, *, sequence=0, fee=10, amount=5, kind=NATIVE, to=None, expiry=30):
        recipient = (to or self.bob).account
        transfers = (Transfer(recipient, kind, amount),)
        tx = sign(key or self.alice, self.genesis.chain_id, sequence, expiry, fee, transfers)
        return Transaction(EnvironmentId.TRANSPARENT, tx.to_bytes()).to_bytes()

    def pooled(self, signer=None, environment=EnvironmentId.SHIELDED, **fields) -> bytes:
        """A pool transaction; debits are authorised by `signer`."""
        tx = PoolTx(**fields)
        identity = self.pool.tx_id(tx)
        crossings = []
        for target, account, label, amount, given in tx.crossings:
            signature = given
            if amount < 0 and signer is not None and not given:
                digest = spec.crossing_digest(signer.account, kind_of(label), -amount, identity)
                signature = signer.sign(digest).hex()
            crossings.append((target, account, label, amount, signature))
        tx = PoolTx(**{**fields, "crossings": tuple(crossings)})
        return Transaction(environment, encode(tx)).to_bytes()

    def shield(self, key, nf, amount, *, fee=0, kind=NATIVE, dummy=None):
        """Debit an account and make a note; the dummy it consumes gives it a nullifier."""
        crossing = (1, key.account.hex(), kind.label, -amount, "")
        return self.pooled(
            key,
            consumes=(dummy or "dd" + nf[2:],),
            creates=((nf, kind.label, amount - fee),),
            crossings=(crossing,),
            fee=fee,
        )

    def order(self, state, signers=None, *, chain_id=None, data=True, **fields):
        """About the shielded pool, signed by `signers`; full bytes, or the order itself."""
        order = Order(
            **{
                "chain_id": chain_id or self.genesis.chain_id,
                "sequence": pools.next_sequence(self.state),
                "pool": EnvironmentId.SHIELDED,
                "state": PoolState.of(state),
                "insecure": "",
                "not_before": Height(0),
                "expiry": Height(10_000),
                "deadline": Height(0),
                "reason": "a test",
                **fields,
            }
        )
        for signer in (
            self.guardians[: self.genesis.guardian_threshold] if signers is None else signers
        ):
            order = order.signed(signer)
        return envelope(order) if data else order

    def unshield(self, key, nf, amount, *, fee=0, kind=NATIVE, flaw=""):
        crossing = (1, key.account.hex(), kind.label, amount, "")
        return self.pooled(consumes=(nf,), crossings=(crossing,), fee=fee, flaw=flaw)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture(scope="session")
def make_world():
    return World


@pytest.fixture(scope="session")
def make_guarded():
    """Worlds with three guardians, two of whom must sign, and a statement."""

    def make(**options) -> World:
        keys = tuple(bytes(key.account) for key in World.guardians)
        statement = StatementKey("pool/1", b"\x01" * 32, b"\x02" * 32)
        fields = {"guardians": keys, "guardian_threshold": 2, "statements": (statement,)}
        return World(**{**fields, **options})

    return make


@pytest.fixture
def guarded(make_guarded) -> World:
    return make_guarded()


@pytest.fixture(scope="session")
def walk():
    """Runs a state machine whose `make_world` is the given one."""

    def run(machine, make, *, examples: int, steps: int) -> None:
        run_state_machine_as_test(
            type(machine.__name__, (machine,), {"make_world": staticmethod(make)}),
            settings=settings(
                max_examples=examples,
                stateful_step_count=steps,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )

    return run


@pytest.fixture(scope="session")
def note():
    """Names notes: `note(3)` is a nullifier in hex."""
    return lambda i: f"{i:064x}"
