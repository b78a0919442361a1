"""Valid actions made from a seed: for benchmarks, profiles, documentation and tests.

Nothing here is secret and nothing here is random: the same seed gives the same action.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Final

from circuits import native
from circuits.records import (
    ARITY,
    DEPTH,
    ActionPublic,
    ActionWitness,
    Children,
    ConsumedWitness,
    CreatedWitness,
    KindWitness,
    Pair,
)
from zk.curve import babyjub
from zk.field.params import FR

Slot = tuple[int, int]
"""(which kind, quantity) of one resource."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What an example action moves. The default exchanges nothing and balances.

    Attributes:
        consumed: the two slots consumed; quantity 0 makes a dummy.
        created: the two slots created.
        logics: of the two kinds.
        ephemeral: of the two kinds; needs a logic.
        same_bucket: both consumed resources among the same eight leaves.
        alpha: fixed randomiser; from the seed when None.
        rcv: fixed blinding; from the seed when None.
    """

    consumed: tuple[Slot, Slot] = ((0, 70), (1, 5))
    created: tuple[Slot, Slot] = ((0, 70), (1, 5))
    logics: Pair = (0, 0)
    ephemeral: tuple[bool, bool] = (False, False)
    same_bucket: bool = False
    alpha: int | None = None
    rcv: int | None = None


TRANSFER: Final = Recipe(consumed=((0, 70), (0, 0)), created=((0, 42), (0, 28)))
"""A payment of 42 with 28 of change; the second consumed slot is a dummy."""


def example_action(
    seed: bytes, *, depth: int = DEPTH, recipe: Recipe = TRANSFER
) -> tuple[ActionPublic, ActionWitness]:
    """A true statement: the public inputs and their witness.

    Args:
        seed: any bytes; every value not in the recipe derives from them.
        depth: levels of the note tree below its root, at least 2.
        recipe: what moves.
    """
    draw = Draws(seed)
    kinds = _kinds(draw, recipe)
    ak = babyjub.multiply(draw.below("ask", babyjub.ORDER), babyjub.B8)
    blank: Children = (0,) * 8
    witness = ActionWitness(
        ak=ak,
        nk=draw.field("nk"),
        kinds=kinds,
        consumed=(_consumed(draw, recipe, 0), _consumed(draw, recipe, 1)),
        created=(_created(draw, recipe, 0), _created(draw, recipe, 1)),
        top=blank,
        alpha=draw.below("alpha", babyjub.ORDER) if recipe.alpha is None else recipe.alpha,
        rcv=draw.below("rcv", babyjub.ORDER) if recipe.rcv is None else recipe.rcv,
    )
    witness = _plant(draw, witness, depth, recipe)
    return native.public_of(witness), witness


class Draws:
    """Named values derived from a seed."""

    def __init__(self, seed: bytes) -> None:
        self._seed = seed

    def field(self, name: str) -> int:
        return self.below(name, FR.modulus)

    def below(self, name: str, bound: int) -> int:
        key = hashlib.blake2b(self._seed).digest()
        wide = hashlib.blake2b(name.encode(), key=key).digest()
        return int.from_bytes(wide, "little") % bound

    def children(self, name: str) -> Children:
        a, b, c, d, e, f, g, h = (self.field(f"{name}/{i}") for i in range(ARITY))
        return a, b, c, d, e, f, g, h


def _kinds(draw: Draws, recipe: Recipe) -> tuple[KindWitness, KindWitness]:
    first, second = (
        native.find_kind(recipe.logics[i], draw.field(f"label/{i}"), ephemeral=recipe.ephemeral[i])
        for i in (0, 1)
    )
    return first, second


def _consumed(draw: Draws, recipe: Recipe, slot: int) -> ConsumedWitness:
    which, quantity = recipe.consumed[slot]
    return ConsumedWitness(
        which=which,
        quantity=quantity,
        data=draw.field(f"consumed/{slot}/data"),
        nonce=draw.field(f"consumed/{slot}/nonce"),
        rcm=draw.field(f"consumed/{slot}/rcm"),
        diversifier=draw.below(f"consumed/{slot}/diversifier", 1 << 128),
        path=(),
    )


def _created(draw: Draws, recipe: Recipe, slot: int) -> CreatedWitness:
    which, quantity = recipe.created[slot]
    return CreatedWitness(
        which=which,
        quantity=quantity,
        data=draw.field(f"created/{slot}/data"),
        owner=draw.field(f"created/{slot}/owner"),
        rcm=draw.field(f"created/{slot}/rcm"),
    )


def _plant(draw: Draws, witness: ActionWitness, depth: int, recipe: Recipe) -> ActionWitness:
    """Grow a tree around the consumed commitments: everything else in it is arbitrary."""
    commitments = [native.consumed_commitment(witness, slot) for slot in (0, 1)]
    top = draw.children("top")
    paths: list[tuple[Children, ...]] = []
    for slot, note in enumerate(witness.consumed):
        live = note.quantity != 0 and not witness.kinds[note.which].ephemeral
        if not live:
            paths.append(native.lone_path(commitments[slot], depth))
            continue
        bucket = 0 if recipe.same_bucket else slot
        node, path = commitments[slot], []
        for level in range(depth - 1):
            children = draw.children(f"path/{bucket}/{level}")
            if level == 0 and recipe.same_bucket:
                children = _place(children, 1 - slot, commitments[1 - slot])
            children = _place(children, (bucket + level) % ARITY if level else slot, node)
            path.append(children)
            node = native.tree_node(children)
        paths.append(tuple(path))
        top = _place(top, 3 + bucket, node)
    first, second = witness.consumed
    return replace(
        witness,
        consumed=(replace(first, path=paths[0]), replace(second, path=paths[1])),
        top=top,
    )


def _place(children: Children, index: int, node: int) -> Children:
    listed = list(children)
    listed[index] = node
    a, b, c, d, e, f, g, h = listed
    return a, b, c, d, e, f, g, h
