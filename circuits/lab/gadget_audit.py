"""Gadgets examined one by one, and through all assignments over a small field."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from circuits.lab.audit import Certificate, audit
from circuits.lab.gadgets import CATALOGUE, Gadget
from circuits.lab.reasons import Reasons
from zk.interfaces import Progress


def examine(gadget: Gadget, seed: str = "0") -> Certificate:
    """The certificate of one gadget."""
    reasons = Reasons(gadget.reasons, gadget.divisions, gadget.rows)
    certificate = audit(gadget.subject(), reasons, seed, every_row=True)
    found = gadget.look_through()
    if gadget.small is None or found is None:
        return certificate
    wrong = [v for v in gadget.tried() if gadget.small.admits(v) != (v in set(found.admitted))]
    two = [values for values, _, _ in found.ambiguous if not gadget.small.ambiguous(values)]
    certificate.unexplained += [f"over F_{found.modulus}: decided wrongly: {v}" for v in wrong]
    certificate.unexplained += [f"over F_{found.modulus}: two outputs for {v}" for v in two]
    certificate.data["small_field"] = {
        "modulus": found.modulus,
        "inputs": found.inputs,
        "admitted": len(found.admitted),
        "ambiguous": len(found.ambiguous),
    }
    return certificate


def examine_all(
    seed: str = "0",
    progress: Progress | None = None,
    gadgets: Iterable[Gadget] | None = None,
) -> dict[str, Any]:
    """One document for all gadgets: totals as in a statement's certificate, and each by name."""
    chosen = list(CATALOGUE.values() if gadgets is None else gadgets)
    documents = {}
    for done, gadget in enumerate(chosen):
        if progress is not None:
            progress("gadgets", done / len(chosen))
        documents[gadget.name] = examine(gadget, seed).document()
    survivors = [
        {"gadget": name, **survivor}
        for name, document in documents.items()
        for survivor in document["survivors"]
    ]
    return {
        "gadgets": documents,
        "mutants": sum(d["mutants"] for d in documents.values()),
        "killed": sum(d["killed"] for d in documents.values()),
        "survivors": survivors,
        "unexplained": [
            f"{name}: {text}" for name, d in documents.items() for text in d["unexplained"]
        ],
        "passed": all(d["passed"] for d in documents.values()),
    }
