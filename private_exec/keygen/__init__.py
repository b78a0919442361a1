"""Distributed key generation: Feldman's sharing with complaints, the chain as broadcast channel.

    notice      EKᵢ = ekᵢ·G, fresh for this attempt, with a proof, signed by the consensus key
    commit      hash of a dealing: nobody chooses a dealing after seeing another
    dealing     commitments in G₁ and G₂, sealed shares, proofs
    complaint   K = ekᵢ·E with a proof: anyone opens the share in question and judges
    finish      the key of the dealers that are left, or why there is none

Types and rules only, no I/O: `protocol.Keygen` is what every node replays from the chain,
`participant.Participant` is one validator's secret side.
"""
