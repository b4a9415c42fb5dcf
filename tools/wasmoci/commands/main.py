"""`wasm-oci`: all commands in one."""

from collections.abc import Mapping

import click

from wasmoci.commands.loading import load_command


class LazyGroup(click.Group):
    """`lazy_commands` maps a name to the `module:attribute` of a command, which is loaded when called, and its help."""

    def __init__(self, name: str, lazy_commands: Mapping[str, tuple[str, str]], *, help: str) -> None:  # noqa: A002
        super().__init__(name, help=help)
        self._lazy = lazy_commands

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        return load_command(self._lazy[cmd_name][0]) if cmd_name in self._lazy else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in self._lazy.items()])


component = LazyGroup(
    "component",
    {
        "sign": ("wasmoci.commands.component_sign:sign", "Sign a WebAssembly file with an Ed25519 key."),
        "verify": ("wasmoci.commands.component_verify:verify", "Verify that a trusted key signed exactly this file."),
        "matrix": ("wasmoci.commands.component_matrix:matrix", "Show which of many keys signed which parts."),
        "split": (
            "wasmoci.commands.component_split:split",
            "Put delimiters into a file, so that parts can be verified.",
        ),
        "attach": ("wasmoci.commands.component_attach:attach", "Put a detached signature into its file."),
        "detach": ("wasmoci.commands.component_detach:detach", "Take the signature out of a file."),
        "remove-signature": (
            "wasmoci.commands.component_remove_signature:remove_signature",
            "Remove the signatures of a key.",
        ),
        "show": ("wasmoci.commands.component_show:show", "Show sections and signatures, without verifying them."),
    },
    help="Sign, verify, split and show WebAssembly files (wasmsign2 format).",
)

image = LazyGroup(
    "image",
    {
        "package": ("wasmoci.commands.image_package:package", "Package a component into an OCI image layout."),
        "sign": ("wasmoci.commands.image_sign:sign", "Sign the image in a layout as cosign does."),
        "sign-component": (
            "wasmoci.commands.image_sign_component:sign_component",
            "Sign the component of an image that is packaged.",
        ),
        "log": ("wasmoci.commands.image_log:log", "Put the signatures of an image into transparency logs."),
        "index": ("wasmoci.commands.image_index:index", "Make one OCI index of several images."),
        "inspect": ("wasmoci.commands.image_inspect:inspect", "Show an image and the level that trusted keys confirm."),
    },
    help="Package, sign and inspect OCI image layouts.",
)

key = LazyGroup(
    "key",
    {
        "convert": ("wasmoci.commands.key_convert:convert", "Write a private OCI key in another form."),
        "public": ("wasmoci.commands.key_public:public", "Print the public half of a private key."),
    },
    help="Convert private keys and show their public halves.",
)

registry = LazyGroup(
    "registry",
    {"serve": ("wasmoci.commands.registry_serve:serve", "Serve an embedded registry; it is no production registry.")},
    help="An embedded registry for development and tests.",
)

main = LazyGroup(
    "wasm-oci",
    {
        "keygen": ("wasmoci.commands.keygen:keygen", "Make a key pair."),
        "key": ("wasmoci.commands.main:key", str(key.help)),
        "component": ("wasmoci.commands.main:component", str(component.help)),
        "image": ("wasmoci.commands.main:image", str(image.help)),
        "signing-request": (
            "wasmoci.commands.signing_request:request",
            "Say which bytes an offline signer has to sign.",
        ),
        "import-signature": ("wasmoci.commands.import_signature:import_signature", "Put offline signatures in place."),
        "attest": ("wasmoci.commands.attest:attest", "Attest provenance or an SBOM of the image in a layout."),
        "publish": ("wasmoci.commands.publish:publish", "Publish a layout with its signatures to a registry."),
        "copy": ("wasmoci.commands.copy:copy", "Copy an image with its signatures between registries and layouts."),
        "pull": ("wasmoci.commands.pull:pull", "Verify an image and fetch its component."),
        "verify": ("wasmoci.commands.verify:verify", "Verify an image in a layout or a registry on both layers."),
        "verify-attestation": (
            "wasmoci.commands.verify_attestation:verify_attestation",
            "Verify what those who are trusted attest of an image.",
        ),
        "registry": ("wasmoci.commands.main:registry", str(registry.help)),
    },
    help="Sign, package, publish and verify WebAssembly components as dual-layer signed OCI images.",
)
main.epilog = "Exit codes: 0 done or verified, 1 could not do or check it, 2 wrong usage, 3 checked and refused."
click.version_option(package_name="rules-wasm-oci")(main)
