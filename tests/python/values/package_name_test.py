"""Names of packages: what is read, where it leads, and what is refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wasmoci.values.errors import Error, UsageError
from wasmoci.values.package_name import MAX_PACKAGE_NAME_LENGTH, PackageName


@pytest.mark.parametrize(
    "text",
    [
        "acme:greet@1.2.3",
        "a:b@0.0.0",
        "my-org2:some-long-name3@10.20.30",
        "a:b@1.0.0-rc.1",
        "a:b@1.0.0-0.3.7",
        "a:b@1.0.0-x-y-z.--",
        "a:b@1.0.0-0a",
        "a:b@18446744073709551615.0.0",
    ],
)
def test_name_is_read_and_written_the_same(text: str) -> None:
    name = PackageName.parse(text)
    assert str(name) == text
    assert name.tag == text.partition("@")[2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "ns:name@version", id="empty"),
        pytest.param("greet@1.0.0", "ns:name@version", id="no_namespace"),
        pytest.param("acme:greet", "ns:name@version", id="no_version"),
        pytest.param("acme:greet@", "ns:name@version", id="empty_version"),
        pytest.param(":greet@1.0.0", "ns:name@version", id="empty_namespace"),
        pytest.param("acme:@1.0.0", "ns:name@version", id="empty_name"),
        pytest.param("a:b:c@1.0.0", "ns:name@version", id="nested_namespace"),
        pytest.param("acme/greet@1.0.0", "ns:name@version", id="path"),
        pytest.param("Acme:greet@1.0.0", "ns:name@version", id="upper_case"),
        pytest.param("acme:greet_er@1.0.0", "ns:name@version", id="underscore"),
        pytest.param("acme:1greet@1.0.0", "ns:name@version", id="digit_first"),
        pytest.param("acme:greet-2@1.0.0", "ns:name@version", id="digit_first_in_word"),
        pytest.param("acme:greet--er@1.0.0", "ns:name@version", id="empty_word"),
        pytest.param("acme:-greet@1.0.0", "ns:name@version", id="hyphen_first"),
        pytest.param("acme:greet-@1.0.0", "ns:name@version", id="hyphen_last"),
        pytest.param("acme:gr\u00e9et@1.0.0", "ns:name@version", id="not_ascii"),
        pytest.param("acme:greet\n@1.0.0", "ns:name@version", id="newline"),
        pytest.param("acme:greet@1.0", "semver", id="two_numbers"),
        pytest.param("acme:greet@v1.0.0", "semver", id="prefix_v"),
        pytest.param("acme:greet@1.0.0.0", "semver", id="four_numbers"),
        pytest.param("acme:greet@01.0.0", "semver", id="leading_zero"),
        pytest.param("acme:greet@18446744073709551616.0.0", "semver", id="number_above_64_bits"),
        pytest.param(f"acme:greet@{'9' * 400}.0.0", "semver", id="huge_number"),
        pytest.param("acme:greet@1.0.0-", "semver", id="empty_pre_release"),
        pytest.param("acme:greet@1.0.0-a..b", "semver", id="empty_identifier"),
        pytest.param("acme:greet@1.0.0-01", "semver", id="leading_zero_in_identifier"),
        pytest.param("acme:greet@1.0.0-a_b", "semver", id="underscore_in_identifier"),
        pytest.param("acme:greet@1.0.0-\u0661", "semver", id="foreign_digit"),
        pytest.param("acme:greet@\u0661.0.0", "semver", id="foreign_number"),
        pytest.param("acme:greet@1.0.0\n", "semver", id="newline_last"),
        pytest.param("acme:greet@1.0.0@sha256:aa", "semver", id="digest"),
        pytest.param("acme:greet@latest", "semver", id="latest"),
        pytest.param("acme:greet@*", "semver", id="range"),
        pytest.param("acme:greet@1.0.0+build.1", "build metadata", id="build_metadata"),
        pytest.param(f"acme:greet@1.0.0-{'a' * 123}", "1 to 128 characters", id="longer_than_a_tag"),
        pytest.param("a" * (MAX_PACKAGE_NAME_LENGTH + 1), "the limit is 512", id="too_long"),
    ],
)
def test_what_is_no_package_name_is_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        PackageName.parse(text)


@pytest.mark.parametrize(
    ("registry", "prefix", "expected"),
    [
        ("registry.example.com", "", "registry.example.com/acme/greet"),
        ("localhost:5000", "team/wasm/", "localhost:5000/team/wasm/acme/greet"),
        pytest.param("localhost:5000", "team", "localhost:5000/teamacme/greet", id="no_slash_as_with_wkg"),
        pytest.param("localhost:5000", "team-", "localhost:5000/team-acme/greet", id="hyphen"),
    ],
)
def test_package_is_in_the_repository_where_wkg_looks(registry: str, prefix: str, expected: str) -> None:
    name = PackageName.parse("acme:greet@1.2.3")
    assert str(name.repository(registry, prefix)) == expected
    assert name.title == "greet.wasm"


@pytest.mark.parametrize(
    ("registry", "prefix", "message"),
    [
        pytest.param("registry.example.com/team", "", r"a registry is host\[:port\]", id="path_in_registry"),
        pytest.param("registry", "", "host spelled out", id="no_host"),
        pytest.param("localhost:5000", "/team/", "a repository path", id="slash_first"),
        pytest.param("localhost:5000", "Team/", "a repository path", id="upper_case"),
        pytest.param("localhost:5000", "../", "a repository path", id="dots"),
        pytest.param("localhost:5000", "team//", "a repository path", id="empty_folder"),
        pytest.param("localhost:5000", "a/" * 128, "at most 255", id="too_long"),
    ],
)
def test_place_that_is_no_repository_is_refused(registry: str, prefix: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        PackageName.parse("acme:greet@1.2.3").repository(registry, prefix)


@settings(derandomize=True, deadline=None)
@given(st.text(alphabet="ab1A:@.-+/\n\u0661", max_size=20))
def test_any_text_is_read_exactly_or_refused(text: str) -> None:
    try:
        name = PackageName.parse(text)
    except Error:
        return
    assert str(name) == text
    assert str(name.repository("localhost:5000")).startswith("localhost:5000/")
