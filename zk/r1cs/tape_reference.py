"""A tape run in plain integers: the meaning of its operations, and the oracle of the kernel."""

from __future__ import annotations

from typing import Any, Final

import gmpy2

from zk.field.arrays import U64Array, from_array, to_array
from zk.field.params import FR
from zk.r1cs.advice import LESS, QUOTIENT, SQUARE_ROOT, Digits
from zk.r1cs.tape import COEFFICIENT_BITS, Op, Tape, unpack_digits

_R: Final = gmpy2.mpz(FR.modulus)


def interpret(tape: Tape, inputs: U64Array) -> U64Array:
    """The assignment: `uint64[wires, 4]`, standard form.

    Args:
        tape: the program.
        inputs: `uint64[inputs, 4]`, standard form, below r.

    Raises:
        CircuitError: a function gave another number of values than it should.
    """
    slots: list[Any] = [gmpy2.mpz(0)] * tape.slots
    slots[0] = gmpy2.mpz(1)
    for slot, value in zip(tape.inputs.tolist(), from_array(inputs), strict=True):
        slots[slot] = gmpy2.mpz(value)
    unscale = gmpy2.invert(1 << COEFFICIENT_BITS, _R)
    coefficients = [c * unscale % _R for c in from_array(tape.coefficients)]
    terms = tape.terms.tolist()
    for code, out, a, b in tape.operations.tolist():
        if code == Op.MUL:
            slots[out] = slots[a] * slots[b] % _R
        elif code == Op.ADD:
            slots[out] = (slots[a] + slots[b]) % _R
        elif code == Op.SUB:
            slots[out] = (slots[a] - slots[b]) % _R
        elif code == Op.DOT:
            slots[out] = sum(coefficients[c] * slots[s] for s, c in terms[a:b]) % _R
        else:
            results = _other(tape, code, slots, a, b)
            slots[out : out + len(results)] = [gmpy2.mpz(v) for v in results]
    return to_array(slots[: tape.wires])


def _other(tape: Tape, code: int, slots: list[Any], a: int, b: int) -> list[int]:
    """Operations that are the functions of `zk.r1cs.advice`."""
    if code == Op.CALL:
        call = tape.calls[a]
        return call.run([int(slots[slot]) for slot in call.arguments])
    if code == Op.QUOTIENT:
        return [QUOTIENT(int(slots[a]), int(slots[b]))]
    if code == Op.ROOT:
        return [SQUARE_ROOT(int(slots[a]))]
    if code == Op.LESS:
        return [LESS(int(slots[a]), int(slots[b]))]
    return list(Digits(*unpack_digits(b))(int(slots[a])))
