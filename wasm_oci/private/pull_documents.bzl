"""What a registry sends about an image, read with bounds: only what is well-formed goes into a URL or a file name.

The action that verifies the image reads the same bytes again, strictly.
"""

visibility(["//tests/...", "//wasm_oci/private/..."])

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"

_COMPONENT = "application/wasm"
_LEGACY_SIGNATURE = "application/vnd.dev.cosign.simplesigning.v1+json"

# Layers of referrers that a verifier of signatures reads: Sigstore's bundles, detached component signatures.
_ATTACHED_SIGNATURES = [
    "application/vnd.dev.sigstore.bundle.v0.3+json",
    "application/vnd.dev.sigstore.bundle+json;version=0.3",
    "application/vnd.rules-wasm-oci.component-signature.v1",
]

# The limits of tools/wasmoci: oci/manifest.py, values/limits.py, cosign/bundle.py.
_MAX_MANIFEST_SIZE = 4 * 1024 * 1024
_MAX_ATTACHED = 100
_MAX_SIGNATURE_SIZE = 10 * 1024 * 1024

_SHA256 = "sha256:"
_HEX_LENGTH = 64
_REGISTRY = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-"
_PATH = "abcdefghijklmnopqrstuvwxyz0123456789._-"

def has_only(text, characters):
    """Whether a string has no characters but these.

    Args:
        text: a string.
        characters: a string.

    Returns:
        A bool.
    """
    return not [character for character in text.elems() if character not in characters]

def hex_of(digest):
    """The 64 hex digits of a digest.

    Args:
        digest: anything.

    Returns:
        A string, or None for what is not `sha256:<hex>`.
    """
    if type(digest) != "string" or not digest.startswith(_SHA256):
        return None
    digits = digest[len(_SHA256):]
    return digits if len(digits) == _HEX_LENGTH and has_only(digits, "0123456789abcdef") else None

def parse_repository(text):
    """Reads `host[:port]/path`.

    Args:
        text: a string.

    Returns:
        A struct: `registry` and `path`; None for anything else.
    """
    registry, _, path = text.partition("/")
    host, colon, port = registry.partition(":")
    explicit = "." in host or colon or host == "localhost"
    if not explicit or not host or not has_only(host, _REGISTRY) or not host[0].isalnum() or not host[-1].isalnum():
        return None
    if colon and (not port.isdigit() or len(port) > 5):
        return None
    for part in path.split("/"):
        if not part or not has_only(part, _PATH) or not part[0].isalnum() or not part[-1].isalnum():
            return None
    return struct(path = path, registry = registry)

def image_contents(text):
    """What an image is made of, from the bytes of its manifest.

    Args:
        text: the manifest.

    Returns:
        A struct: `config` and `component`, descriptors; `problem`, None or why it is not a Wasm artifact.
    """
    manifest = _document(text)
    if manifest == None:
        return _no_image("its manifest is no JSON object of at most {} bytes".format(_MAX_MANIFEST_SIZE))
    if manifest.get("mediaType") == INDEX or "manifests" in manifest:
        return _no_image("it is an index of several images: name one of them by its digest")
    config = _descriptor(manifest.get("config"))
    layers = _descriptors(manifest.get("layers"))
    if config == None or len(layers) != 1 or layers[0].media_type != _COMPONENT:
        return _no_image("it is no Wasm artifact, which has a config and one layer `{}`".format(_COMPONENT))
    return struct(component = layers[0], config = config, problem = None)

def _no_image(problem):
    return struct(component = None, config = None, problem = problem)

def listed(text):
    """The manifests that a list of referrers names; passes over other entries.

    Args:
        text: the list, or anything that a registry without such lists answers.

    Returns:
        A list of hex digests, at most 101 of them, or None where the text is not a list.
    """
    index = _document(text)
    if index == None or type(index.get("manifests")) != "list":
        return None
    found = [entry.hex for entry in _descriptors(index["manifests"]) if entry.media_type == MANIFEST]
    return found[:_MAX_ATTACHED + 1]

def check_count(found, where):
    """Fails above the limit of what is attached to one image.

    Args:
        found: a list.
        where: what has it, for the message.

    Returns:
        The list.
    """
    if len(found) > _MAX_ATTACHED:
        fail("{} has more than {} entries, which is the limit".format(where, _MAX_ATTACHED))
    return found

def attached_blobs(text, subject):
    """What a verifier reads of a manifest that is attached to an image.

    Args:
        text: the manifest.
        subject: the hex digest of the image.

    Returns:
        A struct: `blobs`, descriptors; `legacy`, whether it is one of cosign's legacy signatures. None where
        it has nothing to verify.
    """
    manifest = _document(text)
    if manifest == None:
        return None
    legacy = "subject" not in manifest
    if not legacy:
        refers_to = _descriptor(manifest["subject"])
        if refers_to == None or refers_to.hex != subject:
            return None
    wanted = [_LEGACY_SIGNATURE] if legacy else _ATTACHED_SIGNATURES
    blobs = [
        layer
        for layer in _descriptors(manifest.get("layers"))
        if layer.media_type in wanted and layer.size <= _MAX_SIGNATURE_SIZE
    ]
    if not blobs:
        return None
    return struct(blobs = check_count(blobs, "an attached manifest"), legacy = legacy)

def layout_index(manifest_hex, manifest, referrers, legacy):
    """The `index.json` of a layout that holds an image and its signatures.

    Args:
        manifest_hex: the hex digest of the image's manifest.
        manifest: its bytes.
        referrers: a dict of hex digests to bytes of manifests.
        legacy: the same of cosign's legacy signatures.

    Returns:
        A string.
    """
    image = _entry(manifest_hex, manifest) | {"annotations": {"kind": "dev.cosignproject.cosign/image"}}
    return json.encode_indent({
        "manifests": [image] +
                     [_entry(digits, text) for digits, text in referrers.items()] +
                     [_entry(digits, text) | {"annotations": {
                         "kind": "dev.cosignproject.cosign/sigs",
                         "org.opencontainers.image.ref.name": "sha256-{}.sig".format(manifest_hex),
                     }} for digits, text in legacy.items()],
        "mediaType": INDEX,
        "schemaVersion": 2,
    })

def _entry(digits, text):
    return {"digest": _SHA256 + digits, "mediaType": MANIFEST, "size": len(text)}

def _document(text):
    if len(text) > _MAX_MANIFEST_SIZE:
        return None
    value = json.decode(text, default = None)
    return value if type(value) == "dict" else None

def _descriptors(values):
    if type(values) != "list":
        return []
    found = [_descriptor(value) for value in values]
    return [descriptor for descriptor in found if descriptor != None]

def _descriptor(value):
    if type(value) != "dict" or type(value.get("size")) != "int" or value["size"] < 0:
        return None
    digits = hex_of(value.get("digest"))
    return struct(hex = digits, media_type = value.get("mediaType"), size = value["size"]) if digits else None
