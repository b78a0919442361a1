"""One forgery per way to break a clause: refused by that clause, and by no other.

Each case is a prover's best attempt: everything that follows from the lie is computed anew, so that
with the clause switched off the whole circuit accepts. That shows that the clause is what stops it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import pytest

from circuits import native
from circuits.action import Action, ActionPublic, ActionWitness, KindWitness
from circuits.example import TRANSFER, Recipe, example_action
from circuits.statement import check, evaluate, record
from zk.curve import babyjub
from zk.curve.babyjub import Point
from zk.errors import Unsatisfied
from zk.field.arrays import from_array
from zk.field.params import FR
from zk.field.prime import is_square
from zk.hash import domains
from zk.hash.poseidon import poseidon
from zk.r1cs.builder import Wire
from zk.r1cs.checker import Checker
from zk.r1cs.matrices import R1CS

R = FR.modulus
ACTION = Action(2)
SWAP = Recipe(consumed=((0, 70), (1, 5)), created=((0, 70), (1, 5)), logics=(11, 22))


@dataclass(frozen=True)
class Forgery:
    public: ActionPublic
    witness: ActionWitness
    tamper: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Attack:
    """A forgery and what must refuse it.

    `rows` are the rows that stand against it, the first of them first; `alone` says that the whole
    circuit accepts without just these rows, not only without the clause.
    """

    clause: str
    rows: tuple[str, ...]
    alone: bool
    make: Callable[[], Forgery]


ATTACKS: dict[str, Attack] = {}


def forgery(
    clause: str, *rows: str, alone: bool = True
) -> Callable[[Callable[[], Forgery]], Callable[[], Forgery]]:
    def register(make: Callable[[], Forgery]) -> Callable[[], Forgery]:
        name = f"{clause} {make.__name__.replace('_', ' ')}"
        ATTACKS[name] = Attack(clause, rows, alone, functools.cache(make))
        return make

    return register


@functools.cache
def shape() -> R1CS:
    return record(ACTION)


class WithoutRows(Checker):
    """The checker, deaf to the rows of some names."""

    def __init__(self, rows: tuple[str, ...], tamper: Mapping[str, int]) -> None:
        super().__init__(tamper=tamper)
        self.rows = rows

    def enforce(self, a: Wire, b: Wire | int, c: Wire | int, why: str) -> None:
        try:
            super().enforce(a, b, c, why)
        except Unsatisfied as refusal:
            if refusal.where not in self.rows:
                raise


def transfer() -> tuple[ActionPublic, ActionWitness]:
    return example_action(b"clauses", depth=2, recipe=TRANSFER)


def swap() -> tuple[ActionPublic, ActionWitness]:
    return example_action(b"clauses", depth=2, recipe=SWAP)


def computed(public: ActionPublic, witness: ActionWitness, *names: str) -> list[int]:
    """What the circuit itself makes of a false witness, by wire name."""
    wires = shape().wire_names
    values = from_array(evaluate(ACTION, public, witness))
    return [values[wires.index(name)] for name in names]


def publish_created(
    public: ActionPublic,
    witness: ActionWitness,
    *,
    nonces: Mapping[int, int] | None = None,
    kinds: Mapping[int, int] | None = None,
) -> ActionPublic:
    """The commitments of the created slots, with any nonce and any kind x."""

    def cm(slot: int) -> int:
        note = witness.created[slot]
        nonce = (nonces or {}).get(slot, native.created_nonce(slot, public.nullifiers))
        x = (kinds or {}).get(slot)
        if x is None:
            x = native.kind_x(witness.kinds[note.which])
        return native.commitment(x, note.quantity, note.data, note.owner, nonce, note.rcm)

    return replace(public, commitments=(cm(0), cm(1)))


def publish_delta(
    public: ActionPublic, witness: ActionWitness, nets: tuple[int, int], points: tuple[Point, Point]
) -> ActionPublic:
    total = babyjub.multiply(witness.rcv, babyjub.RCV_BASE)
    for net, point in zip(nets, points, strict=True):
        total = babyjub.add(total, babyjub.multiply(net, point))
    return replace(public, delta=total)


def plant(
    public: ActionPublic, witness: ActionWitness, slot: int, cm: int
) -> tuple[ActionPublic, ActionWitness]:
    """Put a commitment into the tree and point the slot's path to it."""
    path = native.lone_path(cm, 2)
    top = (*witness.top[: 6 + slot], native.tree_node(path[0]), *witness.top[7 + slot :])
    consumed = tuple(
        replace(n, path=path) if i == slot else n for i, n in enumerate(witness.consumed)
    )
    return (
        replace(public, anchor=native.tree_node(top)),
        replace(witness, consumed=consumed, top=top),
    )


# A1


@forgery("A1", "anchor")
def anchor_of_another_tree() -> Forgery:
    """The note lies in a tree of the prover's own; the public anchor is the ledger's."""
    public, witness = transfer()
    return Forgery(replace(public, anchor=native.tree_node(range(8))), witness)


@forgery("A1", "consumed_0: in the tree")
def note_that_was_never_created() -> Forgery:
    public, witness = transfer()
    top = (*range(1, 9),)
    return Forgery(replace(public, anchor=native.tree_node(top)), replace(witness, top=top))


@forgery("A1", "consumed_0/level 0: is among the children")
def path_through_a_node_that_does_not_hold_the_note() -> Forgery:
    """The node is in the tree, the note is not below it."""
    public, witness = transfer()
    children = (*range(1, 9),)
    top = (*witness.top[:7], native.tree_node(children))
    first = replace(witness.consumed[0], path=(children,))
    return Forgery(
        replace(public, anchor=native.tree_node(top)),
        replace(witness, consumed=(first, witness.consumed[1]), top=top),
    )


@forgery("A1", "consumed_1/level 0: is among the children")
def dummy_path_outside_its_own_subtree() -> Forgery:
    """Harmless, but every level below the root's children is enforced for dummies too."""
    public, witness = transfer()
    dummy = replace(witness.consumed[1], path=((*range(1, 9),),))
    return Forgery(public, replace(witness, consumed=(witness.consumed[0], dummy)))


# A2


@forgery("A2", "consumed_0: nullifier")
def foreign_nullifier() -> Forgery:
    """S-1: spend once under the true nullifier and again under an invented one."""
    public, witness = transfer()
    public = replace(public, nullifiers=(public.nullifiers[0] ^ 1, public.nullifiers[1]))
    return Forgery(publish_created(public, witness), witness)


@forgery("A2", "consumed_1: nullifier")
def foreign_nullifier_of_a_dummy() -> Forgery:
    public, witness = transfer()
    public = replace(public, nullifiers=(public.nullifiers[0], 1))
    return Forgery(publish_created(public, witness), witness)


@forgery("A2", "consumed_0: owner")
def stolen_note() -> Forgery:
    """Everything about a victim's note is known but the keys; the thief signs with its own."""
    public, witness = transfer()
    note = witness.consumed[0]
    victim = native.owner_tag(native.master_key(babyjub.B8, 123), note.diversifier)
    x = native.kind_x(witness.kinds[note.which])
    cm = native.commitment(x, note.quantity, note.data, victim, note.nonce, note.rcm)
    public, witness = plant(public, witness, 0, cm)
    nf = native.nullifier(witness.nk, note.nonce, cm)
    public = replace(public, nullifiers=(nf, public.nullifiers[1]))
    return Forgery(publish_created(public, witness), witness, {"consumed_0/owner": victim})


# A3


def _false_opening(change: Mapping[str, int]) -> Forgery:
    """The ledger gets a commitment to another note than the one that balances."""
    public, witness = transfer()
    lie = replace(witness.created[0], **change)
    false = replace(witness, created=(lie, witness.created[1]))
    return Forgery(publish_created(public, false), witness)


@forgery("A3", "created_0: commitment")
def commitment_to_a_larger_quantity() -> Forgery:
    return _false_opening({"quantity": 1_000_000})


@forgery("A3", "created_0: commitment")
def commitment_to_the_other_kind() -> Forgery:
    return _false_opening({"which": 1})


@forgery("A3", "created_0: commitment")
def commitment_to_other_data() -> Forgery:
    return _false_opening({"data": 1})


@forgery("A3", "created_0: commitment")
def commitment_to_another_owner() -> Forgery:
    return _false_opening({"owner": 1})


# A4


def _wrapped(role: str, quantity: int, balance: tuple[int, int]) -> Forgery:
    """A quantity outside u64, balanced by the others modulo r. `balance`: consumed 1, created 1."""
    public, witness = example_action(b"wrap", depth=2, recipe=TRANSFER)
    amounts = {"consumed": [70, balance[0]], "created": [0, balance[1]]}
    amounts[role][0] = quantity
    witness = replace(
        witness,
        consumed=tuple(
            replace(n, quantity=q, which=0)
            for n, q in zip(witness.consumed, amounts["consumed"], strict=True)
        ),
        created=tuple(
            replace(n, quantity=q, which=0)
            for n, q in zip(witness.created, amounts["created"], strict=True)
        ),
    )
    for slot in (0, 1):
        cm = native.consumed_commitment(witness, slot)
        public, witness = plant(public, witness, slot, cm)
    nullifiers = tuple(
        native.nullifier(witness.nk, n.nonce, native.consumed_commitment(witness, i))
        for i, n in enumerate(witness.consumed)
    )
    public = publish_created(replace(public, nullifiers=nullifiers), witness)
    net = (sum(amounts["consumed"]) - sum(amounts["created"])) % R
    net = net if net < R // 2 else net - R
    assert abs(net) < 1 << 65
    points = tuple(native.kind_point(kind) for kind in witness.kinds)
    return Forgery(publish_delta(public, witness, (net, 0), points), witness)


@forgery("A4", "created_0/quantity: recomposes to a value below 2^64")
def created_minus_one() -> Forgery:
    """70 = (−1) + 71: one unit from nothing, for the note of −1 is thrown away."""
    return _wrapped("created", R - 1, (0, 71))


@forgery("A4", "created_0/quantity: recomposes to a value below 2^64")
def created_two_to_the_64() -> Forgery:
    return _wrapped("created", 1 << 64, (0, 0))


@forgery("A4", "consumed_0/quantity: recomposes to a value below 2^64")
def consumed_two_to_the_64() -> Forgery:
    return _wrapped("consumed", 1 << 64, (0, 5))


@forgery("A4", "consumed_0/quantity: recomposes to a value below 2^64")
def consumed_minus_one() -> Forgery:
    return _wrapped("consumed", R - 1, (2, 1))


# A5


def _with_kind(index: int, kind: KindWitness) -> tuple[ActionPublic, ActionWitness]:
    """The swap, its kind `index` replaced in every note, tree and commitment."""
    public, witness = swap()
    kinds = tuple(kind if i == index else k for i, k in enumerate(witness.kinds))
    return public, _replant(replace(witness, kinds=kinds))


def _replant(witness: ActionWitness) -> ActionWitness:
    public = native.public_of(witness)
    for slot in (0, 1):
        cm = native.consumed_commitment(witness, slot)
        public, witness = plant(public, witness, slot, cm)
    return witness


@forgery("A5", "kind_0: 2 + y is a square", "kind_0: 2 - y is five times a square")
def s2_the_other_sign() -> Forgery:
    """S-2: with ±K both admitted, q of (kind, +K) and q of (kind, −K) balance."""
    _, witness = swap()
    kind = witness.kinds[0]
    flipped = replace(witness, kinds=(replace(kind, y=R - kind.y), witness.kinds[1]))
    public = native.public_of(flipped)
    assert native.kind_point(flipped.kinds[0]) == babyjub.negate(native.kind_point(kind))
    return Forgery(public, flipped)


@forgery("A5", "kind_1: 2 + y is a square", "kind_1: 2 - y is five times a square")
def s2_the_other_sign_of_an_unused_kind() -> Forgery:
    _, witness = transfer()
    kind = witness.kinds[1]
    flipped = replace(witness, kinds=(witness.kinds[0], replace(kind, y=R - kind.y)))
    return Forgery(native.public_of(flipped), flipped)


def _ambiguous(square: bool) -> Forgery:
    """A kind for both of whose roots 2 + y is a square, or for neither."""
    ctr = 0
    while True:
        kind = KindWitness(11, 1, ctr, 0, 0)
        root = babyjub.y_from_x(native.kind_x(kind))
        if root is not None and is_square(2 + root, FR) == is_square(2 - root, FR) == square:
            break
        ctr += 1
    _, witness = _with_kind(0, replace(kind, y=root))
    return Forgery(native.public_of(witness), witness)


@forgery("A5", "kind_0: 2 - y is five times a square")
def s2_both_signs_satisfy_the_first_rule() -> Forgery:
    return _ambiguous(square=True)


@forgery("A5", "kind_0: 2 + y is a square")
def s2_both_signs_satisfy_the_second_rule() -> Forgery:
    return _ambiguous(square=False)


@forgery("A5", "kind_0: on the curve")
def kind_off_the_curve() -> Forgery:
    public, witness = swap()
    y = next(y for y in range(3, 1000) if native.is_canonical(y) and y != witness.kinds[0].y)
    witness = replace(witness, kinds=(replace(witness.kinds[0], y=y), witness.kinds[1]))
    x, y = computed(public, witness, "delta/x", "delta/y")
    return Forgery(replace(public, delta=(x, y)), witness)


@forgery("A5", "kind_0: x")
def s14_kind_whose_point_is_known() -> Forgery:
    """S-14: a kind with K = [c]R is free money, since rcv hides any amount of it."""
    _, witness = swap()
    eighth = pow(8, -1, babyjub.ORDER)
    c = 1
    while not native.is_canonical((point := babyjub.multiply(c * eighth, babyjub.RCV_BASE)).y):
        c += 1
    kinds = (replace(witness.kinds[0], y=point.y), witness.kinds[1])
    witness = replace(witness, kinds=kinds, created=(witness.created[0], witness.created[1]))
    # Consume a dummy of it, create 70.
    recipe = Recipe(consumed=((0, 0), (1, 5)), created=((0, 70), (1, 5)), logics=(11, 22))
    public, made = example_action(b"clauses", depth=2, recipe=recipe)
    witness = replace(made, kinds=kinds)
    dummy = witness.consumed[0]
    owner = native.owner_tag(native.master_key(witness.ak, witness.nk), dummy.diversifier)
    cm = native.commitment(point.x, 0, dummy.data, owner, dummy.nonce, dummy.rcm)
    public, witness = plant(public, witness, 0, cm)
    nf = native.nullifier(witness.nk, dummy.nonce, cm)
    public = replace(public, nullifiers=(nf, public.nullifiers[1]))
    public = publish_created(public, witness, kinds={0: point.x})
    big = babyjub.multiply(c, babyjub.RCV_BASE)
    public = publish_delta(public, witness, (-70, 0), (big, native.kind_point(kinds[1])))
    return Forgery(public, witness, {"kind_0/x": point.x})


@forgery("A5", "created_0: which is a bit")
def choice_that_is_no_bit() -> Forgery:
    """which = 2 counts q twice as the second kind and minus once as the first."""
    recipe = Recipe(consumed=((1, 20), (0, 0)), created=((0, 10), (0, 10)))
    public, witness = example_action(b"which", depth=2, recipe=recipe)
    first, second = (native.kind_x(k) for k in witness.kinds)
    witness = replace(witness, created=(replace(witness.created[0], which=2), witness.created[1]))
    public = publish_created(public, witness, kinds={0: (2 * second - first) % R})
    points = tuple(native.kind_point(k) for k in witness.kinds)
    # Twenty of the second kind, twice ten: balanced; ten of the first, from nothing, likewise.
    return Forgery(publish_delta(public, witness, (10 - 10, 20 - 20), points), witness)


@forgery("A5", "kind_0: ephemeral is a bit")
def ephemeral_flag_that_is_no_bit() -> Forgery:
    """A third tag: a kind that is neither persistent nor ephemeral."""
    _, witness = swap()
    tag = (2 * domains.EPHEMERAL_KIND - domains.KIND) % R
    ctr = 0
    while True:
        x = poseidon(tag, (11, 5, ctr))
        root = babyjub.y_from_x(x)
        ys = [y for y in (() if root is None else (root, R - root)) if native.is_canonical(y)]
        if ys:
            break
        ctr += 1
    recipe = Recipe(consumed=((1, 0), (1, 5)), created=((1, 0), (1, 5)), logics=(11, 22))
    public, witness = example_action(b"flag", depth=2, recipe=recipe)
    third = KindWitness(11, 5, ctr, 2, ys[0])
    witness = replace(witness, kinds=(third, witness.kinds[1]))
    points = (babyjub.multiply(8, Point(x, ys[0])), native.kind_point(witness.kinds[1]))
    return Forgery(publish_delta(public, witness, (0, 0), points), witness)


@forgery("A5", "kind_0: an ephemeral kind has a logic")
def ephemeral_kind_without_logic() -> Forgery:
    """Nothing approves its creation or consumption, and it needs no membership: minting."""
    ctr = 0
    while True:
        x = poseidon(domains.EPHEMERAL_KIND, (0, 5, ctr))
        root = babyjub.y_from_x(x)
        ys = [y for y in (() if root is None else (root, R - root)) if native.is_canonical(y)]
        if ys:
            break
        ctr += 1
    _, witness = _with_kind(0, KindWitness(0, 5, ctr, 1, ys[0]))
    return Forgery(native.public_of(witness), witness)


@forgery("A5", "consumed_1: public logic")
def s16_logic_of_an_empty_slot() -> Forgery:
    """S-16: a dummy would stand as evidence that the logic was asked."""
    recipe = replace(TRANSFER, logics=(11, 22))
    public, witness = example_action(b"s16", depth=2, recipe=recipe)
    assert public.consumed_logic == (11, 0)
    return Forgery(replace(public, consumed_logic=(11, 11)), witness)


@forgery("A5", "consumed_0: public logic")
def consumption_without_its_logic() -> Forgery:
    public, witness = swap()
    return Forgery(replace(public, consumed_logic=(0, 22)), witness)


@forgery("A5", "created_1: public logic")
def creation_without_its_logic() -> Forgery:
    public, witness = swap()
    return Forgery(replace(public, created_logic=(11, 0)), witness)


@forgery("A5", "created_0: public logic")
def logic_of_the_other_kind() -> Forgery:
    public, witness = swap()
    return Forgery(replace(public, created_logic=(22, 22)), witness)


# A6


@forgery("A6", "created_0: nonce")
def s3_faerie_gold() -> Forgery:
    """S-3: two notes with one nonce have one nullifier; the receiver can spend only one."""
    public, witness = transfer()
    repeated = 12345
    public = publish_created(public, witness, nonces={0: repeated})
    return Forgery(public, witness, {"created_0/nonce": repeated})


@forgery("A6", "created_1: nonce")
def nonce_of_the_other_slot() -> Forgery:
    public, witness = transfer()
    other = native.created_nonce(0, public.nullifiers)
    public = publish_created(public, witness, nonces={1: other})
    return Forgery(public, witness, {"created_1/nonce": other})


# A7


@forgery("A7", "x of rk", "y of rk")
def key_of_someone_else() -> Forgery:
    """rk is the signer's own, ak the owner's: anyone who knows nk could spend."""
    public, witness = transfer()
    return Forgery(replace(public, rk=babyjub.multiply(77, babyjub.B8)), witness)


@forgery("A7", "on the curve")
def ak_off_the_curve() -> Forgery:
    public, witness = transfer()
    witness = replace(witness, ak=(witness.ak[0], 5))
    assert not babyjub.is_on_curve(Point(*witness.ak))
    public = native.public_of(witness)
    for slot in (0, 1):
        cm = native.consumed_commitment(witness, slot)
        public, witness = plant(public, witness, slot, cm)
    x, y = computed(public, witness, "rk/x", "rk/y")
    return Forgery(replace(public, rk=(x, y)), witness)


@forgery("A7", "alpha/window 0: b0 is a bit", alone=False)
def digit_of_alpha_that_is_no_bit() -> Forgery:
    """rk is then ak plus whatever the prover likes; refused at the digit's first constraint."""
    public, witness = transfer()
    return Forgery(public, witness, {"alpha/window 0/b0": 2})


@forgery("A7", "alpha/window 3: v is ± the table's", alone=False)
def table_entry_of_alpha_replaced() -> Forgery:
    public, witness = transfer()
    return Forgery(public, witness, {"alpha/window 3/v of T": 4})


# A8


@forgery("A8", "x of delta", "y of delta")
def balance_of_another_amount() -> Forgery:
    public, witness = transfer()
    points = tuple(native.kind_point(k) for k in witness.kinds)
    return Forgery(publish_delta(public, witness, (1_000, 0), points), witness)


@forgery("A8", "x of delta", "y of delta")
def balance_with_kinds_exchanged() -> Forgery:
    recipe = Recipe(consumed=((0, 70), (1, 5)), created=((0, 60), (1, 5)))
    public, witness = example_action(b"exchange", depth=2, recipe=recipe)
    first, second = (native.kind_point(k) for k in witness.kinds)
    return Forgery(publish_delta(public, witness, (10, 0), (second, first)), witness)


@forgery("A8", "x of delta", alone=False)
def balance_with_the_sign_reversed() -> Forgery:
    recipe = Recipe(consumed=((0, 70), (1, 5)), created=((0, 60), (1, 5)))
    public, witness = example_action(b"reverse", depth=2, recipe=recipe)
    points = tuple(native.kind_point(k) for k in witness.kinds)
    return Forgery(publish_delta(public, witness, (-10, 0), points), witness)


@forgery("A8", "moved: recomposes to a value below 2^66", alone=False)
def digit_of_net_that_is_no_bit() -> Forgery:
    public, witness = transfer()
    return Forgery(public, witness, {"moved/net 0": 2})


@forgery("A8", "rcv/window 83: b1 is a bit", alone=False)
def digit_of_rcv_that_is_no_bit() -> Forgery:
    public, witness = transfer()
    return Forgery(public, witness, {"rcv/window 83/b1": 3})


@forgery("A8", "moved/table/H0 - H1: u", "moved/table/H0 - H1: inverse of x")
def s17_equal_kinds() -> Forgery:
    """The joint table has the identity then, which no row may leave to the prover."""
    _, witness = swap()
    public, same = _with_kind(1, witness.kinds[0])
    public = native.public_of(same)
    x, y = computed(public, same, "delta/x", "delta/y")
    return Forgery(replace(public, delta=(x, y)), same)


@pytest.mark.parametrize("name", ATTACKS)
def test_forgery_is_refused_by_its_clause(name: str) -> None:
    attack = ATTACKS[name]
    case = attack.make()
    with pytest.raises(Unsatisfied) as refusal:
        check(ACTION, case.public, case.witness, tamper=case.tamper)
    assert refusal.value.clause == attack.clause
    assert refusal.value.where == attack.rows[0]


@pytest.mark.parametrize("name", ATTACKS)
def test_forgery_passes_every_other_clause(name: str) -> None:
    """The clause has teeth: without it nothing else stops this forgery."""
    attack = ATTACKS[name]
    case = attack.make()
    check(ACTION, case.public, case.witness, tamper=case.tamper, without={attack.clause})


@pytest.mark.parametrize("name", [name for name, attack in ATTACKS.items() if attack.alone])
def test_forgery_passes_every_other_row(name: str) -> None:
    """Sharper than the clause: these very rows are what stops it."""
    attack = ATTACKS[name]
    case = attack.make()
    ACTION.constrain(WithoutRows(attack.rows, case.tamper), case.public, case.witness)


def test_every_clause_has_a_forgery() -> None:
    assert {attack.clause for attack in ATTACKS.values()} == {f"A{i}" for i in range(1, 9)}


@pytest.mark.parametrize("name", ATTACKS)
def test_the_recorded_system_refuses_what_the_checker_refuses(name: str) -> None:
    """The matrices that keys are made from carry the same clauses as the checker."""
    attack = ATTACKS[name]
    case = attack.make()
    prover = Checker(tamper=case.tamper, without={f"A{i}" for i in range(1, 9)})
    ACTION.constrain(prover, case.public, case.witness)
    with pytest.raises(Unsatisfied) as refusal:
        shape().check(prover.assignment())
    assert (refusal.value.clause, refusal.value.where) == (attack.clause, attack.rows[0])


def test_the_twin_names_the_same_clause() -> None:
    for name, attack in ATTACKS.items():
        case = attack.make()
        if case.tamper or attack.clause == "A4":
            continue  # the twin derives what is tampered with, and counts without wrapping
        assert attack.clause in native.violations(case.public, case.witness), name
