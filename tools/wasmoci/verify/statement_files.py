"""Attested statements as files."""

from pathlib import Path

from wasmoci.disk.files import atomic_folder
from wasmoci.values.digest import Digest
from wasmoci.verify.attestation import VerifiedAttestations


def write_statements(output: Path, verified: VerifiedAttestations) -> None:
    """Write each statement to `<SHA-256 of its bytes>.json` in the folder `output`; Error unless it is new or empty."""
    with atomic_folder(output) as folder:
        folder.mkdir()
        for attestation in verified.attestations:
            (folder / f"{Digest.of(attestation.payload).hex}.json").write_bytes(attestation.payload)
