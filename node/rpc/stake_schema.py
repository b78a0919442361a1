"""Documents about stake.  Amounts are decimal text, in base units of the native kind."""

from __future__ import annotations

from node.rpc.schema import Amount, Count, Id, Response


class NoticeView(Response, frozen=True):
    """Stake that is on its way back to its owner.

    Attributes:
        epoch: in which notice was given.
        amount: what is left of it.
        due: first height at which it can be withdrawn.
    """

    epoch: Count
    amount: Amount
    due: Count


class StakedView(Response, frozen=True):
    """A validator.

    Attributes:
        key: consensus key, hexadecimal.
        owner: account, hexadecimal.
        bonded: without what is under notice.
        weight: in the roster of this epoch; 0: it is not in it.
        next: in the roster of the next epoch.
        power: what its vote counts two blocks later.
        fault: height of the block that proved a fault of it, 0: none; it votes no more.
        notices: oldest first.
    """

    key: Id
    owner: Id
    bonded: Amount
    weight: Count
    next: Count
    power: Count
    fault: Count
    notices: list[NoticeView]


class StakeView(Response, frozen=True):
    """Stake behind a block.

    Attributes:
        height: of that block; `epoch` is that of the next one.
        epoch: whose roster `weight` is of.
        until: last height of the epoch.
        unit: base units for one unit of weight.
        min_bond: least stake that votes.
        unbonding_epochs: how long notice lasts.
        max_validators: how many vote at most.
        held: what the pool holds: bonds, what is under notice, and what is lost.
        lost: what faults cost so far.
        fractions: fault → what it costs, in parts per million.
        validators: by key.
    """

    height: Count
    epoch: Count
    until: Count
    unit: Amount
    min_bond: Amount
    unbonding_epochs: Count
    max_validators: Count
    held: Amount
    lost: Amount
    fractions: dict[str, int]
    validators: list[StakedView]
