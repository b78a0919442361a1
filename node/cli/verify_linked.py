"""What `chiaro verify` says of a private transaction beside the actions that it carries.

Its proof leaves amounts out: in their place stands a point, which a link ties to commitments. Proof
and link are one statement; either alone says nothing of the amounts. Other tools verify such a
proof only where amounts are given to them, which nobody does (docs/adr/0027).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from node.cli import identify
from node.cli.session import Session
from node.cli.verify import Checked, key_document
from zk.errors import ChiaroError

if TYPE_CHECKING:
    from circuits.keys import KeyStore
    from node.core.interfaces import ProofClaim
    from node.private.sale_payload import ResultTx
    from zk.formats.itemised import Check


def linked_checks(session: Session, wire: bytes, *, history: bool) -> Checked | None:
    """Of a private transaction that has such a proof; None for all others.

    Raises:
        DecodeError: it does not decode.
        UnknownKey, DevParamsRefused, DigestMismatch: no usable key.
    """
    from circuits.keys import KeyStore
    from node.private import statements
    from node.private.gifts import Carrying
    from node.private.sale_payload import OfferTx, ResultTx
    from zk.errors import InsecureVersion
    from zk.formats.itemised import Check

    tx = identify.private_of(wire)
    if isinstance(tx, ResultTx):
        return _result(session, tx)
    checks = []
    try:
        if isinstance(tx, Carrying):
            claims = statements.claims_of(tx)
            text = "moves exactly the hidden value that is spoken of"
            checks.append(Check("carried", True, "", text))
        elif isinstance(tx, OfferTx):
            claims = statements.reserve_claims(tx)
        else:
            return None
    except ChiaroError as error:
        return Checked([Check("carried", False, error.id, error.message)], {})
    claim, store = claims[0], KeyStore(allow_insecure=True)  # all of one statement
    entry = store.entry(claim.key_id, session.profile)
    checks.append(Check("key", True, "", f"{claim.key_id}, {entry.made}"))
    if entry.unsafe:
        session.warnings.append(entry.unsafe)
    if entry.insecure:
        session.warnings.append(entry.insecure)
        code = "" if history else InsecureVersion.code
        checks.append(Check("version", history, code, entry.insecure))
    checks += [_linked(each, store, session.profile) for each in claims]
    return Checked(checks, key_document(entry.verifying_key, entry))


def _result(session: Session, tx: ResultTx) -> Checked:
    """What a committee proved; whose cells it read, and who signed, the chain says."""
    from node.cli.private_proofs import ONLY_HERE, PROVIDED, UNSAFE, key_of
    from node.private import results
    from zk import backends
    from zk.formats.itemised import Check

    try:
        transition = results.transition_of(tx)
        key, unsafe = key_of(session, transition, None)
        transition.verify(key, backends.get())
    except ChiaroError as error:
        return Checked([Check("result", False, error.id, error.message)], {})
    if unsafe:
        session.warnings.append(UNSAFE)
    made = f"what it made is the program's for {len(tx.reads)} cells read"
    text = f"{made}, {PROVIDED}; {ONLY_HERE}"
    return Checked([Check("result", True, "", text)], key_document(key.id, None))


def _linked(claim: ProofClaim, store: KeyStore, profile: str) -> Check:
    from node.execution.verifier import GrothVerifier
    from zk.formats.itemised import Check

    verifier = GrothVerifier({claim.key_id: store.verifying_key(claim.key_id, profile)}, workers=1)
    (refused,) = verifier.verify([claim])
    if refused is not None:
        return Check("linked", False, refused.id, refused.message)
    count = 0 if claim.linked is None else len(claim.linked.commitments)
    return Check(
        "linked",
        True,
        "",
        f"amounts hidden, tied to {count} commitment{'s' if count > 1 else ''}; "
        "this tool alone verifies that",
    )
