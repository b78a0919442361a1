"""Endpoint of stake.  Rules RPC-46, RPC-47."""

from __future__ import annotations

from typing import Final

from node.rpc import stake_schema
from node.rpc.endpoint import Endpoint

STAKE_ENDPOINTS: Final = (
    Endpoint(
        "GET",
        "/stake",
        "Validators: what they have at stake, how much their votes count, their faults",
        stake_schema.StakeView,
        lambda call: call.service.stake.stake(),
    ),
)
