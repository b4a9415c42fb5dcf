"""Put signatures that were made far away where signing here would have put them.

The messages of the signing request are made again of the component or image itself, so nothing that is
written depends on what the request's files say.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from wasmoci.cosign.signing_request import Message, parse_asked
from wasmoci.disk.files import write_atomically
from wasmoci.disk.layout import Layout
from wasmoci.keys.component import ComponentPublicKey, ComponentSigner
from wasmoci.keys.image import ImagePublicKey, ImageSigner
from wasmoci.keys.offline import OfflineKey, OfflinePublicKey, OfflineSignature
from wasmoci.sign.component import sign_file_detached, sign_file_embedded
from wasmoci.sign.image import SignRequest, sign_image
from wasmoci.sign.layout import Step, sign_layout, sign_layout_component
from wasmoci.sign.signing_request import signing_request
from wasmoci.values.errors import Reason, VerificationError
from wasmoci.values.signature_format import Placement


@dataclass(frozen=True, slots=True)
class Imported:
    """Who signed which layer."""

    component: Sequence[ComponentSigner]
    manifest: Sequence[ImageSigner]


def import_signatures(
    source: Path, output: Path, asked: bytes, signatures: Sequence[OfflineSignature], keys: Sequence[OfflinePublicKey]
) -> Imported:
    """Verify the signatures and write what signing with their keys would have written.

    `source` is the file or layout that the request was made of, `asked` are the bytes of the request's
    `request.json`; the order of `keys` is that of the signatures in the output.
    A key that signed one message of a layer must have signed all of that layer, and every signature and key
    must be of use. Raises VerificationError (WRONG_SUBJECT) for a request that was not made of this source,
    VerificationError (BAD_SIGNATURE), FormatError, and what signing raises; nothing is written then.
    """
    component, manifest = parse_asked(asked)
    made = signing_request(source, component, manifest)
    if made.to_bytes() != asked:
        raise VerificationError(
            Reason.WRONG_SUBJECT, f"the signing request was not made of {source}, or it was changed"
        )
    used: set[str] = set()
    component_keys = [(key.name, key.component) for key in keys if key.component is not None]
    image_keys = [(key.name, key.image) for key in keys if key.image is not None]
    imported = Imported(
        [ComponentSigner(key) for key in _who_signed(made.of_layer("component"), component_keys, signatures, used)],
        [ImageSigner(key) for key in _who_signed(made.of_layer("oci"), image_keys, signatures, used)],
    )
    names = [*(signature.name for signature in signatures), *(key.name for key in keys)]
    unused = [name for name in names if name not in used]
    if unused:
        raise VerificationError(
            Reason.BAD_SIGNATURE, f"{unused[0]} does not belong to this request and the other files given with it"
        )
    if component is not None and not source.is_dir():
        if component.placement is Placement.EMBEDDED:
            sign_file_embedded(source, output, imported.component, component)
        else:
            write_atomically(output, sign_file_detached(source, imported.component, component), replace=False)
        return imported
    steps: list[Step] = []
    if component is not None:
        steps.append(partial(sign_layout_component, signers=imported.component, asked=component))
    if manifest is not None:
        what = (manifest.repository, manifest.formats, manifest.annotations)
        steps.append(lambda layout, target: sign_image(SignRequest(layout, target, *what), *imported.manifest))
    sign_layout(source, output, steps, Layout.root)
    return imported


def _who_signed(
    messages: Sequence[Message],
    keys: Sequence[tuple[str, ImagePublicKey | ComponentPublicKey]],
    signatures: Sequence[OfflineSignature],
    used: set[str],
) -> list[OfflineKey]:
    """The keys that signed the messages of a layer; notes the names of the files that were of use."""
    signers: dict[str, OfflineKey] = {}
    for name, public_key in keys:
        key = OfflineKey(public_key, signatures)
        found = {message.name: key.find(message.data) for message in messages}
        signed = {made[0].name for made in found.values() if made is not None}
        missing = [message for message, made in found.items() if made is None]
        if signed and missing:
            raise VerificationError(
                Reason.BAD_SIGNATURE, f"{public_key.fingerprint} signed a part of the request, but not {missing[0]}"
            )
        if signed:
            signers.setdefault(public_key.fingerprint, key)
            used |= {name, *signed}
    if messages and not signers:
        raise VerificationError(
            Reason.BAD_SIGNATURE, f"no signature given is one over {messages[0].name} by a public key given"
        )
    return list(signers.values())
