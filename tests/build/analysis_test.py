"""What the rules take and refuse before anything is built, in a module of a user's own."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from bazel import ROOT, Outcome, bazel, lasting_folder
from message_fixtures import BUILD_MESSAGES

SMOKE = ROOT / "e2e/smoke"

MODULE = f"""\
module(name = "analysis")

bazel_dep(name = "bazel_skylib", version = "1.8.2")
bazel_dep(name = "rules_wasm_oci")
local_path_override(
    module_name = "rules_wasm_oci",
    path = "{ROOT}",
)
"""

RULES = (
    "wasm_component_key",
    "wasm_component_oci_image",
    "wasm_component_oci_index",
    "wasm_component_publish",
    "wasm_component_publish_all",
    "wasm_component_secure_publish",
    "wasm_component_signed_oci_image",
    "wasm_component_verify_signatures",
    "wasm_component_verify_test",
    "wasm_keygen",
    "wasm_oci_attest",
    "wasm_oci_identity",
    "wasm_oci_key",
    "wasm_oci_policy",
    "wasm_oci_sign",
    "wasm_oci_signing_request",
    "wasm_oci_verified_component",
    "wasm_sign",
    "wasm_verify_test",
)

LOAD = f'load("@rules_wasm_oci//wasm_oci:defs.bzl", {", ".join(map(json.dumps, RULES))})\n'

GIVEN = """\
load("@bazel_skylib//rules:common_settings.bzl", "string_flag")

package(default_visibility = ["//visibility:public"])
exports_files(["adder.wasm", "placeholder_component.pub", "placeholder_oci.pub", "policy.yaml"])
string_flag(name = "stage", build_setting_default = "test")
config_setting(name = "prod", flag_values = {":stage": "prod"})
wasm_component_key(
    name = "component_key",
    placeholder_private_key = "placeholder_component.key",
    public_key = "placeholder_component.pub",
)
wasm_oci_key(name = "oci_key", placeholder_private_key = "placeholder_oci.key", public_key = "placeholder_oci.pub")
wasm_oci_key(name = "prod_oci_key", public_key = "placeholder_oci.pub", reference = "env://PROD_KEY")
wasm_oci_identity(name = "identity", identity = "a@example.com", issuer = "https://issuer.example.com")
wasm_oci_policy(name = "policy", src = "policy.yaml", files = [":component_key", ":oci_key"])
wasm_component_oci_image(name = "unsigned", component = "adder.wasm")
wasm_component_oci_image(name = "component_signed", component = "adder.wasm", signing_keys = ":component_key")
wasm_component_signed_oci_image(
    name = "signed",
    component = "adder.wasm",
    component_signing_keys = ":component_key",
    oci_signing_key = ":oci_key",
)
"""

C = '"//given:component_key"'
O = '"//given:oci_key"'  # noqa: E741
BOTH = f"component_signing_keys = {C}, oci_signing_key = {O}"
SIGNED = 'wasm_component_signed_oci_image(name = "x", component = "//given:adder.wasm", {})'
IMAGE = 'wasm_component_oci_image(name = "x", component = "//given:adder.wasm", {})'
LIVE = 'wasm_component_verify_signatures(name = "x", oci_image_ref = "localhost:5000/a:b", {})'
TEST = 'wasm_component_verify_test(name = "x", image = "//given:signed", {})'
PUBLISH = 'wasm_component_secure_publish(name = "x", image = "//given:signed", {})'
VERIFIED = 'wasm_oci_verified_component(name = "x", image = "//given:signed", {})'
BY_POLICY = 'policy = "//given:policy"'
NOT_BESIDE = "`policy` says who is trusted and what is required: give no other attribute that does, got "
KEY_FILE = '"//given:placeholder_component.pub"'


def chosen(prod: str, otherwise: str) -> str:
    return f'select({{"//given:prod": {prod}, "//conditions:default": {otherwise}}})'


NO_LEVEL = chosen('"none"', '"none"')

# What fails, and what is said of `//CASE:x`.
REFUSED = {
    # A given key means to sign; what is missing has the user's name.
    "no_component_key": (SIGNED.format(f"oci_signing_key = {O}"), "`component_signing_keys` is missing"),
    "no_oci_key": (
        SIGNED.format(f"component_signing_keys = {C}"),
        "`oci_signing_key` is missing: name a `wasm_oci_key` or a `wasm_oci_identity`, or say `sign_oci_image = False`",
    ),
    "no_keys": (SIGNED.format(""), "or say `sign_component = False`"),
    "no_key_of_image": (IMAGE.format("sign_component = True"), "`component_signing_keys` is missing"),
    "empty_list": (SIGNED.format(f"component_signing_keys = [], oci_signing_key = {O}"), "`component_signing_keys` is"),
    "switch_against_key": (
        IMAGE.format(f"sign_component = False, signing_keys = {C}"),
        "`signing_keys` names who signs, but `sign_component` is False",
    ),
    # What a select cannot choose.
    "switch_by_select_without_key": (
        SIGNED.format(f"oci_signing_key = {O}, sign_component = {chosen('True', 'False')}"),
        "`component_signing_keys` is missing",
    ),
    "type_by_select": (
        SIGNED.format(f"{BOTH}, signature_type = {chosen(repr('embedded'), repr('detached'))}"),
        "`signature_type` cannot be a select",
    ),
    "images_by_select": (
        f'wasm_component_oci_index(name = "x", images = {chosen("[]", "[]")})',
        "`images` cannot be a select",
    ),
    "publish_by_select": (
        f'wasm_component_publish_all(name = "x", publish = {chosen("[]", "[]")})',
        "`publish` cannot be a select",
    ),
    "no_key_by_select": (
        SIGNED.format(f"component_signing_keys = {C}, oci_signing_key = {chosen('[]', '[]')}"),
        "`oci_signing_key` names nobody who signs",
    ),
    # Names.
    "no_letter": (
        'wasm_component_oci_image(name = "_.é", component = "//given:adder.wasm")',
        "//no_letter:_.é: `package_name` is needed",
    ),
    "two_names": (
        IMAGE.format('package = "a:b@1.0.0", package_name = "c"'),
        "`package_name` and `package` say the same thing",
    ),
    "annotation": (IMAGE.format('annotations = ["a"]'), "`annotations` are `key=value` strings, got: a"),
    "annotation_twice": (IMAGE.format('annotations = ["a=1", "a=2"]'), "`annotations` give a twice"),
    # Who signs.
    "oci_key_for_component": (
        SIGNED.format(f"component_signing_keys = {O}, oci_signing_key = {O}"),
        "`component_signing_keys` must be a `wasm_component_key`, got //given:oci_key, a `wasm_oci_key`",
    ),
    "oci_key_for_component_of_image": (
        IMAGE.format(f"signing_keys = {O}"),
        "`signing_keys` must be a `wasm_component_key`, got //given:oci_key, a `wasm_oci_key`",
    ),
    "identity_for_component": (
        SIGNED.format(f'component_signing_keys = "//given:identity", oci_signing_key = {O}'),
        "`component_signing_keys` must be a `wasm_component_key`, got //given:identity, a `wasm_oci_identity`",
    ),
    "component_key_for_manifest": (
        SIGNED.format(f"component_signing_keys = {C}, oci_signing_key = [{O}, {C}]"),
        "`oci_signing_key` must be a `wasm_oci_key` or a `wasm_oci_identity`, got //given:component_key",
    ),
    "component_key_for_manifest_by_select": (
        SIGNED.format(f"component_signing_keys = {C}, oci_signing_key = {chosen(O, C)}"),
        "`oci_signing_key` must be a `wasm_oci_key` or a `wasm_oci_identity`, got //given:component_key",
    ),
    "file_as_signer": (
        SIGNED.format(f"component_signing_keys = {KEY_FILE}, oci_signing_key = {O}"),
        "`component_signing_keys` must be a `wasm_component_key`, got //given:placeholder_component.pub",
    ),
    "component_key_for_index": (
        f'wasm_component_oci_index(name = "x", images = ["//given:signed"], oci_signing_key = {C})',
        "`oci_signing_key` must be a `wasm_oci_key`",
    ),
    "oci_key_in_rule": (
        f'wasm_sign(name = "x", component = "//given:adder.wasm", keys = [{O}])',
        "`keys` must be a `wasm_component_key`, got //given:oci_key",
    ),
    "component_key_in_rule": (
        f'wasm_oci_sign(name = "x", image = "//given:unsigned", keys = [{C}])',
        "`keys` must be a `wasm_oci_key` or a `wasm_oci_identity`, got //given:component_key",
    ),
    "component_key_attests": (
        f'wasm_oci_attest(name = "x", image = "//given:signed", keys = [{C}], predicate = "//given:adder.wasm")',
        "`keys` must be a `wasm_oci_key` or a `wasm_oci_identity`, got //given:component_key",
    ),
    "no_key_in_rule": (
        'wasm_sign(name = "x", component = "//given:adder.wasm", keys = [])',
        "`keys` names nobody who signs",
    ),
    # Who is trusted.
    "trusted_oci_key_for_component": (
        f'wasm_component_verify_test(name = "x", image = "//given:signed", component_keys = [{O}], oci_keys = [{O}])',
        "`component_keys` must be a `wasm_component_key`, or the file of a public key, got //given:oci_key",
    ),
    "trusted_component_key_for_manifest": (
        f'wasm_component_verify_test(name = "x", image = "//given:signed", component_keys = [{C}], oci_keys = [{C}])',
        "`oci_keys` must be a `wasm_oci_key` or a `wasm_oci_identity`, or the file of a public key",
    ),
    "trusted_in_test_of_component": (
        f'wasm_verify_test(name = "x", component = "//given:adder.wasm", keys = [{O}])',
        "`keys` must be a `wasm_component_key`",
    ),
    "trusted_nobody_in_test_of_component": (
        'wasm_verify_test(name = "x", component = "//given:adder.wasm", keys = [])',
        "`keys` names no key",
    ),
    "trusted_when_published": (
        f'wasm_component_secure_publish(name = "x", signed_oci_image = "//given:signed", component_keys = [{O}])',
        "`component_keys` must be a `wasm_component_key`",
    ),
    "trusted_in_build": (
        f'wasm_oci_verified_component(name = "x", image = "//given:signed", component_keys = [{C}], oci_keys = [{C}])',
        "`oci_keys` must be a `wasm_oci_key`",
    ),
    "trusted_live_component": (
        LIVE.format(f"component_public_key = {O}, oci_public_key = {O}"),
        "`component_public_key` must be a `wasm_component_key`",
    ),
    "trusted_live_manifest": (
        LIVE.format(f"component_public_key = {C}, oci_public_key = {C}"),
        "`oci_public_key` must be a `wasm_oci_key`",
    ),
    "trusted_live_nobody": (LIVE.format(f"component_public_key = {C}"), "`oci_keys` is missing"),
    "live_nothing": (
        LIVE.format("cosign_verify = False, component_verify = False"),
        "`cosign_verify` or `component_verify` must be True",
    ),
    "trusted_live_twice": (
        LIVE.format(f"component_keys = [{C}], component_public_key = {C}, oci_keys = [{O}]"),
        "`component_keys` and `component_public_key` are one attribute",
    ),
    "live_without_reference": (
        f'wasm_component_verify_signatures(name = "x", component_keys = [{C}], oci_keys = [{O}])',
        "`reference` is missing",
    ),
    "live_level_twice": (
        LIVE.format(f'component_keys = [{C}], component_verify = False, level = "component-only"'),
        "`level` says which layers must hold: leave out `cosign_verify` and `component_verify`",
    ),
    "live_level_without_key": (
        LIVE.format(f'component_keys = [{C}], level = "dual-layer"'),
        '`oci_keys` is missing: name who is trusted, or say `level = "component-only"`',
    ),
    # Who is trusted by a policy.
    "policy_and_keys": (TEST.format(f"component_keys = [{C}], {BY_POLICY}"), f"{NOT_BESIDE}`component_keys`"),
    "policy_and_level": (TEST.format(f'level = "none", {BY_POLICY}'), f"{NOT_BESIDE}`level`"),
    "policy_and_threshold": (TEST.format(f"oci_threshold = 2, {BY_POLICY}"), f"{NOT_BESIDE}`oci_threshold`"),
    "policy_and_keys_live": (LIVE.format(f"oci_public_key = {O}, {BY_POLICY}"), f"{NOT_BESIDE}`oci_public_key`"),
    "policy_and_layer_live": (LIVE.format(f"cosign_verify = False, {BY_POLICY}"), f"{NOT_BESIDE}`cosign_verify`"),
    "policy_and_name_published": (
        PUBLISH.format(f'oci_keys = [{O}], signed_name = "a.example.com/b", {BY_POLICY}'),
        f"{NOT_BESIDE}`signed_name`, `oci_keys`",
    ),
    "policy_and_level_in_build": (VERIFIED.format(f'level = "oci-only", {BY_POLICY}'), f"{NOT_BESIDE}`level`"),
    "policy_repository_alone": (
        TEST.format('policy_repository = "a.example.com/b"'),
        "`policy_repository` names an image for a policy: give `policy` too",
    ),
    "clock_without_policy": (TEST.format("uses_clock = True"), "`uses_clock` is for a policy whose keys end on a day"),
    "clock_by_select": (
        TEST.format(f"uses_clock = {chosen('True', 'False')}, {BY_POLICY}"),
        "`uses_clock` cannot be a select",
    ),
    "file_as_policy": (
        TEST.format('policy = "//given:policy.yaml"'),
        "`policy` must be a `wasm_oci_policy`, got //given:policy.yaml, a file: declare one, with the files that",
    ),
    "key_as_policy": (
        VERIFIED.format(f"policy = {O}"),
        "`policy` must be a `wasm_oci_policy`, got //given:oci_key, a `w",
    ),
    "policy_for_what_is_nowhere": (
        f'wasm_component_verify_test(name = "x", image = {KEY_FILE}, {BY_POLICY})',
        "`policy_repository` is missing: rules match repositories, and //given:placeholder_component.pub is in none",
    ),
    "identity_in_policy": (
        'wasm_oci_policy(name = "x", src = "//given:policy.yaml", files = ["//given:identity"])',
        "`files` must be files and keys, got //given:identity, which has none: the policy itself names identities",
    ),
    "two_files_by_one_name": (
        f'wasm_oci_policy(name = "x", src = "//given:policy.yaml", files = [{O}], '
        f'named_files = {{{C}: "placeholder_oci.pub"}})',
        "`files` and `named_files` have two files for `placeholder_oci.pub`, one of them //given:oci_key",
    ),
    # What is no image.
    "component_in_test": (
        f'wasm_component_verify_test(name = "x", image = "//given:adder.wasm", oci_keys = [{O}], level = "oci-only")',
        "`image` must be a target with one OCI image layout, got //given:adder.wasm, a component: make an image of it",
    ),
    "key_in_test": (
        f'wasm_component_verify_test(name = "x", image = {O}, oci_keys = [{O}], level = "oci-only")',
        "`image` must be a target with one OCI image layout, got //given:oci_key, a `wasm_oci_key`",
    ),
    "component_published": (
        'wasm_component_publish(name = "x", oci_image = "//given:adder.wasm")',
        "`oci_image` must be a target with one OCI image layout, got //given:adder.wasm, a component",
    ),
    "component_published_securely": (
        'wasm_component_secure_publish(name = "x", signed_oci_image = "//given:adder.wasm")',
        "`signed_oci_image` must be a target with one OCI image layout, got //given:adder.wasm, a component",
    ),
    "file_published": (
        f'wasm_component_publish(name = "x", oci_image = {KEY_FILE})',
        "`oci_image` must be an image of rules_wasm_oci, got //given:placeholder_component.pub",
    ),
    "component_signed_as_image": (
        f'wasm_oci_sign(name = "x", image = "//given:adder.wasm", keys = [{O}], repository = "localhost:5000/a")',
        "`image` must be a target with one OCI image layout, got //given:adder.wasm, a component",
    ),
    "file_signed_as_image": (
        f'wasm_oci_sign(name = "x", image = {KEY_FILE}, keys = [{O}], repository = "localhost:5000/a")',
        "`image` must be a target with one OCI image layout, got //given:placeholder_component.pub, whose file is no",
    ),
    "component_to_be_signed_elsewhere": (
        'wasm_oci_signing_request(name = "x", image = "//given:adder.wasm", repository = "localhost:5000/a")',
        "`image` must be a target with one OCI image layout, got //given:adder.wasm, a component",
    ),
    "component_into_a_build": (
        f'wasm_oci_verified_component(name = "x", image = "//given:adder.wasm", component_keys = [{C}])',
        "`image` must be a target with one OCI image layout, got //given:adder.wasm, a component",
    ),
    "component_in_index": (
        'wasm_component_oci_index(name = "x", images = ["//given:adder.wasm"])',
        "`images` must be a target with one OCI image layout, got //given:adder.wasm, a component",
    ),
    # What nobody signs.
    "nobody_signs": (
        'wasm_component_secure_publish(name = "x", signed_oci_image = "//given:unsigned")',
        "`signed_oci_image` must be signed as `level` dual-layer says, but nobody signs the component of",
    ),
    "nobody_signs_the_manifest": (
        'wasm_component_secure_publish(name = "x", signed_oci_image = "//given:component_signed")',
        "but nobody signs the manifest of //given:component_signed: sign it, publish it with another `level`",
    ),
    "nobody_signs_the_manifest_though_trusted": (
        f'wasm_component_secure_publish(name = "x", signed_oci_image = "//given:component_signed", oci_keys = [{O}])',
        "but nobody signs the manifest of //given:component_signed",
    ),
    "nobody_signs_at_that_level": (
        'wasm_component_publish(name = "x", oci_image = "//given:unsigned", level = "component-only")',
        "`oci_image` must be signed as `level` component-only says, but nobody signs the component of //given:unsigned",
    ),
    "secure_at_no_level": (
        f'wasm_component_secure_publish(name = "x", signed_oci_image = "//given:signed", level = {NO_LEVEL})',
        "`level` must be a signed one, got none",
    ),
    "no_image_to_publish": ('wasm_component_publish(name = "x")', "//no_image_to_publish:x: `image` is missing"),
    "image_twice": (
        'wasm_component_secure_publish(name = "x", image = "//given:signed", signed_oci_image = "//given:signed")',
        "`image` and `signed_oci_image` are one attribute",
    ),
    "other_spelling_twice": (
        'wasm_component_publish(name = "x", image = "//given:signed", oci_image = "//given:signed")',
        "`image` and `oci_image` are one attribute",
    ),
    "keys_twice": (
        IMAGE.format(f"component_signing_keys = {C}, signing_keys = {C}"),
        "`component_signing_keys` and `signing_keys` are one attribute",
    ),
    "first_spelling": (
        'wasm_component_publish(name = "x", image = "//given:unsigned", level = "component-only")',
        "`image` must be signed as `level` component-only says",
    ),
    "tag_twice": (
        'wasm_component_publish(name = "x", oci_image = "//given:signed", tag_override = "a", remote_tags = ["b"])',
        "`tag_override` and `remote_tags` say the same thing",
    ),
    "registry_twice": (
        'wasm_component_publish(name = "x", oci_image = "//given:signed", registry_override = "a", registries = ["b"])',
        "`registry_override` and `registries` say the same thing",
    ),
}

for number, message in enumerate(BUILD_MESSAGES):
    REFUSED[f"message_{number}"] = (message.target, message.text.partition(": ")[2])

# Names of targets, and the path that follows.
NAMES = {
    "greeting": "library/greeting",
    "Secure_Greeting.v2": "library/secure_greeting.v2",
    "a/b+c": "library/a-b-c",
    "_a__b--c._d-": "library/a__b--c-d",
    "9@home~": "library/9-home",
}


@dataclass(frozen=True)
class Analyzed:
    folder: Path
    outcome: Outcome

    def errors(self, case: str) -> list[str]:
        """The lines that the rules say of targets in a case's package."""
        lines = [line.partition("Error in fail: ")[2].strip() for line in self.outcome.stderr.splitlines()]
        return [line for line in lines if line.startswith(f"//{case}:")]


@pytest.fixture(name="module", scope="module")
def _module() -> Path:
    folder = lasting_folder("analysis")
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
    (folder / "MODULE.bazel").write_text(MODULE)
    given = folder / "given"
    given.mkdir()
    (given / "policy.yaml").touch()
    shutil.copy(SMOKE / "adder.wasm", given)
    for name in ("component.key", "component.pub", "oci.key", "oci.pub"):
        shutil.copy(SMOKE / "keys" / f"placeholder_{name}", given)
    (given / "BUILD.bazel").write_text(LOAD + GIVEN)
    return folder


@pytest.fixture(name="analyzed", scope="module")
def _analyzed(module: Path) -> Analyzed:
    for case, (target, _) in REFUSED.items():
        (module / "refused" / case).mkdir(parents=True)
        (module / "refused" / case / "BUILD.bazel").write_text(LOAD + target + "\n")
    return Analyzed(module, bazel("build", "--nobuild", "--keep_going", "//refused/...", folder=module, code=1))


@pytest.mark.parametrize("case", REFUSED)
def test_analysis_refuses(case: str, analyzed: Analyzed) -> None:
    expected = REFUSED[case][1]
    errors = analyzed.errors(f"refused/{case}")
    assert errors and all(expected.replace(f"//{case}:", f"//refused/{case}:") in error for error in errors), errors


ACCEPTED = f"""\
wasm_component_signed_oci_image(
    name = "chosen",
    annotations = {chosen('["a=prod"]', '["a=test"]')},
    authors = ["A"] + {chosen('["B"]', '["C"]')},
    component = "//given:adder.wasm",
    component_signing_keys = {chosen(f"[{C}]", f"[{C}]")},
    description = {chosen('"prod"', '"test"')},
    license = {chosen('"MIT"', '"Apache-2.0"')},
    namespace = {chosen('"prod"', '"test"')},
    oci_signature_annotations = {chosen('{"stage": "prod"}', '{"stage": "test"}')},
    oci_signing_key = {chosen('"//given:prod_oci_key"', O)},
    package_name = {chosen('"chosen"', "None")},
    registry = {chosen('"registry.example.com"', '"localhost:5000"')},
    sign = {chosen('"auto"', '"disabled"')},
    sign_component = {chosen("True", "False")},
    sign_oci_image = {chosen("True", "False")},
    tag = {chosen('"v1"', '"v0"')},
)
wasm_component_oci_image(
    name = "as_of_a_symbolic_macro",
    authors = select({{"//conditions:default": []}}),
    component = select({{"//conditions:default": "//given:adder.wasm"}}),
    package = select({{"//conditions:default": None}}),
    tags = None,
)
wasm_component_oci_index(
    name = "index",
    annotations = {chosen('{"a": "prod"}', '{"a": "test"}')},
    images = ["//given:signed"],
    namespace = {chosen('"prod"', '"test"')},
    oci_signing_key = {chosen(f"[{O}]", f"[{O}]")},
    tag = {chosen('"v1"', '"v0"')},
)
alias(name = "switched", actual = {chosen('":chosen"', '"//given:unsigned"')})
wasm_component_publish(
    name = "publish",
    component_keys = {chosen(f"[{C}]", "[]")},
    level = {chosen('"dual-layer"', '"none"')},
    oci_image = ":switched",
    registry_override = {chosen('"mirror.example.com"', '"localhost:5000"')},
    remote_tags = {chosen('["v1", "latest"]', '["v0"]')},
    tag_override = {chosen("None", "None")},
)
wasm_component_verify_signatures(
    name = "live",
    component_public_key = {chosen(C, KEY_FILE)},
    cosign_verify = {chosen("True", "False")},
    oci_image_ref = {chosen('"registry.example.com/a:b"', '"localhost:5000/a:b"')},
    oci_public_key = {chosen(O, O)},
    signed_name = {chosen('"registry.example.com/c"', '""')},
)
wasm_component_verify_signatures(
    name = "live_by_policy",
    policy = {chosen('"//given:policy"', '"//given:policy"')},
    policy_repository = {chosen('"registry.example.com/a"', '""')},
    reference = {chosen('"registry.example.com/a:b"', '"localhost:5000/a:b"')},
)
wasm_component_publish_all(name = "publish_all", jobs = {chosen("2", "1")}, publish = [":publish"])
"""


def _request(module: Path, name: str) -> dict[str, dict[str, object]]:
    parsed: dict[str, dict[str, object]] = json.loads((module / f"bazel-bin/accepted/{name}.request.json").read_text())
    return parsed


def test_a_select_chooses_what_is_said_of_an_image(module: Path) -> None:
    accepted = module / "accepted"
    accepted.mkdir()
    (accepted / "BUILD.bazel").write_text(LOAD + ACCEPTED)
    for stage, path in (("test", "localhost:5000/test/chosen"), ("prod", "registry.example.com/prod/chosen")):
        bazel("build", f"--//given:stage={stage}", "//accepted/...", "--build_manual_tests", folder=module)
        request = _request(module, "chosen.sign")
        assert request["destination"]["repositories"] == [path]
        manifests = (
            blob.read_bytes() for blob in (module / "bazel-bin/accepted/chosen.unsigned/blobs/sha256").iterdir()
        )
        assert any(f'"a":"{stage}"'.encode() in manifest for manifest in manifests)
        published, live = _request(module, "publish"), _request(module, "live")
        assert published["trust"]["require"] == {"test": "none", "prod": "dual-layer"}[stage]
        assert live["trust"]["require"] == {"test": "component-only", "prod": "dual-layer"}[stage]
        assert live["trust"].get("signedName") == {"test": None, "prod": "registry.example.com/c"}[stage]
        # Wherever it is published: the image's own, where its targets sign the manifest.
        assert published["trust"].get("signedName") == {"test": None, "prod": path}[stage]


def test_the_default_of_a_package_name_is_the_targets_name(module: Path) -> None:
    folder = module / "names"
    folder.mkdir()
    targets = [
        f'wasm_component_oci_image(name = "{name}", component = "//given:adder.wasm")\n'
        f'wasm_component_publish(name = "publish_{number}", oci_image = "{name}")\n'
        for number, name in enumerate(NAMES)
    ]
    (folder / "BUILD.bazel").write_text(LOAD + "".join(targets))
    requests = [f"//names:publish_{number}.request" for number in range(len(NAMES))]
    bazel("build", *requests, folder=module)
    found = [
        json.loads((module / f"bazel-bin/names/publish_{number}.request.json").read_text())["destination"]
        for number in range(len(NAMES))
    ]
    assert [one["repositories"] for one in found] == [[f"localhost:5000/{path}"] for path in NAMES.values()]
