"""The long search: every reader in turn, `make long-fuzz FUZZ_SECONDS=10 READERS="zkey ptau"`.

Corpus and findings stay under `.cache/fuzz`. A search that was interrupted goes on with the
readers that have not had their time; `--replay FILE` shows what one finding does, `--keep` takes
the entries of the corpus that reach different code into the committed one.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
from pathlib import Path

from fuzzing import keep
from fuzzing.target import Target
from fuzzing.targets import TARGETS

ROOT = Path(__file__).resolve().parents[4]
CACHE = ROOT / ".cache" / "fuzz"
CORPUS = Path(__file__).resolve().parents[1] / "corpus"
LARGEST = 8192
"""Bytes of an input, twice the longest example where that is more; small ones are fast."""
HANG_S = 60
"""Seconds for one input: milliseconds on a quiet machine, so more is no matter of its load."""
MEMORY_MB = 2048
_STATUS = re.compile(r"cov: (\d+) ft: (\d+) corp: (\d+)/")
_RUNS = re.compile(r"stat::number_of_executed_units: +(\d+)")


def main() -> int:
    """0 nothing found, 1 something found, 2 usage, 130 interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("readers", nargs="*", metavar="READER", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=int, default=10, help="for each reader")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="of findings/READER")
    parser.add_argument("--keep", action="store_true", help="renew the committed corpus")
    options = parser.parse_args()
    unknown = [name for name in options.readers if name not in TARGETS]
    if unknown or options.seconds < 1:
        parser.error(f"no reader {unknown[0]!r}" if unknown else "--seconds must be positive")
    if options.replay is not None:
        return replay(options.replay)
    chosen = [TARGETS[name] for name in options.readers or TARGETS]
    if options.keep:
        for target in chosen:
            folders = (CORPUS / target.name, CACHE / "corpus" / target.name)
            kept = keep.keep(target, folders, CORPUS / target.name)
            print(f"{target.name:<20} {kept} entries")
        return 0
    try:
        search_all(chosen, options.seconds)
    except KeyboardInterrupt:
        print("interrupted; run it again to go on", file=sys.stderr)
        return 130
    return report(chosen)


def search_all(targets: list[Target], seconds: int) -> None:
    """Give each reader its time; what has had it in this round is left out."""
    state_file = CACHE / "round.json"
    try:
        spent = {str(k): float(v) for k, v in json.loads(state_file.read_text()).items()}
    except (OSError, ValueError, AttributeError, TypeError):
        spent = {}
    for number, target in enumerate(targets, start=1):
        left = seconds - spent.get(target.name, 0.0)
        if left < 1:
            print(f"[{number}/{len(targets)}] {target.name:<20} has had its time", flush=True)
            continue
        if sys.stderr.isatty():
            print(f"[{number}/{len(targets)}] {target.name:<20} {left:.0f} s …", file=sys.stderr)
        began = time.monotonic()
        try:
            told = search(target, int(left))
        finally:
            spent[target.name] = spent.get(target.name, 0.0) + time.monotonic() - began
            state_file.write_text(json.dumps(spent))
        print(f"[{number}/{len(targets)}] {target.name:<20} {told}", flush=True)
    state_file.unlink(missing_ok=True)


def search(target: Target, seconds: int) -> str:
    """One search; what it did, in words."""
    corpus, findings = CACHE / "corpus" / target.name, CACHE / "findings" / target.name
    for folder in (corpus, findings):
        folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.examples()):
        (corpus / f"seed-{number}").write_bytes(seed)
    largest = max(LARGEST, 2 * max(map(len, target.examples())))
    command = [
        *(sys.executable, "-m", "fuzzing.search", target.name, "--findings", str(findings)),
        *(f"-max_total_time={seconds}", f"-max_len={largest}", f"-timeout={HANG_S}"),
        *(f"-report_slow_units={HANG_S}", f"-rss_limit_mb={MEMORY_MB}"),
        *(f"-artifact_prefix={findings}/", "-print_final_stats=1"),
        str(corpus),
    ]
    if (CORPUS / target.name).is_dir():
        command.append(str(CORPUS / target.name))
    log = CACHE / f"{target.name}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        try:
            code = process.wait()
        except BaseException:
            process.terminate()
            process.wait()
            raise
    text = log.read_text(errors="replace")
    status, runs = _STATUS.findall(text), _RUNS.findall(text)
    if not status:
        raise SystemExit(f"{target.name}: the search did not start; see {log}")
    coverage, features, entries = status[-1]
    told = f"{runs[-1] if runs else '?'} runs, coverage {coverage}, {entries} entries"
    return told if code == 0 else f"{told}; ended with {code}, see {log} ({features} features)"


def report(targets: list[Target]) -> int:
    """Say what was found."""
    found = [
        path
        for target in targets
        for path in sorted((CACHE / "findings" / target.name).glob("*"))
        if path.suffix != ".txt"
    ]
    for path in found:
        print(f"found: {path}   (python -m fuzzing.run --replay {path})")
    print(f"{len(found)} findings" if found else "nothing found")
    return 1 if found else 0


def replay(path: Path) -> int:
    """Run one input; its exception is shown where it breaks the property."""
    target = TARGETS.get(path.resolve().parent.name)
    if target is None:
        raise SystemExit(f"{path}: the folder of a finding has the name of its reader")
    for seed in target.examples():
        target.check(seed)  # fills caches, which are not this input's memory
    code = target.check_memory(path.read_bytes())
    print(f"{target.name}: " + (f"refused by {code}" if code else "read"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
