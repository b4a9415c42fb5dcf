"""What keeps a check from being done has a kind, whatever it is."""

import pytest

from wasmoci.monitor.check import ERROR_KINDS, Failure, failure_of
from wasmoci.monitor.trusted import PolicyUnusableError
from wasmoci.values.errors import FormatError, NotFoundError, RegistryError, UsageError

TABLE = [
    (RegistryError("x"), "", "unreachable"),
    (RegistryError("x", 500), "", "failing"),
    (RegistryError("x", 429), "", "failing"),
    (RegistryError("x", 401), "", "denied"),
    (RegistryError("x", 403), "", "denied"),
    (RegistryError("x", 418), "", "answer"),
    (RegistryError("x", 200), "", "answer"),
    (NotFoundError("x", 404), "", "not_found"),
    (NotFoundError("x", 404), "sha256:1", "incomplete"),
    (FormatError("x"), "sha256:1", "answer"),
    (UsageError("x"), "", "answer"),
    (PolicyUnusableError("x"), "sha256:1", "policy"),
]


@pytest.mark.parametrize(("error", "digest", "kind"), TABLE)
def test_an_error_is_of_a_kind(error: Exception, digest: str, kind: str) -> None:
    assert failure_of(error, digest) == Failure(kind, "x", digest)
    assert kind in ERROR_KINDS


def test_of_a_bug_only_its_kind_is_told() -> None:
    assert failure_of(ZeroDivisionError("marked-secret")) == Failure("bug", "a bug in this program, ZeroDivisionError")
