"""IR to callable machine code, through a cache that never serves stale code.

An object is stored under the hash of everything that determines it: IR text, triple, CPU name,
feature string, versions of LLVM and llvmlite, passes. A library (`Recipe`) has one more entry,
under the hash of the sources that write its IR (`sources`) and of the same machine; its content is
the key of the object. So a warm start reads two files and writes no IR; code that was edited
without another IR leads to the same object; and `verified` writes the IR all the same and compares.

The features passed to LLVM are those of this very machine, and the IR uses no target-specific
instruction, so the code runs wherever it was compiled.
"""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from zk.errors import BackendError
from zk.kernels import objects, sources
from zk.kernels.emit import Module
from zk.kernels.target import Target, assembles, host

__all__ = ["FULL", "LIGHT", "Compiled", "Recipe", "Target", "assembles", "build", "host", "load"]

LIGHT: Final = ("sroa", "simplify_cfg")
"""Passes for code that is written as it shall run: stack slots become registers, no more."""
FULL: Final = ("O2",)
"""LLVM's pipeline without its vectorisers: for functions of a few instructions that call others."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """A library that can be made.

    Attributes:
        name: of the files in the cache, and for people.
        build: writes the IR, and depends on nothing but its arguments and code.
        arguments: what `build` is called with.
        passes: `LIGHT` or `FULL`.
    """

    name: str
    build: Callable[..., Module]
    arguments: tuple[str, ...] = ()
    passes: tuple[str, ...] = LIGHT

    def text(self) -> str:
        """The IR."""
        return self.build(*self.arguments).text()

    def key(self, target: Target) -> bytes | None:
        """Hash of what the library follows from; none where `sources` does not cover its code."""
        if sources.DIGEST is None or not sources.ours(self.build.__module__):
            return None
        code = (self.build.__module__, self.build.__qualname__, *self.arguments)
        return target.key(objects.MAGIC, self.name, sources.DIGEST, *code, *self.passes)


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


def load(
    text: str,
    exports: tuple[str, ...],
    *,
    folder: Path | None = None,
    passes: tuple[str, ...] = FULL,
) -> Compiled:
    """Machine code of an IR module, from the cache where it matches exactly.

    Args:
        text: IR without target lines.
        exports: symbols whose addresses are wanted.
        folder: where objects are kept; `kernels/` in the cache of `zk.params` by default.
        passes: `LIGHT` or `FULL`.

    Raises:
        BackendError: LLVM cannot be used here or refuses the module.
    """
    data, cached = _object(text, passes, host(), folder or objects.folder())
    return _link(data, exports, cached=cached)


def load_recipe(
    recipe: Recipe, exports: tuple[str, ...], *, folder: Path | None = None
) -> Compiled:
    """A library, from the cache where everything that it follows from is the same.

    Args:
        recipe: how it is made.
        exports: symbols whose addresses are wanted.
        folder: where objects are kept; `kernels/` in the cache of `zk.params` by default.

    Raises:
        BackendError: LLVM cannot be used here or refuses the module.
    """
    data, cached = obtain(recipe, folder=folder)
    return _link(data, exports, cached=cached)


def obtain(recipe: Recipe, *, folder: Path | None = None) -> tuple[bytes, bool]:
    """The object of a library, and whether it was in the cache; another process is waited for.

    Raises:
        BackendError: LLVM cannot be used here or refuses the module.
    """
    target = host()
    where = objects.folder() if folder is None else folder
    key = recipe.key(target)
    if where is None or key is None:
        return _object(recipe.text(), recipe.passes, target, where)
    found = _known(recipe, key, where)
    if found is not None:
        return found, True
    with objects.lock(where / f"{recipe.name}.lock"):
        found = _known(recipe, key, where)
        return (found, True) if found is not None else _made(recipe, key, target, where)


def verified(recipe: Recipe, *, folder: Path | None = None) -> bool:
    """Whether the cache has this library, and has it for the very IR that the code writes now.

    Where it does not, the entry is dropped.

    Raises:
        BackendError: LLVM cannot be used here.
    """
    target = host()
    where = objects.folder() if folder is None else folder
    key = recipe.key(target)
    if where is None or key is None or _known(recipe, key, where) is None:
        return False
    right = _object_key(recipe.text(), recipe.passes, target)
    if objects.read(_entry(recipe, key, where), key) == right:
        return True
    with contextlib.suppress(OSError):
        _entry(recipe, key, where).unlink(missing_ok=True)
    return False


def present(recipe: Recipe, *, folder: Path | None = None) -> bool:
    """Whether the cache has an entry of this library; its content is not looked at."""
    where = objects.folder() if folder is None else folder
    key = recipe.key(host())
    return where is not None and key is not None and _entry(recipe, key, where).exists()


def _entry(recipe: Recipe, key: bytes, folder: Path) -> Path:
    return folder / f"{recipe.name}-{key.hex()[:24]}.key"


def _known(recipe: Recipe, key: bytes, folder: Path) -> bytes | None:
    """The object that a library's entry leads to."""
    leads = objects.read(_entry(recipe, key, folder), key)
    return None if leads is None else objects.read(_object_path(leads, folder), leads)


def _made(recipe: Recipe, key: bytes, target: Target, folder: Path) -> tuple[bytes, bool]:
    text = recipe.text()
    made = _object(text, recipe.passes, target, folder)
    if not sources.changed():
        leads = _object_key(text, recipe.passes, target)
        objects.write(_entry(recipe, key, folder), key, leads)
    return made


def _object_key(text: str, passes: tuple[str, ...], target: Target) -> bytes:
    return target.key(objects.MAGIC, text, *passes)


def _object_path(key: bytes, folder: Path) -> Path:
    return folder / f"{key.hex()[:32]}.o"


def _object(
    text: str, passes: tuple[str, ...], target: Target, folder: Path | None
) -> tuple[bytes, bool]:
    """The object of an IR module, and whether it was in the cache."""
    key = _object_key(text, passes, target)
    path = None if folder is None else _object_path(key, folder)
    data = None if path is None else objects.read(path, key)
    if data is not None:
        return data, True
    try:
        data = build(text, target, passes)
    except (AttributeError, TypeError, RuntimeError, OSError) as error:
        raise _refused(error) from error
    if path is not None:
        objects.write(path, key, data)
    return data, False


def build(text: str, target: Target, passes: tuple[str, ...] = FULL) -> bytes:
    """An object file of an IR module, for any target that LLVM was told to support.

    Args:
        text: IR without target lines.
        target: what to make code for. Instructions that it lacks end the process: compare first.
        passes: `LIGHT` or `FULL`.

    Raises:
        RuntimeError: LLVM refuses the module.
    """
    import llvmlite.binding as llvm

    machine = llvm.Target.from_triple(target.triple).create_target_machine(
        cpu=target.cpu, features=target.features, opt=3, reloc="pic", jit=True
    )
    header = f'target triple = "{target.triple}"\ntarget datalayout = "{machine.target_data}"\n'
    module = llvm.parse_assembly(header + text)
    module.verify()
    options = llvm.PipelineTuningOptions(speed_level=2)
    options.loop_vectorization = False
    options.slp_vectorization = False
    options.loop_unrolling = False
    builder = llvm.create_pass_builder(machine, options)
    if passes == FULL:
        manager = builder.getModulePassManager()
    else:
        manager = llvm.create_new_module_pass_manager()
        for name in passes:
            getattr(manager, f"add_{name}_pass")()
    manager.run(module, builder)
    return bytes(machine.emit_object(module))


def _link(data: bytes, exports: tuple[str, ...], *, cached: bool) -> Compiled:
    import llvmlite.binding as llvm

    try:
        engine = llvm.create_lljit_compiler()
        library = llvm.JITLibraryBuilder().add_object_img(data).add_current_process()
        for name in exports:
            library.export_symbol(name)
        tracker = library.link(engine, "chiaro")
        addresses = {name: tracker[name] for name in exports}
    except (AttributeError, TypeError, RuntimeError, OSError) as error:
        raise _refused(error) from error
    return Compiled(addresses, cached, (engine, tracker))


def _refused(error: Exception) -> BackendError:
    return BackendError("kernels cannot be compiled here", where=str(error)[:200])
