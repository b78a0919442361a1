"""IR text to callable machine code, through an object cache that never serves stale code.

The key of a cached object is a hash of everything that determines it: IR text, triple, CPU name,
feature string, LLVM's and this format's version. The file repeats the key and carries a digest of
the object, so a damaged, truncated or foreign file is rebuilt instead of run. Writes are atomic;
a cache that cannot be written only costs time.

The features passed to LLVM are those of this very machine, and the IR uses no target-specific
instruction, so the code runs wherever it was compiled.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from zk import files, params
from zk.errors import BackendError

_MAGIC: Final = b"CHIAROBJ1\n"
_KEY_BYTES: Final = 32
_FOLDER: Final = "kernels"


@dataclass(frozen=True, slots=True)
class Compiled:
    """A loaded object. It must outlive every use of its addresses.

    Attributes:
        addresses: symbol → address.
        cached: whether the object came from the cache.
        owner: what keeps the code in memory.
    """

    addresses: Mapping[str, int]
    cached: bool
    owner: Any

    def bind(self, name: str, *kinds: Any, returns: Any = None) -> Any:
        """A callable of one exported function; ctypes releases the GIL while it runs."""
        return ctypes.CFUNCTYPE(returns, *kinds)(self.addresses[name])


@dataclass(frozen=True, slots=True)
class Target:
    """What code is made for."""

    triple: str
    cpu: str
    features: str
    llvm: str

    def key(self, text: str) -> bytes:
        """Hash of everything that the machine code depends on."""
        digest = hashlib.blake2b(digest_size=_KEY_BYTES)
        for part in (_MAGIC.decode(), text, self.triple, self.cpu, self.features, self.llvm):
            data = part.encode()
            digest.update(len(data).to_bytes(8, "little") + data)
        return digest.digest()


def host() -> Target:
    """This machine, as LLVM sees it.

    Raises:
        BackendError: LLVM cannot be loaded here.
    """
    try:
        import llvmlite.binding as llvm

        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        if assembles():
            llvm.initialize_native_asmparser()
        return Target(
            triple=llvm.get_process_triple(),
            cpu=llvm.get_host_cpu_name(),
            features=llvm.get_host_cpu_features().flatten(),
            llvm=".".join(str(v) for v in llvm.llvm_version_info),
        )
    except (ImportError, AttributeError, OSError, RuntimeError) as error:
        raise BackendError(
            "LLVM cannot be used here",
            why="compiled kernels need llvmlite and executable memory",
            fix="reinstall llvmlite, or use the backend `reference`",
        ) from error


def assembles() -> bool:
    """Whether modules may contain assembly: without a parser for it LLVM ends the process."""
    import llvmlite.binding as llvm

    return hasattr(llvm, "initialize_native_asmparser")


def load(text: str, exports: tuple[str, ...], *, folder: Path | None = None) -> Compiled:
    """Machine code of an IR module, from the cache where it matches exactly.

    Args:
        text: IR without target lines.
        exports: symbols whose addresses are wanted.
        folder: where objects are kept; `kernels/` in the cache of `zk.params` by default.

    Raises:
        BackendError: LLVM cannot be used here or refuses the module.
    """
    target = host()
    key = target.key(text)
    where = _cache_folder() if folder is None else folder
    path = None if where is None else where / f"{key.hex()[:32]}.o"
    data = None if path is None else _read(path, key)
    cached = data is not None
    try:
        if data is None:
            data = _build(text, target)
            if path is not None:
                _write(path, key, data)
        return _link(data, exports, cached=cached)
    except (AttributeError, TypeError, RuntimeError, OSError) as error:
        raise BackendError("kernels cannot be compiled here", where=str(error)[:200]) from error


def _machine(target: Target) -> Any:
    import llvmlite.binding as llvm

    return llvm.Target.from_triple(target.triple).create_target_machine(
        cpu=target.cpu, features=target.features, opt=3, reloc="pic", jit=True
    )


def _build(text: str, target: Target) -> bytes:
    import llvmlite.binding as llvm

    machine = _machine(target)
    header = f'target triple = "{target.triple}"\ntarget datalayout = "{machine.target_data}"\n'
    module = llvm.parse_assembly(header + text)
    module.verify()
    options = llvm.PipelineTuningOptions(speed_level=2)
    options.loop_vectorization = False
    options.slp_vectorization = False
    options.loop_unrolling = False
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    return bytes(machine.emit_object(module))


def _link(data: bytes, exports: tuple[str, ...], *, cached: bool) -> Compiled:
    import llvmlite.binding as llvm

    engine = llvm.create_lljit_compiler()
    library = llvm.JITLibraryBuilder().add_object_img(data).add_current_process()
    for name in exports:
        library.export_symbol(name)
    tracker = library.link(engine, "chiaro")
    return Compiled({name: tracker[name] for name in exports}, cached, (engine, tracker))


def _cache_folder() -> Path | None:
    folder = params.cache_dir() / _FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder


def _read(path: Path, key: bytes) -> bytes | None:
    """The object of a cache file, or nothing when it is missing, damaged or another one."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    start = len(_MAGIC) + 2 * _KEY_BYTES
    if len(data) <= start or not data.startswith(_MAGIC + key):
        return None
    body = data[start:]
    digest = hashlib.blake2b(key + body, digest_size=_KEY_BYTES).digest()
    return body if data[start - _KEY_BYTES : start] == digest else None


def _write(path: Path, key: bytes, body: bytes) -> None:
    """Atomic: readers see the old file, the new one or none. A failure costs only time."""
    digest = hashlib.blake2b(key + body, digest_size=_KEY_BYTES).digest()
    with contextlib.suppress(OSError):
        files.write(path, _MAGIC + key + digest + body, mode=files.PRIVATE)
