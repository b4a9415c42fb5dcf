"""`wasm-oci pull`: a component from a registry, once it is verified."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

from wasmoci.commands.options.common import RequiredLevel
from wasmoci.commands.options.connection import Connection
from wasmoci.commands.options.declared import Argument, Option, command
from wasmoci.commands.options.reports import Reports
from wasmoci.commands.options.trust import Trusted
from wasmoci.commands.report.module_stanza import check_sayable, module_stanza
from wasmoci.commands.report.output import Report, warn
from wasmoci.commands.report.verdict import verdict_report
from wasmoci.policy.choice import Policies
from wasmoci.publish.pull import Pulled, PullRequest, pull_image
from wasmoci.registry.sources import open_source, reference_of
from wasmoci.reports.record import Record
from wasmoci.values.errors import Error, ExistsError, UsageError


@command(
    report_before="connection", example="wasm-oci pull ghcr.io/acme/hello:v1.0.0 --oci-key oci.pub --output hello.wasm"
)
def pull(
    target: Annotated[str, Argument()],
    output: Annotated[Path | None, Option("Where the component goes.", "--output", "-o")],
    output_dir: Annotated[Path | None, Option("The folder it goes into, by the name that the image gives it.")],
    layout: Annotated[Path | None, Option("Keep the whole image, signatures and all, in this new folder.")],
    bazel: Annotated[bool, Option("Print what MODULE.bazel has to say to fetch this image, pinned and verified.")],
    overwrite: Annotated[bool, Option("Replace a file that is there already; else it is an error.")],
    require: RequiredLevel,
    reports: Reports,
    connection: Connection,
    trusted: Trusted,
) -> Report:
    """Verify the image TARGET and write its component; nothing is written where it does not verify.

    TARGET is host[:port]/path:tag or …@sha256:…, or a layout's folder. An index is refused: name one of
    its images by digest.
    """
    if output is not None and output_dir is not None:
        raise UsageError("give --output or --output-dir, not both")
    if output is None and output_dir is None and layout is None and not bazel:
        raise UsageError("give --output, --output-dir, --layout or --bazel")

    def run(record: Record) -> Report:
        wanted = record.of(Policies.of(trusted, require, warn).enforced()).of_target(target, reference_of)
        if bazel:
            if reference_of(target) is None:
                raise UsageError(f"--bazel names an image in a registry, and {target} is a layout")
            check_sayable(wanted, trusted.oci_keys)
        request = PullRequest(target, wanted, output, output_dir, layout, overwrite)
        try:
            pulled = pull_image(request, connection, warn)
        except ExistsError as error:
            raise Error(f"{error}: --overwrite replaces it") from None
        except Error as error:
            record.failed(target, error, wanted, partial(open_source, target, connection, to_verify=True))
            raise
        record.held(target, pulled.verified)
        stanza: Sequence[str] = ()
        if bazel and pulled.reference is not None:
            files = [str(path) for path in trusted.component_keys], trusted.oci_keys
            stanza = module_stanza(pulled, pulled.reference, files, connection.insecure)
        return _report(request, pulled, stanza)

    return reports.of([target], run)


def _report(request: PullRequest, pulled: Pulled, stanza: Sequence[str]) -> Report:
    report = verdict_report(request.target, pulled.verified)
    places = [str(place) for place in (pulled.output, request.layout) if place is not None]
    return report._replace(
        lines=stanza or [*report.lines, *(f"pulled {pulled.name} to {place}" for place in places)],
        data={
            **report.data,
            "reference": pulled.name,
            "output": None if pulled.output is None else str(pulled.output),
            "layout": None if request.layout is None else str(request.layout),
            **({"bazel": "\n".join(stanza)} if stanza else {}),
        },
    )
