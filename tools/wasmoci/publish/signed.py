"""Publish an image to one or more repositories; what is still to be signed is signed first."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from wasmoci.oci.progress import Watch
from wasmoci.publish.plan import Plan, PublishRequest, placeholder_warnings, plan, publish
from wasmoci.publish.send import Outcome, Published
from wasmoci.registry.connection_options import ConnectionOptions
from wasmoci.sign.deferred import DeferredSigning
from wasmoci.sign.layout import sign_layout
from wasmoci.values.image_reference import Repository
from wasmoci.values.notes import Notes


@dataclass(frozen=True, slots=True)
class Publishing:
    """What to publish, and where else: `request` is about the first repository, whose name legacy signatures have."""

    request: PublishRequest
    more_repositories: Sequence[Repository] = ()
    connection: ConnectionOptions = field(default_factory=ConnectionOptions)
    signing: DeferredSigning = field(default_factory=DeferredSigning)

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
    with signed(publishing, planned, notes) as (ready, final):
        for warning in final.warnings:
            notes(warning)
        with ready.connection.registries() as registries, watch() as progress:
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
def signed(publishing: Publishing, planned: Plan, notes: Notes) -> Iterator[tuple[Publishing, Plan]]:
    """What is to be sent; a layout that has to be signed first is a temporary one."""
    if not publishing.signing:
        yield publishing, planned
        return
    request = publishing.request
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "signed")
        steps = publishing.signing.steps(request.repository, request.policy.image.keys, notes)
        final = sign_layout(request.layout, output, steps, lambda layout: plan(replace(request, layout=layout.path)))
        yield replace(publishing, request=replace(request, layout=output)), final


def send_to_each(publishing: Publishing, send: Callable[[PublishRequest], Published]) -> list[Outcome]:
    """`send` to one repository after the other, whatever becomes of it."""
    return [Outcome.of(request.repository, partial(send, request)) for request in publishing.requests()]
