"""Tags that exist before an image is published."""

from wasmoci.digest import Digest
from wasmoci.errors import Reason, VerificationError
from wasmoci.if_exists import IfExists
from wasmoci.registry.client import RepositoryClient


def stays(client: RepositoryClient, tag: str, digest: Digest, if_exists: IfExists) -> bool:
    """Whether `tag` is to stay as it is; false where it is to be set to `digest`.

    Raises VerificationError (TAG_EXISTS) where the tag is not as `if_exists` wants it, RegistryError.
    """
    found = client.find_manifest(tag)
    if found is None:
        return False
    current = found[0].digest
    if if_exists is IfExists.FAIL or (if_exists is IfExists.VERIFY_SAME and current != digest):
        raise VerificationError(
            Reason.TAG_EXISTS, f"tag {tag} of {client.repository} exists and points to {current}, not set to {digest}"
        )
    return current == digest or if_exists is IfExists.SKIP
