"""Batches: each step at its height and in its state, and no other."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from node.core.ids import Height
from node.da.batch import (
    MAX_SCORE,
    Add,
    Close,
    Closed,
    Decrypted,
    Expire,
    Expired,
    Open,
    Outcome,
    Reason,
    Refund,
    Reveal,
    Sealed,
    Settle,
    Settled,
    Solution,
    Solving,
    Start,
    Submit,
    advance,
    open_batch,
    step,
)
from node.da.batch_codec import decode_batch, encode_batch
from node.da.domain import CloseRule
from node.da.errors import DataRefused
from zk.errors import ChiaroError, DecodeError


def sealed(i: int, **fields) -> Sealed:
    values = {
        "id": i.to_bytes(32, "big"),
        "tag": (1000 + i).to_bytes(32, "big"),
        "payer": bytes([i % 256]) * 32,
        "fee": 3 + i,
        "size": 1024,
        "expiry": Height(100),
    }
    return Sealed(**{**values, **fields})


def solution(score: int, i: int = 0) -> Solution:
    return Solution(i.to_bytes(32, "big"), b"\7" * 32, score)


def outcomes(batch) -> tuple[Outcome, ...]:
    """The first entry does not decrypt, the others do."""
    return tuple(
        Outcome(entry.id, entry.id if i else None) for i, entry in enumerate(batch.entries)
    )


@pytest.fixture(scope="module")
def domain(make_domain):
    """Closes at 10, 15, 20 …; revealed up to ten heights later, solved within five."""
    return make_domain()


@pytest.fixture(scope="module")
def opened(domain) -> Open:
    batch = open_batch(domain, 0, Height(6))
    for i in range(3):
        batch = step(batch, Add(sealed(i)), domain, Height(7))
    return batch


@pytest.fixture(scope="module")
def closed(domain, opened) -> Closed:
    return step(opened, Close(), domain, Height(10))


@pytest.fixture(scope="module")
def decrypted(domain, closed) -> Decrypted:
    return step(closed, Reveal(outcomes(closed)), domain, Height(12))


@pytest.fixture(scope="module")
def solving(domain, decrypted) -> Solving:
    return step(decrypted, Start(), domain, Height(13))


@pytest.fixture(scope="module")
def all_states(domain, opened, closed, decrypted, solving):
    scored = step(solving, Submit(solution(5)), domain, Height(14))
    return [
        opened,
        closed,
        decrypted,
        solving,
        scored,
        step(scored, Settle(), domain, Height(18)),
        step(solving, Expire(), domain, Height(18)),
        step(closed, Expire(), domain, Height(21)),
    ]


def refused(rule_id: str, call, *arguments) -> DataRefused:
    with pytest.raises(DataRefused) as caught:
        call(*arguments)
    assert caught.value.rule == rule_id
    return caught.value


# THE WAY THROUGH


def test_a_batch_goes_from_order_to_settlement(domain, opened, closed, decrypted, solving) -> None:
    assert (opened.closes, opened.size) == (10, 3 * 1024)
    assert (closed.closed, closed.deadline) == (10, 20)
    assert decrypted.revealed == 12
    assert decrypted.outcomes[0].plaintext is None
    assert solving.deadline == 18
    better = step(solving, Submit(solution(5)), domain, Height(14))
    best = step(better, Submit(solution(9, 1)), domain, Height(17))
    settled = step(best, Settle(), domain, Height(18))
    assert isinstance(settled, Settled)
    assert settled.solution == solution(9, 1)
    assert settled.entries == opened.entries


def test_heights_alone_close_start_settle_and_expire(domain, opened, closed, decrypted) -> None:
    assert advance(opened, domain, Height(10)) is opened
    assert advance(opened, domain, Height(11)) == replace(closed, height=Height(11))
    assert advance(decrypted, domain, Height(12)) is decrypted
    solving = advance(decrypted, domain, Height(13))
    assert isinstance(solving, Solving)
    assert isinstance(advance(solving, domain, Height(18)), Expired)
    scored = step(solving, Submit(solution(1)), domain, Height(13))
    assert isinstance(advance(scored, domain, Height(18)), Settled)
    assert isinstance(advance(opened, domain, Height(20)), Closed)
    expired = advance(opened, domain, Height(21))  # closed at 10 and never revealed
    assert isinstance(expired, Expired)
    assert expired.reason is Reason.UNREVEALED


# EACH RULE


@pytest.mark.parametrize(
    "fields",
    [{"id": bytes(31)}, {"tag": b""}, {"payer": bytes(33)}, {"fee": -1}, {"fee": 2**64},
     {"size": 0}, {"size": 2**32}],
    ids=str,
)  # fmt: skip
def test_da24_entries_out_of_range_are_refused(fields) -> None:
    refused("DA-24", lambda: sealed(1, **fields))


def test_da24_late_repeated_unpaid_and_expired_entries_are_refused(domain, opened) -> None:
    step(opened, Add(sealed(9, expiry=Height(10))), domain, Height(10))
    wrong = [
        (sealed(9), 11),
        (sealed(9, expiry=Height(9)), 9),
        (sealed(1, tag=bytes(32)), 9),
        (sealed(9, tag=sealed(1).tag), 9),
        (sealed(9, fee=2), 9),
        (sealed(9, fee=5, size=1025), 9),
    ]
    for entry, height in wrong:
        refused("DA-24", step, opened, Add(entry), domain, Height(height))


def test_da24_a_full_batch_takes_no_more(domain, opened) -> None:
    left = domain.max_batch_bytes - opened.size
    full = step(opened, Add(sealed(9, size=left, fee=10**6)), domain, Height(9))
    assert full.size == domain.max_batch_bytes
    refused("DA-24", step, full, Add(sealed(10, size=1)), domain, Height(9))
    refused("DA-24", step, opened, Add(sealed(9, size=left + 1, fee=10**6)), domain, Height(9))


def test_da24_a_batch_has_4096_entries_at_most(domain, opened) -> None:
    entries = tuple(sealed(i, size=1) for i in range(4095))
    almost = replace(opened, entries=entries)
    full = step(almost, Add(sealed(4095, size=1)), domain, Height(9))
    refused("DA-24", step, full, Add(sealed(4096, size=1)), domain, Height(9))


def test_da25_no_batch_closes_early_or_after_the_last(domain, opened, make_domain) -> None:
    for height in (7, 9):
        refused("DA-25", step, opened, Close(), domain, Height(height))
    single = make_domain(close=CloseRule(Height(10), 0))
    assert open_batch(single, 0, Height(10)).closes == 10
    refused("DA-25", open_batch, single, 1, Height(11))
    refused("DA-25", open_batch, domain, -1, Height(11))


def test_da26_a_reveal_comes_after_the_close_is_final_and_up_to_h_plus_10(domain, closed) -> None:
    reveal = Reveal(outcomes(closed))
    for height in (11, 20):
        assert step(closed, reveal, domain, Height(height)).revealed == height
    for height in (10, 21, 22, 1000):
        refused("DA-26", step, closed, reveal, domain, Height(height))


def test_da27_one_outcome_for_each_entry_in_order(domain, closed) -> None:
    right = outcomes(closed)
    foreign = (*right[:-1], Outcome(bytes([9]) * 32, None))
    for wrong in (right[:-1], right[::-1], (*right, right[0]), (), foreign):
        refused("DA-27", step, closed, Reveal(wrong), domain, Height(12))


def test_da28_p1_6_an_unrevealed_batch_expires_after_h_plus_10_and_all_fees_go_back(
    domain, closed
) -> None:
    for height in (10, 20):
        refused("DA-28", step, closed, Expire(), domain, Height(height))
    expired = step(closed, Expire(), domain, Height(21))
    assert expired.reason is Reason.UNREVEALED
    assert expired.refunds == tuple(
        Refund(entry.id, entry.payer, entry.fee) for entry in closed.entries
    )
    refused("DA-31", step, expired, Reveal(outcomes(closed)), domain, Height(21))


def test_da28_an_unsolved_batch_expires_at_its_deadline_without_refunds(domain, solving) -> None:
    refused("DA-28", step, solving, Expire(), domain, Height(17))
    expired = step(solving, Expire(), domain, Height(18))
    assert (expired.reason, expired.refunds) == (Reason.UNSOLVED, ())
    scored = step(solving, Submit(solution(1)), domain, Height(13))
    refused("DA-28", step, scored, Expire(), domain, Height(18))


def test_da29_solutions_come_after_the_reveal_and_before_the_deadline(
    domain, closed, decrypted, solving
) -> None:
    refused("DA-29", step, decrypted, Start(), domain, Height(12))
    refused("DA-29", step, solving, Submit(solution(1)), domain, Height(18))
    refused("DA-31", step, closed, Submit(solution(1)), domain, Height(11))
    refused("DA-31", step, decrypted, Submit(solution(1)), domain, Height(13))


def test_da29_only_a_better_solution_is_taken(domain, solving) -> None:
    scored = step(solving, Submit(solution(5, 3)), domain, Height(14))
    for worse in (solution(5, 3), solution(5, 4), solution(4, 1), solution(-MAX_SCORE)):
        refused("DA-29", step, scored, Submit(worse), domain, Height(14))
    assert step(scored, Submit(solution(5, 2)), domain, Height(14)).best == solution(5, 2)
    for wrong in ((bytes(31), bytes(32), 0), (bytes(32), b"", 0), (bytes(32),) * 2 + (2**127,)):
        refused("DA-29", Solution, *wrong)


def test_the_best_solution_wins_in_whatever_order_they_come(domain, solving) -> None:
    offers = [solution(3, 1), solution(7, 9), solution(7, 2), solution(-4, 0)]
    for order in itertools.permutations(offers):
        batch = solving
        for offer in order:
            if offer.beats(batch.best):
                batch = step(batch, Submit(offer), domain, Height(14))
        assert step(batch, Settle(), domain, Height(18)).solution == solution(7, 2)


def test_da30_nothing_settles_early_or_without_a_solution(domain, solving) -> None:
    scored = step(solving, Submit(solution(1)), domain, Height(13))
    refused("DA-30", step, scored, Settle(), domain, Height(17))
    refused("DA-30", step, solving, Settle(), domain, Height(18))


ALLOWED = {
    (Open, Add), (Open, Close), (Closed, Reveal), (Closed, Expire), (Decrypted, Start),
    (Solving, Submit), (Solving, Settle), (Solving, Expire),
}  # fmt: skip


def test_da31_every_event_without_a_place_in_a_state_is_refused(domain, all_states) -> None:
    events = [
        Add(sealed(9)), Close(), Reveal(()), Start(), Submit(solution(99)), Settle(), Expire(),
    ]  # fmt: skip
    for batch in all_states:
        for event in events:
            if (type(batch), type(event)) not in ALLOWED:
                refusal = refused("DA-31", step, batch, event, domain, Height(1000))
                assert type(batch).__name__.upper() in refusal.message


def test_da31_heights_do_not_go_back(domain, all_states) -> None:
    for batch in all_states:
        refused("DA-31", step, batch, Close(), domain, Height(batch.height - 1))


def test_da22_another_domains_parameters_are_refused(domain, all_states) -> None:
    other = replace(domain, id=bytes(32))
    for batch in all_states:
        refused("DA-22", step, batch, Close(), other, Height(1000))


# BYTES


def test_batches_have_one_encoding(all_states) -> None:
    for batch in all_states:
        data = encode_batch(batch)
        assert decode_batch(data) == batch
        for wrong in (data[:-1], data + b"\0", b"\2" + data[1:], data[:1] + b"\6" + data[2:]):
            with pytest.raises(DecodeError):
                decode_batch(wrong)


def test_da33_flags_reasons_and_versions_out_of_range_are_refused(all_states) -> None:
    solving, unsolved = encode_batch(all_states[3]), encode_batch(all_states[6])
    common = 1 + 1 + 32 + 8 + 8 + 4 + 3 * (3 * 32 + 8 + 4 + 8)
    wrong = [
        b"\0" + solving[1:],
        solving[: common + 8] + b"\2" + solving[common + 9 :],
        solving[: common + 9] + b"\2" + solving[common + 10 :],
        unsolved[:-1] + b"\3",
        unsolved[:-1] + b"\0",
    ]
    for data in wrong:
        with pytest.raises(DecodeError, match="DA-33"):
            decode_batch(data)


def test_da33_any_changed_byte_is_another_batch_or_none(all_states) -> None:
    for batch in all_states:
        data = encode_batch(batch)
        for i in range(len(data)):
            changed = data[:i] + bytes([data[i] ^ 0x81]) + data[i + 1 :]
            try:
                assert encode_batch(decode_batch(changed)) == changed
            except ChiaroError:
                continue


# ALL WAYS


class Batches(RuleBasedStateMachine):
    """Random events at growing heights, beside the few lines that say what may happen when."""

    def __init__(self):
        super().__init__()
        self.domain = WORLD["domain"]
        self.height = Height(6)
        self.batch = open_batch(self.domain, 0, self.height)
        self.entries, self.revealed, self.scores = [], None, []
        self.reached = [Open]

    def attempt(self, event) -> bool:
        before = self.batch
        try:
            self.batch = step(self.batch, event, self.domain, self.height)
        except DataRefused as refusal:
            assert refusal.rule.startswith("DA-")
            assert self.batch is before
            return False
        assert (type(before), type(event)) in ALLOWED
        if type(self.batch) is not self.reached[-1]:
            self.reached.append(type(self.batch))
        return True

    @rule(blocks=st.integers(0, 3))
    def pass_time(self, blocks):
        self.height = Height(self.height + blocks)

    @rule(blocks=st.integers(1, 3))
    def pass_time_as_the_chain_does(self, blocks):
        self.height = Height(self.height + blocks)
        before = self.batch
        self.batch = advance(self.batch, self.domain, self.height)
        assert advance(self.batch, self.domain, self.height) is self.batch
        if self.batch is not before:
            self.reached.append(type(self.batch))

    @rule(solve=st.booleans())
    def go_on(self, solve):
        """The next step of an orderly batch, so that schedules get far."""
        match self.batch:
            case Open():
                self.height = max(self.height, Height(10))
                self.close()
            case Closed() if self.height <= 20:
                self.height = max(self.height, Height(11))
                self.reveal()
            case Decrypted():
                self.height = Height(self.height + 1)
                self.start()
            case Solving() if solve:
                self.submit(score=len(self.scores), i=2)
            case Solving():
                self.height = max(self.height, self.batch.deadline)
                self.settle()
                self.expire()

    @rule(i=st.integers(0, 8), fee=st.integers(0, 5))
    def add(self, i, fee):
        entry = sealed(i, fee=fee)
        new = all(entry.id != other.id for other in self.entries)
        may = isinstance(self.batch, Open) and self.height <= 10 and new and fee >= 3
        assert self.attempt(Add(entry)) == may
        if may:
            self.entries.append(entry)

    @rule()
    def close(self):
        may = isinstance(self.batch, Open) and self.height >= 10
        assert self.attempt(Close()) == may

    @rule()
    def reveal(self):
        may = isinstance(self.batch, Closed) and 10 < self.height <= 20
        assert self.attempt(Reveal(outcomes(self.batch))) == may
        if may:
            self.revealed = self.height

    @rule()
    def start(self):
        may = isinstance(self.batch, Decrypted) and self.height > self.revealed
        assert self.attempt(Start()) == may

    @rule(score=st.integers(-3, 3), i=st.integers(0, 3))
    def submit(self, score, i):
        better = all((score, -i) > (other, -j) for other, j in self.scores)
        may = isinstance(self.batch, Solving) and self.height < self.batch.deadline and better
        assert self.attempt(Submit(solution(score, i))) == may
        if may:
            self.scores.append((score, i))

    @rule()
    def settle(self):
        due = isinstance(self.batch, Solving) and self.height >= self.batch.deadline
        assert self.attempt(Settle()) == (due and bool(self.scores))

    @rule()
    def expire(self):
        unrevealed = isinstance(self.batch, Closed) and self.height > 20
        unsolved = isinstance(self.batch, Solving) and self.height >= self.batch.deadline
        assert self.attempt(Expire()) == (unrevealed or (unsolved and not self.scores))

    @invariant()
    def what_was_ordered_stays(self):
        assert list(self.batch.entries) == self.entries
        assert decode_batch(encode_batch(self.batch)) == self.batch

    @invariant()
    def fees_go_back_exactly_where_nothing_was_revealed(self):
        refunds = self.batch.refunds if isinstance(self.batch, Expired) else ()
        if isinstance(self.batch, Expired) and self.revealed is None:
            assert [r.amount for r in refunds] == [entry.fee for entry in self.entries]
        else:
            assert refunds == ()

    @precondition(lambda self: isinstance(self.batch, Settled))
    @invariant()
    def the_best_settled(self):
        score, i = max(self.scores, key=lambda offer: (offer[0], -offer[1]))
        assert self.batch.solution == solution(score, i)


WORLD = {}


def test_random_schedules_follow_the_rules(domain) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    WORLD["domain"] = domain
    run_state_machine_as_test(
        Batches, settings=settings(max_examples=60, stateful_step_count=25, deadline=None)
    )
