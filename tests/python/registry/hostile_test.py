"""Registries that lie, stall, redirect or ask for too much: one line a case."""

# ruff: noqa: E501

import base64
import io
import logging
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from registry_fixtures import (
    ACCESS_TOKEN,
    LAYER,
    LAYER_DESCRIPTOR,
    MANIFEST,
    PASSWORD,
    SECRETS,
    SUBJECT,
    Answer,
    OwnClient,
    Simulator,
    client_of,
    digest_of,
    docker_config,
    list_in_index,
    make_tls,
    password_for,
    referrer,
)
from wasmoci.oci.manifest import INDEX_MEDIA_TYPE, MANIFEST_MEDIA_TYPE, MAX_MANIFEST_SIZE, Descriptor
from wasmoci.oci.referrers import ReferrerList
from wasmoci.registry.client import RepositoryClient
from wasmoci.registry.referrers_api import Listing
from wasmoci.registry.source import RegistrySource
from wasmoci.registry.tag_race import MAX_RACE_ATTEMPTS
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Error, FormatError, LimitError, Reason, RegistryError, VerificationError
from wasmoci.values.image_reference import Reference
from wasmoci.values.strict_json import dump

V1 = "GET manifests/v1"
BLOB = f"GET blobs/{LAYER_DESCRIPTOR.digest}"
REFERRERS = f"GET referrers/{SUBJECT.digest}"
FALLBACK = f"GET manifests/sha256-{SUBJECT.digest.hex}"
POST = "POST blobs/uploads/"
PUT_BLOB = "PUT /upload"
NEW = Descriptor.of("application/wasm", b"new")

MAX_ERROR_LENGTH = 1000

OCI = {"Content-Type": MANIFEST_MEDIA_TYPE}
LIST = {"Content-Type": INDEX_MEDIA_TYPE}
OTHER_DIGEST = {"Docker-Content-Digest": str(digest_of("other"))}
BEARER = {"WWW-Authenticate": 'Bearer realm="http://{own}/token",service="s"'}
ENTRIES_51 = [Descriptor.of(MANIFEST_MEDIA_TYPE, str(i).encode()).to_json() for i in range(51)]


def realm(url: str) -> Answer:
    return Answer(401, {"WWW-Authenticate": f'Bearer realm="{url}",service="s"'})


def token(body: bytes, **more: object) -> dict[str, Answer]:
    """A manifest for which a token is needed, and what the token service answers."""
    return {V1: Answer(401, BEARER), "GET /token": Answer(body=body, **more)}  # type: ignore[arg-type]


def index(manifests: Sequence[object], **headers: str) -> Answer:
    body = dump({"schemaVersion": 2, "mediaType": INDEX_MEDIA_TYPE, "manifests": manifests})
    return Answer(headers={**LIST, **headers}, body=body)


def upload_to(location: str) -> dict[str, Answer]:
    return {POST: Answer(202, {"Location": location}), PUT_BLOB: Answer(201)}


def resolve(client: RepositoryClient) -> object:
    return client.resolve("v1")


def resolve_digest(client: RepositoryClient) -> object:
    return client.resolve(SUBJECT.digest)


def read_blob(client: RepositoryClient) -> object:
    return client.read_blob(LAYER_DESCRIPTOR, 1000)


def upload(client: RepositoryClient) -> object:
    return client.put_blob(NEW, lambda: io.BytesIO(b"new"))


def put_manifest(client: RepositoryClient) -> object:
    return client.put_manifest(MANIFEST, MANIFEST_MEDIA_TYPE, "v1")


def referrers(client: RepositoryClient) -> object:
    return client.referrers(SUBJECT.digest)


def fallback(client: RepositoryClient) -> object:
    return client.read_fallback_index(SUBJECT.digest)


def attach(client: RepositoryClient) -> object:
    return client.attach_referrer(SUBJECT.digest, *referrer(1))


def read_as(**changes: object) -> Callable[[RepositoryClient], object]:
    """Read the manifest by a descriptor that is not quite its own."""
    members = {"media_type": SUBJECT.media_type, "digest": SUBJECT.digest, "size": SUBJECT.size, **changes}
    return lambda client: client.read_manifest(Descriptor(**members))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Case:
    name: str
    call: Callable[[RepositoryClient], object]
    answers: Mapping[str, Answer | Sequence[Answer]]
    error: type[Error]
    text: str
    reason: Reason | None = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def mismatch(name: str, call: Callable[[RepositoryClient], object], answers: Mapping[str, Answer], text: str) -> Case:
    return Case(name, call, answers, VerificationError, text, Reason.DIGEST_MISMATCH)


def echoing(
    name: str,
    first: str,
    call: Callable[[RepositoryClient], object],
    answer: Answer,
    error: type[Error],
    text: str,
) -> Case:
    """The request `first` is answered once the password was sent."""
    basic = Answer(401, {"WWW-Authenticate": "Basic"})
    return Case(f"secret in {name}", call, {first: [basic, answer]}, error, text)


def fail_with(found: ReferrerList | None) -> None:
    """Raise what a list notes of its entries."""
    assert found is not None
    raise FormatError(*found.problems)


CASES = [
    # Content that is not what was asked for.
    mismatch("other manifest by digest", resolve_digest, {f"GET manifests/{SUBJECT.digest}": Answer(200, OCI, b"{}")}, "must have digest"),
    mismatch("lying digest header by tag", resolve, {V1: Answer(200, {**OCI, **OTHER_DIGEST}, MANIFEST)}, "Docker-Content-Digest"),
    mismatch("lying digest header on blob upload", upload, {**upload_to("/upload"), PUT_BLOB: Answer(201, OTHER_DIGEST)}, "Docker-Content-Digest"),
    mismatch("lying digest header on manifest put", put_manifest, {"PUT manifests/v1": Answer(201, OTHER_DIGEST)}, "Docker-Content-Digest"),
    mismatch("other blob of the same size", read_blob, {BLOB: Answer(body=bytes(len(LAYER)))}, "must have digest"),
    mismatch("shorter blob", read_blob, {BLOB: Answer(body=LAYER[:-1])}, "its descriptor says"),
    mismatch("longer blob", read_blob, {BLOB: Answer(body=LAYER + b"x")}, "more bytes"),
    mismatch("endless blob", read_blob, {BLOB: Answer(body=bytes(60_000), endless=True)}, "more bytes"),
    mismatch("size of the descriptor is wrong", read_as(size=SUBJECT.size + 1), {}, "its descriptor says"),
    Case("media type of the descriptor is wrong", read_as(media_type="text/html"), {}, FormatError, "its descriptor says 'text/html'"),
    Case("blob above the caller's limit", lambda c: c.read_blob(LAYER_DESCRIPTOR, 3), {}, LimitError, "the limit is 3"),
    Case("HTML instead of a manifest", resolve, {V1: Answer(200, {"Content-Type": "text/html"}, b"<html>")}, FormatError, "Content-Type"),
    Case("no Content-Type", resolve, {V1: Answer(200, {}, MANIFEST)}, FormatError, "Content-Type"),
    Case("manifest offered as index", resolve, {V1: Answer(200, LIST, MANIFEST)}, FormatError, "`mediaType` is"),
    Case("manifest that is not JSON", resolve, {V1: Answer(200, OCI, b"<html>")}, FormatError, "not JSON"),
    Case("manifest one byte too large", resolve, {V1: Answer(200, OCI, bytes(MAX_MANIFEST_SIZE + 1))}, LimitError, str(MAX_MANIFEST_SIZE)),
    Case("endless manifest", resolve, {V1: Answer(200, OCI, bytes(60_000), endless=True)}, LimitError, str(MAX_MANIFEST_SIZE)),
    Case("Content-Length above the body", resolve, {V1: Answer(200, OCI, MANIFEST, content_length=len(MANIFEST) + 9)}, RegistryError, "broke off"),
    Case("Content-Length below the body", resolve, {V1: Answer(200, OCI, MANIFEST, content_length=9)}, FormatError, "not JSON"),
    Case("two Content-Lengths", resolve, {V1: Answer(200, {**OCI, "content-length": "5"}, MANIFEST)}, RegistryError, "Content-Length"),
    Case("gzip", resolve, {V1: Answer(200, {**OCI, "Content-Encoding": "gzip"}, MANIFEST)}, RegistryError, "Content-Encoding 'gzip'"),
    Case("gzip blob", read_blob, {BLOB: Answer(200, {"Content-Encoding": "GZIP"}, LAYER)}, RegistryError, "Content-Encoding"),
    # Statuses.
    Case("not found", resolve, {V1: Answer(404)}, RegistryError, "answered 404", status=404),
    Case("forbidden", resolve, {V1: Answer(403)}, RegistryError, "answered 403", status=403),
    Case("redirected manifest", resolve, {V1: Answer(307, {"Location": "http://{own}/x"})}, RegistryError, "answered 307"),
    Case("200 for a manifest that is not there", put_manifest, {"PUT manifests/v1": Answer(200), V1: Answer(404)}, RegistryError, "answered 200, and sha256:"),
    Case("202 for a manifest, and another is there", put_manifest, {"PUT manifests/v1": Answer(202), V1: Answer(200, OCI, MANIFEST.replace(b"wasm", b"WASM"))}, RegistryError, "answered 202, and sha256:"),
    Case("204 instead of 201 for a manifest", put_manifest, {"PUT manifests/v1": Answer(204, content_length=None)}, RegistryError, "answered 204"),
    Case("immutable tag", put_manifest, {"PUT manifests/v1": Answer(409, {}, b'{"errors":[{"code":"TAG_INVALID","message":"the tag is immutable"}]}')}, RegistryError, "answered 409: TAG_INVALID: the tag is immutable", status=409),
    Case("202 instead of 201 for a blob", upload, {**upload_to("/upload"), PUT_BLOB: Answer(202)}, RegistryError, "answered 202"),
    Case("500 for ever", resolve, {V1: Answer(500)}, RegistryError, "answered 500", status=500),
    Case("blob check fails", upload, {f"HEAD blobs/{NEW.digest}": Answer(500)}, RegistryError, "answered 500"),
    Case("blob that is forbidden", upload, {f"HEAD blobs/{NEW.digest}": Answer(403), POST: Answer(403, body=b"may not push")}, RegistryError, "POST http://{own}/v2/team/app/blobs/uploads/: answered 403: may not push", status=403),
    Case("connection dropped for ever", resolve, {V1: Answer(dropped=True)}, RegistryError, "GET http://127"),
    Case("endless error text", resolve, {V1: Answer(400, {}, bytes(60_000), endless=True)}, RegistryError, "answered 400"),
    Case("control characters in an error", resolve, {V1: Answer(400, {}, b'{"errors":[{"code":"X","message":"\\u001b[31m\\u202e"}]}')}, RegistryError, r"X: \x1b[31m\u202e"),
    Case("error that is not of OCI's form", resolve, {V1: Answer(400, {}, b'{"errors":[7]}')}, RegistryError, '400: {"errors":[7]}'),
    # Challenges and token services.
    Case("401 without a challenge", resolve, {V1: Answer(401)}, RegistryError, "neither Bearer nor Basic", status=401),
    Case("401 that wants another scheme", resolve, {V1: Answer(401, {"WWW-Authenticate": "Negotiate abc="})}, RegistryError, "neither Bearer nor Basic"),
    Case("malformed challenge", resolve, {V1: Answer(401, {"WWW-Authenticate": 'Bearer realm="x'})}, RegistryError, "malformed", status=401),
    Case("401 loop, bearer", resolve, token(b'{"token":"t"}'), RegistryError, "answered 401", status=401),
    Case("401 loop, basic", resolve, {V1: Answer(401, {"WWW-Authenticate": "Basic"})}, RegistryError, "answered 401", status=401),
    Case("realm is missing", resolve, {V1: Answer(401, {"WWW-Authenticate": 'Bearer service="s"'})}, RegistryError, "not an http or https URL"),
    Case("realm on a foreign host", resolve, {V1: realm("https://attacker.example/token")}, RegistryError, "another domain"),
    Case("realm in plain HTTP", resolve, {V1: realm("http://attacker.example/token")}, RegistryError, "another domain"),
    Case("realm at the own host's other port, plain HTTP", resolve, {V1: realm("http://{other}/token")}, RegistryError, "plain HTTP is refused"),
    Case("realm at localhost", resolve, {V1: realm("https://localhost/token")}, RegistryError, "an address"),
    Case("realm at a loopback address", resolve, {V1: realm("https://127.0.0.2/token")}, RegistryError, "an address"),
    Case("realm at the metadata service", resolve, {V1: realm("http://169.254.169.254/latest")}, RegistryError, "an address"),
    Case("realm at an IPv6 address", resolve, {V1: realm("https://[fd00:ec2::254]/x")}, RegistryError, "an address"),
    Case("realm at an address in one number", resolve, {V1: realm("https://2852039166/x")}, RegistryError, "not an http or https URL"),
    Case("realm in brackets without an address", resolve, {V1: realm("https://[:::::]/token")}, RegistryError, "not an http or https URL"),
    Case("realm with user info", resolve, {V1: realm("http://{own}@attacker.example/token")}, RegistryError, "not an http or https URL"),
    Case("realm with user and password", resolve, {V1: realm("https://user:hunter2@attacker.example/token")}, RegistryError, "'https://[secret]@attacker.example/token'"),
    Case("tag that is none", lambda c: c.tags(9), {"GET tags/list": Answer(body=b'{"tags": ["v1", "../v2"]}')}, RegistryError, "the list of tags has what is no tag: '../v2'", status=200),
    Case("tag without an end", lambda c: c.tags(9), {"GET tags/list": Answer(body=dump({"tags": ["1" * 60_000]}))}, RegistryError, "the list of tags has what is no tag: '1111", status=200),
    Case("more tags than the limit", lambda c: c.tags(1), {"GET tags/list": Answer(body=b'{"tags": ["v1", "v2"]}')}, RegistryError, "limit", status=200),
    Case("pages of tags without an end", lambda c: c.tags(1), {"GET tags/list": Answer(headers={"Link": '</v2/team/app/tags/list>; rel="next"'}, body=b'{"tags": []}')}, RegistryError, "pages without an end", status=200),
    Case("pages of the same tag without an end", lambda c: c.tags(9), {"GET tags/list": Answer(headers={"Link": '</v2/team/app/tags/list>; rel="next"'}, body=b'{"tags": ["v1"]}')}, RegistryError, "pages without an end", status=200),
    Case("storage that echoes what it was asked with", read_blob, {BLOB: Answer(307, {"Location": "http://{own}/x?a=hunter2%20hunter2"}), "GET /x": Answer(403, body=b"no hunter2%20hunter2, hunter2 hunter2")}, RegistryError, "answered 403: no [secret], [secret]"),
    Case("token service answers 500", resolve, token(b"", status=500), RegistryError, "answered 500", status=401),
    Case("token service answers 404", lambda c: c.find_manifest("v1"), token(b"", status=404), RegistryError, "answered 404", status=401),
    Case("token service redirects", resolve, token(b"", status=302, headers={"Location": "http://{other}/token"}), RegistryError, "answered 302"),
    Case("token service answers HTML", resolve, token(b"<html>"), RegistryError, "not JSON", status=200),
    Case("token service never ends", resolve, token(bytes(60_000), endless=True), RegistryError, "limit of 262144", status=200),
    Case("answer without a token", resolve, token(b"{}"), RegistryError, "`access_token` is missing", status=200),
    Case("token with a line break", resolve, token(b'{"token":"a\\r\\nX-Evil: 1"}'), RegistryError, "a header cannot carry"),
    Case("token that is a number", resolve, token(b'{"token":7}'), RegistryError, "must be a string"),
    # Uploads.
    Case("202 without Location", upload, {POST: Answer(202)}, RegistryError, "without Location"),
    Case("Location on another host", upload, upload_to("http://{other}/upload"), RegistryError, "not on http://127"),
    Case("Location on another host, scheme left out", upload, upload_to("//{other}/upload"), RegistryError, "not on http://127"),
    Case("Location with user info", upload, upload_to("http://{own}@{other}/upload"), RegistryError, "not an http"),
    Case("Location with a backslash", upload, upload_to("/\\{other}/upload"), RegistryError, "not an http"),
    Case("Location with a tab", upload, upload_to("/up\tload"), RegistryError, "not an http"),
    Case("Location with brackets and no address", upload, upload_to("[:::::]"), RegistryError, "answered 404"),
    Case("Location whose host is no address", upload, upload_to("http://[:::::]/upload"), RegistryError, "not an http"),
    Case("Location whose host is not hexadecimal", upload, upload_to("//[::z]/upload"), RegistryError, "not an http"),
    Case("Location with an open bracket", upload, upload_to("//[/x"), RegistryError, "not an http"),
    Case("Location with an empty label", upload, upload_to("http://a..b/upload"), RegistryError, "not an http"),
    Case("Location with a label of 64", upload, upload_to(f"http://{'a' * 64}.example/upload"), RegistryError, "not an http"),
    Case("upload put redirects", upload, {**upload_to("/upload"), PUT_BLOB: Answer(307, {"Location": "http://{other}/x"})}, RegistryError, "answered 307"),
    # Redirects of blobs.
    Case("redirect without Location", read_blob, {BLOB: Answer(307)}, RegistryError, "without Location"),
    Case("redirect loop", read_blob, {BLOB: Answer(307, {"Location": "http://{own}/v2/team/app/" + BLOB[4:]})}, RegistryError, "more than 5 redirects", status=307),
    Case("redirect to plain HTTP that nobody allowed", read_blob, {BLOB: Answer(307, {"Location": "http://{other}/x"})}, RegistryError, "plain HTTP is refused"),
    Case("redirect to the metadata service", read_blob, {BLOB: Answer(307, {"Location": "https://169.254.169.254/x"})}, RegistryError, "an address"),
    Case("redirect to brackets without an address", read_blob, {BLOB: Answer(307, {"Location": "https://[:::::]/x"})}, RegistryError, "not an http"),
    Case("redirect to a host of 300 characters", read_blob, {BLOB: Answer(307, {"Location": f"https://{'a.' * 150}example/x"})}, RegistryError, "not an http"),
    Case("redirect to a file", read_blob, {BLOB: Answer(307, {"Location": "file:///etc/passwd"})}, RegistryError, "not an http"),
    # What was sent comes back in a header.
    echoing("Content-Type", V1, resolve, Answer(200, {"Content-Type": f"x/{PASSWORD}"}), FormatError, "got: 'x/[secret]'"),
    echoing("Content-Encoding", V1, resolve, Answer(200, {**OCI, "Content-Encoding": PASSWORD}), RegistryError, "'[secret]' was not asked for"),
    echoing("Docker-Content-Digest", V1, resolve, Answer(200, {**OCI, "Docker-Content-Digest": PASSWORD}, MANIFEST), VerificationError, "is '[secret]'"),
    echoing("Link", REFERRERS, referrers, index([], Link=f"<{PASSWORD}>"), RegistryError, "no next page: '<[secret]>'"),
    echoing("Link on another host", REFERRERS, referrers, index([], Link=f'<http://{{other}}/{PASSWORD}>; rel="next"'), RegistryError, "/[secret], which is not on http://127"),
    echoing("Location", POST, upload, Answer(202, {"Location": f"ftp://{PASSWORD}"}), RegistryError, "URL: 'ftp://[secret]'"),
    echoing("path of a Location", POST, upload, Answer(202, {"Location": f"/{PASSWORD}"}), RegistryError, "/[secret]: answered 404"),
    echoing("Location of a redirect", BLOB, read_blob, Answer(307, {"Location": f"http://{{other}}/{PASSWORD}"}), RegistryError, "/[secret]: plain HTTP is refused"),
    echoing("OCI-Chunk-Min-Length", POST, upload, Answer(202, {"Location": "/upload", "OCI-Chunk-Min-Length": PASSWORD}), RegistryError, "got: '[secret]'"),
    # Much is quoted in part.
    Case("long Content-Type", resolve, {V1: Answer(200, {"Content-Type": "x" * 60_000})}, FormatError, "xxx...'"),
    Case("long Location", upload, upload_to("/" + "x" * 60_000), RegistryError, "xxx...: answered 404"),
    Case("long Location that is none", upload, upload_to("http://a b" + "x" * 60_000), RegistryError, "xxx...'"),
    Case("long redirect", read_blob, {BLOB: Answer(307, {"Location": "http://{other}/" + "x" * 60_000})}, RegistryError, "xxx...: plain HTTP is refused"),
    Case("long realm", resolve, {V1: realm("ftp://" + "x" * 8000)}, RegistryError, "xxx...'"),
    Case("long realm on a foreign host", resolve, {V1: realm("https://attacker.example/" + "x" * 8000)}, RegistryError, "another domain"),
    Case("long media type of a manifest", resolve, {V1: Answer(200, OCI, MANIFEST.replace(MANIFEST_MEDIA_TYPE.encode(), b"x" * 1_000_000))}, FormatError, "xxx...'"),
    Case("long digest in a list", lambda c: fail_with(c.referrers(SUBJECT.digest)), {REFERRERS: index([{"digest": "x" * 1_000_000, "size": 1, "mediaType": "x"}])}, FormatError, "xxx...'"),
    # Referrers: nothing but an absent API is an absent API.
    Case("referrers 500", referrers, {REFERRERS: Answer(500)}, RegistryError, "answered 500", status=500),
    Case("referrers 401", referrers, {REFERRERS: Answer(401)}, RegistryError, "neither Bearer nor Basic", status=401),
    Case("referrers 403", referrers, {REFERRERS: Answer(403)}, RegistryError, "answered 403", status=403),
    Case("second page of referrers is HTML", referrers, {REFERRERS: index([], Link="</next>; rel=next"), "GET /next": Answer(200, {"Content-Type": "text/html"}, b"<html>")}, RegistryError, "Content-Type", status=200),
    Case("second page of referrers 400", referrers, {REFERRERS: index([], Link="</next>; rel=next"), "GET /next": Answer(400)}, RegistryError, "answered 400", status=400),
    Case("second page of referrers 406", referrers, {REFERRERS: index([], Link="</next>; rel=next"), "GET /next": Answer(406)}, RegistryError, "answered 406", status=406),
    Case("referrers are garbage", referrers, {REFERRERS: Answer(200, LIST, b"garbage")}, RegistryError, "not JSON", status=200),
    Case("referrers are a manifest", referrers, {REFERRERS: Answer(200, LIST, MANIFEST)}, RegistryError, "`mediaType` must be", status=200),
    Case("endless referrers", referrers, {REFERRERS: Answer(200, LIST, bytes(60_000), endless=True)}, LimitError, str(MAX_MANIFEST_SIZE)),
    Case("1001 referrers", referrers, {REFERRERS: index((ENTRIES_51 * 20)[:1001])}, LimitError, "limit"),
    Case("1020 referrers on two pages", referrers, {REFERRERS: [index(ENTRIES_51 * 19, Link='</v2/team/app/' + REFERRERS[4:] + '?p=2>; rel="next"'), index(ENTRIES_51)]}, LimitError, "limit is 1000"),
    Case("paging loop", referrers, {REFERRERS: index([], Link='</v2/team/app/' + REFERRERS[4:] + '>; rel="next"')}, LimitError, "more pages"),
    Case("next page on another host", referrers, {REFERRERS: index([], Link='<http://{other}/x>; rel="next"')}, RegistryError, "not on http://127"),
    Case("next page is gone", referrers, {REFERRERS: index([], Link='</gone>; rel="next"')}, RegistryError, "answered 404", status=404),
    Case("next page at brackets without an address", referrers, {REFERRERS: index([], Link='<//[:::::]>; rel="next"')}, RegistryError, "not an http"),
    Case("next page with an open bracket", referrers, {REFERRERS: index([], Link='<//[/x>; rel="next"')}, RegistryError, "not an http"),
    Case("Link that is no next page", referrers, {REFERRERS: index([], Link="<x>; rel=prev")}, RegistryError, "names no next page"),
    Case("referrer taken but not listed", attach, {f"PUT manifests/{referrer(1)[0].digest}": Answer(201, {"OCI-Subject": str(SUBJECT.digest)})}, RegistryError, "does not list it"),
    Case("fallback index 500", fallback, {FALLBACK: Answer(500)}, RegistryError, "answered 500", status=500),
    Case("fallback tag is an image", fallback, {FALLBACK: Answer(200, OCI, MANIFEST.replace(b"wasm", b"WASM"))}, FormatError, "must be an index"),
    Case("fallback index with 1001 entries", fallback, {FALLBACK: index((ENTRIES_51 * 20)[:1001])}, LimitError, "limit"),
    Case("one more in a fallback index with 100 entries", lambda client: list_in_index(client, SUBJECT.digest, referrer(1)[0]), {FALLBACK: index((ENTRIES_51 * 2)[:100])}, LimitError, "limit is 100"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_refused(case: Case, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with (
        Simulator() as other,
        Simulator(case.answers, other=other.address) as registry,
        client_of(registry.address, password_for(registry.address, tmp_path)) as client,
        pytest.raises(case.error) as caught,
    ):
        case.call(client)
    error = caught.value
    assert case.text.replace("{own}", registry.address) in str(error)
    assert getattr(error, "reason", None) == case.reason or case.reason is None
    if case.status is not None:
        assert isinstance(error, RegistryError)
        assert error.status == case.status
    assert len(str(error)) < MAX_ERROR_LENGTH
    assert "\n" not in str(error)
    assert "\x1b" not in str(error)
    assert other.seen == []
    assert_no_secret(f"{error!s} {error!r} {error.__cause__!r} {error.__context__!r} {client!r} {caplog.text}")


def assert_no_secret(text: str) -> None:
    for secret in (*SECRETS, base64.b64encode(f"user:{PASSWORD}".encode()).decode()):
        assert secret not in text


@pytest.mark.parametrize("scheme", ["Basic", "Bearer"])
@pytest.mark.parametrize("status", [400, 401])
def test_a_registry_that_repeats_what_it_was_sent(
    scheme: str, status: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    challenge = BEARER if scheme == "Bearer" else {"WWW-Authenticate": "Basic"}
    answers: dict[str, Answer | Sequence[Answer]] = {
        V1: [Answer(401, challenge), Answer(status, echo=True)],
        "GET /token": Answer(body=dump({"token": ACCESS_TOKEN})),
    }
    with (
        Simulator(answers) as registry,
        client_of(registry.address, password_for(registry.address, tmp_path)) as client,
        pytest.raises(RegistryError, match=rf"{status}: {scheme} \[secret\]") as caught,
    ):
        client.resolve("v1")
    assert_no_secret(f"{caught.value!r} {caplog.text}")


def test_a_registry_that_repeats_the_password(tmp_path: Path) -> None:
    answers: dict[str, Answer | Sequence[Answer]] = {
        V1: [Answer(401, {"WWW-Authenticate": "Basic"}), Answer(403, body=f"{PASSWORD} is wrong".encode())]
    }
    with (
        Simulator(answers) as registry,
        client_of(registry.address, password_for(registry.address, tmp_path)) as client,
        pytest.raises(RegistryError, match=r"403: \[secret\] is wrong"),
    ):
        client.resolve("v1")


def test_what_a_token_is_asked_for(tmp_path: Path) -> None:
    ask = '/token?account=x",service="the service",scope="repository:victim/app:pull,push'
    answers: dict[str, Answer | Sequence[Answer]] = {
        V1: [Answer(401, {"WWW-Authenticate": f'Bearer realm="http://{{own}}{ask}"'}), Answer(200, OCI, MANIFEST)],
        "GET /token": Answer(body=dump({"access_token": ACCESS_TOKEN})),
    }
    with (
        Simulator(answers) as registry,
        client_of(registry.address, password_for(registry.address, tmp_path)) as client,
    ):
        client.resolve("v1")
        client.resolve("v1")
    (asked,) = registry.requests("GET", "/token")
    assert asked.path == "/token?account=x&scope=repository%3Ateam%2Fapp%3Apull&service=the+service"
    tokens = [seen.authorization for seen in registry.requests("GET", "manifests")]
    assert tokens == [None, f"Bearer {ACCESS_TOKEN}", f"Bearer {ACCESS_TOKEN}"]


@pytest.mark.parametrize("call", [resolve, put_manifest])
@pytest.mark.parametrize(
    ("scope", "is_asked_for"),
    [
        ("repository:gateway/app:pull", (True, True)),
        ("repository:gateway/app:pull,push", (False, True)),
        ("repository:gateway/app:push", (False, True)),
        ("repository:gateway/app:delete", (False, False)),
        ("repository:gateway/app:pull,delete", (False, False)),
        ("repository:gateway/app:pull,push,delete", (False, False)),
        ("repository:gateway/app:*", (False, False)),
        ("repository:gateway/app:", (False, False)),
        ("repository:gateway/app", (False, False)),
        ("repository:gateway/app:pull repository:victim/app:pull", (False, False)),
        ("repository:gateway/app:pull:push", (False, False)),
        ("repository:../app:pull", (False, False)),
        ("repository::pull", (False, False)),
        ("repository(plugin):gateway/app:pull", (False, False)),
        ("registry:catalog:*", (False, False)),
        ("registry:gateway/app:pull", (False, False)),
        ("", (False, False)),
    ],
)
def test_a_gateway_that_knows_the_repository_by_another_path(
    call: Callable[[RepositoryClient], object], scope: str, is_asked_for: tuple[bool, bool], tmp_path: Path
) -> None:
    pushes = call is put_manifest
    refusal = Answer(401, {"WWW-Authenticate": f'Bearer realm="http://{{own}}/token",scope="{scope}"'})
    accepted = Answer(201) if pushes else Answer(200, OCI, MANIFEST)
    answers: dict[str, Answer | Sequence[Answer]] = {
        "PUT manifests/v1" if pushes else V1: [refusal, refusal, accepted],
        "GET /token": Answer(body=dump({"token": ACCESS_TOKEN})),
    }
    with Simulator(answers) as registry:
        with client_of(registry.address, password_for(registry.address, tmp_path)) as client:
            if is_asked_for[pushes]:
                call(client)
            else:
                with pytest.raises(RegistryError, match="answered 401"):
                    call(client)
    asked = [parse_qs(urlsplit(seen.path).query)["scope"] for seen in registry.requests("GET", "/token")]
    own = ["repository:team/app:pull,push" if pushes else "repository:team/app:pull"]
    assert asked == [own, *([[scope]] if is_asked_for[pushes] else [])]


def test_a_gateway_that_takes_no_token() -> None:
    challenge = 'Bearer realm="http://{own}/token",scope="repository:gateway/app:pull"'
    answers = {V1: Answer(401, {"WWW-Authenticate": challenge}), "GET /token": Answer(body=dump({"token": "t"}))}
    with Simulator(answers) as registry, client_of(registry.address) as client:
        with pytest.raises(RegistryError, match="answered 401"):
            client.resolve("v1")
    assert len(registry.requests("GET", "/token")) == 2


def test_the_right_to_delete_is_asked_for_to_delete_and_only_then() -> None:
    answers: dict[str, Answer | Sequence[Answer]] = {
        "PUT manifests/v1": [Answer(401, BEARER), Answer(201)],
        f"DELETE manifests/{SUBJECT.digest}": [Answer(401, BEARER), Answer(202)],
        "GET /token": Answer(body=dump({"token": ACCESS_TOKEN})),
    }
    with Simulator(answers) as registry, client_of(registry.address) as client:
        put_manifest(client)
        client.delete_manifest(SUBJECT.digest)
        put_manifest(client)
    asked = [parse_qs(urlsplit(seen.path).query)["scope"] for seen in registry.requests("GET", "/token")]
    assert asked == [["repository:team/app:pull,push"], ["repository:team/app:pull,push,delete"]]
    assert [seen.authorization for seen in registry.requests("DELETE")] == [None, f"Bearer {ACCESS_TOKEN}"]


@pytest.mark.parametrize("actions", ["delete", "pull,push,delete"])
def test_a_gateway_gets_no_right_to_delete(actions: str) -> None:
    scope = f"repository:gateway/app:{actions}"
    refusal = Answer(401, {"WWW-Authenticate": f'Bearer realm="http://{{own}}/token",scope="{scope}"'})
    answers = {f"DELETE manifests/{SUBJECT.digest}": refusal, "GET /token": Answer(body=dump({"token": ACCESS_TOKEN}))}
    with Simulator(answers) as registry, client_of(registry.address) as client:
        with pytest.raises(RegistryError, match="answered 401"):
            client.delete_manifest(SUBJECT.digest)
    assert len(registry.requests("GET", "/token")) == 1


@pytest.mark.parametrize("status", [200, 202, 204, 404])
def test_what_is_deleted_or_not_there_is_gone(status: int) -> None:
    body = {} if status == 204 else {"Content-Type": "text/plain"}
    with Simulator({f"DELETE manifests/{SUBJECT.digest}": Answer(status, body)}) as registry:
        with client_of(registry.address) as client:
            client.delete_manifest(SUBJECT.digest)


def test_a_token_to_push_serves_to_pull() -> None:
    answers: dict[str, Answer | Sequence[Answer]] = {
        "PUT manifests/v1": [Answer(401, BEARER), Answer(201)],
        "GET /token": Answer(body=dump({"token": ACCESS_TOKEN})),
    }
    with Simulator(answers) as registry, client_of(registry.address) as client:
        put_manifest(client)
        client.resolve("v1")
    assert [seen.authorization for seen in registry.requests("GET", "manifests")] == [f"Bearer {ACCESS_TOKEN}"]


def test_a_redirect_to_another_origin_carries_no_authorization(tmp_path: Path) -> None:
    with Simulator({"GET /storage": Answer(body=LAYER)}) as storage:
        answers: dict[str, Answer | Sequence[Answer]] = {
            V1: [Answer(401, {"WWW-Authenticate": "Basic"}), Answer(200, OCI, MANIFEST)],
            BLOB: Answer(307, {"Location": "http://{other}/storage?signature=x"}),
        }
        with Simulator(answers, other=storage.address) as registry:
            environment = password_for(registry.address, tmp_path)
            repository = client_of(registry.address).repository
            with OwnClient(repository, environment, {registry.address, storage.address}) as client:
                client.resolve("v1")
                assert client.read_blob(LAYER_DESCRIPTOR, 1000) == LAYER
    assert registry.requests("GET", "blobs")[0].authorization is not None
    assert [seen.authorization for seen in storage.seen] == [None]


def test_a_redirect_to_a_storage_under_another_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def loopback(_: object, port: int, *_rest: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", loopback)
    with Simulator({"GET /storage": Answer(body=LAYER)}) as storage:
        name = storage.address.replace("127.0.0.1", "storage.example")
        answers = {BLOB: Answer(307, {"Location": f"http://{name}/storage"})}
        with Simulator(answers) as registry:
            repository = client_of(registry.address).repository
            with OwnClient(repository, {}, {registry.address, name}) as client:
                assert client.read_blob(LAYER_DESCRIPTOR, 1000) == LAYER


def test_a_challenge_of_another_origin_is_not_answered(tmp_path: Path) -> None:
    with Simulator({"GET /storage": Answer(401, {"WWW-Authenticate": "Basic"})}) as storage:
        answers = {BLOB: Answer(307, {"Location": "http://{other}/storage"})}
        with Simulator(answers, other=storage.address) as registry:
            environment = password_for(registry.address, tmp_path)
            repository = client_of(registry.address).repository
            with (
                OwnClient(repository, environment, {registry.address, storage.address}) as client,
                pytest.raises(RegistryError, match="answered 401"),
            ):
                client.read_blob(LAYER_DESCRIPTOR, 1000)
    assert [seen.authorization for seen in storage.seen] == [None]


def test_a_redirect_from_https_to_http_is_refused_even_where_http_is_allowed(tmp_path: Path) -> None:
    tls = make_tls(tmp_path)
    with Simulator({"GET /storage": Answer(body=LAYER)}) as storage:
        answers = {BLOB: Answer(307, {"Location": "http://{other}/storage"})}
        with Simulator(answers, other=storage.address, tls=tls.server) as registry:
            repository = client_of(registry.address).repository
            with (
                OwnClient(repository, tls.environment, {storage.address}) as client,
                pytest.raises(RegistryError, match="from HTTPS to plain HTTP"),
            ):
                client.read_blob(LAYER_DESCRIPTOR, 1000)
    assert storage.seen == []


def test_an_identity_token_is_posted_and_never_shown(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    answers = {V1: Answer(401, BEARER), "POST /token": Answer(400, body=b"no")}
    with Simulator(answers) as registry:
        environment = docker_config(tmp_path, {"auths": {registry.address: {"identitytoken": SECRETS[1]}}})
        with client_of(registry.address, environment) as client, pytest.raises(RegistryError) as caught:
            client.resolve("v1")
    form = registry.requests("POST", "/token")[0]
    assert form.body.startswith(b"grant_type=refresh_token&client_id=wasm-oci&refresh_token=" + SECRETS[1].encode())
    assert form.authorization is None
    assert_no_secret(f"{caught.value!r} {caplog.text}")


def test_an_identity_token_is_not_sent_as_a_password(tmp_path: Path) -> None:
    with Simulator({V1: Answer(401, {"WWW-Authenticate": "Basic"})}) as registry:
        environment = docker_config(tmp_path, {"auths": {registry.address: {"identitytoken": SECRETS[1]}}})
        with (
            client_of(registry.address, environment) as client,
            pytest.raises(RegistryError, match="wants a user name and a password"),
        ):
            client.resolve("v1")
    assert len(registry.seen) == 1


@pytest.mark.parametrize(
    "answer",
    [
        Answer(404),
        Answer(303, {"Location": "https://web.example/"}),
        Answer(400),
        Answer(406),
        Answer(200, {"Content-Type": "text/html"}, b"<html>"),
        Answer(200, {"Content-Type": "application/json"}, b"{}"),
        Answer(200),
    ],
    ids=lambda answer: f"{answer.status} {answer.headers.get('Content-Type')}",
)
def test_the_referrers_api_is_absent_where_the_first_answer_says_so(answer: Answer) -> None:
    entry, data = referrer(1)
    index_put = FALLBACK.replace("GET", "PUT")
    answers = {REFERRERS: answer, f"PUT manifests/{entry.digest}": Answer(201), index_put: Answer(201)}
    with Simulator({**answers, FALLBACK: [Answer(404), index([entry.to_json()])]}) as registry:
        with client_of(registry.address) as client:
            assert client.attach_referrer(SUBJECT.digest, entry, data) is Listing.FALLBACK_INDEX
            source = RegistrySource(Reference(client.repository, "v1", None), client)
            assert source.referrers(SUBJECT.digest).lists(entry.digest)


def test_exactly_as_many_referrers_as_the_limit() -> None:
    pages = [index(ENTRIES_51, Link="</next>; rel=next"), index(ENTRIES_51[:49])]
    with Simulator({REFERRERS: pages[0], "GET /next": pages[1]}) as registry, client_of(registry.address) as client:
        found = client.referrers(SUBJECT.digest)
    assert found is not None
    assert len(found.descriptors) == 100


@pytest.mark.parametrize("status", [200, 202])
def test_a_manifest_that_is_there_after_another_answer_than_201(status: int) -> None:
    with Simulator({"PUT manifests/v1": Answer(status)}) as registry, client_of(registry.address) as client:
        put_manifest(client)
    assert [seen.method for seen in registry.seen] == ["PUT", "GET"]


def test_a_registry_that_takes_the_fallback_tag_for_the_digest() -> None:
    with Simulator({FALLBACK: Answer(200, OCI, MANIFEST)}) as registry, client_of(registry.address) as client:
        assert client.read_fallback_index(SUBJECT.digest) is None


def test_an_index_that_is_its_own_fallback_tag() -> None:
    data = index(ENTRIES_51).body
    subject = Digest.of(data)
    answers = {f"GET manifests/sha256-{subject.hex}": Answer(200, LIST, data)}
    with Simulator(answers) as registry, client_of(registry.address) as client:
        assert client.read_fallback_index(subject) is None


@pytest.mark.parametrize("found", [index([]), Answer(404)])
def test_an_index_that_others_overwrite_or_delete_for_ever(found: Answer) -> None:
    answers = {FALLBACK: found, FALLBACK.replace("GET", "PUT"): Answer(201)}
    with (
        Simulator(answers) as registry,
        client_of(registry.address) as client,
        pytest.raises(RegistryError, match="others keep overwriting"),
    ):
        list_in_index(client, SUBJECT.digest, referrer(1)[0])
    assert len(registry.requests("PUT")) == MAX_RACE_ATTEMPTS


def test_an_upload_goes_where_the_location_says_with_its_query() -> None:
    answers = upload_to("http://{own}/upload?state=abc")
    with Simulator(answers) as registry, client_of(registry.address) as client:
        assert upload(client)
    (put,) = registry.requests("PUT")
    assert put.path == f"/upload?state=abc&digest=sha256%3A{NEW.digest.hex}"
    assert put.body == b"new"


@pytest.mark.parametrize("content", [b"ne", b"newer"])
def test_a_source_that_has_not_the_size_of_its_descriptor(content: bytes) -> None:
    with (
        Simulator(upload_to("/upload")) as registry,
        client_of(registry.address) as client,
        pytest.raises(VerificationError, match="has not 3 bytes"),
    ):
        client.put_blob(NEW, lambda: io.BytesIO(content))


def test_a_source_that_cannot_be_opened(tmp_path: Path) -> None:
    with (
        Simulator(upload_to("/upload")) as registry,
        client_of(registry.address) as client,
        pytest.raises(Error, match="the source of blob"),
    ):
        client.put_blob(NEW, lambda: (tmp_path / "missing").open("rb"))
