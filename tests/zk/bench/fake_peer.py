"""A program that speaks chiaro-peer/1, correctly or in one of several wrong ways.

python fake_peer.py [WAY]: ok, wrong, later, refuse, die, exit, junk, silent, list, time, greeting
"""

from __future__ import annotations

import json
import sys
import time

R = 0x30644E72E131A029B85045B68181585D2833E84879B9709143E1F593F0000001
way = sys.argv[1] if len(sys.argv) > 1 else "ok"
values: dict = {}
size = 0
runs = 0


def answer(content) -> None:
    print(json.dumps(content), flush=True)


for line in sys.stdin:
    request = json.loads(line)
    op = request["op"]
    if op == "hello":
        if way == "exit":
            sys.exit("I do not feel well")
        protocol = "other/1" if way == "greeting" else "chiaro-peer/1"
        answer({"ok": True, "protocol": protocol, "peer": "fake", "version": "fake 1.0"})
    elif op == "prepare":
        if way == "refuse":
            answer({"ok": False, "error": "I do not do this"})
            continue
        values, size = request["inputs"], request["size"]
        answer({"ok": True, "prepare_ms": 0.5})
    elif op == "run":
        runs += 1
        if way == "die":
            sys.exit("out of memory")
        if way == "junk":
            print("Segmentation fault", flush=True)
            continue
        if way == "list":
            answer([1, 2])
            continue
        if way == "silent":
            time.sleep(60)
        began = time.perf_counter()
        out = int(values["x"], 16) * pow(int(values["y"], 16), size, R) % R
        wall = (time.perf_counter() - began) * 1e3
        if way == "wrong" or (way == "later" and runs > 2):
            out += 1
        times = {"wall_ms": -1.0} if way == "time" else {"wall_ms": wall, "cpu_ms": None}
        answer({"ok": True, "output": f"{out:064x}", **times})
    elif op == "memory":
        answer({"ok": True, "peak_rss_mb": 12.5})
    else:
        break
