"""`wasm-oci key convert`: an image key in another form."""

from pathlib import Path
from typing import Annotated

from wasmoci.commands.options.common import AllowReadableKey
from wasmoci.commands.options.declared import Argument, Option, command
from wasmoci.commands.options.private_keys import KeyPassword, SecondPassword
from wasmoci.commands.report.output import Report
from wasmoci.keys.image import ImagePublicKey, load_file_key
from wasmoci.sign.keygen import PrivateForm, write_image_key


@command(example="wasm-oci key convert cosign.key --output oci.key --form pem --password-file password.txt")
def convert(
    source: Annotated[Path, Argument(metavar="IN")],
    output: Annotated[Path, Option("A new file, made readable by its owner only.")],
    form: Annotated[
        PrivateForm,
        Option(
            "cosign: encrypted as `cosign import-key-pair` does. pem: PKCS#8, encrypted only if an option names a "
            "new password."
        ),
    ],
    password: KeyPassword,
    new_password: SecondPassword,
    allow_readable_key: AllowReadableKey,
) -> Report:
    """Write the private OCI key of the file IN (PKCS#8, SEC1, PKCS#1 or cosign's) in another form."""
    key = load_file_key(source, password, private=not allow_readable_key)
    secret = new_password() if form is PrivateForm.COSIGN or new_password.is_named else None
    write_image_key(key, output, form, secret)
    fingerprint = ImagePublicKey.of(key.public_key).fingerprint
    return Report([f"{output}: {fingerprint}"], {"key": fingerprint, "output": str(output)})
