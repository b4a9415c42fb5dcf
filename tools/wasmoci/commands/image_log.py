"""`wasm-oci image log`: put the signatures of an image into transparency logs."""

import os
from pathlib import Path
from typing import Annotated

from wasmoci.commands.options.declared import Argument, Option, command
from wasmoci.commands.report.output import Report
from wasmoci.keys.image import load_image_key
from wasmoci.sign.log import log_signatures
from wasmoci.transparency.rekor import RekorLogs
from wasmoci.transparency.verifying import TrustedLogs
from wasmoci.values.text import counted


@command(
    example="wasm-oci image log signed --output new --oci-key oci.pub --signing-config log.json --trusted-root r.json",
)
def log(
    layout: Annotated[Path, Argument()],
    output: Annotated[Path, Option("The new layout's folder; must be new or empty.")],
    oci_keys: Annotated[
        tuple[Path, ...], Option("A public key whose signatures are logged. Repeatable.", "--oci-key", required=True)
    ],
    signing_config: Annotated[Path, Option("cosign's signing configuration: the logs, and who stamps the time.")],
    trusted_root: Annotated[Path, Option("The trusted root with the keys of both.")],
) -> Report:
    """Log the signatures in LAYOUT that were made with a key, into a copy of the layout, without signing again.

    What is logged is public for ever: the key, and digests of what is signed.
    """
    trusted = TrustedLogs.from_file(trusted_root)
    keys = [load_image_key(path) for path in oci_keys]
    client = RekorLogs.from_file(signing_config, trusted, os.environ)
    logged = log_signatures(layout, output, keys, trusted, client)
    digest = str(logged.subject.digest)
    return Report(
        [f"{output}: {digest}", f"{counted(logged.added, 'bundle')} logged, {logged.kept} had a log entry already"],
        {"layout": str(output), "image": digest, "added": logged.added, "kept": logged.kept},
        logged.warnings,
    )
