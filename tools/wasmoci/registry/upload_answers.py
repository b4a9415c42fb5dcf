"""What a registry says about an upload."""

import re

from wasmoci.registry.auth import Access
from wasmoci.registry.session import Session
from wasmoci.registry.transport import Body, Request, Response, seconds_for
from wasmoci.registry.url import Url
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Reason, RegistryError, VerificationError
from wasmoci.values.text import excerpt

# The largest chunk that GHCR takes, and so the size that other clients send.
CHUNK_SIZE = 4 * 1024 * 1024
MAX_CHUNK_SIZE = 256 * 1024 * 1024

_CREATED = 201

_RANGE = re.compile(r"(?:bytes=)?0-([0-9]{1,18})")
_SIZE = re.compile(r"[0-9]{1,18}")


def upload_location(session: Session, response: Response) -> Url:
    """Where the upload goes on: on the registry itself."""
    location = response.header("Location")
    if location is None:
        raise RegistryError(
            f"{response.url}: answered {response.status} without Location, so there is nowhere to upload to"
        )
    return session.own_location(response, location)


def chunk_size(response: Response) -> int:
    """What the registry asks for in OCI-Chunk-Min-Length, at least CHUNK_SIZE."""
    text = response.header("OCI-Chunk-Min-Length")
    if text is None:
        return CHUNK_SIZE
    if not _SIZE.fullmatch(text) or int(text) > MAX_CHUNK_SIZE:
        raise RegistryError(
            f"{response.url}: OCI-Chunk-Min-Length must be at most {MAX_CHUNK_SIZE}, got: {excerpt(text)!r}"
        )
    return max(CHUNK_SIZE, int(text))


def received_bytes(response: Response) -> int | None:
    """How many bytes of the upload the registry has; None where it does not say."""
    text = response.header("Range")
    if text is None:
        return None
    match = _RANGE.fullmatch(text)
    if match is None:
        raise RegistryError(f"{response.url}: Range must be 0-<last byte>, got: {excerpt(text)!r}")
    # `0-0` is what registries say of an upload without any byte; no chunk is a single byte.
    last = int(match[1])
    return last + 1 if last else 0


def finish_upload(session: Session, location: Url, digest: Digest, body: Body) -> None:
    """Send the last bytes of an upload and the digest of all."""
    url = location.with_query([("digest", str(digest))])
    headers = {"Content-Type": "application/octet-stream"}
    request = Request("PUT", url, headers, body, seconds=seconds_for(body.size))
    with session.request(request, {_CREATED}, Access.PUSH) as response:
        check_said_digest(response, digest)


def check_said_digest(response: Response, actual: Digest) -> None:
    """Raise VerificationError (DIGEST_MISMATCH) where the registry names another digest than `actual`."""
    said = response.header("Docker-Content-Digest")
    if said not in (None, str(actual)):
        raise VerificationError(
            Reason.DIGEST_MISMATCH,
            f"{response.url}: Docker-Content-Digest is {excerpt(said)!r}, but the bytes have digest {actual}",
        )
