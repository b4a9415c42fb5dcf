"""Every attack by a layout, a registry or the network that the project knows of is refused, by the tests named here."""

from collections.abc import Mapping, Sequence

import pytest

from attack_table_fixtures import collected

HOSTILE = "registry/hostile_test.py::test_refused"
FAULT = "registry/faults_test.py::test_publishing_through_a_fault"
UPLOAD = "registry/upload_test.py::test_a_registry_that_takes_the_blob_in_the_end"
NO_UPLOAD = "registry/upload_test.py::test_a_registry_that_does_not_take_the_blob"
MANIFEST = "oci/manifest_test.py::test_defective_manifest_is_refused"

# The cases of the threat model.
LAYOUT_AND_MANIFEST: Mapping[str, Sequence[str]] = {
    "blob digest mismatch": [
        "disk/layout_test.py::test_blob_of_the_right_size_with_other_bytes_is_refused",
        f"{HOSTILE}[other blob of the same size]",
        f"{FAULT}[GET .*/blobs/sha256:, changed, 1 times]",
    ],
    "size field mismatch": [
        "disk/layout_test.py::test_blob_of_another_size_is_refused",
        "disk/layout_test.py::test_descriptor_with_another_size_is_refused",
        *(f"{MANIFEST}[{case}]" for case in ("negative_size", "float_size", "size_as_text", "size_2_to_63")),
        f"{HOSTILE}[shorter blob]",
        f"{HOSTILE}[longer blob]",
        f"{HOSTILE}[size of the descriptor is wrong]",
    ],
    "blob that is changed after it was hashed, before it is parsed or sent": [
        "disk/checked_file_test.py::test_a_file_that_is_changed",
        "verify/in_place_test.py::test_a_component_that_is_changed",
        "publish/changed_layout_test.py::test_before_it_is_sent",
        "publish/changed_layout_test.py::test_while_it_is_sent",
        "publish/changed_layout_test.py::test_a_change_that_no_clock_shows",
    ],
    "index.json names a missing blob": [
        "disk/layout_test.py::test_blob_that_index_json_names_and_the_layout_lacks_is_listed",
        "verify/neighbours_test.py::test_alone_it_is_refused_and_named[referrer that is missing, in_layout]",
    ],
    "digests that are none": [
        "values/digest_test.py::test_anything_but_lower_case_sha256_is_refused",
        *(f"{MANIFEST}[{case}]" for case in ("path_in_digest", "upper_case_digest", "short_digest", "md5", "sha512")),
    ],
    "symlink or hard link inside blobs/": [
        "disk/layout_test.py::test_blob_that_is_no_file_of_its_own_content_is_refused",
        "disk/layout_test.py::test_link_to_the_right_content_is_followed",
    ],
    "oci-layout version wrong or missing": ["disk/layout_test.py::test_broken_layout_is_refused"],
    "manifest with both layers and manifests": [
        f"{MANIFEST}[layers_and_manifests]",
        "oci/manifest_test.py::test_defective_index_is_refused[manifests_and_layers]",
    ],
    "mediaType in the body is not Content-Type or the descriptor's": [
        f"{HOSTILE}[manifest offered as index]",
        f"{HOSTILE}[media type of the descriptor is wrong]",
    ],
    "config that differs from the component, or is for another system": [
        "oci/wasm_artifact_test.py::test_config_that_does_not_describe_the_component_is_refused",
        "verify/image_test.py::test_defective_artifact_is_refused_though_it_is_signed",
    ],
    "numbers that parsers disagree on": [
        "values/strict_json_test.py::test_ambiguous_or_broken_text_is_refused",
        "values/strict_json_test.py::test_other_numbers_are_refused",
        "values/strict_json_test.py::test_length_of_a_number_is_bounded_before_it_is_converted",
    ],
    "nesting depth bomb": ["values/strict_json_test.py::test_nesting_past_the_limit_is_refused"],
    "JSON that a proxy writes again": ["verify/image_test.py::test_proxy_that_writes_the_manifest_again_is_noticed"],
    "manifest above 4 MiB": [
        f"{HOSTILE}[manifest one byte too large]",
        f"{HOSTILE}[endless manifest]",
        "oci/manifest_test.py::test_manifest_size_limit_holds_for_reading_and_writing",
    ],
    "100k annotations or a huge value": [
        "oci/manifest_test.py::test_many_annotations_are_bounded_by_the_size_of_the_manifest",
    ],
    "annotation with a line break or an escape": [
        "oci/manifest_test.py::test_control_characters_survive_and_never_reach_the_text_of_an_error",
        f"{HOSTILE}[control characters in an error]",
    ],
    "descriptor data or urls that point elsewhere": [
        *(f"{MANIFEST}[{case}]" for case in ("foreign_layer", "empty_urls", "data_of_another_content")),
    ],
    "subject that is another image's": [
        "disk/layout_test.py::test_referrer_of_another_image_is_left_out",
        "verify/attacks_test.py::test_attack_is_refused[bundle_of_another_image_under_our_referrer]",
    ],
}

REGISTRY_AND_NETWORK: Mapping[str, Sequence[str]] = {
    "tag moved between resolve, verify and pull": [
        "registry/source_test.py::test_a_tag_is_resolved_once",
        "registry/source_test.py::test_of_tag_and_digest_the_digest_says_which_image",
        "publish/plan_test.py::test_a_tag_that_moves_is_reported",
    ],
    "Docker-Content-Digest lies": [
        f"{HOSTILE}[lying digest header by tag]",
        f"{HOSTILE}[lying digest header on blob upload]",
        f"{HOSTILE}[lying digest header on manifest put]",
        f"{NO_UPLOAD}[other digest at the end]",
    ],
    "truncated body": [
        f"{HOSTILE}[Content-Length above the body]",
        f"{FAULT}[GET .*/blobs/sha256:, truncated, 1 times]",
        f"{FAULT}[GET .*/manifests/sha256:, truncated, 1 times]",
    ],
    "Content-Length mismatch": [
        f"{HOSTILE}[Content-Length below the body]",
        f"{HOSTILE}[two Content-Lengths]",
    ],
    "gzip bomb by Content-Encoding": [f"{HOSTILE}[gzip]", f"{HOSTILE}[gzip blob]"],
    "slow-loris and bodies without end": [
        "registry/transport_test.py::test_a_head_that_comes_byte_by_byte",
        "registry/transport_test.py::test_a_body_that_comes_byte_by_byte",
        "registry/transport_test.py::test_chunks_that_never_get_whole",
        "registry/tls_test.py::test_a_handshake_that_never_ends",
        f"{HOSTILE}[endless blob]",
        f"{HOSTILE}[endless error text]",
        f"{HOSTILE}[endless referrers]",
    ],
    "realm at an attacker, in plain HTTP, or at an address": [
        f"{HOSTILE}[realm on a foreign host]",
        f"{HOSTILE}[realm in plain HTTP]",
        f"{HOSTILE}[realm at localhost]",
        f"{HOSTILE}[realm at a loopback address]",
        f"{HOSTILE}[realm at the metadata service]",
        f"{HOSTILE}[realm at an IPv6 address]",
        f"{HOSTILE}[realm at an address in one number]",
        f"{HOSTILE}[realm with user info]",
    ],
    "token endpoint returns huge, HTML or invalid JSON": [
        f"{HOSTILE}[token service never ends]",
        f"{HOSTILE}[token service answers HTML]",
        f"{HOSTILE}[answer without a token]",
        f"{HOSTILE}[token with a line break]",
    ],
    "token expires in the middle": [
        "registry/client_test.py::test_a_token_that_expires_in_the_middle",
        "registry/client_test.py::test_a_token_that_expires_between_the_start_and_the_end_of_an_upload",
    ],
    "401 loop": [f"{HOSTILE}[401 loop, bearer]", f"{HOSTILE}[401 loop, basic]"],
    "500, 502, 503, then success": ["registry/transport_test.py::test_what_is_repeated"],
    "reset in a chunk, resumed with 416 and Range": [
        f"{UPLOAD}[dropped, part arrived]",
        f"{UPLOAD}[416]",
        f"{UPLOAD}[dropped, and then forgotten]",
    ],
    "202 without Location": [f"{HOSTILE}[202 without Location]", f"{NO_UPLOAD}[202 without Location]"],
    "manifest is taken, tag is not": [f"{FAULT}[PUT .*/manifests/(v1|latest), 503, 99 times]"],
    "two publishers race": [
        "registry/race_test.py::test_in_threads",
        "registry/race_test.py::test_in_processes",
        "registry/race_test.py::test_under_a_tag",
        "registry/race_test.py::test_signatures_of_publishers",
        "registry/hostile_test.py::test_an_index_that_others_overwrite_or_delete_for_ever",
        "publish/plan_test.py::test_a_legacy_tag_that_does_not_keep_signatures_is_an_error",
    ],
    "immutable tag exists": [f"{HOSTILE}[immutable tag]"],
    "TLS that is self-signed, expired, or for another host": [
        "registry/transport_test.py::test_tls_that_nobody_vouches_for",
        "registry/transport_test.py::test_tls_for_another_host",
        "registry/tls_test.py::test_a_certificate_that_has_expired",
    ],
    "tag that is none after stamping": [
        "values/image_reference_test.py::test_other_tags_are_refused",
        "publish/plan_test.py::test_a_tag_that_is_none_is_refused",
    ],
    "proxy variables of the environment": [
        "registry/proxy_test.py::test_which_proxy",
        "registry/proxy_test.py::test_a_variable_that_names_no_proxy",
        "registry/proxy_test.py::test_the_proxy_cannot_be_the_registry",
        "registry/proxy_test.py::test_a_proxy_that_repeats_its_password",
    ],
}

ADVISORIES: Mapping[str, Sequence[str]] = {
    "CVE-2020-15157, CVE-2026-48978: realm that is not validated": [
        "registry/parsing_test.py::test_which_token_service_gets_the_credentials",
    ],
    "GHSA-vh4v-2xq2-g5cg: Authorization across redirects": [
        "registry/hostile_test.py::test_a_redirect_to_another_origin_carries_no_authorization",
        "registry/hostile_test.py::test_a_challenge_of_another_origin_is_not_answered",
    ],
    "CVE-2026-50151: Location of an upload on another host": [
        f"{HOSTILE}[Location on another host]",
        f"{NO_UPLOAD}[Location on another host]",
        f"{NO_UPLOAD}[question led to another host]",
    ],
    "GHSA-f36w-mj3v-6jqv: huge size in a descriptor": [
        "registry/transport_test.py::test_a_size_beyond_all_measure_is_no_time_beyond_all_measure",
    ],
    "CVE-2025-27403: credentials for another registry": [
        "registry/credentials_test.py::test_the_environment_is_for_the_registry_that_it_names",
        "registry/tls_test.py::test_a_client_certificate_is_shown_to_the_registry_only",
    ],
    "GHSA-qv35-3gw6-8q4j: pinned digest ignored": [
        "registry/source_test.py::test_of_tag_and_digest_the_digest_says_which_image",
        f"{HOSTILE}[other manifest by digest]",
    ],
    "GHSA-qq97-vm5h-rrhg: manifest type confusion": [f"{HOSTILE}[manifest offered as index]"],
    "CVE-2025-48374: secrets in logs": [
        "registry/hostile_test.py::test_a_registry_that_repeats_what_it_was_sent",
        "registry/hostile_test.py::test_a_registry_that_repeats_the_password",
    ],
}

CASES = {**LAYOUT_AND_MANIFEST, **REGISTRY_AND_NETWORK, **ADVISORIES}


@pytest.fixture(name="nodes", scope="module")
def _nodes() -> set[str]:
    return collected(CASES)


@pytest.mark.parametrize("case", CASES)
def test_case_is_tested(case: str, nodes: set[str]) -> None:
    assert CASES[case]
    assert not [node for node in CASES[case] if node not in nodes]
