"""RFC 3161 time stamps: that a signature was there at a time, by an authority of the trusted root.

Verified by rfc3161-client, which sigstore-python uses for the signatures of identities.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from wasmoci.transparency.authorities import Authority
from wasmoci.transparency.trusted_root import MAX_LOGS, MAX_TRUSTED_ROOT_SIZE
from wasmoci.values.strict_json import JsonObject, parse_object

if TYPE_CHECKING:
    from rfc3161_client import TimeStampResponse


def parse_time_stamp_authorities(trusted_root: bytes) -> tuple[Authority, ...]:
    """Those of `trusted_root.json`; raises FormatError, LimitError."""
    return time_stamp_authorities(parse_object(trusted_root, "the trusted root", MAX_TRUSTED_ROOT_SIZE))


def time_stamp_authorities(trusted_root: JsonObject) -> tuple[Authority, ...]:
    """The same of its JSON."""
    name = "timestampAuthorities"
    return tuple(map(Authority.parse, trusted_root.objects(name, MAX_LOGS))) if name in trusted_root else ()


def proven_time(stamp: bytes, signature: bytes, authorities: Sequence[Authority]) -> int | None:
    """When `signature` was there, in seconds since 1970, by an authority's answer; None where that proves nothing."""
    from rfc3161_client import decode_timestamp_response

    try:
        answer = decode_timestamp_response(stamp)
        time = answer.tst_info.gen_time.timestamp()
    except ValueError:
        return None
    valid = [authority for authority in authorities if authority.was_valid([time])]
    return int(time) if any(_is_by(authority, answer, signature) for authority in valid) else None


def _is_by(authority: Authority, answer: "TimeStampResponse", signature: bytes) -> bool:
    from rfc3161_client import VerifierBuilder

    if len(authority.chain) < 2:
        return False
    own, *intermediates, root = authority.chain
    verifier = VerifierBuilder(tsa_certificate=own, intermediates=intermediates, roots=[root]).build()
    try:
        return verifier.verify_message(answer, signature)
    except Exception:
        return False
