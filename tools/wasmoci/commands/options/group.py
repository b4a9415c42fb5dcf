"""Groups of options: each option is declared once, on the field or beside the argument that it fills."""

import functools
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any, Union

import click

Command = Callable[..., Any]


class Option:
    """What `click.option` takes but the parameter's name; `convert` gets what is said, and never None.

    On its own it is a decorator, which gives the command what is said under click's name for it.
    """

    def __init__(self, *names: str, convert: Callable[[Any], Any] | None = None, **attributes: Any) -> None:
        self._names = names
        self._attributes = attributes
        self._convert = convert

    def __call__(self, command: Command) -> Command:
        return click.option(*self._names, **self._attributes)(command)

    def add_to(self, command: Command, parameter: str) -> Command:
        return click.option(*self._names, parameter, **self._attributes)(command)

    def value(self, parameter: str, said: dict[str, Any]) -> Any:
        """What the option fills; takes its parameter out of `said`."""
        value = said.pop(parameter)
        return value if value is None or self._convert is None else self._convert(value)


class OptionGroup:
    """Makes a value by a call of `make` with what its options say.

    They are those with which the fields of `make` are annotated, where it is a dataclass, and `members` by the names
    of its arguments; a member may be a group itself. `--help` has them in this order.
    """

    def __init__(self, make: Callable[..., Any], **members: Union[Option, "OptionGroup"]) -> None:
        annotations = {field.name: field.type for field in fields(make)} if is_dataclass(make) else {}
        declared = {name: form.__metadata__[0] for name, form in annotations.items() if hasattr(form, "__metadata__")}
        self._make = make
        self._members: dict[str, Option | OptionGroup] = {**declared, **members}

    def add_to(self, command: Command, parameter: str) -> Command:
        for name, member in reversed(self._members.items()):
            command = member.add_to(command, f"{parameter}_{name}")
        return command

    def value(self, parameter: str, said: dict[str, Any]) -> Any:
        """The value; takes the parameters of all its options out of `said`."""
        return self._make(**{name: each.value(f"{parameter}_{name}", said) for name, each in self._members.items()})


def options(parameter: str, group: OptionGroup) -> Callable[[Command], Command]:
    """A decorator that gives a command the options of the group, and what it makes of them as `parameter`.

    What goes wrong with that is reported where the decorator stands below `@reported`.
    """

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def wrapper(**said: Any) -> Any:
            value = group.value(parameter, said)
            return command(**{parameter: value}, **said)

        return group.add_to(wrapper, parameter)

    return decorate
