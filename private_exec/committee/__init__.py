"""Committees that hold secrets for others: rules in SPEC.md.

    declaration, epoch                  who, for what; an epoch's keys as everybody knows them
    notice, dealing, subsets, ceremony  how the keys are made, replayed from the chain
    participant                         one member's secret side of it
    sealing, accusation                 values sealed to members, and complaints about them
    cells, pairs, inputs, acceptance    values on chain, and how owners' values become cells
    points, certificate, opening        what members, and everybody, check
    rekey, reshare, remask              cells under other keys
    together                            acceptance and changes of keys as rounds of members
    owner, escape                       how owners leave when the committee is gone

Types and rules only, no I/O.
"""
