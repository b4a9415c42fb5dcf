"""`wasm-oci verify`: the verdict on an image, by digest, for people, programs and CI."""

from pathlib import Path

import click

from wasmoci.cli.options import required_level, trusted_keys
from wasmoci.cli.output import Report, reported
from wasmoci.cli.source import insecure_registries, open_source
from wasmoci.cli.verdict import policy, verdict_report
from wasmoci.verify import verify as run


@click.command()
@click.argument("target")
@trusted_keys
@required_level
@insecure_registries
@reported
def verify(
    target: str,
    component_keys: tuple[Path, ...],
    oci_keys: tuple[Path, ...],
    require: str | None,
    insecure_registries: tuple[str, ...],
) -> Report:
    """Verify the image TARGET, a layout's folder or host[:port]/path:tag or …@sha256:…, on both layers."""
    wanted = policy(component_keys, oci_keys, require)
    with open_source(target, insecure_registries) as source:
        return verdict_report(target, run(source, wanted))
