"""A small writer of LLVM IR: functions, loops and branches as text.

Everything is explicit: a value is the name of an SSA register or a literal, loop counters live in
stack slots, and a field element in memory is 32 bytes read and written as `i256` with alignment 1,
so that arrays mapped from files need no copy. The text is deterministic: it is the key of the
object cache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

Value = str


class Function:
    """One IR function under construction.

    Args:
        name: symbol.
        params: (type, name) pairs; the values are called `%name`.
        returns: IR type of the result.
        export: visible to the host; others are internal to the module.
        attributes: function attributes such as `noinline`.
    """

    def __init__(
        self,
        name: str,
        params: Sequence[tuple[str, str]],
        returns: str = "void",
        *,
        export: bool = False,
        attributes: str = "",
    ) -> None:
        self.name = name
        self._params = tuple(params)
        self._returns = returns
        self._linkage = "" if export else "internal "
        self._attributes = attributes
        self._slots: list[str] = []
        self._lines: list[str] = []
        self._count = 0
        self._closed = False
        self.pool: dict[str, str] = {}

    def pooled(self, name: str, kind: str, value: str, align: int) -> Value:
        """A constant read from memory, which the optimiser cannot turn into instructions."""
        symbol = f"@{name}"
        self.pool[symbol] = f"{symbol} = hidden global {kind} {value}, align {align}\n"
        return self.op(f"load {kind}, ptr {symbol}, align {align}")

    def text(self) -> str:
        """The definition. Stack slots stand in the entry block, so loops do not grow the stack."""
        params = ", ".join(f"{kind} %{name}" for kind, name in self._params)
        head = (
            f"define {self._linkage}{self._returns} @{self.name}({params}) nounwind "
            f"{self._attributes} {{\nentry:\n"
        )
        return head + "\n".join((*self._slots, *self._lines)) + "\n}\n"

    # -- values -----------------------------------------------------------------------------------

    def _fresh(self) -> Value:
        self._count += 1
        return f"%t{self._count}"

    def op(self, text: str) -> Value:
        """One instruction with a result."""
        name = self._fresh()
        self._lines.append(f"  {name} = {text}")
        return name

    def do(self, text: str) -> None:
        """One instruction without a result."""
        self._lines.append(f"  {text}")

    def add(self, a: Value, b: Value | int) -> Value:
        return self.op(f"add i64 {a}, {b}")

    def sub(self, a: Value, b: Value | int) -> Value:
        return self.op(f"sub i64 {a}, {b}")

    def mul(self, a: Value, b: Value | int) -> Value:
        return self.op(f"mul i64 {a}, {b}")

    def compare(self, kind: str, a: Value, b: Value | int, type_: str = "i64") -> Value:
        """`i1` of an `icmp`; kind such as `eq`, `ult`, `sge`."""
        return self.op(f"icmp {kind} {type_} {a}, {b}")

    def select(self, condition: Value, a: Value | int, b: Value | int, type_: str = "i64") -> Value:
        return self.op(f"select i1 {condition}, {type_} {a}, {type_} {b}")

    # -- memory -----------------------------------------------------------------------------------

    def slot(self, size: int) -> Value:
        """`size` bytes on the stack, for the length of the call."""
        name = self._fresh()
        self._slots.append(f"  {name} = alloca [{size} x i8], align 16")
        return name

    def aligned(self, size: int) -> Value:
        """The same, aligned to 64 bytes."""
        name = self._fresh()
        self._slots.append(f"  {name} = alloca [{size} x i8], align 64")
        return name

    def at(self, pointer: Value, offset: Value | int) -> Value:
        """Pointer + bytes."""
        if offset == 0:
            return pointer
        return self.op(f"getelementptr i8, ptr {pointer}, i64 {offset}")

    def row(self, pointer: Value, index: Value, size: int) -> Value:
        """Pointer to element `index` of an array of `size`-byte elements."""
        return self.at(pointer, self.mul(index, size))

    def load(self, pointer: Value, type_: str = "i64") -> Value:
        return self.op(f"load {type_}, ptr {pointer}, align 1")

    def store(self, value: Value | int, pointer: Value, type_: str = "i64") -> None:
        self.do(f"store {type_} {value}, ptr {pointer}, align 1")

    def copy(self, out: Value, source: Value, size: int) -> None:
        """Copy `size` bytes, a multiple of 32, limb by limb (no libc in the object)."""
        for offset in range(0, size, 32):
            self.store(self.load(self.at(source, offset), "i256"), self.at(out, offset), "i256")

    def zero(self, out: Value, size: int) -> None:
        for offset in range(0, size, 32):
            self.store(0, self.at(out, offset), "i256")

    # -- control ----------------------------------------------------------------------------------

    def call(self, name: str, *pointers: Value) -> None:
        """A void function of pointers."""
        self.do(f"call void @{name}({', '.join(f'ptr {p}' for p in pointers)})")

    def ask(self, name: str, *pointers: Value) -> Value:
        """An `i1` function of pointers."""
        return self.op(f"call i1 @{name}({', '.join(f'ptr {p}' for p in pointers)})")

    def _label(self) -> str:
        self._count += 1
        return f"b{self._count}"

    @contextmanager
    def loop(self, stop: Value | int, start: Value | int = 0) -> Iterator[Value]:
        """`for i in range(start, stop)`; yields i."""
        counter = self.slot(8)
        test, body, done = self._label(), self._label(), self._label()
        self.store(start, counter)
        self.do(f"br label %{test}")
        self._lines.append(f"{test}:")
        i = self.load(counter)
        more = self.compare("ult", i, stop)
        self.do(f"br i1 {more}, label %{body}, label %{done}")
        self._lines.append(f"{body}:")
        yield i
        self.store(self.add(i, 1), counter)
        self.do(f"br label %{test}")
        self._lines.append(f"{done}:")

    @contextmanager
    def countdown(self, start: Value | int) -> Iterator[Value]:
        """`for i in reversed(range(start))`; yields i."""
        with self.loop(start) as k:
            yield self.sub(str(start), self.add(k, 1))

    @contextmanager
    def repeat(self) -> Iterator[Callable[[Value], None]]:
        """`while True:`; yields `stop(condition)`, which leaves the loop where that holds."""
        body, done = self._label(), self._label()

        def stop(condition: Value) -> None:
            following = self._label()
            self.do(f"br i1 {condition}, label %{done}, label %{following}")
            self._lines.append(f"{following}:")

        self.do(f"br label %{body}")
        self._lines.append(f"{body}:")
        yield stop
        self.do(f"br label %{body}")
        self._lines.append(f"{done}:")

    @contextmanager
    def when(self, condition: Value) -> Iterator[None]:
        """`if condition:`; the body may end in `leave`."""
        body, done = self._label(), self._label()
        self.do(f"br i1 {condition}, label %{body}, label %{done}")
        self._lines.append(f"{body}:")
        self._closed = False
        yield
        if not self._closed:
            self.do(f"br label %{done}")
        self._closed = False
        self._lines.append(f"{done}:")

    def leave(self, value: str = "void") -> None:
        """Return; `value` is `void` or a typed value such as `i1 %t3`."""
        self.do(f"ret {value}")
        self._closed = True


class Module:
    """Functions and constants of one object file."""

    def __init__(self) -> None:
        self._functions: list[Function] = []
        self._constants: dict[str, str] = {}
        self._exports: list[str] = []

    def function(
        self,
        name: str,
        *params: str,
        returns: str = "void",
        export: bool = False,
        attributes: str = "",
    ) -> Function:
        """A new function. Each parameter is `type name`, `ptr` where no type is given."""
        split = [p.rpartition(" ") for p in params]
        typed = [(kind or "ptr", label) for kind, _, label in split]
        made = Function(name, typed, returns, export=export, attributes=attributes)
        self._functions.append(made)
        if export:
            self._exports.append(name)
        return made

    def constant(self, name: str, values: Sequence[int]) -> Value:
        """A read-only array of 256-bit values; returns its address."""
        symbol = f"@{name}"
        body = ", ".join(f"i256 {v}" for v in values)
        text = f"{symbol} = internal constant [{len(values)} x i256] [{body}], align 32\n"
        if self._constants.setdefault(symbol, text) != text:
            raise ValueError(f"constant {name} has two values")
        return symbol

    @property
    def exports(self) -> tuple[str, ...]:
        return tuple(self._exports)

    def text(self) -> str:
        pool: dict[str, str] = {}
        for f in self._functions:
            pool.update(f.pool)
        return "".join(
            (*self._constants.values(), *pool.values(), *(f.text() for f in self._functions))
        )
