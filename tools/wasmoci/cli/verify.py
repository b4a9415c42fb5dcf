"""`wasm-oci verify`: the verdict on an image, by digest, for people, programs and CI."""

import click

from wasmoci.cli.options import required_level
from wasmoci.cli.output import Report, reported
from wasmoci.cli.registry_options import Reach, registry_options
from wasmoci.cli.source import open_source
from wasmoci.cli.trust import policy
from wasmoci.cli.trust_options import trust_options
from wasmoci.cli.trust_values import TrustValues
from wasmoci.cli.verdict import verdict_report
from wasmoci.verify_index import verify_root


@click.command()
@click.argument("target")
@required_level
@reported
@registry_options
@trust_options
def verify(
    target: str,
    trusted: TrustValues,
    require: str | None,
    reach: Reach,
) -> Report:
    """Verify the image TARGET, a layout's folder or host[:port]/path:tag or …@sha256:…, on both layers.

    Of an index the index's own OCI signatures are verified, and every image of it on both layers.
    """
    wanted = policy(trusted, require)
    with open_source(target, reach) as source:
        return verdict_report(target, verify_root(source, wanted))
