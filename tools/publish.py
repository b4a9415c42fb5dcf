"""The program of a publishing target: `bazel run //:target -- [options]`."""

import click

from wasmoci.cli import publishing
from wasmoci.cli.bazel_request import read_request
from wasmoci.cli.bazel_signing import read_signing
from wasmoci.cli.output import Report, reported
from wasmoci.cli.source import insecure_registries
from wasmoci.cli.trust import policy
from wasmoci.cli.verdict import fingerprints
from wasmoci.errors import UsageError
from wasmoci.publish import PublishRequest
from wasmoci.reference import Repository


@click.command()
@click.option("--request", "rlocation", required=True, hidden=True)
@click.option("--registry", metavar="HOST[:PORT]", help="In place of the target's.")
@click.option("--tag", "tags", multiple=True, help="In place of the target's. Repeatable.")
@click.option("--allow-placeholder-keys", is_flag=True, help="Also for a registry that is not on this machine.")
@click.option("--dry-run", is_flag=True, help="Verify, show what would be signed and sent, and do neither.")
@insecure_registries
@reported
def publish(
    rlocation: str,
    registry: str | None,
    tags: tuple[str, ...],
    allow_placeholder_keys: bool,
    dry_run: bool,
    insecure_registries: tuple[str, ...],
) -> Report:
    """Publish the target's image with its signatures; its tags are set last.

    What does not sign in the build, keys in tokens and services and identities, signs before that.
    """
    asked = read_request(rlocation)
    if asked.layout is None or asked.repository is None:
        raise UsageError("`oci_image` must be an image of rules_wasm_oci")
    repository = Repository.parse(asked.repository)
    request = PublishRequest(
        layout=asked.layout,
        repository=repository if registry is None else repository.on(registry),
        tags=tags or asked.tags,
        policy=policy(asked.trusted, asked.require),
        placeholders=fingerprints(asked.placeholder_keys),
        allow_placeholders=allow_placeholder_keys,
    )
    return publishing.run(
        request,
        (*asked.insecure_registries, *insecure_registries),
        dry_run=dry_run or asked.dry_run,
        signing=read_signing(rlocation),
    )


if __name__ == "__main__":
    publish()
