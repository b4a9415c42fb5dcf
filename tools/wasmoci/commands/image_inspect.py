"""`wasm-oci image inspect`: what an image is, as far as the keys given can tell."""

from pathlib import Path
from typing import Annotated

from wasmoci.commands.options.declared import Argument, command
from wasmoci.commands.options.trust import Trusted
from wasmoci.commands.report.output import Report, warn
from wasmoci.commands.report.verdict import verdict_report
from wasmoci.disk.layout import Layout
from wasmoci.trust.policy import policy
from wasmoci.values.level import Level
from wasmoci.verify.index import verify_root


@command(report_before="trusted")
def inspect(layout: Annotated[Path, Argument()], trusted: Trusted) -> Report:
    """Show the image or index in LAYOUT and the level that the trusted keys given can confirm."""
    verified = verify_root(Layout(layout), policy(trusted, Level.NONE, warn))
    return verdict_report(str(layout), verified)
