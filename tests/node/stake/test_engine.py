"""What CometBFT is told of stake, and what becomes of what it proved."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path

import pytest

from node.consensus.cometbft import abci_pb2 as abci
from node.consensus.cometbft import home, mapping, prosecution
from node.consensus.cometbft import wire as wire_format
from node.consensus.cometbft.bridge import Bridge
from node.consensus.cometbft.duplicate import DuplicateVote
from node.consensus.cometbft.prosecution import Prosecutor, evidence_of
from node.consensus.cometbft.query import EngineAnswer
from node.consensus.cometbft.voters import Misbehaviour, Voters
from node.core.errors import ConsensusFault, Unreachable
from node.execution.mempool import Mempool
from node.stake import state as entries
from node.stake.transaction import Tag, wire
from node.testing.abci import init_request
from node.testing.stake import BONDS, UNIT, StakeChain, double_vote, key, validator
from zk.errors import ChiaroError

VECTOR = json.loads(
    (Path(__file__).resolve().parents[2] / "vectors" / "double_vote.json").read_text()
)
WHO = bytes.fromhex(VECTOR["key"])


class Driven:
    """The chain behind a bridge, as CometBFT drives it."""

    def __init__(self, chain: StakeChain) -> None:
        self.chain, ledger = chain, chain.ledger
        store = ledger.store
        self.pool = Mempool(ledger.executor, lambda: (store.height, store.reader()))
        self.accused: list[Misbehaviour] = []
        self.bridge = Bridge(
            chain.genesis, ledger.application, store, self.pool, accuse=self.accused.append
        )

    def block(self, *txs, misbehaved=(), again=1) -> dict[bytes, int]:
        """One block; returns what CometBFT is told of powers."""
        request = abci.RequestFinalizeBlock(txs=txs, height=self.chain.height + 1)
        request.time.FromMilliseconds(5_000 + self.chain.height)
        for who, at in misbehaved:
            item = request.misbehavior.add(type=abci.DUPLICATE_VOTE, height=at)
            item.validator.address = mapping.address_of(who)
        for _ in range(again):
            answer = self.bridge.finalize_block(request)
        assert [item.code for item in answer.tx_results] == [0] * len(txs)
        self.bridge.commit(abci.RequestCommit())
        told = [(item.pub_key.ed25519, item.power) for item in answer.validator_updates]
        assert told == sorted(told)
        return dict(told)


@pytest.fixture
def driven(chain) -> Driven:
    return Driven(chain)


def test_ch38_powers_are_the_weights_of_the_first_roster(chain):
    expected = {validator(n).account: bond // UNIT for n, bond in enumerate(BONDS)}
    assert mapping.powers(chain.genesis) == expected
    request = init_request(chain.genesis)
    mapping.check_init(request, chain.genesis)
    listed = home.genesis_document(chain.genesis)["validators"]
    assert sorted(int(item["power"]) for item in listed) == sorted(expected.values())
    request.validators[0].power += 1
    with pytest.raises(ConsensusFault, match=r"CH-38: .* validators differs"):
        mapping.check_init(request, chain.genesis)


def test_ch49_the_engine_is_told_of_what_changed_and_of_nothing_else(driven):
    chain = driven.chain
    new, four = validator(9), validator(3)
    powers = mapping.powers(chain.genesis)
    assert driven.block(wire(chain.make(Tag.BOND, key(5), new, 7777, proof=True))) == {}
    assert driven.block(wire(chain.make(Tag.UNBOND, key(4), four, BONDS[3]))) == {}
    while chain.height < 6:
        assert driven.block() == {}
    # behind block 7 it is about block 9, whose votes open what the last block of epoch 1 closed
    assert driven.block() == {}
    changed = driven.block(again=3)
    assert chain.height == chain.stake.last_height(1)
    assert changed == {new.account: 77, four.account: 0}
    powers.update(changed)
    assert chain.weights() == {k: power for k, power in powers.items() if power}
    votes = chain.evidence(double_vote(chain.genesis, new, 8))
    assert driven.block(votes) == {new.account: 0}
    while chain.height < 30:
        assert driven.block() == {}


def test_ch49_a_vote_is_of_whoever_has_something_at_stake(driven, monkeypatch):
    """Also of who was no validator of genesis, and after a restart."""
    chain = driven.chain
    driven.block(wire(chain.make(Tag.BOND, key(5), validator(9), 7777, proof=True)))
    voters = []
    monkeypatch.setattr(
        chain.ledger.application, "verify_vote_extension", lambda *call: voters.append(call[2])
    )
    again = Bridge(chain.genesis, chain.ledger.application, chain.ledger.store, driven.pool)
    for bridge in (driven.bridge, again):
        for who in (validator(0).account, validator(9).account, validator(8).account):
            bridge.verify_vote_extension(
                abci.RequestVerifyVoteExtension(
                    height=2, validator_address=mapping.address_of(who), vote_extension=b"x"
                )
            )
    assert voters == [validator(0).account, validator(9).account, b""] * 2


def test_ch49_a_vote_is_of_whoever_is_in_a_roster_that_stays(chain):
    """ST-4: with nobody left the roster outlasts the stake of its members, and they vote on."""
    who, owner = validator(9), key(5)
    assert chain.codes(chain.make(Tag.BOND, owner, who, 5000, proof=True)) == ["ok"]
    for n, amount in enumerate(BONDS):
        assert chain.codes(chain.make(Tag.UNBOND, key(n + 1), validator(n), amount)) == ["ok"]
    chain.to(12)
    assert list(chain.weights()) == [who.account]
    assert chain.codes(chain.make(Tag.UNBOND, owner, who, 5000)) == ["ok"]
    chain.to(28)
    assert chain.codes(chain.make(Tag.WITHDRAW, owner, who, 0)) == ["ok"]
    assert entries.validator(chain.state, who.account) is None
    assert list(chain.weights()) == [who.account]
    found = Voters(chain.genesis, chain.ledger.store)
    assert found.key(mapping.address_of(who.account)) == who.account
    assert found.key(mapping.address_of(validator(8).account)) == b""


def test_misbehaviour_is_told_once_and_behind_the_block_that_says_so(driven):
    driven.block()
    driven.block(misbehaved=[(validator(1).account, 1)], again=2)
    assert driven.accused == [Misbehaviour(2, validator(1).account, "DUPLICATE_VOTE", 1)]
    driven.block()
    assert len(driven.accused) == 1


# --- a real block with evidence -------------------------------------------------------------------


def accused(**changes) -> Misbehaviour:
    block = VECTOR["block"]["block"]
    (item,) = block["evidence"]["evidence"]
    found = Misbehaviour(
        int(block["header"]["height"]),
        WHO,
        "DUPLICATE_VOTE",
        int(item["value"]["vote_a"]["height"]),
    )
    return dataclasses.replace(found, **changes)


def test_st20_votes_of_a_real_cometbft_are_evidence():
    (votes,) = evidence_of(VECTOR["block"], accused())
    assert votes.key == WHO
    votes.check(VECTOR["chain_id"])
    assert type(votes).from_bytes(votes.to_bytes()) == votes
    with pytest.raises(ChiaroError) as caught:
        votes.check(VECTOR["chain_id"] + "x")
    assert caught.value.rule == "ST-20"


def test_evidence_is_of_who_is_accused_and_of_nobody_else():
    assert evidence_of(VECTOR["block"], accused(validator=validator(0).account)) == []
    assert evidence_of(VECTOR["block"], accused(at=accused().at + 1)) == []
    empty = {"block": {"evidence": {"evidence": None}}}
    assert evidence_of(empty, accused()) == []
    attack = {"type": "tendermint/LightClientAttackEvidence"}
    assert evidence_of({"block": {"evidence": {"evidence": [attack]}}}, accused()) == []


def spoiled(change) -> object:
    block = json.loads(json.dumps(VECTOR["block"]))
    change(block["block"]["evidence"]["evidence"][0]["value"]["vote_a"])
    return block


@pytest.mark.parametrize(
    "change",
    [
        lambda vote: vote.pop("height"),
        lambda vote: vote.update(type=32),
        lambda vote: vote.update(signature="%"),
        lambda vote: vote.update(timestamp="yesterday"),
        lambda vote: vote["block_id"].update(hash="xy"),
        lambda vote: vote["block_id"].update(hash="AB"),
        lambda vote: vote["block_id"]["parts"].update(total=2**32),
        lambda vote: vote.update(signature=None),
        lambda vote: vote.update(round=-1),
        lambda vote: vote.update(round=2**31),
        lambda vote: vote.update(height="0"),
    ],
)
def test_an_answer_of_another_form_is_no_evidence(change):
    with pytest.raises(EngineAnswer):
        evidence_of(spoiled(change), accused())


def metas(first: int, *hashes: str) -> dict:
    """An answer to `blockchain`, the newest first, as CometBFT has it."""
    headers = [
        {"header": {"height": str(first + n), "evidence_hash": found}}
        for n, found in enumerate(hashes)
    ]
    return {"last_height": "9", "block_metas": headers[::-1]}


NONE = hashlib.sha256().hexdigest().upper()


class Rpc:
    """CometBFT's, which does not answer at first."""

    def __init__(self, block, silent: int, at: int = 0) -> None:
        self.block, self.silent, self.asked, self.at = block, silent, [], at

    def ask(self, method, **parameters):
        if method == "blockchain":
            first, last = parameters["minHeight"], parameters["maxHeight"]
            hashes = ("AA" * 32 if h == self.at else NONE for h in range(first, last + 1))
            return metas(first, *hashes)
        self.asked.append((method, parameters))
        if len(self.asked) <= self.silent:
            raise Unreachable("CometBFT does not answer")
        return self.block


def json_of(found, votes) -> object:
    """A block with this evidence, as CometBFT tells of one."""
    import base64
    from datetime import UTC, datetime, timedelta

    epoch = datetime(1970, 1, 1, tzinfo=UTC)

    def vote(item):
        moment = (epoch + timedelta(seconds=item.moment // 10**9)).isoformat()[:19]
        return {
            "type": int(item.kind), "height": str(item.height), "round": item.round,
            "block_id": {
                "hash": item.block.hash.hex().upper(),
                "parts": {"total": item.block.parts, "hash": item.block.parts_hash.hex().upper()},
            },
            "timestamp": f"{moment}.{item.moment % 10**9:09d}Z",
            "validator_address": mapping.address_of(found).hex().upper(),
            "signature": base64.b64encode(item.signature).decode(),
        }  # fmt: skip

    evidence = {
        "type": "tendermint/DuplicateVoteEvidence",
        "value": {"vote_a": vote(votes.b), "vote_b": vote(votes.a)},
    }
    return {"block": {"evidence": {"evidence": [evidence]}}}


def test_evidence_is_sent_until_it_is_punished(chain, monkeypatch):
    chain.to(3)
    who = validator(2)
    votes = double_vote(chain.genesis, who, 2)
    rpc = Rpc(json_of(who.account, votes), silent=2)
    monkeypatch.setattr(prosecution, "Query", lambda path: rpc)
    sent: list[bytes] = []
    prosecutor = Prosecutor(chain.genesis, chain.ledger.store, Path("rpc.sock"), sent.append)
    prosecutor.accuse(Misbehaviour(3, who.account, "LIGHT_CLIENT_ATTACK", 2))
    prosecutor.accuse(Misbehaviour(3, b"", "DUPLICATE_VOTE", 2))
    prosecutor.work()
    assert rpc.asked == []
    prosecutor.accuse(Misbehaviour(3, who.account, "DUPLICATE_VOTE", 2))
    for _ in range(2):
        prosecutor.work()
        assert sent == []
    for times in (1, 2):
        prosecutor.work()
        assert sent == [chain.evidence(votes)] * times
    assert rpc.asked == [("block", {"height": 3})] * 3
    assert chain.codes(sent[0]) == ["ok"]
    prosecutor.work()
    assert len(sent) == 2


@pytest.mark.parametrize("moment", [wire_format.FIRST_MOMENT, wire_format.LAST_MOMENT])
def test_st20_votes_of_another_age_are_sent_and_end_nobody(chain, monkeypatch, moment):
    """Their time is whatever who voted twice wrote there."""
    chain.to(3)
    who, name = validator(2), mapping.engine_chain_id(chain.genesis)
    plain = double_vote(chain.genesis, who, 2)
    bare = [dataclasses.replace(vote, moment=moment) for vote in (plain.a, plain.b)]
    signed = (dataclasses.replace(v, signature=who.sign(v.sign_bytes(name))) for v in bare)
    rpc = Rpc(json_of(who.account, DuplicateVote.of(who.account, *signed)), silent=0)
    monkeypatch.setattr(prosecution, "Query", lambda path: rpc)
    sent: list[bytes] = []
    prosecutor = Prosecutor(chain.genesis, chain.ledger.store, Path("rpc.sock"), sent.append)
    prosecutor.accuse(Misbehaviour(3, who.account, "DUPLICATE_VOTE", 2))
    prosecutor.work()
    assert chain.codes(*sent) == ["ok"]


def test_a_real_header_says_whether_its_block_has_evidence():
    header = VECTOR["block"]["block"]["header"]
    height = int(header["height"])
    with_one = {"block_metas": [{"header": header}]}
    assert prosecution.heights_with_evidence(with_one) == [height]
    assert prosecution.heights_with_evidence(metas(5, NONE, "BB" * 32, NONE)) == [6]
    assert prosecution.heights_with_evidence({"block_metas": []}) == []
    ((address, at),) = prosecution.voters_of(VECTOR["block"])
    assert (address, at) == (mapping.address_of(WHO), accused().at)


def test_after_a_start_the_last_blocks_are_looked_through(chain, monkeypatch):
    """A node that was told of a double vote, and was killed before it had the votes."""
    chain.to(30)
    who = validator(2)
    votes = double_vote(chain.genesis, who, 28)
    rpc = Rpc(json_of(who.account, votes), silent=1, at=29)
    monkeypatch.setattr(prosecution, "Query", lambda path: rpc)
    sent: list[bytes] = []
    prosecutor = Prosecutor(chain.genesis, chain.ledger.store, Path("rpc.sock"), sent.append)
    prosecutor.work()
    assert sent == []
    prosecutor.work()
    assert sent == [chain.evidence(votes)]
    assert chain.codes(sent[0]) == ["ok"]
    asked = len(rpc.asked)
    prosecutor.work()
    assert (len(sent), len(rpc.asked)) == (1, asked)


def test_what_cannot_be_punished_any_more_is_not_asked_for(chain, monkeypatch):
    """The engine may have forgotten the block: then it would be asked every second for ever."""
    chain.to(3)
    who = validator(2)
    rpc = Rpc(json_of(who.account, double_vote(chain.genesis, who, 2)), silent=99)
    monkeypatch.setattr(prosecution, "Query", lambda path: rpc)
    prosecutor = Prosecutor(chain.genesis, chain.ledger.store, Path("rpc.sock"), lambda _: None)
    prosecutor.accuse(Misbehaviour(3, who.account, "DUPLICATE_VOTE", 2))
    prosecutor.work()
    asked = [("block", {"height": 3})]
    assert [call for call in rpc.asked if call[0] == "block"] == asked
    chain.to(chain.stake.last_height(chain.stake.unbonding_epochs))
    prosecutor.work()
    prosecutor.work()
    assert [call for call in rpc.asked if call[0] == "block"] == asked
