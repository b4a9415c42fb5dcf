"""Types of components, each held once: equal types have equal numbers."""

from collections.abc import Mapping
from typing import NamedTuple

from wasmoci.values.errors import LimitError

MAX_TYPES = 200_000

# Forms as in "Binary.md", and two that have no byte there.
FUNCTION, COMPONENT, INSTANCE, ASYNC_FUNCTION, RESOURCE = 0x40, 0x41, 0x42, 0x43, 0x3F
NOTHING, TYPE_ITSELF, NOT_COMPARED = -1, -2, -3


class Shape(NamedTuple):
    """What a type is made of: its form, the names or lengths in it, and the numbers of the types in it.

    A component has two parts, the instances of its imports and of its exports. TYPE_ITSELF is what is imported or
    exported where that is a type. A resource has a name of its own and no parts: two are one only where that is equal.
    """

    form: int
    names: tuple[str | int, ...] = ()
    parts: tuple[int, ...] = ()


class TypeTable:
    """Gives types numbers. `own` has, by instance and component type, the resources that each use of it makes anew."""

    def __init__(self) -> None:
        self._shapes: list[Shape] = []
        self._numbers: dict[Shape, int] = {}
        self._has_resource: list[bool] = []
        self._steps = 0
        self.own: dict[int, tuple[int, ...]] = {}
        self.nothing = self.number(Shape(NOTHING))

    def __getitem__(self, number: int) -> Shape:
        return self._shapes[number]

    def number(self, shape: Shape) -> int:
        """The number of this type; LimitError above 200,000 steps of work for one table."""
        self._steps += 1 + len(shape.parts)
        if self._steps > MAX_TYPES:
            raise LimitError(f"the types of the component take more than the limit of {MAX_TYPES} steps")
        number = self._numbers.setdefault(shape, len(self._shapes))
        if number == len(self._shapes):
            self._shapes.append(shape)
            self._has_resource.append(shape.form == RESOURCE or any(self._has_resource[part] for part in shape.parts))
        return number

    def resource(self) -> int:
        """A resource that is none of the others."""
        return self.number(Shape(RESOURCE, (len(self._shapes),)))

    def not_compared(self) -> int:
        """A type of which is not known what it is made of, and which therefore equals no other."""
        return self.number(Shape(NOT_COMPARED, (len(self._shapes),)))

    def has_resource(self, number: int) -> bool:
        """Whether there is a resource in it, or it is one."""
        return self._has_resource[number]

    def items(self, number: int) -> dict[str, int]:
        """What an instance exports, by name."""
        shape = self._shapes[number]
        return {str(name): part for name, part in zip(shape.names, shape.parts, strict=True)}

    def replaced(self, number: int, others: Mapping[int, int]) -> int:
        """The type with other types in place of resources."""
        done: dict[int, int] = {}
        waiting = [number]
        while waiting:
            top, shape = waiting[-1], self._shapes[waiting[-1]]
            missing = [part for part in shape.parts if self._has_resource[part] and part not in done]
            if top in done or not self._has_resource[top]:
                waiting.pop()
            elif top in others:
                done[top] = others[top]
            elif missing:
                waiting += missing
            else:
                done[top] = self.number(shape._replace(parts=tuple(done.get(part, part) for part in shape.parts)))
        return done.get(number, number)

    def renewed(self, number: int) -> tuple[int, tuple[int, ...]]:
        """An instance type with new resources of its own, and these."""
        others = {old: self.resource() for old in self.own.get(number, ())}
        renewed = self.replaced(number, others)
        self.own[renewed] = tuple(others.values())
        return renewed, self.own[renewed]
