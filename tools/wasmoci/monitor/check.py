"""One check of an image: a look, and a verdict where the look or the time asks for one."""

import time
import zlib
from dataclasses import dataclass

from wasmoci.monitor.config import Target
from wasmoci.monitor.judge import judge, refused
from wasmoci.monitor.look import Look, look_at
from wasmoci.monitor.observed import Known, Observed
from wasmoci.monitor.trusted import PolicyUnusableError, Trusted
from wasmoci.oci.graph import read_graph
from wasmoci.registry.client import RepositoryClient
from wasmoci.registry.source import RegistrySource
from wasmoci.values.errors import Error, NotFoundError, RegistryError, VerificationError, refuse_malformed
from wasmoci.values.image_reference import Reference

UNREACHABLE, FAILING, DENIED, NOT_FOUND = "unreachable", "failing", "denied", "not_found"
INCOMPLETE, ANSWER, POLICY, LIMIT, BUG = "incomplete", "answer", "policy", "limit", "bug"
# The kinds of what keeps a check from being done; labels of metrics.
ERROR_KINDS = (UNREACHABLE, FAILING, DENIED, NOT_FOUND, INCOMPLETE, ANSWER, POLICY, LIMIT, BUG)
# Those that a whole registry may have.
OF_REGISTRY = (UNREACHABLE, FAILING)

_DENIED, _TOO_MANY, _FIRST_SERVER_ERROR = (401, 403), 429, 500

# Verdicts are made anew at times between this part of the period and all of it, so that not all come at once.
_EARLIEST = 0.75


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a check could not be done. `digest` is what the reference names, where that could be told."""

    kind: str
    message: str
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """How a check ended: `observed` is what was known where nothing asked for a new verdict (`is_new`)."""

    observed: Observed | Failure
    is_new: bool = False
    look_seconds: float = 0
    verify_seconds: float = 0


def check(
    reference: Reference, target: Target, client: RepositoryClient, known: Known, trusted: Trusted, *, is_due: bool
) -> Checked:
    """Never raises: what cannot be checked is a Failure."""
    begin = time.perf_counter()
    digest = ""
    try:
        try:
            with refuse_malformed():
                graph = read_graph(RegistrySource(reference, client, forbidden_is_absent=True))
            digest = str(graph.digest)
            look = look_at(graph)
        except VerificationError as error:
            return Checked(refused(Look(digest, ()), error, trusted), True, time.perf_counter() - begin)
        looked = time.perf_counter()
        before = known.observed
        if before is not None and not is_due and (before.digest, before.attached) == (look.digest, look.attached):
            return Checked(before, look_seconds=looked - begin)
        observed = judge(graph, look, target.counts_as, trusted)
        return Checked(observed, True, looked - begin, time.perf_counter() - looked)
    except Exception as error:
        return Checked(failure_of(error, digest), look_seconds=time.perf_counter() - begin)


def listed(target: Target, client: RepositoryClient, limit: int) -> list[Reference] | Failure:
    """The images at the tags of a repository, of at most `limit`."""
    try:
        return target.of_tags(client.tags(limit))
    except Exception as error:
        return failure_of(error)


def is_due(name: str, known: Known, basis: str, now: float, verify_every: float) -> bool:
    """Whether policy, trusted root or time ask for a new verdict; a clock that was set back does, too."""
    part = _EARLIEST + (1 - _EARLIEST) * (zlib.crc32(name.encode()) % 1000) / 1000
    return known.basis != basis or not known.verified_at <= now < known.verified_at + part * verify_every


def failure_of(error: Exception, digest: str = "") -> Failure:
    if isinstance(error, Error):
        kind = _kind(error)
        # What belongs to an image is missing, and not the image.
        return Failure(INCOMPLETE if digest and kind == NOT_FOUND else kind, str(error), digest)
    return Failure(BUG, f"a bug in this program, {type(error).__qualname__}", digest)


def _kind(error: Error) -> str:
    if isinstance(error, PolicyUnusableError):
        return POLICY
    if not isinstance(error, RegistryError):
        return ANSWER
    if error.status is None:
        return UNREACHABLE
    if isinstance(error, NotFoundError):
        return NOT_FOUND
    if error.status in _DENIED:
        return DENIED
    return FAILING if error.status == _TOO_MANY or error.status >= _FIRST_SERVER_ERROR else ANSWER
