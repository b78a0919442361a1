"""The soundness lab: does every value of a statement have a constraint that holds it?

    program     what is computed from what, and which rows each wire touches
    trial       an assignment that is changed at one wire and follows through
    mutants     a changed wire must break a row
    deletions   a deleted row must let something through that all the others accept
    determined  algebra: which wires follow from the inputs
    ranges      decompositions into bits, probed at their ends
    reduced     every assignment of a small gadget, over a small field
    audit       all of it, as a certificate bound to the circuit's digest

`circuits/AUDIT.md` says how to read the result.
"""
