"""What members sign, and what more than two thirds of them make."""

from __future__ import annotations

from dataclasses import replace

import pytest

from node.core.ids import ChainId, Height
from node.da.attest import Attester
from node.da.blob import encode
from node.da.certificate import Certificate, Statement, check_certificate, check_statement
from node.da.codec import Coding
from node.da.errors import DataRefused
from node.da.rows import Commitment
from node.da.shards import ShardStore
from node.store.memory import MemoryKeyValue
from zk.errors import ChiaroError, DecodeError

CHAIN = ChainId(b"\x11" * 32)
NOW = Height(55)


def refused(rule: str, call, *arguments) -> DataRefused:
    with pytest.raises(DataRefused) as caught:
        call(*arguments)
    assert caught.value.rule == rule
    return caught.value


def check(world, certificate, height=NOW) -> None:
    check_certificate(certificate, world.domain, CHAIN, height)


# STATEMENTS


@pytest.mark.parametrize(
    "fields",
    [
        {"chain_id": ChainId(b"\x12" * 32)},
        {"domain": b"\x23" * 32},
        {"height": Height(56)},
        {"expiry": Height(54)},
        {"height": Height(50), "expiry": Height(151)},
    ],
    ids=["chain", "domain", "future", "expired", "too-long"],
)
def test_da11_statements_of_elsewhere_and_other_times_are_refused(world, fields) -> None:
    check_statement(world.statement, world.domain, CHAIN, NOW)
    wrong = replace(world.statement, **fields)
    refused("DA-11", check_statement, wrong, world.domain, CHAIN, NOW)


def test_da11_first_and_last_height_are_in_time(world) -> None:
    for height in (50, 60):
        check_statement(world.statement, world.domain, CHAIN, Height(height))
    for height in (49, 61):
        refused("DA-11", check_statement, world.statement, world.domain, CHAIN, Height(height))
    longest = replace(world.statement, expiry=Height(150))
    check_statement(longest, world.domain, CHAIN, NOW)


def test_da11_another_coding_is_refused(world) -> None:
    other = encode(b"x" * 500, Coding(16, 64)).commitment
    wrong = replace(world.statement, commitment=other)
    assert "Coding(k=4" in refused("DA-11", check_statement, wrong, world.domain, CHAIN, NOW).fix


def test_da11_what_lies_in_the_block_needs_no_certificate(world) -> None:
    small = replace(world.statement, commitment=Commitment(Coding(4, 16), 100, bytes(32)))
    refused("DA-11", check_statement, small, world.domain, CHAIN, NOW)
    large = replace(small, commitment=Commitment(Coding(4, 16), 64 * 1024 + 1, bytes(32)))
    refused("DA-23", check_statement, large, world.domain, CHAIN, NOW)


def test_statements_have_one_encoding(world) -> None:
    data = world.statement.to_bytes()
    assert Statement.from_bytes(data) == world.statement
    for wrong in (data[:-1], data + b"\0", b"\2" + data[1:]):
        with pytest.raises(DecodeError):
            Statement.from_bytes(wrong)


# CERTIFICATES


@pytest.mark.parametrize(
    ("weights", "enough", "short"),
    [
        ((1, 1, 1), (0, 1, 2), (0, 1)),  # exactly 2/3 is not more
        ((1, 1, 1, 1), (0, 2, 3), (0, 3)),
        ((3, 3, 3, 1), (0, 1, 3), (0, 1)),  # 7 of 10; 6 of 10
        ((199, 101), (0, 1), (0,)),  # 199 of 300: 201 are needed
        ((201, 99), (0,), (1,)),
    ],
)
def test_da12_two_thirds_are_not_enough_and_more_are(make_world, weights, enough, short) -> None:
    world = make_world(*weights)
    check(world, world.certificate(*enough))
    collector = world.collector()
    for member in short:
        collector.add(member.to_bytes(32, "big"), world.sign(member))
    refused("DA-12", collector.certificate)
    refused("DA-12", check, world, world.certificate(*short))
    for member in enough:
        collector.add(member.to_bytes(32, "big"), world.sign(member))
    check(world, collector.certificate())


def test_da12_exactly_two_thirds_of_200_of_300_are_refused(make_world) -> None:
    world = make_world(200, 100)
    refused("DA-12", check, world, world.certificate(0))
    check(world, world.certificate(0, 1))


def test_da12_signers_are_members_in_order_and_once(world) -> None:
    good = world.certificate(0, 1, 2)
    for signers in ((0, 0, 1), (2, 1, 0), (0, 1, 4), (-1, 0, 1)):
        refused("DA-12", check, world, replace(good, signers=signers))
    refused("DA-12", check, world, replace(good, members=5))
    refused("DA-12", check, world, replace(good, signatures=good.signatures[:2]))
    refused("DA-12", world.collector().add, b"?" * 32, world.sign(0))


def test_da12_a_signature_twice_counts_once(world) -> None:
    collector = world.collector()
    assert [collector.add(bytes(32), world.sign(0)) for _ in range(3)] == [1, 1, 1]


def test_da13_every_signature_is_over_exactly_this_statement(world, make_world) -> None:
    good = world.certificate(0, 1, 2)
    others = [
        world.sign(1, replace(world.statement, expiry=Height(61))),
        world.sign(1, replace(world.statement, height=Height(49))),
        world.sign(1, replace(world.statement, domain=b"\x23" * 32)),
        world.sign(1, replace(world.statement, chain_id=ChainId(bytes(32)))),
        make_world(1, 1, 1, 1, blob=b"other " * 100).sign(1),
        world.sign(2),
        bytes(64),
        good.signatures[1][:-1],
        good.signatures[1] + b"\0",
    ]
    for forged in others:
        signatures = (good.signatures[0], forged, good.signatures[2])
        refusal = refused("DA-13", check, world, replace(good, signatures=signatures))
        assert refusal.where == f"member {(1).to_bytes(32, 'big').hex()[:16]}…"
        refused("DA-13", world.collector().add, (1).to_bytes(32, "big"), forged)


def test_da13_a_committee_with_other_stakes_is_another(make_world) -> None:
    """The same members hold other rows there, so what they signed says nothing."""
    before, after = make_world(1, 1, 1, 1), make_world(1, 1, 1, 5)
    refused("DA-13", check, after, before.certificate(0, 1, 2, 3))


def test_da13_certificates_have_one_encoding(world) -> None:
    certificate = world.certificate(0, 1, 3)
    data = certificate.to_bytes()
    assert Certificate.from_bytes(data) == certificate
    place = len(world.statement.to_bytes()) + 2
    stray = data[:place] + bytes([data[place] | 1 << 4]) + data[place + 1 :]
    for wrong in (data[:-1], data + b"\0", stray, stray + bytes(64)):
        with pytest.raises(DecodeError):
            Certificate.from_bytes(wrong)


# MEMBERS


@pytest.fixture
def attester(member_key):
    def build(member=1, promise=lambda statement: None, database=None, **options) -> Attester:
        store = ShardStore(database if database is not None else MemoryKeyValue(), CHAIN)
        return Attester(member.to_bytes(32, "big"), member_key(member), store, promise, **options)

    return build


def test_a_member_signs_for_its_rows(world, attester) -> None:
    signer = attester()
    signature = signer.attest(world.statement, world.rows(1), world.domain, CHAIN, NOW)
    assert signature == world.sign(1)
    assert "key" not in repr(signer)


def test_da8_other_rows_than_its_own_are_refused(world, attester) -> None:
    rows = world.rows(1)
    for wrong in (rows[:-1], rows[::-1], [], world.rows(2), [*rows, *world.rows(2)]):
        refused("DA-8", attester().attest, world.statement, wrong, world.domain, CHAIN, NOW)


def test_da8_who_is_no_member_signs_nothing(world, attester, make_domain) -> None:
    stranger = attester(member=7)
    refused("DA-8", stranger.attest, world.statement, [], world.domain, CHAIN, NOW)
    impostor = attester(member=7)
    impostor.member_id = (1).to_bytes(32, "big")
    refused("DA-8", impostor.attest, world.statement, world.rows(1), world.domain, CHAIN, NOW)


def test_da4_a_member_signs_for_no_wrong_row(world, attester) -> None:
    first, *rest = world.rows(1)
    wrong = [replace(first, data=first.data[:-1] + b"?"), *rest]
    database = MemoryKeyValue()
    signer = attester(database=database)
    refused("DA-4", signer.attest, world.statement, wrong, world.domain, CHAIN, NOW)
    assert database.get(b"b" + world.statement.commitment.root) is None


def test_da9_without_a_promise_to_pay_nothing_is_kept_or_signed(world, attester) -> None:
    class NoMoney(ChiaroError):
        fix = "pay"

    asked = []

    def promise(statement):
        asked.append(statement)
        raise NoMoney("the account is empty")

    database = MemoryKeyValue()
    signer = attester(promise=promise, database=database)
    refusal = refused(
        "DA-9", signer.attest, world.statement, world.rows(1), world.domain, CHAIN, NOW
    )
    assert "account is empty" in refusal.message
    assert asked == [world.statement]
    assert database.get(b"b" + world.statement.commitment.root) is None


def test_da11_a_member_signs_nothing_out_of_time(world, attester) -> None:
    late = Height(61)
    refused("DA-11", attester().attest, world.statement, world.rows(1), world.domain, CHAIN, late)


def test_da10_a_disk_that_refuses_means_no_signature(world, attester, monkeypatch) -> None:
    from node.core.errors import StoreError

    database = MemoryKeyValue()
    signer = attester(database=database)

    def full(batch):
        raise StoreError("the disk is full")

    monkeypatch.setattr(database, "write", full)
    with pytest.raises(StoreError, match="full"):
        signer.attest(world.statement, world.rows(1), world.domain, CHAIN, NOW)


def test_da10_rows_are_on_disk_before_the_key_is_used(world, attester) -> None:
    database = MemoryKeyValue()
    seen = {}
    root = world.statement.commitment.root

    def look(point: str) -> None:
        seen[point] = len(ShardStore(database, CHAIN).indices(root))

    attester(database=database, crash_point=look).attest(
        world.statement, world.rows(1), world.domain, CHAIN, NOW
    )
    assert seen == {"da-checked": 0, "da-stored": 4, "da-signed": 4}


def test_a_certificate_means_that_honest_rows_are_enough(make_world) -> None:
    """Whoever of the signers lies, below a third: the rest gives the blob back."""
    import itertools

    from node.da.blob import recover

    world = make_world(2, 3, 1, 4, 2, 1)
    weights = [member.weight for member in world.domain.committee.members]
    total, quorum = sum(weights), world.domain.committee.quorum
    places = range(len(weights))
    for size in places:
        for signers in itertools.combinations(places, size + 1):
            if sum(weights[i] for i in signers) < quorum:
                continue
            for faulty in range(1 << len(signers)):
                liars = {signers[i] for i in range(len(signers)) if faulty >> i & 1}
                if 3 * sum(weights[i] for i in liars) < total:
                    honest = [i for i in signers if i not in liars]
                    assert sum(len(world.rows(i)) for i in honest) >= 4
    assert recover(world.statement.commitment, world.rows(3)) == b"sealed " * 100
