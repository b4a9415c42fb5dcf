"""What services answer in place of bytes."""

import pytest

from wasmoci.keys.services import answers
from wasmoci.values.errors import KeyFileError


@pytest.mark.parametrize("value", [None, "", "text", 5, [], b""])
def test_what_is_no_signature_is_refused(value: object) -> None:
    for read in (answers.signature, answers.ecdsa_signature):
        with pytest.raises(KeyFileError, match="a service gave an answer that is not in its form"):
            read(value, "a service")


@pytest.mark.parametrize("value", [None, "", "text", 5, [], b"", b"text"])
def test_what_is_no_public_key_is_refused(value: object) -> None:
    for read in (answers.der_public_key, answers.pem_public_key):
        with pytest.raises(KeyFileError, match="a service gave an answer that is not in its form"):
            read(value, "a service")
