"""Genesis: one encoding, strict files, an id over everything (S-12), development set apart."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.core.genesis import (
    BATCH_HEIGHTS,
    DEV_FAUCET_AMOUNT,
    Allocation,
    Genesis,
    Parameters,
    StatementKey,
    dev_faucet_account,
    development_genesis,
)
from node.core.genesis_file import format_genesis, load_genesis, parse_genesis, save_genesis
from node.core.guardians import MAX_GUARDIANS, Predecessor, dev_guardian
from node.core.ids import NATIVE, AccountId, Kind
from node.core.lane import (
    MAX_DOMAINS,
    MAX_EPOCHS_AHEAD,
    MAX_REVEAL_WINDOW,
    LaneDomain,
    LaneParameters,
)
from node.core.private import PrivateParameters
from node.core.stake import GenesisBond, StakeParameters
from transparent.signature import SigningKey
from zk.errors import DecodeError, DevParamsRefused, NonCanonical, WrongLength

ID = st.binary(min_size=32, max_size=32)
STATEMENT = StatementKey("action/1", b"\x01" * 32, b"\x02" * 32)
OTHER = Kind(0, 77)
PREDECESSOR = Predecessor(b"\x05" * 32, 7, b"\x06" * 32)
MAIN = LaneDomain(0, "main")
FAST = LaneDomain(7, "fast", period=1, criterion="volume", fee=0, reveal_window=2, solve_period=1)
LANE = LaneParameters((MAIN, FAST), epoch_heights=20, grace=5, lead=10, round_heights=2)
OWNER = AccountId(bytes(SigningKey(bytes([9]) * 32).account))
KEYS = tuple(sorted(bytes(SigningKey(bytes([i]) * 32).account) for i in range(1, 6)))
STAKE = StakeParameters(
    tuple(GenesisBond(key, OWNER, 10**9 + n) for n, key in enumerate(KEYS[:2])),
    epoch_heights=20,
    max_validators=6,
)


@st.composite
def geneses(draw):
    ceremony = draw(st.none() | ID)
    window = draw(st.integers(BATCH_HEIGHTS + 1, 1000))
    parameters = Parameters(
        block_time_ms=draw(st.integers(0, 10**6)),
        anchor_window=window,
        max_expiry=draw(st.integers(1, window - BATCH_HEIGHTS)),
        fee_floor=draw(st.integers(0, 2**64 - 1)),
    )
    kinds = st.sampled_from([NATIVE, OTHER])
    guardians = tuple(sorted(draw(st.sets(st.sampled_from(KEYS), max_size=3))))
    lane = draw(st.none() | st.just(LANE))
    stake = draw(st.none() | st.just(STAKE))
    some = tuple(sorted(draw(st.sets(ID, max_size=3))))
    accounts = draw(st.dictionaries(st.tuples(ID, kinds), st.integers(1, 10**18), max_size=4))
    return Genesis(
        profile="dev" if ceremony is None else "mainnet",
        name=draw(st.text("abz09", min_size=1, max_size=16)) + draw(st.text("a-9", max_size=16)),
        time_ms=draw(st.integers(0, 2**63 - 1)),
        parameters=parameters,
        validators=some if lane is None and stake is None else KEYS[:2],
        statements=(STATEMENT,) if draw(st.booleans()) else (),
        allocations=tuple(sorted(Allocation(AccountId(a), k, v) for (a, k), v in accounts.items())),
        ceremony=ceremony,
        guardians=guardians,
        guardian_threshold=len(guardians),
        predecessor=draw(st.none() | st.builds(Predecessor, ID, st.integers(1, 2**62), ID)),
        lane=lane,
        stake=stake,
        runtime=draw(st.none() | ID),
    )


@given(geneses())
@settings(deadline=None, max_examples=60)
def test_ch16_bytes_and_files_encode_back(genesis):
    assert Genesis.from_bytes(genesis.to_bytes()) == genesis
    for json_format in (True, False):
        text = format_genesis(genesis, json_format=json_format)
        assert parse_genesis(text, json_format=json_format) == genesis


def test_ch16_files_on_disk(tmp_path):
    genesis = development_genesis((STATEMENT,))
    for name in ("genesis.toml", "genesis.json"):
        save_genesis(genesis, tmp_path / name)
        assert load_genesis(tmp_path / name).chain_id == genesis.chain_id
        with pytest.raises(FileExistsError):
            save_genesis(genesis, tmp_path / name)
    for use in (load_genesis, lambda path: save_genesis(genesis, path)):
        with pytest.raises(DecodeError, match="CH-16: a genesis file ends in"):
            use(tmp_path / "genesis.yaml")
    with pytest.raises(DecodeError, match="cannot read"):
        load_genesis(tmp_path / "missing.toml")


@given(geneses(), st.binary(min_size=1, max_size=4), st.data())
@settings(deadline=None, max_examples=60)
def test_ch16_other_bytes_are_no_second_encoding(genesis, tail, data):
    good = genesis.to_bytes()
    with pytest.raises(WrongLength):
        Genesis.from_bytes(good + tail)
    flipped = bytearray(good)
    at = data.draw(st.integers(0, len(good) * 8 - 1))
    flipped[at // 8] ^= 1 << at % 8
    try:
        other = Genesis.from_bytes(bytes(flipped))
    except (DecodeError, DevParamsRefused):
        return
    assert other.to_bytes() == bytes(flipped)
    assert other.chain_id != genesis.chain_id


def broken(change) -> str:
    document = json.loads(format_genesis(development_genesis((STATEMENT,)), json_format=True))
    change(document)
    return json.dumps(document)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda d: d.update(extra=1), "unknown field 'extra'"),
        (lambda d: d["parameters"].update(extra=1), "unknown field 'extra'"),
        (lambda d: d["allocations"][0].update(memo="x"), "unknown field 'memo'"),
        (lambda d: d.pop("name"), "field 'name' is missing"),
        (lambda d: d.update(name="Local"), "lower case"),
        (lambda d: d.update(time_ms=1.5), "an integer was expected"),
        (lambda d: d.update(time_ms=True), "an integer was expected"),
        (lambda d: d.update(time_ms=-1), "time_ms -1"),
        (lambda d: d.update(validators="none"), "validators is not a list"),
        (lambda d: d.update(validators=["00"]), "64 hexadecimal digits"),
        (lambda d: d.update(ceremony="AA" * 32), "lower case, were expected"),
        (lambda d: d.update(statements=[7]), "a table was expected"),
        (lambda d: d["statements"][0].update(id="action"), "no statement id"),
        (lambda d: d["allocations"][0].update(amount=5), "text was expected"),
        (lambda d: d["allocations"][0].update(amount="05"), "not an amount"),
        (lambda d: d["allocations"][0].update(amount="9" * 5000), "not an amount"),
        (lambda d: d["allocations"][0].update(label="0x" + "f" * 64), "not below r"),
        (lambda d: d["allocations"][0].update(label="11" * 32), "starts with 0x"),
        (lambda d: d.pop("guardians"), "field 'guardians' is missing"),
        (lambda d: d.update(guardians=["00"]), "64 hexadecimal digits"),
        (lambda d: d.update(guardian_threshold="1"), "an integer was expected"),
        (lambda d: d.update(predecessor=None), "a table was expected"),
        (lambda d: d.update(predecessor={"height": 1}), "field 'chain_id' is missing"),
    ],
)  # fmt: skip
def test_ch16_files_are_read_strictly(change, match):
    with pytest.raises(DecodeError, match=match):
        parse_genesis(broken(change), json_format=True)


def test_ch16_not_json_not_toml_and_repeated_fields():
    for text in ("{", "[]", '{"name": "a", "name": "b"}', "[" * 100_000):
        with pytest.raises(DecodeError):
            parse_genesis(text, json_format=True)
    with pytest.raises(DecodeError, match="not a genesis file"):
        parse_genesis("name = 'a'\nname = 'b'", json_format=False)
    with pytest.raises(DecodeError, match="dotted"):
        parse_genesis(".".join(["a"] * 100_000) + " = 1", json_format=False)  # a minute's work


def test_ch16_lists_are_sorted_and_unique():
    a, b = (Allocation(AccountId(bytes([i]) * 32), NATIVE, 5) for i in (1, 2))
    genesis = Genesis("dev", "x", 0, allocations=(a, b))
    for wrong in ((b, a), (a, a), (a, dataclasses.replace(a, amount=6))):
        with pytest.raises(NonCanonical, match="CH-16: allocations are not sorted"):
            dataclasses.replace(genesis, allocations=wrong)
    with pytest.raises(NonCanonical, match="CH-16: statements"):
        dataclasses.replace(genesis, statements=(STATEMENT, STATEMENT))
    with pytest.raises(NonCanonical, match="CH-16: validators"):
        dataclasses.replace(genesis, validators=(b"\x02" * 32, b"\x01" * 32))
    with pytest.raises(DecodeError, match="CH-16: an id, digest or account is not 32 bytes"):
        dataclasses.replace(genesis, validators=(b"short",))


def test_ch17_no_ceremony_means_dev_and_dev_means_none():
    genesis = development_genesis()
    with pytest.raises(DevParamsRefused, match="CH-17"):
        dataclasses.replace(genesis, profile="mainnet")
    with pytest.raises(DevParamsRefused, match="CH-17"):
        dataclasses.replace(genesis, ceremony=bytes(32))
    tail = 1 + 1 + 32 + 1 + 1 + 1 + 2  # no ceremony; one guardian of one; none of the other four
    encoded = genesis.to_bytes()
    with pytest.raises(DevParamsRefused, match="CH-17"):
        Genesis.from_bytes(encoded[:-tail] + b"\x01" + bytes(32) + encoded[1 - tail :])
    main = dataclasses.replace(genesis, profile="mainnet", ceremony=b"\x07" * 32)
    assert main.chain_id != genesis.chain_id


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"anchor_window": 79}, "anchor_window 79 is below max_expiry"),
        ({"max_expiry": 0}, "max_expiry 0"),
        ({"max_block_bytes": 2**32}, "max_block_bytes"),
        ({"max_tx_bytes": 0}, "max_tx_bytes 0"),
        ({"max_block_txs": 0}, "max_block_txs 0"),
        ({"block_time_ms": -1}, "block_time_ms -1"),
    ],
)
def test_ch18_parameters_fit_together(change, match):
    with pytest.raises(DecodeError, match=f"CH-18: {match}"):
        dataclasses.replace(Parameters(), **change)
    assert Parameters(anchor_window=80, max_expiry=64).anchor_window == 80


def test_ch19_supply_is_positive_and_fits_u64():
    one = Allocation(AccountId(b"\x01" * 32), NATIVE, 2**64 - 1)
    two = Allocation(AccountId(b"\x02" * 32), NATIVE, 1)
    genesis = Genesis("dev", "x", 0, allocations=(one,))
    assert genesis.supply() == {NATIVE: 2**64 - 1}
    other = dataclasses.replace(two, kind=OTHER)
    assert dataclasses.replace(genesis, allocations=(one, other)).supply()[OTHER] == 1
    with pytest.raises(DecodeError, match="CH-19: supply"):
        dataclasses.replace(genesis, allocations=(one, two))
    with pytest.raises(DecodeError, match="CH-19: an allocation is not positive"):
        Genesis("dev", "x", 0, allocations=(dataclasses.replace(two, amount=0),))
    with pytest.raises(DecodeError, match="CH-19"):
        Genesis("dev", "x", 0, allocations=(dataclasses.replace(two, amount=-1),))


def other_lanes():
    """A lane for every field of it, and of its domains, that differs from `LANE` in that one."""
    for field in dataclasses.fields(LaneParameters):
        if field.name != "domains":
            more = 2 * getattr(LANE, field.name)
            yield dataclasses.replace(LANE, **{field.name: more})
    changes = {
        "number": 8, "name": "slow", "period": 2, "criterion": "profit", "fee": 1,
        "reveal_window": 3, "solve_period": 2,
    }  # fmt: skip
    assert set(changes) == {field.name for field in dataclasses.fields(LaneDomain)}
    for name, value in changes.items():
        changed = dataclasses.replace(FAST, **{name: value})
        yield dataclasses.replace(LANE, domains=(MAIN, changed))
    yield dataclasses.replace(LANE, domains=(MAIN,))


def other_stakes():
    """For every field of stake, and of its bonds, one that differs from `STAKE` in that one."""
    for field in dataclasses.fields(StakeParameters):
        if field.name != "bonds":
            less = getattr(STAKE, field.name) - 1
            changes = {"min_bond": less} if field.name == "unit" else {}
            more = getattr(STAKE, field.name) + 1
            value = more if field.name == "min_bond" else less
            yield dataclasses.replace(STAKE, **{**changes, field.name: value})
    for name, value in (("owner", AccountId(KEYS[0])), ("amount", 10**9 + 7)):
        changed = dataclasses.replace(STAKE.bonds[0], **{name: value})
        yield dataclasses.replace(STAKE, bonds=(changed, STAKE.bonds[1]))


def test_ch27_the_chain_id_covers_every_field():
    """S-12. Another circuit, key, ceremony, allocation, cap: another chain."""
    genesis = Genesis(
        "mainnet", "x", 5, Parameters(), KEYS[:2], (STATEMENT,),
        (Allocation(AccountId(b"\x01" * 32), NATIVE, 5),), b"\x09" * 32, KEYS[:3], 2, PREDECESSOR,
        LANE, STAKE, b"\x07" * 32, PrivateParameters(),
    )  # fmt: skip
    changes = {
        "profile": "othernet",
        "name": "y",
        "time_ms": 6,
        "allocations": (dataclasses.replace(genesis.allocations[0], amount=6),),
        "ceremony": b"\x08" * 32,
        "guardians": KEYS[2:5],
        "guardian_threshold": 3,
        "predecessor": dataclasses.replace(PREDECESSOR, height=8),
        "lane": None,
        "stake": None,
        "runtime": None,
        "private": None,
    }
    apart = {"parameters", "statements", "validators"}
    assert {f.name for f in dataclasses.fields(Genesis) if f.init} == {*changes, *apart}
    others = [dataclasses.replace(genesis, **{name: value}) for name, value in changes.items()]
    others.append(dataclasses.replace(genesis, runtime=b"\x06" * 32))
    others.append(dataclasses.replace(genesis, validators=KEYS[2:4], stake=None))
    for field in dataclasses.fields(Parameters):
        smaller = getattr(genesis.parameters, field.name) - 1
        parameters = dataclasses.replace(genesis.parameters, **{field.name: smaller})
        others.append(dataclasses.replace(genesis, parameters=parameters))
    for field in ("chain_id", "block_hash"):
        predecessor = dataclasses.replace(PREDECESSOR, **{field: bytes(32)})
        others.append(dataclasses.replace(genesis, predecessor=predecessor))
    others.append(dataclasses.replace(genesis, predecessor=None))
    for field in dataclasses.fields(PrivateParameters):
        smaller = getattr(PrivateParameters(), field.name) - 1
        private = dataclasses.replace(PrivateParameters(), **{field.name: smaller})
        others.append(dataclasses.replace(genesis, private=private))
    others += [dataclasses.replace(genesis, lane=lane, stake=None) for lane in other_lanes()]
    others += [dataclasses.replace(genesis, stake=stake, lane=None) for stake in other_stakes()]
    for field, value in (("statement", "a/2"), ("r1cs", bytes(32)), ("verifying_key", bytes(32))):
        statement = dataclasses.replace(STATEMENT, **{field: value})
        others.append(dataclasses.replace(genesis, statements=(statement,)))
    assert len({genesis.chain_id, *(other.chain_id for other in others)}) == 1 + len(others)


def test_development_genesis_is_reproducible_and_has_a_faucet():
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from node.core.genesis import DEV_FAUCET_SEED

    extra = Allocation(AccountId(b"\x00" * 32), OTHER, 9)
    genesis = development_genesis((STATEMENT,), allocations=(extra,))
    assert genesis == development_genesis((STATEMENT,), allocations=(extra,))
    assert genesis.supply() == {NATIVE: DEV_FAUCET_AMOUNT, OTHER: 9}
    key = Ed25519PrivateKey.from_private_bytes(DEV_FAUCET_SEED).public_key()
    assert dev_faucet_account() == key.public_bytes_raw()
    assert genesis.profile == "dev"
    assert genesis.ceremony is None
    assert genesis.guardians == (dev_guardian(),)
    assert genesis.guardian_threshold == 1
    assert genesis.predecessor is None


def test_ch28_guardians_are_proper_keys_and_a_majority():
    genesis = development_genesis()
    for wrong, match in (
        (KEYS[1::-1], "not sorted and unique"),
        (KEYS[:1] * 2, "not sorted and unique"),
        ((bytes(32), *KEYS[:2]), "no proper Ed25519 key"),
        ((b"short",), "no proper Ed25519 key"),
        (tuple(bytes([i]) * 32 for i in range(MAX_GUARDIANS + 1)), "65 guardians"),
    ):
        with pytest.raises(DecodeError, match=f"CH-28: .*{match}"):
            dataclasses.replace(genesis, guardians=wrong, guardian_threshold=2)
    for count, good in ((0, {0}), (1, {1}), (2, {2}), (3, {2, 3}), (4, {3, 4}), (5, {3, 4, 5})):
        for threshold in range(-1, 7):
            fields = {"guardians": KEYS[:count], "guardian_threshold": threshold}
            if threshold in good:
                found = dataclasses.replace(genesis, **fields)
                assert Genesis.from_bytes(found.to_bytes()) == found
                continue
            with pytest.raises(DecodeError, match=f"CH-28: a threshold of {threshold}"):
                dataclasses.replace(genesis, **fields)


def test_ch29_a_predecessor_is_whole_and_names_a_block():
    for fields in ({"height": 0}, {"height": 2**63}, {"chain_id": b"x"}, {"block_hash": b""}):
        with pytest.raises(DecodeError, match="CH-29"):
            dataclasses.replace(PREDECESSOR, **fields)
    genesis = dataclasses.replace(development_genesis(), predecessor=PREDECESSOR)
    encoded = genesis.to_bytes()
    with pytest.raises(DecodeError, match="CH-29"):
        Genesis.from_bytes(
            encoded[:-43] + bytes(8) + encoded[-35:]
        )  # behind it: three bytes of absence
    assert genesis.chain_id != development_genesis().chain_id


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"domains": ()}, "0 domains"),
        ({"domains": (FAST, MAIN)}, "not sorted and unique"),
        ({"domains": (MAIN, dataclasses.replace(MAIN, name="other"))}, "not sorted and unique"),
        ({"domains": (MAIN, dataclasses.replace(FAST, name="main"))}, "two domains of one name"),
        ({"epoch_heights": 18}, "an epoch of 18 heights is no multiple of a period of 5"),
        ({"epoch_heights": 0}, "epoch_heights 0"),
        ({"grace": 0}, "grace 0"),
        ({"lead": 2**32}, "lead 4294967296"),
        ({"lead": MAX_EPOCHS_AHEAD * LANE.epoch_heights + 1}, "keys are made 1281 heights ahead"),
        ({"round_heights": 0}, "round_heights 0"),
    ],
)
def test_ch35_the_parts_of_a_lane_fit_together(change, match):
    with pytest.raises(DecodeError, match=f"CH-35: .*{match}"):
        dataclasses.replace(LANE, **change)


def test_ch35_a_round_has_an_honest_proposer_except_in_development():
    """Whoever proposes the only block of a round decides who is heard in it."""
    keys = tuple(sorted(bytes(SigningKey(bytes([i]) * 32).account) for i in range(1, 8)))
    most = Genesis("mainnet", "a", 0, validators=keys, ceremony=b"\7" * 32)
    assert dataclasses.replace(most, lane=dataclasses.replace(LANE, round_heights=3)).lane
    with pytest.raises(DecodeError, match=r"CH-35: .* 2 blocks, at least 3"):
        dataclasses.replace(most, lane=LANE)
    assert dataclasses.replace(most, lane=LANE, validators=keys[:6]).lane
    few = tuple(GenesisBond(key, AccountId(key), 1_000_000) for key in keys[:4])
    stake = StakeParameters(few, LANE.epoch_heights, max_validators=6)
    fits = dataclasses.replace(most, lane=LANE, validators=keys[:4], stake=stake)
    assert fits.lane
    with pytest.raises(DecodeError, match=r"CH-35: .* 2 blocks, at least 3"):
        dataclasses.replace(fits, stake=dataclasses.replace(stake, max_validators=7))
    assert dataclasses.replace(most, profile="dev", ceremony=None, lane=LANE).lane


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"number": -1}, "-1 is not"),
        ({"number": 2**32}, "4294967296 is not"),
        ({"name": ""}, "a name is 1 to 32"),
        ({"name": "Fast"}, "a name is 1 to 32"),
        ({"name": "1st"}, "a name is 1 to 32"),
        ({"name": "a" * 33}, "a name is 1 to 32"),
        ({"criterion": "a b"}, "a name is 1 to 32"),
        ({"period": 0}, "0 is not"),
        ({"solve_period": 0}, "0 is not"),
        ({"fee": -1}, "a fee of -1"),
        ({"fee": 2**48}, "a fee of"),
        ({"reveal_window": 0}, "0 heights to open"),
        ({"reveal_window": MAX_REVEAL_WINDOW + 1}, "11 heights to open"),
    ],
)
def test_ch35_a_domain_has_sensible_parameters(change, match):
    with pytest.raises(DecodeError, match=f"CH-35: .*{match}"):
        dataclasses.replace(LANE, domains=(dataclasses.replace(FAST, **change),))


def test_ch35_at_most_so_many_domains():
    domains = tuple(LaneDomain(n, f"d{n}") for n in range(MAX_DOMAINS + 1))
    assert len(LaneParameters(domains[:-1]).domains) == MAX_DOMAINS
    with pytest.raises(DecodeError, match="CH-35: 257 domains"):
        LaneParameters(domains)


def test_ch35_a_lane_needs_validators_with_proper_keys():
    for validators in ((), (bytes(32),), tuple(sorted((KEYS[0], bytes(32))))):
        with pytest.raises(DecodeError, match="CH-35: sealed intents need validators"):
            development_genesis(validators=validators, lane=LANE)
    found = development_genesis(validators=KEYS[:4], lane=LANE)
    assert Genesis.from_bytes(found.to_bytes()) == found


def refuses_a_file(genesis, change, match):
    """The file of a genesis is read as that one; the same document with a change is refused."""
    document = json.loads(format_genesis(genesis, json_format=True))
    assert parse_genesis(json.dumps(document), json_format=True) == genesis
    change(document)
    with pytest.raises(DecodeError, match=match):
        parse_genesis(json.dumps(document), json_format=True)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda d: d.update(lane="none"), "a table was expected"),
        (lambda d: d.update(domains=[]), "CH-35: 0 domains"),
        (lambda d: d["lane"].pop("grace"), "field 'grace' is missing"),
        (lambda d: d["lane"].update(extra=1), "unknown field 'extra'"),
        (lambda d: d["lane"].update(lead="5"), "an integer was expected"),
        (lambda d: d["domains"][0].update(fee=5), "text was expected"),
        (lambda d: d["domains"][0].update(period=3), "CH-35: an epoch of 20"),
        (lambda d: d["domains"].reverse(), "CH-35: domains are not sorted"),
        (lambda d: d.pop("domains"), "field 'domains' is missing"),
    ],
)  # fmt: skip
def test_ch35_files_are_read_strictly(change, match):
    refuses_a_file(development_genesis(validators=KEYS[:1], lane=LANE), change, match)


def bonds(*changes):
    return tuple(
        dataclasses.replace(bond, **change)
        for bond, change in zip(STAKE.bonds, changes, strict=True)
    )


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"bonds": ()}, "0 bonds"),
        ({"max_validators": 1}, "2 bonds, not 1 to 1"),
        ({"max_validators": 101}, "max_validators 101"),
        ({"bonds": STAKE.bonds[::-1]}, "not sorted and unique"),
        ({"bonds": STAKE.bonds[:1] * 2}, "not sorted and unique"),
        ({"bonds": bonds({"key": bytes(32)}, {})}, "proper Ed25519 keys"),
        ({"bonds": bonds({"owner": bytes(32)}, {})}, "proper Ed25519 keys"),
        ({"bonds": bonds({"amount": 999_999}, {})}, "a bond of 999999"),
        ({"bonds": bonds({"amount": 2**63}, {"amount": 2**63})}, "sum of bonds"),
        ({"unit": 1, "bonds": bonds({"amount": 2**60}, {})}, "a weight of"),
        ({"unit": 0}, "unit 0"),
        ({"min_bond": 999_999}, "min_bond 999999"),
        ({"epoch_heights": 0}, "epoch_heights 0"),
        ({"unbonding_epochs": 1}, "unbonding_epochs 1"),
        ({"duplicate_vote": 1_000_001}, "duplicate_vote 1000001"),
        ({"two_roots": -1}, "two_roots -1"),
        ({"wrong_share": 1_000_001}, "wrong_share"),
        ({"key_generation": 1_000_001}, "key_generation"),
    ],
)
def test_ch45_parameters_of_stake_are_sensible(change, match):
    with pytest.raises(DecodeError, match=f"CH-45: .*{match}"):
        dataclasses.replace(STAKE, **change)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda d: d.update(stake="none"), "a table was expected"),
        (lambda d: d.update(bonds=[]), "CH-45: 0 bonds"),
        (lambda d: d["stake"].pop("unit"), "field 'unit' is missing"),
        (lambda d: d["stake"].update(unit=1000), "text was expected"),
        (lambda d: d["stake"].update(extra=1), "unknown field 'extra'"),
        (lambda d: d["bonds"][0].update(amount=5), "text was expected"),
        (lambda d: d["bonds"].reverse(), "CH-45: bonds are not sorted"),
    ],
)  # fmt: skip
def test_ch45_files_are_read_strictly(change, match):
    refuses_a_file(development_genesis(validators=KEYS[:2], stake=STAKE), change, match)


def test_ch46_bonds_are_the_validators_and_are_issued():
    genesis = development_genesis(validators=KEYS[:2], stake=STAKE)
    assert genesis.supply() == {NATIVE: DEV_FAUCET_AMOUNT + STAKE.bonded}
    for keys in ((), KEYS[:1], KEYS[1:3], KEYS[:3]):
        with pytest.raises(DecodeError, match="CH-46: bonds are not those"):
            development_genesis(validators=keys, stake=STAKE)
    rich = Allocation(AccountId(b"\x01" * 32), NATIVE, 2**60)
    small = dataclasses.replace(STAKE, unit=1)
    with pytest.raises(DecodeError, match="CH-46: all that is issued"):
        development_genesis(validators=KEYS[:2], stake=small, allocations=(rich,))


def test_ch47_lane_and_stake_have_one_clock():
    for stake, lane, match in (
        (dataclasses.replace(STAKE, epoch_heights=40), LANE, "epochs of 40 heights"),
        (STAKE, dataclasses.replace(LANE, lead=21), "keys are made 21 heights ahead"),
    ):
        with pytest.raises(DecodeError, match=f"CH-47: {match}"):
            development_genesis(validators=KEYS[:2], stake=stake, lane=lane)
    whole = dataclasses.replace(LANE, lead=20)
    assert development_genesis(validators=KEYS[:2], stake=STAKE, lane=whole).stake


def test_ch48_a_runtime_is_32_bytes_or_none():
    genesis = development_genesis()
    for runtime in (b"", b"x" * 31, b"x" * 33):
        with pytest.raises(DecodeError, match="CH-48"):
            dataclasses.replace(genesis, runtime=runtime)
    found = dataclasses.replace(genesis, runtime=b"x" * 32)
    assert Genesis.from_bytes(found.to_bytes()) == found
    document = json.loads(format_genesis(found, json_format=True))
    document["runtime"] = "X" * 64
    with pytest.raises(DecodeError, match="lower case"):
        parse_genesis(json.dumps(document), json_format=True)


def test_epochs_are_ranges_of_heights():
    heights = range(1, 61)
    assert [LANE.epoch_of(h) for h in heights] == [0] * 20 + [1] * 20 + [2] * 20
    for epoch in range(3):
        assert LANE.epoch_of(LANE.first_height(epoch)) == epoch
        assert LANE.epoch_of(LANE.last_height(epoch)) == epoch
        assert LANE.last_height(epoch) + 1 == LANE.first_height(epoch + 1)
    assert LANE.domain(7) == FAST
    assert LANE.domain(1) is None
