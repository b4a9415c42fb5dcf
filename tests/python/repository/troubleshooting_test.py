"""Each message that a user meets in the first hour is provoked, and docs/troubleshooting.md has all of them."""

import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from message_fixtures import HOST, MESSAGES, PAGE, Message, make_files, page
from wasmoci.commands.main import main
from wasmoci.registry import transport

UNSET = ("COSIGN_PKCS11_MODULE_PATH", "DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "SSL_CERT_FILE", "XDG_RUNTIME_DIR")


@pytest.fixture(name="folder")
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    make_files(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(transport, "pause_seconds", lambda *_: 0.0)
    return tmp_path


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.title)
def test_the_text_is_that_of_the_table(message: Message, folder: Path) -> None:
    with message.place(folder) as (address, environment):
        host, named = address.partition(":")[0], HOST.partition(":")[0]

        def there(text: str) -> str:
            return text.replace(HOST, address).replace(f"{named} ", f"{host} ")

        arguments = shlex.split(there(f"{message.command} ".replace(";", r"\;")))
        cleared = {**dict.fromkeys(UNSET), "HOME": str(folder), **environment}
        result = CliRunner().invoke(main, arguments, env=cleared)
    assert result.stderr == f"{there(message.printed)}\n"
    assert result.stdout == ""
    assert result.exit_code in (1, 2, 3)


def test_the_page_is_that_of_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "make it: python3 tests/python/fixtures/message_fixtures.py"
