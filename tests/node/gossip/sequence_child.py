"""Signs statements and prints them until it is killed: `python sequence_child.py FILE`."""

from __future__ import annotations

import sys
from pathlib import Path

from node.gossip import sequence
from node.gossip.message import originate
from node.testing.network import CHAIN, intent, signer_of

sequence.AT_ONCE = 3
signer = signer_of("restarted")
with sequence.SequenceFile(Path(sys.argv[1]), signer.node, CHAIN) as numbers:
    while True:
        number = numbers.take()
        said = originate(signer, number, intent(f"{sys.argv[2]}/{number}")).statements()[0]
        sys.stdout.write(f"{said.seq} {said.content.hex()} {said.signature.hex()}\n")
        sys.stdout.flush()
