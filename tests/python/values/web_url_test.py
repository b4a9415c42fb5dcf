"""URLs in normal form: the same as those of wkg 0.16.1, which was tried with each, or refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wasmoci.values.errors import FormatError
from wasmoci.values.web_url import MAX_URL_LENGTH, normalized_url


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://example.com", "https://example.com/"),
        ("HTTPS://User@Example.COM/A/b/", "https://User@example.com/A/b/"),
        ("https://example.com:443/x", "https://example.com/x"),
        ("https://example.com:", "https://example.com/"),
        ("http://example.com:00443/", "http://example.com:443/"),
        ("http://example.com:80", "http://example.com/"),
        ("https://example.com:0/", "https://example.com:0/"),
        ("https://example.com:65535/", "https://example.com:65535/"),
        ("https://example.com/a/./b/../c", "https://example.com/a/c"),
        ("https://example.com/a/..", "https://example.com/"),
        ("https://example.com/a/.", "https://example.com/a/"),
        ("https://example.com/..//x", "https://example.com//x"),
        ("https://example.com/a/%2e%2E", "https://example.com/"),
        ("https://example.com/a/%2e", "https://example.com/a/"),
        ("https://example.com/...", "https://example.com/..."),
        ("https://example.com?q='x'&y#it's", "https://example.com/?q=%27x%27&y#it's"),
        ("https://example.com/it's", "https://example.com/it's"),
        ("https://example.com/a?", "https://example.com/a?"),
        ("https://example.com/a#", "https://example.com/a#"),
        ("https://@example.com/", "https://example.com/"),
        ("https://127.0.0.1/", "https://127.0.0.1/"),
        ("https://a_b.example.0xg./", "https://a_b.example.0xg./"),
        ("GIT+HTTPS://GitHub.com/a/b.git", "git+https://GitHub.com/a/b.git"),
        ("ssh://git@GitHub.com:022/a?'#x", "ssh://git@GitHub.com:22/a?'#x"),
        ("git://host:/x", "git://host/x"),
        ("git://host", "git://host"),
        ("urn:a:b", "urn:a:b"),
        ("mailto:a@b.c?subject=x", "mailto:a@b.c?subject=x"),
    ],
)
def test_url_is_written_as_wkg_writes_it(text: str, expected: str) -> None:
    assert normalized_url(text, "the text") == expected


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("example.com/a", id="no_scheme"),
        pytest.param("//example.com/a", id="relative"),
        pytest.param("git@github.com:a/b", id="as_git_writes_it"),
        pytest.param("https://user:marked-password@example.com/", id="password"),
        pytest.param("ssh://user:marked-password@example.com/", id="password_of_another_scheme"),
        pytest.param("https:example.com/a", id="no_slashes"),
        pytest.param("https:///example.com/a", id="three_slashes"),
        pytest.param("git:///a", id="no_host"),
        pytest.param("https://a@b@example.com/", id="two_users"),
        pytest.param("https://a;b@example.com/", id="user_that_would_be_encoded"),
        pytest.param("https://example.com:65536/", id="port"),
        pytest.param("https://example.com:123456/", id="long_port"),
        pytest.param("ssh://example.com:p/a", id="port_that_is_no_number"),
        pytest.param("https://127.1/", id="short_address"),
        pytest.param("https://0x7f.0.0.1/", id="hexadecimal_address"),
        pytest.param("https://256.1.1.1/", id="address_that_is_none"),
        pytest.param("https://1.2.3.4./", id="address_with_dot"),
        pytest.param("https://example.0x/", id="host_that_ends_like_an_address"),
        pytest.param("https://[::1]/", id="ipv6"),
        pytest.param("https://a%41.com/", id="encoded_host"),
        pytest.param("https://m\u00fcnchen.example/", id="international_host"),
        pytest.param("https://example.com/a b", id="space"),
        pytest.param(" https://example.com/", id="space_first"),
        pytest.param("https://example.com/\n", id="newline"),
        pytest.param("https://example.com\\a", id="backslash"),
        pytest.param("https://example.com/\u00e4", id="not_ascii"),
        pytest.param("https://example.com/a|b", id="character_of_no_url"),
        pytest.param("https://example.com/%zz", id="broken_escape"),
        pytest.param("https://example.com/#a#b", id="two_fragments"),
        pytest.param("git://example.com/a/../b", id="dots_of_another_scheme"),
        pytest.param("git://example.com/%2e/b", id="encoded_dot_of_another_scheme"),
        pytest.param("file:///etc/passwd", id="file"),
        pytest.param("ftp://example.com/", id="ftp"),
        pytest.param(f"https://example.com/{'a' * MAX_URL_LENGTH}", id="too_long"),
    ],
)
def test_what_is_no_such_url_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(FormatError, match="the text must be") as refusal:
        normalized_url(text, "the text")
    assert "marked-" not in str(refusal.value)


@settings(derandomize=True, deadline=None)
@given(
    st.tuples(
        st.sampled_from(["https:", "HTTP:", "git:", "x:"]),
        st.sampled_from(["//", "/", ""]),
        st.text(alphabet="aA.0x@:%2e/'?#-_\u00e9 ", max_size=20),
    ).map("".join)
)
def test_normal_form_is_its_own(text: str) -> None:
    try:
        found = normalized_url(text, "the text")
    except FormatError:
        return
    assert normalized_url(found, "the text") == found
