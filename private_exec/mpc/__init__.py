"""Computing on shared secrets: what the members of a committee do, without I/O (SPEC.md).

    vectors, roots, shamir     values modulo r, many at once; how they are shared
    decode                     shares, some of them wrong, to values; liars are named
    labels, prf, prss          typed ids, and the shares that common keys give without a message
    spec                       the formulas once more, plainly: the twin of the fast code
    testing                    keys of a whole committee

A step works on vectors: `uint64[m, 4]`, standard form.
"""
