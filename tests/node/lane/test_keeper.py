"""The validator's side: keys, shares and reveals, with the real chain and real cryptography."""

from __future__ import annotations

from dataclasses import replace

import pytest

from node.core.block import Transaction
from node.core.errors import ConsensusFault
from node.core.ids import Height
from node.lane import generation, layout, payload
from node.lane import lead as leads
from node.lane.errors import DamagedLog, LaneRefused, SecretLost
from node.lane.layout import Stage
from node.lane.payload import KeyMessage, KeyTx, Tag, tag_of_wire
from node.lane.validator.extension import encode
from node.lane.validator.identity import ConsensusKey
from node.lane.validator.keeper import Keeper
from node.lane.validator.roots import FileRootLogs, MemoryRootLogs
from node.lane.validator.secrets import AttemptId, FileSecrets, MemorySecrets
from node.testing.keepers import Town
from node.testing.lane import LANE, Committed, LaneChain, lane_genesis
from private_exec.errors import NotFinal, SealRefused
from private_exec.final import RootLog
from private_exec.keygen import dealing as dealings
from private_exec.keygen.protocol import Fault, FaultKind, make_commit
from private_exec.sharing import PackedPolynomial
from private_exec.transcript import secret_scalar

FIRST = AttemptId(0, 0, 0)
FAST = 1
OK = ["ok"]


def rule(call, *arguments) -> str:
    with pytest.raises((LaneRefused, SealRefused)) as refused:
        call(*arguments)
    return refused.value.rule


def key_txs(txs, what=None) -> list[KeyTx]:
    """Messages of key generation among whole transactions."""
    found = (payload.decode(Transaction.from_bytes(tx).payload) for tx in txs)
    return [tx for tx in found if isinstance(tx, KeyTx) and what in {None, tx.what}]


def codes(receipts) -> list[str]:
    return [receipt.code for receipt in receipts]


@pytest.fixture
def town():
    """`town(n)`: validators of a chain that has only its genesis; keys are made ahead."""

    def make(n: int = 4, *, ahead: bool = True, **lane) -> Town:
        genesis = lane_genesis(n, lane=replace(LANE, **lane))
        return Town(LaneChain(n, genesis=genesis), ahead=ahead)

    return make


@pytest.fixture
def closed(town):
    """`closed(n)`: a batch of the fast domain has just closed, and shares were made of it."""

    def make(n: int = 4, *, down: set[int] = frozenset()) -> Town:
        found = town(n)
        for _ in range(4):
            found.step()
        found.down |= down
        assert codes(found.step(found.chain.seal(b"secret", domain=FAST))) == OK
        return found

    return make


# KEYS


@pytest.mark.parametrize("n", [1, 4])
def test_keys_are_made_ahead_where_blocks_come_by_a_timer(town, n) -> None:
    made = town(n)
    for _ in range(4):
        assert layout.key_of(made.chain.state, 0, 0) is None
        assert made.keepers[0].busy(made.chain.state) == (made.chain.height > 0)
        made.step()
    for domain in (0, FAST):
        assert layout.key_of(made.chain.state, domain, 0) is not None
        assert generation.finding(made.chain.state, domain, 0, 0).faults == ()
        assert all(keeper.holds(made.chain.state, domain, 0) for keeper in made.keepers)
    assert made.pool == ()
    assert not made.keepers[0].busy(made.chain.state)


def test_keys_are_made_on_demand_where_they_are_not(town) -> None:
    made = town(4, ahead=False, round_heights=2)
    made.step()
    made.step()
    assert made.pool == ()
    assert not any(keeper.busy(made.chain.state) for keeper in made.keepers)
    made.want(FAST)
    made.keepers[0].want(99)  # there is no such domain
    assert [tx.domain for tx in key_txs(made.pool)] == [FAST]
    assert made.keepers[0].busy(made.chain.state)
    made.step()
    assert len(key_txs(made.pool, KeyMessage.NOTICE)) == 3  # the others follow in its round
    made.make_key(FAST)
    assert made.chain.height == 2 + 8
    assert layout.key_of(made.chain.state, 0, 0) is None
    assert all(keeper.holds(made.chain.state, FAST, 0) for keeper in made.keepers)
    assert not any(keeper.busy(made.chain.state) for keeper in made.keepers)
    made.want(FAST)
    assert made.pool == ()  # there is one


def test_a_key_is_there_before_its_epoch(town) -> None:
    made = town(1, epoch_heights=20, lead=6)
    while made.chain.height < 18:
        assert layout.key_of(made.chain.state, 0, 1) is None
        made.step()
    assert layout.key_of(made.chain.state, 0, 1) is not None


def test_too_late_for_this_epoch_the_next_ones_key_is_wanted(town) -> None:
    made = town(1, ahead=False, epoch_heights=10, lead=5)
    while made.chain.height < 7:
        made.step()
    made.want()
    while made.chain.height < 11:
        made.step()
    assert layout.key_of(made.chain.state, 0, 0) is None
    assert layout.key_of(made.chain.state, 0, 1) is not None
    assert not made.keepers[0].busy(made.chain.state)


def test_a_failed_attempt_is_followed_by_another(town) -> None:
    made = town()
    made.down = {2, 3}
    for _ in range(5):
        made.step()
    assert generation.finding(made.chain.state, 0, 0, 0).reason is not None
    made.down = set()
    made.restart(2, 3)
    while made.chain.height < 12:  # the second attempt began without them, too
        assert layout.key_of(made.chain.state, 0, 0) is None
        made.step()
    assert layout.key_of(made.chain.state, 0, 0) is not None
    assert layout.attempt(made.chain.state, 0, 0).number == 2


# SECRETS


class Failing(MemorySecrets):
    def put(self, attempt, entropy) -> None:
        raise SecretLost("LN-25: the disk is full")


def test_ln25_no_notice_leaves_before_its_secret_is_kept(town) -> None:
    made = town(1)
    genesis, state = made.chain.genesis, made.chain.state
    keeper = Keeper(genesis, made.keys[0], Failing(), MemoryRootLogs())
    with pytest.raises(SecretLost, match="LN-25"):
        keeper.due(state, 0)
    store = MemorySecrets()
    keeper = Keeper(genesis, made.keys[0], store, MemoryRootLogs())
    assert len(keeper.due(state, 0)) == len(store.kept()) == 2


@pytest.mark.parametrize("rounds", [0, 1, 2, 3, 4])
def test_ln25_after_a_restart_the_same_messages_come_out(town, rounds) -> None:
    made = town()
    for _ in range(rounds):
        made.step()
    said = made.pool
    made.restart(1)
    assert made.pool == said  # nothing new, byte for byte
    while made.chain.height < 4:
        made.step()
    assert made.keepers[1].holds(made.chain.state, 0, 0)
    assert generation.finding(made.chain.state, 0, 0, 0).faults == ()


@pytest.mark.parametrize("rounds", [1, 2, 4])
def test_ln25_without_the_secret_a_validator_is_absent_and_not_at_fault(town, rounds) -> None:
    made = town()
    for _ in range(rounds):
        made.step()
    made.secrets[1] = MemorySecrets()
    made.pool = tuple(tx for tx in made.pool if generation.sender(*key_txs([tx])) != 1)
    made.restart(1)
    while made.chain.height < 4:
        made.step()
    key = layout.key_of(made.chain.state, 0, 0)
    assert key is not None
    assert not made.keepers[1].holds(made.chain.state, 0, 0)
    members = {fault.member for fault in generation.finding(made.chain.state, 0, 0, 0).faults}
    assert members <= ({1} if rounds == 2 else set())  # committed to what it cannot open


@pytest.mark.parametrize("rounds", [1, 2, 3])
def test_ln25_with_the_secret_of_a_copy_a_validator_accuses_nobody(town, rounds) -> None:
    """Two machines with one key: the other one's notice came into the chain."""
    made = town()
    for _ in range(rounds):
        made.step()
    copied = MemorySecrets()
    for place in made.secrets[1].kept():
        copied.put(place, bytes(32))
    made.secrets[1] = copied
    made.pool = tuple(tx for tx in made.pool if generation.sender(*key_txs([tx])) != 1)
    made.restart(1)
    while made.chain.height < 6:
        made.step()
    assert layout.key_of(made.chain.state, 0, 0) is not None
    assert not made.keepers[1].holds(made.chain.state, 0, 0)
    kinds = {fault.kind for fault in generation.finding(made.chain.state, 0, 0, 0).faults}
    assert kinds <= {FaultKind.NOT_OPENED}


def test_ln26_secrets_go_when_nothing_needs_them(town) -> None:
    made = town(1, epoch_heights=10, lead=5, grace=12)
    while made.chain.height < 9:
        made.step()
    assert {place.epoch for place in made.secrets[0].kept()} == {0, 1}
    assert codes(made.step(made.chain.seal(b"last of its epoch", domain=0, expiry=10))) == OK
    while made.chain.height < 22:
        made.step()
        assert {place.epoch for place in made.secrets[0].kept()} >= {0, 1}
    made.step()
    assert 0 not in {place.epoch for place in made.secrets[0].kept()}
    assert 1 in {place.epoch for place in made.secrets[0].kept()}


def test_ln26_a_secret_stays_as_long_as_a_batch_is_live(town) -> None:
    made = town(1, epoch_heights=10, lead=5, grace=1)
    slow = replace(LANE.domains[0], solve_period=30)
    genesis = lane_genesis(1, lane=replace(made.chain.genesis.lane, domains=(slow,)))
    made = Town(LaneChain(1, genesis=genesis), ahead=True)
    while made.chain.height < 9:
        made.step()
    made.step(made.chain.seal(b"solved for long", expiry=11))
    while made.chain.height < 30:
        made.step()
    assert FIRST in made.secrets[0].kept()
    while made.chain.live():
        made.step()
    assert FIRST not in made.secrets[0].kept()


def test_ln26_secrets_of_failed_attempts_go_at_once(town) -> None:
    made = town()
    made.down = {2, 3}
    made.step()
    assert FIRST in made.secrets[0].kept()
    for _ in range(3):
        made.step()
    assert generation.finding(made.chain.state, 0, 0, 0).reason is not None
    assert FIRST not in made.secrets[0].kept()


# SHARES


@pytest.mark.parametrize("n", [1, 4])
def test_a_batch_is_opened_in_the_block_behind_the_one_that_closed_it(closed, n) -> None:
    made = closed(n)
    item = made.chain.closed(FAST)
    assert item.closed == made.chain.height
    begin, more = made.keepers[0].lead(made.chain.state, made.chain.next_height)
    assert more
    assert [tag_of_wire(tx) for tx in begin] == [Tag.REVEAL]
    made.step()
    (item,) = made.chain.live(FAST)
    assert item.stage is Stage.SOLVING
    assert layout.plaintexts(made.chain.state, item.ref) == {0: b"secret"}


def test_ln30_no_share_without_evidence_that_the_block_is_final(closed) -> None:
    made = closed()
    chain = made.chain

    class Unsure:
        def confirm(self, height, block_hash, batch_root) -> None:
            raise NotFinal("PX-1", "nobody knows", where=f"height {height}")

    for evidence_of in (
        lambda height: (made.evidence_of(height)[0], Unsure()),
        lambda height: (bytes(32), Committed(chain)),
        lambda height: None,
        {chain.height - 1: made.evidence_of(chain.height - 1)}.get,
    ):
        keeper = made.keeper(2)
        outbox = keeper.resume(chain.state, chain.height, evidence_of)
        assert outbox.shares == ()
        assert keeper.extend(chain.state, chain.next_height) == b""
    made.restart(2)
    assert len(made.shares_of(2)) == 1


def test_ln30_shares_are_said_again_until_their_batch_is_opened(closed) -> None:
    made = closed(down={1, 2})
    chain = made.chain
    block = chain.last_block()
    (share,) = made.keepers[0].resume(chain.state, chain.height, made.evidence_of).shares
    for _ in range(3):
        assert made.keepers[0].lead(chain.state, chain.next_height) == ((), False)
        made.step()
        block = chain.last_block()
        again = made.keepers[0].committed(chain.state, block, Committed(chain))
        assert again.shares == (share,)
        assert made.shares_of(0) == (share,)
    made.down = set()
    made.restart(1, 2)
    made.step()
    assert made.shares_of(0) == ()
    assert made.keepers[0].resume(chain.state, chain.height, made.evidence_of).shares == ()


def test_after_a_restart_the_same_share_comes_out_and_no_other_ever(closed) -> None:
    made = closed()
    (share,) = made.shares_of(3)
    made.restart(3)
    assert made.shares_of(3) == (share,)

    class Another(MemoryRootLogs):
        """As if shares of another batch had been made at this height."""

        def log(self, domain: int) -> RootLog:
            log = super().log(domain)
            if log.root(share.height, share.epoch) is None:
                log.record(share.height, share.epoch, bytes(32))
            return log

    made.roots[3] = Another()
    made.restart(3)
    assert made.shares_of(3) == ()
    assert any(text.startswith("PX-19") for text in made.keepers[3].refused)


def test_ln29_extensions_are_judged_by_the_state_alone(closed) -> None:
    made = closed()
    chain, keeper = made.chain, made.keeper(0)  # one that heard nothing
    state, height = chain.state, chain.next_height
    votes = [made.keepers[m].extend(state, height) for m in range(4)]
    for member, vote in enumerate(votes):
        assert vote
        keeper.check_extension(vote, made.keys[member].public, state, height)
        keeper.check_extension(b"", made.keys[member].public, state, height)
        stranger = made.keys[(member + 1) % 4].public
        assert rule(keeper.check_extension, vote, stranger, state, height) == "LN-29"
        assert rule(keeper.check_extension, vote, bytes(32), state, height) == "LN-46"
        assert rule(keeper.check_extension, vote, b"", state, height) == "LN-46"
    # The block that closed the batch was voted on without any share of it.
    before, its_height = chain.store.reader(Height(chain.height - 1)), Height(chain.height)
    assert made.keepers[0].extend(before, its_height) == b""
    first = made.keys[0].public
    assert rule(keeper.check_extension, votes[0], first, before, its_height) == "LN-29"
    made.step()
    assert rule(keeper.check_extension, votes[0], first, chain.state, chain.next_height) == "LN-29"


def test_a_proposer_that_heard_only_votes_opens_the_batch(closed) -> None:
    made = closed()
    chain, keeper = made.chain, made.keeper(0)
    keeper.resume(chain.state, chain.height, made.evidence_of)
    assert keeper.lead(chain.state, chain.next_height) == ((), False)
    for member in (1, 2):
        keeper.receive(made.keepers[member].extend(chain.state, chain.next_height))
    begin, more = keeper.lead(chain.state, chain.next_height)
    assert more
    leads.check_lead(begin, chain.state, chain.next_height, chain.genesis)


def test_what_is_no_extension_keeps_nobody_from_proposing(closed) -> None:
    made = closed()
    keeper = made.keepers[0]
    for junk in (b"\x00", b"\xff" * 40, bytes(100_000)):
        keeper.receive(junk)
    assert "LN-28" in keeper.refused[-1]


def test_ln31_a_liar_is_named_and_the_batch_opens_without_it(closed) -> None:
    made = closed()
    (good,) = made.shares_of(1)
    (other,) = made.shares_of(2)
    key = layout.key_of(made.chain.state, FAST, 0)
    bad = replace(good, points=other.points)
    bad = replace(bad, signature=made.keys[1].sign(bad.digest(key)))
    keeper = made.keeper(0)
    keeper.resume(made.chain.state, made.chain.height, made.evidence_of)
    assert keeper.hear(bad)
    assert not keeper.hear(replace(other, signature=bytes(64)))
    assert keeper.hear(other)
    assert keeper.lead(made.chain.state, made.chain.next_height) == ((), False)
    (fault,) = keeper.faults
    assert (fault.validator, fault.domain, fault.rule) == (made.keys[1].public, FAST, "PX-18")
    (third,) = made.shares_of(3)
    assert keeper.hear(third)
    assert keeper.lead(made.chain.state, made.chain.next_height)[1]
    public = made.keys[1].public
    state, height = made.chain.state, made.chain.next_height
    assert rule(keeper.check_extension, encode([bad]), public, state, height) == "PX-18"


# BAD DEALERS


def lie(made: Town, victim: int) -> None:
    """The last validator's dealing, in the pool, has a wrong share for the victim."""
    chain, liar = made.chain, 3
    keygen = generation.replay(chain.state, chain.genesis, 0, 0, 0)
    context, number = keygen.context, keygen.context.roster.indices(victim)[0]
    secrets = tuple(secret_scalar(f"test/{k}", bytes(32), b"") for k in range(context.commitments))
    polynomial = PackedPolynomial(context.parameters.packing, secrets)
    values = {i: polynomial.share(i) for i in dealings.recipients(context, keygen.keys)}
    values[number] += 1
    dealing = dealings.assemble(
        context,
        keygen.keys,
        liar,
        polynomial,
        secret_scalar("test/e", bytes(32)),
        values,
        bytes(32),
    )
    commit = make_commit(keygen.session, dealing, made.keys[liar])
    made.down.add(liar)

    def wire(what, message) -> bytes:
        return payload.wire(KeyTx(0, 0, 0, what, message.to_bytes()))

    others = tuple(
        tx for tx in made.pool if (item := key_txs([tx])[0]).domain or generation.sender(item) != 3
    )
    made.pool = (*others, wire(KeyMessage.COMMIT, commit))
    made.step()
    made.pool += (wire(KeyMessage.DEALING, dealing),)
    made.step()


def test_px21_a_wrong_share_is_complained_about_in_time(town) -> None:
    made = town()
    made.step()
    lie(made, victim=0)
    (complaint,) = key_txs(made.pool, KeyMessage.COMPLAINT)
    assert generation.sender(complaint) == 0
    made.step()
    found = generation.finding(made.chain.state, 0, 0, 0)
    assert found.faults == (Fault(3, FaultKind.BAD_SHARE),)
    assert made.keepers[0].holds(made.chain.state, 0, 0)


def test_px10_a_validator_with_a_wrong_share_makes_none_and_complains_late(town) -> None:
    made = town()
    made.step()
    lie(made, victim=0)
    made.down.add(0)
    made.pool = tuple(tx for tx in made.pool if not key_txs([tx], KeyMessage.COMPLAINT))
    made.step()
    assert generation.finding(made.chain.state, 0, 0, 0).faults == ()
    made.down.discard(0)
    made.restart(0)
    (late,) = key_txs(made.pool, KeyMessage.COMPLAINT)
    assert not made.keepers[0].holds(made.chain.state, 0, 0)
    assert made.keepers[1].holds(made.chain.state, 0, 0)
    assert codes(made.step(made.chain.seal(b"secret"))) == ["ok", "ok"]
    found = generation.finding(made.chain.state, 0, 0, 0)
    assert found.faults == (Fault(3, FaultKind.BAD_SHARE),)
    made.restart(0)
    assert key_txs(made.pool) == []  # said once
    while not any(item.stage is Stage.CLOSED for item in made.chain.live()):
        made.step()
    assert made.shares_of(0) == ()
    assert len(made.shares_of(1)) == 1
    assert late.attempt == 0


# WHO IS NO VALIDATOR


def test_ln32_another_key_or_none_only_watches(closed) -> None:
    made = closed()
    chain = made.chain
    stranger = ConsensusKey(bytes(32))
    for keeper in (
        Keeper(chain.genesis),
        Keeper(chain.genesis, stranger, MemorySecrets(), MemoryRootLogs()),
    ):
        assert not keeper.has_part(chain.state, 0)
        keeper.want(0)
        outbox = keeper.resume(chain.state, chain.height, made.evidence_of)
        assert (outbox.shares, outbox.txs) == ((), ())
        assert keeper.due(chain.state, chain.height) == ()
        assert keeper.extend(chain.state, chain.next_height) == b""
        assert keeper.lead(chain.state, chain.next_height) == ((), False)
        for member in (0, 2, 3):
            assert keeper.hear(*made.shares_of(member))
        begin, more = keeper.lead(chain.state, chain.next_height)
        assert more
        leads.check_lead(begin, chain.state, chain.next_height, chain.genesis)
        assert keeper.busy(chain.state)


def test_ln27_a_log_that_is_lost_or_damaged_is_said_at_the_start(town, tmp_path) -> None:
    made = town(1)
    genesis = made.chain.genesis

    def keeper() -> Keeper:
        secrets = FileSecrets(tmp_path / "secrets", genesis.chain_id)
        logs = FileRootLogs(tmp_path / "roots", genesis.chain_id)
        return Keeper(genesis, made.keys[0], secrets, logs)

    keeper().due(made.chain.state, 0)
    keeper()
    log = tmp_path / "roots" / "0"
    log.write_bytes(b"\x01" * 80)
    with pytest.raises(DamagedLog, match="LN-27: damaged at byte 0"):
        keeper()
    log.unlink()
    with pytest.raises(DamagedLog, match="LN-27: the record of what was shared is gone"):
        keeper()
    for secret in (tmp_path / "secrets").iterdir():
        secret.unlink()
    keeper()  # absent, but up


def test_a_validator_needs_a_place_for_its_secrets(town) -> None:
    made = town(1)
    for parts in ((None, None), (MemorySecrets(), None), (None, MemoryRootLogs())):
        with pytest.raises(ConsensusFault, match="a place for its secrets"):
            Keeper(made.chain.genesis, made.keys[0], *parts)
    with pytest.raises(ConsensusFault, match="no sealed lane"):
        Keeper(replace(made.chain.genesis, lane=None))
