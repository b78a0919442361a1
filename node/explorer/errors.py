"""What the explorer refuses."""

from __future__ import annotations

from node.rpc.errors import BadRequest, RequestRefused


class ForeignForm(RequestRefused):
    """A form that another site sent in the reader's name (RPC-61)."""

    code = "WEB-001"
    why = "any page in the same browser could keep this node busy"
    fix = "press the button on the explorer's own page"


class TooSoon(RequestRefused):
    """One of the two things that cost something, asked for again too soon (RPC-61)."""

    code = "WEB-002"
    why = "verifying and decoding take processor time that blocks need"
    fix = "wait a moment"


class TooMany(RequestRefused):
    """More pages or listeners at one time than the node has room for (RPC-60)."""

    code = "WEB-004"
    why = "readers must not take the time and the sockets that blocks need"


class NotSearchable(BadRequest):
    """Text that is neither a height nor an id (RPC-59)."""

    code = "WEB-003"
    why = "a guess could show another transaction than the one meant"
    fix = "type a height, a batch as domain/number, or all 64 hexadecimal digits of an id"
