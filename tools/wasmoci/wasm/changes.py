"""What changed between the imports and exports of two components, and whether one can take the place of the other.

The second can where it imports nothing that the first did not, and exports all that the first did, with equal types;
so does the component model define subtypes, and `wasm-tools component semver-check --prev SECOND --new FIRST` decide.
To runtimes and to this, versions of one track are one interface, and another track is another interface
(values.interface_version): that semver-check does not tell, as it looks at no versions.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from wasmoci.wasm.typed_interface import Interface, Side, TypedInterface


class Kind(str, Enum):
    """`TRACK` is another track of versions, `CONTENT` the same one with another version or other content."""

    ADDED = "added"
    REMOVED = "removed"
    TRACK = "track"
    CONTENT = "content"


@dataclass(frozen=True, slots=True)
class Change:
    """A change of one import or export; `before` and `after` are names with versions, None where there is none.

    `added`, `removed` and `changed` are functions and types of an interface that both have. `adds_imports` tells that
    the second can call what the first could not.
    """

    is_import: bool
    kind: Kind
    before: str | None
    after: str | None
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    adds_imports: bool = False

    @property
    def is_compatible(self) -> bool:
        """Whether with this change the second still fits where the first did."""
        if self.kind is Kind.CONTENT:
            return not self.changed and not (self.added if self.is_import else self.removed)
        return self.kind is (Kind.REMOVED if self.is_import else Kind.ADDED)

    def __str__(self) -> str:
        direction = "import" if self.is_import else "export"
        if self.before is None or self.after is None:
            return f"{direction} {self.kind.value}: {self.before or self.after}"
        names = self.before if self.before == self.after else f"{self.before} -> {self.after}"
        if self.kind is Kind.TRACK:
            return f"{direction} of another major version: {names}"
        parts = (("adds", self.added), ("lacks", self.removed), ("changes", self.changed))
        content = [f"{verb} {', '.join(items)}" for verb, items in parts if items]
        return f"{direction} changed: {'; '.join([names, *content])}"


def find_changes(first: TypedInterface, second: TypedInterface) -> list[Change]:
    """Changes from the first to the second, imports first, each sorted by name."""
    imports = _of_side(first.imports, second.imports, is_import=True)
    exports = _of_side(first.exports, second.exports, is_import=False)
    return [change for side in (imports, exports) for change in sorted(side, key=_name)]


def _name(change: Change) -> str:
    return change.before or change.after or ""


def _of_side(old: Side, new: Side, *, is_import: bool) -> Iterator[Change]:
    added = {key: new[key] for key in new if key not in old}
    for key, interface in old.items():
        if key in new:
            yield from _of_interface(interface, new[key], is_import)
            continue
        other = next((found for found in added if found[0] == key[0]), None)
        after = None if other is None else added.pop(other).name
        yield Change(
            is_import,
            Kind.REMOVED if after is None else Kind.TRACK,
            interface.name,
            after,
            adds_imports=is_import and after is not None,
        )
    for interface in added.values():
        yield Change(is_import, Kind.ADDED, None, interface.name, adds_imports=is_import)


def _of_interface(old: Interface, new: Interface, is_import: bool) -> Iterator[Change]:
    # What is imported must be what the first was given, and what is exported what the first gave.
    wanted, given = (new.items, old.items) if is_import else (old.items, new.items)
    changed = [name for name in wanted if name in given and wanted[name].types - given[name].types]
    added = [name for name in new.items if name not in old.items]
    removed = [name for name in old.items if name not in new.items]
    if old.name != new.name or added or removed or changed:
        yield Change(
            is_import,
            Kind.CONTENT,
            old.name,
            new.name,
            added=_named(added, old),
            removed=_named(removed, old),
            changed=_named(changed, old),
            adds_imports=is_import and any(not new.items[name].is_type for name in (*added, *changed)),
        )


def _named(items: Sequence[str], interface: Interface) -> tuple[str, ...]:
    """What is no interface has no name apart from its own."""
    return tuple(name or interface.name for name in items)
