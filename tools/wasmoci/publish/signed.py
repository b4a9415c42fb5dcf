"""Publish an image to one or more repositories; what is still to be signed is signed first."""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from wasmoci.disk.layout import Layout
from wasmoci.oci.progress import Watch
from wasmoci.publish.places import RepositoryPlaces
from wasmoci.publish.plan import Plan, PublishRequest, placeholder_warnings, plan, publish
from wasmoci.publish.send import Outcome, Published
from wasmoci.registry.client import Registries
from wasmoci.registry.sources import ConnectionOptions
from wasmoci.sign.deferred import DeferredSigning
from wasmoci.sign.layout import sign_layout
from wasmoci.values.errors import Error
from wasmoci.values.image_reference import Repository
from wasmoci.values.notes import Notes


@dataclass(frozen=True, slots=True)
class Publishing:
    """What to publish, and where else: `request` is about the first repository.

    To those with one of the `failures` nothing is sent.
    """

    request: PublishRequest
    more_repositories: Sequence[Repository] = ()
    connection: ConnectionOptions = field(default_factory=ConnectionOptions)
    signing: DeferredSigning = field(default_factory=DeferredSigning)
    failures: Mapping[Repository, Error] = field(default_factory=dict)

    def requests(self) -> list[PublishRequest]:
        """One for each repository."""
        others = [replace(self.request, repository=repository) for repository in self.more_repositories]
        return [self.request, *(request for request in others if request != self.request)]


@dataclass(frozen=True, slots=True)
class PublishedImage:
    """What was to be sent, signed, and what became of it in each repository."""

    plan: Plan
    outcomes: Sequence[Outcome]


def publish_signed(publishing: Publishing, notes: Notes, watch: Watch) -> PublishedImage:
    """Sign and publish; `notes` gets all warnings before anything is sent.

    Where one of several repositories fails the others are still published to. Raises what `check_publishing`
    and `signed` raise.
    """
    planned = check_publishing(publishing)
    with (
        publishing.connection.registries() as registries,
        signed(publishing, planned, registries, notes) as (ready, final),
    ):
        for warning in final.warnings:
            notes(warning)
        with watch() as progress:
            outcomes = send_to_each(
                ready, lambda request: publish(request, final, registries.client(request.repository), progress)
            )
    return PublishedImage(final, outcomes)


def check_publishing(publishing: Publishing) -> Plan:
    """Refuse all that can be before the signing, because some signatures are in public logs for ever."""
    request = publishing.request
    planned = plan(replace(request, policy=publishing.signing.before(request.policy)))
    for each in publishing.requests():
        placeholder_warnings(each, planned.verified)
    return planned


@contextmanager
def signed(
    publishing: Publishing, planned: Plan, registries: Registries, notes: Notes
) -> Iterator[tuple[Publishing, Plan]]:
    """What is to be sent; a layout that has to be signed first is a temporary one.

    What a repository has of the signatures is taken from there. One where that cannot be seen is among the
    `failures`; where that are all, nothing is signed.
    """
    if not publishing.signing:
        yield publishing, planned
        return
    request = publishing.request
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "signed")
        repositories = [each.repository for each in publishing.requests()]
        places = RepositoryPlaces(repositories, registries, resign=publishing.signing.resign)
        steps = publishing.signing.steps(request.repository, request.policy.image, notes, places)
        try:
            sign_layout(request.layout, output, steps, Layout.root)
            final = plan(replace(request, layout=output))
        except Error:
            if not places.have_failed:
                raise
            output, final = request.layout, planned
        yield replace(publishing, request=replace(request, layout=output), failures=places.failures), final


def send_to_each(publishing: Publishing, send: Callable[[PublishRequest], Published]) -> list[Outcome]:
    """`send` to one repository after the other, whatever becomes of it."""

    def sent(request: PublishRequest) -> Published:
        if request.repository in publishing.failures:
            raise publishing.failures[request.repository]
        return send(request)

    return [Outcome.of(request.repository, partial(sent, request)) for request in publishing.requests()]


def published_references(planned: Plan, outcomes: Sequence[Outcome]) -> list[str]:
    """The names that the image has where it was published."""
    return [
        name
        for outcome in outcomes
        if outcome.published is not None
        for name in planned.references(outcome.repository, outcome.published.tags_on_others)
    ]
