"""`wasm-oci image sign`: sign the image in a layout."""

from pathlib import Path
from typing import Annotated

from wasmoci.commands.options.common import DigestFile, SignedAnnotations, SignedLayout, TrustedRoot, annotation_pairs
from wasmoci.commands.options.declared import Argument, Option, command
from wasmoci.commands.options.signing import Signing
from wasmoci.commands.report.layout import layout_report
from wasmoci.commands.report.output import Report, warn
from wasmoci.sign.image import SignRequest, sign_image
from wasmoci.values.image_reference import Repository
from wasmoci.values.signature_format import SignatureFormat


@command(example="wasm-oci image sign image --output signed --repository ghcr.io/acme/hello --key /secure/oci.key")
def sign(
    layout: Annotated[Path, Argument()],
    output: SignedLayout,
    digest_file: DigestFile,
    repository: Annotated[str, Option("host[:port]/path that the image is for.")],
    formats: Annotated[
        tuple[SignatureFormat, ...], Option("Default: both by each key; an identity signs bundles only.", "--format")
    ],
    annotations: SignedAnnotations,
    recursive: Annotated[bool, Option("Of an index sign its images too.")],
    signing: Signing,
    trusted_root: TrustedRoot,
) -> Report:
    """Sign the image or index in LAYOUT as `cosign sign` would, into a copy of the layout."""
    request = SignRequest(
        layout=layout,
        output=output,
        repository=str(Repository.parse(repository)),
        formats=formats or None,
        annotations=annotation_pairs(annotations),
        recursive=recursive,
    )
    descriptor = sign_image(request, *signing.signers(warn, trusted_root))
    return layout_report(output, str(descriptor.digest), digest_file)
