"""Makes `mpc_programs.json`: `pip install mpyc==0.11`, then `python tests/vectors/mpc_programs.py`.

The oracle is MPyC, three parties: the programs of the house once more, over its secure integers,
with its maximum, sorting and comparisons, and nothing of `private_exec`. The dark pool here sorts
out priority by comparing every order with every other one, where ours keeps two queues. Cases
follow from a fixed seed; after a run `git diff` must be empty.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
COMMAND = "python tests/vectors/mpc_programs.py"
PARTIES = 3
LINE = "answers: "
TICKS = 5
Json = dict[str, Any]


def cases() -> list[Json]:
    """Program and inputs."""
    draw = random.Random(7)
    made: list[Json] = []
    for bidders in (1, 2, 3, 5, 8, 16):
        for most in (3, 2**32 - 1):
            bids = [draw.randint(0, most) for _ in range(bidders)]
            reserve = draw.choice([0, max(bids), min(2**32 - 1, max(bids) + 1), most // 2])
            made.append({"program": "auction", "inputs": {"bids": bids, "reserve": reserve}})
    for orders in (2, 3, 5, 6, 8, 8):
        for most in (4, 2**32 - 1):
            inputs = {
                "buys": [draw.randint(0, 1) for _ in range(orders)],
                "limits": [draw.randrange(TICKS) for _ in range(orders)],
                "quantities": [draw.randint(0, most) for _ in range(orders)],
            }
            made.append({"program": "darkpool", "inputs": inputs})
    for donations in (1, 7):
        roots = [draw.randint(0, 2**32 - 1) for _ in range(donations)]
        inputs = {"roots": roots, "amounts": [w * w for w in roots]}
        made.append({"program": "funding", "inputs": inputs})
    return made


async def auction(mpc: Any, bids: list[int], reserve: int) -> Json:
    """The maximum, the second of the sorted list."""
    number = mpc.SecInt(40)
    secret = [number(b) for b in bids]
    place, top = mpc.argmax(secret)
    second = mpc.sorted([*secret, number(0)])[-2]
    sold = top >= number(reserve)
    price = sold * mpc.max(second, number(reserve))
    winner = mpc.if_else(sold, place, number(len(bids)))
    opened = await mpc.output([winner, price])
    return {"winner": [int(opened[0])], "price": [int(opened[1])]}


async def darkpool(mpc: Any, buys: list[int], limits: list[int], quantities: list[int]) -> Json:
    """Price by counting, fills by comparing every order with every other one."""
    number = mpc.SecInt(48)
    buy, limit, quantity = ([number(v) for v in column] for column in (buys, limits, quantities))
    orders, ticks = range(len(buys)), range(TICKS)
    demand = [mpc.sum([buy[i] * quantity[i] * (limit[i] >= k) for i in orders]) for k in ticks]
    supply = [
        mpc.sum([(1 - buy[i]) * quantity[i] * (limit[i] <= k) for i in orders]) for k in ticks
    ]
    highest = mpc.sum([demand[k] >= supply[k] for k in ticks]) - 1
    below = mpc.sum([(highest == k) * supply[k] for k in ticks])
    above = mpc.sum([(highest + 1 == k) * demand[k] for k in ticks])
    price = highest + (above > below)
    volume = mpc.max([mpc.min(demand[k], supply[k]) for k in ticks])
    may = [mpc.if_else(buy[i], limit[i] >= price, limit[i] <= price) for i in orders]
    fills = []
    for i in orders:
        ahead = number(0)
        for j in orders:
            better = mpc.if_else(buy[i], limit[j] > limit[i], limit[j] < limit[i])
            first = better + (limit[j] == limit[i]) if j < i else better
            ahead += (buy[i] == buy[j]) * first * may[j] * quantity[j]
        fills.append(may[i] * mpc.max(number(0), mpc.min(quantity[i], volume - ahead)))
    tick = mpc.if_else(volume > 0, price, number(TICKS))
    opened = await mpc.output([tick, *fills])
    return {"tick": [int(opened[0])], "fills": [int(v) for v in opened[1:]]}


async def funding(mpc: Any, roots: list[int], amounts: list[int]) -> Json:
    """Two sums."""
    number = mpc.SecInt(80)
    sums = [mpc.sum([number(v) for v in column]) for column in (roots, amounts)]
    opened = await mpc.output(sums)
    return {"roots_total": [int(opened[0])], "total": [int(opened[1])]}


PROGRAMS = {"auction": auction, "darkpool": darkpool, "funding": funding}


def party() -> None:
    """One of MPyC's parties; the first prints what all of them opened."""
    import mpyc
    from mpyc.runtime import mpc

    async def main() -> None:
        async with mpc:
            answers = [await PROGRAMS[c["program"]](mpc, **c["inputs"]) for c in cases()]
        if mpc.pid == 0:
            print(LINE + json.dumps({"version": mpyc.__version__, "outputs": answers}))

    mpc.run(main())


def main(folder: Path = HERE) -> None:
    """Run the parties, write the file."""
    done = subprocess.run(
        [sys.executable, __file__, f"-M{PARTIES}", "--no-log", "party"],
        capture_output=True,
        text=True,
        check=True,
    )
    (line,) = (text for text in done.stdout.splitlines() if text.startswith(LINE))
    answered = json.loads(line.removeprefix(LINE))
    head = {"source": COMMAND, "oracle": f"MPyC {answered['version']}, {PARTIES} parties"}
    lines = [
        json.dumps({**case, "outputs": outputs})
        for case, outputs in zip(cases(), answered["outputs"], strict=True)
    ]
    text = json.dumps({**head, "ticks": TICKS})[:-1] + ', "cases": [\n'
    text += ",\n".join(lines) + "\n]}\n"
    (folder / "mpc_programs.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    party() if "party" in sys.argv else main()
