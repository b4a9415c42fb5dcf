"""The distribution-spec's own conformance program finds nothing wrong with the embedded registry."""

import re
from pathlib import Path

from peers import registry, run

# What the embedded registry does not claim to do.
SWITCHED_OFF = {
    "OCI_API_BLOBS_DELETE": {"Blob delete", "Blob delete atomic"},
    "OCI_API_MANIFESTS_DELETE": {"Manifest delete", "Manifest delete atomic"},
    "OCI_API_MANIFESTS_TAG_PARAM": {"Manifest put with tag params", "Tag Param", "Tag Param sha512"},
    "OCI_API_TAGS_DELETE": {"Tag delete", "Tag delete atomic"},
    # Layers that are somewhere else.
    "OCI_DATA_NONDISTRIBUTABLE": {"Non-distributable Layers"},
    "OCI_DATA_SHA512": {"Blobs sha512", "Digest Algorithm sha512"},
    # Manifests whose blobs are missing.
    "OCI_DATA_SPARSE": {"Sparse Manifests"},
}

# What the specification lets a registry answer in another way than asked: a whole blob for a range of it, and a new
# upload for a mount that does not say where from.
ANSWERED_OTHERWISE = {"Blob get range", "Blob anonymous mount"}


def test_the_embedded_registry_conforms(tmp_path: Path) -> None:
    with registry("embedded", tmp_path) as address:
        environment = {
            **dict.fromkeys(SWITCHED_OFF, "false"),
            "OCI_API_BLOBS_DIGEST_HEADER": "true",
            "OCI_API_BLOBS_UPLOAD_CANCEL": "true",
            "OCI_API_MANIFESTS_DIGEST_HEADER": "true",
            "OCI_REGISTRY": address,
            "OCI_TLS": "disabled",
        }
        report = run("conformance", folder=tmp_path, environment=environment).stdout
    _, found, details = report.partition("API conformance:")
    assert found
    results = dict(re.findall(r"^  (\w.*?)\.+: +(\w+)$", details, re.MULTILINE))
    assert {name for name, result in results.items() if result == "Disabled"} == set().union(*SWITCHED_OFF.values())
    assert {name for name, result in results.items() if result == "Skip"} == ANSWERED_OTHERWISE
    assert len([name for name, result in results.items() if result == "Pass"]) > 30
    assert set(results.values()) == {"Disabled", "Skip", "Pass"}
