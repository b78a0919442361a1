"""What code is made for: this machine, as LLVM sees it."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from typing import Final

from zk.errors import BackendUnavailable

KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Target:
    """What code is made for.

    Attributes:
        triple: architecture, vendor, system.
        cpu: LLVM's name of the processor.
        features: comma-separated, each with + or −; what decides which instructions may occur.
        llvm: versions of LLVM and of llvmlite.
    """

    triple: str
    cpu: str
    features: str
    llvm: str

    def key(self, *texts: str | bytes) -> bytes:
        """Hash of some texts and of everything else that the machine code depends on."""
        digest = hashlib.blake2b(digest_size=KEY_BYTES)
        for part in (*texts, self.triple, self.cpu, self.features, self.llvm):
            data = part.encode() if isinstance(part, str) else part
            digest.update(len(data).to_bytes(8, "little") + data)
        return digest.digest()

    def lacks(self, features: tuple[str, ...]) -> tuple[str, ...]:
        """Which of some features this machine does not have."""
        present = set(self.features.split(","))
        return tuple(feature for feature in features if f"+{feature}" not in present)


@functools.cache
def host() -> Target:
    """This machine; LLVM is ready to make code for it afterwards.

    Raises:
        BackendUnavailable: LLVM cannot be loaded here.
    """
    try:
        import llvmlite
        import llvmlite.binding as llvm

        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        if assembles():
            llvm.initialize_native_asmparser()
        version = ".".join(str(v) for v in llvm.llvm_version_info)
        return Target(
            triple=llvm.get_process_triple(),
            cpu=llvm.get_host_cpu_name(),
            features=llvm.get_host_cpu_features().flatten(),
            llvm=f"{version} llvmlite {llvmlite.__version__}",
        )
    except (ImportError, AttributeError, OSError, RuntimeError) as error:
        raise BackendUnavailable(
            "LLVM cannot be used here",
            why="compiled kernels need llvmlite and executable memory",
            fix="reinstall llvmlite, or use the backend `reference`",
        ) from error


def assembles() -> bool:
    """Whether modules may contain assembly: without a parser for it LLVM ends the process."""
    import llvmlite.binding as llvm

    return hasattr(llvm, "initialize_native_asmparser")
