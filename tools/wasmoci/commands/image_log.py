"""`wasm-oci image log`: put the signatures of an image into transparency logs."""

import os
from pathlib import Path

import click

from wasmoci.commands.options.common import PathArgument
from wasmoci.commands.report.output import Report, reported
from wasmoci.keys.image import load_image_key
from wasmoci.sign.log import log_signatures
from wasmoci.transparency.rekor import RekorLogs
from wasmoci.transparency.verifying import TrustedLogs


@click.command()
@click.argument("layout", type=PathArgument())
@click.option("--output", required=True, type=PathArgument(), help="The new layout's folder; must be new or empty.")
@click.option(
    "--oci-key",
    "oci_keys",
    multiple=True,
    required=True,
    type=PathArgument(),
    help="A public key whose signatures are logged. Repeatable.",
)
@click.option(
    "--signing-config", required=True, type=PathArgument(), help="cosign's signing configuration, which names the logs."
)
@click.option("--trusted-root", required=True, type=PathArgument(), help="The trusted root with the logs' keys.")
@reported
def log(layout: Path, output: Path, oci_keys: tuple[Path, ...], signing_config: Path, trusted_root: Path) -> Report:
    """Log the signatures in LAYOUT that were made with a key, into a copy of the layout, without signing again.

    What is logged is public for ever: the key, and digests of what is signed.
    """
    trusted = TrustedLogs.from_file(trusted_root)
    keys = [load_image_key(path) for path in oci_keys]
    client = RekorLogs.from_file(signing_config, os.environ, trusted.logs)
    logged = log_signatures(layout, output, keys, trusted, client)
    digest = str(logged.subject.digest)
    return Report(
        [f"{output}: {digest}", f"{logged.added} bundles logged, {logged.kept} had a log entry already"],
        {"layout": str(output), "digest": digest, "added": logged.added, "kept": logged.kept},
        logged.warnings,
    )
