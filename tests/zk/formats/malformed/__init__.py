"""Malformed files, one for each way in which a kind of file is refused: what docs/formats.md lists.

case         what a row of the table is
containers   .r1cs .wtns .zkey .ptau
documents    snarkjs's JSON, .sym
encodings    gnark, arkworks, Ethereum, contracts
verifying    what `chiaro verify` is handed
"""
