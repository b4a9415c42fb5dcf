"""The OIDC token that proves an identity to Fulcio. It is a secret while it lasts; no error shows any of it."""

from pathlib import Path
from typing import TYPE_CHECKING

from wasmoci.disk.files import read_bounded
from wasmoci.values.errors import Error, FormatError, UsageError

if TYPE_CHECKING:
    from sigstore.oidc import IdentityToken

MAX_TOKEN_SIZE = 64 * 1024


def identity_token(file: Path | None) -> "IdentityToken":
    """The token in `file`, else the one that the CI system gives this job; nobody is asked interactively.

    CI systems are those of the library `id`: GitHub, GitLab, Buildkite, CircleCI and Google Cloud. Raises
    UsageError where there is no token, FormatError for one that is none, is for another audience than
    `sigstore`, or is not valid now, Error where it cannot be read.
    """
    from sigstore.oidc import IdentityError, IdentityToken

    text = _ambient() if file is None else _read(file)
    try:
        return IdentityToken(text)
    except IdentityError:
        raise FormatError(
            f"{'the identity token of CI' if file is None else f'the identity token in {file}'} is no OIDC token "
            "for the audience `sigstore` that is valid now"
        ) from None


def _read(file: Path) -> str:
    try:
        return read_bounded(file, MAX_TOKEN_SIZE, "the identity token").decode("ascii").strip()
    except UnicodeDecodeError:
        raise FormatError(f"the identity token in {file} is no ASCII text") from None


def _ambient() -> str:
    from sigstore.oidc import IdentityError, detect_credential

    try:
        token = detect_credential()
    except IdentityError:
        raise Error(
            "the CI system has an identity for this job and did not give its token "
            "(GitHub wants `permissions: id-token: write`)"
        ) from None
    if token is None:
        raise UsageError("no identity signs: give a file with an identity token, or run in a CI system that has one")
    return token
