"""What Bazel hands to the program of a target: a JSON request, and files among the runfiles."""

from enum import Enum
from pathlib import Path
from typing import TypeVar

from runfiles import Runfiles

from wasmoci.disk.files import read_bounded
from wasmoci.values.errors import Error, FormatError
from wasmoci.values.strict_json import JsonObject, parse_object

_MAX_REQUEST_SIZE = 1024 * 1024
_MAX_ITEMS = 1000

Member = TypeVar("Member", bound=Enum)


class Locator:
    """Finds runfiles by their rlocation paths, and those that an object of a request names."""

    def __init__(self) -> None:
        """Raises Error where there are no runfiles."""
        runfiles = Runfiles.Create()
        if runfiles is None:
            raise Error("this program finds its files only under `bazel run` and `bazel test`")
        self._runfiles = runfiles

    def request(self, rlocation: str) -> JsonObject:
        """The request at an rlocation path; raises Error, FormatError."""
        data = read_bounded(self._find(rlocation), _MAX_REQUEST_SIZE, "the request")
        return parse_object(data, "the request", _MAX_REQUEST_SIZE)

    def path(self, said: JsonObject, name: str) -> Path:
        """The file that the object has under `name`; raises Error, FormatError, as all of these do."""
        return self._find(said.string(name))

    def optional_path(self, said: JsonObject, name: str) -> Path | None:
        """The file that the object has under `name`, None where it has none."""
        return self.path(said, name) if name in said else None

    def paths(self, said: JsonObject, name: str) -> tuple[Path, ...]:
        """The files that the object lists under `name`."""
        return tuple(self._find(item) for item in said.strings(name, _MAX_ITEMS))

    def optional_paths(self, said: JsonObject, name: str) -> tuple[Path, ...]:
        """The files that the object lists under `name`, none where it says nothing."""
        return self.paths(said, name) if name in said else ()

    def _find(self, rlocation: str) -> Path:
        found = self._runfiles.Rlocation(rlocation)
        if found is None:
            raise Error(f"{rlocation} is not among the runfiles")
        return Path(found)


def strings(said: JsonObject, name: str) -> tuple[str, ...]:
    """The strings that the object lists under `name`, none where it says nothing."""
    return tuple(said.strings(name, _MAX_ITEMS)) if name in said else ()


def objects(said: JsonObject, name: str, limit: int) -> list[JsonObject]:
    """At most `limit` objects that the object lists under `name`, none where it says nothing."""
    return said.objects(name, limit) if name in said else []


def member(members: type[Member], name: str, problem: str) -> Member:
    """The one of an enumeration that has this name; FormatError with the problem and the name where there is none."""
    try:
        return members(name)
    except ValueError:
        raise FormatError(f"{problem} {name!r}") from None
