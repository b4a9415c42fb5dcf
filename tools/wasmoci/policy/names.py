"""For which repository the signatures of an image must be: its own, or the one that it is a mirror of."""

from dataclasses import dataclass

from wasmoci.policy.document import Node
from wasmoci.values.errors import UsageError
from wasmoci.values.image_reference import Repository, check_no_password
from wasmoci.values.text import excerpt

OWN = "required"


@dataclass(frozen=True, slots=True)
class SignedName:
    """A repository, or all below a path: there it ends with the wildcard that `match` ends with. Make one with `read`.

    `text` is OWN for the image's own repository; `mirrored` is the path that the pattern of the rule begins with.
    """

    text: str
    mirrored: str = ""

    @classmethod
    def read(cls, node: Node, pattern: str) -> "SignedName":
        """`pattern` is what the rule matches; UsageError with the place of the fault."""
        text = repositories_text(node)
        if text == OWN:
            return cls(text)
        mirrored = ""
        head, star, tail = text.partition("*")
        if star:
            mirrored = pattern.removesuffix(star + tail)
            if tail not in ("", "*") or not head.endswith("/") or not _is_below(mirrored):
                raise node.place.error(
                    "a wildcard stands for what the one of match stands for: both end with the same /* or /** and "
                    f"have no other, got: {excerpt(text)!r}"
                )
        try:
            Repository.parse(head + ("a" if star else ""))
        except UsageError as error:
            raise node.place.error(f"it is {OWN} or a repository: {error}") from None
        return cls(head, mirrored.partition("/")[2])

    @property
    def is_one(self) -> bool:
        """Whether all images that the rule matches must be signed for one repository."""
        return self.text != OWN and not self.text.endswith("/")

    def of(self, repository: str) -> Repository:
        """The one for an image in `repository`, which the rule matches."""
        if self.text == OWN:
            return Repository.parse(repository)
        if self.is_one:
            return Repository.parse(self.text)
        return Repository.parse(self.text + repository.partition("/")[2].removeprefix(self.mirrored))


def repositories_text(node: Node) -> str:
    """What names a repository or, with wildcards, several; UsageError with its place for a password in it."""
    text = node.text()
    try:
        check_no_password(text)
    except UsageError as error:
        raise node.place.error(str(error)) from None
    return text


def _is_below(pattern: str) -> bool:
    """Whether it is a host and a path, to the last slash."""
    return pattern.endswith("/") and "*" not in pattern
