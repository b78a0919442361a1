"""`node.toml`: strict, and of one piece with its folder."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.app import choices, settings
from node.app.errors import BadSettings
from node.app.options import Options
from node.app.roles import KEYS, NATS_FILES, NO_NODE, ROLES
from node.app.validator import create_key

PAGE = Path(__file__).parents[2] / "docs" / "production.md"
WORDS = argparse.Namespace(
    host=None, port=None, allow_remote=False, delay_ms=None, empty_blocks=False,
    lane_tick_ms=None, explorer=None, gossip_cut=None, cometbft=False, binary=None, metrics=None,
    nats=None, snapshot_interval=None, retain_heights=None,
    **{f"nats_{name}": None for name in NATS_FILES},
)  # fmt: skip


def written(home: Path, text: str) -> None:
    (home / settings.SETTINGS_FILE).write_text(text)


REFUSED = {
    "no TOML": "[node",
    "an unknown section": "[nodes]\nrole = 'full'\n",
    "an unknown key": "[node]\nrol = 'full'\n",
    "a key outside a section": "role = 'full'\n",
    "another role": "[node]\nrole = 'king'\n",
    "text for a number": "[gossip]\ncut = '1'\n",
    "a number for a switch": "[gossip]\non = 1\n",
    "a switch for a number": "[gossip]\ncut = true\n",
    "a fraction": "[gossip]\ncut = 1.0\n",
    "below": "[gossip]\ncut = -1\n",
    "too few": "[node]\nretain_heights = 255\n",
    "above": "[node]\ndelay_ms = 60001\n",
    "no address": "[node]\nrpc = '127.0.0.1'\n",
    "a port that does not exist": "[node]\nrpc = '127.0.0.1:65536'\n",
    "another mode": "[engine]\nmode = 'both'\n",
    "a number without an end": "[gossip]\ncut = " + "9" * 5000,
    "nesting without an end": "[gossip]\ncut = " + "[" * 20_000,
    "control characters": '[engine]\nbinary = "a\\u0007b"\n',
    "a table in place of a value": "[node.rpc]\nhost = 'a'\n",
}


@pytest.mark.parametrize("what", REFUSED)
def test_rpc50_what_is_not_in_the_table_is_refused_by_name(what: str, tmp_path: Path) -> None:
    written(tmp_path, REFUSED[what])
    with pytest.raises(BadSettings, match="RPC-50") as refused:
        settings.load(tmp_path)
    assert settings.SETTINGS_FILE in refused.value.where


def test_rpc50_a_light_client_is_no_node(tmp_path: Path) -> None:
    written(tmp_path, f"[node]\nrole = '{NO_NODE}'\n")
    with pytest.raises(BadSettings, match="RPC-50: a light client"):
        settings.load(tmp_path)


def test_rpc50_a_file_without_an_end_is_not_read(tmp_path: Path) -> None:
    written(tmp_path, "#" * (settings.MAX_BYTES + 1))
    with pytest.raises(BadSettings, match="RPC-50: more than"):
        settings.load(tmp_path)


def test_rpc50_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / settings.SETTINGS_FILE)
    with pytest.raises(BadSettings, match="RPC-50: it cannot be read: not a file"):
        settings.load(tmp_path)


TEXT = st.text(alphabet='ab1:.["\\\n', max_size=8)
VALUES = {str: TEXT, int: st.integers(), bool: st.booleans()}


@given(
    st.dictionaries(
        st.sampled_from(sorted(KEYS)), st.one_of(*VALUES.values(), st.floats(), st.none())
    )
)
def test_rpc50_settings_are_taken_whole_or_refused(said) -> None:
    try:
        found = settings.of(said)
    except BadSettings as error:
        assert "RPC-50" in error.message or "RPC-51" in error.message
        return
    assert {name: found.values[name] for name in said} == said
    assert set(found.values) == set(KEYS)
    assert all(type(found.values[name]) is type(KEYS[name].default) for name in KEYS)


@pytest.mark.parametrize("role", ROLES)
def test_what_is_saved_is_what_is_loaded(role: str, tmp_path: Path) -> None:
    said = {"node.role": role, "node.rpc": "[::1]:0", "gossip.on": False, "gossip.cut": 7}
    settings.save(tmp_path, said)
    found = settings.load(tmp_path)
    assert found == settings.of(said)
    assert found.place("node.rpc") == ("::1", 0)
    assert found.place("node.metrics") is None


def test_words_count_more_than_the_file_and_the_file_more_than_its_role(tmp_path, genesis) -> None:
    from node.app.node import Node

    Node.create(tmp_path, genesis)
    assert choices.load(tmp_path, WORDS) == Options(disk_reserve=1 << 30)  # there is no file
    settings.save(tmp_path, {"node.role": "gossip", "node.rpc": "127.0.0.1:7"})
    assert choices.load(tmp_path, WORDS).gossip_cut == 10
    settings.save(tmp_path, {"node.role": "gossip", "gossip.cut": 3, "node.metrics": "[::1]:9"})
    found = choices.load(tmp_path, WORDS)
    assert (found.gossip_cut, found.metrics) == (3, ("::1", 9))
    said = argparse.Namespace(**{**vars(WORDS), "gossip_cut": 0, "port": 8, "metrics": ""})
    found = choices.load(tmp_path, said)
    assert (found.gossip_cut, found.port, found.metrics) == (0, 8, None)
    said.metrics = "here"
    with pytest.raises(BadSettings, match="RPC-50"):
        choices.load(tmp_path, said)


def test_rpc51_who_votes_has_a_key_and_who_has_a_key_votes(tmp_path, genesis) -> None:
    from node.app.node import Node

    Node.create(tmp_path, genesis)
    settings.save(tmp_path, {"node.role": "validator"})
    with pytest.raises(BadSettings, match="RPC-51: role validator votes, and no key"):
        choices.load(tmp_path, WORDS)
    create_key(tmp_path)
    with pytest.raises(BadSettings, match="RPC-51: role validator votes, and its key is none"):
        choices.load(tmp_path, WORDS)
    settings.save(tmp_path, {"node.role": "full"})
    with pytest.raises(BadSettings, match="RPC-51: role full does not vote"):
        choices.load(tmp_path, WORDS)


def test_rpc51_an_archive_forgets_nothing() -> None:
    with pytest.raises(BadSettings, match="RPC-51: an archive"):
        settings.of({"node.role": "archive", "node.retain_heights": 9999})
    assert settings.of({"node.role": "full", "node.retain_heights": 9999}).number(
        "node.retain_heights"
    )


def test_the_page_has_every_setting_and_every_role() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name, key in KEYS.items():
        shown = str(key.default).lower() if isinstance(key.default, bool) else str(key.default)
        assert f"| `{name}` | {f'`{shown}`' if shown else 'none'} | {key.text} |" in text, name
    for name, role in ROLES.items():
        row = next(line for line in text.splitlines() if line.startswith(f"| `{name}` |"))
        assert role.text in row
        for setting, value in role.values.items():
            shown = str(value).lower() if isinstance(value, bool) else str(value)
            assert f"`{setting} = {shown}`" in row, (name, setting)
