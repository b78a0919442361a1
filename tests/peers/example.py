"""The smallest peer for `chiaro bench`: products in Fr, by Python's integers.

chiaro bench run fr_mul --sizes 1000 --peer mine="python3 tests/peers/example.py"
"""

import json
import resource
import sys
import time

R = 0x30644E72E131A029B85045B68181585D2833E84879B9709143E1F593F0000001


def products(size: int, inputs: dict) -> str:
    x, y = int(inputs["x"], 16), int(inputs["y"], 16)
    for _ in range(size):
        x = x * y % R
    return f"{x:064x}"


WORKS = {"fr_mul": products}
prepared = {}


def answer(request: dict) -> dict:
    match request["op"]:
        case "hello":
            return {"protocol": "chiaro-peer/1", "peer": "mine", "version": "mine 1.0"}
        case "prepare":
            if request["threads"] != 1:
                raise ValueError("there is one thread here")
            prepared.update(request, run=WORKS[request["work"]])
            return {"prepare_ms": 0.0}
        case "run":
            cpu, wall = time.process_time(), time.perf_counter()
            output = prepared["run"](prepared["size"], prepared["inputs"])
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            return {"wall_ms": wall * 1e3, "cpu_ms": cpu * 1e3, "output": output}
        case "memory":
            used = resource.getrusage(resource.RUSAGE_SELF)
            return {"peak_rss_mb": used.ru_maxrss * 1024 / 1e6}
    raise ValueError("this request is not known here")


for line in sys.stdin:
    request = json.loads(line)
    if request["op"] == "quit":
        break
    try:
        reply = {"ok": True, **answer(request)}
    except (KeyError, TypeError, ValueError) as error:
        reply = {"ok": False, "error": f"{type(error).__name__}: {error}"}
    print(json.dumps(reply), flush=True)
