"""An application over counters behind a socket, which may be killed and started again."""

from __future__ import annotations

import pytest

from node.testing.walks import Host


@pytest.fixture
def make_host():
    hosts: list[Host] = []

    def make() -> Host:
        hosts.append(Host())
        return hosts[-1]

    yield make
    for host in hosts:
        host.close()  # nothing may be left in its folder


@pytest.fixture
def host(make_host) -> Host:
    return make_host()
