"""Coverage-guided search in one reader: `python -m fuzzing.search READER --findings DIR …`.

libFuzzer keeps inputs that reach new code and changes them further. Here it also gets changes that
know what a file looks like: sections moved, lengths that lie. What breaks the property is stored,
once for each place that it breaks, and the search goes on; a crash, a hang or too much memory ends
it, and libFuzzer stores the input.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import sys
import traceback
from pathlib import Path

import atheris

# Of a longer name it takes the first part only.
with atheris.instrument_imports(
    include=["circuits", "node", "private_exec", "shielded", "transparent", "zk"]
):
    from fuzzing import mutations
    from fuzzing.targets import TARGETS
from fuzzing.target import Broken, Target

WITH_MEMORY = 8
"""One input in so many is read with its memory measured, which makes it slow."""


def mutated(target: Target, data: bytes, most: int, seed: int) -> bytes:
    """libFuzzer's change, or one that knows the format."""
    chance = random.Random(seed)
    dice = chance.random()
    if dice < 0.5:
        return bytes(atheris.Mutate(data, most))
    if dice < 0.8:
        change = mutations.tokens if target.text else mutations.elements
        return change(data, chance)[:most]
    try:
        kinds = [mutations.lies(target, data)]
        if target.container:
            kinds.append(part for _, part in mutations.rearranged(data, chance))
        found = [made for kind in kinds for made in kind if len(made) <= most]
    except Exception:  # no file any more: its structure cannot be told
        return bytes(atheris.Mutate(data, most))
    return chance.choice(found) if found else bytes(atheris.Mutate(data, most))


def store(folder: Path, data: bytes, error: Broken) -> None:
    """An input and its traceback, unless one that breaks at the same place is there."""
    cause = error.__cause__ or error
    frames = traceback.extract_tb(cause.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno} {type(cause).__name__}"
    name = hashlib.sha256(place.encode()).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / name).exists():
        (folder / name).write_bytes(data)
        text = "".join(traceback.format_exception(error))
        (folder / f"{name}.txt").write_text(text)
        print(f"FOUND {folder / name}: {error}", file=sys.stderr, flush=True)


def main() -> None:
    """Search until libFuzzer's options say stop."""
    parser = argparse.ArgumentParser()
    parser.add_argument("reader", choices=TARGETS)
    parser.add_argument("--findings", type=Path, required=True)
    options, rest = parser.parse_known_args()
    target = TARGETS[options.reader]
    runs = 0

    def once(data: bytes) -> None:
        nonlocal runs
        runs += 1
        try:
            (target.check if runs % WITH_MEMORY else target.check_memory)(data)
        except Broken as error:
            store(options.findings, data, error)

    for seed in target.examples():
        target.check(seed)  # fills caches, so that the memory of the first input is its own
    atheris.Setup(
        [sys.argv[0], *rest],
        once,
        custom_mutator=lambda data, most, seed: mutated(target, bytes(data), most, seed),
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
