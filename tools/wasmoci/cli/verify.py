"""`wasm-oci verify`: the verdict on an image, by digest, for people, programs and CI."""

import click

from wasmoci.cli.options import required_level
from wasmoci.cli.output import Report, reported
from wasmoci.cli.source import insecure_registries, open_source
from wasmoci.cli.trust import policy
from wasmoci.cli.trust_options import trust_options
from wasmoci.cli.trust_values import TrustValues
from wasmoci.cli.verdict import verdict_report
from wasmoci.verify import verify as run


@click.command()
@click.argument("target")
@required_level
@insecure_registries
@reported
@trust_options
def verify(
    target: str,
    trusted: TrustValues,
    require: str | None,
    insecure_registries: tuple[str, ...],
) -> Report:
    """Verify the image TARGET, a layout's folder or host[:port]/path:tag or …@sha256:…, on both layers."""
    wanted = policy(trusted, require)
    with open_source(target, insecure_registries) as source:
        return verdict_report(target, run(source, wanted))
