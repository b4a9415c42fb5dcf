"""Reports judged by those who read them: schemas, decoders of SLSA's verification summaries, a browser, and axe."""

import base64
import json
import re
import shlex
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from image_fixtures import OTHER_PUBLIC_KEY, PUBLIC_KEY, attach_bundle, both_layers, fully_signed, write_layout
from peers import program, registry, run, run_refused
from policy_fixtures import parsed
from report_fixtures import (
    POLICY,
    RULE,
    check,
    evidence_of,
    held,
    hostile,
    index,
    many,
    not_checked,
    refused,
    refused_by_policy,
)
from wasm_fixtures import KEY
from wasmoci.cosign.statement import signature_statement
from wasmoci.oci.progress import SILENT
from wasmoci.publish.copy import CopyRequest, copy_image
from wasmoci.registry.sources import ConnectionOptions, Sources
from wasmoci.reports.checked import Evidence, PolicyDigest
from wasmoci.reports.files import Format, render
from wasmoci.reports.page import CONTENT_SECURITY_POLICY
from wasmoci.reports.record import Record
from wasmoci.reports.repeat import commands
from wasmoci.values.errors import Error
from wasmoci.values.image_reference import Repository

AXE = Path("/usr/local/share/axe.min.js")

POLICY_HEAD = """\
apiVersion: wasm-oci/v1
signers:
  first: {componentKey: first.pub, imageKey: first.pem}
"""

# Each would load /stolen, or run a script that does, where it is not mere text.
ATTACKS = (
    "<img src=/stolen>",
    "<img src=x onerror=fetch('/stolen')>",
    "<script>fetch('/stolen')</script>",
    "</title></style></svg></textarea><script>fetch('/stolen')</script>",
    "<svg onload=fetch('/stolen')><image href=/stolen /><use href=/stolen#a /></svg>",
    "<meta http-equiv=refresh content='0;url=/stolen'>",
    "<link rel=stylesheet href=/stolen><style>@import '/stolen'; * { background: url(/stolen) }</style>",
    "<base href=/stolen/><a href=x>",
    "<iframe src=/stolen></iframe><object data=/stolen></object><embed src=/stolen>",
    "<form action=/stolen><input autofocus onfocus=fetch('/stolen')></form>",
    "\"><img src=/stolen>' onmouseover=fetch('/stolen') x='",
    "javascript:fetch('/stolen')",
    "&lt;img src=/stolen&gt;&#60;img src=/stolen&#62;",
    "<!--><img src=/stolen>--><![CDATA[<img src=/stolen>]]>",
)

CONTENT_TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript"}


@pytest.fixture(name="all_evidence")
def _all_evidence(tmp_path: Path) -> dict[str, Evidence]:
    each = {
        "held": held(),
        "refused": refused(),
        "not_checked": not_checked(),
        "index": index(),
        "by_policy": refused_by_policy(tmp_path),
        "reported": refused_by_policy(tmp_path, enforced=False),
        "hostile": hostile(),
    }
    return {**each, "many": many(*each.values())}


@pytest.mark.parametrize(("form", "suffix"), [(Format.JUNIT, "xml"), (Format.SARIF, "sarif")])
def test_reports_are_of_their_schemas(
    form: Format, suffix: str, all_evidence: dict[str, Evidence], tmp_path: Path
) -> None:
    for name, evidence in all_evidence.items():
        (tmp_path / f"{name}.{suffix}").write_bytes(render(form, evidence))
    run("check-reports", *(f"{name}.{suffix}" for name in all_evidence), folder=tmp_path)
    broken = render(form, all_evidence["refused"]).replace(b"errors=", b"faults=").replace(b'"results"', b'"result"')
    (tmp_path / f"broken.{suffix}").write_bytes(broken)
    run_refused("check-reports", f"broken.{suffix}", folder=tmp_path)


def decoded(documents: Mapping[str, bytes]) -> list[dict[str, Any]]:
    """What in-toto's own types, in Go, read in the documents, which are by their kinds."""
    questions = [
        json.dumps({"kind": kind, "document": base64.b64encode(document).decode()})
        for kind, document in documents.items()
    ]
    answers = subprocess.run(
        [program("go-decoders")], input="\n".join(questions), capture_output=True, check=True, text=True, timeout=120
    ).stdout
    return [json.loads(line)["value"] for line in answers.splitlines()]


def test_a_summary_is_one_for_slsa(tmp_path: Path) -> None:
    policy = parsed(f"{POLICY_HEAD}{RULE}", tmp_path)
    for evidence in (held(), refused()):
        named = PolicyDigest(policy.name, policy.digest, "registry.example.com/acme/hello")
        judged = Evidence(evidence.checked, {}, evidence.version, evidence.time, named)
        statement = render(Format.VSA, judged)
        predicate = json.dumps(json.loads(statement)["predicate"]).encode()
        said, summary = decoded({"statement": statement, "vsa": predicate})
        assert said["predicateType"] == "https://slsa.dev/verification_summary/v1"
        assert summary["verificationResult"] in ("PASSED", "FAILED")
        assert summary["policy"]["digest"]["sha256"] == policy.digest.hex
        assert summary["resourceUri"] == "oci://registry.example.com/acme/hello"
        assert summary["verifier"]["id"]
        assert summary["timeVerified"]


class Site:
    """Pages at a loopback address, and what was asked for."""

    def __init__(self, pages: Mapping[str, bytes]) -> None:
        asked: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                found = pages.get(self.path)
                self.send_response(404 if found is None else 200)
                self.send_header("Content-Type", CONTENT_TYPES.get(Path(self.path).suffix, "text/plain"))
                self.end_headers()
                self.wfile.write(found or b"")

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self.asked = asked
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    @property
    def loaded(self) -> set[str]:
        return {path for path in self.asked if path != "/favicon.ico"}


@contextmanager
def site(pages: Mapping[str, bytes]) -> Iterator[Site]:
    served = Site(pages)
    thread = threading.Thread(target=served.server.serve_forever)
    thread.start()
    try:
        yield served
    finally:
        served.server.shutdown()
        served.server.server_close()
        thread.join()


def browse(address: str, *options: str) -> str:
    """What a browser makes of the page, once its scripts and loads are done."""
    # The browser has a socket in its folder, and a socket's path is short.
    with tempfile.TemporaryDirectory(prefix="b", dir="/tmp") as folder:
        return run(
            *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
            f"--user-data-dir={folder}/browser",
            "--virtual-time-budget=20000",
            *(options or ("--dump-dom",)),
            address,
            folder=Path(folder),
        ).stdout


def seen_in_frames(pages: Mapping[str, bytes], what: str, more: Mapping[str, bytes] | None = None) -> dict[str, str]:
    """By its path what a script finds in each page; `what` is an expression about `page`, a frame 320 pixels wide.

    `more` is what they load.
    """
    frames = "".join(f'<iframe src="{path}" width="320" height="800" style="border: 0"></iframe>' for path in pages)
    script = (
        "onload = () => { const timer = setInterval(() => {"
        f"const found = [...document.querySelectorAll('iframe')].map(each => each.contentDocument).map(page => {what});"
        "if (found.every(each => each)) { clearInterval(timer); document.title = 'found' + JSON.stringify(found); }"
        "}, 50); }"
    )
    with site({**pages, **(more or {}), "/frames.html": f"{frames}<script>{script}</script>".encode()}) as served:
        shown = browse(f"{served.address}/frames.html")
    found = re.search(r"<title>found(\[.*?\])</title>", shown)
    assert found is not None, shown[-500:]
    return dict(zip(pages, json.loads(found[1]), strict=False))


def judged_by_axe(page: bytes, *, dark: bool) -> bytes:
    """The page with axe in it, which puts what it finds into the title; it has no policy, which would forbid that."""
    open_page = page.replace(CONTENT_SECURITY_POLICY.encode(), b"")
    assert open_page != page
    if dark:
        open_page = open_page.replace(b"(prefers-color-scheme: dark)", b"all")
    script = (
        b'<script src="/axe.js"></script><script>'
        b"axe.run(document, {resultTypes: ['violations']}).then("
        b"found => { document.title = 'axe:' + found.violations.map(each => each.id).join(); })</script>"
    )
    return open_page.replace(b"</body>", script + b"</body>")


def test_axe_finds_nothing(all_evidence: dict[str, Evidence]) -> None:
    pages = {
        f"/{name}-{'dark' if dark else 'light'}.html": judged_by_axe(render(Format.HTML, evidence), dark=dark)
        for name, evidence in all_evidence.items()
        for dark in (False, True)
    }
    bad = judged_by_axe(render(Format.HTML, held()), dark=False).replace(b"</main>", b"<img src=x></main>")
    title = "page.title.startsWith('axe:') && page.title"
    found = seen_in_frames({**pages, "/bad.html": bad}, title, {"/axe.js": AXE.read_bytes()})
    assert found.pop("/bad.html") == "axe:image-alt"
    assert found == dict.fromkeys(pages, "axe:")


def test_a_page_fits_a_telephone(all_evidence: dict[str, Evidence]) -> None:
    pages = {f"/{name}.html": render(Format.HTML, evidence) for name, evidence in all_evidence.items()}
    wide = render(Format.HTML, held()).replace(b"</main>", b'<p style="width: 500px">wide</p></main>')
    found = seen_in_frames({**pages, "/wide.html": wide}, "String(page.documentElement.scrollWidth)")
    assert int(found.pop("/wide.html")) > 320
    assert {path: width for path, width in found.items() if int(width) > 320} == {}


@pytest.mark.parametrize("name", ["held", "refused", "not_checked", "by_policy", "reported"])
def test_a_page_of_one_image_is_printed_on_two_sheets(
    name: str, all_evidence: dict[str, Evidence], tmp_path: Path
) -> None:
    with site({"/page.html": render(Format.HTML, all_evidence[name])}) as served:
        browse(f"{served.address}/page.html", f"--print-to-pdf={tmp_path / 'page.pdf'}")
    assert 1 <= len(re.findall(rb"/Type /Page\b", (tmp_path / "page.pdf").read_bytes())) <= 2


def attacked() -> Evidence:
    """Reports in which every text that others choose is an attack."""
    record = Record()
    record.policy = POLICY
    for attack in ATTACKS:
        record.policy = PolicyDigest(attack, POLICY.digest)
        image = fully_signed()
        attach_bundle(image, payload=signature_statement(image.image.digest, {attack: attack}))
        check(record, f"registry.example.com/{attack}", image, both_layers())
        record.failed(attack, Error(attack))
        record.held(attack, next(each.verdict for each in record.checked if each.verdict is not None), [attack])
    return evidence_of(record)


def test_an_attack_runs_no_script_and_loads_nothing() -> None:
    page = render(Format.HTML, attacked())
    with site({"/page.html": page}) as served:
        shown = browse(f"{served.address}/page.html")
        assert served.loaded == {"/page.html"}
    assert "images hold" in shown
    # Not even without the policy: all of it is text.
    with site({"/open.html": page.replace(CONTENT_SECURITY_POLICY.encode(), b"")}) as served:
        browse(f"{served.address}/open.html")
        assert served.loaded == {"/open.html"}


def test_attacks_that_are_no_text_are_seen() -> None:
    """What makes the test above one: in a page that does not escape, each attack loads what it wants to."""
    attacks = [each for each in ATTACKS if not each.startswith(("javascript:", "&lt;", "<base"))]
    pages = {
        f"/{number}.html": f"<!doctype html><body>{attack}".replace("/stolen", f"/stolen-{number}").encode()
        for number, attack in enumerate(attacks)
    }
    frames = "".join(f'<iframe src="{path}"></iframe>' for path in pages).encode()
    with site({**pages, "/frames.html": frames}) as served:
        browse(f"{served.address}/frames.html")
        for number, attack in enumerate(attacks):
            assert f"/stolen-{number}" in served.loaded, attack


def test_commands_of_a_page_repeat_the_verdict(tmp_path: Path) -> None:
    """As they stand there, but that the registry speaks plain HTTP."""
    write_layout(fully_signed(), tmp_path / "layout")
    (tmp_path / "OCI.pub").write_bytes(PUBLIC_KEY.pem())
    (tmp_path / "COMPONENT.pub").write_bytes(b"\x01" + KEY.raw)
    more = {"cosign": "--allow-http-registry", "oras": "--plain-http"}
    with registry("embedded", tmp_path) as address:
        image = f"{address}/acme/hello:v1"
        connection = ConnectionOptions((address,))
        place = {Repository.parse(f"{address}/acme/hello"): ["v1"]}
        copy_image(CopyRequest(str(tmp_path / "layout"), place), connection, print, lambda: nullcontext(SILENT))
        record = Record()
        with Sources(connection) as sources:
            record.verify(image, both_layers, lambda _: sources.open(image))
        lines = [shlex.split(line) for line in commands(record.checked[0]) if not line.startswith("#")]
        assert [words[0] for words in lines] == ["oras", "cosign", "cosign", "oras", "wasmsign2"]
        for words in lines:
            run(*words, *([more[words[0]]] if words[0] in more else []), folder=tmp_path)
        (tmp_path / "OCI.pub").write_bytes(OTHER_PUBLIC_KEY.pem())
        for words in lines[1:3]:
            run_refused(*words, more["cosign"], folder=tmp_path)
