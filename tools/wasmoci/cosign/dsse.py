"""DSSE envelopes (v1) around in-toto statements, with one signature."""

from typing import NamedTuple

from wasmoci.values.base64_strict import decode, encode
from wasmoci.values.errors import FormatError
from wasmoci.values.strict_json import JsonObject

PAYLOAD_TYPE = "application/vnd.in-toto+json"

_MAX_SIGNATURES = 1024

_SHAPE = {"payload": None, "payloadType": None, "signatures": {"sig": None, "keyid": None}}


class Envelope(NamedTuple):
    """A DSSE envelope with its one signature; both fields as raw bytes."""

    payload: bytes
    signature: bytes

    @property
    def signed_message(self) -> bytes:
        """The pre-authentication encoding (DSSE v1) of the payload."""
        payload_type = PAYLOAD_TYPE.encode()
        return b"DSSEv1 %d %s %d %s" % (len(payload_type), payload_type, len(self.payload), self.payload)

    @classmethod
    def parse(cls, value: JsonObject) -> "Envelope":
        """Raises FormatError, also for unknown names, another payload type and any number of signatures but one."""
        value.only(_SHAPE)
        value.check("payloadType", PAYLOAD_TYPE)
        signatures = value.objects("signatures", _MAX_SIGNATURES)
        if len(signatures) != 1:
            raise FormatError(f"a bundle has exactly one DSSE signature, this one has {len(signatures)}")
        if signatures[0].optional_string("keyid"):
            raise FormatError("the DSSE signature must have no `keyid`")
        return cls(
            payload=decode(value.string("payload"), "the DSSE payload"),
            signature=decode(signatures[0].string("sig"), "the DSSE signature"),
        )

    def to_json(self) -> dict[str, object]:
        signature = {"sig": encode(self.signature)}
        return {"payload": encode(self.payload), "payloadType": PAYLOAD_TYPE, "signatures": [signature]}
