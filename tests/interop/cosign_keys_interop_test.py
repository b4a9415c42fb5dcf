"""Every type of image key and every form of its file, with the real cosign on the other side.

cosign 3.1 makes signatures with some types of keys that it does not verify afterwards; what it does
there is asserted too, so that a version that does otherwise is noticed.
"""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from images import BOTH, KeyPair, push, signed_layout, unsigned_layout
from key_fixtures import open_image_signer
from peers import REGISTRIES, built, registry, run, run_refused
from registry_fixtures import OwnClient
from wasmoci.commands.main import main
from wasmoci.cosign import bundle as cosign_bundle
from wasmoci.keys.algorithms import GENERATED
from wasmoci.keys.component_files import load_component_key
from wasmoci.keys.image import load_image_key
from wasmoci.registry.source import RegistrySource
from wasmoci.sign.keygen import PrivateForm, make_image_pair
from wasmoci.values.errors import KeyFileError, Reason, VerificationError
from wasmoci.values.image_reference import Reference
from wasmoci.values.level import Level
from wasmoci.values.signature_format import SignatureFormat
from wasmoci.verify.image import verify
from wasmoci.verify.policy import Policy

VERIFY = ("cosign", "verify", "--insecure-ignore-tlog")
SIGN = ("cosign", "sign", "--tlog-upload=false", "--use-signing-config=false", "--allow-http-registry", "-y")
LEGACY = "--new-bundle-format=false"
PASSWORD = {"COSIGN_PASSWORD": "marked-password"}

# With which option cosign verifies what it signs with a key of this type; None where there is none.
OWN_VERIFICATION: dict[str, list[str] | None] = {
    **{kind: [] for kind in GENERATED},
    "ecdsa-p384": ["--signature-digest-algorithm=sha384"],
    "ecdsa-p521": ["--signature-digest-algorithm=sha512"],
    "ed25519": None,
}
OPENSSL = {
    "pkcs8_ecdsa": ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "sec1": ["ecparam", "-name", "prime256v1", "-genkey", "-noout"],
    "sec1_p384": ["ecparam", "-name", "secp384r1", "-genkey", "-noout"],
    "pkcs8_rsa": ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "pkcs1": ["genrsa", "-traditional", "2048"],
    "pkcs8_ed25519": ["genpkey", "-algorithm", "ed25519"],
}


def format_options(form: SignatureFormat) -> list[str]:
    return [LEGACY] if form is SignatureFormat.LEGACY else []


def imported(folder: Path, plain: Path) -> KeyPair:
    """A pair that cosign made of a plain private key file, encrypted with the password `marked-password`."""
    options = ["--key", str(plain), "--output-key-prefix", "imported", "-y"]
    run("cosign", "import-key-pair", *options, folder=folder, environment=PASSWORD)
    return KeyPair(folder / "imported.key", folder / "imported.pub")


# What we sign


@pytest.mark.parametrize("kind", GENERATED)
def test_cosign_verifies_ours_in_a_layout(kind: str, tmp_path: Path) -> None:
    pair, other = KeyPair.make(tmp_path, "key", kind), KeyPair.make(tmp_path, "other", kind)
    layout = signed_layout(tmp_path, pair, "localhost:5000/acme/greeting")
    for form in BOTH:
        options = [*format_options(form), "--local-image", str(layout)]
        run(*VERIFY, "--key", pair.public, *options, folder=tmp_path)
        run_refused(*VERIFY, "--key", other.public, *options, folder=tmp_path)


@pytest.mark.parametrize("kind", GENERATED)
@pytest.mark.parametrize("server", REGISTRIES)
def test_cosign_verifies_ours_from_a_registry(server: str, kind: str, tmp_path: Path) -> None:
    pair, other = KeyPair.make(tmp_path, "key", kind), KeyPair.make(tmp_path, "other", kind)
    with registry(server, tmp_path) as address:
        repository = f"{address}/acme/greeting"
        image = push(signed_layout(tmp_path, pair, repository), repository, pair.trusted())
        for form in BOTH:
            options = [*format_options(form), "--allow-http-registry", image]
            run(*VERIFY, "--key", pair.public, *options, folder=tmp_path)
            run_refused(*VERIFY, "--key", other.public, *options, folder=tmp_path)


# What cosign signs


@pytest.mark.parametrize("form", BOTH)
@pytest.mark.parametrize("kind", [kind for kind, options in OWN_VERIFICATION.items() if options is not None])
def test_we_verify_what_cosign_signs(kind: str, form: SignatureFormat, tmp_path: Path) -> None:
    pair = imported(tmp_path, KeyPair.make(tmp_path, "plain", kind).private)
    options = OWN_VERIFICATION[kind]
    assert options is not None
    with registry("docker-registry", tmp_path) as address:
        image = push(unsigned_layout(tmp_path), f"{address}/acme/greeting")
        run(*SIGN, "--key", pair.private, *format_options(form), image, folder=tmp_path, environment=PASSWORD)
        cosign = [*VERIFY, "--key", str(pair.public), *format_options(form), "--allow-http-registry", image]
        run(*cosign, *options, folder=tmp_path)
        if options:
            run_refused(*cosign, folder=tmp_path)
        reference = Reference.parse(image)
        with OwnClient(reference.repository, {}, [address]) as client:
            source = RegistrySource(reference, client)
            component_key = load_component_key(built("keys/placeholder_component.pub"))
            verified = verify(source, Policy.of([component_key], [pair.trusted()], Level.DUAL_LAYER))
            assert [one.format for one in verified.image_signatures] == [form]
            with pytest.raises(VerificationError) as refused:
                verify(source, Policy.of([], [KeyPair.make(tmp_path, "other", kind).trusted()]))
    assert refused.value.reason is Reason.UNTRUSTED_KEY


@pytest.mark.parametrize("form", BOTH)
def test_what_cosign_signs_with_ed25519_is_verified_by_nobody(form: SignatureFormat, tmp_path: Path) -> None:
    pair = imported(tmp_path, KeyPair.make(tmp_path, "plain", "ed25519").private)
    with registry("docker-registry", tmp_path) as address:
        image = push(unsigned_layout(tmp_path), f"{address}/acme/greeting")
        run(*SIGN, "--key", pair.private, *format_options(form), image, folder=tmp_path, environment=PASSWORD)
        cosign = [*VERIFY, "--key", str(pair.public), *format_options(form), "--allow-http-registry", image]
        for algorithm in ("sha256", "sha512"):
            run_refused(*cosign, f"--signature-digest-algorithm={algorithm}", folder=tmp_path)
        reference = Reference.parse(image)
        with OwnClient(reference.repository, {}, [address]) as client, pytest.raises(VerificationError):
            verify(RegistrySource(reference, client), Policy.of([], [pair.trusted()]))


def test_what_cosign_signs_with_ed25519_is_ed25519ph(tmp_path: Path) -> None:
    """OpenSSL reads it; where cosign's `sign-blob` does otherwise, our refusal would say something wrong."""
    pair = imported(tmp_path, KeyPair.make(tmp_path, "plain", "ed25519").private)
    with registry("docker-registry", tmp_path) as address:
        image = push(unsigned_layout(tmp_path), f"{address}/acme/greeting")
        run(*SIGN, "--key", pair.private, image, folder=tmp_path, environment=PASSWORD)
        reference = Reference.parse(image)
        with OwnClient(reference.repository, {}, [address]) as client:
            source = RegistrySource(reference, client)
            (listed,) = source.referrers(source.subject().digest).descriptors
            manifest = json.loads(source.read_manifest(listed))
            (blob,) = (tmp_path / "registry").glob(f"**/{manifest['layers'][0]['digest'].removeprefix('sha256:')}/data")
    envelope = cosign_bundle.parse_bundle(blob.read_bytes()).envelope
    (tmp_path / "message").write_bytes(envelope.signed_message)
    (tmp_path / "signature").write_bytes(envelope.signature)
    options = ["-pubin", "-inkey", str(pair.public), "-rawin", "-in", "message", "-sigfile", "signature"]
    run("openssl", "pkeyutl", "-verify", *options, "-pkeyopt", "instance:Ed25519ph", folder=tmp_path)
    run_refused("openssl", "pkeyutl", "-verify", *options, folder=tmp_path)
    with pytest.raises(VerificationError, match="Ed25519ph, which cosign makes with such keys, is not verified"):
        pair.trusted().verify(envelope.signature, envelope.signed_message)


# Key files


@pytest.mark.parametrize("kind", GENERATED)
@pytest.mark.parametrize("name", [b"SIGSTORE", b"COSIGN"])
def test_cosign_opens_the_key_that_we_encrypted(name: bytes, kind: str, tmp_path: Path) -> None:
    private, public = tmp_path / "ours.key", tmp_path / "ours.pub"
    make_image_pair(private, public, b"marked-password", form=PrivateForm.COSIGN, kind=kind)
    private.write_bytes(private.read_bytes().replace(b"SIGSTORE", name))
    result = run("cosign", "public-key", "--key", private, folder=tmp_path, environment=PASSWORD)
    assert result.stdout.encode() == public.read_bytes()


@pytest.mark.parametrize("form", OPENSSL)
def test_we_open_what_openssl_writes_and_what_cosign_makes_of_it(form: str, tmp_path: Path) -> None:
    (tmp_path / "plain.key").write_text(run("openssl", *OPENSSL[form], folder=tmp_path).stdout)
    plain = open_image_signer(tmp_path / "plain.key")
    pair = imported(tmp_path, tmp_path / "plain.key")
    assert open_image_signer(pair.private, lambda: b"marked-password").public_key == plain.public_key == pair.trusted()
    with pytest.raises(KeyFileError, match="does not open with the password given"):
        open_image_signer(pair.private, lambda: b"marked-wrong")


@pytest.mark.parametrize("kind", GENERATED)
@pytest.mark.parametrize("password", [None, "marked-new-password"])
def test_openssl_opens_the_pkcs8_that_we_write(password: str | None, kind: str, tmp_path: Path) -> None:
    private, public = tmp_path / "ours.key", tmp_path / "ours.pub"
    make_image_pair(private, public, password.encode() if password else None, kind=kind)
    environment = {"WORD": password} if password else {}
    options = ["-in", str(private), "-pubout", *(["-passin", "env:WORD"] if password else [])]
    assert (
        run("openssl", "pkey", *options, folder=tmp_path, environment=environment).stdout.encode()
        == public.read_bytes()
    )


def test_key_convert_is_import_key_pair_and_the_way_back(tmp_path: Path) -> None:
    def convert(source: Path, output: Path, *options: str) -> None:
        command = ["key", "convert", str(source), "--output", str(output), *options]
        result = CliRunner().invoke(main, command, env=PASSWORD)
        assert result.exit_code == 0, result.output

    pair = KeyPair.make(tmp_path, "plain")
    ours, back = tmp_path / "ours.key", tmp_path / "back.key"
    convert(pair.private, ours, "--form", "cosign")
    layout = unsigned_layout(tmp_path)
    with registry("docker-registry", tmp_path) as address:
        image = push(layout, f"{address}/acme/greeting")
        run(*SIGN, "--key", ours, image, folder=tmp_path, environment=PASSWORD)
        run(*VERIFY, "--key", pair.public, "--allow-http-registry", image, folder=tmp_path)
    theirs = imported(tmp_path, pair.private)
    convert(theirs.private, back, "--form", "pem")
    assert back.read_bytes() == pair.private.read_bytes()


# What cosign does not take, we do not take


@pytest.mark.parametrize("bits", ["1024", "2560"])
def test_rsa_sizes_that_cosign_refuses_are_refused(bits: str, tmp_path: Path) -> None:
    run("openssl", "genrsa", "-out", "odd.key", bits, folder=tmp_path)
    run("openssl", "rsa", "-in", "odd.key", "-pubout", "-out", "odd.pub", folder=tmp_path)
    run_refused("cosign", "import-key-pair", "--key", "odd.key", "--output-key-prefix", "odd", "-y", folder=tmp_path)
    with pytest.raises(KeyFileError, match="one of the sizes"):
        open_image_signer(tmp_path / "odd.key")
    with pytest.raises(KeyFileError, match="one of the sizes"):
        load_image_key(tmp_path / "odd.pub")


def test_a_key_that_cosign_encrypted_with_an_empty_password_opens_with_none_else(tmp_path: Path) -> None:
    run("cosign", "generate-key-pair", folder=tmp_path, environment={"COSIGN_PASSWORD": ""})
    key = open_image_signer(tmp_path / "cosign.key", lambda: b"")
    assert key.public_key == load_image_key(tmp_path / "cosign.pub")
    with pytest.raises(KeyFileError, match="does not open"):
        open_image_signer(tmp_path / "cosign.key", lambda: b"\n")
