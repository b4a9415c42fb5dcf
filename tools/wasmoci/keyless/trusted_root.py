"""A Sigstore's trusted root: its authorities and logs, and when each of them was to be trusted.

sigstore-python looks at most validity periods of a trusted root loosely: an authority or a key that has
ended still verifies what is signed later. So it is shown only what was valid at the times in question.

Source: `TrustedRoot` v0.1 of sigstore's protobuf-specs, as `cosign trusted-root create` 3.1.3 writes it.
"""

from collections.abc import Collection, Mapping
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from wasmoci.disk.files import read_bounded
from wasmoci.transparency.authorities import Authority
from wasmoci.transparency.trusted_root import MAX_LOGS, MAX_TRUSTED_ROOT_SIZE, Validity
from wasmoci.values.errors import FormatError, Reason, VerificationError
from wasmoci.values.strict_json import JsonObject, dump, parse_object
from wasmoci.values.text import one_line

if TYPE_CHECKING:
    from sigstore.models import ClientTrustConfig, TrustedRoot

_PUBLIC_GOOD = "https://tuf-repo-cdn.sigstore.dev"

_TRUST_CONFIG = "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json"
_SIGNING_CONFIG = "application/vnd.dev.sigstore.signingconfig.v0.2+json"

# What verifies nothing where it is missing.
_NEEDED = {
    "certificateAuthorities": "certificate authority",
    "tlogs": "transparency log",
    "ctlogs": "certificate transparency log",
}

# Nobody reads the names of an authority, but sigstore-python wants both, and cosign leaves out what is empty.
_SUBJECT = {"organization": "", "commonName": ""}


def embedded(name: str) -> bytes:
    """A file of the public good Sigstore that the installed sigstore-python brings along; no network, no cache."""
    return (files("sigstore") / "_store" / quote(_PUBLIC_GOOD, safe="") / name).read_bytes()


def trust_config(trusted_root: Mapping[str, object], signing_config: Mapping[str, object]) -> "ClientTrustConfig":
    """Both as sigstore-python reads them; FormatError where it cannot."""
    from sigstore.models import ClientTrustConfig

    both = {"mediaType": _TRUST_CONFIG, "trustedRoot": trusted_root, "signingConfig": signing_config}
    try:
        return ClientTrustConfig.from_json(dump(both).decode())
    except ValueError as error:
        what = "the trusted root or signing configuration"
        raise FormatError(f"sigstore-python cannot read {what}: {one_line(error)}") from None


class KeylessRoot:
    """A trusted root, read but not yet narrowed to a time."""

    def __init__(self, data: bytes) -> None:
        """`data` is trusted_root.json; raises FormatError, LimitError."""
        self.json = parse_object(data, "the trusted root", MAX_TRUSTED_ROOT_SIZE)
        for name, what in _NEEDED.items():
            if not self.json.objects(name, MAX_LOGS):
                raise FormatError(f"the trusted root has no {what}")

    @classmethod
    def load(cls, path: Path | None) -> "KeylessRoot":
        """From a file, else the one that sigstore-python embeds; raises FormatError, Error if it cannot be read."""
        if path is None:
            return cls(embedded("trusted_root.json"))
        return cls(read_bounded(path, MAX_TRUSTED_ROOT_SIZE, "the trusted root"))

    def members(self, times: Collection[float] = ()) -> dict[str, object]:
        """The JSON, with those authorities that were valid at all of `times`."""
        return {
            **self.json.members(),
            "certificateAuthorities": self._authorities("certificateAuthorities", times),
            "timestampAuthorities": self._authorities("timestampAuthorities", times),
        }

    def at(self, issued: float, signed: Collection[float]) -> "TrustedRoot":
        """What was valid when a certificate was issued and at every time of signing; seconds since 1970.

        Raises VerificationError where nothing is left of what a keyless signature needs, FormatError for parts
        that cannot be read.
        """
        narrowed = {
            **self.members(signed),
            "tlogs": self._logs("tlogs", signed),
            "ctlogs": self._logs("ctlogs", [issued]),
        }
        for name, what in _NEEDED.items():
            if not narrowed[name]:
                raise VerificationError(Reason.UNTRUSTED_KEY, f"no {what} of the trusted root was valid then")
        from sigstore.errors import Error as SigstoreError

        try:
            return trust_config(narrowed, {"mediaType": _SIGNING_CONFIG}).trusted_root
        except SigstoreError as error:
            raise FormatError(f"sigstore-python cannot read the trusted root: {one_line(error)}") from None

    def _logs(self, name: str, times: Collection[float]) -> list[dict[str, object]]:
        logs = self.json.objects(name, MAX_LOGS)
        return [log.members() for log in logs if _was_valid(log.object("publicKey"), times)]

    def _authorities(self, name: str, times: Collection[float]) -> list[dict[str, object]]:
        authorities = self.json.objects(name, MAX_LOGS) if name in self.json else []
        valid = [authority for authority in authorities if Authority.parse(authority).was_valid(times)]
        return [{**authority.members(), "subject": _SUBJECT} for authority in valid]


def _was_valid(key: JsonObject, times: Collection[float]) -> bool:
    validity = Validity.parse(key.object("validFor"))
    return all(map(validity.includes, times))
