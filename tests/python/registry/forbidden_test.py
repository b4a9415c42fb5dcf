"""Registries that say of what does not exist that it is forbidden, as Artifactory does; and reads that are denied."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from copy_fixtures import put_tagged, send_layout, source_in
from image_fixtures import OTHER_SIGNER
from observed_registry_fixtures import ObservedHandler, ObservedRegistry
from publish_fixtures import DUAL, client_for, dual_layout, request_for, subject_of, unsigned_layout
from wasm_fixtures import KEY
from wasmoci.disk.layout import Layout
from wasmoci.oci.cosign_tags import CosignTag
from wasmoci.oci.graph import read_graph
from wasmoci.oci.manifest import Manifest
from wasmoci.oci.progress import SILENT
from wasmoci.publish.copy import copy_to_registry, plan_copy
from wasmoci.publish.plan import PublishRequest, plan, publish
from wasmoci.publish.registry_state import is_published, registry_state
from wasmoci.publish.send import Destination
from wasmoci.registry.source import RegistrySource
from wasmoci.registry_server.server import EmbeddedRegistry
from wasmoci.values.digest import Digest
from wasmoci.values.errors import RegistryError
from wasmoci.values.if_exists import IfExists
from wasmoci.values.image_reference import Reference
from wasmoci.values.level import Level
from wasmoci.verify.image import verify
from wasmoci.verify.policy import Policy

BOTH_KINDS = pytest.mark.parametrize("referrers_api", [True, False])
THEIRS = Policy.of([KEY], [OTHER_SIGNER.public_key])


class ForbiddingHandler(ObservedHandler):
    """Answers 403 instead of 404, and 406 where there is no referrers API; 403 to what `denied` matches, too."""

    denied = ""

    def route(self, path: str) -> None:
        if self.denied and self.command in ("GET", "HEAD") and re.search(self.denied, path):
            self.refuse(403, "DENIED", "denied")
            return
        super().route(path)

    def refuse(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        forbidden = 406 if code == "UNSUPPORTED" else 403
        super().refuse(forbidden if status == 404 else status, code, message, headers)


def forbidding(folder: Path, *, referrers_api: bool) -> ObservedRegistry:
    registry = ObservedRegistry(folder / "registry", referrers_api=referrers_api)
    registry.RequestHandlerClass = type("OwnHandler", (ForbiddingHandler,), {})
    return registry


def send(request: PublishRequest) -> None:
    with client_for(request.repository.registry) as client:
        publish(request, plan(request), client, SILENT)


@BOTH_KINDS
def test_an_image_is_published_and_verified(referrers_api: bool, tmp_path: Path) -> None:
    layout = dual_layout(tmp_path)
    with forbidding(tmp_path, referrers_api=referrers_api) as registry:
        request = request_for(layout, registry.address)
        with client_for(registry.address) as client:
            graph, tags = plan(request).graph, request.tags
            before = registry_state(graph, tags, IfExists.OVERWRITE, client)
            assert not any(done for _, done in before.steps)
            assert not is_published(graph, tags, client)
        send(request)
        with client_for(registry.address) as client:
            source = RegistrySource(Reference(request.repository, "v1", None), client, forbidden_is_absent=True)
            assert verify(source, DUAL).level is Level.DUAL_LAYER
            assert read_graph(source).whole().digest == graph.digest
            assert is_published(graph, tags, client)


def test_a_listed_signature_that_does_not_exist_hides_no_good_one(tmp_path: Path) -> None:
    with forbidding(tmp_path, referrers_api=False) as registry:
        send(request_for(dual_layout(tmp_path), registry.address))
        send(replace(request_for(dual_layout(tmp_path, OTHER_SIGNER, "theirs"), registry.address), policy=THEIRS))
        with client_for(registry.address) as client:
            reference = Reference(client.repository, "v1", None)
            lost, _ = RegistrySource(reference, client).referrers(client.resolve("v1")[0].digest).descriptors
            (tmp_path / "registry/repositories/acme/hello/_manifests" / lost.digest.hex).unlink()
            source = RegistrySource(reference, client, forbidden_is_absent=True)
            (warning,) = verify(source, THEIRS).warnings[:1]
            assert f"{lost.digest}: GET " in warning
            assert "answered 403" in warning
            registry.RequestHandlerClass.denied = f"/manifests/{lost.digest}"  # type: ignore[attr-defined]
            with pytest.raises(RegistryError, match="answered 403"):
                verify(RegistrySource(reference, client), THEIRS)


def test_an_sbom_that_does_not_exist_is_put_and_one_that_cannot_be_read_is_not(tmp_path: Path) -> None:
    with (
        EmbeddedRegistry(tmp_path / "source") as source,
        forbidding(tmp_path, referrers_api=True) as registry,
        client_for(source.address) as ours,
    ):
        send_layout(unsigned_layout(tmp_path), ours)
        digest = source_in(ours).root().digest
        put_tagged(ours, CosignTag.SBOM, digest, b"sbom")
        planned, tag = plan_copy(source_in(ours), None, recursive=False), CosignTag.SBOM.of(digest)
        registry.RequestHandlerClass.denied = "/manifests/"  # type: ignore[attr-defined]
        with client_for(registry.address) as client:
            with pytest.raises(RegistryError, match=rf"GET .*/manifests/{tag}: answered 403: DENIED"):
                copy_to_registry(planned, Destination(client), SILENT)
        assert tag not in registry.storage.tags("acme/hello")
        registry.RequestHandlerClass.denied = ""  # type: ignore[attr-defined]
        with client_for(registry.address) as client:
            copy_to_registry(planned, Destination(client), SILENT)
        assert tag in registry.storage.tags("acme/hello")


def test_a_list_of_what_is_not_there_may_be_forbidden(tmp_path: Path) -> None:
    graph = read_graph(Layout(dual_layout(tmp_path)))
    with forbidding(tmp_path, referrers_api=True) as registry, client_for(registry.address) as client:
        registry.RequestHandlerClass.denied = "/referrers/"  # type: ignore[attr-defined]
        state = registry_state(graph, ["v1"], IfExists.OVERWRITE, client)
    assert state.full is None
    assert not any(done for _, done in state.steps)


@pytest.mark.parametrize("if_exists", [choice for choice in IfExists if choice is not IfExists.OVERWRITE])
def test_a_tag_that_cannot_be_read_may_be_a_protected_one(if_exists: IfExists, tmp_path: Path) -> None:
    layout = dual_layout(tmp_path)
    with forbidding(tmp_path, referrers_api=True) as registry:
        with pytest.raises(RegistryError, match=r"GET .*/manifests/v1: answered 403: MANIFEST_UNKNOWN"):
            send(replace(request_for(layout, registry.address), if_exists=if_exists))
        assert "v1" not in registry.storage.tags("acme/hello")


@BOTH_KINDS
def test_who_may_not_read_drops_nobodys_signatures(referrers_api: bool, tmp_path: Path) -> None:
    ours, theirs = dual_layout(tmp_path), dual_layout(tmp_path, OTHER_SIGNER, "theirs")
    with forbidding(tmp_path, referrers_api=referrers_api) as registry:
        send(replace(request_for(theirs, registry.address), policy=THEIRS))
        before = registry.storage.tags("acme/hello")
        registry.RequestHandlerClass.denied = "/manifests/"  # type: ignore[attr-defined]
        with pytest.raises(RegistryError, match=r"GET .*/manifests/sha256-.*: answered 403: DENIED"):
            send(request_for(ours, registry.address))
        assert registry.storage.tags("acme/hello") == before
        registry.RequestHandlerClass.denied = ""  # type: ignore[attr-defined]
        send(request_for(ours, registry.address))
        with client_for(registry.address) as client:
            found = client.find_manifest(CosignTag.SIGNATURES.of(Digest.parse(subject_of(ours))))
    assert found is not None
    assert len(Manifest.parse(found[1]).layers) == 2
