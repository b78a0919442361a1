"""Evidence that a block is final: what decryption shares wait for.

`CertifiedBlock` has it from a commit certificate. `CommittedBlock` has it from this node's own
disk, which is all there is where one validator decides alone. `DecidedBlock` has it from
there, too, where an engine decides for several and has this node finalize nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from node.consensus.certificate import CommitCertificate, check_certificate
from node.consensus.errors import CertificateRefused
from node.core.block import Block, tx_root
from node.core.committee import Committee
from node.core.ids import ChainId, Height
from node.store.chain import Chain
from private_exec.errors import NotFinal

RootsOf = Callable[[Block], Collection[bytes]]
"""Roots of the batches of sealed intents that a block closes, one for each domain at most."""


@dataclass(frozen=True, slots=True)
class CertifiedBlock:
    """`private_exec.final.FinalityEvidence` of one block.

    Attributes:
        chain_id: of this chain.
        committee: that decides the block's height, from this node's own state.
        certificate: whatever was received or gathered; checked whenever it is asked.
        block: with its transactions, to which the header commits.
        roots_of: how a block gives its batches: computed here, never taken from a message.
    """

    chain_id: ChainId
    committee: Committee
    certificate: CommitCertificate
    block: Block
    roots_of: RootsOf

    def confirm(self, height: int, block_hash: bytes, batch_root: bytes) -> None:
        """CL-5: the block asked for is the certified one, and its transactions give this batch.

        Raises:
            NotFinal: PX-1; the message names the CL-n that failed.
        """
        header, where = self.block.header, f"height {height}"
        asked = (height, block_hash)
        if asked != (header.height, header.hash) or asked != (
            self.certificate.height,
            self.certificate.block_hash,
        ):
            raise NotFinal("PX-1", "CL-5: the certificate is of another block", where=where)
        if header.tx_root != tx_root(self.block.txs):
            raise NotFinal("PX-1", "CL-5: transactions are not the header's", where=where)
        try:
            check_certificate(self.certificate, self.committee, self.chain_id)
        except CertificateRefused as error:
            raise NotFinal("PX-1", error.message, where=where) from error
        if batch_root not in self.roots_of(self.block):
            raise NotFinal("PX-1", "CL-5: the block does not order this batch", where=where)


@dataclass(frozen=True, slots=True)
class CommittedBlock:
    """`private_exec.final.FinalityEvidence` where this node's validator is the only one.

    Attributes:
        chain: what this node has on its disk.
        validators: of the chain.
        own: consensus key of this node.
        roots_of: as in `CertifiedBlock`.
    """

    chain: Chain
    validators: Sequence[bytes]
    own: bytes
    roots_of: RootsOf

    def confirm(self, height: int, block_hash: bytes, batch_root: bytes) -> None:
        """CL-6: nobody else decides, and the block is on this node's disk at its height.

        Raises:
            NotFinal: PX-1; the message names CL-6.
        """
        where = f"height {height}"
        if tuple(self.validators) != (self.own,):
            raise NotFinal("PX-1", "CL-6: this node does not decide alone", where=where)
        check_on_disk("CL-6", self.chain, height, block_hash, batch_root, self.roots_of)


@dataclass(frozen=True, slots=True)
class DecidedBlock:
    """`private_exec.final.FinalityEvidence` where CometBFT decides.

    A block gets to this node's disk by `finalize_block`, which CometBFT calls for decided blocks
    only, and `commit`. A proposal that was merely voted for is on no disk.

    Attributes:
        chain: what this node has on its disk; written by the engine's calls alone.
        roots_of: as in `CertifiedBlock`.
    """

    chain: Chain
    roots_of: RootsOf

    def confirm(self, height: int, block_hash: bytes, batch_root: bytes) -> None:
        """CL-7: the engine decided the block of this height, and its commit is on the disk.

        Raises:
            NotFinal: PX-1; the message names CL-7.
        """
        check_on_disk("CL-7", self.chain, height, block_hash, batch_root, self.roots_of)


def check_on_disk(
    rule: str,
    chain: Chain,
    height: int,
    block_hash: bytes,
    batch_root: bytes,
    roots_of: RootsOf,
) -> None:
    """The block is on this node's disk at its height, and orders the batch.

    Raises:
        NotFinal: PX-1; the message names `rule`.
    """
    where = f"height {height}"
    if not chain.first <= height <= chain.height:  # SN-17
        raise NotFinal("PX-1", f"{rule}: the block is not on this node's disk", where=where)
    block = chain.block(Height(height))
    if block.header.hash != block_hash:
        raise NotFinal("PX-1", f"{rule}: another block has this height", where=where)
    if batch_root not in roots_of(block):
        raise NotFinal("PX-1", f"{rule}: the block does not order this batch", where=where)
