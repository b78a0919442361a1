"""One committee follows another: names, masks, complaints, and who has the cells then."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from node.private import committees, custody, deposits, freezing, places, succession
from node.private.errors import PrivateOutdated
from node.private.member.errors import MemberRefused
from node.private.member.view import View
from node.private.messages import FreezeTx
from node.private.succession import LAST_STEP, Succession
from node.private.succession_payload import Left, NameTx, Step, TransferTx, opening
from node.rpc.private import PrivateViews
from node.testing.keeping import MEMBERS, Keepers
from node.testing.private import assert_ok, signer
from private_exec import group
from private_exec.committee import pairs, reshare
from private_exec.committee.cells import cell_id
from private_exec.committee.reshare import MaskDealing, Side, Transfer
from private_exec.mpc.faults import Silent, Wrong
from private_exec.mpc.message import Kind
from private_exec.pedersen import Opening

EPOCHS = 200


class Two:
    """Two committees of one chain; deposits are with the first."""

    def __init__(self, folder: Path, *amounts: int) -> None:
        self.old = Keepers(folder / "old", *amounts, epoch_blocks=EPOCHS)
        self.chain, here = self.old.chain, self.old.committee
        self.new = Keepers(
            folder / "new", chain=self.chain, purpose=b"\x08" * 32, epoch_blocks=EPOCHS,
            takes=[here],
        )  # fmt: skip
        self.step = self.chain.parameters.step_heights

    def word(self, member: int, successor: bytes | None = None, **changes) -> NameTx:
        bare = NameTx(self.old.committee, successor or self.new.committee, self.old.made, member)
        bare = dataclasses.replace(bare, **changes)
        return dataclasses.replace(bare, signature=signer(member).sign(bare.digest))

    def name(self, *members: int) -> None:
        assert_ok(self.chain.run(*map(self.word, members or MEMBERS)))

    @property
    def known(self) -> Succession:
        return succession.succession_of(self.chain.state, self.old.committee)

    @property
    def transfer(self) -> Transfer:
        known = self.known
        return known.going.transfer(self.chain.state, self.old.committee, known.retry)

    def open(self) -> None:
        assert_ok(self.chain.run(opening(self.old.committee, self.known.retry, 0)))

    def message(self, step: Step, message: bytes, retry: int | None = None) -> TransferTx:
        number = self.known.retry if retry is None else retry
        return TransferTx(self.old.committee, number, step, message)

    def dealing(self, dealer: int) -> MaskDealing:
        return reshare.deal(self.transfer, dealer, signer(dealer), bytes([dealer]) * 32)

    def wrong(self, dealer: int, side: Side, victim: int) -> MaskDealing:
        """Masks that are not what was committed to, for one member of a side."""
        right, transfer = self.dealing(dealer), self.transfer
        garbage = pairs.write([Opening(1, 2)] * len(transfer.cells))
        plain = [dict.fromkeys(transfer.record(s).keys, garbage) for s in Side]
        for s in Side:
            for member in plain[s]:
                if (s, member) != (side, victim):
                    secrets = (
                        (self.old, self.new)[s]
                        .keys[member]
                        .of_epoch((self.old, self.new)[s].view(), 0)
                    )
                    plain[s][member] = pairs.write(reshare.open_masks(right, transfer, s, secrets))
        return reshare.assemble(
            transfer, dealer, right.old, right.new, plain, signer(dealer), b"\x09" * 32
        )

    def look(self, keepers: Keepers, *members: int):
        """Messages and sessions of each of these."""
        view = keepers.view()
        return {m: keepers.handing[m].look(view) for m in members or MEMBERS}

    def say(self, keepers: Keepers, *members: int) -> list[str]:
        found = self.look(keepers, *members).values()
        return self.chain.codes(*{tx.to_bytes(): tx for said, _ in found for tx in said}.values())

    def session(self, keepers: Keepers, *members: int, faults=()):
        looks = self.look(keepers, *members)
        return keepers.run({m: jobs[0] for m, (_, jobs) in looks.items()}, faults)

    def past(self, step: Step) -> None:
        self.chain.to(self.known.going.last(step, self.step))

    def masks(self) -> None:
        """Until members of the old committee may hand over."""
        self.open()
        assert self.say(self.old) == ["ok"] * 4
        self.past(Step.OLD_COMPLAINT)


@pytest.fixture
def two(tmp_path: Path) -> Two:
    return Two(tmp_path, 70_000, 80_000)


def test_pv166_deposits_go_to_the_successor_by_what_members_do_by_themselves(two) -> None:
    chain, old, new = two.chain, two.old, two.new
    assert two.look(old) == dict.fromkeys(MEMBERS, ([], []))
    two.name()
    before = old.cell()
    assert two.say(old) == ["ok"]  # all four open the same transfer
    old.restart()
    assert two.say(old, 1, 2, 3) == ["ok"] * 3
    assert two.say(old) == ["ok"]  # the fourth, late
    nothing = dict.fromkeys(MEMBERS, ([], []))
    assert (two.look(old), two.look(new)) == (nothing, nothing)  # others may complain yet
    two.past(Step.OLD_COMPLAINT)
    assert chain.codes(two.session(old, faults=[Wrong(2, Kind.OPEN)])) == ["ok"]
    assert all(jobs == [] for _, jobs in two.look(old).values())
    new.restart()
    assert chain.codes(two.session(new, faults=[Silent(4, since=1)])) == ["ok"]
    after = old.cell()
    assert (after.com, after.epoch) == (before.com, 0) and after.c != before.c
    new.remember()
    assert [chain.value_of(old.cell(k)) for k in range(2)] == [70_000, 80_000]
    assert old.listed() == [] and len(new.listed()) == 2
    for found in old.held:
        assert deposits.deposit_of(chain.state, found.input.id).committee == new.committee
    assert two.known.going is None and two.known.retry == 1
    assert two.look(old) == dict.fromkeys(MEMBERS, ([], []))
    assert_ok(chain.run(chain.withdrawal(old.held[0], signer(7).account)))


def test_pv167_what_was_not_agreed_to_take_is_not_looked_at(two) -> None:
    two.name()
    two.masks()
    assert_ok(two.chain.run(two.session(two.old)))
    assert all(jobs for _, jobs in two.look(two.new).values())
    two.new.takes = [b"\x01" * 32]
    two.new.restart()
    assert two.look(two.new) == dict.fromkeys(MEMBERS, ([], []))


def test_pv165_a_member_hands_over_to_whom_it_named_itself(two) -> None:
    two.name(1, 2, 3)
    assert two.look(two.old, 4) == {4: ([], [])}
    two.open()
    assert two.look(two.old, 4) == {4: ([], [])}
    assert two.say(two.old, 1, 2, 3) == ["ok"] * 3


def test_pv164_cells_on_their_way_to_another_committee_stay_under_their_keys(two) -> None:
    two.old.ceremony()
    two.new.ceremony()
    assert not two.old.is_idle()
    two.name()
    two.open()
    assert two.old.is_idle()
    two.past(Step.HANDED)
    assert not two.old.is_idle()


def test_pv166_wrong_masks_of_a_dealer_are_complained_of_by_either_side(two) -> None:
    two.name()
    two.open()
    bad = [two.wrong(2, Side.OLD, 3)]
    assert_ok(two.chain.run(*(two.message(Step.MASKS, d.to_bytes()) for d in bad)))
    assert two.say(two.old, 1, 3, 4)[:1] == ["ok"]
    assert two.known.going.guilty == (2,)
    assert all(not said for said, _ in two.look(two.old, 1, 3, 4).values())
    two.past(Step.OLD_COMPLAINT)
    assert_ok(two.chain.run(two.session(two.old)))
    assert_ok(two.chain.run(two.session(two.new)))
    assert two.old.listed() == []


def test_pv168_a_node_that_lies_about_masks_draws_no_complaint(two) -> None:
    """Under another's E, garbage: a complaint would show e·E."""
    two.name()
    two.open()
    right = two.dealing(1)
    assert_ok(two.chain.run(two.message(Step.MASKS, right.to_bytes())))
    old, new = right.sealed
    garbage = dataclasses.replace(old, parts=tuple(bytes(len(part)) for part in old.parts))
    bare = dataclasses.replace(right, sealed=(garbage, new), signature=b"")
    signed = signer(1).sign(bare.digest(two.transfer))
    key, view = succession.said_key(two.old.committee, 1), two.old.view()
    honest = view._chain.get
    for forged in (
        dataclasses.replace(right, sealed=(garbage, new)),
        dataclasses.replace(bare, signature=signed),
        two.dealing(2),
    ):
        view._chain.get = lambda at, height, f=forged: (
            f.to_bytes() if at == key else honest(at, height)
        )
        with pytest.raises(MemberRefused) as caught:
            two.old.handing[3].look(view)
        assert caught.value.rule == "PV-168"
    assert two.look(two.old, 3)[3][0][0].step is Step.MASKS  # of its own, and no complaint


def lying(keepers: Keepers, key: bytes, value: bytes) -> View:
    """What a member sees whose node lies about one entry."""
    view = keepers.view()
    honest = view._chain.get
    view._chain.get = lambda at, height: value if at == key else honest(at, height)
    return view


def test_pv168_a_node_that_lies_about_keys_draws_nothing(two) -> None:
    """Masks under the node's own keys would leave the member's share of r alone."""
    two.name()
    two.open()
    for of in (two.old, two.new):
        entry = committees.epoch_of(two.chain.state, of.committee, 0)
        record, key = entry.record, committees.epoch_key(of.committee, 0)
        others = dataclasses.replace(of.declaration, purpose=b"\x09" * 32)
        context = dataclasses.replace(record.context, declaration=others)
        keys = {**record.keys, 2: group.base_g1([5])[0]}
        for changes in ({"keys": keys}, {"context": context}):
            forged = dataclasses.replace(entry, record=dataclasses.replace(record, **changes))
            for keepers in (two.old, two.new):
                with pytest.raises(MemberRefused) as caught:
                    keepers.handing[3].look(lying(keepers, key, forged.to_bytes()))
                assert caught.value.rule == "PV-168"


def test_pv166_of_one_transfer_nothing_is_opened_under_other_masks(two) -> None:
    """A node that takes dealers away, one by one, would have the share of r from the sums."""
    two.name()
    two.masks()
    place = succession.succession_key(two.old.committee)
    for keepers in (two.old, two.new):
        _, (job,) = two.look(keepers, 3)[3]
        going = dataclasses.replace(two.known.going, guilty=(4,))
        fewer = dataclasses.replace(two.known, going=going)
        _, (other,) = keepers.handing[3].look(lying(keepers, place, fewer.to_bytes()))
        assert (other.session, other.decision[0]) == (job.session, job.decision[0])
        assert other.decision[1] != job.decision[1]
        if keepers is two.old:
            assert_ok(two.chain.run(two.session(keepers)))


def test_pv165_a_node_gives_no_word_that_the_member_did_not_sign(two) -> None:
    two.name(1, 2, 3)
    two.open()
    known, key = two.known, succession.succession_key(two.old.committee)
    forged = dataclasses.replace(
        known,
        words=(*known.words[:3], known.words[0]),
        signatures=(*known.signatures[:3], known.signatures[0]),
    )
    few = dataclasses.replace(known, words=known.words[:3], signatures=known.signatures[:3])
    for said in (forged, few):
        with pytest.raises(MemberRefused) as caught:
            two.old.handing[4].look(lying(two.old, key, said.to_bytes()))
        assert caught.value.rule == "PV-165"


def test_pv167_the_new_committee_complains_too(two) -> None:
    two.name()
    two.open()
    dealing = two.message(Step.MASKS, two.wrong(1, Side.NEW, 4).to_bytes())
    assert_ok(two.chain.run(dealing))
    assert two.say(two.new) == ["ok"]
    assert two.known.going.guilty == (1,)
    assert all(not said for said, _ in two.look(two.new).values())


def test_pv223_a_successor_is_whom_a_quorum_of_members_names(two) -> None:
    chain, here = two.chain, two.old.committee
    foreign = dataclasses.replace(two.word(1), member=2)
    unsigned = dataclasses.replace(two.word(1), signature=bytes(64))
    beyond = dataclasses.replace(two.word(1), member=9)
    assert chain.codes(foreign, unsigned, beyond) == ["PV-223"] * 3
    assert chain.codes(two.word(1, b"\x01" * 32), two.word(1, made=0)) == ["PV-104", "PV-223"]
    assert chain.codes(two.word(1), two.word(1), two.word(2)) == ["ok", "PV-223", "ok"]
    assert two.known.named(here, 3) is None
    assert chain.codes(two.word(4, here), two.word(3)) == ["ok", "ok"]
    assert two.known.named(here, 3) == two.new.committee
    two.old.ceremony()
    assert chain.codes(two.word(1, here)) == ["ok"]
    assert two.known.named(here, 3) is None
    alike = Succession(((here, 1),) * 4)
    assert alike.named(here, 3) is None


def test_ex44_words_and_transfers_take_their_committees_places(two) -> None:
    here = two.old.committee
    for tx in (two.word(1), opening(here, 0, 0)):
        assert places.whose(tx, two.chain.state) == here


def test_pv224_a_transfer_is_of_a_committee_that_named_and_of_one_that_has_keys(two) -> None:
    chain, here = two.chain, two.old.committee
    assert chain.codes(opening(here, 0, 0)) == ["PV-224"]
    two.name()
    assert chain.codes(opening(here, 1, 0), opening(here, 0, 7)) == ["PV-224", "PV-106"]
    assert chain.codes(opening(b"\x01" * 32, 0, 0)) == ["PV-104"]
    assert chain.codes(opening(here, 0, 0), opening(here, 0, 0)) == ["ok", "PV-224"]
    assert [cell.id for cell in two.known.going.cells] == [c for _, c in two.old.listed()]
    last = two.known.going.last(Step.HANDED, two.step)
    assert last == two.known.going.opened + LAST_STEP * two.step
    chain.to(last + two.step - 1)
    assert chain.codes(opening(here, 1, 0)) == ["PV-224"]
    assert chain.codes(opening(here, 1, 0)) == ["ok"]
    assert (two.known.failed, two.known.retry) == (1, 1)
    assert two.known.opens(two.step) == two.known.going.opened + (LAST_STEP + 2) * two.step
    often = dataclasses.replace(two.known, failed=40)
    assert often.opens(two.step) == two.known.going.opened + (LAST_STEP + 32) * two.step


def test_pv224_keys_of_the_successor_serve_long_enough(two) -> None:
    two.name()
    until = committees.epoch_of(two.chain.state, two.new.committee, 0).until
    two.chain.to(until - LAST_STEP * two.step)
    assert two.chain.codes(opening(two.old.committee, 0, 0)) == ["PV-224"]


def test_pv224_without_cells_or_with_frozen_keys_there_is_none(tmp_path) -> None:
    two = Two(tmp_path)
    two.name()
    assert two.chain.codes(opening(two.old.committee, 0, 0)) == ["PV-224"]
    until = committees.epoch_of(two.chain.state, two.old.committee, 0).until
    two.chain.to(until + freezing.GRACE_STEPS * two.step)
    assert_ok(two.chain.run(FreezeTx(two.old.committee, 0)))
    two.chain.run()
    assert two.chain.codes(opening(two.old.committee, 0, 0)) == ["PV-49"]


def test_pv225_masks_are_of_old_members_once_of_this_transfer_and_in_time(two) -> None:
    chain = two.chain
    two.name()
    none = TransferTx(two.old.committee, 0, Step.MASKS, b"")
    with pytest.raises(PrivateOutdated) as caught:
        succession.check_place(none, chain.state, chain.height + 1, chain.parameters)
    assert caught.value.rule == "PV-225"
    two.open()
    right = two.message(Step.MASKS, two.dealing(1).to_bytes())
    other = dataclasses.replace(two.transfer, retry=5)
    foreign = reshare.deal(other, 2, signer(2), b"\x01" * 32)
    assert chain.codes(
        two.message(Step.MASKS, right.message, retry=1),
        two.message(Step.MASKS, foreign.to_bytes()),
        right,
        right,
    ) == ["PV-225", "PV-47", "ok", "PV-225"]
    assert two.known.going.dealt == (1,)
    late = two.message(Step.MASKS, two.dealing(3).to_bytes())
    two.past(Step.MASKS)
    assert chain.codes(late) == ["PV-225"]


def test_pv226_a_complaint_is_about_a_dealing_of_this_transfer_once(two) -> None:
    chain = two.chain
    two.name()
    two.open()
    first, second = two.dealing(1), two.dealing(2)
    assert_ok(chain.run(two.message(Step.MASKS, first.to_bytes())))
    secrets = two.old.keys[3].of_epoch(two.old.view(), 0)

    def complaint(dealing: MaskDealing, side: Side = Side.OLD) -> bytes:
        accused = reshare.accuse(dealing, two.transfer, side, secrets, signer(3), b"\x05" * 32)
        return accused.to_bytes()

    said = two.message(Step.OLD_COMPLAINT, complaint(first))
    foreign = two.message(Step.OLD_COMPLAINT, complaint(second))
    other_side = two.message(Step.NEW_COMPLAINT, said.message)
    (receipt,) = chain.run(said)
    assert receipt.ok and dict(receipt.events[0].data)["verdict"] == "false_accuser"
    assert chain.codes(said, foreign, other_side) == ["PV-226"] * 3
    assert (two.known.going.guilty, len(two.known.going.heard)) == ((), 1)


def test_pv227_cells_are_handed_once_by_a_quorum_under_enough_masks(two) -> None:
    chain = two.chain
    two.name()
    two.open()
    assert two.say(two.old, 1) == ["ok"]
    early = two.message(Step.HANDED, b"")
    with pytest.raises(PrivateOutdated) as caught:
        succession.check_place(early, chain.state, chain.height + 1, chain.parameters)
    assert caught.value.rule == "PV-225"
    two.past(Step.OLD_COMPLAINT)
    chain.run()
    assert two.look(two.old, 1)[1] == ([], [])  # one dealer is too few
    chain.to(two.known.opens(two.step))
    assert two.say(two.old) == ["ok"]
    assert two.say(two.old) == ["ok"] * 4
    two.past(Step.OLD_COMPLAINT)
    handed = two.session(two.old)
    left = Left.from_bytes(handed.message)
    few = dataclasses.replace(left.will, signatures=left.will.signatures[:2])
    weak = dataclasses.replace(left, will=few)
    short = dataclasses.replace(left.handed, masked=left.handed.masked[:1])
    assert chain.codes(
        dataclasses.replace(handed, message=weak.to_bytes()),
        dataclasses.replace(handed, message=dataclasses.replace(left, handed=short).to_bytes()),
        handed,
        handed,
    ) == ["PV-43", "PV-48", "ok", "PV-227"]


def test_pv227_too_few_right_masks_hand_nothing(two) -> None:
    two.name()
    two.masks()
    handed = two.session(two.old)
    chain, going = two.chain, two.known.going
    assert len(going.dealt) == 4
    three = dataclasses.replace(two.known, going=dataclasses.replace(going, guilty=(1, 2, 3)))
    key = succession.succession_key(two.old.committee)
    with pytest.raises(Exception, match="1 members dealt masks rightly") as caught:
        succession._hand(handed, three, three.going, chain.state)
    assert caught.value.rule == "PV-48" and key.startswith(b"p/t/")


def test_pv228_what_was_said_goes_with_the_transfer(two) -> None:
    chain, here = two.chain, two.old.committee
    two.name()
    two.masks()
    assert_ok(chain.run(two.session(two.old)))
    handover = two.session(two.new)
    assert list(succession.coming(chain.state, two.new.committee)) == [here]
    assert chain.state.get(succession.said_key(here, 0)) is not None
    gone = cell_id(two.old.held[0].input.id, 0)
    assert_ok(chain.run(chain.withdrawal(two.old.held[0], signer(7).account)))
    assert chain.codes(handover) == ["ok"]  # who left undid nothing
    assert chain.state.get(b"p/x/" + gone) is None
    assert list(succession.coming(chain.state, two.new.committee)) == []
    assert all(chain.state.get(succession.said_key(here, m)) is None for m in range(5))
    views = PrivateViews(chain.genesis, chain.ledger.store, {})
    told = views.succession(here)
    assert told.transfer is None and told.retry == 1 and len(told.words) == 4


def test_pv228_a_transfer_of_which_nothing_came_is_followed_by_another(two) -> None:
    chain, here = two.chain, two.old.committee
    two.name()
    two.masks()
    assert_ok(chain.run(two.session(two.old)))
    handover = two.session(two.new)
    views = PrivateViews(chain.genesis, chain.ledger.store, {})
    told = views.succession(here)
    assert told.transfer.handed and told.transfer.dealt == [1, 2, 3, 4]
    assert views.succession(two.new.committee).coming == ["0x" + here.hex()]
    chain.to(two.known.opens(two.step))
    assert two.say(two.old) == ["ok"]
    assert all(chain.state.get(succession.said_key(here, m)) is None for m in range(5))
    assert two.known.retry == 1
    assert list(succession.coming(chain.state, two.new.committee)) == [here]
    assert chain.codes(handover) == ["ok"]  # certified by both: what is known of it lands late, too
    assert two.known.going is not None and custody.read(handover.message)
