"""WIT worlds by chance, and changes of them, for comparisons with wasm-tools."""

import random
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field

PACKAGE = "acme:worlds"
_PRIMITIVES = ("u8", "s32", "u64", "f32", "char", "bool", "string")


@dataclass
class Interface:
    """Types by name, as they are written without their name, and functions by name, as parameters and result."""

    types: dict[str, tuple[str, list[str]]] = field(default_factory=dict)
    functions: dict[str, tuple[list[str], str | None, bool]] = field(default_factory=dict)

    def text(self) -> str:
        lines = [_type_text(name, *body) for name, body in self.types.items()]
        lines += [f"{name}: {_function_text(*body)}" for name, body in self.functions.items()]
        return "\n".join(f"  {line}" for line in lines)


@dataclass
class World:
    """Interfaces by name, and which of them are imported and exported; functions of the world itself."""

    interfaces: dict[str, Interface]
    imports: list[str]
    exports: list[str]
    functions: dict[str, tuple[str, tuple[list[str], str | None, bool]]] = field(default_factory=dict)

    def text(self, version: str) -> str:
        """The package of this version; its world is `w`."""
        parts = [f"package {PACKAGE}@{version};"]
        parts += [f"interface {name} {{\n{interface.text()}\n}}" for name, interface in self.interfaces.items()]
        lines = [f"  import {name};" for name in self.imports] + [f"  export {name};" for name in self.exports]
        lines += [f"  {side} {name}: {_function_text(*body)}" for name, (side, body) in self.functions.items()]
        return "\n".join([*parts, "world w {", *lines, "}\n"])


def _type_text(name: str, kind: str, members: list[str]) -> str:
    if kind == "alias":
        return f"type {name} = {members[0]};"
    if kind == "resource":
        return f"resource {name} {{ {' '.join(members)} }}"
    return f"{kind} {name} {{ {', '.join(members)} }}"


def _function_text(parameters: list[str], result: str | None, is_async: bool) -> str:
    arrow = "" if result is None else f" -> {result}"
    return f"{'async ' if is_async else ''}func({', '.join(parameters)}){arrow};"


class Chance:
    """Makes worlds and changes, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def world(self) -> World:
        interfaces = {f"i{number}": self._interface() for number in range(4)}
        sides = [self._random.choice(["import", "export", "neither"]) for _ in interfaces]
        world = World(
            interfaces,
            [name for name, side in zip(interfaces, sides, strict=True) if side == "import"],
            [name for name, side in zip(interfaces, sides, strict=True) if side == "export"],
        )
        for number in range(self._random.randrange(3)):
            world.functions[f"own{number}"] = (self._random.choice(["import", "export"]), self._function([]))
        return world

    def changed(self, world: World) -> World:
        """Another world, which one or two changes make of this one; some change nothing."""
        changed = deepcopy(world)
        for _ in range(self._random.randrange(1, 3)):
            self._random.choice(self._changes())(changed)
        return changed

    def _changes(self) -> list[Callable[[World], None]]:
        inside = [
            self._add_function,
            self._remove_function,
            self._change_function,
            self._rename_parameter,
            self._add_type,
            self._change_type,
        ]
        return [self._move_interface, self._change_own_function, *[self._inside(change) for change in inside]]

    def _inside(self, change: Callable[[Interface], None]) -> Callable[[World], None]:
        return lambda world: change(world.interfaces[self._random.choice([*world.interfaces])])

    def _interface(self) -> Interface:
        interface = Interface()
        for _ in range(self._random.randrange(4)):
            self._add_type(interface)
        for _ in range(self._random.randrange(1, 4)):
            self._add_function(interface)
        return interface

    def _value(self, types: dict[str, tuple[str, list[str]]]) -> str:
        name = self._random.choice([*_PRIMITIVES, *types])
        forms = (
            "{0}",
            "{0}",
            "{0}",
            "list<{0}>",
            "option<{0}>",
            "tuple<{0}, u8>",
            "result<{0}, string>",
            "result<_, {0}>",
        )
        return self._random.choice(forms).format(name)

    def _parameters(self, types: dict[str, tuple[str, list[str]]]) -> list[str]:
        parameters = [f"p{number}: {self._value(types)}" for number in range(self._random.randrange(3))]
        resources = [name for name, (kind, _) in types.items() if kind == "resource"]
        if resources and self._random.random() < 0.3:
            parameters.append(f"b: borrow<{self._random.choice(resources)}>")
        return parameters

    def _function(self, types: "dict[str, tuple[str, list[str]]] | list[str]") -> tuple[list[str], str | None, bool]:
        known = types if isinstance(types, dict) else {}
        result = self._value(known) if self._random.random() < 0.7 else None
        return self._parameters(known), result, self._random.random() < 0.1

    def _add_type(self, interface: Interface) -> None:
        kind = self._random.choice(["alias", "record", "enum", "flags", "variant", "resource"])
        members = [self._member(kind, number, interface.types) for number in range(self._random.randrange(1, 4))]
        interface.types[f"t{len(interface.types)}"] = (kind, members)

    def _member(self, kind: str, number: int, types: dict[str, tuple[str, list[str]]]) -> str:
        if kind == "alias":
            return self._value(types)
        if kind == "record":
            return f"m{number}: {self._value(types)}"
        if kind == "variant" and self._random.random() < 0.7:
            return f"m{number}({self._value(types)})"
        if kind == "resource":
            if number == 0:
                return f"constructor({', '.join(self._parameters(types))});"
            static = self._random.choice(["", "static "])
            return f"m{number}: {static}{_function_text(*self._function(types))}"
        return f"m{number}"

    def _change_type(self, interface: Interface) -> None:
        if not interface.types:
            return
        name = self._random.choice([*interface.types])
        kind, members = interface.types[name]
        earlier = {other: body for other, body in interface.types.items() if other < name}
        change = self._random.choice(["add", "remove", "other", "order"])
        if kind == "alias" or change == "other":
            place = self._random.randrange(len(members))
            members[place] = self._member(kind, place, earlier)
        elif change == "add":
            members.append(self._member(kind, len(members) + 9, earlier))
        elif change == "remove" and len(members) > 1:
            members.pop()
        elif change == "order":
            members.reverse()

    def _add_function(self, interface: Interface) -> None:
        interface.functions[f"f{len(interface.functions)}"] = self._function(interface.types)

    def _remove_function(self, interface: Interface) -> None:
        if len(interface.functions) > 1:
            interface.functions.pop(self._random.choice([*interface.functions]))

    def _change_function(self, interface: Interface) -> None:
        name = self._random.choice([*interface.functions])
        interface.functions[name] = self._function(interface.types)

    def _rename_parameter(self, interface: Interface) -> None:
        name = self._random.choice([*interface.functions])
        parameters, result, is_async = interface.functions[name]
        interface.functions[name] = ([text.replace("p0", "other") for text in parameters], result, is_async)

    def _move_interface(self, world: World) -> None:
        name = self._random.choice([*world.interfaces])
        for side in (world.imports, world.exports):
            if name in side:
                side.remove(name)
                return
        self._random.choice([world.imports, world.exports]).append(name)

    def _change_own_function(self, world: World) -> None:
        name = f"own{self._random.randrange(3)}"
        if name in world.functions and self._random.random() < 0.5:
            world.functions.pop(name)
        else:
            world.functions[name] = (self._random.choice(["import", "export"]), self._function([]))
