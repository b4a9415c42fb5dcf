"""Change the credentials in Docker's config.json, or in the helper that it names; what else it says stays.

It is the file where credentials.py looks first. A password that no helper takes is in it as Docker has it: encoded, and
readable by the file's owner only.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wasmoci.disk.files import SECRET_FILE_MODE, os_errors, read_bounded, write_atomically
from wasmoci.registry.credential_helper import Credential, erase_in_helper, store_in_helper
from wasmoci.registry.credentials import CONFIG_NAMES, MAX_AUTH_FILE_SIZE, config_files, for_helpers, key_for, server_of
from wasmoci.values.errors import UsageError, not_of_the_image
from wasmoci.values.strict_json import parse_object

_PRIVATE_FOLDER = 0o700


@dataclass(frozen=True, slots=True)
class DockerConfig:
    """The file, and what it says; `helper` keeps the credentials of the registry, None where the file does itself."""

    path: Path
    content: dict[str, Any]
    registry: str
    helper: str | None
    environment: Mapping[str, str]

    @classmethod
    def of(cls, registry: str, environment: Mapping[str, str]) -> "DockerConfig":
        """Raises UsageError where the environment names no home, RegistryError for a file that is malformed, Error."""
        path = next(config_files(environment, may_be_new=True), None)
        if path is None:
            raise UsageError("there is no home folder for Docker's config.json: set HOME, or DOCKER_CONFIG")
        path = path.resolve()
        data = read_bounded(path, MAX_AUTH_FILE_SIZE, "the Docker config") if path.exists() else b"{}"
        with not_of_the_image():
            config = parse_object(data, str(path), MAX_AUTH_FILE_SIZE).spelled(CONFIG_NAMES)
            helpers = config.string_map("credHelpers")
            config.optional_object("auths")
            key = key_for(helpers, [registry])
            helper = helpers[key] if key is not None else config.optional_string("credsStore")
        return cls(path, json.loads(data), registry, helper or None, for_helpers(environment))

    def keep(self, credential: Credential) -> str:
        """Return where the credential is now; raises RegistryError where the helper does not take it, Error."""
        server = server_of(self.registry)
        secret: dict[str, str] = {}
        if self.helper is None:
            text = f"{credential.username}:{credential.secret}"
            secret = {"auth": base64.b64encode(text.encode()).decode()}
        else:
            store_in_helper(self.helper, server, credential, self.environment)
        self._write({**self._others(), server: secret})
        return str(self.path) if self.helper is None else f"docker-credential-{self.helper}"

    def forget(self) -> bool:
        """Whether the file had the registry; raises as `keep`."""
        auths = self._others()
        known = auths != self.content.get("auths", {})
        if self.helper is not None:
            erase_in_helper(self.helper, server_of(self.registry), self.environment)
        if known:
            self._write(auths)
        return known or self.helper is not None

    def _others(self) -> dict[str, Any]:
        """The entries of other registries, and of repositories."""
        auths: dict[str, Any] = dict(self.content.get("auths") or {})
        while (key := key_for(auths, [self.registry])) is not None:
            del auths[key]
        return auths

    def _write(self, auths: Mapping[str, Any]) -> None:
        with os_errors(f"write {self.path}"):
            self.path.parent.mkdir(_PRIVATE_FOLDER, parents=True, exist_ok=True)
        content = {**self.content, "auths": auths}
        write_atomically(self.path, f"{json.dumps(content, indent=2)}\n".encode(), SECRET_FILE_MODE)
