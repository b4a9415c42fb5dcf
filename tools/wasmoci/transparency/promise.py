"""Rekor v1's promise to log an entry: the signed entry timestamp."""

from wasmoci.transparency.trusted_root import TransparencyLog
from wasmoci.values.base64_strict import encode
from wasmoci.values.strict_json import dump


def verify_promise(log: TransparencyLog, promise: bytes, *, body: bytes, integrated_time: int, index: int) -> None:
    """Raise VerificationError unless `promise` is the log's signature over exactly these values.

    It is over their JSON in the canonical form of RFC 8785, which for these letters and whole numbers
    is the compact form with sorted names.
    """
    message = dump(
        {
            "body": encode(body),
            "integratedTime": integrated_time,
            "logID": log.log_id.hex(),
            "logIndex": index,
        }
    )
    log.verify(promise, message, "the signed entry timestamp")
