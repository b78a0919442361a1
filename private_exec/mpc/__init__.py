"""Computing on shared secrets: what the members of a committee do, without I/O (SPEC.md).

    vectors, roots, shamir     values modulo r, many at once; how they are shared
    decode                     shares, some of them wrong, to values; liars are named
    labels, prf, prss          typed ids, and the shares that common keys give without a message
    message, rounds, party     signed messages, protocols as generators, one member that runs them
    context                    what a member has: session, keys, journal; what it counts and notes
    opening, agree             values that 2t + 1 members stand behind; broadcasts that are fixed
    material, batch, check     triples and random bits, how they are made and checked
    certificate, blame         one verdict for each batch, and who spoiled it
    prepare                    all of that as one protocol
    machine, multiply          a member that computes, or nobody, who counts; products
    compare, equal, decompose  order, equality and bits of integers
    order, divide              the greatest, sorting; division by public numbers
    arithmetic                 `Mpc`: everything that programs compute with
    spec                       the formulas once more, plainly: the twin of the fast code
    testing, simulate, faults  whole committees in one process, and what some of them do

A step works on vectors: `uint64[m, 4]`, standard form.
"""
