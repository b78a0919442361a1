"""The demonstration itself: a real node, two wallets, a private transfer, an auditor.

Everything goes the way that users' commands go: the node is a process of its own and is asked over
its RPC; wallets are files; proofs are made with the registered key and checked from the chain's
bytes. What the roles saw is read back from the wallets and from the chain, not remembered.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from node.cli import demo_steps, exported, keystore, wallet_spend, wallet_sync, wallets
from node.cli.demo_facts import (
    Checked,
    Clause,
    Crossing,
    DemoFacts,
    Disclosed,
    Phase,
    Statement,
    Step,
    Supply,
    SupplyPoint,
    Transfer,
    units,
)
from node.cli.demo_steps import Say
from node.cli.output import Report
from node.cli.session import Places, write_private
from node.cli.wallet_db import Operation
from node.cli.wallet_spend import Proposal, Request
from node.cli.wallets import Secrets, Wallet
from zk import jsontext
from zk.errors import ChiaroError

if TYPE_CHECKING:
    from node.rpc.client import NodeClient
    from shielded.build import Prove
    from shielded.transaction import ShieldedTx
    from zk.interfaces import Backend

PROFILE: Final = "dev"
UNIT: Final = 10**6
FUNDED: Final = 12 * UNIT
SHIELDED: Final = 10 * UNIT
SENT: Final = 4_250_000
UNSHIELDED: Final = 2 * UNIT
MEMO: Final = "rent, with thanks"
WAIT_S: Final = 60.0


class DemoFailed(ChiaroError):
    """A step of the demonstration did not end as it must."""

    code = "DEM-001"
    exit_code = 70
    why = "a demonstration that shows something else than what happened would be a lie"
    fix = "run it again with --keep and look into the node's log; please report it"


@dataclass(frozen=True, slots=True)
class Verified:
    """The transfer's proof, checked by two arithmetics, and how a wrong one fared."""

    backend: str
    checks: tuple[Checked, ...]
    reference_checks: tuple[Checked, ...]
    seconds: float
    checks_seconds: float
    reference_seconds: float
    tampered_refused_by: str


@dataclass(slots=True)
class PhaseClock:
    """Times of the phases that a prover reports: from share 0 to share 1."""

    seconds: dict[str, float] = field(default_factory=dict)
    _began: dict[str, float] = field(default_factory=dict)

    def __call__(self, phase: str, share: float) -> None:
        now = time.perf_counter()
        if share <= 0.0 or phase not in self._began:
            self._began[phase] = now
        if share >= 1.0:
            self.seconds[phase] = now - self._began[phase]

    def restart(self) -> None:
        """Forget everything: the next proof is what counts."""
        self.seconds.clear()
        self._began.clear()


@dataclass(slots=True)
class Run:
    """One demonstration.

    Args:
        folder: an empty folder for node and wallets.
        tell: called with each step when it is done.
        bar: progress of long work, for people.
    """

    folder: Path
    tell: Callable[[Step], None]
    bar: Report
    steps: list[Step] = field(default_factory=list)
    points: list[SupplyPoint] = field(default_factory=list)
    documents: list[exported.Part] = field(default_factory=list)

    @property
    def places(self) -> Places:
        """Wallets and node below the one folder."""
        return Places.of(str(self.folder))

    def __call__(self) -> DemoFacts:
        """Run it. The node is stopped however this ends.

        Raises:
            DemoFailed: something is not as it must be.
            ChiaroError: what a step met.
        """
        from node.app import process
        from node.rpc.client import NodeClient

        began, started_ms = time.perf_counter(), time.time_ns() // 1_000_000
        home, state = self.places.node, self.places.state
        try:
            with self._step("node", "A node starts") as say:
                node = process.spawn(home, state, port=0)
                say(f"{node.url}, a chain of its own, blocks on demand")
            with NodeClient(node.url) as client, ExitStack() as stack:
                facts = self._scenes(client, stack, began, started_ms)
        finally:
            process.stop(home, state)
        return facts

    def _scenes(
        self, client: NodeClient, stack: ExitStack, began: float, started_ms: int
    ) -> DemoFacts:
        from node.rpc.text import bytes_of

        self._count(client)
        with self._step("wallets", "Alice and Bob make wallets") as say:
            alice, alice_keys = self._wallet(stack, "alice")
            bob, bob_keys = self._wallet(stack, "bob")
            say("24 words each, sealed under a password")
        clock = PhaseClock()
        with self._step("key", "The proving key is loaded") as say:
            key_built, prove = self._prover(clock)
            say("built from its seed, and cached" if key_built else "from the cache")
        with self._step("faucet", "Alice gets public funds") as say:
            paid = client.faucet(alice.account, FUNDED)
            self._count(client)
            say(f"{units(FUNDED, 'native')} from the faucet, seen by everyone", paid.height)

        def settle(
            step: str, title: str, detail: str, wallet: Wallet, keys: Secrets, request: Request
        ) -> Operation:
            with self._step(step, title) as say:
                operation = self._spend(client, wallet, keys, request, prove)
                self._count(client)
                say(detail, operation.height)
            return operation

        shielded = settle(
            "shield",
            f"Alice shields {units(SHIELDED)}",
            "from the light into the shadow; the amount is public once more",
            alice,
            alice_keys,
            Request(wallet_spend.SHIELD, SHIELDED),
        )
        clock.restart()
        to_bob = Request(wallet_spend.SEND, SENT, address=bob.full_key.address(0), memo=MEMO)
        set_size = alice.state.tree.size
        sent = settle(
            "send",
            f"Alice sends {units(SENT)} privately",
            "the chain shows a proof, two nullifiers, two commitments",
            alice,
            alice_keys,
            to_bob,
        )
        phases = tuple(Phase(name, seconds) for name, seconds in clock.seconds.items())
        with self._step("find", "Bob finds the payment") as say:
            wallet_sync.sync(bob, client)
            note = self._received(bob, sent)
            say(f"by scanning every output; the memo says “{note[1]}”")
        unshielded = settle(
            "unshield",
            f"Bob unshields {units(UNSHIELDED)}",
            "back into the light, to his public account",
            bob,
            bob_keys,
            Request(wallet_spend.UNSHIELD, UNSHIELDED),
        )
        tx, transfer = self._transfer(client, alice, bob, sent, set_size)
        proof = self._verify(tx)
        supply = self._audit(client)
        disclosed = self._disclose(client, alice, tx, transfer)
        return DemoFacts(
            chain_id=bytes_of(client.status().chain_id, 32).hex(),
            started_ms=started_ms,
            seconds=time.perf_counter() - began,
            key_built=key_built,
            steps=tuple(self.steps),
            transfer=transfer,
            crossings=(
                _crossing("Alice shields", alice, shielded),
                _crossing("Bob unshields", bob, unshielded),
            ),
            statement=self._statement(),
            phases=phases,
            supply=supply,
            disclosure=disclosed,
            versions=versions(),
            backend=proof.backend,
            checks=proof.checks,
            reference_checks=proof.reference_checks,
            verify_seconds=proof.seconds,
            checks_seconds=proof.checks_seconds,
            reference_seconds=proof.reference_seconds,
            tampered_refused_by=proof.tampered_refused_by,
        )

    # --- scenes ------------------------------------------------------------------------------

    def _step(self, id_: str, title: str) -> AbstractContextManager[Say]:
        return demo_steps.step(self.steps, self.tell, id_, title)

    def _wallet(self, stack: ExitStack, name: str) -> tuple[Wallet, Secrets]:
        password = secrets.token_urlsafe(18)
        # For whoever keeps the folder; it goes with the folder otherwise.
        write_private(self.folder / f"{name}.password", password.encode() + b"\n")
        wallets.create(self.places, name, PROFILE, keystore.new_entropy(), password)
        wallet = stack.enter_context(wallets.opened(self.places, name, profile=PROFILE))
        return wallet, wallets.unlock(wallet, password)

    def _prover(self, clock: PhaseClock) -> tuple[bool, Prove]:
        from circuits.keys import KeyStore
        from shielded.action import STATEMENT
        from shielded.build import statement_prover

        keys = KeyStore()
        built: list[str] = []

        def loading(phase: str, share: float) -> None:
            built.append(phase)
            self.bar(phase, share)

        keys.proving_key(STATEMENT, PROFILE, loading)
        return bool(built), statement_prover(keys=keys, profile=PROFILE, progress=clock)

    def _spend(
        self,
        client: NodeClient,
        wallet: Wallet,
        keys: Secrets,
        request: Request,
        prove: Prove,
    ) -> Operation:
        wallet_sync.sync(wallet, client)
        proposal: Proposal = wallet_spend.propose(wallet, client, request)
        operation = wallet_spend.confirm(wallet, client, proposal, keys, prove)
        operation = wallet_spend.wait(wallet, client, operation, WAIT_S)
        if operation.height is None:
            raise DemoFailed(f"{request.action} ended as {operation.state}: {operation.error}")
        return operation

    def _received(self, bob: Wallet, sent: Operation) -> tuple[int, str, int]:
        """Amount, memo and position of the note that Bob's wallet found."""
        from shielded.encryption import memo_to_text

        found = [note for note in bob.state.notes if note.tx_id == sent.tx_id]
        if len(found) != 1 or found[0].note.quantity != SENT:
            raise DemoFailed(f"Bob found {len(found)} notes of the transfer")
        return SENT, memo_to_text(found[0].memo) or "", found[0].position

    def _transfer(
        self, client: NodeClient, alice: Wallet, bob: Wallet, sent: Operation, set_size: int
    ) -> tuple[ShieldedTx, Transfer]:
        """The transfer as the chain has it, and as Alice's viewing key and Bob's wallet read it."""
        from node.rpc.text import bytes_of

        identity = sent.tx_id or b""
        view = client.transaction(identity)
        if view.receipt is None or view.tx is None or not view.receipt.ok:
            raise DemoFailed("the node does not have the transfer")
        wire = bytes_of(view.tx)
        tx = _shielded(wire, identity)
        block = client.block(view.receipt.height)
        amount, memo, position = self._received(bob, sent)
        spent = [note for note in alice.state.notes if note.spent_tx == identity]
        change = [n for n in alice.state.notes if n.tx_id == identity and n.internal]
        action = tx.actions[0]
        return tx, Transfer(
            tx_id=tx.id.hex(),
            block_hash=bytes_of(block.hash, 32).hex(),
            height=block.height,
            time_ms=block.time_ms,
            size=len(wire),
            actions=len(tx.actions),
            fee=tx.fee,
            expiry=tx.expiry,
            anchor=action.public.anchor,
            nullifiers=tx.nullifiers,
            commitments=tx.commitments,
            asset="native",
            amount=amount,
            memo=memo,
            change=sum(note.note.quantity for note in change),
            sender=alice.full_key.address(0).encode(alice.network),
            recipient=bob.full_key.address(0).encode(bob.network),
            spent_position=spent[0].position,
            spent_amount=spent[0].note.quantity,
            received_position=position,
            set_size=set_size,
        )

    def _verify(self, tx: ShieldedTx) -> Verified:
        """Check the transfer's proof from the chain's bytes, twice, and a wrong one."""
        from circuits.key_registry import Registry
        from circuits.registry import statement
        from shielded.action import STATEMENT
        from zk import backends
        from zk.formats.itemised import verify_documents

        with self._step("verify", "Anyone checks the proof") as say:
            self.documents = exported.parts_of(tx, PROFILE)
            part = self.documents[0]
            listed = Registry.load().statements_by_key()
            names = statement(STATEMENT).public_names
            fast = backends.get()

            def check(public: bytes, backend: Backend | None) -> tuple[tuple[Checked, ...], float]:
                began = time.perf_counter()
                checks = verify_documents(
                    part.proof,
                    public,
                    part.key,
                    registry=listed,
                    statement=STATEMENT,
                    names=names,
                    backend=backend,
                )
                took = time.perf_counter() - began
                return tuple(Checked(c.id, c.ok, c.code, c.detail) for c in checks), took

            seconds = _equation(part, fast)
            checks, checks_seconds = check(part.public, fast)
            reference, reference_seconds = check(part.public, None)
            altered, _ = check(_raised(part.public), fast)
            refusals = [item.code for item in altered if not item.ok]
            if not refusals:
                raise DemoFailed("a proof with another public input was not refused")
            say(f"{len(checks)} properties, by two arithmetics; one input changed: refused")
        return Verified(
            backend=fast.name,
            checks=checks,
            reference_checks=reference,
            seconds=seconds,
            checks_seconds=checks_seconds,
            reference_seconds=reference_seconds,
            tampered_refused_by=refusals[0],
        )

    def _count(self, client: NodeClient) -> None:
        """Where the native units are now; the faucet's own are left out."""
        from node.core.genesis import dev_faucet_account
        from node.core.ids import NATIVE

        report = client.supply()
        native = next(item for item in report.kinds if item.kind.kind == NATIVE)
        reserve = client.account(dev_faucet_account()).balance(NATIVE)
        self.points.append(
            SupplyPoint(report.height, int(native.transparent) - reserve, int(native.shielded))
        )

    def _audit(self, client: NodeClient) -> Supply:
        from node.core.ids import NATIVE

        with self._step("supply", "The supply is audited") as say:
            report = client.supply()
            native = next(item for item in report.kinds if item.kind.kind == NATIVE)
            supply = Supply(
                issued=int(native.issued),
                transparent=int(native.transparent),
                fees=int(native.fees),
                shielded=int(native.shielded),
                private=int(native.private),
                balanced=report.balanced and native.balanced,
                history=tuple(self.points),
            )
            if supply.sum != supply.issued:
                supply = replace(supply, balanced=False)
            say(
                f"{units(supply.transparent)} in the light + {units(supply.shielded)} in the "
                f"shadow = {units(supply.issued)} issued"
            )
        return supply

    def _disclose(
        self, client: NodeClient, alice: Wallet, tx: ShieldedTx, transfer: Transfer
    ) -> Disclosed:
        """Alice opens one output; the auditor has that file and the chain, and no key."""
        from node.rpc.text import bytes_of
        from shielded import disclosure
        from shielded.encryption import memo_to_text
        from shielded.history import Direction

        with self._step("disclose", "An auditor opens one output") as say:
            chain_id = bytes_of(client.status().chain_id, 32)
            entry = next(
                item
                for item in alice.state.history
                if item.tx_id == tx.id and item.direction is Direction.SENT
            )
            handed = json.dumps(
                disclosure.create(
                    alice.full_key, chain_id, tx.scanned, entry.action, entry.slot
                ).to_json()
            )
            began = time.perf_counter()
            read = disclosure.Disclosure.from_json(jsontext.loads(handed.encode()))
            found = disclosure.verify(read, chain_id, tx.scanned)
            seconds = time.perf_counter() - began
            try:
                disclosure.verify(replace(read, quantity=read.quantity + 1), chain_id, tx.scanned)
            except disclosure.DisclosureRefused as error:
                refused = error.id
            else:
                raise DemoFailed("a disclosure of another amount was not refused")
            say(f"{units(found.quantity)} to Bob’s address, recomputed from the chain")
        return Disclosed(
            action=found.action,
            slot=found.slot,
            asset=transfer.asset,
            amount=found.quantity,
            address=found.address.encode(PROFILE),
            memo=memo_to_text(found.memo) or "",
            commitment=found.commitment,
            seconds=seconds,
            altered_refused_by=refused,
        )

    def _statement(self) -> Statement:
        from circuits import registry, review
        from circuits.key_registry import Registry
        from circuits.statement import record
        from node.core import catalog
        from shielded.action import PROOF_BYTES, STATEMENT

        shape = record(registry.statement(STATEMENT))
        listed = Registry.load().find(STATEMENT, PROFILE)
        rules = catalog.rules()

        def title(clause: str) -> str:
            first = rules[clause].text.splitlines()[0] if clause in rules else ""
            return first.partition("—")[2].strip()

        costs = sorted(review.cost_by_clause(shape), key=lambda cost: cost.name)
        return Statement(
            id=STATEMENT,
            rows=shape.rows,
            domain=shape.domain,
            publics=shape.publics,
            digest=shape.digest.hex(),
            verifying_key=listed.verifying_key,
            unsafe=listed.unsafe,
            proof_bytes=PROOF_BYTES,
            clauses=tuple(Clause(cost.name, title(cost.name), cost.rows) for cost in costs),
        )


def _crossing(what: str, wallet: Wallet, operation: Operation) -> Crossing:
    return Crossing(
        what,
        wallet.account.hex(),
        operation.amount,
        operation.height or 0,
        (operation.tx_id or b"").hex(),
    )


def _shielded(wire: bytes, identity: bytes) -> ShieldedTx:
    from node.cli.identify import shielded_of

    tx = shielded_of(wire, identity)
    if tx is None:
        raise DemoFailed("the transfer is not a shielded transaction")
    return tx


def _equation(part: exported.Part, backend: Backend) -> float:
    """Seconds that one verification takes, documents already read."""
    from zk.formats import snarkjs
    from zk.groth16.verify import verify

    key, public = snarkjs.read_verifying_key(part.key), snarkjs.read_public(part.public)
    proof = snarkjs.read_proof(part.proof)
    began = time.perf_counter()
    verify(key, public, proof, backend)
    return time.perf_counter() - began


def _raised(public: bytes) -> bytes:
    """The public inputs with the first nullifier raised by one."""
    from zk.formats import snarkjs

    values = [int(value) for value in jsontext.loads(public)]
    values[1] += 1
    return snarkjs.dump(snarkjs.public_document(values))


def versions() -> tuple[tuple[str, str], ...]:
    """What computed: our version, the interpreter, the libraries, the machine."""
    import os
    import platform
    from importlib.metadata import version

    libraries = ("numpy", "llvmlite", "gmpy2", "cryptography", "rocksdict")
    return (
        ("Chiaroscuro", version("chiaroscuro")),
        ("Python", platform.python_version()),
        *((name, version(name)) for name in libraries),
        ("machine", f"{platform.machine()}, {os.cpu_count()} cores"),
    )
