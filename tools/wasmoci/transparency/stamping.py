"""A client of time stamping authorities (RFC 3161).

What is sent is a digest, and what is answered is verified: so a signing configuration may name one by a URL in
plain HTTP.
"""

from collections.abc import Mapping, Sequence
from contextlib import closing

from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

from wasmoci.registry.transport import Body, Request, Response, Transport
from wasmoci.registry.url import Url
from wasmoci.transparency.authorities import Authority
from wasmoci.transparency.time_stamps import proven_time
from wasmoci.values.errors import Error, RegistryError
from wasmoci.values.text import excerpt

MAX_ANSWER_SIZE = 1024 * 1024

# Sigstore's own authority answers with the second.
_STATUSES = (200, 201)
_HEADERS = {"Accept": "application/timestamp-reply", "Content-Type": "application/timestamp-query"}


def time_stamp(
    signature: bytes, url: str, trusted: Sequence[Authority], environment: Mapping[str, str] | None = None
) -> bytes:
    """The answer of the authority at `url`, which proves that the signature was there; of `environment`, see Transport.

    Raises RegistryError where it cannot be reached or refuses, Error where its answer is not by one of those `trusted`.
    """
    builder = TimestampRequestBuilder().hash_algorithm(HashAlgorithm.SHA256).data(signature).nonce(nonce=False)
    parsed = Url.parse(url)
    request = Request("POST", parsed, _HEADERS, Body.of(builder.build().as_bytes()), idempotent=True)
    with closing(Transport([parsed.origin.netloc], environment)) as transport, transport.send(request) as response:
        stamp = content(response, *_STATUSES)
    if proven_time(stamp, signature, trusted) is None:
        raise Error(
            f"the time stamp of {parsed} is by no authority of the trusted root: give the one that has it, or a "
            "signing configuration without it"
        )
    return stamp


def content(response: Response, *statuses: int) -> bytes:
    """The body of an answer with one of these statuses; RegistryError for any other, LimitError above 1 MiB."""
    data = response.read(MAX_ANSWER_SIZE, "the answer")
    if response.status not in statuses:
        reason = excerpt(data.decode(errors="replace"))
        raise RegistryError(f"{response.url} answered {response.status}: {reason}", response.status)
    return data
