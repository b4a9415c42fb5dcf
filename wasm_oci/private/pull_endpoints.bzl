"""The repositories that an image is fetched from, one after another, and what each wants to see.

Bazel's downloader shows no headers, so no registry can name a token service: MODULE.bazel does, else it is the
registry's own `/token`. Secrets go into `auth`, which Bazel sends to that one URL and to no redirect. In plain HTTP
the downloader asks only for what has a known digest, so neither for tokens nor for what is attached to an image.
"""

load(":pull_credentials.bzl", "bearer", "find_credential")
load(":pull_documents.bzl", "has_only", "parse_repository")

visibility(["//tests/...", "//wasm_oci/private/..."])

_TOKEN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+/="
_MAX_TOKEN_RESPONSE = 256 * 1024
_URL = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/?=&%+"

# Second-level labels under which country registries sell names, as in tools/wasmoci/registry/url.py.
_SHARED_SECOND_LEVELS = ["ac", "co", "com", "edu", "go", "gov", "mil", "ne", "net", "or", "org"]

def open_endpoints(rctx, repositories, insecure_registries, token_services):
    """What `fetch` needs to know of the repositories; sends nothing yet.

    Args:
        rctx: the repository_ctx.
        repositories: `host[:port]/path`, in the order in which they are tried.
        insecure_registries: the `host[:port]` that are spoken to in plain HTTP.
        token_services: a dict of `host[:port]` to the URL of a token service.

    Returns:
        A list of endpoints for `fetch`.
    """
    return [
        _endpoint(rctx, parse_repository(repository), insecure_registries, token_services)
        for repository in repositories
    ]

def _endpoint(rctx, repository, insecure_registries, token_services):
    registry = repository.registry
    insecure = registry in insecure_registries
    named_service = token_services.get(registry)
    service = named_service or "https://{}/token?service={}".format(registry, registry)
    credential = find_credential(rctx, repository)
    check_token_service(service, registry, has_credential = bool(credential.auth))
    return struct(
        base = "{}://{}/v2/{}".format("http" if insecure else "https", registry, repository.path),
        credential = credential,
        # The token by the URL that it was asked of; None where none was given.
        given = {},
        name = registry.replace(":", "-"),
        offers = [_credential] if insecure or credential.is_token else [_token] if named_service else [_credential, _token],
        token_url = "{}{}scope=repository:{}:pull".format(service, "&" if "?" in service else "?", repository.path),
    )

def check_token_service(service, registry, has_credential):
    """Fails unless a token service may be asked for a token of a registry, with or without a credential.

    Args:
        service: a URL.
        registry: `host[:port]`.
        has_credential: whether it would be shown a credential.
    """
    scheme, separator, rest = service.partition("://")
    authority = rest.partition("?")[0].partition("/")[0]
    if scheme + separator != "https://" or not has_only(service, _URL) or not parse_repository(authority + "/x"):
        fail("the token service of {} must be an https URL, got: {}".format(registry, service))
    if has_credential and not shares_domain(_host(authority), _host(registry)):
        fail("the credential for {} is not sent to the token service {}, which is under another domain".format(
            registry,
            service,
        ))

def shares_domain(host, other):
    """Whether two hosts are the same, or are names under one registrable domain.

    Args:
        host: a host.
        other: a host.

    Returns:
        A bool.
    """
    if host == other:
        return True
    domain = _registrable_domain(host)
    return domain != None and domain == _registrable_domain(other)

def _host(authority):
    return authority.partition(":")[0].lower()

def _registrable_domain(host):
    labels = host.split(".")
    if labels[-1].isdigit():
        return None
    shared = len(labels) > 1 and len(labels[-1]) == 2 and labels[-2] in _SHARED_SECOND_LEVELS
    count = 3 if shared else 2
    return ".".join(labels[-count:]) if len(labels) >= count else None

def fetch(rctx, endpoints, resource, output, sha256 = "", accept = ""):
    """Downloads from the first endpoint that has it, which is the first to be asked from then on.

    Args:
        rctx: the repository_ctx.
        endpoints: as of `open_endpoints`.
        resource: what comes after the repository in the URL.
        output: the path of the file.
        sha256: its digest, where it is known.
        accept: the media types that are asked for.

    Returns:
        The hex digits of its SHA-256; None where no endpoint sent it.
    """
    for endpoint in list(endpoints):
        url = "{}/{}".format(endpoint.base, resource)
        for offer in endpoint.offers:
            auth = offer(rctx, endpoint)
            if auth == None:
                continue
            result = rctx.download(
                url = url,
                output = output,
                sha256 = sha256,
                allow_fail = True,
                auth = {url: auth} if auth else {},
                headers = {"Accept": accept} if accept else {},
            )
            if result.success:
                endpoints.remove(endpoint)
                endpoints.insert(0, endpoint)
                return result.sha256
    return None

def _credential(_, endpoint):
    return endpoint.credential.auth or {}

def _token(rctx, endpoint):
    url = endpoint.token_url
    if url not in endpoint.given:
        token = _fetch_token(rctx, url, "token-{}.json".format(endpoint.name), endpoint.credential.auth)
        endpoint.given[url] = bearer(token) if token else None
    return endpoint.given[url]

def _fetch_token(rctx, url, output, auth):
    result = rctx.download(url = url, output = output, allow_fail = True, auth = {url: auth} if auth else {})
    if not result.success:
        return None
    text = rctx.read(output)
    rctx.delete(output)
    answer = json.decode(text, default = None) if len(text) <= _MAX_TOKEN_RESPONSE else None
    if type(answer) != "dict":
        return None
    token = answer.get("token") or answer.get("access_token")
    return token if type(token) == "string" and has_only(token, _TOKEN) else None
