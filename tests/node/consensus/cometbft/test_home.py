"""What goes into CometBFT's configuration, and what does not."""

from __future__ import annotations

import os
import tomllib

import pytest

from node.consensus.cometbft import home
from node.consensus.cometbft.home import Network, Place
from node.execution.mempool import MempoolLimits
from zk.errors import DecodeError

ID = "0123456789abcdef0123456789abcdef01234567"
OTHER = "f" * 40


@pytest.mark.parametrize(
    "text",
    [
        "",
        "127.0.0.1:26656",
        f"{ID}@",
        f"{ID}@127.0.0.1",
        f"{ID.upper()}@127.0.0.1:1",
        f"{ID[1:]}@127.0.0.1:1",
        f"{ID}@127.0.0.1:0",
        f"{ID}@127.0.0.1:65536",
        f'{ID}@a":1',
        f"{ID}@a\n:1",
        f"{ID}@a,{OTHER}@b:1",
        f"{ID}@[::1:1",
    ],
)
def test_ch58_what_is_no_peer_does_not_get_into_the_configuration(text: str) -> None:
    with pytest.raises(DecodeError, match="CH-58"):
        Network(peers=(text,))


@pytest.mark.parametrize("text", ["here", "a:0", 'a"b:1', "a\nb:1", ":1", "a:1:2"])
def test_ch58_what_is_no_address_does_not(text: str) -> None:
    with pytest.raises(DecodeError, match="CH-58"):
        Network(external=text)


def test_ch58_a_private_peer_is_a_peer() -> None:
    with pytest.raises(DecodeError, match="CH-58"):
        Network(peers=(f"{ID}@a:1",), private=(OTHER,))


def test_ch58_a_sentry_keeps_quiet_about_its_validator(tmp_path, genesis) -> None:
    peers = (f"{ID}@10.0.0.5:26656", f"{OTHER}@[2001:db8::1]:26656")
    network = Network(peers, (ID,), exchange=True, external="sentry.example.org:26656")
    place = Place(os.urandom(32), "0.0.0.0:26656")
    home.make(tmp_path, genesis, None, place, network=network)
    found = tomllib.loads((tmp_path / "config" / "config.toml").read_text())["p2p"]
    assert found["persistent_peers"] == ",".join(peers)
    assert found["private_peer_ids"] == found["unconditional_peer_ids"] == ID
    assert found["pex"] is True
    assert found["external_address"] == "sentry.example.org:26656"
    home.make(tmp_path, genesis, None, place)
    found = tomllib.loads((tmp_path / "config" / "config.toml").read_text())["p2p"]
    assert found["pex"] is False
    assert found["private_peer_ids"] == found["persistent_peers"] == ""


def test_the_engines_mempool_has_room_for_ours_and_no_more_than_it_can_ask_about(
    tmp_path, genesis
) -> None:
    home.make(tmp_path, genesis, None, Place(os.urandom(32), "127.0.0.1:1"))
    found = tomllib.loads((tmp_path / "config" / "config.toml").read_text())["mempool"]
    ours = MempoolLimits()
    assert ours.most < found["size"] <= 5000
    assert ours.most_bytes < found["max_txs_bytes"] <= 32 * 1024 * 1024
    assert found["recheck"] is True
    assert found["recheck_timeout"] == "1s"


def test_a_folder_of_any_name_gives_a_configuration_that_can_be_read(tmp_path, genesis) -> None:
    folder = tmp_path / 'a "quoted" \\ name, größer 𝒩'
    place = Place(os.urandom(32), "127.0.0.1:26656")
    sync = home.StateSync(("127.0.0.1:1", "127.0.0.1:2"), 5, bytes(32))
    home.make(folder, genesis, None, place, network=Network(sync=sync))
    found = tomllib.loads((folder / "config" / "config.toml").read_text())
    assert found["proxy_app"] == f"unix://{folder / home.ABCI_SOCKET}"
    assert found["rpc"]["laddr"] == f"unix://{folder / home.RPC_SOCKET}"
    assert found["statesync"]["temp_dir"] == str(folder / "data")
    assert home.syncs(folder)
