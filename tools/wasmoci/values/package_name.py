"""Names of packages as wkg has them, `ns:name@version`, and where in a registry they are.

Source: wkg 0.16.1 and semver 2.0.0. A package is in the repository `{prefix}{ns}/{name}` under its version
as tag; the prefix is put in front as it is, so one that is a folder ends in a slash.
"""

import re
from dataclasses import dataclass

from wasmoci.values.errors import UsageError
from wasmoci.values.image_reference import Repository, check_tag

MAX_PACKAGE_NAME_LENGTH = 512

_LABEL = r"[a-z][a-z0-9]*(?:-[a-z][a-z0-9]*)*"
_NAME = re.compile(rf"(?P<namespace>{_LABEL}):(?P<name>{_LABEL})")
_NUMBER = r"(?:0|[1-9][0-9]*)"
_IDENTIFIER = rf"(?:{_NUMBER}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
# A version of semver without build metadata; its groups are the numbers.
_VERSION = re.compile(rf"({_NUMBER})\.({_NUMBER})\.({_NUMBER})(?:-{_IDENTIFIER}(?:\.{_IDENTIFIER})*)?")
_MAX_NUMBER = 2**64 - 1


@dataclass(frozen=True, slots=True)
class PackageName:
    """One version of a package. Make one with `parse`."""

    namespace: str
    name: str
    version: str

    @classmethod
    def parse(cls, text: str) -> "PackageName":
        """Read `ns:name@version`; raise UsageError for anything else.

        Namespace and name are lower-case words joined by `-`, each of which starts with a letter. A version
        with build metadata (`+…`) is refused: no tag can hold it, and where wkg publishes one, the
        registry refuses the manifest after all else is there.
        """
        if len(text) > MAX_PACKAGE_NAME_LENGTH:
            raise UsageError(
                f"the name of a package has {len(text)} characters, the limit is {MAX_PACKAGE_NAME_LENGTH}"
            )
        package, _, version = text.partition("@")
        match = _NAME.fullmatch(package)
        if match is None or not version:
            raise UsageError(f"a package is ns:name@version, ns and name lower-case words joined by -, got: {text!r}")
        if "+" in version:
            raise UsageError(f"the tag of a package is its version, and no tag can hold build metadata, got: {text!r}")
        numbers = _VERSION.fullmatch(version)
        if numbers is None or any(int(number) > _MAX_NUMBER for number in numbers.groups()):
            raise UsageError(
                f"the version of a package is one of semver 2.0, such as 1.2.3 or 1.2.3-rc.1, got: {text!r}"
            )
        return cls(match["namespace"], match["name"], check_tag(version))

    @property
    def tag(self) -> str:
        return self.version

    @property
    def title(self) -> str:
        """The file name that `wkg publish` gives the component."""
        return f"{self.name}.wasm"

    def repository(self, registry: str, prefix: str = "") -> Repository:
        """Where the package is on this `host[:port]`; raises UsageError unless that makes a repository."""
        if "/" in registry:
            raise UsageError(f"a registry is host[:port], what follows is the prefix of namespaces, got: {registry!r}")
        return Repository.parse(f"{registry}/{prefix}{self.namespace}/{self.name}")

    def __str__(self) -> str:
        return f"{self.namespace}:{self.name}@{self.version}"
