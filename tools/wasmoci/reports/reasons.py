"""What the reason of a refusal means, in one sentence, and where docs/reports.md says more."""

from collections.abc import Mapping

from wasmoci.reports.checked import NOT_CHECKED
from wasmoci.values.errors import Reason

# The address of the repository, as in README.
HOME = "https://github.com/OWNER/rules_wasm_oci"

WARNING = "WARNING"

_MEANINGS: Mapping[Reason, str] = {
    Reason.UNSIGNED: "The image or its component has no signature.",
    Reason.UNATTESTED: "The image has no attestation of the type that is asked for.",
    Reason.BAD_SIGNATURE: "A signature names a trusted key, and that key did not make it.",
    Reason.UNTRUSTED_KEY: "It is signed, by nobody who is trusted.",
    Reason.DIGEST_MISMATCH: "Bytes are not those of the digest that names them.",
    Reason.WRONG_SUBJECT: "A signature or attestation is about another image.",
    Reason.WRONG_NAME: "A signature is for another repository.",
    Reason.WRONG_KIND: "The file or image is of another kind than the one asked for.",
    Reason.MALFORMED: "Something is not of its format.",
    Reason.LIMIT_EXCEEDED: "Something is larger or more numerous than the limits allow.",
    Reason.POLICY_UNMET: "Signatures hold, and are not all that is asked for.",
    Reason.NO_RULE: "No rule of the policy is for the repository.",
    Reason.IMPORT_NOT_ALLOWED: "The component imports what the policy does not allow.",
    Reason.INTERFACE_CHANGED: "Imports, exports or types of a component changed in a way that is not allowed.",
    Reason.NOT_LOGGED: "A transparency log entry is asked for, and there is none that holds.",
    Reason.TAG_EXISTS: "The tag is there already, on another image.",
    Reason.TAG_MOVED: "The tag was moved while the image was published.",
}

# By code: a reason, NOT_CHECKED or WARNING.
MEANINGS: Mapping[str, str] = {
    **{reason.value: text for reason, text in _MEANINGS.items()},
    NOT_CHECKED: "It could not be checked, so nothing is known of it.",
    WARNING: "It holds, and there is something to know.",
}


def help_page(code: str) -> str:
    """The address of what docs/reports.md says of a reason."""
    return f"{HOME}/blob/main/docs/reports.md#{code.lower()}"
