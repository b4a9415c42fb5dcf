"""wkg, oras, skopeo, crane and wasm-tools read what we publish."""

import json
import shutil
from pathlib import Path

import pytest

from images import KeyPair, push, signed_component, signed_layout, unsigned_layout
from peers import REGISTRIES, built, registry, run, run_refused
from registry_fixtures import OwnClient
from wasmoci.cosign.bundle import BUNDLE_MEDIA_TYPE
from wasmoci.disk.layout import Layout
from wasmoci.oci.progress import SILENT
from wasmoci.publish.plan import PublishRequest, plan, publish
from wasmoci.registry.source import RegistrySource
from wasmoci.values.image_reference import Reference, Repository
from wasmoci.values.level import Level
from wasmoci.verify.image import verify
from wasmoci.verify.policy import Policy
from wasmoci.wasm.sections import custom_section


@pytest.mark.parametrize("kind", REGISTRIES)
def test_clients_pull_the_component(kind: str, tmp_path: Path) -> None:
    pair = KeyPair.make(tmp_path, "key")
    with registry(kind, tmp_path) as address:
        repository = f"{address}/acme/greeting"
        digest = push(signed_layout(tmp_path, pair, repository), repository, pair.trusted()).rpartition("@")[2]
        reference = f"{repository}:v1.0.0"

        run("wkg", "oci", "pull", "--insecure", address, reference, "-o", "by-wkg.wasm", folder=tmp_path)
        assert (tmp_path / "by-wkg.wasm").read_bytes() == signed_component()

        run("oras", "pull", "--plain-http", reference, "--output", "by-oras", folder=tmp_path)
        assert (tmp_path / "by-oras/greeting.wasm").read_bytes() == signed_component()

        assert run("crane", "digest", "--insecure", reference, folder=tmp_path).stdout.strip() == digest
        manifest = json.loads(run("crane", "manifest", "--insecure", reference, folder=tmp_path).stdout)
        layer = f"{repository}@{manifest['layers'][0]['digest']}"
        run("oras", "blob", "fetch", "--plain-http", layer, "--output", "by-digest.wasm", folder=tmp_path)
        assert (tmp_path / "by-digest.wasm").read_bytes() == signed_component()

    run("wasm-tools", "validate", "--features", "all", "by-wkg.wasm", folder=tmp_path)
    wit = run("wasm-tools", "component", "wit", "by-wkg.wasm", folder=tmp_path).stdout
    assert "export greet: func(name: string) -> string" in wit


@pytest.mark.parametrize("kind", REGISTRIES)
def test_oras_discovers_the_signature_bundle(kind: str, tmp_path: Path) -> None:
    pair = KeyPair.make(tmp_path, "key")
    with registry(kind, tmp_path) as address:
        repository = f"{address}/acme/greeting"
        image = push(signed_layout(tmp_path, pair, repository), repository, pair.trusted())
        found = run(
            *("oras", "discover", "--plain-http", "--format", "json", "--artifact-type", BUNDLE_MEDIA_TYPE, image),
            folder=tmp_path,
        )
    assert [one["artifactType"] for one in json.loads(found.stdout)["referrers"]] == [BUNDLE_MEDIA_TYPE]


def test_oras_and_skopeo_read_the_layout(tmp_path: Path) -> None:
    layout = built("secure_greeting_image")
    digest = str(Layout(layout).subject().digest)
    found = run("oras", "discover", "--oci-layout", "--format", "json", f"{layout}@{digest}", folder=tmp_path)
    assert [one["artifactType"] for one in json.loads(found.stdout)["referrers"]] == [BUNDLE_MEDIA_TYPE]
    manifest = run("skopeo", "inspect", "--raw", f"oci:{layout}:dual-signed-v1.0.0", folder=tmp_path).stdout
    assert json.loads(manifest)["layers"][0]["mediaType"] == "application/wasm"


def test_oras_copies_the_layout_with_its_signatures(tmp_path: Path) -> None:
    layout = built("secure_greeting_image")
    with registry("docker-registry", tmp_path) as address:
        target = f"{address}/acme/copied:v1.0.0"
        run(
            *("oras", "cp", "-r", "--from-oci-layout", "--to-plain-http", f"{layout}:dual-signed-v1.0.0", target),
            folder=tmp_path,
        )
        run(
            *("cosign", "verify", "--insecure-ignore-tlog", "--allow-http-registry"),
            *("--key", built("keys/placeholder_oci.pub"), target),
            folder=tmp_path,
        )


def test_crane_pushes_the_layout(tmp_path: Path) -> None:
    # crane reads no blob through a link, as there are where Bazel's tests find their files.
    layout = shutil.copytree(built("unsigned_greeting_image"), tmp_path / "layout")
    with registry("docker-registry", tmp_path) as address:
        result = run("crane", "push", "--insecure", layout, f"{address}/acme/greeting:v1", folder=tmp_path)
    assert result.stdout.strip().endswith(f"@{Layout(layout).subject().digest}")


@pytest.mark.parametrize(
    ("identity", "accepts"),
    [
        ({"type": "matchRepository"}, True),
        ({"type": "exactRepository", "dockerRepository": "{repository}"}, True),
        ({"type": "exactRepository", "dockerRepository": "registry.example/other"}, False),
        ({"type": "matchRepoDigestOrExact"}, False),
        (None, False),
    ],
)
def test_by_which_identity_skopeo_accepts_our_signature(
    identity: dict[str, str] | None, accepts: bool, tmp_path: Path
) -> None:
    """docs/registries.md says so, of podman too, which reads the same policy; what cosign signs is no different."""
    pair = KeyPair.make(tmp_path, "key")
    with registry("docker-registry", tmp_path) as address:
        repository = f"{address}/acme/greeting"
        image = push(signed_layout(tmp_path, pair, repository), repository, pair.trusted())
        required: dict[str, object] = {"type": "sigstoreSigned", "keyPath": str(pair.public)}
        if identity is not None:
            required["signedIdentity"] = {name: text.format(repository=repository) for name, text in identity.items()}
        policy = {"default": [{"type": "reject"}], "transports": {"docker": {address: [required]}}}
        (tmp_path / "policy.json").write_text(json.dumps(policy))
        (tmp_path / "registries.d").mkdir()
        (tmp_path / "registries.d/it.yaml").write_text(f"docker:\n  {address}:\n    use-sigstore-attachments: true\n")
        options = ("--policy", "policy.json", "--registries.d", "registries.d")
        command = ("skopeo", *options, "copy", "--src-tls-verify=false", f"docker://{image}", "dir:copied")
        if accepts:
            run(*command, folder=tmp_path)
        else:
            assert "is not accepted" in run_refused(*command, folder=tmp_path).stderr


def test_a_component_of_20_mb_in_the_registry_of_crane(tmp_path: Path) -> None:
    pair = KeyPair.make(tmp_path, "key")
    padding = custom_section("padding", bytes(20_000_000))
    with registry("crane", tmp_path) as address:
        repository = Repository.parse(f"{address}/acme/greeting")
        layout = signed_layout(tmp_path, pair, str(repository), more=padding)
        policy = Policy.of([], [pair.trusted()], Level.OCI_ONLY)
        request = PublishRequest(layout, repository, ["v1.0.0"], policy)
        with OwnClient(repository, {}, [address]) as client:
            publish(request, plan(request), client, SILENT)
            assert verify(RegistrySource(Reference(repository, "v1.0.0", None), client), policy).level is Level.OCI_ONLY
        run("oras", "pull", "--plain-http", f"{repository}:v1.0.0", "--output", "pulled", folder=tmp_path)
    assert (tmp_path / "pulled/greeting.wasm").read_bytes() == signed_component() + padding


@pytest.mark.parametrize("kind", REGISTRIES)
def test_skopeo_demands_our_signature(kind: str, tmp_path: Path) -> None:
    pair = KeyPair.make(tmp_path, "key")
    with registry(kind, tmp_path) as address:
        repository = f"{address}/acme/greeting"
        push(signed_layout(tmp_path, pair, repository), repository, pair.trusted())
        command = _skopeo_copy(tmp_path, address, repository, pair.public)
        run(*command, "dir:copied", folder=tmp_path)
        assert (tmp_path / "copied/manifest.json").exists()
        run_refused(
            *_skopeo_copy(tmp_path, address, repository, KeyPair.make(tmp_path, "other").public),
            *("dir:refused",),
            folder=tmp_path,
        )


def test_skopeo_refuses_the_unsigned_image(tmp_path: Path) -> None:
    pair = KeyPair.make(tmp_path, "key")
    with registry("docker-registry", tmp_path) as address:
        repository = f"{address}/acme/greeting"
        push(unsigned_layout(tmp_path), repository)
        run_refused(*_skopeo_copy(tmp_path, address, repository, pair.public), "dir:copied", folder=tmp_path)


def _skopeo_copy(folder: Path, address: str, repository: str, key: Path) -> list[str]:
    """A copy that needs a signature by `key` of exactly this repository."""
    requirement = {"type": "sigstoreSigned", "keyPath": str(key), "signedIdentity": {"type": "matchRepository"}}
    policy = {"default": [{"type": "reject"}], "transports": {"docker": {repository: [requirement]}}}
    (folder / "policy.json").write_text(json.dumps(policy))
    (folder / "registries.d").mkdir(exist_ok=True)
    (folder / "registries.d/default.yaml").write_text(f"docker:\n  {address}:\n    use-sigstore-attachments: true\n")
    flags = ["--policy", "policy.json", "--registries.d", "registries.d", "--src-tls-verify=false"]
    return ["skopeo", *flags[:4], "copy", flags[4], f"docker://{repository}:v1.0.0"]
