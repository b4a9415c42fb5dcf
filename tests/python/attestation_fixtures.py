"""Attestations for tests, by the keys of image_fixtures."""

import json
from typing import Any

from image_fixtures import SIGNER, Edit, MemoryImage, attach_bundle, edited
from wasmoci.keys.image import ImageSigner
from wasmoci.oci import Descriptor
from wasmoci.predicate_type import CYCLONEDX, SLSA_PROVENANCE_V1
from wasmoci.statement import attestation

SBOM = b'{"bomFormat":"CycloneDX","specVersion":"1.6","version":1}'
SPDX_2 = b'{"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT","name":"hello"}'

COMMIT = "7fd1a60b01f91b314f59955a4e4d4e80d8edf11d"
REPOSITORY_URI = "git+https://example.com/acme/hello"
BUILDER = "https://example.com/builders/ci@v1"


def statement_about(
    image: MemoryImage, predicate: bytes = SBOM, predicate_type: str = CYCLONEDX, edit: Edit | None = None
) -> bytes:
    return edited(attestation(image.image.digest, "hello", predicate_type, predicate), edit)


def attach_attestation(
    image: MemoryImage,
    signer: ImageSigner = SIGNER,
    predicate: bytes = SBOM,
    predicate_type: str = CYCLONEDX,
    edit: Edit | None = None,
) -> Descriptor:
    """Attach an attestation whose statement was changed by `edit` before it was signed."""
    return attach_bundle(image, signer, payload=statement_about(image, predicate, predicate_type, edit))


def attach_provenance(image: MemoryImage, predicate: bytes, signer: ImageSigner = SIGNER) -> Descriptor:
    return attach_attestation(image, signer, predicate, SLSA_PROVENANCE_V1)


def decoded(data: bytes) -> Any:
    return json.loads(data)
