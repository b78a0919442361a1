"""Committees that hold secrets for others: rules in SPEC.md.

    declaration, epoch          who, for what; an epoch's keys as everybody knows them
    notice, dealing, ceremony   how the keys are made, replayed from the chain
    participant                 one member's secret side of it
    sealing, accusation         values sealed to members, and complaints about them

Types and rules only, no I/O.
"""
