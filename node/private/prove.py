"""Linked proofs with this installation's keys, and fresh randomness for each."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from circuits.donation import Donation
from circuits.keys import KeyStore
from circuits.prover import prove_hidden_statement
from circuits.statement import Statement, public_values
from circuits.transit import Transit
from node.core.private import DONATION, TRANSIT
from node.private.build import ProveLinked, Proving
from node.private.gifts import LinkedProof
from private_exec.linking import prove_link
from private_exec.transcript import secret_scalar
from zk.curve.encoding import g1_to_bytes
from zk.groth16.keys import Blinding
from zk.interfaces import Backend

_MAKERS: Final[dict[str, Callable[[], Statement[Any, Any]]]] = {
    DONATION: Donation,
    TRANSIT: Transit,
}


def _fresh() -> bytes:
    return secrets.token_bytes(32)


def linked_prover(
    *,
    profile: str,
    keys: KeyStore | None = None,
    backend: Backend | None = None,
    entropy: Callable[[], bytes] = _fresh,
) -> ProveLinked:
    """The real prover, its keys loaded once.

    Args:
        profile: of the chain that the proofs are for; only `dev` allows development keys.
        keys: where keys come from.
        backend: what computes.
        entropy: 32 fresh bytes at every call.
    """
    store = keys or KeyStore()

    def prove(item: Proving) -> LinkedProof:
        statement, seed = _MAKERS[item.statement](), entropy()
        nu, r, s = (
            secret_scalar(f"private/prove/{name}", seed, item.context) for name in ("nu", "r", "s")
        )
        public = replace(item.public, nu=nu)
        hidden = prove_hidden_statement(
            statement, public, item.witness, Blinding(r, s),
            profile=profile, keys=store, backend=backend,
        )  # fmt: skip
        shown = public_values(public)[: -statement.hidden]
        key = store.verifying_key(statement.id, profile)
        made = prove_link(key, shown, hidden, item.openings, nu, item.context, seed)
        return LinkedProof(hidden.proof.to_bytes(), g1_to_bytes(hidden.d), made.link.to_bytes())

    return prove
