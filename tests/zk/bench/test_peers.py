"""How peers are found."""

from __future__ import annotations

import pytest

from zk.bench import peers
from zk.bench.errors import BenchError, PeerMissing


@pytest.fixture
def none_built(tmp_path, monkeypatch):
    monkeypatch.setenv(peers.ENV_PEERS, str(tmp_path))
    monkeypatch.setattr(peers, "_ROOT", tmp_path)
    return tmp_path


@pytest.mark.parametrize("known", peers.KNOWN, ids=lambda known: known.name)
def test_a_peer_that_is_not_built_says_how_to_get_it(none_built, known):
    with pytest.raises(PeerMissing, match=f"{known.name} is not built here") as caught:
        peers.find([known.name], {})
    assert known.install in caught.value.fix


def test_an_unknown_peer_names_the_known_ones(none_built):
    with pytest.raises(PeerMissing) as caught:
        peers.find(["snarkks"], {})
    assert "snarkjs" in caught.value.fix
    assert "--peer snarkks=COMMAND" in caught.value.fix


@pytest.mark.parametrize("known", peers.KNOWN, ids=lambda known: known.name)
def test_a_built_peer_is_found_by_its_files(none_built, known):
    for item in known.needs:
        path = item.replace("{peers}", str(none_built)).replace("{root}", str(none_built))
        from pathlib import Path

        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).touch()
    (found,) = peers.find([known.name], {})
    assert found.name == known.name
    assert not any("{" in word for word in found.words)


def test_a_given_command_comes_before_a_built_one_and_is_taken_unasked(none_built):
    found = peers.find(["gnark"], {"gnark": "./mine --fast 'a b'", "new": "x"})
    assert [command.name for command in found] == ["gnark", "new"]
    assert found[0].words == ("./mine", "--fast", "a b")


@pytest.mark.parametrize("item", ["", "name", "=x", "name=", "two words=x", "name=  "])
def test_what_names_no_peer_is_refused(item):
    with pytest.raises(BenchError, match="names no peer"):
        peers.parse_given([item])


def test_an_open_quote_in_a_command_is_refused(none_built):
    with pytest.raises(BenchError, match="cannot be read"):
        peers.find([], {"mine": "run 'this"})
