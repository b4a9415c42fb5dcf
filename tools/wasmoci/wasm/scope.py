"""Index spaces: what the numbers in a component, or in one type, stand for.

Source: component model "Binary.md", alias section 6, and "Explainer.md" on index spaces.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from wasmoci.values.errors import FormatError, LimitError
from wasmoci.values.text import excerpt
from wasmoci.wasm.externs import Sort, read_sort
from wasmoci.wasm.sections import Cursor
from wasmoci.wasm.type_table import ASYNC_FUNCTION, COMPONENT, FUNCTION, INSTANCE, TYPE_ITSELF, Shape, TypeTable

MAX_TYPE_DEPTH = 20

_WHERE = "a type of the component"


@dataclass(slots=True)
class Scope:
    """What indices stand for in a component or in one type: types, and the types of things.

    `own` are the resources that begin here.
    """

    table: TypeTable
    outer: "Scope | None" = None
    spaces: Mapping[Sort, list[int]] = field(
        default_factory=lambda: {sort: [] for sort in (Sort.FUNC, Sort.TYPE, Sort.COMPONENT, Sort.INSTANCE)}
    )
    own: list[int] = field(default_factory=list)

    def inner(self) -> "Scope":
        """The scope of a type or component in this one; LimitError above 20 levels."""
        scope, depth = self, 1
        while scope.outer is not None:
            scope, depth = scope.outer, depth + 1
        if depth > MAX_TYPE_DEPTH:
            raise LimitError(f"the component has types in types in more than the limit of {MAX_TYPE_DEPTH} levels")
        return Scope(self.table, self)

    def at(self, sort: Sort, index: int) -> int:
        """The type of the thing of this kind and index, or the type itself."""
        space = self.spaces[sort]
        if index >= len(space):
            raise FormatError(f"{_WHERE} is number {index} of {len(space)}")
        return space[index]

    def thing(self, sort: Sort, index: int) -> int:
        """What is exported or handed on there: its type, TYPE_ITSELF of a type."""
        if sort not in self.spaces:
            return self.table.not_compared()
        number = self.at(sort, index)
        return self.table.number(Shape(TYPE_ITSELF, (), (number,))) if sort is Sort.TYPE else number

    def add(self, sort: Sort, thing: int) -> None:
        """Give the thing the next index of its kind."""
        if sort is Sort.TYPE:
            thing = self.table[thing].parts[0]
        if sort in self.spaces:
            self.spaces[sort].append(thing)

    def declare(self, sort: Sort, index: int | None) -> int:
        """Add a thing of the type of this index, of a type the bound, and return its type."""
        thing = self._declared(sort, index)
        self.add(sort, thing)
        return thing

    def alias(self, cursor: Cursor) -> None:
        """Read an alias, and add what it names."""
        sort, target, number = read_sort(cursor), cursor.byte(), cursor.u32()
        if target == _OF_OUTER:
            scope: Scope | None = self
            for _ in range(min(number, MAX_TYPE_DEPTH + 1)):
                scope = None if scope is None else scope.outer
            if scope is None:
                raise FormatError(f"{_WHERE} is of a scope {number} levels outside, where there is none")
            self.add(sort, scope.thing(sort, cursor.u32()))
        elif target == _OF_INSTANCE:
            name, found = cursor.name(), self.at(Sort.INSTANCE, number)
            thing = self.table.items(found).get(name)
            if sort in self.spaces:
                if thing is None or sort_of(self.table[thing]) is not sort:
                    raise FormatError(f"{_WHERE} is an alias of {excerpt(name)!r}, which the instance has not")
                self.add(sort, thing)
        elif target == _OF_CORE_INSTANCE:
            cursor.name()
        else:
            raise FormatError(f"{_WHERE} is an alias of the unknown form {target}")

    def _declared(self, sort: Sort, index: int | None) -> int:
        if index is None:
            self.own.append(self.table.resource())
            return self.table.number(Shape(TYPE_ITSELF, (), (self.own[-1],)))
        if sort not in self.spaces:
            return self.table.not_compared()
        number = self.at(Sort.TYPE, index)
        if sort is Sort.TYPE:
            return self.table.number(Shape(TYPE_ITSELF, (), (number,)))
        if sort_of(self.table[number]) is not sort:
            raise FormatError(f"{_WHERE} is number {index}, which is no type of {_THINGS[sort]}")
        if sort is not Sort.INSTANCE:
            return number
        renewed, own = self.table.renewed(number)
        self.own += own
        return renewed


def sort_of(shape: Shape) -> Sort | None:
    """What a thing of this type is; None for other types."""
    return _SORTS.get(shape.form)


_OF_INSTANCE, _OF_CORE_INSTANCE, _OF_OUTER = 0, 1, 2
_SORTS = {
    FUNCTION: Sort.FUNC,
    ASYNC_FUNCTION: Sort.FUNC,
    TYPE_ITSELF: Sort.TYPE,
    COMPONENT: Sort.COMPONENT,
    INSTANCE: Sort.INSTANCE,
}
_THINGS = {Sort.FUNC: "functions", Sort.COMPONENT: "components", Sort.INSTANCE: "instances"}
