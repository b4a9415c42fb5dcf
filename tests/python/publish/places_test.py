"""What is signed already where an image goes is not signed again, however often it is published."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from crowd_fixtures import (
    RandomKey,
    attach,
    attach_blobs,
    put,
    put_legacy,
    random_signer,
    sign_again,
    sign_legacy_again,
)
from desk_fixtures import REFERENCE, Desk, open_desk
from image_fixtures import STRANGER
from index_fixtures import index_of, variant, write_index_layout
from publish_fixtures import PATH, target_request
from registry_fixtures import OwnClient
from sigstore_certificate_fixtures import ISSUER, SAN
from sigstore_fixtures import SigstoreServer
from wasmoci.bazel.programs import publish as publish_program
from wasmoci.commands.main import main
from wasmoci.cosign.simple_signing import LOG_ANNOTATION
from wasmoci.keys.image import ImagePublicKey, ImageSigner
from wasmoci.oci.graph import read_graph
from wasmoci.oci.manifest import INDEX_MEDIA_TYPE, Index
from wasmoci.registry.source import RegistrySource
from wasmoci.transparency.log_entry import with_log_entries
from wasmoci.transparency.rekor import RekorLogs
from wasmoci.transparency.verifying import TrustedLogs
from wasmoci.values.image_reference import Reference
from wasmoci.values.strict_json import dump
from wasmoci.verify.attached_bundles import attached_bundles
from watched_registry_fixtures import Watched

EMPTY_INDEX = Index(()).to_bytes()


@pytest.fixture(name="desk", params=[True, False], ids=["referrers-api", "fallback-index"])
def _desk(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    with Watched(tmp_path / "registry", referrers_api=request.param) as registry:
        yield open_desk(tmp_path, monkeypatch, [registry])


@pytest.fixture(name="two")
def _two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """Two registries, of which the second has no referrers API."""
    with Watched(tmp_path / "one") as first, Watched(tmp_path / "two", referrers_api=False) as second:
        yield open_desk(tmp_path, monkeypatch, [first, second])


def test_what_one_repository_has_goes_to_the_others(two: Desk) -> None:
    second = two.registries.pop()
    two.publish()
    first = two.attached()
    two.registries.append(second)
    two.publish()
    assert two.key.asked == 2
    assert two.attached(0) == two.attached(1) == first
    two.verify(1)


def test_what_is_sent_is_what_was_there_to_the_byte(desk: Desk) -> None:
    """Also a manifest that this program would not write like that."""
    with desk.client() as client:
        desk.publish("--format", "legacy")
        (theirs,) = sign_again(client, desk.subject, 1, ImageSigner(desk.key), str(client.repository))
    desk.publish()
    assert desk.attached()[0] == {str(theirs.digest)}


def list_twice(desk: Desk, client: OwnClient) -> None:
    tag = f"sha256-{desk.subject.digest.hex}"
    found = client.find_manifest(tag)
    if found is not None:
        index = json.loads(found[1])
        index["manifests"] += [{**entry, "size": 1} for entry in index["manifests"]]
        client.put_manifest(dump(index), INDEX_MEDIA_TYPE, tag)


def misstate_size(desk: Desk, client: OwnClient) -> None:
    layers = [layer._replace(size=layer.size + 1) for layer in desk.attached()[1]]
    put_legacy(client, desk.subject, layers)


def lose_config(desk: Desk, client: OwnClient) -> None:
    """The same bundle, whose manifest has a config that is not there, in place of the one that is whole."""
    graph = read_graph(RegistrySource(Reference(client.repository, "v1", None), client))
    (whole,) = attached_bundles(graph, [])
    client.put_manifest(EMPTY_INDEX, INDEX_MEDIA_TYPE, f"sha256-{desk.subject.digest.hex}")
    repository = desk.folder / f"registry/repositories/{PATH}"
    (repository / f"_referrers/{desk.subject.digest.hex}/{whole.carrier.hex}").unlink()
    config = put(client, "application/octet-stream", b"lost")
    attach(client, desk.subject, [whole.manifest._replace(config=config._replace(media_type="application/x"))])
    for path in (desk.folder / "registry").rglob(config.digest.hex):
        path.unlink()


Spoil = Callable[[Desk, OwnClient], object]

NOT_THE_SAME: dict[str, tuple[Sequence[str], Spoil, Sequence[str], int]] = {
    "other annotations": (("-a", "env=test"), lambda *_: None, ("-a", "env=prod"), 2),
    "no annotations": ((), lambda *_: None, ("-a", "env=prod"), 2),
    "another format": (("--format", "bundle"), lambda *_: None, (), 1),
    "another format as well": (("--format", "legacy"), lambda *_: None, (), 1),
    "insisted": ((), lambda *_: None, ("--resign",), 2),
    "all of it is there": ((), lambda *_: None, (), 0),
    "others signed, too": (
        (),
        lambda desk, client: sign_again(client, desk.subject, 3, STRANGER),
        (),
        0,
    ),
    "listed twice, once with another size": ((), list_twice, (), 0),
    "the size of a layer is another": ((), misstate_size, (), 1),
    "a config is lost": ((), lose_config, (), 1),
}


@pytest.mark.parametrize(("first", "spoil", "second", "asked"), NOT_THE_SAME.values(), ids=NOT_THE_SAME)
def test_only_the_same_is_not_signed_again(
    first: Sequence[str], spoil: Spoil, second: Sequence[str], asked: int, desk: Desk
) -> None:
    desk.publish(*first)
    with desk.client() as client:
        spoil(desk, client)
    before = desk.key.asked
    desk.publish(*second)
    assert desk.key.asked - before == asked
    desk.verify()


def test_what_others_made_is_not_ours(desk: Desk) -> None:
    """The same statement and payload, signed by somebody else."""
    place = f"{desk.registries[0].address}/{PATH}"
    desk.key, ours = RandomKey(6), desk.key
    (desk.folder / "oci.pub").write_bytes(ImagePublicKey.of(desk.key.public_key).pem())
    desk.publish()
    with desk.client() as client:
        sign_again(client, desk.subject, 1, random_signer(7), place)
        sign_legacy_again(client, desk.subject, 1, random_signer(7), place)
    desk.key = ours
    (desk.folder / "oci.pub").write_bytes(ImagePublicKey.of(desk.key.public_key).pem())
    desk.publish()
    assert desk.key.asked == 2
    desk.verify()


def test_what_nobody_can_check_is_not_taken_for_ours(desk: Desk) -> None:
    """Anybody may add a log entry to a good signature, and whoever checks it refuses both."""
    desk.publish()
    with desk.client() as client:
        referrers, (layer,) = desk.attached()
        (digest,) = referrers
        graph = read_graph(RegistrySource(Reference(client.repository, "v1", None), client))
        odd = json.loads(next(attached_bundles(graph, [])).data)
        odd["verificationMaterial"]["tlogEntries"] = [{}]
        client.put_manifest(EMPTY_INDEX, INDEX_MEDIA_TYPE, f"sha256-{desk.subject.digest.hex}")
        (desk.folder / f"registry/repositories/{PATH}/_referrers/{desk.subject.digest.hex}/{digest[7:]}").unlink()
        attach_blobs(client, desk.subject, [dump(odd)])
        logged = layer._replace(annotations={**layer.annotations, LOG_ANNOTATION: "{}"})
        put_legacy(client, desk.subject, [logged])
    before = desk.key.asked
    desk.publish()
    assert desk.key.asked == before + 2


@pytest.mark.parametrize(
    ("crowd", "resign", "says"),
    [
        (lambda desk, client: sign_again(client, desk.subject, 100, STRANGER), False, "101 referrers"),
        (
            lambda desk, client: sign_legacy_again(client, desk.subject, 100, random_signer(7), "localhost/a"),
            False,
            "101 layers",
        ),
        (lambda desk, client: sign_again(client, desk.subject, 99, STRANGER), True, "101 referrers"),
    ],
    ids=["bundles", "legacy", "insisted"],
)
def test_nothing_is_signed_that_has_no_room(crowd: Spoil, resign: bool, says: str, desk: Desk) -> None:
    if resign:
        desk.publish()
    else:
        desk.publish("--require", "component-only", signers=())
    with desk.client() as client:
        crowd(desk, client)
    desk.registries[0].events.clear()
    before = desk.key.asked
    message = desk.publish(*(["--resign"] if resign else []), code=1)["message"]
    assert f"{says}, the limit is 100: remove doubles with `wasm-oci clean" in message
    assert ("publish without --resign" in message) == resign
    assert desk.key.asked == before
    assert desk.registries[0].events == []


def test_a_repository_that_cannot_be_seen_gets_nothing(two: Desk) -> None:
    two.publish()
    two.registries[0].__exit__()
    two.registries[1].events.clear()
    report = two.publish(code=1)
    assert [one["published"] for one in report["repositories"]] == [False, True]
    assert two.key.asked == 2


def test_where_no_repository_can_be_seen_nothing_is_signed(two: Desk) -> None:
    for registry in two.registries:
        registry.__exit__()
    report = two.publish(code=1)
    assert [one["published"] for one in report["repositories"]] == [False, False]
    assert two.key.asked == 0


def test_an_image_of_an_index_that_is_signed_already(desk: Desk) -> None:
    write_index_layout(index_of(variant("a"), variant("b")), desk.folder / "index")
    (desk.folder / "unsigned").rename(desk.folder / "image")
    (desk.folder / "index").rename(desk.folder / "unsigned")
    desk.publish()
    assert desk.key.asked == 6
    desk.publish()
    assert desk.key.asked == 6
    (desk.folder / "unsigned").rename(desk.folder / "index")
    write_index_layout(index_of(variant("a"), variant("c")), desk.folder / "unsigned")
    desk.publish()
    assert desk.key.asked == 10
    desk.verify()


def test_an_attestation_that_is_there_is_not_made_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    address = desk.registries[0].address
    signer = {"reference": REFERENCE, "publicKey": "oci.pub"}
    for version, asked in (("1.6", 3), ("1.6", 3), ("1.5", 4)):
        (desk.folder / "sbom.json").write_bytes(dump({"bomFormat": "CycloneDX", "specVersion": version}))
        attestation = {"signer": signer, "document": {"predicate": "sbom.json"}}
        signing = {"oci": [signer], "formats": ["bundle", "legacy"], "attestations": [attestation]}
        request = target_request("unsigned", [f"{address}/{PATH}"], [address], signing=signing)
        (desk.folder / "request.json").write_bytes(dump(request))
        monkeypatch.setenv("RUNFILES_DIR", str(desk.folder))
        monkeypatch.delenv("RUNFILES_MANIFEST_FILE", raising=False)
        result = CliRunner().invoke(publish_program.publish, ["--request", "request.json"])
        assert result.exit_code == 0, result.output
        assert desk.key.asked == asked


@pytest.mark.parametrize("rekor", [1, 2])
def test_an_identity_signs_once(rekor: int, desk: Desk) -> None:
    with SigstoreServer() as server:
        files = server.write(desk.folder)
        where = ["--signing-config", str(files.signing_config(rekor)), "--trusted-root", str(files.trusted_root)]
        who = ["--keyless", "--identity-token", str(files.token), *where, "--certificate-oidc-issuer", ISSUER]
        who += ["--certificate-identity", SAN, "--certificate-identity", "other@example.com"]
        desk.publish(signers=who)
        asked = len(server.requests)
        desk.publish(signers=who)
        assert len(server.requests) == asked
        server.write(desk.folder, subject="other@example.com")
        desk.publish(signers=who)
        assert len(server.requests) > asked
    assert desk.counts() == (2, 0)


@pytest.mark.parametrize("rekor", [1, 2])
@pytest.mark.parametrize("signed_before", [True, False])
def test_a_signature_is_logged_once(signed_before: bool, rekor: int, desk: Desk) -> None:
    with SigstoreServer() as server:
        files = server.write(desk.folder)
        log = ["--log-config", str(files.signing_config(rekor)), "--trusted-root", str(files.trusted_root)]
        if signed_before:
            signed = [str(desk.folder / "signed"), "--output"]
            command = ["image", "sign", str(desk.folder / "unsigned"), "--output", signed[0], "--key", REFERENCE]
            result = CliRunner().invoke(main, [*command, "--repository", "localhost/any", "--format", "bundle"])
            assert result.exit_code == 0, result.output
            (desk.folder / "unsigned").rename(desk.folder / "before")
            (desk.folder / "signed").rename(desk.folder / "unsigned")
        signers = () if signed_before else ("--key", REFERENCE, "--format", "bundle")
        desk.publish(*log, "--require-log", signers=signers)
        asked = len(server.requests), desk.key.asked
        desk.publish(*log, "--require-log", signers=signers)
        assert (len(server.requests), desk.key.asked) == asked
    assert desk.counts() == (1, 0)


@pytest.mark.parametrize("signed_before", [True, False])
def test_a_time_stamp_that_is_asked_for_must_be_there(signed_before: bool, desk: Desk) -> None:
    """Rekor v2 does not say when, so a signature in it that has no time stamp is not what is wanted."""
    with SigstoreServer() as server:
        files = server.write(desk.folder)
        log = ["--log-config", str(files.signing_config(2)), "--trusted-root", str(files.trusted_root)]
        desk.publish("--format", "bundle")
        with desk.client() as client:
            graph = read_graph(RegistrySource(Reference(client.repository, "v1", None), client))
            (plain,) = attached_bundles(graph, [])
            trusted = TrustedLogs.from_file(files.trusted_root)
            key = ImagePublicKey.of(desk.key.public_key)
            envelope = plain.bundle.envelope
            entries = RekorLogs.from_file(files.signing_config(2), trusted, {}).add(envelope, key)
            attach_blobs(client, desk.subject, [with_log_entries(plain.data, entries, [])])
        asked = len(server.requests)
        if signed_before:
            (desk.folder / "unsigned").rename(desk.folder / "before")
            command = ["image", "sign", str(desk.folder / "before"), "--output", str(desk.folder / "unsigned")]
            result = CliRunner().invoke(
                main, [*command, "--repository", "localhost/any", "--key", REFERENCE, "--format", "bundle"]
            )
            assert result.exit_code == 0, result.output
        signers = () if signed_before else ("--key", REFERENCE, "--format", "bundle")
        for _ in range(2):
            desk.publish(*log, "--require-log", signers=signers)
        assert len([one for one in server.requests[asked:] if one.path == "/tsa"]) == 1
        assert len([one for one in server.requests[asked:] if "log/entries" in one.path]) == 1


def test_what_was_signed_without_a_log_is_logged_and_not_signed(desk: Desk) -> None:
    with SigstoreServer() as server:
        files = server.write(desk.folder)
        desk.publish("--format", "bundle")
        log = ["--log-config", str(files.signing_config(1)), "--trusted-root", str(files.trusted_root)]
        desk.publish("--format", "bundle", *log, "--require-log")
        desk.publish("--format", "bundle", *log, "--require-log")
    assert desk.key.asked == 1
    assert desk.counts() == (2, 0)
