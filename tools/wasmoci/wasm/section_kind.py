"""Whether a section is one of a core module or of a component: a signature does not cover the header that says so.

Source: WebAssembly core specification, "Binary Format", and the component model's "Binary.md". Both number their
sections from 0 and mean other things by the numbers: 1 is types in a module and a core module in a component.
"""

from wasmoci.values.errors import FormatError
from wasmoci.wasm.sections import Cursor, Kind

# So many bytes of a section's payload are enough to tell.
HEAD_SIZE = 32

_MAGIC = b"\0asm"

# Types and tables in a module; a core module and a component, whole files, in a component.
_WHOLE_FILES = (1, 4)
_IMPORTS_OR_CORE_INSTANCES = 2
_MEMORIES_OR_INSTANCES = 5
_GLOBALS_OR_ALIASES = 6
_EXPORTS_OR_TYPES = 7
_TAGS = 13

# Instances begin with 0 or 1, and aliases with a sort, at most 5. Types have codes from 0x3e on, where an export of a
# module begins with the length of its name. Value types of a global are higher than 0x3f.
_HIGHEST = {_IMPORTS_OR_CORE_INSTANCES: 1, _MEMORIES_OR_INSTANCES: 1, _GLOBALS_OR_ALIASES: 0x3F}
_LOWEST_TYPE = 0x20


def section_kind(section_id: int, head: bytes) -> Kind | None:
    """What has a section with this id whose payload begins with `head`; None where both may."""
    if section_id in _WHOLE_FILES:
        return Kind.COMPONENT if head.startswith(_MAGIC) else Kind.MODULE
    if section_id == _TAGS:
        return Kind.MODULE
    try:
        return Kind.MODULE if _is_of_module(section_id, Cursor(head, "the section")) else None
    except FormatError:
        return None


def _is_of_module(section_id: int, payload: Cursor) -> bool:
    """Whether the first item of a vector is none of a component; FormatError where there is none."""
    count, first = payload.u32(), payload.byte()
    if count == 0:
        return False
    if section_id == _EXPORTS_OR_TYPES:
        return first < _LOWEST_TYPE
    if section_id not in _HIGHEST:
        return False
    if first > _HIGHEST[section_id]:
        return True
    return section_id == _MEMORIES_OR_INSTANCES and _is_memory(count, first, payload)


def _is_memory(count: int, flags: int, payload: Cursor) -> bool:
    """Whether limits, with a maximum or without, are all that follows; an instance needs more or fewer bytes."""
    for _ in range(1 + flags):
        payload.u32()
    return count == 1 and payload.at_end
