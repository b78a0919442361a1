"""EX-18 to EX-24: who is admitted, who is dropped, what is offered in which order."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)

from node.core.errors import PolicyRefused, StoreError
from node.core.genesis import Parameters
from node.core.ids import NATIVE, EnvironmentId, Height
from node.execution.mempool import BYTES_PER_FEE, Mempool, MempoolLimits, least_fee
from node.execution.run import BlockRun
from transparent.signature import SigningKey
from zk.errors import DecodeError

BIG = 10**7


@pytest.fixture
def mempool(world):
    return Mempool(world.executor, world.latest)


def code(admission) -> str:
    return admission.error.id if admission.error else "ok"


def settle(world, mempool, *txs):
    """A block of these, committed; codes of its receipts."""
    codes = world.block(*txs)
    mempool.committed(world.as_block(*txs), world.receipts[-len(txs) :] if txs else ())
    return codes


def funded(world, count):
    """Accounts with money, each of which can pay once without waiting for another."""
    keys = [SigningKey(bytes([100 + i]) * 32) for i in range(count)]
    for sequence, key in enumerate(keys):
        assert world.block(world.transfer(sequence=sequence, amount=20_000, to=key)) == ["ok"]
    return keys


# --- admission -----------------------------------------------------------------------------------


def test_admits_and_offers_what_a_block_takes(world, mempool, note):
    txs = [world.transfer(), world.shield(world.bob, note(1), 50, fee=10)]
    assert [code(mempool.add(tx)) for tx in txs] == ["ok", "ok"]
    assert code(mempool.add(txs[0])) == "ok", "again is no error"
    assert len(mempool) == 2
    status = mempool.status()
    assert (status.transactions, status.bytes) == (2, sum(map(len, txs)))
    assert mempool.find(mempool.add(txs[0]).tx_id) == txs[0]
    assert mempool.find(bytes(32)) is None
    assert sorted(mempool.pending(BIG)) == sorted(txs)
    assert mempool.pending(len(txs[0])) in ([txs[0]], [])
    assert settle(world, mempool, *mempool.pending(BIG)) == ["ok", "ok"]
    assert (len(mempool), mempool.pending(BIG), mempool.status().bytes) == (0, [], 0)


def test_each_phase_refuses_with_its_rule(world, mempool, note):
    refused = {
        b"junk": "ENC-002",
        world.pooled(consumes=(note(1),), fee=10, flaw="stateless"): "PO-2",
        world.pooled(consumes=(note(2),), fee=10, proofs=("626164",)): "PRF-001",
        world.pooled(consumes=(note(3),), fee=10, flaw="historical"): "PO-3",
        world.pooled(consumes=(note(4),), fee=10): "PO-4",
        world.pooled(consumes=(note(5), note(5)), fee=10, flaw="mint"): "EX-5",
        world.transfer(amount=2**50): "TR-7",
        world.transfer(sequence=3): "TR-6",
    }
    assert [code(mempool.add(tx)) for tx in refused] == list(refused.values())
    assert len(mempool) == 0
    assert mempool.pending(BIG) == []


def test_ex18_nothing_too_long_is_even_decoded(world, make_world):
    small = Mempool(world.executor, world.latest, MempoolLimits(most_bytes=100))
    world.pool.decode = lambda payload: pytest.fail("decoded")
    assert code(small.add(world.transfer())) == "EX-18"
    assert code(Mempool(world.executor, world.latest).add(bytes(300_000))) == "EX-18"


def test_ex18_a_full_pool_drops_who_pays_least_and_never_more_than_that(world):
    keys = funded(world, 5)
    pool = Mempool(world.executor, world.latest, MempoolLimits(most=3))
    txs = [
        world.transfer(key, fee=fee) for key, fee in zip(keys, (40, 20, 30, 20, 35), strict=True)
    ]
    assert [code(pool.add(tx)) for tx in txs[:3]] == ["ok"] * 3
    assert code(pool.add(txs[3])) == "EX-18", "pays no more than the least"
    assert code(pool.add(txs[4])) == "ok"
    assert pool.pending(BIG) == [txs[0], txs[4], txs[2]]
    assert code(pool.add(txs[1])) == "EX-18", "and may come again when there is room"
    assert settle(world, pool, txs[0]) == ["ok"]
    assert code(pool.add(txs[1])) == "ok"


def test_ex18_bytes_are_bounded_too(world):
    keys = funded(world, 3)
    txs = [world.transfer(key, fee=fee) for key, fee in zip(keys, (20, 30, 40), strict=True)]
    limit = len(txs[0]) + len(txs[1])
    pool = Mempool(world.executor, world.latest, MempoolLimits(most_bytes=limit))
    assert [code(pool.add(tx)) for tx in txs] == ["ok"] * 3
    assert pool.status().bytes <= limit
    assert pool.pending(BIG) == [txs[2], txs[1]]


def test_ex18_the_pool_does_not_refuse_for_what_it_has_dropped(world, note):
    """A dropped transaction's effects are still in the speculative block: it is made again."""
    pool = Mempool(world.executor, world.latest, MempoolLimits(most=1))
    cheap = world.transfer(fee=10, amount=900_000)
    dear = world.transfer(world.bob, fee=50)
    assert [code(pool.add(tx)) for tx in (cheap, dear)] == ["ok", "ok"]
    assert settle(world, pool) == []
    other = world.shield(world.alice, note(1), 900_000, fee=900)
    assert code(pool.add(other)) == "ok"


def test_ex18_concurrent_checks_are_bounded(world):
    pool = Mempool(world.executor, world.latest, MempoolLimits(most_checks=2))
    entered, leave = threading.Semaphore(0), threading.Event()
    prepare = world.executor.intake.check_stateless

    def slow(item, height):
        entered.release()
        assert leave.wait(10)
        return prepare(item, height)

    world.executor.intake.check_stateless = slow

    async def scenario():
        tasks = [
            asyncio.create_task(pool.admit(world.transfer(key))) for key in (world.alice, world.bob)
        ]
        for _ in range(2):
            assert await asyncio.to_thread(entered.acquire, timeout=10)
        busy = await pool.admit(world.transfer(fee=99))
        leave.set()
        return busy, await asyncio.gather(*tasks)

    busy, done = asyncio.run(scenario())
    assert code(busy) == "EX-18"
    assert [code(answer) for answer in done] == ["ok", "ok"]
    assert code(asyncio.run(pool.admit(world.transfer(fee=99)))) == "ok"


def test_ex19_the_fee_grows_with_proofs_and_with_bytes(world, mempool, note):
    assert least_fee(200, 0, 10) == least_fee(200, 1, 10) == 10
    assert least_fee(BYTES_PER_FEE + 1, 1, 10) == 20
    assert least_fee(200, 64, 10) == 640
    assert code(mempool.add(world.transfer(fee=9))) == "EX-19"
    assert code(mempool.add(world.transfer(fee=10))) == "ok"
    for proofs, fee, expected in ((3, 29, "EX-19"), (3, 30, "ok")):
        tx = world.pooled(
            world.bob,
            consumes=(note(proofs + fee),),
            crossings=((1, world.bob.account.hex(), NATIVE.label, -fee, ""),),
            fee=fee,
            proofs=("aa",) * proofs,
        )
        assert code(mempool.add(tx)) == expected
    seen = len(world.verifier.seen)
    long = world.pooled(consumes=(note(80),), fee=19, flaw="x" * BYTES_PER_FEE, proofs=("aa",))
    assert code(mempool.add(long)) == "EX-19"
    assert len(world.verifier.seen) == seen, "nothing is verified for a fee that is too low"
    assert issubclass(type(mempool.add(long).error), PolicyRefused)


def test_ex19_who_pays_too_little_or_another_chain_is_not_decoded(world, make_world, note):
    """Decoding 64 actions takes thousands of times as long as reading what they pay."""
    world.pool.decode = lambda payload: pytest.fail("decoded")
    pool = Mempool(world.executor, world.latest)
    poor = world.pooled(consumes=(note(1),), fee=9)
    long = world.pooled(consumes=(note(2),), fee=19, flaw="x" * BYTES_PER_FEE)
    assert [code(pool.add(tx)) for tx in (poor, long)] == ["EX-19"] * 2
    assert code(pool.add(poor[:-1])) == "ENC-003"
    other = make_world(parameters=Parameters(fee_floor=11))
    assert other.genesis.chain_id != world.genesis.chain_id
    foreign = other.transfer(fee=50)
    assert code(pool.add(foreign)) == "TR-1"
    world.executor.intake.preview = lambda data: pytest.fail("looked at again")
    assert code(pool.add(foreign)) == "TR-1", "from memory: EX-21"


def test_ex20_one_pending_per_key_and_replacement_costs(world, mempool):
    first = world.transfer(fee=1000)
    assert code(mempool.add(first)) == "ok"
    assert code(mempool.add(world.transfer(fee=1000, amount=6))) == "EX-20"
    assert code(mempool.add(world.transfer(fee=1099, amount=6))) == "EX-20"
    assert "1100" in mempool.add(world.transfer(fee=1099, amount=6)).error.fix
    better = world.transfer(fee=1100, amount=6)
    assert code(mempool.add(better)) == "ok"
    assert mempool.pending(BIG) == [better]
    assert code(mempool.add(first)) == "EX-20"
    assert code(mempool.add(world.transfer(fee=2**50))) == "TR-7", (
        "what cannot pay replaces nothing"
    )
    assert mempool.pending(BIG) == [better]


def test_ex20_replacing_several_costs_more_than_all_of_them(world, mempool, note):
    for i in (1, 2):
        assert settle(world, mempool, world.shield(world.alice, note(i), 5000)) == ["ok"]

    def spend(names, fee):
        change = (f"{99:064x}", NATIVE.label, 5000 * len(names) - fee)
        return world.pooled(consumes=tuple(map(note, names)), creates=(change,), fee=fee)

    singles = [spend([1], 100), spend([2], 100)]
    assert [code(mempool.add(tx)) for tx in singles] == ["ok", "ok"]
    assert code(mempool.add(spend([1, 2], 219))) == "EX-20"
    assert sorted(mempool.pending(BIG)) == sorted(singles)
    both = spend([1, 2], 220)
    assert code(mempool.add(both)) == "ok"
    assert mempool.pending(BIG) == [both]


def test_ex20_a_replacement_pays_more_per_byte_too(world, mempool, note):
    assert settle(world, mempool, world.shield(world.alice, note(1), 5000)) == ["ok"]
    change = {"consumes": (note(1),), "creates": ((note(2), NATIVE.label, 4900),)}
    short = world.pooled(**change, fee=100)
    long = world.pooled(consumes=(note(1),), fee=200, flaw="mint", proofs=("aa" * 2000,))
    assert code(mempool.add(short)) == "ok"
    assert code(mempool.add(long)) == "EX-20"
    assert mempool.pending(BIG) == [short]


def test_ex20_a_queued_transaction_is_not_replaced(world, mempool):
    assert code(mempool.add(world.transfer(fee=10))) == "ok"
    assert code(mempool.add(world.transfer(sequence=1, fee=10))) == "ok"
    assert code(mempool.add(world.transfer(sequence=1, fee=100))) == "EX-20"


def test_ex21_rejections_are_kept_by_full_bytes_and_only_lasting_ones(world, mempool, note):
    bad = world.pooled(consumes=(note(1),), fee=10, proofs=("626164",), flaw="mint")
    again = world.pooled(consumes=(note(1),), fee=10, proofs=("aa",), flaw="mint")
    shield = world.shield(world.alice, note(9), 500)
    world.block(shield)
    assert code(mempool.add(bad)) == "PRF-001"
    seen = len(world.verifier.seen)
    first, second = mempool.add(bad).error, mempool.add(bad).error
    assert first.id == "PRF-001"
    assert first is not second
    assert len(world.verifier.seen) == seen, "answered from memory"
    assert mempool.add(bad).tx_id == mempool.add(again).tx_id, "one id, and no verdict on it"
    assert code(mempool.add(again)) == "ok"
    # The pool, the state and the height change: these are looked at again.
    poor = world.transfer(world.bob, amount=1_000_500)
    assert code(mempool.add(poor)) == "TR-7"
    settle(world, mempool, world.transfer(amount=100_000))
    assert code(mempool.add(poor)) == "ok"
    early = world.transfer(sequence=1, expiry=68)
    assert code(mempool.add(early)) == "TR-2"
    settle(world, mempool)
    assert code(mempool.add(early)) == "ok"


def test_ex21_memory_of_rejections_is_bounded(world):
    pool = Mempool(world.executor, world.latest, MempoolLimits(most_rejections=4))
    for i in range(20):
        pool.add(b"junk %d" % i)
    assert len(pool._rejections) == 4


def test_ex21_what_made_a_proposal_invalid_never_comes_back(world, mempool):
    tx = world.transfer()
    mempool.add(tx)
    mempool.discard([tx], DecodeError("our own proposal was refused"))
    assert mempool.pending(BIG) == []
    assert code(mempool.add(tx)) == "ENC-001"
    assert code(mempool.add(world.transfer(amount=6))) == "ok", "its key is free again"


def test_ex22_after_a_block_the_rest_is_checked_again(world, mempool, note):
    world.block(world.shield(world.alice, note(1), 100, fee=10))
    spend = world.pooled(consumes=(note(1),), fee=90)
    keep = world.transfer(world.bob, expiry=40)
    expiring = world.transfer(world.alice, expiry=3)
    assert [code(mempool.add(tx)) for tx in (spend, keep, expiring)] == ["ok"] * 3
    # Another spend of the same note gets into the block; height 3 is the last for `expiring`.
    rival = world.pooled(consumes=(note(1),), fee=90, salt=1)
    assert settle(world, mempool, rival) == ["ok"]
    assert sorted(mempool.pending(BIG)) == sorted([keep, expiring])
    assert settle(world, mempool) == []
    assert mempool.pending(BIG) == [keep]
    assert code(mempool.add(spend)) == "EX-7"
    assert code(mempool.add(expiring)) == "TR-2"


def test_ex22_blocks_may_come_while_proofs_are_verified(world, mempool):
    last = world.transfer(expiry=1)
    check = world.executor.intake.check_stateless

    def check_and_lose_time(item, height):
        checked = check(item, height)
        settle(world, mempool)
        return checked

    world.executor.intake.check_stateless = check_and_lose_time
    assert code(mempool.add(last)) == "EX-22"
    world.executor.intake.check_stateless = check
    assert code(mempool.add(last)) == "TR-2"
    assert len(mempool) == 0


def test_ex22_a_transaction_that_failed_in_the_block_leaves(world, mempool):
    tx = world.transfer(amount=999_000)
    assert code(mempool.add(tx)) == "ok"
    first = world.transfer(amount=500_000, fee=5)
    assert settle(world, mempool, first, tx) == ["ok", "TR-6"]
    assert len(mempool) == 0


def test_ex22_the_queue_moves_up(world, mempool):
    txs = [world.transfer(sequence=i, fee=10 + 10 * i) for i in range(3)]
    for tx in txs:
        mempool.add(tx)
    assert mempool.pending(BIG) == txs
    settle(world, mempool, txs[0])
    assert mempool.pending(BIG) == txs[1:]
    # The one in the middle is replaced; the one behind it stays.
    better = world.transfer(sequence=1, fee=500)
    assert code(mempool.add(better)) == "ok"
    assert mempool.pending(BIG) == [better, txs[2]]
    assert settle(world, mempool, *mempool.pending(BIG)) == ["ok", "ok"]


def test_ex23_best_rate_first_and_queued_after_what_stands_alone(world, mempool):
    keys = funded(world, 3)
    low, high = world.transfer(keys[0], fee=20), world.transfer(keys[1], fee=200)
    parent = world.transfer(keys[2], fee=30)
    child = world.transfer(keys[2], sequence=1, fee=9000)
    assert [code(mempool.add(tx)) for tx in (low, parent, child, high)] == ["ok"] * 4
    offered = mempool.pending(BIG)
    assert offered == [high, parent, low, child]
    chosen = world.executor.select(offered, world.state, Height(world.height + 1), BIG)
    assert chosen == tuple(offered)


def test_ex23_one_balance_does_not_pay_for_two(world, mempool):
    first = world.transfer(amount=900_000)
    second = world.transfer(sequence=1, amount=900_000)
    assert [code(mempool.add(tx)) for tx in (first, second)] == ["ok", "TR-7"]


def test_ex24_replacing_in_turns_does_not_apply_the_pool_again_each_time(world, note, monkeypatch):
    """A replacement leaves the block stale; what stands alone and fails in it makes it new."""
    others, rounds = 20, 60
    keys = funded(world, others)
    pool = Mempool(world.executor, world.latest, MempoolLimits(most=others + 2))
    assert {code(pool.add(world.transfer(key))) for key in keys} == {"ok"}
    applied: list[int] = []
    rebuild = pool._rebuild

    def counted():
        applied.append(len(pool))
        return rebuild()

    monkeypatch.setattr(pool, "_rebuild", counted)
    codes, fee = [], 10
    for i in range(rounds):
        payment = world.transfer(world.bob, fee=fee, amount=600_000, to=world.alice)
        codes.append(code(pool.add(payment)))
        rival = world.shield(world.bob, note(1000 + i), 600_000, fee=10)
        codes.append(code(pool.add(rival)))
        fee += -(-fee // 10)
    assert codes[::2] == ["ok"] * rounds, "whoever pays more replaces"
    assert codes[1:6:2] == ["TR-7"] * 3, "while there is allowance, the answer is the true one"
    assert set(codes[1::2]) == {"TR-7", "EX-24"}
    newcomers = others + 2 * rounds
    assert sum(applied) <= 2 * pool.limits.most + 4 * newcomers
    assert len(applied) < rounds // 2
    # Earned again, and after a block, the answer is the true one.
    settle(world, pool)
    assert code(pool.add(rival)) == "TR-7"


def test_ex24_a_refusal_for_want_of_allowance_is_not_remembered(world, note):
    pool = Mempool(world.executor, world.latest, MempoolLimits(most=1))
    assert code(pool.add(world.transfer(amount=900_000))) == "ok"
    assert code(pool.add(world.transfer(world.bob, fee=50))) == "ok", "the first one is dropped"
    pool._allowance = -100
    other = world.shield(world.alice, note(1), 900_000, fee=900)
    assert code(pool.add(other)) == "EX-24"
    assert issubclass(type(pool.add(other).error), PolicyRefused)
    assert settle(world, pool) == []
    assert code(pool.add(other)) == "ok"


def test_admission_off_the_event_loop(world, mempool):
    threads = set()
    apply = BlockRun.apply
    prepare = world.executor.intake.decode

    def decode(data):
        threads.add(threading.get_ident())
        return prepare(data)

    world.executor.intake.decode = decode
    assert apply is BlockRun.apply

    async def scenario():
        answers = await asyncio.gather(
            *(mempool.admit(world.transfer(k)) for k in (world.alice, world.bob))
        )
        return answers, threading.get_ident()

    answers, loop_thread = asyncio.run(scenario())
    assert [code(a) for a in answers] == ["ok", "ok"]
    assert loop_thread not in threads


def test_many_threads_and_blocks_at_once(world, mempool):
    keys = funded(world, 8)
    txs = [world.transfer(key, sequence=i, fee=10 + i) for i in range(4) for key in keys]
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(mempool.add, txs))
    assert {code(a) for a in answers} <= {"ok", "TR-6"}
    assert sum(code(a) == "ok" for a in answers) == len(mempool) >= len(keys)
    offered = mempool.pending(BIG)
    chosen = world.executor.select(offered, world.state, Height(world.height + 1), BIG)
    assert set(settle(world, mempool, *chosen)) == {"ok"}
    assert len(mempool) == len(offered) - len(chosen) == 0


def test_a_node_that_cannot_read_says_so(world):
    def closed():
        raise StoreError("closed")

    with pytest.raises(StoreError):
        Mempool(world.executor, closed).add(world.transfer())


class Pool(RuleBasedStateMachine):
    """Whatever comes and goes: the books are right and what is offered fits into a block."""

    make_world = None

    @initialize()
    def start(self):
        self.world = self.make_world()
        self.keys = [SigningKey(bytes([50 + i]) * 32) for i in range(4)]
        for i, key in enumerate(self.keys):
            self.world.block(self.world.transfer(sequence=i, amount=3000, to=key))
        limits = MempoolLimits(most=6, most_bytes=2000)
        self.mempool = Mempool(self.world.executor, self.world.latest, limits)

    @rule(
        who=st.integers(0, 3), sequence=st.integers(0, 4), fee=st.integers(0, 400),
        amount=st.integers(1, 2500), life=st.integers(-1, 4),
    )  # fmt: skip
    def add(self, who, sequence, fee, amount, life):
        tx = self.world.transfer(
            self.keys[who], sequence=sequence, fee=fee, amount=amount,
            to=self.keys[(who + 1) % 4], expiry=self.world.height + 1 + life,
        )  # fmt: skip
        answer = self.mempool.add(tx)
        if answer.error is None:
            assert self.mempool.find(answer.tx_id) == tx

    @rule(room=st.integers(0, 3000))
    def block(self, room):
        height = Height(self.world.height + 1)
        offered = self.mempool.pending(room)
        chosen = self.world.executor.select(offered, self.world.state, height, room)
        assert set(settle(self.world, self.mempool, *chosen)) <= {"ok"}

    @rule(data=st.data())
    def discard(self, data):
        pending = self.mempool.pending(BIG)
        if pending:
            self.mempool.discard([data.draw(st.sampled_from(sorted(pending)))], DecodeError("no"))

    @invariant()
    def the_books_are_right(self):
        offered = self.mempool.pending(BIG)
        assert len(offered) == len(self.mempool) <= 6
        assert sum(map(len, offered)) == self.mempool.status().bytes <= 2000
        decode = self.world.executor.intake.decode
        items = [decode(tx) for tx in offered]
        keys = [key for item in items for key in item.conflicts]
        assert sorted(keys) == sorted(self.mempool._holders) == sorted(set(keys))
        assert {item.tx_id for item in items} == set(self.mempool._ids)
        assert all(item.environment is EnvironmentId.TRANSPARENT for item in items)


def test_ex22_random_schedules_keep_the_books(walk, make_world):
    walk(Pool, make_world, examples=25, steps=30)


def test_ex18_no_proof_is_verified_beyond_a_wrong_one(world):
    """64 wrong proofs in one transaction cost its author nothing; they must not cost us 64."""
    mempool = Mempool(world.executor, world.latest, MempoolLimits(fee_floor=0))
    dummy = "dd" * 32
    proofs = ("ab", b"bad".hex(), *(b"bad".hex(),) * 62)
    garbage = world.pooled(consumes=(dummy,), proofs=proofs)
    assert code(mempool.add(garbage)) == "PRF-001"
    assert len(world.verifier.seen) <= 8
    for place in (0, 5, 63):
        mixed = ["ab"] * 64
        mixed[place] = b"bad".hex()
        late = world.pooled(consumes=(dummy,), proofs=tuple(mixed))
        assert code(mempool.add(late)) == "PRF-001"
    good = world.pooled(consumes=(dummy,), proofs=("ab",) * 64)
    assert code(mempool.add(good)) == "ok"


# --- what an engine's gossip brings ---------------------------------------------------------------


def test_a_batch_is_admitted_in_order_with_its_proofs_verified_at_once(world, note) -> None:
    mempool = Mempool(world.executor, world.latest)
    txs = [world.transfer(), world.shield(world.bob, note(1), 50, fee=10), b"garbage"]
    one_by_one = Mempool(world.executor, world.latest)
    assert [code(a) for a in mempool.take(txs)] == [code(one_by_one.add(tx)) for tx in txs]
    assert mempool.pending(1 << 20) == one_by_one.pending(1 << 20)
    assert [mempool.has_pending(tx) for tx in txs] == [True, True, False]


def test_proofs_of_a_batch_are_one_question(world, note, monkeypatch) -> None:
    mempool, asked = Mempool(world.executor, world.latest), []
    verify = world.executor.intake.verify
    monkeypatch.setattr(
        world.executor.intake, "verify", lambda claims: asked.append(len(claims)) or verify(claims)
    )
    mempool.take([world.pooled(consumes=(note(n),), fee=10, proofs=(f"a{n}",)) for n in range(3)])
    assert asked == [3, 1, 1, 1]  # first all, then each from the verifier's memory
    asked.clear()
    mempool.take([world.transfer()])
    assert asked == []


def test_a_batch_that_a_machine_cannot_judge_is_no_verdict(world, monkeypatch) -> None:
    mempool = Mempool(world.executor, world.latest)

    def broken(*_):
        raise StoreError("the disk is gone")

    monkeypatch.setattr(world.executor.intake, "check_stateless", broken)
    with pytest.raises(StoreError):
        mempool.take([world.transfer(), world.transfer(amount=2)])


def test_what_comes_in_here_is_carried_on_and_what_the_engine_brings_is_not(world) -> None:
    carried = []
    mempool = Mempool(world.executor, world.latest, relay=carried.append)
    own, other = world.transfer(), world.transfer(sequence=1)
    assert code(mempool.add(own)) == "ok"
    assert [code(admission) for admission in mempool.take([other])] == ["ok"]
    mempool.add(b"garbage")
    assert carried == [own]
    assert code(asyncio.run(mempool.admit(own))) == "ok"
    assert carried == [own, own]  # again: an engine may have lost it
