"""Errors of the RPC, and how they travel: `Problem` on the wire, `ChiaroError` on both sides."""

from __future__ import annotations

from typing import Final

from node.core.errors import (
    ConsensusFault,
    InvalidTransaction,
    NodeError,
    NotFound,
    Outdated,
    PolicyRefused,
    StoreError,
    Unreachable,
)
from node.rpc.schema import Problem
from node.store.chain import NotKept
from zk import errors as zk_errors
from zk.errors import ChiaroError, DecodeError, InvalidProof, ParamsError


class BadRequest(DecodeError):
    """A request that is not of the documented form."""

    code = "NET-001"
    why = "guessing what a request means could spend or reveal the wrong thing"
    fix = "see docs/rpc.md, or /v1/openapi.json"


class TooLarge(BadRequest):
    """More bytes or items than the node takes."""

    code = "NET-002"
    why = "a node that takes everything can be filled by anyone"
    fix = "send less at a time"


class RequestRefused(NodeError):
    """A request that this node does not serve: another host's, another method, too many at once."""

    code = "NET-003"
    exit_code = 5


class StillPending(NodeError):
    """The time to wait is over and the transaction is in no block yet."""

    code = "NET-004"
    exit_code = 7
    why = "it may still be included until it expires"
    fix = "ask again: `chiaro tx status ID --wait`"


class RemoteError(NodeError):
    """The node refused for a reason that this program has no class for; `id` is the node's."""

    code = "NET-005"
    exit_code = 5

    def __init__(
        self, message: str, *, code: str = "", where: str = "", why: str = "", fix: str = ""
    ) -> None:
        super().__init__(message, where=where, why=why, fix=fix)
        self._id = code

    @property
    def id(self) -> str:
        return self._id or self.code


class NodePolicy(PolicyRefused):
    """The node's own policy refused; `id` is the policy's."""

    def __init__(
        self, message: str, *, code: str = "", where: str = "", why: str = "", fix: str = ""
    ) -> None:
        super().__init__(message, where=where, why=why, fix=fix)
        self._id = code

    @property
    def id(self) -> str:
        return self._id or self.code


class BadAnswer(NodeError):
    """The node answered something that is not of the documented form, or that does not check."""

    code = "NET-006"
    why = "the answer cannot be trusted: another program, another version, or a lie"
    fix = "check `--node`, and that both sides run the same version"


class NodeFault(NodeError):
    """The node failed inside; its log has the details."""

    code = "NET-007"
    exit_code = 6
    why = "this is a fault of the node, not of the request"
    fix = "look at the node's log (`chiaro status` names it)"


class Syncing(NodeError):
    """SN-13: a node that joins late and has no state yet."""

    code = "NET-008"
    exit_code = 6
    why = "what it would answer from an empty state is wrong"
    fix = "wait until it has a snapshot of its peers; its log tells"


NO_NEWS: Final = (NodeFault, RequestRefused, Syncing)
"""Refusals with a status of 500 or more that the log has already, or would have all the time."""
_PLAIN: Final[tuple[type[ChiaroError], ...]] = (
    PolicyRefused,
    NotFound,
    NotKept,
    StoreError,
    ConsensusFault,
    Unreachable,
    NodeError,
    BadRequest,
    TooLarge,
    RequestRefused,
    StillPending,
    BadAnswer,
    NodeFault,
    Syncing,
    DecodeError,
    zk_errors.NonCanonical,
    zk_errors.WrongLength,
    zk_errors.NotOnCurve,
    zk_errors.NotInSubgroup,
    zk_errors.IdentityPoint,
    zk_errors.ShapeMismatch,
    InvalidProof,
    ParamsError,
    zk_errors.DevParamsRefused,
    zk_errors.InsecureVersion,
    zk_errors.UnknownKey,
    zk_errors.DigestMismatch,
    zk_errors.UnsafeKey,
)
_BY_CODE: Final = {kind.code: kind for kind in _PLAIN}
_RULES: Final[dict[str, type[InvalidTransaction]]] = {
    InvalidTransaction.code: InvalidTransaction,
    Outdated.code: Outdated,
}


def problem(error: ChiaroError) -> Problem:
    """An error as it travels; `base` is the nearest class that both sides know."""
    return Problem(
        code=error.id,
        base=_base(error),
        message=error.message,
        where=error.where,
        why=error.why,
        hint=error.fix,
    )


def error_of(found: Problem) -> ChiaroError:
    """The error that `problem` was made of, of the nearest class that this program knows."""
    if (rule_kind := _RULES.get(found.base)) is not None:
        refused = rule_kind(found.code, found.message, where=found.where)
        refused.why, refused.fix = found.why, found.hint
        return refused
    if found.base == PolicyRefused.code:
        return NodePolicy(
            found.message, code=found.code, where=found.where, why=found.why, fix=found.hint
        )
    kind = _BY_CODE.get(found.base)
    if kind is None or found.code != found.base:
        return RemoteError(
            found.message, code=found.code, where=found.where, why=found.why, fix=found.hint
        )
    return kind(found.message, where=found.where, why=found.why, fix=found.hint)


def _base(error: ChiaroError) -> str:
    for kind in (Outdated, InvalidTransaction, PolicyRefused):
        if isinstance(error, kind):
            return kind.code
    known = (kind.code for kind in type(error).__mro__ if kind in _PLAIN)
    return next(known, error.code)
