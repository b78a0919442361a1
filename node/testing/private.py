"""A chain with a private environment: its blocks, members and donors made by hand.

Members are honest unless a test speaks for them: they hold real keys from a real ceremony on the
chain, and open what the protocol has them open, here by interpolation in one process.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from circuits.crossing import MEMBER_DEPTH
from circuits.membership import MemberTree, leaf
from node.core.block import Receipt, Transaction
from node.core.effects import Crossing
from node.core.genesis import Genesis, development_genesis
from node.core.guardians import DEV_GUARDIAN_SEED
from node.core.ids import NATIVE, AccountId, EnvironmentId, Height, Kind, tagged_hash
from node.core.interfaces import ProofVerifier, StateReader
from node.core.private import PrivateParameters
from node.execution import pools, turnstile
from node.execution.order import Order, PoolState
from node.private import build as building
from node.private import committees
from node.private import state as entries
from node.private.build import Pledge, ProveLinked, Proving
from node.private.claims import is_claimable
from node.private.gifts import Carrying, DepositTx, DonateTx, LinkedProof
from node.private.messages import AcceptTx, CeremonyTx, OpenTx, SettleTx, Step
from node.private.paid import (
    DeclareTx,
    Head,
    PlaceTx,
    RoundTx,
    WithdrawTx,
    sign_declare,
    sign_taking,
    sign_withdraw,
)
from node.private.payload import PrivateTx, wire
from node.private.rounds import read_input
from node.private.terms import Project, Terms
from node.testing.ledger import FAUCET, FEE, Ledger, Pool, envelope
from node.testing.market import unproved
from private_exec.committee import acceptance, cells, pairs
from private_exec.committee import inputs as shared
from private_exec.committee.acceptance import Accepted
from private_exec.committee.cells import Cell, cell_id
from private_exec.committee.declaration import Declaration, Seat
from private_exec.committee.epoch import EpochRecord
from private_exec.committee.inputs import Input
from private_exec.committee.opening import OpenStatement
from private_exec.committee.pairs import PairPolynomial
from private_exec.committee.participant import EpochSecrets, Participant
from private_exec.committee.remask import Change
from private_exec.linking import link_bytes
from private_exec.pedersen import Opening
from private_exec.sharing import interpolate
from shielded.build import Prove, build, prepare
from shielded.hidden import HiddenOpening
from shielded.plan import Payment
from shielded.private_owner import PrivateOwner
from shielded.transaction import ShieldedTx
from transparent.accounts import every_balance
from transparent.signature import SigningKey
from transparent.spec import crossing_digest
from zk.errors import ChiaroError

AMOUNT: Final = 10**9
"""What each note of the donors' wallets has."""
POOL: Final = 10**6
PARAMETERS: Final = PrivateParameters(step_heights=2, round_heights=1000, max_donations=64)


def unlinked(item: Proving) -> LinkedProof:
    """UNSAFE: a proof that proves nothing, for verifiers that believe."""
    return LinkedProof(bytes(128), bytes(32), bytes(link_bytes(len(item.openings))))


def signer(member: int) -> SigningKey:
    """The signing key of member 1 … n."""
    return SigningKey(tagged_hash("testing/member", bytes([member])))


def member_secret(donor: int) -> int:
    """What makes a donor a member of a round."""
    return 1 + int.from_bytes(tagged_hash("testing/donor", bytes([donor]))[:16], "little")


class Purse(Pool):
    """Wallets that give to the private pool and take from it."""

    @property
    def holdings(self) -> int:
        """What all notes of the native kind are worth that can be spent."""
        return self.worth(NATIVE)

    def worth(self, kind: Kind) -> int:
        """What all notes of a kind are worth that can be spent."""
        return sum(held.note.quantity for held in self._free if held.note.kind == kind)

    def pledge(self, value: HiddenOpening) -> ShieldedTx:
        """Out of the oldest note that has it; of another kind, the fee out of a second one."""
        due = {value.kind: value.amount}
        due[NATIVE] = due.get(NATIVE, 0) + self.fee
        return self._moving(value, due, None)

    def take(self, value: HiddenOpening, person: int = 0) -> ShieldedTx:
        """Into a new note, which pays the fee; of another kind, a second note does."""
        due = {value.kind: -value.amount}
        due[NATIVE] = due.get(NATIVE, 0) + self.fee
        return self._moving(value, due, person)

    def _moving(
        self, value: HiddenOpening, due: Mapping[Kind, int], person: int | None
    ) -> ShieldedTx:
        """Notes that have what is due of each kind, and the rest back; due < 0 enters."""
        spends: list[Any] = []
        changes: dict[Kind, int] = {}
        owner = None if person is None else self.keys[person]
        for kind, amount in due.items():
            changes[kind] = -amount
            if amount > 0:
                held = next(
                    h for h in self._free
                    if h.note.kind == kind and h.note.quantity >= amount
                    and (owner is None or h.owner is owner)
                )  # fmt: skip
                self._free.remove(held)
                spends.append(held)
                owner = held.owner
                changes[kind] += held.note.quantity
        key = owner or self.keys[0]
        address = key.full_viewing_key.address(0, internal=True)
        plan = self._plan(
            spends=tuple(self._spend(held) for held in spends),
            payments=tuple(Payment(address, q, kind, change=True) for kind, q in changes.items()),
            hidden_values=(value,),
        )
        return self._carried(plan, key)

    def shield_kind(self, kind: Kind, notes: int, each: int, key: SigningKey) -> bytes:
        """New notes of another kind, in turn for every wallet, paid by an account."""
        owners = [self.keys[i % len(self.keys)] for i in range(notes)]
        due = sorted([(kind, notes * each), (NATIVE, self.fee)], key=lambda one: one[0].to_bytes())
        entering = tuple(
            Crossing(EnvironmentId.TRANSPARENT, key.account, one, -amount) for one, amount in due
        )

        def authorize(value: Crossing, identity: bytes) -> bytes:
            return key.sign(crossing_digest(value.account, value.kind, -value.amount, identity))

        payments = tuple(Payment(o.full_viewing_key.address(0), each, kind) for o in owners)
        plan = self._plan(payments=payments, public_values=entering)
        return self._build(plan, owners[0], authorize)

    def _carried(self, plan: Any, key: Any) -> ShieldedTx:
        tx = build(plan, key, self._prove)
        self._made[envelope(tx)] = [note for action in prepare(plan, key) for note in action.notes]
        return tx


@dataclass(frozen=True, slots=True, repr=False)
class Given:
    """A donation as its donor knows it."""

    pledge: Pledge
    tx: DonateTx
    input: Input
    openings: building.Openings
    owner: PrivateOwner


@dataclass(frozen=True, slots=True, repr=False)
class Held:
    """A deposit as its owner knows it."""

    input: Input
    opening: Opening
    owner: PrivateOwner


class PrivateChain:
    """Blocks by hand, and what the private environment says of them.

    Args:
        members: of the committee.
        donors: members of every round.
        verifier: of proofs; default: believes all.
        prove: of actions; default: proves nothing.
        linked: of donations and claims; default: proves nothing.
        parameters: of the environment.
        genesis: with these parameters; default: a development chain without statements.
        fee: of donors' transactions.
    """

    def __init__(
        self,
        *,
        members: int = 4,
        donors: int = 8,
        verifier: ProofVerifier | None = None,
        prove: Prove = unproved,
        linked: ProveLinked = unlinked,
        parameters: PrivateParameters = PARAMETERS,
        genesis: Genesis | None = None,
        fee: int = FEE,
    ) -> None:
        genesis = genesis or development_genesis(name="private", private=parameters)
        self.genesis: Final[Genesis] = genesis
        self.parameters: Final = parameters
        self.ledger: Final = Ledger(genesis, verifier=verifier)
        self.purse: Final = Purse(self.ledger, people=2, prove=prove, fee=fee)
        self.linked: Final = linked
        self.tree: Final = MemberTree(
            [leaf(member_secret(donor)) for donor in range(donors)], MEMBER_DEPTH
        )
        seats = tuple(
            Seat(signer(m).account, f"127.0.0.1:{9000 + m}") for m in range(1, members + 1)
        )
        self.declaration = Declaration(genesis.chain_id, tagged_hash("testing/purpose"), 500, seats)
        self.secrets: dict[int, EpochSecrets] = {}

    @property
    def height(self) -> int:
        return self.ledger.height

    @property
    def state(self) -> StateReader:
        return self.ledger.store.reader()

    @property
    def record(self) -> EpochRecord:
        """Of the latest epoch."""
        found = committees.committee_of(self.state, self.declaration.id)
        return committees.epoch_of(self.state, self.declaration.id, found.made - 1).record

    def run(self, *txs: PrivateTx | bytes) -> list[Receipt]:
        """One block of these; wallets learn of what was carried."""
        wires = [tx if isinstance(tx, bytes) else wire(tx) for tx in txs]
        receipts = list(self.ledger.block(*wires))
        done: list[bytes] = []
        for tx, receipt in zip(txs, receipts, strict=True):
            if receipt.ok and isinstance(tx, bytes):
                done += [tx] if receipt.environment is EnvironmentId.SHIELDED else []
            elif receipt.ok and isinstance(tx, Carrying):
                done.append(envelope(tx.carried))
        self.purse.settle(*done)
        return receipts

    def codes(self, *txs: PrivateTx | bytes) -> list[str]:
        return [receipt.code for receipt in self.run(*txs)]

    def next_codes(self, *txs: PrivateTx) -> list[str]:
        """What the next block, which is not made, would say of these."""
        executor, found = self.ledger.executor, []
        run = executor.begin(self.state, Height(self.height + 1))
        for tx in txs:
            try:
                run.apply(executor.intake.decode(wire(tx)))
            except ChiaroError as error:
                found.append(error.id)
            else:
                found.append("ok")
        return found

    def to(self, height: int) -> None:
        while self.height < height:
            self.run()

    def decree(
        self,
        state: PoolState,
        pool: EnvironmentId = EnvironmentId.PRIVATE,
        insecure: str = "",
    ) -> None:
        """An order of the guardian of development chains, in a block of its own."""
        made = Order(
            chain_id=self.genesis.chain_id,
            sequence=pools.next_sequence(self.state),
            pool=pool,
            state=state,
            insecure=insecure,
            not_before=Height(0),
            expiry=Height(10_000),
            deadline=Height(0),
            reason="a test",
        )
        signed = made.signed(SigningKey(DEV_GUARDIAN_SEED))
        assert_ok(self.run(Transaction(EnvironmentId.CHAIN, signed.to_bytes()).to_bytes()))

    def head(self, payer: SigningKey = FAUCET, **changes: Any) -> Head:
        bare = Head(self.genesis.chain_id, FEE, Height(self.height + 10), payer.account)
        return dataclasses.replace(bare, **changes)

    # --- committees --------------------------------------------------------------------------

    def declare(self, **changes: Any) -> DeclareTx:
        return sign_declare(DeclareTx(self.head(**changes), self.declaration.to_bytes()), FAUCET)

    def message(self, step: Step, message: bytes) -> CeremonyTx:
        """A message of the ceremony that is under way."""
        found = committees.committee_of(self.state, self.declaration.id)
        return CeremonyTx(self.declaration.id, found.made, found.attempt, step, message)

    def participants(self) -> dict[int, Participant]:
        """The members in the next attempt."""
        context = committees.committee_of(self.state, self.declaration.id).context
        return {
            m: Participant(context, m, signer(m), tagged_hash("testing/entropy", bytes([m])))
            for m in self.declaration.members
        }

    def ceremony(self, *, silent: Sequence[int] = ()) -> None:
        """Keys of the next epoch, whose secrets members keep."""
        found = committees.committee_of(self.state, self.declaration.id)
        here = {m: p for m, p in self.participants().items() if m not in silent}
        notices = (self.message(Step.NOTICE, p.notice().to_bytes()) for p in here.values())
        assert_ok(self.run(*notices))
        step, opened = self.parameters.step_heights, self.height
        self.to(opened + step - 1)
        ceremony = self.replay(found.made, found.attempt)
        deal = (self.message(Step.DEALING, p.dealing(ceremony).to_bytes()) for p in here.values())
        assert_ok(self.run(*deal))
        self.to(opened + 3 * step - 1)
        ceremony = self.replay(found.made, found.attempt)
        self.secrets = {m: p.secrets(ceremony, self.record) for m, p in here.items()}

    def replay(self, epoch: int, attempt: int) -> Any:
        """A ceremony as the chain has it."""
        committee = committees.committee_of(self.state, self.declaration.id)
        context = dataclasses.replace(committee.context, epoch=epoch, attempt=attempt)
        said = committees.words(self.state, self.declaration.id, epoch, attempt)
        return committees.replay(context, said, self.parameters.step_heights)

    def start(self, notes: int = 8) -> None:
        """A committee with keys, and donors with notes."""
        assert_ok(self.run(self.declare()))
        self.ceremony()
        assert_ok(self.run(self.purse.shield(notes, AMOUNT)))

    # --- rounds ------------------------------------------------------------------------------

    def terms(self, *minimums: int, **changes: Any) -> Terms:
        projects = tuple(
            Project(SigningKey(tagged_hash("testing/project", bytes([i]))).account, minimum)
            for i, minimum in enumerate(minimums or (0, 0))
        )
        h, step = self.height, self.parameters.step_heights
        bare = Terms(
            self.declaration.id, 0, NATIVE, POOL, self.tree.root, projects, 1,
            h + 1 + 2 * step, h + 1 + 4 * step, h + 1 + 6 * step,
        )  # fmt: skip
        return dataclasses.replace(bare, **changes)

    def round(self, terms: Terms, **changes: Any) -> RoundTx:
        return sign_taking(RoundTx(self.head(**changes), terms), FAUCET)

    def open_round(self, *minimums: int, **changes: Any) -> bytes:
        """Its id."""
        tx = self.round(self.terms(*minimums, **changes))
        assert_ok(self.run(tx))
        return tx.id

    def give(self, identity: bytes, project: int, weight: int, donor: int) -> Given:
        """A donation, not sent yet."""
        terms = entries.round_of(self.state, identity).terms
        epoch = committees.epoch_of(self.state, terms.committee, terms.epoch)
        owner = PrivateOwner(tagged_hash("testing/owner", bytes([donor])), identity)
        made = building.pledge(
            self.genesis.chain_id, epoch.record, terms, identity, project, weight, owner,
            member_secret(donor), self.tree,
        )  # fmt: skip
        about = building.about_of(epoch.record, identity, project)
        tx = made.complete(self.purse.pledge(made.value), self.linked)
        openings = building.openings_of(owner, weight, about)
        return Given(made, tx, read_input(tx.given.input), openings, owner)

    def cheat(self, identity: bytes, donor: int, victim: int) -> Given:
        """A donation, in a block, whose input has a wrong share for one member."""
        given = self.give(identity, 0, 50, donor)
        values = (given.openings.weight, given.openings.amount)
        made = wrong_input(self.record, identity, given.owner.public, values, victim)
        gift = dataclasses.replace(given.pledge.gift, input=made.to_bytes())
        value = dataclasses.replace(given.pledge.value, reference=gift.reference)
        pledge = dataclasses.replace(given.pledge, gift=gift, value=value)
        tx = pledge.complete(self.purse.pledge(value), self.linked)
        assert_ok(self.run(tx))
        return dataclasses.replace(given, pledge=pledge, tx=tx, input=made)

    def donate(self, identity: bytes, project: int, weight: int, donor: int) -> Given:
        """A donation in a block of its own."""
        given = self.give(identity, project, weight, donor)
        assert_ok(self.run(given.tx))
        return given

    def accepted(self, given: Sequence[Given]) -> list[Accepted]:
        """What the members open of donations that become cells."""
        return self.rows([item.input for item in given])

    def rows(self, found: Sequence[Input]) -> list[Accepted]:
        """The same of any inputs."""
        ids = [cell_id(item.id, index) for item in found for index in range(len(item.values))]
        rows: dict[int, tuple[list[int], list[int]]] = {}
        for member, secrets in self.secrets.items():
            pairs = [pair for item in shared.open_all(found, secrets) for pair in item or ()]
            rows[member] = acceptance.masked(secrets.prss, ids, pairs)
        return [
            Accepted(
                identity,
                _zero({m: row[0][k] for m, row in rows.items()}),
                _zero({m: row[1][k] for m, row in rows.items()}),
            )
            for k, identity in enumerate(ids)
        ]

    def accept(
        self, identity: bytes, given: Sequence[Given], signers: Sequence[int] = (1, 2, 3)
    ) -> AcceptTx:
        """Their acceptance."""
        return self.certified(identity, self.accepted(given), signers)

    def certified(
        self, identity: bytes, rows: Sequence[Accepted], signers: Sequence[int] = (1, 2, 3)
    ) -> AcceptTx:
        """The same of whatever members would sign."""
        record = self.record
        signatures = {m: acceptance.sign(record, rows, signer(m)) for m in signers}
        return AcceptTx(identity, acceptance.assemble(record, rows, signatures).to_bytes())

    def sums(self, identity: bytes) -> OpenTx:
        """What the members open when acceptances are over."""
        found = entries.round_of(self.state, identity)
        inputs = list(entries.inputs_of(self.state, identity, 0, found.donations))
        outputs: list[Opening] = []
        for project, tally in enumerate(found.tallies):
            if tally.count < found.terms.least:
                continue
            mine = [
                key
                for key, item in inputs
                if item.project == project and item.status is entries.Status.ACCEPTED
            ]
            outputs += [self._sum(mine, index) for index in range(2)]
        return OpenTx(OpenStatement(identity, tuple(outputs)))

    def _sum(self, inputs: Sequence[bytes], index: int) -> Opening:
        held = [self.cell(cell_id(key, index)) for key in inputs]
        rows = {
            member: cells.combined([1] * len(held), cells.shares(secrets.prss, held))
            for member, secrets in self.secrets.items()
        }
        return Opening(
            _zero({m: row.value for m, row in rows.items()}),
            _zero({m: row.blinding for m, row in rows.items()}),
        )

    def cell(self, identity: bytes) -> Cell:
        """As the state has it."""
        return entries.cell_of(self.state, identity)

    def value_of(self, cell: Cell) -> int:
        """What the members hold of it, by the latest keys."""
        rows = {m: cells.shares(s.prss, [cell]) for m, s in self.secrets.items()}
        return _zero({m: cells.combined([1], row).value for m, row in rows.items()})

    def settle(self, identity: bytes) -> SettleTx:
        return SettleTx(identity)

    def claim(self, given: Given, person: int = 0) -> Any:
        """What its owner sends to have it back."""
        terms = entries.round_of(self.state, given.tx.given.round).terms
        back = building.refund(
            self.genesis.chain_id, terms.kind, given.input.id, given.openings.amount, given.owner
        )
        return back.complete(self.purse.take(back.value, person), self.linked)

    def is_claimable(self, given: Given) -> bool:
        """In the next block."""
        found = entries.donation_of(self.state, given.input.id)
        return is_claimable(found, entries.round_of(self.state, found.round), self.height + 1)

    # --- deposits ----------------------------------------------------------------------------

    def stored(self, amount: int, owner: PrivateOwner) -> tuple[DepositTx, Held]:
        """A hidden deposit, not sent yet."""
        made = building.deposit(self.genesis.chain_id, self.record, NATIVE, amount, owner)
        tx = made.complete(self.purse.pledge(made.value), self.linked)
        return tx, Held(read_input(tx.input), made.opening, owner)

    def placed(self, amount: int, owner: PrivateOwner, salt: int = 0) -> tuple[PlaceTx, Held]:
        """One that everybody sees, out of the faucet; not sent yet."""
        entropy = tagged_hash("testing/place", bytes([salt]))
        data = building.shown_input(self.record, NATIVE, amount, owner, entropy)
        tx = sign_taking(PlaceTx(self.head(), NATIVE, amount, data), FAUCET)
        return tx, Held(read_input(data), Opening(amount, 0), owner)

    def welcome(self, held: Sequence[Held], signers: Sequence[int] = (1, 2, 3)) -> AcceptTx:
        """Their members' acceptance."""
        rows = self.rows([item.input for item in held])
        return self.certified(self.declaration.id, rows, signers)

    def reclaim(self, held: Held, person: int = 0) -> Any:
        """What an owner sends to have it as notes."""
        back = building.refund(
            self.genesis.chain_id, NATIVE, held.input.id, held.opening, held.owner
        )
        return back.complete(self.purse.take(back.value, person), self.linked)

    def withdrawal(self, held: Held, account: AccountId, **changes: Any) -> WithdrawTx:
        """What an owner sends to have it in an account."""
        bare = WithdrawTx(self.head(), held.input.id, account, held.opening)
        return sign_withdraw(dataclasses.replace(bare, **changes), FAUCET, held.owner)

    # --- money -------------------------------------------------------------------------------

    def balance(self, account: bytes) -> int:
        return sum(
            n for who, kind, n in every_balance(self.state) if (who, kind) == (account, NATIVE)
        )

    def held(self) -> dict[EnvironmentId, int]:
        """What the turnstile knows of each environment."""
        return self.held_of(NATIVE)

    def held_of(self, kind: Kind) -> dict[EnvironmentId, int]:
        """The same of any kind."""
        (row,) = (row for row in turnstile.supply(self.state) if row.kind == kind)
        return dict(row.held)


def wrong_input(
    record: EpochRecord, reference: bytes, owner: bytes, values: Sequence[Opening], victim: int
) -> Input:
    """An input as `inputs.make` makes it, but with a wrong share for one member."""
    degree = record.declaration.size.t
    shares = [
        PairPolynomial.of(value, degree, f"testing/{place}", b"\x01" * 32)
        for place, value in enumerate(values)
    ]
    plain = {
        m: pairs.write([item.share(m + (m == victim)) for item in shares]) for m in record.keys
    }
    commitments = tuple(item.commitments() for item in shares)
    return shared.assemble(record, reference, owner, commitments, plain, b"\x02" * 32)


def change_of(
    old: Mapping[int, EpochSecrets], new: Mapping[int, EpochSecrets], cell: Cell
) -> Change:
    """What members of both keys open of a cell's masks: r′ − r and ρ′ − ρ."""
    rows = {
        m: (cells.masks(old[m].prss, [cell.id])[0], cells.masks(new[m].prss, [cell.id])[0])
        for m in new
    }
    return Change(
        cell.id,
        _zero({m: now.value - was.value for m, (was, now) in rows.items()}),
        _zero({m: now.blinding - was.blinding for m, (was, now) in rows.items()}),
    )


def _zero(values: Mapping[int, int]) -> int:
    """The value that shares of degree t have at 0."""
    return interpolate(list(values), list(values.values()), 0)


def assert_ok(receipts: Sequence[Receipt]) -> None:
    """Raises AssertionError with the rule and the reason of the first that failed."""
    for receipt in receipts:
        if not receipt.ok:
            raise AssertionError(f"{receipt.code}: {receipt.message}")
