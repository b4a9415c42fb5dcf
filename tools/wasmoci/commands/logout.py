"""`wasm-oci logout`: forget a registry's password."""

import os
from typing import Annotated

from wasmoci.commands.options.declared import Argument, command
from wasmoci.commands.report.output import Report
from wasmoci.registry.login.login import log_out
from wasmoci.values.image_reference import check_registry


@command(example="wasm-oci logout ghcr.io")
def logout(registry: Annotated[str, Argument(metavar="HOST[:PORT]")]) -> Report:
    """Forget the password of the registry HOST[:PORT]: in Docker's config.json, or in the helper that it names."""
    known, left = log_out(check_registry(registry), os.environ)
    line = f"logged out of {registry}" if known else f"nobody was logged in to {registry}"
    warnings = [] if left is None else [f"{registry} still has {left}"]
    return Report([line], {"registry": registry, "wasLoggedIn": known}, warnings)
