"""Commands with their options and arguments, each declared once: with the type of the parameter or field that it fills.

`output: Annotated[Path | None, Option("Where it goes.")]` is the option `--output`, a path, which may be left out.
The type says the rest: a `bool` is a flag, an `Enum` a choice of its values, a sequence may be repeated, and what is
none of them must be given unless it is optional or has a default.
"""

import functools
import os
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from enum import Enum
from pathlib import Path
from types import NoneType
from typing import Any, Union, get_args, get_origin

import click

from wasmoci.commands.options.help import HELP_NAMES, OwnHelp
from wasmoci.commands.report.output import Report, print_report_of, usage_errors_of


class WorkingFolder:
    """What relative paths are relative to where it is the `obj` of a command's context: a thread has no `chdir`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def of(cls, context: click.Context | None) -> Path:
        """The folder of the call; where nothing is said, that of the process."""
        found = None if context is None else context.find_object(cls)
        return Path() if found is None else found.path


class PathArgument(click.ParamType[Path]):
    """A path as pathlib.Path, in the working folder of the call; operations say what is wrong with it."""

    # One of click's own looks for the translation of its name in all languages, each time that one is made.
    name = "path"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:  # noqa: ARG002
        return WorkingFolder.of(ctx) / os.fsdecode(value)


# A parameter or a field: what click has to know of it, and its value, taken out of all that click says.
Filled = tuple[list[click.Parameter], Callable[[dict[str, Any]], Any]]


class DeclaredOption(click.Option):
    """`section` is its heading in --help.

    Its variable counts in `wasm-oci` alone, whose root is a group: targets and actions of Bazel say all themselves.
    """

    section = ""

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        return super().resolve_envvar_value(ctx) if isinstance(ctx.find_root().command, click.Group) else None


class Option:
    """What `click.Option` takes, its text for `--help` first; without `names` it has that of the field.

    A default is shown, that of an `Enum` by its value. `convert` gets what is said, and never None.
    """

    def __init__(
        self, text: str | None, *names: str, convert: Callable[[Any], Any] | None = None, **attributes: Any
    ) -> None:
        self._text = text
        self._names = names
        self._convert = convert
        default = attributes.get("default")
        self._attributes = {**attributes, "default": default.value} if isinstance(default, Enum) else attributes

    def fill(self, place: str, name: str, form: Any) -> Filled:
        """Fill the parameter or field of this name and type; what click says has names that begin with `place`."""
        kind = _Kind(form)
        attributes: dict[str, Any] = {"type": kind.click_type(), "multiple": kind.is_repeated}
        if kind.value is bool:
            attributes = {} if kind.is_optional else {"is_flag": True}
        elif "default" in self._attributes:
            attributes["show_default"] = True
        else:
            attributes["required"] = not kind.is_optional and not kind.is_repeated
        names = self._names or (f"--{name.replace('_', '-')}",)
        option = DeclaredOption([*names, place], help=self._text, **{**attributes, **self._attributes})
        return [option], _said_at(place, self._convert or kind.convert)


def variable(name: str) -> dict[str, Any]:
    """Attributes of an Option: WASM_OCI_<name> says it where the command line does not, with spaces between several."""
    return {"envvar": f"WASM_OCI_{name}", "show_envvar": True}


class Argument:
    """What `click.Argument` takes."""

    def __init__(self, **attributes: Any) -> None:
        self._attributes = attributes

    def fill(self, place: str, name: str, form: Any) -> Filled:  # noqa: ARG002
        kind = _Kind(form)
        attributes = {"type": kind.click_type(), "nargs": -1 if kind.is_repeated else 1, **self._attributes}
        return [click.Argument([place], **attributes)], _said_at(place, kind.convert)


class OptionGroup:
    """Makes a value by a call of `make`, a function or a dataclass, with what its options say.

    They are what its parameters or fields are annotated with, and `members` by their names; a member may be a group
    itself. `--help` has them in this order, below `section` if there is one.
    """

    def __init__(self, make: Callable[..., Any], section: str = "", /, **members: Union[Option, "OptionGroup"]) -> None:
        self._make = make
        self._section = section
        self._forms: dict[str, Any] = make.__annotations__
        annotated = {name: form.__metadata__[0] for name, form in self._forms.items() if hasattr(form, "__metadata__")}
        self._members: dict[str, Option | Argument | OptionGroup] = {**annotated, **members}

    def filled(self, prefix: str = "") -> dict[str, Filled]:
        """The parameters or fields of `make` by their names."""
        members = self._members.items()
        return {name: member.fill(f"{prefix}{name}", name, self._forms[name]) for name, member in members}

    def fill(self, place: str, name: str, form: Any) -> Filled:  # noqa: ARG002
        members = self.filled(f"{place}_")
        parameters = [parameter for own, _ in members.values() for parameter in own]
        for parameter in parameters:
            if isinstance(parameter, DeclaredOption):
                parameter.section = parameter.section or self._section
        return parameters, lambda said: self._make(**{name: value(said) for name, (_, value) in members.items()})


class RepeatedCommand(OwnHelp):
    """Makes its parser once, which is much of the cost of a call; a parser knows its options, and no call but `ctx`.

    A persistent worker calls it many times. Source: click 8.5, `Command.make_parser`.
    """

    _parser: Any = None

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {"Options": []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx) if isinstance(parameter, click.Option) else None
            if record is not None:
                sections.setdefault(getattr(parameter, "section", "") or "Options", []).append(record)
        for section, records in sections.items():
            with formatter.section(section):
                formatter.write_dl(records)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        with usage_errors_of(tuple(args)):
            return super().parse_args(ctx, args)

    def make_parser(self, ctx: click.Context) -> Any:
        if self._parser is None:
            made: Any = super().make_parser(ctx)
            made.ctx = None
            self._parser = made
        parser = copy(self._parser)
        parser.ctx = ctx
        return parser


def command(
    called: str | None = None, *, report_before: str | None = None, example: str | None = None
) -> Callable[[Callable[..., Report]], click.Command]:
    """A decorator: the command that calls the function with what its parameters declare, and prints its report.

    In `--help` the options for all reports are the last ones, or those before the parameter `report_before`; `example`
    is a whole command line.
    """
    epilog = None if example is None else f"\b\nExample:\n  {example}"

    def decorate(run: Callable[..., Report]) -> click.Command:
        declared = OptionGroup(run).filled()
        parameters: list[click.Parameter] = []
        for name, (own, _) in declared.items():
            parameters += [*(_report_options() if name == report_before else []), *own]
        if report_before is None:
            parameters += _report_options()

        @functools.wraps(run)
        def call(as_json: bool, quiet: bool, **said: Any) -> None:
            def report() -> Report:
                return run(**{name: value(said) for name, (_, value) in declared.items()})

            print_report_of(report, as_json=as_json, quiet=quiet)

        return click.command(
            called, cls=RepeatedCommand, params=parameters, epilog=epilog, context_settings=HELP_NAMES
        )(call)

    return decorate


def _report_options() -> list[click.Parameter]:
    options = [
        DeclaredOption(["--json", "as_json"], is_flag=True, help="Print one JSON object instead of text."),
        DeclaredOption(["--quiet", "-q"], is_flag=True, help="Print warnings and errors only."),
    ]
    for option in options:
        option.section = "Output"
    return [*options]


class _Kind:
    """The type of what is said, once or `is_repeated`, and whether nothing may be said."""

    def __init__(self, form: Any) -> None:
        said = form.__origin__ if hasattr(form, "__metadata__") else form
        members = get_args(said)
        self.is_optional = NoneType in members
        self.is_repeated = not self.is_optional and get_origin(said) in (tuple, Sequence, Mapping)
        inner = [member for member in members if member is not NoneType]
        self.value: Any = inner[0] if self.is_optional or self.is_repeated else said

    def click_type(self) -> Any:
        if get_origin(self.value) is tuple:
            return tuple(_Kind(part).click_type() for part in get_args(self.value))
        if self.value is Path:
            return PathArgument()
        return click.Choice([member.value for member in self.value]) if self._is_enum() else self.value

    def convert(self, said: Any) -> Any:
        """What click says, with members of an enumeration for their values."""
        if not self._is_enum():
            return said
        return tuple(map(self.value, said)) if self.is_repeated else self.value(said)

    def _is_enum(self) -> bool:
        return isinstance(self.value, type) and issubclass(self.value, Enum)


def _said_at(place: str, convert: Callable[[Any], Any]) -> Callable[[dict[str, Any]], Any]:
    def value(said: dict[str, Any]) -> Any:
        found = said.pop(place)
        return found if found is None else convert(found)

    return value
