"""Key references with a scheme, spelled as cosign 3.1 spells them.

They are `env://`, `awskms://`, `gcpkms://`, `azurekms://`, `hashivault://` and `openbao://` (source of
their forms: sigstore/sigstore, pkg/signature/kms); any other `NAME://` is for the plugin `sigstore-kms-NAME`.
Nothing is opened or asked here.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from wasmoci.keys.pkcs11_uri import Pkcs11Uri
from wasmoci.values.errors import UsageError

_UUID = r"[A-Fa-f0-9]{8}-?[A-Fa-f0-9]{4}-?[A-Fa-f0-9]{4}-?[A-Fa-f0-9]{4}-?[A-Fa-f0-9]{12}"
_AWS_ID = rf"(?:mrk-[A-Fa-f0-9]{{32}}|{_UUID})"
_AWS_ALIAS = r"alias/[A-Za-z0-9/_-]{1,250}"
_AWS_ARN = rf"arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{{12}}:(?:key/{_AWS_ID}|{_AWS_ALIAS})"
_HOST = r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(?::[0-9]{1,5})?"
_AWS = re.compile(rf"(?P<endpoint>{_HOST})?/(?P<key_id>{_AWS_ID}|{_AWS_ALIAS}|{_AWS_ARN})")

_GCP_NAME = r"[A-Za-z0-9:._-]+"
_GCP = re.compile(
    rf"(?P<name>projects/{_GCP_NAME}/locations/{_GCP_NAME}/keyRings/{_GCP_NAME}/cryptoKeys/{_GCP_NAME})"
    r"(?:/(?:cryptoKeyVersions|versions)/(?P<version>[0-9]{1,19}))?"
)
_AZURE = re.compile(rf"(?P<vault>{_HOST})/(?P<name>[A-Za-z0-9-]{{1,127}})(?:/(?P<version>[a-z0-9]{{1,64}}))?")
_VAULT = re.compile(r"(?P<name>[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?)")
_VARIABLE = re.compile(r"(?P<variable>[A-Za-z_][A-Za-z0-9_]*)")
_SCHEME = re.compile(r"[a-z0-9][a-z0-9.-]*")
# cosign reads a key of these from elsewhere; no plugin is meant.
_REFUSED = {
    "file": "give the path of a key file as it is, without a scheme",
    "http": "a private key is not fetched over a network; give the path of a file",
    "https": "a private key is not fetched over a network; give the path of a file",
}


@dataclass(frozen=True, slots=True)
class EnvironmentKey:
    """A key file's text in an environment variable."""

    variable: str


@dataclass(frozen=True, slots=True)
class AwsKey:
    """A key id, alias or ARN of AWS KMS; `endpoint` is `host[:port]`, None for that of the region."""

    endpoint: str | None
    key_id: str


@dataclass(frozen=True, slots=True)
class GcpKey:
    """A key of Google Cloud KMS by its resource name; without `version` its newest enabled one."""

    name: str
    version: str | None


@dataclass(frozen=True, slots=True)
class AzureKey:
    """A key of Azure Key Vault; `vault` is its host, without `version` the newest one is meant."""

    vault: str
    name: str
    version: str | None


@dataclass(frozen=True, slots=True)
class VaultKey:
    """A key of the transit engine of HashiCorp Vault or OpenBao."""

    name: str


@dataclass(frozen=True, slots=True)
class PluginKey:
    """A key that the program `sigstore-kms-NAME` keeps; `resource` is what follows `NAME://`."""

    name: str
    resource: str


ServiceForm = Pkcs11Uri | AwsKey | GcpKey | AzureKey | VaultKey | PluginKey
Form = EnvironmentKey | ServiceForm


# The form of a scheme, the pattern whose groups are its fields, and how it is spelled.
_KNOWN: dict[str, tuple[Callable[..., Form], re.Pattern[str], str]] = {
    "awskms": (AwsKey, _AWS, "[ENDPOINT]/KEY, where KEY is a key id, alias/NAME or an ARN"),
    "azurekms": (AzureKey, _AZURE, "HOST_OF_THE_VAULT/KEY[/VERSION]"),
    "env": (EnvironmentKey, _VARIABLE, "NAME_OF_A_VARIABLE"),
    "gcpkms": (GcpKey, _GCP, "projects/P/locations/L/keyRings/R/cryptoKeys/K[/cryptoKeyVersions/V]"),
    "hashivault": (VaultKey, _VAULT, "KEY"),
    "openbao": (VaultKey, _VAULT, "KEY"),
}


def parse(scheme: str, rest: str) -> Form:
    """What `scheme://rest` means; raises UsageError, whose text has of it no more than the scheme."""
    if scheme in _REFUSED:
        raise UsageError(f"a key reference with {scheme}:// is not used: {_REFUSED[scheme]}")
    if _SCHEME.fullmatch(scheme) is None:
        raise UsageError("the scheme of a key reference has small letters, digits, - and . only")
    if scheme in _KNOWN:
        form, pattern, spelling = _KNOWN[scheme]
        match = pattern.fullmatch(rest)
        if match is None:
            raise UsageError(f"a key reference with {scheme}:// is spelled {scheme}://{spelling}")
        return form(**match.groupdict())
    if not rest or not rest.isprintable():
        raise UsageError(f"a key reference with {scheme}:// names a key in printable characters after the scheme")
    return PluginKey(scheme, rest)
