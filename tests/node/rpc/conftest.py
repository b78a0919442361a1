"""A node in memory that serves, for a whole module; and HTTP without our client."""

from __future__ import annotations

import httpx
import pytest

from node.testing.nodes import memory_node, serving


@pytest.fixture(scope="module")
def client():
    with serving(memory_node()) as found:
        yield found


@pytest.fixture
def http(client):
    with httpx.Client(base_url=client.url, trust_env=False) as found:
        yield found


@pytest.fixture(scope="module")
def alice(client, make_person):
    person = make_person(client, b"alice")
    client.faucet(person.account, 10**9)
    return person
