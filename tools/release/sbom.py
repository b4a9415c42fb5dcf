"""The SBOM of a release, SPDX 2.3 in JSON: `sbom.py TAG TIME FILE` writes it; TIME is that of the commit, in UTC.

It lists the Python packages of the locks, with the licences of docs/dependencies.md.
"""

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).absolute().parents[2]
LOCKS = ("requirements_lock.txt", "requirements_services_lock.txt")
NAMESPACE = "urn:rules-wasm-oci:sbom"


def packages() -> dict[str, str]:
    """The version of each package that a lock names."""
    text = "".join((ROOT / lock).read_text(encoding="utf-8") for lock in LOCKS)
    return dict(sorted(re.findall(r"^([a-z0-9-]+)==([^\s;]+)", text, re.MULTILINE)))


def licences() -> dict[str, str]:
    """The licence of each package, an SPDX expression, as docs/dependencies.md says it."""
    page = (ROOT / "docs/dependencies.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^\| `([a-z0-9-]+)` \| ([^|]+?) \|", page, re.MULTILINE))


def document(tag: str, time: str) -> dict[str, object]:
    """Raises KeyError for a package whose licence is unknown."""
    known = licences()
    own = _package(
        "rules_wasm_oci", tag.removeprefix("v"), "Apache-2.0", f"pkg:bazel/rules_wasm_oci@{tag.removeprefix('v')}"
    )
    parts = [_package(name, version, known[name], f"pkg:pypi/{name}@{version}") for name, version in packages().items()]
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"rules_wasm_oci-{tag}",
        "documentNamespace": f"{NAMESPACE}:{tag}",
        "creationInfo": {"created": time, "creators": ["Tool: rules_wasm_oci-tools-release-prep"]},
        "packages": [own, *parts],
        "relationships": [
            _relationship("SPDXRef-DOCUMENT", "DESCRIBES", own),
            *(_relationship(str(own["SPDXID"]), "DEPENDS_ON", part) for part in parts),
        ],
    }


def _package(name: str, version: str, licence: str, purl: str) -> dict[str, object]:
    return {
        "SPDXID": f"SPDXRef-{name.replace('_', '-')}",
        "name": name,
        "versionInfo": version,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseDeclared": licence,
        "externalRefs": [
            {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl},
        ],
    }


def _relationship(element: str, kind: str, other: dict[str, object]) -> dict[str, object]:
    return {"spdxElementId": element, "relationshipType": kind, "relatedSpdxElement": other["SPDXID"]}


if __name__ == "__main__":
    *release, output = sys.argv[1:]
    Path(output).write_text(json.dumps(document(*release), indent=2) + "\n", encoding="utf-8")
