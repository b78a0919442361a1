"""The counter ledger of `crash/kv_node.py`, for every test of the node that needs a small one."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

KV_NODE = Path(__file__).parent / "crash" / "kv_node.py"


@pytest.fixture(scope="session")
def kv_node_path() -> Path:
    return KV_NODE


@pytest.fixture(scope="session")
def kv() -> ModuleType:
    spec = importlib.util.spec_from_file_location("kv_node", KV_NODE)
    module = importlib.util.module_from_spec(spec)
    sys.modules["kv_node"] = module
    spec.loader.exec_module(module)
    return module
