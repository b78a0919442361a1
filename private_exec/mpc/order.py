"""The greatest, and sorting: networks of comparisons that are the same for all values.

Records are arrays `[m, f, w, 4]`: m records of f fields, w independent instances side by side;
field 0 is the key. Which records meet is fixed, so nothing is told by the order of steps.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from private_exec.mpc import vectors
from private_exec.mpc.compare import less
from private_exec.mpc.machine import Machine
from private_exec.mpc.multiply import multiply, select
from private_exec.mpc.rounds import Rounds
from zk.field.arrays import LIMBS, U64Array


def greatest(machine: Machine, records: U64Array, bits: int) -> Rounds[U64Array]:
    """The record with the greatest key, `[f, w, 4]`; of equal ones the first.

    A tournament: ⌈log₂ m⌉ levels of a comparison and a selection.

    Args:
        machine: the member's.
        records: `[m, f, w, 4]`, keys below 2^bits, m at least 1.
        bits: length of the keys.
    """
    while len(records) > 1:
        pairs = len(records) // 2
        first, second = records[0 : 2 * pairs : 2], records[1 : 2 * pairs : 2]
        later = yield from less(machine, _keys(first), _keys(second), bits)
        best = yield from select(machine, later, _by_field(second), _by_field(first))
        winners = best.reshape(records.shape[1], pairs, -1, LIMBS).transpose(1, 0, 2, 3)
        records = np.concatenate([winners, records[2 * pairs :]])
    winner: U64Array = records[0]
    return winner


def argmax(machine: Machine, values: U64Array, bits: int) -> Rounds[tuple[U64Array, U64Array]]:
    """The greatest value and its place, `[w, 4]` each; of equal ones the first place.

    Args:
        machine: the member's.
        values: `[m, w, 4]`, below 2^bits.
        bits: length of the values.
    """
    places = np.zeros_like(values)
    places[:, :, 0] = np.arange(len(values), dtype=np.uint64)[:, None]
    best = yield from greatest(machine, np.stack([values, places], axis=1), bits)
    return best[0], best[1]


def sort(machine: Machine, records: U64Array, bits: int) -> Rounds[U64Array]:
    """Records by ascending key, in the shape that they have.

    Batcher's merge exchange (Knuth, 5.2.2 M): about ½·log₂²m levels of a comparison and an
    exchange. Records with equal keys come in no particular order: who needs one puts it into the
    key.

    Args:
        machine: the member's.
        records: `[m, f, w, 4]`, keys below 2^bits.
        bits: length of the keys.
    """
    records = records.copy()
    for layer in network(len(records)):
        low, high = [i for i, _ in layer], [j for _, j in layer]
        first, second = records[low], records[high]
        turned = yield from less(machine, _keys(second), _keys(first), bits)
        fields = records.shape[1]
        difference = vectors.sub(_flat_by_field(second), _flat_by_field(first))
        moved = yield from multiply(machine, np.tile(turned, (fields, 1)), difference)
        shape = (fields, len(layer), -1, LIMBS)
        up = vectors.add(_flat_by_field(first), moved).reshape(shape)
        down = vectors.sub(_flat_by_field(second), moved).reshape(shape)
        records[low], records[high] = up.transpose(1, 0, 2, 3), down.transpose(1, 0, 2, 3)
    return records


def network(count: int) -> Iterator[list[tuple[int, int]]]:
    """Layers of comparisons (i, j), i < j, that sort `count` records; disjoint within a layer."""
    if count < 2:
        return
    top = 1 << (count - 1).bit_length() - 1
    p = top
    while p:
        q, r, d = top, 0, p
        while True:
            layer = [(i, i + d) for i in range(count - d) if i & p == r]
            if layer:
                yield layer
            if q == p:
                break
            d, q, r = q - p, q >> 1, p
        p >>= 1


def _keys(records: U64Array) -> U64Array:
    return vectors.flat(records[:, 0])


def _by_field(records: U64Array) -> U64Array:
    """`[m, f, w, 4]` → `[f, m·w, 4]`, as one bit goes with all fields of a record."""
    return _flat_by_field(records).reshape(records.shape[1], -1, LIMBS)


def _flat_by_field(records: U64Array) -> U64Array:
    return vectors.flat(records.transpose(1, 0, 2, 3))
