"""Signing and verifying images."""

from comparing import Contestant, Row, Target, compare
from component_file import MIB
from here import SMOKE
from lab import Lab

_TOOL = "@rules_wasm_oci//tools:action"


def sign_manifest(lab: Lab) -> Row:
    """The tool of the action `OciSign`, called as a plain action calls it, with a PEM key."""
    bazel = lab.workspace(1)
    bazel.build(_TOOL, "//images/...")
    layout = bazel.output("images/image_0.unsigned")
    (tool,) = bazel.output("external").glob("rules_wasm_oci?/tools/action")
    ours = lab.command(
        *(tool, "image_sign", "--quiet", layout, "--output", "signed", "--digest-file", "signed.digest"),
        *("--repository", "localhost:5000/bench/image", "--format", "bundle", "--format", "legacy", "--recursive"),
        *("--key", lab.oci_key, "--allow-readable-key", "--public-key", SMOKE / "keys/placeholder_oci.pub"),
    )
    address = lab.registry().address
    image = f"{address}/bench/one:v1"
    lab.run("wkg", "oci", "push", "--insecure", address, image, lab.component(MIB))
    blob = ("--tlog-upload=false", "--use-signing-config=false", "-y", "--bundle", "blob.bundle", "blob")
    (lab.scratch / "blob").write_bytes(bytes(1000))
    runs = compare(
        [
            Contestant("image_sign", ours.run, lambda: lab.remove("signed", "signed.digest")),
            Contestant("cosign sign", lab.cosign(*lab.sign_words(image)).run),
            Contestant("cosign sign-blob", lab.cosign("cosign", "sign-blob", "--key", lab.cosign_key, *blob).run),
        ],
        lab.size.rounds * 2,
    )
    targets = [Target("at most 0.5 x cosign sign", "image_sign", ["cosign sign"], 0.5)]
    return Row("sign_manifest", "sign one manifest in both formats, as a plain action, with a PEM key", runs, targets)


def verify_image(lab: Lab) -> Row:
    """One image in a layout: both layers by us, the manifest by cosign."""
    (layout,) = lab.layouts(1)
    public = SMOKE / "keys/placeholder_oci.pub"
    cosign = ("cosign", "verify", "--insecure-ignore-tlog", "--key", public, "--local-image", layout)
    runs = compare(
        [
            Contestant("wasm-oci verify", lab.command(lab.wasm_oci, "verify", layout, *lab.trust).run),
            Contestant("cosign verify", lab.command(*cosign).run),
        ],
        lab.size.rounds * 4,
    )
    targets = [Target("CPU: at most 2.2 x cosign verify", "wasm-oci verify", ["cosign verify"], 2.2, "cpu")]
    return Row("verify_image", "verify one image in a layout, both layers (cosign: the manifest)", runs, targets)


def verify_many(lab: Lab) -> Row:
    """Many images: our command once, and a loop of cosign."""
    count = lab.size.counts[-1]
    layouts = lab.layouts(count)
    public = SMOKE / "keys/placeholder_oci.pub"
    loop = lab.shell_loop(
        "verify_many",
        count,
        [f"cosign verify --insecure-ignore-tlog --key {public} --local-image {layouts[0].parent}/image_$i"],
    )
    runs = compare(
        [
            Contestant("wasm-oci verify", lab.command(lab.wasm_oci, "verify", *layouts, *lab.trust).run),
            Contestant("loop of cosign verify", loop.run, rounds=1),
        ],
        lab.size.rounds,
    )
    targets = [
        Target("at least 20 x faster than a loop of cosign", "wasm-oci verify", ["loop of cosign verify"], 1 / 20)
    ]
    return Row("verify_many", f"verify {count} images offline, both layers (cosign: the manifest)", runs, targets)
