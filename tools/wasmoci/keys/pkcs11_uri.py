"""PKCS#11 URIs (RFC 7512) as far as they can name one key of one token.

As cosign 3.1 has it, `token` or `slot-id` names the token and `id` or `object` the key; the module is
`module-path`, else $COSIGN_PKCS11_MODULE_PATH. What is given twice, unknown or empty is refused.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_to_bytes

from wasmoci.values.errors import UsageError

MODULE_VARIABLE = "COSIGN_PKCS11_MODULE_PATH"
PIN_VARIABLE = "COSIGN_PKCS11_PIN"

_WAY_OF_THE_PIN = f"give the PIN in a file (pin-source=file:/path) or in ${PIN_VARIABLE}"
_IN_PATH = frozenset({"id", "manufacturer", "model", "object", "serial", "slot-id", "token", "type"})
_IN_QUERY = frozenset({"module-path", "pin-source", "pin-value"})
# RFC 7512, section 2.3: what may stand for itself in the values; the rest is percent-encoded.
_PATH_VALUE = re.compile(r"(?:[A-Za-z0-9._~:\[\]@!$'()*+,=&-]|%[0-9A-Fa-f]{2})*")
_QUERY_VALUE = re.compile(r"(?:[A-Za-z0-9._~:\[\]@!$'()*+,=/?|-]|%[0-9A-Fa-f]{2})*")
_MAX_SLOT_DIGITS = 19


@dataclass(frozen=True, slots=True)
class Pkcs11Uri:
    """A key in a token. What the URI leaves open is None; `module` is None where the environment names it."""

    module: Path | None
    token: str | None
    slot: int | None
    serial: str | None
    manufacturer: str | None
    model: str | None
    key_id: bytes | None
    label: str | None
    pin_file: Path | None

    @classmethod
    def parse(cls, text: str) -> "Pkcs11Uri":
        """What follows `pkcs11:`; raises UsageError, whose text never has a value of the URI: it could be a PIN."""
        path, _, query = text.partition("?")
        named = _attributes(path, ";", _IN_PATH, _PATH_VALUE)
        settings = _attributes(query, "&", _IN_QUERY, _QUERY_VALUE)
        if "pin-value" in settings:
            raise UsageError(f"a PKCS#11 URI must not hold the PIN, others could read it: {_WAY_OF_THE_PIN}")
        if not {"token", "slot-id"} & named.keys():
            raise UsageError("a PKCS#11 URI must name the token: token=LABEL or slot-id=NUMBER")
        if not {"id", "object"} & named.keys():
            raise UsageError("a PKCS#11 URI must name the key: id=%01 or object=LABEL")
        if named.get("type", b"private") != b"private":
            raise UsageError("the `type` in a PKCS#11 URI must be private here, or absent")
        # RFC 7512, section 2.4 lets `pin-source` be a program too; here it is a file, as a path or a `file:` URI.
        pin_source = _text(settings, "pin-source")
        return cls(
            module=_absolute("module-path", _text(settings, "module-path")),
            token=_text(named, "token"),
            slot=_slot(named),
            serial=_text(named, "serial"),
            manufacturer=_text(named, "manufacturer"),
            model=_text(named, "model"),
            key_id=named.get("id"),
            label=_text(named, "object"),
            pin_file=_absolute(
                "pin-source",
                pin_source and pin_source.removeprefix("file:").removeprefix("//"),
                f": {_WAY_OF_THE_PIN}",
            ),
        )


def _attributes(text: str, separator: str, known: frozenset[str], value_form: re.Pattern[str]) -> dict[str, bytes]:
    attributes: dict[str, bytes] = {}
    for part in text.split(separator) if text else []:
        name, _, value = part.partition("=")
        if name not in known:
            raise UsageError(f"a PKCS#11 URI has these attributes here: {', '.join(sorted(known))}; one is another")
        if name in attributes:
            raise UsageError(f"`{name}` stands twice in the PKCS#11 URI")
        if not value or value_form.fullmatch(value) is None:
            raise UsageError(f"the value of `{name}` in the PKCS#11 URI is empty or not percent-encoded")
        attributes[name] = unquote_to_bytes(value)
    return attributes


def _text(attributes: Mapping[str, bytes], name: str) -> str | None:
    value = attributes.get(name)
    if value is None:
        return None
    try:
        text = value.decode()
    except UnicodeDecodeError:
        raise UsageError(f"the value of `{name}` in the PKCS#11 URI is not UTF-8") from None
    if "\0" in text:
        raise UsageError(f"the value of `{name}` in the PKCS#11 URI has a zero byte")
    return text


def _slot(attributes: Mapping[str, bytes]) -> int | None:
    value = attributes.get("slot-id")
    if value is None:
        return None
    if not value.isdigit() or len(value) > _MAX_SLOT_DIGITS:
        raise UsageError("the `slot-id` in a PKCS#11 URI must be a number")
    return int(value)


def _absolute(name: str, text: str | None, way_out: str = "") -> Path | None:
    if text is None:
        return None
    path = Path(text)
    if not path.is_absolute():
        raise UsageError(f"the `{name}` in a PKCS#11 URI must be an absolute path{way_out}")
    return path
