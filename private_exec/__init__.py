"""The private environment: encrypted until ordered, and computed on by those who cannot read it.

Sealed intents (SPEC.md): an envelope whose body opens only after the block that orders it is final.

    parameters, sharing, weights, roster   who holds how many shares, and what that protects
    keygen                                 the distributed key generation, typed rounds without I/O
    keys                                   the epoch's public key, and a validator's shares of it
    cipher, envelope, batch                sealing, the envelope around it, an ordered batch
    final, shares, reveal                  the token of finality, shares, what they open
    spec                                   the formulas once more: the twin of the fast code

Values that committees hold:

    pedersen, linking    commitments, and proofs of what they hold
    mpc                  computing on shares
    committee            who holds shares of what, under which keys
    programs             what may be computed, what it reveals and costs
    collaborative        proofs of what no member knows
    provable             programs whose results are proved

Of both:

    proofs, transcript   knowledge and equality of logarithms; challenges and coefficients
    group                points of BN254; hash_to_curve makes some of which nobody knows more
    halving, exponent    who breaks a combined check; shares of points, some of them wrong
"""
