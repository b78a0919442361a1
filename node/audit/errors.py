"""Why a bundle is not read, or an audit not begun. What is wrong with a *chain* is a culprit."""

from __future__ import annotations

from zk.errors import Ruled


class AuditError(Ruled):
    """A bundle that is malformed. `rule` names what refused it (AUD-001 … AUD-008)."""

    code = "AUD-001"
    exit_code = 3
    why = "a file that is not exactly what it claims to be may show an auditor another chain"
    fix = "make the bundle again with `chiaro audit export`, or ask its maker for an intact copy"


class KeysRefused(AuditError):
    """Verifying keys under which the chain's proofs would show nothing."""

    code = "AUD-009"
    exit_code = 8
    why = "a proof is only as good as the key it is checked with"
    fix = "get the chain's registry of keys from its founders, and name it with --params"


class ChainRefused(AuditError):
    """The chain breaks a rule; the report names every culprit that was found."""

    code = "AUD-012"
    exit_code = 1
    why = "whoever accepts this history may accept money that nobody issued"
    fix = "do not rely on this chain; compare the culprits with what other nodes have"


class NotExpected(AuditError):
    """A chain, or a last block, other than the auditor asked for."""

    code = "AUD-018"
    exit_code = 1
    why = "a valid history of another chain says nothing about this one"
    fix = "get the bundle of the chain you mean, or correct what you expect"


class WorkBusy(AuditError):
    """Another audit works in the same folder."""

    code = "AUD-017"
    exit_code = 5
    why = "two audits in one folder would tear its state apart"
    fix = "wait for the other one, or name another folder with --work"
