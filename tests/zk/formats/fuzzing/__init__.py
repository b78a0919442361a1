"""Readers of bytes that others wrote, and what must hold of each of them for any bytes.

target      what a reader is, and the property: a value or a refusal with a code, in little memory
proofs      files of circuits, keys, proofs and ceremonies
ledger      transactions, blocks and what else nodes send each other
audits      bundles of whole chains
availability  coded batches, certificates, proofs of completeness
snapshots   manifests and streams of a state
wires         presence and frames between nodes, rows between members
lane        transactions, state and parameters of the sealed lane, blobs
linking     proofs with hidden inputs, their links, files of transitions
mpc         messages of members that compute on shares, certificates of batches
committees  messages of private committees, and what is shared among their members
private     transactions of the private environment, and what its state keeps
targets     all of them, by name
mutations   malformed variants of well-formed bytes
keep        which inputs are worth committing
search      coverage-guided search for bytes that break the property
run         that, for each reader (`make long-fuzz`)
"""
