"""Programs that judge images by exported policies, which are in the folder `exported`, and our own verdict."""

from collections.abc import Callable, Sequence
from pathlib import Path

from peers import run, run_refused
from registry_fixtures import OwnClient
from wasmoci.policy.choice import Policies
from wasmoci.registry.source import RegistrySource
from wasmoci.values.errors import VerificationError
from wasmoci.values.image_reference import Reference
from wasmoci.verify.index import verify_root

Judge = Callable[[Path, str], bool]

# What policy-controller's tester says of images that it refuses.
_REFUSALS = (
    "no signatures found",
    "no matching signatures",
    "no matching attestations",
    "no valid bundles exist",
    "policy is not compliant",
    "is uncovered by policy",
    "disallowed",
)


def judged(policy: Path, image: str) -> bool:
    """Our verdict on an image of a registry without TLS, by a policy file."""
    reference = Reference.parse(image)
    policies = Policies.of_file(policy, None)
    try:
        wanted = policies.of_repositories((reference.repository,))
        with OwnClient(reference.repository, {}, [reference.repository.registry]) as client:
            verify_root(RegistrySource(reference, client), wanted)
    except VerificationError:
        return False
    return True


def skopeo(folder: Path, image: str) -> bool:
    options = ("--policy", "exported/policy.json", "--registries.d", "exported/registries.d")
    command = ("skopeo", *options, "copy", "--src-tls-verify=false", f"docker://{image}", "dir:copied")
    return accepts(command, folder, "is not accepted", "Source image rejected")


def policy_controller(folder: Path, image: str) -> bool:
    command = ["policy-tester", "-policy", "exported/cluster-image-policy.yaml", "-image", image]
    if (folder / "exported/trust-root.json").exists():
        command += ["-trustroot", "exported/trust-root.json"]
    return accepts(command, folder, *_REFUSALS)


def accepts(command: Sequence[str], folder: Path, *refusals: str) -> bool:
    """Whether a peer accepts an image; it fails where it does neither that nor refuse it."""
    try:
        run(*command, folder=folder)
    except AssertionError:
        refused = run_refused(*command, folder=folder)
        said = refused.stdout + refused.stderr
        assert any(text in said for text in refusals), said
        return False
    return True
