"""Image references: everything spelled out."""

from collections.abc import Callable

import pytest

from wasmoci.values.digest import Digest
from wasmoci.values.errors import UsageError
from wasmoci.values.image_reference import (
    MAX_REPOSITORY_LENGTH,
    Reference,
    Repository,
    check_registry,
    check_tag,
    parse_destination,
)
from wasmoci.values.text import without_password

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "registry", "path"),
    [
        ("ghcr.io/acme/hello", "ghcr.io", "acme/hello"),
        ("localhost/hello", "localhost", "hello"),
        ("localhost:5000/hello", "localhost:5000", "hello"),
        ("127.0.0.1:5000/a/b/c", "127.0.0.1:5000", "a/b/c"),
        ("[::1]:5000/hello", "[::1]:5000", "hello"),
        ("[::1]/hello", "[::1]", "hello"),
        ("example.com/a__b/c-d/e.f/g--h", "example.com", "a__b/c-d/e.f/g--h"),
    ],
)
def test_repository_is_read_and_written(text: str, registry: str, path: str) -> None:
    repository = Repository.parse(text)
    assert (repository.registry, repository.path) == (registry, path)
    assert str(repository) == text


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("hello", id="no_registry"),
        pytest.param("acme/hello", id="docker_hub_short_name"),
        pytest.param("ghcr.io", id="no_path"),
        pytest.param("ghcr.io/", id="empty_path"),
        pytest.param("ghcr.io/acme/", id="trailing_slash"),
        pytest.param("ghcr.io//hello", id="double_slash"),
        pytest.param("ghcr.io/../hello", id="dot_dot"),
        pytest.param("ghcr.io/Acme", id="upper_case_path"),
        pytest.param("ghcr.io/a___b", id="three_underscores"),
        pytest.param("ghcr.io/a..b", id="two_dots"),
        pytest.param("ghcr.io/-a", id="leading_dash"),
        pytest.param("ghcr.io/a\n", id="newline"),
        pytest.param("ghcr.io/a?x=1", id="query"),
        pytest.param("https://ghcr.io/a", id="scheme"),
        pytest.param("user@ghcr.io/a", id="user"),
        pytest.param("user:pass@ghcr.io/a", id="password"),
        pytest.param("ghcr.io:/a", id="empty_port"),
        pytest.param("ghcr.io:port/a", id="port_is_no_number"),
        pytest.param("ghcr.io:123456/a", id="port_too_long"),
        pytest.param("ghcr.io:0443/a", id="port_in_another_spelling"),
        pytest.param("127.1/a", id="address_in_another_spelling"),
        pytest.param("127.0.0.01/a", id="address_with_a_zero"),
        pytest.param("0x7f.0.0.0x1/a", id="hexadecimal_address"),
        pytest.param("2130706433:5000/a", id="address_as_one_number"),
        pytest.param("-ghcr.io/a", id="host_starts_with_dash"),
        pytest.param("ghcr.io./a", id="host_ends_with_dot"),
        pytest.param("gh_cr.io/a", id="underscore_in_host"),
        pytest.param("::1/a", id="bare_ipv6"),
        pytest.param("[:::::]:5000/a", id="no_ipv6"),
        pytest.param("[::z]/a", id="no_hexadecimal"),
        pytest.param("[::1/a", id="open_bracket"),
        pytest.param("a..example/a", id="empty_label"),
        pytest.param(f"{'a' * 64}.example/a", id="label_of_64"),
        pytest.param(f"{'a.' * 150}example/a", id="host_of_300"),
    ],
)
def test_other_repositories_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        Repository.parse(text)


@pytest.mark.parametrize("parse", [Repository.parse, Reference.parse, parse_destination])
def test_a_scheme_is_what_is_said_to_be_wrong(parse: Callable[[str], object]) -> None:
    with pytest.raises(UsageError, match="an image has no oci:// in front of its host"):
        parse("oci://ghcr.io/a")


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("ghcr.io/acme/hello", "ghcr.io/acme/hello", True),
        ("ghcr.io/acme/hello", "GHCR.io/acme/hello", True),
        ("docker.io/acme/hello", "index.docker.io/acme/hello", True),
        ("[::1]/acme/hello", "[0::1]/acme/hello", True),
        ("ghcr.io/acme/hello", "ghcr.io/acme/logger", False),
        ("ghcr.io/acme/hello", "ghcr.io/acme", False),
        ("ghcr.io/acme/hello", "ghcr.io:443/acme/hello", False),
        ("ghcr.io/acme/hello", "docker.io/acme/hello", False),
    ],
)
def test_one_repository_in_two_spellings(first: str, second: str, same: bool) -> None:
    repositories = [Repository.parse(text) for text in (first, second)]
    assert repositories[0].is_same(repositories[1]) is same
    assert repositories[1].is_same(repositories[0]) is same


@pytest.mark.parametrize("more", [":v1", f"@{DIGEST}", f":v1@{DIGEST}"])
def test_a_repository_has_no_tag_and_no_digest(more: str) -> None:
    with pytest.raises(UsageError, match=r"a repository is .* without a tag or digest, got: "):
        Repository.parse(f"ghcr.io/acme/hello{more}")


def test_repository_length_limit() -> None:
    Repository.parse("ghcr.io/" + "a" * MAX_REPOSITORY_LENGTH)
    with pytest.raises(UsageError, match=f"at most {MAX_REPOSITORY_LENGTH}"):
        Repository.parse("ghcr.io/" + "a" * (MAX_REPOSITORY_LENGTH + 1))


@pytest.mark.parametrize(
    ("registry", "loopback"),
    [
        ("localhost", True),
        ("localhost:5000", True),
        ("127.0.0.1", True),
        ("127.1.2.3:80", True),
        ("[::1]", True),
        ("[::1]:5000", True),
        ("ghcr.io", False),
        ("10.0.0.1:5000", False),
        ("169.254.169.254", False),
        ("[2001:db8::1]:5000", False),
        ("localhost.example.com", False),
        ("127.0.0.1.example.com:5000", False),
    ],
)
def test_only_loopback_hosts_are_loopback(registry: str, loopback: bool) -> None:
    assert Repository.parse(f"{registry}/a").is_loopback is loopback


@pytest.mark.parametrize("tail", [":v1", f"@{DIGEST}", f":v1@{DIGEST}"])
@pytest.mark.parametrize("host", ["ghcr.io", "localhost:5000", "[::1]:5000"])
def test_reference_is_read_and_written(host: str, tail: str) -> None:
    reference = Reference.parse(f"{host}/acme/hello{tail}")
    assert str(reference.repository) == f"{host}/acme/hello"
    assert reference.tag == ("v1" if ":v1" in tail else None)
    assert reference.digest == (Digest.parse(DIGEST) if "@" in tail else None)
    assert str(reference) == f"{host}/acme/hello{tail}"


def test_digest_is_pinned_beside_the_tag() -> None:
    pinned = Reference.parse("ghcr.io/a:v1").with_digest(Digest.parse(DIGEST))
    assert str(pinned) == f"ghcr.io/a:v1@{DIGEST}"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("ghcr.io/a", id="latest_is_never_assumed"),
        pytest.param("ghcr.io/a:", id="empty_tag"),
        pytest.param("ghcr.io/a@", id="empty_digest"),
        pytest.param("ghcr.io/a:v1@", id="empty_digest_after_tag"),
        pytest.param("ghcr.io/a@sha256:abc", id="short_digest"),
        pytest.param("ghcr.io/a@sha512:" + "a" * 128, id="sha512"),
        pytest.param(f"ghcr.io/a@sha256:{'AB' * 32}", id="upper_case_digest"),
        pytest.param(f"ghcr.io/a@{DIGEST}:v1", id="tag_after_digest"),
        pytest.param(f"ghcr.io/a@{DIGEST}@{DIGEST}", id="two_digests"),
        pytest.param("ghcr.io/a:v1:v2", id="two_tags"),
        pytest.param("localhost:5000", id="port_is_no_tag"),
        pytest.param("ghcr.io/a:{VERSION}", id="unexpanded_variable"),
    ],
)
def test_other_references_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        Reference.parse(text)


@pytest.mark.parametrize("tag", ["v1", "1.0.0", "_", "A" * 128, "a-b.c_d"])
def test_tag_is_accepted(tag: str) -> None:
    assert check_tag(tag) == tag


@pytest.mark.parametrize("tag", ["", "A" * 129, ".a", "-a", "a+b", "a b", "a\n", "{VAR}", "\u00e9"])
def test_other_tags_are_refused(tag: str) -> None:
    with pytest.raises(UsageError, match="1 to 128 characters"):
        check_tag(tag)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ci:pa/ss@h.example/a:v1", "[secret]@h.example/a:v1"),
        ("ci:p@ss@h.example/a:v1", "[secret]@h.example/a:v1"),
        ("ci:pa:ss@h.example", "[secret]@h.example"),
        ("ci:50/00@h.example/a:v1", "[secret]@h.example/a:v1"),
        ("ci:5000@h.example", "[secret]@h.example"),
        (f"ci:pa/ss@h.example/a@{DIGEST}", f"[secret]@h.example/a@{DIGEST}"),
        (f"ci:pa@h.example@{DIGEST}", f"[secret]@h.example@{DIGEST}"),
        ("https://ci:pa/ss@h.example/a", "https://[secret]@h.example/a"),
        ("//ci:pa/ss@h.example/a", "//[secret]@h.example/a"),
        ("ci:p@s/s@h.example/a:v1", "[secret]@h.example/a:v1"),
        ("ci:p@s/s@h.example", "[secret]@h.example"),
        ("https://ci:p@s/s@h.example/a", "https://[secret]@h.example/a"),
        ("acme/ci:pass@h.example/a:v1", "[secret]@h.example/a:v1"),
        (f"acme/ci:p/s@h.example/a@{DIGEST}", f"[secret]@h.example/a@{DIGEST}"),
        (f"localhost:5000/a:v1@{DIGEST}", ""),
        ("localhost:5000/a@sha512:0", ""),
        ("localhost:5000/a@b", ""),
        ("[::1]:5000/a@b", ""),
        ("https://h.example/a:b@c", ""),
        ("h.example/a:v1@b", ""),
    ],
)
def test_a_password_is_shown_nowhere(text: str, shown: str) -> None:
    assert without_password(text) == (shown or text)
    for parse in (Reference.parse, Repository.parse, parse_destination, check_registry):
        if shown:
            with pytest.raises(UsageError) as refused:
                parse(text)
            assert str(refused.value).endswith(f"`wasm-oci login` takes these: {shown!r}")


def test_a_password_is_looked_for_in_linear_time() -> None:
    assert without_password(":" * 1_000_000) == ":" * 1_000_000
