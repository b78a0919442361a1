"""LC-1 … LC-10: every field of a block changed, and the rule that refuses it."""

from __future__ import annotations

from dataclasses import fields, replace
from fractions import Fraction

import pytest

from node.consensus.cometbft.votes import NO_BLOCK, BlockId
from node.consensus.cometbft.wire import NS
from node.core.codec import Writer
from node.core.ed25519 import is_signed
from node.light import merkle
from node.light.block import ABSENT, Flag, LightBlock, SignedHeader
from node.light.errors import LightRefused, TooFewTrusted
from node.light.header import EngineHeader
from node.light.validators import Validator, ValidatorSet
from node.light.verify import CLOCK_DRIFT, TRUSTING_PERIOD, Terms, Trusted, check
from node.testing.light import SignedChain, public, set_of, sign, signer
from node.testing.twisted import sign as twisted_sign
from zk.errors import DecodeError

CHAIN = "chiaro-tests"
FOUR = [signer(n) for n in range(4)]
OTHERS = [signer(n) for n in range(4, 8)]
START_MS = 1_700_000_000_000


def chain_of(powers, height: int = 6) -> SignedChain:
    found = SignedChain(CHAIN, START_MS, powers, [])
    for _ in range(height):
        found.add()
    return found


@pytest.fixture(scope="module")
def chain() -> SignedChain:
    return chain_of(lambda _: dict.fromkeys(FOUR, 1))


def verdict(chain: SignedChain, block: LightBlock, trusted: Trusted | None = None, **options):
    trusted = trusted or Trusted.of(chain.blocks[0])
    now, terms = options.get("now", chain.now), options.get("terms", Terms())
    check(trusted, block, CHAIN, now, terms)


def refused(rule: str, *arguments, **options) -> LightRefused:
    with pytest.raises(LightRefused) as caught:
        verdict(*arguments, **options)
    assert caught.value.rule == rule, caught.value
    return caught.value


def resigned(block: LightBlock, **changes) -> LightBlock:
    """The block with a changed header, which all four sign."""
    return sign(replace(block.header, **changes), block.validators, FOUR)


def with_commit(block: LightBlock, /, **changes) -> LightBlock:
    return replace(block, signed=replace(block.signed, commit=replace(block.commit, **changes)))


def with_place(block: LightBlock, number: int, place) -> LightBlock:
    places = list(block.commit.places)
    places[number] = place
    return with_commit(block, places=tuple(places))


@pytest.mark.parametrize("height", [2, 3, 6])
def test_what_is_honest_is_taken(chain: SignedChain, height: int) -> None:
    verdict(chain, chain.blocks[height - 1])


def test_genesis_vouches_for_block_1_and_for_later_ones(chain: SignedChain) -> None:
    genesis = Trusted.genesis(set_of(dict.fromkeys(FOUR, 1)), START_MS)
    for height in (1, 2, 6):
        verdict(chain, chain.blocks[height - 1], genesis)


@pytest.mark.parametrize("block", [1, 2])
def test_lc1_one_encoding_and_no_other_form(chain: SignedChain, block: int) -> None:
    found = chain.blocks[block - 1]
    some = with_place(found, 2, ABSENT)
    for item in (found, some):
        data = item.to_bytes()
        assert LightBlock.from_bytes(data) == item
        for cut in (0, 1, len(data) // 2, len(data) - 1):
            with pytest.raises(DecodeError):
                LightBlock.from_bytes(data[:cut])
        with pytest.raises(DecodeError):
            LightBlock.from_bytes(data + b"\0")


@pytest.mark.parametrize(
    "changes",
    [
        {"block_protocol": 10},
        {"chain_id": "x" * 51},
        {"chain_id": "ü"},
        {"height": 0},
        {"height": 1 << 63},
        {"moment": -62135596801 * NS},
        {"last_block": NO_BLOCK},
        {"last_block": BlockId(b"\1" * 32, 0, b"\1" * 32)},
        {"last_commit_hash": b"\1" * 31},
        {"data_hash": b"\1"},
        {"validators_hash": b""},
        {"next_validators_hash": b""},
        {"consensus_hash": b"\1" * 33},
        {"app_hash": b"\1" * 65},
        {"evidence_hash": b"\1" * 20},
    ],
    ids=str,
)
def test_lc1_headers_that_are_none_of_this_version(chain: SignedChain, changes) -> None:
    block = chain.blocks[1]
    signed = replace(block.signed, header=replace(block.header, **changes))
    with pytest.raises(DecodeError, match="LC-1"):
        SignedHeader.from_bytes(signed.to_bytes())


def test_lc1_places_of_an_unknown_kind(chain: SignedChain) -> None:
    data = chain.blocks[1].signed.to_bytes()
    address = chain.blocks[1].validators.members[0].address
    at = data.index(address, data.index(chain.blocks[1].hash)) - 1
    assert data[at] == Flag.COMMIT
    with pytest.raises(DecodeError, match="LC-1"):
        SignedHeader.from_bytes(data[:at] + b"\4" + data[at + 1 :])
    with pytest.raises(DecodeError, match="LC-1"):
        SignedHeader.from_bytes(b"\2" + data[1:])


CHANGED = {
    "block_protocol": 12,
    "app_protocol": 7,
    "height": 3,
    "moment": START_MS * 10**6 + 3 * NS // 2,
    "last_block": BlockId(b"\1" * 32, 1, b"\2" * 32),
    "proposer": b"\1" * 20,
}


@pytest.mark.parametrize("name", [f.name for f in fields(EngineHeader) if f.name != "chain_id"])
def test_lc2_a_header_of_which_one_field_is_changed(chain: SignedChain, name: str) -> None:
    """Whatever field it is: the commit names another hash."""
    block = chain.blocks[1]
    header = replace(block.header, **{name: CHANGED.get(name, b"\1" * 32)})
    assert header.hash != block.hash
    changed = replace(block, signed=replace(block.signed, header=header))
    refused("LC-2", chain, changed)


def test_lc2_a_commit_of_another_block_or_of_none(chain: SignedChain) -> None:
    block = chain.blocks[1]
    refused("LC-2", chain, with_commit(block, height=3))
    refused("LC-2", chain, with_commit(block, block=chain.blocks[2].commit.block))
    refused("LC-2", chain, with_commit(block, block=replace(block.commit.block, parts=0)))


def test_lc3_validators_that_the_header_does_not_name(chain: SignedChain) -> None:
    block = chain.blocks[1]
    for powers in (dict.fromkeys(OTHERS, 1), dict.fromkeys(FOUR, 2), dict.fromkeys(FOUR[:3], 1)):
        refused("LC-3", chain, replace(block, validators=set_of(powers)))


def test_lc3_sets_that_are_none() -> None:
    keys = [public(key) for key in FOUR]
    good = ValidatorSet.of((key, 1) for key in keys)
    assert ValidatorSet.from_bytes(good.to_bytes()) == good
    turned = tuple(reversed(good.members))
    for members in (
        (),
        turned,
        (*good.members, good.members[-1]),
        (Validator(keys[0], 0),),
        (Validator(b"\1" + bytes(31), 1),),
        (Validator(keys[0], 2**60),),
        tuple(sorted((Validator(k, 2**59) for k in keys), key=lambda v: v.address)),
    ):
        with pytest.raises(DecodeError, match="LC-3"):
            ValidatorSet(members)
    writer = Writer().u16(1025)
    with pytest.raises(DecodeError, match="LC-3"):
        ValidatorSet.from_bytes(writer.done())


def test_lc4_another_chain(chain: SignedChain) -> None:
    refused("LC-4", chain, resigned(chain.blocks[1], chain_id="chiaro-other"))


def test_lc5_heights_and_times_go_up(chain: SignedChain) -> None:
    third = Trusted.of(chain.blocks[2])
    refused("LC-5", chain, chain.blocks[2], third)
    refused("LC-5", chain, chain.blocks[1], third)
    refused("LC-5", chain, resigned(chain.blocks[3], moment=third.moment), third)
    for block in chain.blocks[1:3]:  # a time above the trusted one, and no height above it
        refused("LC-5", chain, resigned(block, moment=third.moment + 1), third)


def test_lc6_not_from_the_future(chain: SignedChain) -> None:
    moment = chain.blocks[5].header.moment
    verdict(chain, chain.blocks[5], now=moment - CLOCK_DRIFT + 1)
    refused("LC-6", chain, chain.blocks[5], now=moment - CLOCK_DRIFT)


def test_lc7_what_is_trusted_expires(chain: SignedChain) -> None:
    end = chain.blocks[0].header.moment + TRUSTING_PERIOD
    verdict(chain, chain.blocks[1], now=end - 1)
    refused("LC-7", chain, chain.blocks[1], now=end)


def test_lc8_the_next_block_has_the_validators_named_before(chain: SignedChain) -> None:
    header = replace(chain.blocks[1].header, validators_hash=set_of(dict.fromkeys(OTHERS, 1)).hash)
    refused("LC-8", chain, sign(header, set_of(dict.fromkeys(OTHERS, 1)), OTHERS))


def rotated(height: int):
    """Each height one of four goes, and another comes."""
    return dict.fromkeys([signer(n) for n in range(height, height + 4)], 1)


def test_lc9_more_than_a_third_of_the_trusted_must_have_signed() -> None:
    chain = chain_of(rotated)
    first = Trusted.of(chain.blocks[0])
    verdict(chain, chain.blocks[2], first)  # two of four stay
    half = Terms(level=Fraction(1, 2))
    for error in (
        refused("LC-9", chain, chain.blocks[3], first),
        refused("LC-9", chain, chain.blocks[2], first, terms=half),
    ):
        assert isinstance(error, TooFewTrusted)


def test_lc9_exactly_a_third_is_too_few() -> None:
    three = {signer(0): 1, signer(1): 1, signer(2): 1}
    later = {signer(0): 1, signer(8): 1, signer(9): 1}
    chain = chain_of(lambda height: three if height < 3 else later, 4)
    refused("LC-9", chain, chain.blocks[3])
    verdict(chain, chain.blocks[3], Trusted.of(chain.blocks[2]))


@pytest.mark.parametrize("level", [Fraction(1, 4), Fraction(4, 3)])
def test_lc9_levels_that_make_no_sense(level: Fraction) -> None:
    with pytest.raises(LightRefused) as caught:
        Terms(level=level)
    assert caught.value.rule == "LC-9"


def test_lc10_more_than_two_thirds_of_the_weight(chain: SignedChain) -> None:
    header, members = chain.blocks[1].header, chain.blocks[1].validators
    verdict(chain, sign(header, members, FOUR[:3]))
    refused("LC-10", chain, sign(header, members, FOUR[:2]))
    refused("LC-10", chain, sign(header, members, FOUR[:2], nil=FOUR[2:]))
    verdict(chain, sign(header, members, FOUR[:3], nil=FOUR[3:], number=4))


def test_lc10_exactly_two_thirds_is_too_few() -> None:
    chain = chain_of(lambda _: dict.fromkeys(FOUR[:3], 1), 2)
    header, members = chain.blocks[1].header, chain.blocks[1].validators
    refused("LC-10", chain, sign(header, members, FOUR[:2]))


def test_lc10_every_signature_is_over_exactly_this_precommit(chain: SignedChain) -> None:
    block = chain.blocks[1]
    place = block.commit.places[1]
    other = sign(block.header, block.validators, FOUR, number=1).commit.places[1]
    for number, changed in (
        (1, replace(place, signature=bytes(64))),
        (1, replace(place, moment=place.moment + 1)),
        (1, replace(place, signature=other.signature)),
        (0, place),
        (1, replace(place, address=b"\1" * 20)),
    ):
        refused("LC-10", chain, with_place(block, number, changed))
    refused("LC-10", chain, with_commit(block, round=1))
    refused("LC-10", chain, with_commit(block, places=block.commit.places[:3]))
    refused("LC-10", chain, with_commit(block, places=(*block.commit.places, ABSENT)))
    parts = replace(block.commit.block, parts=2)
    refused("LC-10", chain, with_commit(block, block=parts))


def test_lc10_a_signature_that_only_cometbft_takes_counts(chain: SignedChain) -> None:
    """Else one validator alone could have every block refused that CometBFT decides."""
    block = chain.blocks[1]
    place = next(n for n, m in enumerate(block.validators.members) if m.key == public(FOUR[0]))
    found = block.commit.places[place]
    said = block.commit.vote(found).sign_bytes(CHAIN)
    seed = FOUR[0].private_bytes_raw()
    twisted = replace(found, signature=twisted_sign(seed, said))
    assert not is_signed(public(FOUR[0]), said, twisted.signature)
    verdict(chain, with_place(block, place, twisted))
    other = replace(found, signature=twisted_sign(seed, said + b"x"))
    refused("LC-10", chain, with_place(block, place, other))


def test_lc10_nobody_counts_twice(chain: SignedChain) -> None:
    block = chain.blocks[1]
    twice = with_place(with_place(block, 1, block.commit.places[0]), 2, block.commit.places[0])
    refused("LC-10", chain, twice)


def test_the_tree_is_rfc_6962s() -> None:
    """Known answers of RFC 6962's own log of test data."""
    leaves = [bytes.fromhex(t) for t in ("", "00", "10", "2021", "3031", "40414243")]
    assert merkle.root([]).hex().startswith("e3b0c44298fc1c14")
    assert merkle.root(leaves[:1]).hex().startswith("6e340b9cffb37a98")
    assert merkle.root(leaves[:2]).hex().startswith("fac54203e7cc696c")
    assert merkle.root(leaves[:3]).hex().startswith("aeb6bcfe274b70a1")
    assert merkle.root(leaves[:6]).hex().startswith("76e67dadbcdf1e10")
