"""`wasm-oci publish`: a layout and its signatures into a registry."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from wasmoci.commands.options.common import RequiredLevel
from wasmoci.commands.options.connection import Connection
from wasmoci.commands.options.declared import Argument, Option, OptionGroup, command
from wasmoci.commands.options.publishing import DryRunWanted, Packaged, ReadingBack, Resign, Tagging, destination
from wasmoci.commands.options.reports import SignersReports
from wasmoci.commands.options.signing import Signing
from wasmoci.commands.options.trust import Trusted
from wasmoci.commands.report.output import Report, warn
from wasmoci.commands.report.progress import progress_output
from wasmoci.commands.report.published import dry_run_report, published_report
from wasmoci.disk.layout import Layout
from wasmoci.policy.choice import Policies
from wasmoci.publish import look
from wasmoci.publish.look import DryRun, Shown
from wasmoci.publish.plan import PublishRequest
from wasmoci.publish.signed import PublishedImage, Publishing, publish_signed, published_references
from wasmoci.registry.sources import opener
from wasmoci.reports.record import Record
from wasmoci.sign.deferred import DeferredSigning, LogSpec
from wasmoci.trust.signers import KeySpec
from wasmoci.values.errors import Error, UsageError
from wasmoci.values.signature_format import Placement, SignatureFormat
from wasmoci.verify.policy import Policy

_COMPONENT_KEYS = "An Ed25519 private key that signs the component: a file or a key reference. Repeatable."
_PLACEMENT = "Where it goes; `embedded` packages the image again."
_LOG_CONFIG = (
    "Log keyed signatures where this signing configuration (cosign's JSON) says; needs --trusted-root or a --policy "
    "with one."
)


@dataclass(frozen=True, slots=True)
class DeferredSigningOptions:
    """Who signs, and where signatures go."""

    manifest: Signing
    formats: Annotated[Sequence[SignatureFormat], Option("What --key signs; default: both.", "--format")]
    component_keys: Annotated[Sequence[str], Option(_COMPONENT_KEYS, "--component-signing-key", metavar="KEY")]
    placement: Annotated[Placement, Option(_PLACEMENT, "--component-signature", default=Placement.EMBEDDED)]
    log_config: Annotated[Path | None, Option(_LOG_CONFIG)]
    resign: Resign

    def deferred_signing(self, trusted_root: Path | None) -> DeferredSigning:
        """Who signs; UsageError where the options contradict each other."""
        if self.formats and not self.manifest:
            raise UsageError("--format goes with --key or --keyless")
        log = None
        if self.log_config is not None:
            if trusted_root is None:
                raise UsageError("--log-config needs --trusted-root, or a policy that names one: the keys of the logs")
            log = LogSpec(self.log_config, trusted_root)
        return DeferredSigning(
            component=[KeySpec.parse(reference) for reference in self.component_keys],
            placement=self.placement,
            oci=self.manifest.specs(trusted_root),
            formats=self.formats or None,
            log=log,
            password=self.manifest.password,
            private=self.manifest.private,
            resign=self.resign,
        )


@command(
    report_before="connection",
    example="wasm-oci publish signed ghcr.io/acme/hello:v1.0.0 --component-key component.pub --oci-key oci.pub",
)
def publish(
    layout: Annotated[Path, Argument()],
    repositories: Annotated[tuple[str, ...], Argument(metavar="REPOSITORY[:TAG]…")],
    packaged: Packaged,
    tagging: Tagging,
    read_back: ReadingBack,
    dry_run: DryRunWanted,
    require: RequiredLevel,
    signing: Annotated[DeferredSigningOptions, OptionGroup(DeferredSigningOptions, "Who signs")],
    reports: SignersReports,
    connection: Connection,
    trusted: Trusted,
) -> Report:
    """Publish the image in LAYOUT to each REPOSITORY, host[:port]/path[:tag]; with --key or --keyless sign it first.

    With --package and --registry it is published where `wkg get` finds it.

    The image is verified before anything is sent and again in the registry; its tags are set last. What is
    there already is neither signed nor sent again. What is signed says the annotations that signatures must
    have, and names --signed-name, or else the first REPOSITORY.
    """

    def run(record: Record) -> Report:
        (first, *others), tags, if_exists = destination(repositories, tagging, packaged)
        policies = record.of(Policies.of(trusted, require, warn).enforced().comparing(opener(connection)))
        policy = policies.of_repositories([first, *others])
        request = PublishRequest(
            layout=layout, repository=first, tags=tags, policy=policy, if_exists=if_exists, read_back=read_back
        )
        trusted_root = trusted.trusted_root if policies.file is None else policies.file.trusted_root
        who = signing.deferred_signing(trusted_root)
        publishing = Publishing(request, others, connection, who)
        try:
            if dry_run is DryRun.NO:
                return _published(publish_signed(publishing, warn, progress_output), policy, record)
            return _shown(look.dry_run(publishing, ask=dry_run is DryRun.CHECKED), publishing, record)
        except Error as error:
            if not record.checked:
                record.failed(str(layout), error, policy, lambda: nullcontext(Layout(layout)))
            raise

    return reports._replace(allow_readable_key=signing.manifest.readable_keys).of([str(layout)], run)


def _published(image: PublishedImage, policy: Policy, record: Record) -> Report:
    for outcome in image.outcomes:
        if outcome.error is not None:
            record.failed(str(outcome.repository), outcome.error, policy)
    for reference in published_references(image.plan, image.outcomes):
        record.held(reference, image.plan.verified)
    return published_report(image)


def _shown(shown: Shown, publishing: Publishing, record: Record) -> Report:
    record.held(str(publishing.request.layout), shown.verified, shown.warnings)
    for seen in shown.looks:
        if seen.error is not None:
            record.failed(str(seen.request.repository), seen.error, publishing.request.policy)
    return dry_run_report(shown)
