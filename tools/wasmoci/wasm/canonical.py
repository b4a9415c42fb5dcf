"""Canonical functions: those that a component lifts from its core code, and the builtins that its core code calls.

Source: component model "Binary.md" and "Concurrency.md", canonical definitions (section 8).
"""

from collections.abc import Callable, Iterator

from wasmoci.values.errors import FormatError
from wasmoci.wasm.externs import read_flag
from wasmoci.wasm.sections import Cursor

_Reader = Callable[[Cursor], object]


def read_lifted(cursor: Cursor) -> Iterator[int]:
    """The index of the type of each function that a section lifts, in order; FormatError for an unknown definition."""
    for _ in range(cursor.u32()):
        form = cursor.byte()
        if form == _LIFT:
            _lift(cursor)
            yield cursor.u32()
        elif form in _OTHERS:
            for read in _OTHERS[form]:
                read(cursor)
        else:
            raise FormatError(f"the component has a canonical function of the unknown form {form:#04x}")


def _sort_of_function(cursor: Cursor) -> None:
    if cursor.byte() != 0:
        raise FormatError("the component has a canonical function that is none")


def _options(cursor: Cursor) -> None:
    for _ in range(cursor.u32()):
        option = cursor.byte()
        if option in _OPTIONS_WITH_INDEX:
            cursor.u32()
        elif option not in _OPTIONS:
            raise FormatError(f"the component has a canonical function with the unknown option {option:#04x}")


def _lift(cursor: Cursor) -> None:
    _sort_of_function(cursor)
    cursor.u32()
    _options(cursor)


def _result(cursor: Cursor) -> None:
    if not read_flag(cursor):
        cursor.u32()
    elif cursor.byte() != 0:
        raise FormatError("the component has a canonical function with named results")


_index: _Reader = Cursor.u32
_byte: _Reader = Cursor.byte

_LIFT = 0x00
# String encodings, async, always-task-return, gc; then memory, realloc, post-return, callback, core-type.
_OPTIONS = {0x00, 0x01, 0x02, 0x06, 0x09, 0x0A}
_OPTIONS_WITH_INDEX = {0x03, 0x04, 0x05, 0x07, 0x08}
_OTHERS: dict[int, tuple[_Reader, ...]] = {
    0x01: (_sort_of_function, _index, _options),  # lower
    0x02: (_index,),  # resource.new
    0x03: (_index,),  # resource.drop
    0x04: (_index,),  # resource.rep
    0x05: (),  # task.cancel
    0x06: (_byte,),  # subtask.cancel
    0x07: (_index,),  # resource.drop async
    0x08: (),  # backpressure.set
    0x09: (_result, _options),  # task.return
    0x0A: (_byte, _index),  # context.get
    0x0B: (_byte, _index),  # context.set
    0x0C: (_byte,),  # thread.yield
    0x0D: (),  # subtask.drop
    0x0E: (_index,),  # stream.new
    0x0F: (_index, _options),  # stream.read
    0x10: (_index, _options),  # stream.write
    0x11: (_index, _byte),  # stream.cancel-read
    0x12: (_index, _byte),  # stream.cancel-write
    0x13: (_index,),  # stream.drop-readable
    0x14: (_index,),  # stream.drop-writable
    0x15: (_index,),  # future.new
    0x16: (_index, _options),  # future.read
    0x17: (_index, _options),  # future.write
    0x18: (_index, _byte),  # future.cancel-read
    0x19: (_index, _byte),  # future.cancel-write
    0x1A: (_index,),  # future.drop-readable
    0x1B: (_index,),  # future.drop-writable
    0x1C: (_options,),  # error-context.new
    0x1D: (_options,),  # error-context.debug-message
    0x1E: (),  # error-context.drop
    0x1F: (),  # waitable-set.new
    0x20: (_byte, _index),  # waitable-set.wait
    0x21: (_byte, _index),  # waitable-set.poll
    0x22: (),  # waitable-set.drop
    0x23: (),  # waitable.join
    0x24: (),  # backpressure.inc
    0x25: (),  # backpressure.dec
    0x26: (),  # thread.index
    0x27: (_index, _index),  # thread.new-indirect
    0x40: (_index,),  # thread.spawn-ref
    0x41: (_index, _index),  # thread.spawn-indirect
    0x42: (),  # thread.available-parallelism
}
