"""Key references: every spelling, every wrong spelling, keys in variables, and libraries that are missing."""

import json
import re
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from key_fixtures import open_component_signer, open_image_signer, public_key_of, trusted_image_key
from key_service_fixtures import ED25519, MESSAGE, P256, SECRET, pem, private_pem, spki, told
from wasmoci.keys.component import SecretKey
from wasmoci.keys.pkcs11_uri import Pkcs11Uri
from wasmoci.keys.protocols import MAX_KEY_FILE_SIZE
from wasmoci.keys.reference import KeyReference
from wasmoci.keys.reference_forms import AwsKey, AzureKey, EnvironmentKey, Form, GcpKey, PluginKey, VaultKey
from wasmoci.keys.scheme_keys import LIBRARIES
from wasmoci.values.errors import Error, KeyFileError, UsageError

PROJECT = Path(__file__).absolute().parents[3] / "pyproject.toml"
EXTRAS: dict[str, list[str]] = {
    name: json.loads(libraries)
    for name, libraries in re.findall(r"^(\w+) = (\[.*\])$", PROJECT.read_text(encoding="utf-8"), re.MULTILINE)
    if name in LIBRARIES
}

UUID = "1234abcd-12ab-34cd-56ef-1234567890ab"
ARN = "arn:aws:kms:us-east-2:111122223333"
GCP = "projects/p-1/locations/europe-west1/keyRings/r_1/cryptoKeys/k.1"


def pkcs11(**members: object) -> Pkcs11Uri:
    absent = dict.fromkeys(Pkcs11Uri.__slots__)
    return Pkcs11Uri(**{**absent, **members})  # type: ignore[arg-type]


def meaning(reference: str) -> Path | Form:
    return KeyReference.parse(reference).place


GOOD: dict[str, Path | Form] = {
    "cosign.key": Path("cosign.key"),
    "/keys/my key": Path("/keys/my key"),
    "C:\\keys\\a.key": Path("C:\\keys\\a.key"),
    "env://COSIGN_PRIVATE_KEY": EnvironmentKey("COSIGN_PRIVATE_KEY"),
    f"awskms:///{UUID}": AwsKey(None, UUID),
    f"awskms:///mrk-{UUID.replace('-', '')}": AwsKey(None, f"mrk-{UUID.replace('-', '')}"),
    "awskms:///alias/ExampleAlias": AwsKey(None, "alias/ExampleAlias"),
    f"awskms:///{ARN}:key/{UUID}": AwsKey(None, f"{ARN}:key/{UUID}"),
    f"awskms:///{ARN}:alias/a/b": AwsKey(None, f"{ARN}:alias/a/b"),
    f"awskms:///{ARN.replace('aws:', 'aws-us-gov:')}:alias/a": AwsKey(
        None, "arn:aws-us-gov:kms:us-east-2:111122223333:alias/a"
    ),
    "awskms://localhost:4566/alias/a": AwsKey("localhost:4566", "alias/a"),
    "awskms://[::1]:4566/alias/a": AwsKey("[::1]:4566", "alias/a"),
    f"gcpkms://{GCP}": GcpKey(GCP, None),
    f"gcpkms://{GCP}/cryptoKeyVersions/3": GcpKey(GCP, "3"),
    f"gcpkms://{GCP}/versions/3": GcpKey(GCP, "3"),
    "azurekms://acme.vault.azure.net/key-1": AzureKey("acme.vault.azure.net", "key-1", None),
    "azurekms://acme.vault.azure.net/key-1/0f": AzureKey("acme.vault.azure.net", "key-1", "0f"),
    "hashivault://my-key.1": VaultKey("my-key.1"),
    "openbao://k": VaultKey("k"),
    "my-hsm://any thing?at=all": PluginKey("my-hsm", "any thing?at=all"),
    "k8s://namespace/secret": PluginKey("k8s", "namespace/secret"),
    "pkcs11:token=t;object=k": pkcs11(token="t", label="k"),
    "pkcs11:token=t;object=k?": pkcs11(token="t", label="k"),
    "pkcs11:slot-id=7;id=%00%fF": pkcs11(slot=7, key_id=b"\0\xff"),
    "pkcs11:token=my%20token;id=a;object=%C3%BC;type=private": pkcs11(token="my token", key_id=b"a", label="ü"),
    "pkcs11:manufacturer=m;model=n;serial=1a;token=t;id=%01": pkcs11(
        manufacturer="m", model="n", serial="1a", token="t", key_id=b"\1"
    ),
    "pkcs11:token=t;id=%01?module-path=/usr/lib/a.so&pin-source=file:/run/pin": pkcs11(
        token="t", key_id=b"\1", module=Path("/usr/lib/a.so"), pin_file=Path("/run/pin")
    ),
    "pkcs11:token=t;id=%01?pin-source=file:///run/pin": pkcs11(token="t", key_id=b"\1", pin_file=Path("/run/pin")),
    "pkcs11:token=t;id=%01?pin-source=/run/pin": pkcs11(token="t", key_id=b"\1", pin_file=Path("/run/pin")),
}


@pytest.mark.parametrize("reference", GOOD)
def test_reference_is_parsed(reference: str) -> None:
    assert meaning(reference) == GOOD[reference]
    assert str(KeyReference.parse(reference)) == reference


BAD = [
    "",
    "key\0",
    "://key",
    "Env://NAME",
    "../evil://key",
    "a b://key",
    "file:///keys/a.key",
    f"https://{SECRET}/key",
    "http://localhost/key",
    "env://",
    "env://A=B",
    "env://A B",
    "env://1A",
    "awskms://",
    f"awskms://{UUID}",
    "awskms:///not-an-id",
    "awskms:///alias/",
    f"awskms://{SECRET}@host/alias/a",
    "awskms://host/path/alias/a",
    f"awskms:///{UUID}/",
    f"awskms:///{UUID}\n",
    f"awskms:///{ARN}:{UUID}",
    f"awskms:///{ARN.replace('kms', 's3')}:key/{UUID}",
    "gcpkms://projects/p/locations/l/keyRings/r",
    f"gcpkms://{GCP}/versions/latest",
    f"gcpkms://{GCP}/versions/",
    f"gcpkms://{GCP}/../../x",
    "azurekms://acme.vault.azure.net",
    "azurekms:///key",
    "azurekms://acme.vault.azure.net/key/v/x",
    "azurekms://acme.vault.azure.net/a%2Fb",
    f"azurekms://{SECRET}@acme.vault.azure.net/key",
    "azurekms://acme.vault.azure.net/key/",
    "hashivault://",
    "hashivault://a/b",
    "hashivault://../sys",
    "hashivault://.",
    "openbao://key?x",
    "plugin://",
    "plugin://a\nb",
    "pkcs11:",
    "pkcs11:token=t",
    "pkcs11:object=k",
    "pkcs11:token=t;object=k;",
    "pkcs11:token=t;object=",
    "pkcs11:token=t;object",
    "pkcs11:token=t;token=u;object=k",
    "pkcs11:token=t;object=k;type=public",
    "pkcs11:token=t;object=k;x-vendor=1",
    "pkcs11:token=t;object=k;pin-source=/a",
    "pkcs11:token=t;object=k?module-name=softhsm2",
    "pkcs11:token=t;object=k?module-path=softhsm2.so",
    "pkcs11:token=t;object=k?module-path=/a&module-path=/b",
    "pkcs11:token=t;object=a b",
    "pkcs11:token=t;object=%4",
    "pkcs11:token=t;object=%ff",
    "pkcs11:token=t;object=%00",
    "pkcs11:token=t/u;object=k",
    "pkcs11:slot-id=x;object=k",
    "pkcs11:slot-id=-1;object=k",
    "pkcs11:slot-id=99999999999999999999;object=k",
    "pkcs11:token=t;object=k?pin-source=%7Ccat%20/a",
    "pkcs11:token=t;object=k?pin-source=|cat",
    "pkcs11:token=t;object=k?pin-source=pin",
    "pkcs11:token=t;object=k?pin-source=https://a/b",
    "pkcs11:token=t;object=k#fragment",
]


@pytest.mark.parametrize("reference", [*BAD, f"pkcs11:token=t;object=k?pin-value={SECRET}"])
def test_wrong_reference_is_one_line_and_shows_nothing_of_it(reference: str) -> None:
    with pytest.raises(UsageError) as raised:
        KeyReference.parse(reference)
    told(raised)


def test_a_pin_in_a_reference_is_refused_with_a_way_out() -> None:
    with pytest.raises(UsageError) as raised:
        KeyReference.parse(f"pkcs11:token=t;object=k?module-path=/a.so&pin-value={SECRET}")
    assert told(raised) == (
        "a PKCS#11 URI must not hold the PIN, others could read it: "
        "give the PIN in a file (pin-source=file:/path) or in $COSIGN_PKCS11_PIN"
    )


@given(st.text(max_size=40) | st.sampled_from(sorted(GOOD) + BAD).flatmap(lambda one: st.just(one[:-1])))
def test_any_text_is_a_reference_or_a_usage_error(text: str) -> None:
    try:
        meaning(text)
    except UsageError as error:
        assert "\n" not in str(error)


def test_a_path_is_opened_for_either_layer(tmp_path: Path) -> None:
    image, component = tmp_path / "image.key", tmp_path / "component.key"
    image.write_bytes(private_pem(P256))
    component.write_bytes(SecretKey.generate().compact())
    signer = open_image_signer(str(image))
    signer.public_key.verify(signer.sign(MESSAGE), MESSAGE)
    component_signer = open_component_signer(str(component))
    component_signer.public_key.verify(component_signer.sign(MESSAGE), MESSAGE)


def test_a_service_is_asked_for_either_layer() -> None:
    for opened in (open_image_signer, open_component_signer, trusted_image_key):
        with pytest.raises(KeyFileError, match="need the program sigstore-kms-no-such, which is not on PATH"):
            opened("no-such://key")


def test_a_file_open_to_others_is_refused_where_that_is_asked(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_bytes(private_pem(ED25519))
    file.chmod(0o644)
    for opened in (open_image_signer, open_component_signer, public_key_of):
        with pytest.raises(KeyFileError, match="is open to others"):
            opened(str(file), private=True)
        opened(str(file))


def test_a_variable_is_opened_for_either_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", private_pem(ED25519).decode())
    image, component = open_image_signer("env://MY_KEY"), open_component_signer("env://MY_KEY")
    assert image.public_key.spki == spki(ED25519)
    assert component.public_key.raw == ED25519.public_key().public_bytes_raw()


def test_an_encrypted_key_in_a_variable_is_opened_with_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    encryption = serialization.BestAvailableEncryption(SECRET.encode())
    form = serialization.PrivateFormat.PKCS8
    monkeypatch.setenv("MY_KEY", P256.private_bytes(serialization.Encoding.PEM, form, encryption).decode())
    assert open_image_signer("env://MY_KEY", SECRET.encode).public_key.spki == spki(P256)
    with pytest.raises(KeyFileError) as raised:
        open_image_signer("env://MY_KEY")
    assert told(raised).startswith("$MY_KEY: this key is encrypted and no password was given")


def test_a_trusted_key_is_the_public_key_of_a_file_or_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "key.pub"
    file.write_bytes(spki(P256))
    monkeypatch.setenv("MY_KEY", pem(P256))
    assert trusted_image_key(str(file)).spki == trusted_image_key("env://MY_KEY").spki == spki(P256)
    monkeypatch.setenv("MY_KEY", private_pem(P256).decode())
    with pytest.raises(KeyFileError) as raised:
        trusted_image_key("env://MY_KEY")
    assert told(raised) == "$MY_KEY: this is a private key where a public key is wanted"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "the environment variable MY_KEY is not set, or empty"),
        ("", "the environment variable MY_KEY is not set, or empty"),
        (
            SECRET * MAX_KEY_FILE_SIZE,
            f"$MY_KEY has {len(SECRET) * MAX_KEY_FILE_SIZE} bytes, the limit for a key is {MAX_KEY_FILE_SIZE}",
        ),
        (SECRET, "$MY_KEY: an OCI private key is "),
    ],
    ids=["unset", "empty", "long", "no_key"],
)
def test_a_variable_without_a_key_is_one_line(monkeypatch: pytest.MonkeyPatch, value: str | None, text: str) -> None:
    monkeypatch.delenv("MY_KEY", raising=False)
    if value is not None:
        monkeypatch.setattr("os.environ", {"MY_KEY": value})
    with pytest.raises(KeyFileError) as raised:
        open_image_signer("env://MY_KEY")
    assert told(raised).startswith(text)


@pytest.mark.parametrize(
    ("reference", "library", "extra"),
    [
        ("pkcs11:token=t;id=%01", "pkcs11", "pkcs11"),
        ("awskms:///alias/a", "boto3", "aws"),
        (f"gcpkms://{GCP}", "google.cloud", "gcp"),
        ("azurekms://acme.vault.azure.net/k", "azure.identity", "azure"),
        ("hashivault://k", "hvac", "vault"),
    ],
)
def test_a_missing_library_is_one_line_that_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, reference: str, library: str, extra: str
) -> None:
    monkeypatch.delitem(sys.modules, f"wasmoci.keys.services.{extra}", raising=False)
    monkeypatch.delattr(f"wasmoci.keys.services.{extra}", raising=False)
    monkeypatch.setitem(sys.modules, library, None)
    for opened in (open_image_signer, public_key_of):
        with pytest.raises(KeyFileError) as raised:
            opened(reference)
        wanted = " ".join(f"'{name}'" for name in EXTRAS[extra])
        assert told(raised) == (
            f"the library {library} for this kind of key is not installed: run `pip install {wanted}`"
        )


def test_libraries_are_those_of_the_extras() -> None:
    assert {extra: list(names) for extra, names in LIBRARIES.items()} == EXTRAS


def test_a_file_that_is_missing_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(Error, match="No such file"):
        public_key_of(str(tmp_path / "none"))
