"""Identities that sign without a key of their own, and the patterns that say which of them are trusted.

The names and the dialect of regular expressions (RE2) are cosign's. Two things are stricter here: an
expression must match the whole text, as if it stood between `^` and `$`, and one that matches just
anything is refused. RE2 takes linear time, whatever the expression and the text.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from wasmoci.values.errors import FormatError, UsageError
from wasmoci.values.text import excerpt

MAX_NAME_CHARACTERS = 2048
MAX_REGEXP_CHARACTERS = 2048

# What nobody is called and no issuer has as its URL: an expression that matches one of these says nothing.
_NOBODY = ("", "x", "nobody@invalid", "https://invalid", "https://nobody.invalid/path?query#fragment")


@dataclass(frozen=True, slots=True)
class Identity:
    """What a certificate says about its holder: the one subject alternative name, and who vouched for it.

    Build one with `of`: both are printable ASCII, so that they look like what they are. `claims` are what else it
    says, by the names of keyless.certificate.CLAIMS: all texts that it has for one, None for what cannot be read.
    """

    san: str
    issuer: str
    claims: Mapping[str, Sequence[str | None]] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, san: str, issuer: str, claims: Mapping[str, Sequence[str | None]] | None = None) -> "Identity":
        """Raises FormatError for a name with control characters or letters beyond ASCII, and for a long one."""
        for what, text in (("identity", san), ("issuer", issuer)):
            if not text or len(text) > MAX_NAME_CHARACTERS or not (text.isascii() and text.isprintable()):
                raise FormatError(f"the certificate's {what} is no printable ASCII text: {excerpt(text)!r}")
        return cls(san, issuer, claims or {})

    def __str__(self) -> str:
        return f"identity:{self.san} ({self.issuer})"


@dataclass(frozen=True, slots=True)
class TrustedIdentity:
    """An identity that a pattern lets in, and when it signed; a verify.trust.CertifiedSignatory."""

    identity: Identity
    principal: str
    time: int

    @property
    def fingerprint(self) -> str:
        return str(self.identity)


@dataclass(frozen=True, slots=True)
class TextPattern:
    """A text, or where it `is_regexp` an expression for those that it matches as a whole. Build one with `of`."""

    text: str
    is_regexp: bool
    matches: Callable[[str], bool] = field(compare=False, repr=False)

    @classmethod
    def of(cls, exact: str | None, regexp: str | None, what: str) -> "TextPattern":
        """Exactly one of both; UsageError, which calls it `what`, for others and for an expression of no use."""
        if (exact is None) == (regexp is None):
            raise UsageError(f"a trusted identity has an {what} or a regular expression for it, exactly one of them")
        if regexp is not None:
            return cls(regexp, True, _regexp_matcher(regexp, what))
        if not exact:
            raise UsageError(f"the {what} of a trusted identity is empty")
        if "*" in exact:
            raise UsageError(f"no wildcard counts in the {what}, give a regular expression for it: {excerpt(exact)!r}")
        return cls(exact, False, exact.__eq__)

    def __str__(self) -> str:
        return f"/{self.text}/" if self.is_regexp else self.text


@dataclass(frozen=True, slots=True)
class ClaimPattern:
    """What a certificate must say of one claim. Build one with `of`."""

    name: str
    wanted: TextPattern

    @classmethod
    def of(cls, name: str, *, text: str | None = None, regexp: str | None = None) -> "ClaimPattern":
        """One of `text` and `regexp`; raises UsageError as `IdentityPattern.of`."""
        return cls(name, TextPattern.of(text, regexp, name))

    def problem(self, identity: Identity) -> str | None:
        """Why an identity does not fit, None where it does: all that it says has to."""
        said = identity.claims.get(self.name, ())
        wrong = [text for text in said if text is None or not self.wanted.matches(text)]
        if said and not wrong:
            return None
        if not said:
            found = "its certificate does not say it"
        else:
            found = "it cannot be read" if wrong[0] is None else f"it is {excerpt(wrong[0])!r}"
        return f"{self.name} must be {self.wanted}, {found}"


@dataclass(frozen=True, slots=True)
class IdentityPattern:
    """One trusted identity, or those that regular expressions describe. Build one with `of`.

    `name` is equal for equal patterns; of a pattern without expressions and claims it is the identity's own text.
    """

    san: TextPattern
    issuer: TextPattern
    claims: Sequence[ClaimPattern]

    @classmethod
    def of(
        cls,
        *,
        identity: str | None = None,
        identity_regexp: str | None = None,
        issuer: str | None = None,
        issuer_regexp: str | None = None,
        claims: Sequence[ClaimPattern] = (),
    ) -> "IdentityPattern":
        """Raises UsageError unless there is exactly one of each pair, and for an expression that is of no use."""
        san = TextPattern.of(identity, identity_regexp, "identity")
        return cls(san, TextPattern.of(issuer, issuer_regexp, "issuer"), tuple(claims))

    @property
    def name(self) -> str:
        said = ", ".join([str(self.issuer), *(f"{claim.name}={claim.wanted}" for claim in self.claims)])
        return f"identity:{self.san} ({said})"

    @property
    def is_exact(self) -> bool:
        return not (self.san.is_regexp or self.issuer.is_regexp)

    def matches(self, identity: Identity) -> bool:
        return self.has_name(identity) and not any(claim.problem(identity) for claim in self.claims)

    def has_name(self, identity: Identity) -> bool:
        """Whether name and issuer fit, whatever else it says."""
        return self.san.matches(identity.san) and self.issuer.matches(identity.issuer)


class EndedIdentity(NamedTuple):
    """Identities whose signatures count only before `end`, in seconds since 1970; None: none of them counts."""

    pattern: IdentityPattern
    end: float | None

    def had_ended(self, identity: Identity, signed_at: float) -> bool:
        return self.pattern.matches(identity) and (self.end is None or signed_at >= self.end)


def _regexp_matcher(regexp: str, what: str) -> Callable[[str], bool]:
    import re2

    if len(regexp) > MAX_REGEXP_CHARACTERS:
        raise UsageError(f"the regular expression for the {what} is longer than {MAX_REGEXP_CHARACTERS} characters")
    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(regexp, options)
    except (re2.error, UnicodeEncodeError):
        raise UsageError(f"the regular expression for the {what} cannot be read: {excerpt(regexp)!r}") from None

    def matches(text: str) -> bool:
        return compiled.fullmatch(text) is not None

    if any(map(matches, _NOBODY)):
        raise UsageError(f"the regular expression for the {what} matches everything: {excerpt(regexp)!r}")
    return matches
