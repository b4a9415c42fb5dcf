"""Where the credential for a repository is looked for; the first place that has one wins.

1. The environment, where WASM_OCI_REGISTRY names the registry.
2. The file that REGISTRY_AUTH_FILE names, and then nothing else, as Podman and Skopeo have it. Else:
3. Docker's: `$DOCKER_CONFIG/config.json`, else `~/.docker/config.json`.
4. Podman's: `$XDG_RUNTIME_DIR/containers/auth.json`, then `containers/auth.json` in `$XDG_CONFIG_HOME`,
   else in `~/.config`.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from wasmoci.registry.auth_file import AskHelper, credential_in_file
from wasmoci.registry.credential import Credential
from wasmoci.registry.credential_helper import ask_helper
from wasmoci.registry.environment_credential import environment_credential
from wasmoci.values.errors import RegistryError
from wasmoci.values.image_reference import Repository


def find_credential(
    repository: Repository, environment: Mapping[str, str], ask: AskHelper = ask_helper
) -> Credential | None:
    """The credential for `repository`; None where there is none (the access is then anonymous).

    Raises UsageError for variables that contradict each other, FormatError for a malformed file or
    helper answer, RegistryError for a file that cannot be read or a helper that fails.
    """
    credential = environment_credential(repository.registry, environment)
    if credential is not None:
        return credential
    for path in _files(environment):
        credential = credential_in_file(path, repository, environment, ask)
        if credential is not None:
            return credential
    return None


def _files(environment: Mapping[str, str]) -> Iterator[Path]:
    named = environment.get("REGISTRY_AUTH_FILE")
    if named:
        if not Path(named).exists():
            raise RegistryError(f"{named}, which REGISTRY_AUTH_FILE names, does not exist")
        yield Path(named)
        return
    home = environment.get("HOME") or environment.get("USERPROFILE")
    folders = [
        (environment.get("DOCKER_CONFIG") or (home and Path(home, ".docker")), "config.json"),
        (environment.get("XDG_RUNTIME_DIR"), "containers/auth.json"),
        (environment.get("XDG_CONFIG_HOME") or (home and Path(home, ".config")), "containers/auth.json"),
    ]
    yield from (Path(folder) / name for folder, name in folders if folder)
