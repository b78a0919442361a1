"""The private environment: encrypted until ordered.

Sealed intents (SPEC.md): an envelope whose body opens only after the block that orders it is final.

    parameters, sharing, weights, roster   who holds how many shares, and what that protects
    keygen                                 the distributed key generation, typed rounds without I/O
    keys                                   the epoch's public key, and a validator's shares of it
    cipher, envelope, batch                sealing, the envelope around it, an ordered batch
    final, shares, reveal                  the token of finality, shares, what they open
    spec                                   the formulas once more: the twin of the fast code
"""
