"""What Bazel hands to the program of a target: a JSON request, and files among the runfiles."""

from pathlib import Path

from runfiles import Runfiles

from wasmoci.disk.files import read_bounded
from wasmoci.values.errors import Error
from wasmoci.values.strict_json import JsonObject, parse_object

_MAX_REQUEST_SIZE = 1024 * 1024
_MAX_ITEMS = 1000


class Locator:
    """Finds runfiles by their rlocation paths."""

    def __init__(self) -> None:
        """Raises Error where there are no runfiles."""
        runfiles = Runfiles.Create()
        if runfiles is None:
            raise Error("this program finds its files only under `bazel run` and `bazel test`")
        self._runfiles = runfiles

    def request(self, rlocation: str) -> JsonObject:
        """The request at an rlocation path; raises Error, FormatError."""
        data = read_bounded(self.path(rlocation), _MAX_REQUEST_SIZE, "the request")
        return parse_object(data, "the request", _MAX_REQUEST_SIZE)

    def path(self, rlocation: str) -> Path:
        found = self._runfiles.Rlocation(rlocation)
        if found is None:
            raise Error(f"{rlocation} is not among the runfiles")
        return Path(found)

    def paths(self, request: JsonObject, name: str) -> tuple[Path, ...]:
        """The files that the request lists under `name`."""
        return tuple(self.path(item) for item in request.strings(name, _MAX_ITEMS))

    def optional_path(self, request: JsonObject, name: str) -> Path | None:
        """The file that the request has under `name`, None where it has none."""
        return self.path(request.string(name)) if name in request else None


def strings(request: JsonObject, name: str) -> tuple[str, ...]:
    """The strings that the request lists under `name`, none where it says nothing."""
    return tuple(request.strings(name, _MAX_ITEMS)) if name in request else ()
