"""`chiaro bench`: how fast, beside whom, on which machine, and can it be repeated."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from node.cli import output
from node.cli.session import Session, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from node.cli.bench_plan import Request
    from zk.bench.harness import Series

app = typer.Typer(help="Benchmarks: this prover and others on the same work, in turns.")

QUICK_ROUNDS: Final = 3

_BACKENDS = typer.Option(
    None, "--backend", help="Of this prover, comma-separated; the best by default."
)
_PEER = typer.Option(
    None, "--peer", help="NAME=COMMAND of a program that speaks chiaro-peer/1; repeatable."
)
_COMPARE = typer.Option(None, "--compare", help="Peers, comma-separated: gnark,arkworks,…")
_NO_PIN = typer.Option(False, "--no-pin", help="Do not bind the programs to processors.")
_ZKEY = typer.Option(None, "--zkey", help="A key of your own for prove, verify, verify_batch.")
_WTNS = typer.Option(None, "--wtns", help="A witness of that key.")
_ROUNDS = typer.Option(9, "--rounds", min=1, max=1000, help="Warm rounds; under 7 is marked.")
_LABEL = typer.Option(None, "--label", help="Any text; random inputs are derived from it.")
_FILE = typer.Argument(help="A result file (chiaro bench run … --out FILE).")


@app.command()
def run(
    context: typer.Context,
    works: list[str] = typer.Argument(help="What to measure: msm_g1, ntt, prove, … or all."),
    sizes: str | None = typer.Option(None, "--sizes", help="2^14,2^16 or 2^10..2^16."),
    threads: str = typer.Option("1", "--threads", help="Comma-separated, each measured."),
    backend: str | None = _BACKENDS,
    compare: str | None = _COMPARE,
    peer: list[str] | None = _PEER,
    rounds: int = _ROUNDS,
    quick: bool = typer.Option(False, "--quick", help=f"{QUICK_ROUNDS} rounds, for a first look."),
    case: str | None = typer.Option(None, "--case", help="Kinds of input; see chiaro bench list."),
    zkey: Path | None = _ZKEY,
    wtns: Path | None = _WTNS,
    label: str | None = _LABEL,
    no_pin: bool = _NO_PIN,
    prepare: bool = typer.Option(False, "--prepare", help="Make the inputs and stop."),
    out: Path | None = typer.Option(None, "--out", "-o", help="Write the result file here."),
) -> None:
    """Measure; programs take turns on identical inputs, and wrong answers do not count."""
    from node.cli import bench_plan, bench_show
    from zk.bench import inputs, results
    from zk.bench import peers as programs
    from zk.bench import works as known

    session: Session = context.obj
    request = bench_plan.Request(
        works=tuple(dict.fromkeys(work for name in works for work in known.find(name))),
        sizes=() if sizes is None else known.parse_sizes(sizes),
        threads=_threads(threads),
        backends=_backends(backend),
        peers=tuple(programs.find(_words(compare), programs.parse_given(peer or []))),
        rounds=QUICK_ROUNDS if quick else rounds,
        cases=tuple(dict.fromkeys(_words(case))),
        seed=label or inputs.DEFAULT_SEED,
        pin=not no_pin,
        profile=session.profile,
        zkey=zkey,
        wtns=wtns,
    )
    if out is not None and out.is_dir():
        raise UsageError(f"{out} is a folder; give a file")
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)  # what cannot be written is known beforehand
    if prepare:
        _prepare(session, request)
        return
    series: list[Series] = []
    command = ["chiaro", *sys.argv[1:]]
    data = results.document(series, command=command, seed=request.seed)
    for job in bench_plan.jobs(request):
        with output.progress(session, "bench") as report:
            series.append(bench_plan.run_one(request, job, report))
        data = results.document(series, command=command, seed=request.seed)
        if out is not None:
            results.write(data, out)  # after each series: what is measured is not lost
        for row in results.rows_of(series[-1], len(series) - 1):
            if row["error"]:
                session.warnings.append(f"{row['peer']} on {bench_show.what(row)}: {row['error']}")
    if any(row["noisy"] for row in data["rows"]):
        session.warnings.append("some rows are noisy (marked ~): see `noise` of the row")
    if any(row["disagrees"] for row in data["rows"]):
        session.exit_code = 1
    shown = {**data, "file": str(out)} if out is not None else data
    output.emit(session, "bench.run", shown, lambda to: bench_show.rows(to, data["rows"]))


@app.command("list")
def list_all(context: typer.Context) -> None:
    """Works with their sizes and cases, backends, and which peers are here."""
    from node.cli import bench_show
    from zk import backends
    from zk.bench import peers
    from zk.bench.works import WORKS, size_text

    session: Session = context.obj
    works = [
        {
            "name": work.name,
            "title": work.title,
            "unit": work.unit,
            "sizes": [size_text(size) for size in work.sizes],
            "cases": list(work.cases),
            "agreement": work.agreement,
        }
        for work in WORKS.values()
    ]
    programs = [
        {
            "name": known.name,
            "about": known.about,
            "installed": peers.installed(known) is not None,
            "install": known.install,
        }
        for known in peers.KNOWN
    ]
    data = {
        "works": works,
        "backends": list(backends.available()),
        "peers": programs,
        "peers_folder": str(peers.folder()),
    }
    output.emit(session, "bench.list", data, lambda to: bench_show.listing(to, data))


@app.command()
def env(context: typer.Context) -> None:
    """The machine, its load, the code and the backends: what every result file records."""
    from dataclasses import asdict

    from node.cli import bench_show
    from zk import backends
    from zk.bench import host

    session: Session = context.obj
    data = {
        "machine": host.to_json(host.machine()),
        "commit": asdict(host.commit()),
        "load": list(host.load()),
        "backends": list(backends.available()),
    }
    output.emit(session, "bench.env", data, lambda to: bench_show.environment(to, data))


@app.command()
def compare(
    context: typer.Context,
    before: Path = _FILE,
    after: Path = _FILE,
    tolerance: float = typer.Option(
        2.0, "--tolerance", min=0, max=100, help="Changes under this many percent count as none."
    ),
) -> None:
    """Our times in two result files: faster, slower, same. Exit 1 when something is slower."""
    from node.cli import bench_show
    from zk.bench import compare as comparing
    from zk.bench import results

    session: Session = context.obj
    found = comparing.compare(results.read(before), results.read(after), tolerance / 100)
    if not found.same_machine:
        session.warnings.append("the files are of different machines: these times do not compare")
    session.exit_code = 1 if any(c.verdict == "slower" for c in found.changes) else 0
    data = bench_show.comparison_data(found)
    output.emit(session, "bench.compare", data, lambda to: bench_show.comparison(to, found))


@app.command()
def check(
    context: typer.Context,
    file: Path = _FILE,
    row: int | None = typer.Option(None, "--row", min=0, help="Only this row; all by default."),
    peer: list[str] | None = _PEER,
    rounds: int | None = typer.Option(None, "--rounds", min=1, max=1000, help="As recorded."),
    zkey: Path | None = _ZKEY,
    wtns: Path | None = _WTNS,
) -> None:
    """Measure recorded rows again. Exit 1 when one is outside its interval or answers otherwise."""
    from node.cli import bench_plan, bench_show
    from zk.bench import compare as comparing
    from zk.bench import host, results
    from zk.bench import peers as programs

    session: Session = context.obj
    data = results.read(file)
    rows: list[Mapping[str, Any]] = [each for each in data["rows"] if not each["error"]]
    if row is not None:
        if row >= len(data["rows"]):
            raise UsageError(f"the file has {len(data['rows'])} rows, counted from 0")
        rows = [data["rows"][row]]
    given = programs.parse_given(peer or [])
    checked = []
    for index in dict.fromkeys(each["series"] for each in rows):
        group = [each for each in rows if each["series"] == index]
        names = [each["peer"] for each in group if each["peer"] is not None]
        wanted = {name: command for name, command in given.items() if name in names}
        request = bench_plan.request_for(
            group[0],
            data,
            backends=tuple(dict.fromkeys(each["backend"] for each in group)),
            peers=tuple(programs.find(list(dict.fromkeys(names)), wanted)),
            rounds=rounds or max(each["rounds"] for each in group),
            profile=session.profile,
            zkey=zkey,
            wtns=wtns,
        )
        with output.progress(session, "check") as report:
            again = _again(request, report)
        for each in group:
            same = [
                r for r in again if (r["backend"], r["peer"]) == (each["backend"], each["peer"])
            ]
            checked.append(comparing.check(each, same[0]))
    if data["machine"]["id"] != host.machine().id:
        session.warnings.append("the file is of another machine")
    session.exit_code = 0 if all(each.ok for each in checked) else 1
    report_data = {"file": str(file), "rows": [bench_show.checked_data(c) for c in checked]}
    output.emit(session, "bench.check", report_data, lambda to: bench_show.checks(to, checked))


@app.command()
def report(
    context: typer.Context,
    files: list[Path] = typer.Argument(help="Result files, drawn together."),
    out: Path = typer.Option(Path("bench.html"), "--out", "-o", help="The page."),
) -> None:
    """One HTML page with plots: who is ahead, and how time grows with size."""
    from node.cli import bench_report
    from zk import files as writing
    from zk.bench import results

    session: Session = context.obj
    page = bench_report.render(
        [results.read(path) for path in files], [path.name for path in files]
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    writing.write(out, page.encode())
    output.emit(session, "bench.report", {"file": str(out)})


@app.command()
def export(
    context: typer.Context,
    files: list[Path] = typer.Argument(help="Result files, taken together."),
    out: Path = typer.Option(..., "--out", "-o", help="The JSON to write."),
) -> None:
    """Proofs in the JSON of privacy-ethereum/csp-benchmarks."""
    from zk import files as writing
    from zk.bench import export as exporting
    from zk.bench import results

    session: Session = context.obj
    metrics, skipped = exporting.csp_metrics(*map(results.read, files))
    session.warnings += skipped
    out.parent.mkdir(parents=True, exist_ok=True)
    writing.write(out, exporting.dump(metrics))
    data = {"file": str(out), "format": exporting.FORMAT, "measurements": len(metrics)}
    session.exit_code = 0 if metrics else 1
    output.emit(session, "bench.export", data)


def _prepare(session: Session, request: Request) -> None:
    """Inputs that take minutes, made before a quiet hour."""
    from node.cli import bench_plan
    from zk.bench.works import size_text

    made = []
    for job in bench_plan.jobs(request):
        with output.progress(session, "inputs") as report:
            size, found = bench_plan.make_inputs(request, job, report)
        made.append(
            {"work": job.work.name, "case": job.case, "size": size, "inputs_sha256": found.sha256}
        )

    def show(to: Console) -> None:
        for each in made:
            label = f"{each['work']} {each['case']} {size_text(int(str(each['size'])))}"
            to.print(f"{label:<34} {str(each['inputs_sha256'])[:16]}", markup=False)

    output.emit(session, "bench.prepare", {"inputs": made}, show)


def _again(request: Request, report: output.Report) -> list[Mapping[str, Any]]:
    """Rows of one series, measured again."""
    from node.cli import bench_plan
    from zk.bench import results

    (job,) = bench_plan.jobs(request)
    return list(results.rows_of(bench_plan.run_one(request, job, report), 0))


def _words(text: str | None) -> list[str]:
    return [word.strip() for word in (text or "").split(",") if word.strip()]


def _threads(text: str) -> tuple[int, ...]:
    words = _words(text)
    if not words or not all(word.isdecimal() and 1 <= int(word) <= 1024 for word in words):
        raise UsageError(f"{text!r} is no list of numbers of threads; write --threads 1,2")
    return tuple(dict.fromkeys(int(word) for word in words))


def _backends(text: str | None) -> tuple[str, ...]:
    from zk import backends
    from zk.errors import BackendError

    names = tuple(dict.fromkeys(_words(text))) or (backends.get().name,)
    for name in names:
        try:
            backends.get(name)
        except BackendError as error:
            here = ", ".join(backends.available())
            raise UsageError(error.message, fix=f"backends that start here: {here}") from None
    return names
