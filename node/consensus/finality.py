"""Evidence that a block is final, from its commit certificate: what decryption shares wait for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from node.consensus.certificate import CommitCertificate, check_certificate
from node.consensus.errors import CertificateRefused
from node.core.block import Block, tx_root
from node.core.committee import Committee
from node.core.ids import ChainId
from private_exec.errors import NotFinal

BatchRootOf = Callable[[Block], bytes | None]
"""Root of the sealed intents that a block's transactions order; `None` if they order none."""


@dataclass(frozen=True, slots=True)
class CertifiedBlock:
    """`private_exec.final.FinalityEvidence` of one block.

    Attributes:
        chain_id: of this chain.
        committee: that decides the block's height, from this node's own state.
        certificate: whatever was received or gathered; checked whenever it is asked.
        block: with its transactions, to which the header commits.
        root_of: how transactions give the batch root: computed here, never taken from a message.
    """

    chain_id: ChainId
    committee: Committee
    certificate: CommitCertificate
    block: Block
    root_of: BatchRootOf

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
        if self.root_of(self.block) != batch_root:
            raise NotFinal("PX-1", "CL-5: the block does not order this batch", where=where)
