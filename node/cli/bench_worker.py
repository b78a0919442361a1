"""The worker of `zk.bench` with the works that need circuits and wallets.

python -m node.cli.bench_worker --backend NAME --threads N
"""

from __future__ import annotations

import json
import sys
from typing import Any, Final

from zk.bench.tasks import TASKS, Make, Task, Values
from zk.bench.worker import main
from zk.formats import snarkjs
from zk.groth16.keys import Blinding, Proof
from zk.interfaces import Backend, Progress


def _witness(backend: Backend, _size: int, values: Values) -> Task:
    """All wires from the inputs, as `chiaro` computes them before a proof."""
    from circuits.tapes import assign
    from node.cli.bench_circuits import wires_digest
    from node.cli.bench_statements import find

    found = find(str(values["circuit"]))
    public, witness = found.example(str(values["seed"]))
    return Task(lambda _: assign(found.statement, public, witness, backend), wires_digest)


def _transfer(backend: Backend, _size: int, values: Values) -> Task:
    """What a wallet does to prove a payment: witness, proof, own check."""
    from circuits.example import example_action
    from circuits.keys import KeyStore
    from circuits.prover import prove_statement
    from circuits.registry import statement

    found, keys, profile = statement("action/1"), KeyStore(), str(values["profile"])
    keys.proving_key(found.id, profile)
    public, witness = example_action(str(values["seed"]).encode())
    blinding = Blinding(int(values["r"]), int(values["s"]))

    def run(phases: Progress) -> Proof:
        return prove_statement(
            found,
            public,
            witness,
            blinding,
            keys=keys,
            profile=profile,
            backend=backend,
            progress=phases,
        )

    return Task(run, lambda proof: json.dumps(snarkjs.proof_document(proof)))


def _setup(backend: Backend, _size: int, values: Values) -> Task:
    from circuits.statement import record
    from node.cli.bench_statements import find
    from zk.groth16.setup import UnsafeDevSetup

    shape = record(find(str(values["circuit"])).statement)
    return Task(
        lambda phases: UnsafeDevSetup().run(shape, backend, phases),
        lambda key: key.verifying_key.id,
    )


def _scan(_backend: Backend, size: int, values: Values) -> Task:
    from node.cli.bench_scan import Chain, digest

    chain = Chain(str(values["seed"]), size)

    def answer(found: Any) -> str:
        return digest(found)

    return Task(lambda _: chain.scan(), answer)


ALL_TASKS: Final[dict[str, Make]] = {
    **TASKS,
    "witness": _witness,
    "setup": _setup,
    "transfer": _transfer,
    "scan": _scan,
}


if __name__ == "__main__":
    sys.exit(main(tasks=ALL_TASKS))
