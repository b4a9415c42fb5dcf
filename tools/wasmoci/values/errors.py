"""The errors that callers tell apart, and the reason codes of a refusal."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum


class Reason(str, Enum):
    """Why something was checked and refused. The values are stable: reports and dashboards use them."""

    UNSIGNED = "UNSIGNED"
    UNATTESTED = "UNATTESTED"
    BAD_SIGNATURE = "BAD_SIGNATURE"
    UNTRUSTED_KEY = "UNTRUSTED_KEY"
    DIGEST_MISMATCH = "DIGEST_MISMATCH"
    WRONG_SUBJECT = "WRONG_SUBJECT"
    WRONG_NAME = "WRONG_NAME"
    WRONG_KIND = "WRONG_KIND"
    MALFORMED = "MALFORMED"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    POLICY_UNMET = "POLICY_UNMET"
    NO_RULE = "NO_RULE"
    IMPORT_NOT_ALLOWED = "IMPORT_NOT_ALLOWED"
    INTERFACE_CHANGED = "INTERFACE_CHANGED"
    NOT_LOGGED = "NOT_LOGGED"
    TAG_EXISTS = "TAG_EXISTS"
    TAG_MOVED = "TAG_MOVED"


class Error(Exception):
    """Base of every error that a user can cause; its text is one line for that user."""

    exit_code = 1

    def about(self, name: object) -> "Error":
        """The same error, whose text begins with the name of what it is about."""
        error = type(self).__new__(type(self), f"{name}: {self}")
        error.__dict__.update(self.__dict__)
        return error


class UsageError(Error):
    """The request contradicts itself or lacks something."""

    exit_code = 2


class FormatError(Error):
    """Bytes or text are not what their format says."""

    reason = Reason.MALFORMED


class KindError(FormatError):
    """Something is of its format, and of another kind than was asked for."""

    reason = Reason.WRONG_KIND


class LimitError(FormatError):
    """Something is larger or more numerous than the named limit allows."""

    reason = Reason.LIMIT_EXCEEDED


class UnfitError(Error):
    """A file or image is as it should be, and not one with which this can be done; the text does not name it."""


class ExistsError(Error):
    """A file is there that is not overwritten."""


class MissingError(FormatError):
    """A layout lacks what one of its documents names."""


class KeyFileError(Error):
    """A key cannot be read or used."""


class RegistryError(Error):
    """A registry could not be reached, refused the request, or answered nonsense.

    `status` is the HTTP status of the answer, None where there was no answer.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class NotFoundError(RegistryError):
    """A registry answered that it has not what was asked for."""


class VerificationError(Error):
    """Checked and refused."""

    exit_code = 3

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def not_logged(message: str) -> VerificationError:
    """The refusal of what is not in a transparency log, or not in it like this."""
    return VerificationError(Reason.NOT_LOGGED, message)


@contextmanager
def refusals_about(
    name: object, kinds: type[Error] | tuple[type[Error], ...] = (FormatError, UnfitError, VerificationError)
) -> Iterator[None]:
    """An error of `kinds` says in front what it is about."""
    try:
        yield
    except kinds as error:
        raise error.about(name) from None


@contextmanager
def not_of_the_image(status: int | None = None) -> Iterator[None]:
    """What is read on the way to an image is no part of it, and its faults are no verdict on the image.

    A FormatError becomes a RegistryError, with the `status` of the answer that it is about.
    """
    try:
        yield
    except FormatError as error:
        raise RegistryError(str(error), status) from None


@contextmanager
def refuse_malformed() -> Iterator[None]:
    """What is not of its format is refused: a FormatError becomes a VerificationError with its reason."""
    try:
        yield
    except FormatError as error:
        raise VerificationError(error.reason, str(error)) from None
