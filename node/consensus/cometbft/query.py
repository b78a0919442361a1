"""Questions to CometBFT's own RPC, on its UNIX socket or a peer's address, and strict answers."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx

from node.consensus.cometbft.votes import BlockId
from node.consensus.cometbft.wire import NS
from node.core.errors import NodeError, NotFound, Unreachable
from node.core.streams import TooLong, TooSlow, whole
from zk import jsontext

TIMEOUT_S: Final = 5.0
WHOLE_S: Final = 20.0
"""For all of an answer: one that comes byte by byte would never end by the other."""
MAX_ANSWER: Final = 16 * 1024 * 1024
_DEPTH: Final = 32
_STAMP: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z")
_INTEGER: Final = re.compile(r"0|-?[1-9]\d{0,18}")


class EngineAnswer(NodeError):
    """CometBFT answered something that is not of its documented form."""

    code = "BLK-004"
    why = "another program, or another version of CometBFT, listens there"
    fix = "use the version of CometBFT that docs/validators.md names"


class Query:
    """Of one CometBFT. Blocking; safe to use from several threads.

    Args:
        where: path of the UNIX socket of its RPC; or the URL of another's.
    """

    def __init__(self, where: Path | str) -> None:
        self._where: Final = where

    def ask(self, method: str, **parameters: str | int) -> Any:
        """The `result` of a call.

        Raises:
            Unreachable: it does not answer.
            NotFound: it has no such height.
            EngineAnswer: another refusal, or no JSON-RPC.
        """
        local = isinstance(self._where, Path)
        # A socket of this machine asks for no certificate; loading some takes longer than the call.
        transport = httpx.HTTPTransport(uds=str(self._where), verify=False) if local else None
        base = "http://engine" if local else str(self._where).rstrip("/")
        query = {name: str(value) for name, value in parameters.items()}
        try:
            with (
                httpx.Client(transport=transport, timeout=TIMEOUT_S, trust_env=False) as client,
                client.stream("GET", f"{base}/{method}", params=query) as response,
            ):
                data = whole(response.iter_bytes(), MAX_ANSWER, WHOLE_S)
        except TooLong as error:
            raise EngineAnswer(str(error), where=method) from None
        except TooSlow as error:
            raise Unreachable(str(error), where=method) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unreachable(
                "CometBFT does not answer",
                where=method,
                fix="wait until it has started, or see its log",
            ) from error
        return _result(data, method)


def _result(data: bytes, method: str) -> Any:
    try:
        document = jsontext.loads(data, most_bytes=MAX_ANSWER, most_depth=_DEPTH)
    except ValueError as error:
        raise EngineAnswer("no JSON", where=method) from error
    if not isinstance(document, dict):
        raise EngineAnswer("no JSON-RPC", where=method)
    if document.get("result") is not None:
        return document["result"]
    refusal = document.get("error")
    said = str(refusal.get("data", "")) if isinstance(refusal, dict) else ""
    if "height" in said or "result" in document:
        raise NotFound(f"CometBFT has nothing of that height: {said[:200]}", where=method)
    raise EngineAnswer(f"refused: {said[:200]}", where=method)


# --- its JSON -------------------------------------------------------------------------------------


def member(document: Any, *names: str) -> Any:
    """What lies under a path of names. Raises EngineAnswer: nothing does."""
    for name in names:
        if not isinstance(document, dict) or name not in document:
            raise EngineAnswer(f"it lacks {name}", where=".".join(names))
        document = document[name]
    return document


def integer(value: Any) -> int:
    """A number, which CometBFT writes as text where it may be large."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if not isinstance(value, str) or not _INTEGER.fullmatch(value):
        raise EngineAnswer("a number was expected")
    return int(value)


def hexadecimal(value: Any) -> bytes:
    """Upper-case hexadecimal."""
    try:
        return bytes.fromhex(value)
    except (ValueError, TypeError) as error:
        raise EngineAnswer("hexadecimal was expected") from error


def base64_bytes(value: Any) -> bytes:
    """Base64; nothing for null."""
    if value is None:
        return b""
    try:
        return base64.b64decode(value, validate=True)
    except (ValueError, TypeError) as error:
        raise EngineAnswer("base64 was expected") from error


def moment(value: Any) -> int:
    """A time, in UTC with up to nine digits of a second, as nanoseconds since 1970."""
    found = _STAMP.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise EngineAnswer("a time was expected")
    try:
        whole = datetime.strptime(found[1], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
    except ValueError as error:
        raise EngineAnswer("a time was expected") from error
    return int(whole.timestamp()) * NS + int((found[2] or "0").ljust(9, "0"))


def block_id(value: Any) -> BlockId:
    """Which block."""
    parts = member(value, "parts")
    return BlockId(
        hexadecimal(member(value, "hash")),
        integer(member(parts, "total")),
        hexadecimal(member(parts, "hash")),
    )
