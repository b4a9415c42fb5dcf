"""A registry's credential in environment variables, as CI systems give secrets.

WASM_OCI_REGISTRY names the one registry (`host[:port]`) that the secret is for. No other registry gets
it: one that is named by mistake, or by an attacker, would learn it (the class of CVE-2025-27403).
"""

from collections.abc import Mapping

from wasmoci.registry.credential import Credential, CredentialKind
from wasmoci.values.errors import UsageError

REGISTRY = "WASM_OCI_REGISTRY"
TOKEN = "WASM_OCI_TOKEN"  # noqa: S105

# User name and password: our own, and those that wkg reads.
OWN_PAIR = ("WASM_OCI_USERNAME", "WASM_OCI_PASSWORD")
WKG_PAIR = ("WKG_OCI_USERNAME", "WKG_OCI_PASSWORD")

SECRET_VARIABLES = frozenset({TOKEN, OWN_PAIR[1], WKG_PAIR[1]})


def environment_credential(registry: str, environment: Mapping[str, str]) -> Credential | None:
    """The credential for `host[:port]`: WASM_OCI_TOKEN, else our pair, else wkg's; None where there is none.

    wkg's pair names no registry, so it is taken only where WASM_OCI_REGISTRY does. Raises UsageError for
    our variables without a registry, for half a pair, and for a token beside our pair.
    """
    token = environment.get(TOKEN)
    own, theirs = (_pair(names, environment) for names in (OWN_PAIR, WKG_PAIR))
    if token and own:
        raise UsageError(f"set {TOKEN} or {OWN_PAIR[0]} and {OWN_PAIR[1]}, not both")
    named = environment.get(REGISTRY)
    if not named:
        if token or own:
            raise UsageError(
                f"{TOKEN if token else OWN_PAIR[0]} is set: name the registry that it is for in {REGISTRY}"
            )
        return None
    if named != registry:
        return None
    return Credential("", token, CredentialKind.BEARER) if token else own or theirs


def _pair(names: tuple[str, str], environment: Mapping[str, str]) -> Credential | None:
    username, password = (environment.get(name) for name in names)
    if bool(username) != bool(password):
        raise UsageError(f"set both {names[0]} and {names[1]}, or neither")
    return Credential(username, password) if username and password else None
