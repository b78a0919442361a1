"""`chiaro private`: what programs reveal and cost, for people and for machines."""

from __future__ import annotations

import pytest

from private_exec.programs.cost import cost
from private_exec.programs.library import PROGRAMS, program


def test_programs_say_what_comes_in_what_comes_out_and_what_it_tells(cli) -> None:
    listed = cli.json("private", "programs").data["programs"]
    assert [each["name"] for each in listed] == list(PROGRAMS)
    for each in listed:
        declared = program(each["name"]).declaration
        assert [i["name"] for i in each["inputs"]] == list(declared.inputs)
        assert [(o["name"], o["to"]) for o in each["outputs"]] == [
            (name, o.to) for name, o in declared.outputs.items()
        ]
        assert each["leaks"] == list(declared.leaks)
    shown = cli("private", "programs").out
    assert "winner: 16 bits to everybody" in shown
    assert "fills: 32 bits to each trader, its own" in shown
    assert all(sentence in shown for p in PROGRAMS.values() for sentence in p.declaration.leaks)


def test_cost_is_that_of_the_program_at_these_sizes(cli) -> None:
    data = cli.json("private", "cost", "auction", "--members", "7", "--size", "bidders=4").data
    made = program("auction").at(bidders=4)
    assert data["digest"] == "0x" + made.digest.hex()
    assert data["sizes"] == {"bidders": 4}
    (row,) = data["costs"]
    said = cost(made, 7)
    assert row["members"] == 7
    assert (row["triples"], row["random_bits"]) == (said.request.triples, said.request.bits)
    assert row["online"] == {"rounds": said.online.rounds, "bytes": said.online.bytes}
    assert (row["opened"], row["cells"]) == (2, 0)
    every = cli.json("private", "cost", "funding").data
    assert [each["members"] for each in every["costs"]] == [4, 7, 10, 13]
    assert every["operations"] == {}
    assert "sums only" in cli("private", "cost", "funding", "--size", "donations=3").out


@pytest.mark.parametrize(
    ("words", "exit_code", "code"),
    [
        (("lottery",), 1, "PRG-003"),
        (("auction", "--members", "5"), 2, "USE-001"),
        (("auction", "--size", "bidders"), 2, "USE-001"),
        (("auction", "--size", "bidders=2", "--size", "bidders=3"), 2, "USE-001"),
        (("auction", "--size", "bidders=" + "9" * 5000), 2, "USE-001"),
        (("auction", "--size", "sellers=3"), 3, "PV-83"),
        (("auction", "--size", "bidders=0"), 3, "PV-83"),
        (("auction", "--size", "bidders=99999999999999999999"), 3, "PV-83"),
    ],
)
def test_refusals_name_what_is_wrong(cli, words, exit_code: int, code: str) -> None:
    refused = cli.json("private", "cost", *words)
    assert refused.code == exit_code
    assert refused.error["code"] == code


HIGHEST = """
from private_exec.programs.functions import maximum
from private_exec.programs.program import private_program
from private_exec.programs.types import Input, Output, Uint

def declared(name):
    return private_program(
        name=name, sizes={"bidders": 2}, leaks=("The highest bid is public.",),
        inputs={"bids": Input(Uint(32), giver="bidder", per="bidders")},
        outputs={"highest": Output(Uint(32))},
    )

@declared("highest")
def highest(bids):
    return {"highest": maximum(bids[0], bids[1])}
"""


def test_a_program_in_a_file_of_ones_own_is_costed(offline, tmp_path) -> None:
    file = tmp_path / "highest.py"
    file.write_text(HIGHEST)
    hidden = tmp_path / ".pyenv" / "a.py.d" / "b.py"
    hidden.parent.mkdir(parents=True)
    hidden.write_text(HIGHEST)
    for name in (str(file), f"{file}:highest", str(hidden), f"{hidden}:highest"):
        data = offline.json("private", "cost", name, "--members", "4").data
        assert data["name"] == "highest"
        assert data["operations"] == {"less": 1, "multiply": 1}


@pytest.mark.parametrize(
    ("text", "suffix", "exit_code", "code", "where"),
    [
        (None, "", 3, "PRG-004", "highest.py"),
        ("x = 1", "", 3, "PRG-004", "highest.py"),
        ("x = 1\ny = x +", "", 3, "PRG-004", "highest.py, line 2"),
        ("x = 1\nx.y", "", 3, "PRG-004", "highest.py, line 2"),
        ("raise SystemExit(0)", "", 3, "PRG-004", "highest.py, line 1"),
        (HIGHEST.replace("maximum(bids[0], bids[1])", "bids / 2"), "", 3, "PRG-004", "line 15"),
        (HIGHEST.replace("maximum(", "max("), "", 3, "PV-82", ""),
        (HIGHEST, ":lowest", 2, "USE-001", "highest.py"),
        (HIGHEST + 'again = declared("again")(highest.body)', "", 2, "USE-001", "highest.py"),
    ],
)
def test_a_file_that_is_no_program_is_refused_with_its_line(
    offline, tmp_path, text, suffix, exit_code, code, where
) -> None:
    file = tmp_path / "highest.py"
    if text is not None:
        file.write_text(text)
    refused = offline.json("private", "cost", f"{file}{suffix}")
    assert (refused.code, refused.error["code"]) == (exit_code, code)
    assert where in (refused.error["where"] or "")
