"""`wasm-oci`: all commands in one."""

from collections.abc import Iterable, Mapping
from typing import Any

import click

from wasmoci.commands.loading import load_command
from wasmoci.commands.options.help import HELP_NAMES, OwnHelp
from wasmoci.commands.report.output import usage_errors_of
from wasmoci.values.text import printable


class LazyGroup(OwnHelp, click.Group):
    """`sections` are the headings of --help, each with its commands by name.

    Of a command it has the `module:attribute`, from where it is loaded when it is called, and its help.
    """

    def __init__(self, name: str, sections: Mapping[str, Mapping[str, tuple[str, str]]], *, help: str) -> None:  # noqa: A002
        super().__init__(name, help=help, context_settings=HELP_NAMES)
        self._sections = sections
        self._places = {name: place for lazy in sections.values() for name, (place, _) in lazy.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(self._places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        return load_command(f"wasmoci.commands.{self._places[cmd_name]}") if cmd_name in self._places else None

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        with usage_errors_of(args):
            name, *_ = args
            if name not in self._places and not name.startswith("-"):
                raise click.UsageError(_no_such_command(name, self._places), ctx)
            return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        for section, lazy in self._sections.items():
            with formatter.section(section):
                formatter.write_dl([(name, text) for name, (_, text) in lazy.items()])


def _no_such_command(name: str, names: Iterable[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, names)
    meant = f" Did you mean {' or '.join(f'`{one}`' for one in close)}?" if close else ""
    return f"No such command '{printable(name)}'.{meant}"


def _print_version(_context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        load_command("wasmoci.commands.version:version").main([], "wasm-oci version")


component = LazyGroup(
    "component",
    {
        "Commands": {
            "sign": ("component_sign:sign", "Sign a WebAssembly file with an Ed25519 key."),
            "verify": ("component_verify:verify", "Verify that a trusted key signed exactly this file."),
            "matrix": ("component_matrix:matrix", "Show which of many keys signed which parts."),
            "split": ("component_split:split", "Put delimiters into a file, so that parts can be verified."),
            "attach": ("component_attach:attach", "Put a detached signature into its file."),
            "detach": ("component_detach:detach", "Take the signature out of a file."),
            "remove-signature": ("component_remove_signature:remove_signature", "Remove the signatures of a key."),
            "show": ("component_show:show", "Show sections and signatures, without verifying them."),
        }
    },
    help="Sign, verify, split and show WebAssembly files (wasmsign2 format).",
)

image = LazyGroup(
    "image",
    {
        "Commands": {
            "package": ("image_package:package", "Package a component into an OCI image layout."),
            "sign": ("image_sign:sign", "Sign the image in a layout as cosign does."),
            "sign-component": (
                "image_sign_component:sign_component",
                "Sign the component of an image that is packaged.",
            ),
            "log": ("image_log:log", "Put the signatures of an image into transparency logs."),
            "index": ("image_index:index", "Make one OCI index of several images."),
            "inspect": ("inspect:inspect", "As `wasm-oci inspect`."),
        }
    },
    help="Package, sign and inspect OCI image layouts.",
)

key = LazyGroup(
    "key",
    {
        "Commands": {
            "convert": ("key_convert:convert", "Write a private OCI key in another form."),
            "public": ("key_public:public", "Print the public half of a private key."),
        }
    },
    help="Convert private keys and show their public halves.",
)

policy = LazyGroup(
    "policy",
    {
        "Commands": {
            "init": ("policy_init:init", "Write a policy file that asks for what images have now."),
            "check": ("policy_check:check", "Check a policy file."),
            "explain": ("policy_explain:explain_policy", "Show which line of a policy decides what on an image."),
            "export": ("policy_export:export_policy", "Write a policy in the form of another verifier."),
        },
    },
    help="Make, check, explain and export policy files.",
)

registry = LazyGroup(
    "registry",
    {"Commands": {"serve": ("registry_serve:serve", "Serve an embedded registry; it is no production registry.")}},
    help="An embedded registry for development and tests.",
)

main = LazyGroup(
    "wasm-oci",
    {
        "Keys and logins": {
            "keygen": ("keygen:keygen", "Make a key pair."),
            "key": ("main:key", str(key.help)),
            "login": ("login:login", "Try a registry's password, and keep it where Docker does."),
            "logout": ("logout:logout", "Forget a registry's password."),
        },
        "Sign and package": {
            "component": ("main:component", str(component.help)),
            "image": ("main:image", str(image.help)),
            "attest": ("attest:attest", "Attest provenance or an SBOM of the image in a layout."),
            "signing-request": ("signing_request:request", "Say which bytes an offline signer has to sign."),
            "import-signature": ("import_signature:import_signature", "Put offline signatures in place."),
        },
        "Publish and fetch": {
            "publish": ("publish:publish", "Publish a layout with its signatures to a registry."),
            "copy": ("copy:copy", "Copy an image with its signatures between registries and layouts."),
            "clean": ("clean:clean", "Remove doubles of an image's signatures from a registry."),
            "pull": ("pull:pull", "Verify an image and fetch its component."),
        },
        "Verify and look": {
            "verify": ("verify:verify", "Verify an image in a layout or a registry on both layers."),
            "verify-attestation": (
                "verify_attestation:verify_attestation",
                "Verify what those who are trusted attest of an image.",
            ),
            "inspect": ("inspect:inspect", "Show an image and what is attached to it; needs no key."),
            "diff": ("diff:diff", "Show what changed in what two components import and export; needs no key."),
            "policy": ("main:policy", str(policy.help)),
            "monitor": ("monitor:monitor", "Check images again and again, with metrics for Prometheus."),
        },
        "Other": {
            "registry": ("main:registry", str(registry.help)),
            "version": ("version:version", "Print the version."),
        },
    },
    help="Sign, package, publish and verify WebAssembly components as dual-layer signed OCI images.",
)
main.epilog = (
    "Exit codes: 0 done or verified, 1 could not do or check it, 2 wrong usage, 3 checked and refused. "
    "`wasm-oci COMMAND --help` has an example of each."
)
main.params.append(
    click.Option(
        ["--version"],
        callback=_print_version,
        expose_value=False,
        help="As `wasm-oci version`.",
        is_eager=True,
        is_flag=True,
    )
)
