"""`wasm-oci image sign`: sign the image in a layout."""

from pathlib import Path

import click

from wasmoci.cli.options import PathArgument, allow_readable_key, password_file, password_source
from wasmoci.cli.output import Report, layout_report, reported
from wasmoci.errors import KeyFileError
from wasmoci.keys.image import load_public_key, load_signer
from wasmoci.reference import Repository
from wasmoci.sign_image import SignRequest, sign_image
from wasmoci.signature_format import SignatureFormat


@click.command()
@click.argument("layout", type=PathArgument())
@click.option("--output", required=True, type=PathArgument(), help="The signed layout's folder; must be new or empty.")
@click.option("--digest-file", type=PathArgument(), help="Also write the manifest's digest to this file.")
@click.option("--key", required=True, type=PathArgument(), help="The private key: PKCS#8 PEM or cosign's.")
@click.option("--public-key", type=PathArgument(), help="Refuse to sign unless the private key belongs to this one.")
@click.option("--repository", required=True, help="host[:port]/path that the image is for.")
@click.option("--format", "formats", multiple=True, type=click.Choice(["bundle", "legacy"]), help="Default: both.")
@password_file
@allow_readable_key
@reported
def sign(
    layout: Path,
    output: Path,
    digest_file: Path | None,
    key: Path,
    public_key: Path | None,
    repository: str,
    formats: tuple[str, ...],
    password_file: Path | None,
    allow_readable_key: bool,
) -> Report:
    """Sign the image in LAYOUT as `cosign sign` would, into a copy of the layout."""
    signer = load_signer(key, password_source(password_file), private=not allow_readable_key)
    if public_key is not None and load_public_key(public_key) != signer.public_key:
        raise KeyFileError(f"the private key {key} does not belong to the public key {public_key}")
    request = SignRequest(
        layout=layout,
        output=output,
        repository=str(Repository.parse(repository)),
        formats=tuple(SignatureFormat(name) for name in formats) or tuple(SignatureFormat),
    )
    descriptor = sign_image(request, signer)
    return layout_report(output, str(descriptor.digest), digest_file)
