"""URLs and challenges, and which host may name which."""

import pytest

from registry_fixtures import PASSWORD
from wasmoci.registry.auth import Access, Authorizer
from wasmoci.registry.challenges import parse_challenges
from wasmoci.registry.credential_helper import Credential
from wasmoci.registry.deadline import Deadline
from wasmoci.registry.session import api_host
from wasmoci.registry.transport import Transport
from wasmoci.registry.url import Url
from wasmoci.values.errors import FormatError, RegistryError
from wasmoci.values.image_reference import Repository
from wasmoci.values.text import excerpt, without_secrets


@pytest.mark.parametrize(
    ("header", "challenges"),
    [
        ("", []),
        ("Basic", [("basic", {})]),
        ('Basic realm="a, b=\\"c\\""', [("basic", {"realm": 'a, b="c"'})]),
        ('BEARER Realm="https://a/t",service=s', [("bearer", {"realm": "https://a/t", "service": "s"})]),
        ('Bearer scope="x:y:pull,push",x="y"', [("bearer", {"scope": "x:y:pull,push", "x": "y"})]),
        ('Bearer realm="r" , , error = "e"', [("bearer", {"realm": "r", "error": "e"})]),
        ('Bearer realm="a" service="b" scope=c', [("bearer", {"realm": "a", "service": "b", "scope": "c"})]),
        ('Bearer realm="a" x="b", Basic realm=r', [("bearer", {"realm": "a", "x": "b"}), ("basic", {"realm": "r"})]),
        ('Negotiate, Basic realm="r"', [("negotiate", {}), ("basic", {"realm": "r"})]),
        ('Negotiate YWJj==, Bearer realm="r"', [("negotiate", {}), ("bearer", {"realm": "r"})]),
        ('Basic realm="r", Bearer realm="s"', [("basic", {"realm": "r"}), ("bearer", {"realm": "s"})]),
    ],
)  # fmt: skip
def test_challenges(header: str, challenges: list[tuple[str, dict[str, str]]]) -> None:
    assert parse_challenges(header) == challenges


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ('Bearer realm="https://a', "malformed"),
        ('Bearer realm="a" b', "malformed"),
        ('Bearer realm="a"service="b"', "malformed"),
        ('Bearer realm="a" realm="b"', "malformed"),
        ('Bearer realm="a",realm="b"', "malformed"),
        ('Bearer realm="a",REALM="b"', "malformed"),
        ("=", "malformed"),
        ('realm="a"', "malformed"),
        ('"x"', "malformed"),
        ("Bearer \x00", "malformed"),
        ('Bearer realm="' + "a" * 8192 + '"', "8207 characters, the limit is 8192"),
    ],
)
def test_malformed_challenges(header: str, text: str) -> None:
    with pytest.raises(RegistryError, match=text):
        parse_challenges(header)


@pytest.mark.parametrize(
    ("text", "origin", "target"),
    [
        ("https://a.example", "https://a.example", "/"),
        ("HTTPS://A.Example:443/x", "https://a.example", "/x"),
        ("http://a:80?q=1", "http://a", "/?q=1"),
        ("http://[::1]:5000/v2/", "http://[::1]:5000", "/v2/"),
        ("https://a:8443/x%20y?z=[1]", "https://a:8443", "/x%20y?z=[1]"),
    ],
)
def test_urls(text: str, origin: str, target: str) -> None:
    url = Url.parse(text)
    assert (str(url.origin), url.target) == (origin, target)


@pytest.mark.parametrize(
    "text",
    [
        "", "a.example", "//a.example/", "ftp://a/", "file:///etc/passwd", "https://", "https:///x", "https://a b/",
        "https://u@a/", "https://u:p@a/", "https://a\\@b/", "https://a/\\b", "https://a:0/", "https://a:65536/",
        "https://a:/", "https://a:1x/", "https://a#b", "https://a/#b", "https://a/\n", "https://a/\x7f", "https://ä/",
        "https://a./", "https://-a/", "https://[::1/", "https://[::1%25eth0]/", "https://a/ä",
        "https://a..b/", "https://[:::::]/", "https://[::z]/",
    ],
)  # fmt: skip
def test_what_is_no_url(text: str) -> None:
    with pytest.raises(RegistryError, match="not an http or https URL"):
        Url.parse(text)


@pytest.mark.parametrize(
    ("location", "joined"),
    [
        ("/x?y=1", "https://a.example/x?y=1"),
        ("x", "https://a.example/v2/x"),
        ("?n=2", "https://a.example/v2/uploads?n=2"),
        ("https://b.example/x", "https://b.example/x"),
        ("//b.example/x", "https://b.example/x"),
    ],
)
def test_join(location: str, joined: str) -> None:
    assert Url.parse("https://a.example/v2/uploads?q").join(location) == Url.parse(joined)


@pytest.mark.parametrize(
    "location",
    ["/x\ty", "/x y", "/\x00", "", "javascript:alert(1)", "/x#y", "//[:::::]/", "//[::z]", "//[/x", "//a..b/", "//a:0"],
)
def test_join_with_what_is_no_location(location: str) -> None:
    assert Url.parse("https://a.example/").join(location) is None


def test_a_url_is_shown_without_its_query() -> None:
    url = Url.parse("https://a.example/x?signature=secret")
    assert str(url) == "https://a.example/x"
    with pytest.raises(RegistryError) as caught:
        Url.parse("https://a.example/\\?signature=secret")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("one", "two", "shared"),
    [
        ("registry-1.docker.io", "auth.docker.io", True),
        ("registry.gitlab.com", "gitlab.com", True),
        ("a.example", "a.example", True),
        ("127.0.0.1:5000", "127.0.0.1:5001", True),
        ("registry", "registry:5001", True),
        ("a.example.co.uk", "b.example.co.uk", True),
        ("a.co.uk", "b.co.uk", False),
        ("a.co.example", "b.co.example", True),
        ("de", "x.de", False),
        ("127.0.0.1", "registry.0.1.example", False),
        ("co.uk", "b.co.uk", False),
        ("a.example", "b.example", False),
        ("good.example", "evil-good.example", False),
        ("registry", "auth", False),
        ("10.0.0.1", "10.1.0.1", False),
        ("1.2.0.1", "1.3.0.1", False),
        ("a.localhost", "b.localhost", False),
    ],
)
def test_which_hosts_share_a_domain(one: str, two: str, shared: bool) -> None:
    first, second = Url.parse(f"https://{one}").origin, Url.parse(f"https://{two}").origin
    assert first.shares_domain_with(second) is shared
    assert second.shares_domain_with(first) is shared


@pytest.mark.parametrize(
    ("host", "is_address"),
    [
        ("localhost", True), ("a.localhost", True), ("127.0.0.1", True), ("[::1]", True), ("a.example", False),
        ("1.example", False), ("0x.example", False), ("registry", False),
    ],
)  # fmt: skip
def test_addresses(host: str, is_address: bool) -> None:
    assert Url.parse(f"https://{host}").origin.is_address is is_address


@pytest.mark.parametrize(
    ("registry", "host"),
    [
        ("docker.io", "registry-1.docker.io"),
        ("DOCKER.IO", "registry-1.docker.io"),
        ("Index.Docker.io", "registry-1.docker.io"),
        ("docker.io:443", "registry-1.docker.io"),
        ("docker.io:5000", "docker.io:5000"),
        ("docker.io.example", "docker.io.example"),
        ("ghcr.io", "ghcr.io"),
    ],
)
def test_where_the_api_of_a_registry_is(registry: str, host: str) -> None:
    assert api_host(registry) == host


class TransportToToken(Transport):
    """Says where a token would be asked for."""

    def send(self, request):  # type: ignore[no-untyped-def]
        raise FormatError(f"asked {request.url} with {sorted(request.headers)}")


class Refusal:
    """A 401 of Docker Hub's form."""

    url = "https://registry"

    def __init__(self, realm: str) -> None:
        self._header = f'Bearer realm="{realm}",service="s",scope="repository:victim/app:pull,push"'

    def header(self, _: str) -> str:
        return self._header


@pytest.mark.parametrize(
    ("registry", "realm", "credential", "outcome"),
    [
        (
            "docker.io",
            "https://auth.docker.io/token",
            True,
            "asked https://auth.docker.io/token with ['Authorization']",
        ),
        ("registry.gitlab.com", "https://gitlab.com/jwt/auth", True, "with ['Authorization']"),
        ("ghcr.io", "https://auth.docker.io/token", False, "asked https://auth.docker.io/token with []"),
        ("ghcr.io", "https://auth.docker.io/token", True, "another domain"),
        ("ghcr.io", "https://169.254.169.254/token", False, "an address that is not its own"),
        ("127.0.0.1:1", "https://127.0.0.1:2/token", True, "with ['Authorization']"),
    ],
)
def test_which_token_service_gets_the_credentials(registry: str, realm: str, credential: bool, outcome: str) -> None:
    transport = TransportToToken()
    authorizer = Authorizer(
        Repository(registry, "a/b"),
        transport.origin_of(api_host(registry)),
        transport,
        lambda: Credential("user", PASSWORD) if credential else None,
    )
    with pytest.raises((FormatError, RegistryError)) as caught:
        authorizer.answer(Refusal(realm), Access.PULL)  # type: ignore[arg-type]
    assert outcome in str(caught.value)


def test_a_credential_is_looked_up_once() -> None:
    found: list[int] = []
    transport = TransportToToken()
    origin = transport.origin_of(api_host("ghcr.io"))
    authorizer = Authorizer(Repository("ghcr.io", "a/b"), origin, transport, lambda: found.append(1))
    for _ in range(2):
        with pytest.raises(FormatError, match=r"asked https://ghcr.io/token with \[\]"):
            authorizer.answer(Refusal("https://ghcr.io/token"), Access.PULL)  # type: ignore[arg-type]
    assert len(found) == 1


class TransportWithoutEnd(Transport):
    """Counts the tokens that are asked for; none comes in time."""

    asked = 0

    def send(self, request):  # type: ignore[no-untyped-def]
        self.asked += 1
        raise RegistryError("not done within 1 s")


def test_who_has_no_time_left_speaks_for_nobody_else() -> None:
    transport = TransportWithoutEnd()
    origin = transport.origin_of(api_host("ghcr.io"))
    shared = Authorizer(Repository("ghcr.io", "a/b"), origin, transport, lambda: None)
    late, other = (shared.within(Deadline(1, "all requests")) for _ in range(2))
    for authorizer, asked in ((late, 1), (late, 1), (other, 2), (other, 2), (late, 3)):
        with pytest.raises(RegistryError, match="not done"):
            authorizer.answer(Refusal("https://ghcr.io/token"), Access.PULL)  # type: ignore[arg-type]
        assert transport.asked == asked


def test_printable() -> None:
    assert excerpt("a\n\x1b[0m\u202e\ud800ä", 100) == "a\\n\\x1b[0m\\u202e\\ud800ä"
    assert excerpt("abc", 3) == "abc"
    assert excerpt("abcd", 3) == "abc..."


def test_without_secrets() -> None:
    assert without_secrets("x abc y ab z", {"ab", "abc"}) == "x [secret] y [secret] z"


def test_the_digest_of_an_upload_is_no_secret() -> None:
    upload = Url.parse("https://a.example/upload?state=long%20secret").named_by_a_peer(str)
    assert upload.with_query([("digest", f"sha256:{'0' * 64}")]).secrets == {"long%20secret", "long secret"}
