"""What commands report that write a layout."""

from pathlib import Path

from wasmoci.commands.report.output import Report
from wasmoci.disk.files import write_atomically


def layout_report(output: Path, digest: str, digest_file: Path | None) -> Report:
    """The report of a command that wrote a layout; writes `digest_file` where one is named."""
    if digest_file is not None:
        write_atomically(digest_file, f"{digest}\n".encode())
    return Report([f"{output}: {digest}"], {"layout": str(output), "image": digest})
