"""Genesis: all that a chain's members agree on before its first block, and the id hashed from it.

S-12: the chain id covers every field here, so also the circuits, the verifying keys and the
ceremony; a node with another circuit or key is on another chain, and says so, instead of forking.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, cast

from node.core.amounts import check_amount
from node.core.block import MAX_BLOCK_BYTES, MAX_TX_BYTES
from node.core.codec import Reader, Writer
from node.core.committee import MAX_WEIGHT
from node.core.ed25519 import is_proper
from node.core.guardians import MAX_GUARDIANS, Predecessor, check_guardians, dev_guardian
from node.core.ids import ID_BYTES, NATIVE, AccountId, ChainId, Kind, tagged_hash
from node.core.lane import LaneParameters
from node.core.private import PrivateParameters
from node.core.stake import StakeParameters
from zk.errors import DecodeError, DevParamsRefused, NonCanonical

DEV_PROFILE: Final = "dev"
BATCH_HEIGHTS: Final = 16
"""Heights that a batch of intents may take from its close to its end; S-24 adds them."""

_VERSION: Final = 4
_PRIVATE_VERSION: Final = 5
"""Of a genesis with a private environment; the others keep their encodings, and so their ids."""
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_STATEMENT: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}/[0-9]{1,4}")
_MAX_LIST: Final = 1 << 20
_MAX_TEXT: Final = 128
_MAX_U32: Final = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Parameters:
    """Constants of the chain.

    Attributes:
        block_time_ms: how often the timer makes a block; 0: on demand only.
        max_expiry: a transaction may expire at most this many heights ahead.
        anchor_window: how many recent note-tree roots are accepted; ≥ max_expiry + BATCH_HEIGHTS.
        fee_floor: least fee that a node relays, base units of the native kind.
        max_tx_bytes, max_block_bytes, max_block_txs: caps on what a block may hold.
    """

    block_time_ms: int = 1000
    max_expiry: int = 64
    anchor_window: int = 128
    fee_floor: int = 1000
    max_tx_bytes: int = MAX_TX_BYTES
    max_block_bytes: int = MAX_BLOCK_BYTES // 2
    max_block_txs: int = 512

    def __post_init__(self) -> None:
        """CH-18: caps that fit the codec, and a window of roots that covers every expiry."""
        limits = {
            "block_time_ms": (0, _MAX_U32),
            "max_expiry": (1, _MAX_U32),
            "anchor_window": (1, _MAX_U32),
            "max_tx_bytes": (1, MAX_TX_BYTES),
            "max_block_bytes": (1, MAX_BLOCK_BYTES),
            "max_block_txs": (1, MAX_BLOCK_BYTES // 8),
        }
        for name, (least, most) in limits.items():
            if not least <= getattr(self, name) <= most:
                raise DecodeError(
                    f"CH-18: {name} {getattr(self, name)} is outside [{least}, {most}]",
                    where="parameters",
                )
        check_amount(self.fee_floor, "fee_floor")
        if self.anchor_window < self.max_expiry + BATCH_HEIGHTS:
            raise DecodeError(
                f"CH-18: anchor_window {self.anchor_window} is below max_expiry + {BATCH_HEIGHTS}",
                where="parameters",
                why="a transaction could outlive the root it was proved against (S-24)",
                fix="raise anchor_window or lower max_expiry",
            )


@dataclass(frozen=True, slots=True, order=True)
class StatementKey:
    """A statement that the chain verifies: its circuit and its key.

    Attributes:
        statement: such as `action/1`.
        r1cs: BLAKE2b-256 digest of the constraint system.
        verifying_key: id of the verifying key, 32 bytes.
    """

    statement: str
    r1cs: bytes
    verifying_key: bytes


@dataclass(frozen=True, slots=True, order=True)
class Allocation:
    """Base units that an account holds from the start: the only issuance there is."""

    account: AccountId
    kind: Kind
    amount: int


@dataclass(frozen=True, slots=True)
class Genesis:
    """See the module. Lists are kept sorted, so that one chain has one encoding.

    Attributes:
        profile: `dev`, or the name of a profile whose keys come from a ceremony.
        name: of the chain, for people; lower case, digits, hyphens.
        time_ms: no block is older than this.
        parameters: constants.
        validators: ids of those who vote; the embedded engine takes at most one.
        statements: circuits and keys.
        allocations: initial balances, one per account and kind.
        ceremony: digest of the ceremony's transcript; `None` for development keys, and hashed as
            such, so that a chain with known toxic waste can never have the id of another.
        guardians: Ed25519 keys that may close a pool together (`node.execution.orders`).
        guardian_threshold: how many of them an order takes; 0 where there are none.
        predecessor: the chain that this one continues (`node.execution.migration`).
        lane: sealed intents (`node.lane`); None where there are none. It needs validators, whose
            ids are their Ed25519 consensus keys.
        stake: what the validators have bonded, and what becomes of it (`node.stake`); None: they
            are equals for ever. Its bonds are issued beside the allocations.
        runtime: 32 bytes that every node's program must answer (`node.app.runtime`); None: any.
        private: of the private environment (`node.private`); None: the chain has none.
    """

    profile: str
    name: str
    time_ms: int
    parameters: Parameters = field(default_factory=Parameters)
    validators: tuple[bytes, ...] = ()
    statements: tuple[StatementKey, ...] = ()
    allocations: tuple[Allocation, ...] = ()
    ceremony: bytes | None = None
    guardians: tuple[bytes, ...] = ()
    guardian_threshold: int = 0
    predecessor: Predecessor | None = None
    lane: LaneParameters | None = None
    stake: StakeParameters | None = None
    runtime: bytes | None = None
    private: PrivateParameters | None = None
    _id: ChainId | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._check_names()
        self._check_lists()
        check_guardians(self.guardians, self.guardian_threshold)
        if self.lane is not None:
            self._check_validators()
        if self.stake is not None:
            self._check_stake(self.stake)
        if self.runtime is not None and len(self.runtime) != ID_BYTES:
            raise DecodeError("CH-48: a runtime is not 32 bytes", where="runtime")

    def _check_names(self) -> None:
        """CH-16 and CH-17: one spelling per chain; no ceremony means development, and says so."""
        for what, text in (("profile", self.profile), ("name", self.name)):
            if not _NAME.fullmatch(text):
                raise DecodeError(f"CH-16: {what} {text!r} is not lower case, digits, hyphens")
        if not 0 <= self.time_ms < 2**63:
            raise DecodeError(f"CH-16: time_ms {self.time_ms} is outside [0, 2^63)")
        for statement in self.statements:
            if not _STATEMENT.fullmatch(statement.statement):
                raise DecodeError(f"CH-16: {statement.statement!r} is no statement id")
        ids = [
            *self.validators,
            *(part for s in self.statements for part in (s.r1cs, s.verifying_key)),
            *(a.account for a in self.allocations),
            *([self.ceremony] if self.ceremony is not None else []),
        ]
        if any(len(value) != ID_BYTES for value in ids):
            raise DecodeError("CH-16: an id, digest or account is not 32 bytes")
        if (self.ceremony is None) != (self.profile == DEV_PROFILE):
            raise DevParamsRefused(
                "CH-17: a genesis without a ceremony is of profile `dev`, and only that is",
                where=f"profile {self.profile}",
            )

    def _check_validators(self) -> None:
        """CH-35: who makes the keys of the lane together has a proper key itself."""
        if not self.validators or not all(is_proper(key) for key in self.validators):
            raise DecodeError(
                "CH-35: sealed intents need validators with proper Ed25519 keys",
                where="validators",
                why="they hold the key together that opens the intents",
                fix="list the validators' consensus keys, or leave the lane out",
            )
        most = len(self.validators) if self.stake is None else self.stake.max_validators
        least = (most - 1) // 3 + 1
        found = least if self.lane is None else self.lane.round_heights
        if found < least and self.profile != DEV_PROFILE:
            raise DecodeError(
                f"CH-35: a round of key generation takes {found} blocks, at least {least} are due",
                where="lane",
                why="less than a third of the validators could propose all blocks of a round, keep "
                "everybody's complaints out, and so make a key that nobody has true shares of",
                fix=f"let round_heights be {least} or more"
                + ("" if self.stake is None else f", or max_validators at most {3 * found}"),
            )

    def _check_stake(self, stake: StakeParameters) -> None:
        """CH-46: one bond a validator; CH-47: one clock, and keys made by rosters that are known.

        The roster of an epoch is fixed one whole epoch before it begins.
        """
        if tuple(bond.key for bond in stake.bonds) != self.validators:
            raise DecodeError(
                "CH-46: bonds are not those of the validators, one each", where="bonds"
            )
        if (weight := self.supply()[NATIVE] // stake.unit) > MAX_WEIGHT:
            raise DecodeError(
                f"CH-46: all that is issued has a weight of {weight}, not below 2^60",
                where="stake",
                fix="let a unit of weight be more base units",
            )
        lane = self.lane
        if lane is not None and lane.epoch_heights != stake.epoch_heights:
            raise DecodeError(
                f"CH-47: epochs of {stake.epoch_heights} heights, the lane's have "
                f"{lane.epoch_heights}",
                where="stake",
            )
        if lane is not None and lane.lead > lane.epoch_heights:
            raise DecodeError(
                f"CH-47: keys are made {lane.lead} heights ahead, an epoch has "
                f"{lane.epoch_heights}",
                where="lane",
                why="who makes the key of an epoch is known one epoch before it",
                fix="let lead be no more than epoch_heights",
            )

    def _check_lists(self) -> None:
        """CH-16: sorted, unique; CH-19: positive amounts whose sum per kind is below 2⁶⁴."""
        lists: dict[str, list[object]] = {
            "validators": list(self.validators),
            "statements": [s.statement for s in self.statements],
            "allocations": [(a.account, a.kind) for a in self.allocations],
        }
        for what, keys in lists.items():
            if any(not a < b for a, b in itertools.pairwise(keys)):  # type: ignore[operator]
                raise NonCanonical(f"CH-16: {what} are not sorted and unique", where="genesis")
        for kind, total in self.supply().items():
            check_amount(total, f"CH-19: supply of kind {kind.label:#x}")
        for allocation in self.allocations:
            if allocation.amount <= 0:
                raise DecodeError("CH-19: an allocation is not positive", where="allocations")

    def supply(self) -> dict[Kind, int]:
        """Base units per kind: what a turnstile audit starts from."""
        totals: dict[Kind, int] = {}
        for allocation in self.allocations:
            totals[allocation.kind] = totals.get(allocation.kind, 0) + allocation.amount
        if self.stake is not None:
            totals[NATIVE] = totals.get(NATIVE, 0) + self.stake.bonded
        return totals

    def to_bytes(self) -> bytes:
        p = self.parameters
        writer = (
            Writer()
            .u8(_VERSION if self.private is None else _PRIVATE_VERSION)
            .blob(self.profile.encode())
            .blob(self.name.encode())
            .u64(self.time_ms)
            .u32(p.block_time_ms)
            .u32(p.max_expiry)
            .u32(p.anchor_window)
            .u64(p.fee_floor)
            .u32(p.max_tx_bytes)
            .u32(p.max_block_bytes)
            .u32(p.max_block_txs)
            .u32(len(self.validators))
        )
        for validator in self.validators:
            writer.raw(validator, ID_BYTES)
        writer.u32(len(self.statements))
        for s in self.statements:
            writer.blob(s.statement.encode()).raw(s.r1cs, ID_BYTES).raw(s.verifying_key, ID_BYTES)
        writer.u32(len(self.allocations))
        for a in self.allocations:
            writer.raw(a.account, ID_BYTES).raw(a.kind.to_bytes(), 64).u64(a.amount)
        writer.u8(self.ceremony is not None)
        if self.ceremony is not None:
            writer.raw(self.ceremony, ID_BYTES)
        writer.u8(len(self.guardians))
        for guardian in self.guardians:
            writer.raw(guardian, ID_BYTES)
        writer.u8(self.guardian_threshold)
        writer.u8(self.predecessor is not None)
        if self.predecessor is not None:
            self.predecessor.write(writer)
        writer.u8(self.lane is not None)
        if self.lane is not None:
            self.lane.write(writer)
        writer.u8(self.stake is not None)
        if self.stake is not None:
            self.stake.write(writer)
        writer.u8(self.runtime is not None)
        if self.runtime is not None:
            writer.raw(self.runtime, ID_BYTES)
        if self.private is not None:
            self.private.write(writer)
        return writer.done()

    @staticmethod
    def from_bytes(data: bytes) -> Genesis:
        """Strict. Raises DecodeError, or DevParamsRefused by CH-17."""
        reader = Reader(data, "genesis")
        if (version := reader.u8()) not in (_VERSION, _PRIVATE_VERSION):
            raise NonCanonical(f"unknown version {version} of genesis", where="genesis")
        profile, name, time_ms = _text(reader), _text(reader), reader.u64()
        parameters = Parameters(
            block_time_ms=reader.u32(),
            max_expiry=reader.u32(),
            anchor_window=reader.u32(),
            fee_floor=reader.u64(),
            max_tx_bytes=reader.u32(),
            max_block_bytes=reader.u32(),
            max_block_txs=reader.u32(),
        )
        validators = tuple(
            reader.take(ID_BYTES) for _ in range(reader.count(4, _MAX_LIST, "validators"))
        )
        statements = tuple(
            StatementKey(_text(reader), reader.take(ID_BYTES), reader.take(ID_BYTES))
            for _ in range(reader.count(4, _MAX_LIST, "statements"))
        )
        allocations = tuple(
            Allocation(AccountId(reader.take(ID_BYTES)), Kind.read(reader), reader.u64())
            for _ in range(reader.count(4, _MAX_LIST, "allocations"))
        )
        has_ceremony = reader.count(1, 1, "ceremony")
        ceremony = reader.take(ID_BYTES) if has_ceremony else None
        guardians = tuple(
            reader.take(ID_BYTES) for _ in range(reader.count(1, MAX_GUARDIANS, "guardians"))
        )
        threshold = reader.u8()
        predecessor = Predecessor.read(reader) if reader.count(1, 1, "predecessor") else None
        lane = LaneParameters.read(reader) if reader.count(1, 1, "lane") else None
        stake = StakeParameters.read(reader) if reader.count(1, 1, "stake") else None
        runtime = reader.take(ID_BYTES) if reader.count(1, 1, "runtime") else None
        private = PrivateParameters.read(reader) if version == _PRIVATE_VERSION else None
        reader.done()
        return Genesis(
            profile, name, time_ms, parameters, validators, statements, allocations, ceremony,
            guardians, threshold, predecessor, lane, stake, runtime, private,
        )  # fmt: skip

    @property
    def chain_id(self) -> ChainId:
        """CH-27 (S-12): a hash over every field; computed once, as it is asked for everywhere."""
        if self._id is None:
            object.__setattr__(self, "_id", ChainId(tagged_hash("chain-id", self.to_bytes())))
        return cast("ChainId", self._id)


def _text(reader: Reader) -> str:
    try:
        return reader.blob(_MAX_TEXT, "text").decode("ascii")
    except UnicodeDecodeError as error:
        raise NonCanonical("text that is not ASCII", where=reader.where) from error


def ceremony_digest(transcripts: Mapping[str, bytes]) -> bytes:
    """CH-34 (S-12): one digest over the ceremonies of a chain's statements.

    BLAKE2b-256, purpose `ceremony`, over their number (u32) and, in the order of their ids, each
    statement's id and the digest of its ceremony's transcript.

    Args:
        transcripts: statement → 32 bytes.

    Raises:
        DecodeError: no statement, or a digest of another length.
    """
    if not transcripts or any(len(digest) != ID_BYTES for digest in transcripts.values()):
        raise DecodeError("CH-34: every statement has a transcript digest of 32 bytes")
    writer = Writer().u32(len(transcripts))
    for statement, digest in sorted(transcripts.items()):
        writer.blob(statement.encode()).raw(digest, ID_BYTES)
    return tagged_hash("ceremony", writer.done())


# --- development chains -------------------------------------------------------------------------

DEV_FAUCET_SEED: Final = tagged_hash("dev/faucet")
"""UNSAFE, published: the Ed25519 seed of the development faucet. Anyone can spend from it."""
DEV_FAUCET_AMOUNT: Final = 10**15
"""A thousand million units of six decimals."""


def dev_faucet_account() -> AccountId:
    """The account that `DEV_FAUCET_SEED` opens."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    public = Ed25519PrivateKey.from_private_bytes(DEV_FAUCET_SEED).public_key()
    return AccountId(public.public_bytes_raw())


def development_genesis(
    statements: tuple[StatementKey, ...] = (),
    *,
    name: str = "local",
    time_ms: int = 0,
    parameters: Parameters | None = None,
    allocations: tuple[Allocation, ...] = (),
    validators: tuple[bytes, ...] = (),
    lane: LaneParameters | None = None,
    stake: StakeParameters | None = None,
    runtime: bytes | None = None,
    private: PrivateParameters | None = None,
) -> Genesis:
    """A `dev` genesis: a faucet and a guardian whose keys are published, no ceremony, one process.

    Args:
        statements: circuits and development keys; sorted here.
        name: of the chain; two chains of one name and the same fields have one id.
        time_ms: an argument, like all time; 0 gives an id that does not depend on when.
        parameters: default `Parameters()`.
        allocations: beside the faucet's; sorted here.
        validators: consensus keys; sorted here.
        lane: of sealed intents.
        stake: of the validators.
        runtime: what every node's program must answer.
        private: of the private environment.
    """
    faucet = Allocation(dev_faucet_account(), NATIVE, DEV_FAUCET_AMOUNT)
    return Genesis(
        DEV_PROFILE,
        name,
        time_ms,
        parameters or Parameters(),
        statements=tuple(sorted(statements)),
        allocations=tuple(sorted((faucet, *allocations))),
        validators=tuple(sorted(validators)),
        guardians=(dev_guardian(),),
        guardian_threshold=1,
        lane=lane,
        stake=stake,
        runtime=runtime,
        private=private,
    )
