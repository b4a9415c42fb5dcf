"""The verdict on a WebAssembly file, for people and programs."""

from pathlib import Path

from wasmoci.commands.report.output import Report
from wasmoci.verify.component import VerifiedComponent
from wasmoci.verify.parts import VerifiedParts


def component_report(source: Path, verified: VerifiedComponent | VerifiedParts) -> Report:
    """`componentKeys` that signed; of parts also `coveredEnd` and `whole`."""
    names = [key.fingerprint for key in verified.keys]
    if not isinstance(verified, VerifiedParts):
        return Report(
            [f"verified {source}: signed by {name}" for name in names], {"componentKeys": names}, verified.warnings
        )
    reach = "whole" if verified.whole else f"up to byte {verified.covered_end}, nothing vouches for the rest"
    return Report(
        [f"verified {source} ({reach}): signed by {name}" for name in names],
        {"componentKeys": names, "coveredEnd": verified.covered_end, "whole": verified.whole},
        verified.warnings,
    )
