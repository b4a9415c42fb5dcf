"""Cleaning: what is a double goes, what is not stays, and the image verifies again."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from copy_fixtures import send_layout
from crowd_fixtures import (
    RandomKey,
    attach,
    attach_blobs,
    attach_others,
    put,
    put_legacy,
    random_signer,
    sign_again,
    sign_legacy_again,
)
from image_fixtures import SIGNER, STRANGER
from observed_registry_fixtures import ObservedHandler, ObservedRegistry
from publish_fixtures import PATH, client_for, dual_layout
from registry_fixtures import OwnClient
from sigstore_fixtures import SigstoreServer
from wasm_fixtures import KEY
from wasmoci.commands.main import main
from wasmoci.cosign import simple_signing
from wasmoci.cosign.bundle import parse_bundle
from wasmoci.cosign.predicate_type import CYCLONEDX
from wasmoci.cosign.statement import attestation, signature_statement
from wasmoci.disk.layout import Layout
from wasmoci.keys.image import ImageSigner
from wasmoci.oci import referrers
from wasmoci.oci.cosign_tags import CosignTag
from wasmoci.oci.graph import read_graph
from wasmoci.oci.manifest import Descriptor, Manifest
from wasmoci.publish.clean import WholeSource
from wasmoci.registry.source import RegistrySource
from wasmoci.transparency.log_entry import with_log_entries
from wasmoci.transparency.rekor import RekorLogs
from wasmoci.transparency.verifying import TrustedLogs
from wasmoci.values.errors import VerificationError
from wasmoci.values.image_reference import Reference, Repository
from wasmoci.values.strict_json import dump
from wasmoci.verify.attached_bundles import attached_bundles
from wasmoci.verify.image import verify
from wasmoci.verify.policy import Policy


class DeletingHandler(ObservedHandler):
    """Deletes manifests by their digest, or answers `refusal`."""

    refusal = 0

    def _manifest_delete(self, reference: str) -> None:
        if self.refusal:
            self.refuse(self.refusal, "UNSUPPORTED", "no deletion here")
            return
        folder = self.server.folder / "repositories" / self.repository
        (folder / "_manifests" / reference[7:]).unlink()
        for file in folder.glob(f"_referrers/*/{reference[7:]}"):
            file.unlink()
        self.answer(202, {})


@dataclass
class Place:
    """An image that SIGNER signed, in a registry."""

    folder: Path
    registry: ObservedRegistry
    subject: Descriptor

    @property
    def client(self) -> OwnClient:
        return client_for(self.registry.address)

    @property
    def name(self) -> str:
        return f"{self.registry.address}/{PATH}"

    def bundle(self) -> bytes:
        """The one that was published."""
        with self.client as client:
            (found, *_) = attached_bundles(read_graph(WholeSource(Reference.parse(f"{self.name}:v1"), client)), [])
        return found.data

    def clean(self, *arguments: str, keys: tuple[ImageSigner, ...] = (SIGNER,), code: int = 0) -> Any:
        trusted = []
        for number, key in enumerate(keys):
            (self.folder / f"{number}.pub").write_bytes(key.public_key.pem())
            trusted += ["--oci-key", str(self.folder / f"{number}.pub")]
        insecure = ["--insecure-registry", self.registry.address]
        result = CliRunner().invoke(main, ["clean", f"{self.name}:v1", *trusted, *insecure, "--json", *arguments])
        assert result.exit_code == code, result.output + repr(result.exception)
        return json.loads(result.stdout)

    def verify(self, *keys: ImageSigner) -> int:
        """How many signatures hold, by any of these keys, all of which must have signed."""
        with self.client as client:
            source = RegistrySource(Reference(Repository(self.registry.address, PATH), "v1", None), client)
            found = verify(source, Policy.of([KEY], [key.public_key for key in keys or (SIGNER,)]))
        assert {one.signer for one in found.image_signatures} == {key.public_key for key in keys or (SIGNER,)}
        return len(found.image_signatures)

    def attached(self) -> tuple[set[str], list[Descriptor]]:
        with self.client as client:
            graph = read_graph(WholeSource(Reference.parse(f"{self.name}:v1"), client))
            legacy = graph.at_tag(CosignTag.SIGNATURES)
            return {str(node.digest) for node in graph.referrers}, [
                *(() if legacy is None else Manifest.parse(legacy.data).layers)
            ]


def results(report: Mapping[str, Any]) -> dict[str, int]:
    found = [one["fate"] for one in report["removals"]]
    return {result: found.count(result) for result in found}


@pytest.fixture(name="handler")
def _handler() -> type[DeletingHandler]:
    return type("OwnHandler", (DeletingHandler,), {})


@pytest.fixture(name="place", params=[True, False], ids=["referrers-api", "fallback-index"])
def _place(request: pytest.FixtureRequest, tmp_path: Path, handler: type[DeletingHandler]) -> Iterator[Place]:
    registry = ObservedRegistry(tmp_path / "registry", referrers_api=request.param)
    registry.RequestHandlerClass = handler
    layout = dual_layout(tmp_path)
    with registry:
        with client_for(registry.address) as client:
            send_layout(layout, client)
        yield Place(tmp_path, registry, Layout(layout).subject())


def test_an_image_past_the_limit_is_repaired(place: Place) -> None:
    key = ImageSigner(RandomKey())
    with place.client as client:
        sign_again(client, place.subject, 130, key)
        ours = place.attached()[1]
        sign_legacy_again(client, place.subject, 120, key, place.name)
        random = place.attached()[1]
        put_legacy(client, place.subject, [*ours, *random])
    with pytest.raises(VerificationError, match="wasm-oci clean"):
        place.verify(key)
    before = place.attached()
    shown = place.clean("--dry-run", keys=(key, SIGNER))
    assert results(shown) == {"shown": 129 + 119}
    assert place.attached() == before
    done = place.clean(keys=(key, SIGNER))
    assert [{**one, "fate": ""} for one in done["removals"]] == [{**one, "fate": ""} for one in shown["removals"]]
    assert results(done) == {"removed": 129 + 119}
    assert len(place.attached()[0]) == 2
    assert place.verify(key, SIGNER) == 4
    assert place.clean(keys=(key, SIGNER))["removals"] == []


Attach = Callable[[Place, OwnClient], object]


def other_annotations(place: Place, client: OwnClient) -> None:
    statements = [signature_statement(place.subject.digest, {"n": n}) for n in "ab"]
    attach_blobs(client, place.subject, [SIGNER.sign_statement(statement) for statement in statements])


def attested(place: Place, client: OwnClient) -> None:
    statement = attestation(place.subject.digest, "_", CYCLONEDX, b"{}")
    attach_blobs(client, place.subject, [SIGNER.sign_statement(statement)] * 2)


def unchecked(place: Place, client: OwnClient) -> None:
    """Somebody adds what nobody can check here to a good signature: it could be worth nothing elsewhere."""
    bundle = json.loads(place.bundle())
    logged, stamped = json.loads(dump(bundle)), json.loads(dump(bundle))
    logged["verificationMaterial"]["tlogEntries"] = [{}]
    stamped["verificationMaterial"]["timestampVerificationData"] = {"rfc3161Timestamps": [{}]}
    attach_blobs(client, place.subject, [dump(logged), dump(stamped)])
    (layer,) = place.attached()[1]
    odd = [
        layer._replace(annotations={**layer.annotations, name: "{}"})
        for name in (simple_signing.LOG_ANNOTATION, "dev.sigstore.cosign/rfc3161timestamp")
    ]
    put_legacy(client, place.subject, [layer, *odd])


def of_another_image(place: Place, client: OwnClient) -> None:
    statement = signature_statement(Descriptor.of("x", b"other").digest)
    attach_blobs(client, place.subject, [SIGNER.sign_statement(statement)] * 2)


def legacy_of_another_image(place: Place, client: OwnClient) -> None:
    payload = simple_signing.payload(Descriptor.of("x", b"other").digest, place.name)
    put(client, simple_signing.PAYLOAD_MEDIA_TYPE, payload)
    key = random_signer()
    layers = [simple_signing.signature_layer(payload, key.sign_payload(payload)) for _ in range(2)]
    put_legacy(client, place.subject, [*place.attached()[1], *layers])


STAYS: dict[str, Attach] = {
    "signatures by others": lambda place, client: sign_again(client, place.subject, 3, STRANGER),
    "legacy signatures by others": lambda place, client: put_legacy(
        client,
        place.subject,
        [*place.attached()[1], *sign_legacy_again(client, place.subject, 2, random_signer(9), place.name)],
    ),
    "other annotations": other_annotations,
    "attestations": attested,
    "what is attached": lambda place, client: attach_others(client, place.subject, 3),
    "what nobody can check": unchecked,
    "signatures of another image": of_another_image,
    "legacy signatures of another image": legacy_of_another_image,
}


@pytest.mark.parametrize("attach", STAYS.values(), ids=STAYS)
def test_what_is_no_double_stays(attach: Attach, place: Place) -> None:
    with place.client as client:
        legacy = place.attached()[1]
        attach(place, client)
        if legacy and legacy[0] not in place.attached()[1]:
            put_legacy(client, place.subject, [*legacy, *place.attached()[1]])
    before = place.attached()
    assert place.clean(keys=(SIGNER, random_signer()))["removals"] == []
    assert place.attached() == before


def test_the_same_layer_twice_becomes_one(place: Place) -> None:
    with place.client as client:
        (layer,) = place.attached()[1]
        put_legacy(client, place.subject, [layer] * 3)
    assert results(place.clean()) == {"removed": 2}
    assert place.attached()[1] == [layer]


def test_a_well_formed_manifest_stays_before_others(place: Place) -> None:
    bundle = place.bundle()
    before = place.attached()[0]
    with place.client as client:
        (entry,) = attach_blobs(client, place.subject, [bundle], artifact_type="application/vnd.example")
        assert str(entry.digest) in place.attached()[0]
    assert [one["digest"] for one in place.clean()["removals"]] == [str(entry.digest)]
    assert place.attached()[0] == before


def test_a_copy_whose_config_may_be_lost_takes_no_place(place: Place) -> None:
    before = place.attached()[0]
    with place.client as client:
        graph = read_graph(WholeSource(Reference.parse(f"{place.name}:v1"), client))
        ours = next(attached_bundles(graph, [])).manifest
        config = put(client, "application/octet-stream", b"lost")
        copies = [ours._replace(config=config, annotations={"n": f"{number}"}) for number in range(8)]
        listed = {str(entry.digest) for entry in attach(client, place.subject, copies)}
    assert {one["digest"] for one in place.clean()["removals"]} == listed
    assert place.attached()[0] == before


@pytest.mark.parametrize("rekor", [1, 2])
@pytest.mark.parametrize("with_root", [True, False])
def test_the_one_with_a_log_entry_that_holds_stays(with_root: bool, rekor: int, place: Place) -> None:
    key = ImageSigner(RandomKey())
    with SigstoreServer() as server:
        files = server.write(place.folder)
        logs = TrustedLogs.from_file(files.trusted_root)
        log = RekorLogs.from_file(files.signing_config(rekor), logs, {})
        plain = [key.sign_statement(signature_statement(place.subject.digest)) for _ in range(3)]
        envelope = parse_bundle(plain[2]).envelope
        entries, stamps = log.add(envelope, key.public_key), log.stamp(envelope.signature, key.public_key)
        logged = with_log_entries(plain[2], entries, stamps)
        unstamped = with_log_entries(plain[2], entries, [b"no time stamp"] if stamps else [])
        fake = json.loads(logged)
        fake["verificationMaterial"]["tlogEntries"][0]["canonicalizedBody"] = "AAAA"
    with place.client as client:
        worse = [*plain[:2], unstamped] if stamps else plain[:2]
        *_, entry, bad = attach_blobs(client, place.subject, [*worse, logged, dump(fake)])
    trusted = ["--trusted-root", str(files.trusted_root)] if with_root else []
    assert results(place.clean(*trusted, keys=(key,))) == {"removed": len(worse) if with_root else 1}
    left = place.attached()[0]
    assert {str(entry.digest), str(bad.digest)} <= left
    assert len(left) == (3 if with_root else len(worse) + 2)


NAMED: dict[str, tuple[Attach, tuple[str, ...], int]] = {
    "a type": (lambda place, client: attach_others(client, place.subject, 3), ("--type", "application/vnd.example"), 3),
    "attestations by a short name": (attested, ("--type", "cyclonedx"), 2),
    "bundles by others": (
        lambda place, client: sign_again(client, place.subject, 3, STRANGER),
        ("--type", "application/vnd.dev.sigstore.bundle.v0.3+json"),
        3,
    ),
    "legacy signatures by others": (
        lambda place, client: put_legacy(
            client,
            place.subject,
            [*place.attached()[1], *sign_legacy_again(client, place.subject, 2, random_signer(9), place.name)],
        ),
        ("--type", simple_signing.PAYLOAD_MEDIA_TYPE),
        2,
    ),
    "signatures by their type": (
        lambda place, client: sign_again(client, place.subject, 2, STRANGER),
        ("--type", "https://sigstore.dev/cosign/sign/v1"),
        2,
    ),
    "a signer": (attested, ("--signer", SIGNER.fingerprint), 4),
    "a type by a signer": (attested, ("--signer", SIGNER.fingerprint, "--type", "cyclonedx"), 2),
    "a type by another signer": (attested, ("--signer", STRANGER.fingerprint, "--type", "cyclonedx"), 0),
    "a signer who did not sign": (attested, ("--signer", STRANGER.fingerprint), 0),
}


@pytest.mark.parametrize(("attach", "arguments", "count"), NAMED.values(), ids=NAMED)
def test_what_is_named_goes(attach: Attach, arguments: tuple[str, ...], count: int, place: Place) -> None:
    with place.client as client:
        legacy = place.attached()[1]
        attach(place, client)
        if legacy[0] not in place.attached()[1]:
            put_legacy(client, place.subject, [*legacy, *place.attached()[1]])
    keys = (SIGNER, STRANGER) if "--signer" in arguments else (SIGNER,)
    assert results(place.clean(*arguments, keys=keys)) == ({"removed": count} if count else {})
    if arguments[0] == "--type" or not count:
        assert place.verify() == 2


def test_a_list_that_cannot_be_read_is_no_list_without_doubles(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(referrers, "MAX_INDEX_ENTRIES", 0)
    assert "entries, the limit is 0" in place.clean(code=1)["message"]


@pytest.mark.parametrize("status", [400, 403, 405])
def test_where_a_registry_cannot_delete_its_index_is_changed(
    status: int, place: Place, handler: type[DeletingHandler]
) -> None:
    handler.refusal = status
    key = ImageSigner(RandomKey())
    with place.client as client:
        sign_again(client, place.subject, 3, key)
        (ours,) = place.attached()[1]
        sign_legacy_again(client, place.subject, 2, key, place.name)
        put_legacy(client, place.subject, [ours, *place.attached()[1]])
    by_api = place.registry.referrers_api
    report = place.clean(keys=(key,), code=1 if by_api else 0)
    assert results(report) == {"removed": 1, "stays" if by_api else "unlisted": 2}
    assert len(place.attached()[0]) == (4 if by_api else 2)
    assert len(place.attached()[1]) == 2
    if not by_api:
        assert str(status) in report["warnings"][0]


@pytest.mark.parametrize(
    ("arguments", "keys", "says"),
    [
        ((), (), "nobody is trusted"),
        (("--type", "application/vnd.rules-wasm-oci.component-signature.v1"), (SIGNER,), "are not removed"),
        (("--signer", STRANGER.fingerprint), (SIGNER,), "nobody who is trusted is the signer 'ecdsa-p256:"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], keys: tuple[ImageSigner, ...], says: str, place: Place) -> None:
    assert says in place.clean(*arguments, keys=keys, code=2)["message"]
