"""Measuring this prover and others on the same work, so that the figures can be trusted.

    works      what can be measured, and how answers are compared
    inputs     the same bytes for everyone, made from a seed, named by their SHA-256
    tasks      how the works are done here; worker: a process that does them on request
    peers      other programs, driven over the protocol chiaro-peer/1
    harness    cold and warm, in turns, answers compared before a time counts
    least      the least time of some repetitions, for figures of single steps
    results    the file format chiaro-bench/2; compare, report, export read it

A program is measured in a process of its own, ours like any other; see docs/bench.md.
"""

from __future__ import annotations

from zk.bench.host import Machine, machine
from zk.bench.measure import SCHEMA, Result, measure

__all__ = ["SCHEMA", "Machine", "Result", "machine", "measure"]
