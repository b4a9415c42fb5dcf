"""Credentials for pulling: Docker's config.json and Podman's auth.json, which have one format."""

load(":pull_documents.bzl", "has_only")

visibility(["//wasm_oci/private/..."])

_BASE64 = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/="
_HELPER = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
_HELPER_SECONDS = 30
_USER_OF_IDENTITY = "<token>"

def find_credential(rctx, repository):
    """What the user's files have for a repository, as docs/registries.md says, without the environment's passwords.

    Access is anonymous where a credential cannot be used, which is enough for a public image; a note says why.

    Args:
        rctx: the repository_ctx.
        repository: a struct with `registry` and `path`.

    Returns:
        A struct: `auth`, a value for `repository_ctx.download` or None; `is_token`, whether that is a registry's
        token; `note`, why a credential was not used, or None.
    """
    for path in _files(rctx):
        config = json.decode(rctx.read(path, watch = "no"), default = None)
        if type(config) != "dict":
            return _none("{} is no JSON object".format(path))
        found = _in_config(rctx, config, repository)
        if found:
            return found
    return _none()

def bearer(token):
    """A token as `repository_ctx.download` takes it.

    Args:
        token: a string.

    Returns:
        A dict.
    """
    return {"password": token, "pattern": "Bearer <password>", "type": "pattern"}

def _files(rctx):
    # Neither `getenv` nor a watch: a login must not cause another fetch, and must leave no trace.
    environment = rctx.os.environ
    named = environment.get("REGISTRY_AUTH_FILE")
    home = environment.get("HOME") or environment.get("USERPROFILE")
    candidates = [named] if named else [folder + name for folder, name in [
        (environment.get("DOCKER_CONFIG") or (home and home + "/.docker"), "/config.json"),
        (environment.get("XDG_RUNTIME_DIR"), "/containers/auth.json"),
        (environment.get("XDG_CONFIG_HOME") or (home and home + "/.config"), "/containers/auth.json"),
    ] if folder]
    return [path for path in [rctx.path(candidate) for candidate in candidates] if path.exists]

def _in_config(rctx, config, repository):
    helper = _lookup(config.get("credHelpers"), [repository.registry])
    if helper:
        return _ask_helper(rctx, helper, repository.registry)
    parts = repository.path.split("/")
    names = ["/".join([repository.registry] + parts[:count]) for count in range(len(parts), -1, -1)]
    entry = _lookup(config.get("auths"), names)
    if type(entry) == "dict" and entry:
        return _in_entry(entry, repository.registry)
    store = config.get("credsStore")
    return _ask_helper(rctx, store, repository.registry) if store else None

def _lookup(values, names):
    """The value of the first name that has one; a key may be spelled as a URL."""
    if type(values) != "dict":
        return None
    for name in names:
        for key in values:
            if key == name:
                return values[key]
        for key in values:
            if "://" in key and key.partition("://")[2].partition("/")[0] == name:
                return values[key]
    return None

def _in_entry(entry, registry):
    if entry.get("identitytoken"):
        return _identity_token(registry)
    if entry.get("registrytoken"):
        return struct(auth = bearer(entry["registrytoken"]), is_token = True, note = None)
    encoded = entry.get("auth")
    if encoded:
        if type(encoded) != "string" or not has_only(encoded, _BASE64):
            return _none("`auth` for {} is no base64".format(registry))
        return _login({"password": encoded, "pattern": "Basic <password>", "type": "pattern"})
    username, password = entry.get("username"), entry.get("password")
    return _basic(username, password) if username and password else None

def _ask_helper(rctx, name, registry):
    if type(name) != "string" or not has_only(name, _HELPER):
        return _none("the Docker config names a credential helper with other characters than A-Z a-z 0-9 . _ -")
    program = rctx.which("docker-credential-" + name)
    shell = rctx.which("sh")
    if not program or not shell:
        return _none("docker-credential-{} cannot be run".format(name))

    # No secret is among the arguments; the answer is never printed.
    command = [shell, "-c", "printf %s \"$1\" | \"$2\" get", "sh", registry, program]
    result = rctx.execute(command, quiet = True, timeout = _HELPER_SECONDS)
    answer = json.decode(result.stdout, default = None)
    if result.return_code or type(answer) != "dict":
        return _none("docker-credential-{} has nothing for {}".format(name, registry))
    username, secret = answer.get("Username"), answer.get("Secret")
    if username == _USER_OF_IDENTITY:
        return _identity_token(registry)
    return _basic(username, secret) if username and secret else _none()

def _basic(username, password):
    if type(username) != "string" or type(password) != "string":
        return None
    return _login({"login": username, "password": password, "type": "basic"})

def _login(auth):
    return struct(auth = auth, is_token = False, note = None)

def _identity_token(registry):
    return _none("the credential for {} is an identity token, which Bazel cannot exchange".format(registry))

def _none(note = None):
    return struct(auth = None, is_token = False, note = note)
