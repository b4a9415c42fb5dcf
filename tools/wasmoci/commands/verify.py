"""`wasm-oci verify`: the verdict on images, by digest, for people, programs and CI."""

from typing import TYPE_CHECKING, Annotated

from wasmoci.commands.options.common import RequiredLevel
from wasmoci.commands.options.connection import Connection
from wasmoci.commands.options.declared import Argument, Option, command
from wasmoci.commands.options.reports import Reports
from wasmoci.commands.options.trust import Trusted
from wasmoci.commands.report.output import Report, error_members, note, result_of, warn
from wasmoci.commands.report.unforeseen import nothing_unforeseen
from wasmoci.commands.report.verdict import judged
from wasmoci.policy.choice import Policies
from wasmoci.registry.sources import Sources, opener, reference_of
from wasmoci.reports.record import Record
from wasmoci.values.errors import Error, UsageError

if TYPE_CHECKING:
    from wasmoci.keys.image import ImageSigner
    from wasmoci.reports.checked import Evidence


@command(
    report_before="connection",
    example="wasm-oci verify ghcr.io/acme/hello:v1.0.0 --component-key component.pub --oci-key oci.pub",
)
def verify(
    targets: Annotated[tuple[str, ...], Argument(required=True, metavar="TARGET...")],
    require: RequiredLevel,
    reports: Reports,
    publish_verdict: Annotated[bool, Option("Attach the signed summary to the image, unless it has that already.")],
    connection: Connection,
    trusted: Trusted,
) -> Report:
    """Verify the image TARGET, a layout's folder or host[:port]/path:tag or …@sha256:…, on both layers.

    Of an index the index's own OCI signatures are verified, and every image of it on both layers. Of several
    TARGETs each is verified, whatever becomes of the others, and the exit code is the highest of theirs; with
    --json they are in `images`.
    """

    def run(record: Record) -> Report:
        wanted = record.of(Policies.of(trusted, require, warn).comparing(opener(connection)))
        with Sources(connection) as sources:
            if len(targets) == 1:
                return _verify(targets[0], sources, wanted, record)
            return _together([(target, _attempt(target, sources, wanted, record)) for target in targets])

    def publish(evidence: "Evidence", signer: "ImageSigner") -> None:
        from wasmoci.publish.verdict import publish_verdict as attach
        from wasmoci.reports.vsa import vsa_statement
        from wasmoci.verify.trust import ImageTrust

        digest = evidence.checked[0].digest
        if reference is None or digest is None:
            raise Error("no verdict is published: what was verified could not be read")
        with connection.registries() as registries:
            client = registries.client(reference.repository)
            carrier = attach(client, digest, vsa_statement(evidence), signer, ImageTrust((signer.public_key,)))
        note(f"the verdict is attached to {digest}: {carrier}")

    reference = reference_of(targets[0]) if publish_verdict and len(targets) == 1 else None
    if publish_verdict and reference is None:
        raise UsageError("--publish-verdict attaches a verdict to one image in a registry: name one by its reference")
    return reports.of(targets, run, publish if publish_verdict else None)


def _verify(target: str, sources: Sources, wanted: Policies, record: Record) -> Report:
    return judged(
        target,
        lambda: record.verify(
            target,
            lambda: wanted.of_target(target, reference_of),
            lambda policy: sources.open(target, to_verify=True, signatures=bool(policy.image)),
        ),
        reports_only=wanted.reports_only,
    )


def _attempt(target: str, sources: Sources, wanted: Policies, record: Record) -> Report | Error:
    try:
        with nothing_unforeseen():
            return _verify(target, sources, wanted, record)
    except Error as error:
        record.finished([target], error)
        return error


def _together(outcomes: list[tuple[str, Report | Error]]) -> Report:
    lines: list[str] = []
    images: list[dict[str, object]] = []
    warnings: list[str] = []
    errors: list[Error] = []
    for target, outcome in outcomes:
        if isinstance(outcome, Error):
            errors.append(outcome.about(target))
            images.append({"target": target, "result": result_of(outcome), **error_members(outcome)})
        else:
            lines += outcome.lines
            images.append({"target": target, "result": "ok", **outcome.data, "warnings": list(outcome.warnings)})
            warnings += [f"{target}: {warning}" for warning in outcome.warnings]
    return Report(lines, {"images": images}, warnings, errors)
