"""What is told of images that change, and what a look costs."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from copy_fixtures import client_at, send_layout
from image_fixtures import HELLO, OTHER_SIGNER, SIGNED_HELLO, attach_bundle, fully_signed, make_image
from index_fixtures import signed_index, write_index_layout
from monitor_fixtures import DROPPED, PATH, RULES, World, told, world
from policy_fixtures import SIGNERS
from registry_fixtures import make_tls
from sigstore_fixtures import Sigstore
from wasm_fixtures import signed, wat
from wasmoci.monitor import rounds
from wasmoci.monitor.events import What
from wasmoci.monitor.notes import Notes
from wasmoci.registry.tls import CERTIFICATE
from wasmoci.values.digest import Digest
from wasmoci.values.errors import UsageError
from wasmoci.values.strict_json import dump

DAYS = 24 * 60


@pytest.fixture(name="watched")
def _watched(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


def requests_of(watched: World, minutes: float = 1) -> int:
    """How many requests a round costs that tells nothing."""
    before = watched.registry.requests
    assert told(watched.round(minutes)) == []
    return watched.registry.requests - before


def test_a_good_image_is_nothing_to_tell_of(watched: World) -> None:
    watched.push(fully_signed())
    assert told(watched.round()) == []
    assert told(watched.round()) == []
    assert watched.value("verified") == 1
    assert watched.value("checks_total", outcome="verified") == 2
    assert watched.value("signatures", layer="image", format="bundle") == 1
    assert watched.value("signatures", layer="image", format="legacy") == 1
    assert watched.value("signatures", layer="component", format="embedded") == 1
    assert watched.value("distinct_signers", layer="image") == 1
    assert watched.value("last_success_timestamp_seconds") == watched.clock


def test_an_unchanged_image_costs_three_requests_and_no_verdict(watched: World) -> None:
    watched.push(fully_signed())
    first = requests_of(watched)
    assert requests_of(watched) == requests_of(watched) == 3
    assert watched.value("check_duration_seconds_count", phase="look", target="") is None
    durations = {
        phase: watched.metrics.registry.get_sample_value("wasm_oci_check_duration_seconds_count", {"phase": phase})
        for phase in ("look", "verify")
    }
    assert durations == {"look": 3, "verify": 1}
    assert first > 3


def test_policy_root_time_and_a_clock_that_was_set_back_ask_for_a_verdict(watched: World) -> None:
    watched.push(fully_signed())
    whole = requests_of(watched)
    assert requests_of(watched, 30) == 3
    assert requests_of(watched, -120) == whole
    assert requests_of(watched, 1 * DAYS) == whole
    assert requests_of(watched) == 3
    for text, events in (
        (f"# Other bytes.\n{SIGNERS}{RULES}", ["policy-changed"]),
        (SIGNERS + RULES, ["policy-changed"]),
    ):
        watched.set_policy(text)
        before = watched.registry.requests
        assert told(watched.round()) == events
        assert watched.registry.requests - before == whole
    shutil.copy(watched.folder / "second.pem", watched.folder / "third.pem")
    assert told(watched.round()) == ["policy-unusable"]


def test_looks_in_between_do_not_put_a_verdict_off(watched: World) -> None:
    watched.push(fully_signed())
    for _ in range(25):
        assert told(watched.round(60)) == []
    count = {"phase": "verify"}
    assert watched.metrics.registry.get_sample_value("wasm_oci_check_duration_seconds_count", count) == 2


def test_a_restart_forgets_nothing(watched: World) -> None:
    watched.push(fully_signed())
    watched.round()
    watched.lose_tag("v1")
    (event,) = watched.round()
    assert event.what.text == "tag-vanished"
    assert event.message.startswith(f"the tag is gone, it named {fully_signed().image.digest}: GET http://")
    watched.stop()
    assert requests_of(watched) == 1
    assert watched.value("checks_total", outcome="error") == 2
    watched.push(fully_signed())
    assert told(watched.round()) == ["tag-appeared"]
    assert requests_of(watched) == 3


def test_a_round_that_is_interrupted_is_done_again(watched: World, monkeypatch: pytest.MonkeyPatch) -> None:
    watched.push(make_image())
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):

        def interrupt(*_: object) -> None:
            raise KeyboardInterrupt

        patch.setattr(Notes, "conclude", interrupt)
        watched.round()
    watched.stop()
    assert told(watched.round()) == ["refused"]
    assert watched.value("checks_total", outcome="refused") == 1


def test_series_are_there_before_anything_happens(watched: World) -> None:
    assert told([]) == []
    assert watched.monitor is not None
    for name, labels in (
        ("checks_total", {"outcome": "refused"}),
        ("check_errors_total", {"kind": "unreachable"}),
        ("tag_changes_total", {}),
        ("verified", {}),
        ("vanished", {}),
        ("last_success_timestamp_seconds", {}),
    ):
        assert watched.value(name, **labels) == 0


def test_a_refused_image_is_told_at_once_and_once(watched: World) -> None:
    watched.push(make_image())
    (event,) = watched.round()
    assert (event.what.text, event.details["layer"], event.details["reason"]) == ("refused", "image", "UNSIGNED")
    assert told(watched.round()) == []
    assert watched.value("refusals_total", layer="image", reason="UNSIGNED") == 2
    assert watched.value("verified") == 0


@pytest.mark.parametrize(
    ("component", "rules", "layer", "reason"),
    [
        (HELLO, RULES, "component", "UNSIGNED"),
        (SIGNED_HELLO, RULES.replace("{anyOf: [first]}", "{anyOf: [second]}"), "component", "UNTRUSTED_KEY"),
        (SIGNED_HELLO, f"{RULES}  imports: []\n", "other", "IMPORT_NOT_ALLOWED"),
        (SIGNED_HELLO, RULES.replace("*/acme/*", "*/other/*"), "other", "NO_RULE"),
        (
            SIGNED_HELLO,
            RULES.replace("anyOf: [first, second], minimum: 1", "allOf: [second]"),
            "image",
            "UNTRUSTED_KEY",
        ),
    ],
)
def test_a_refusal_says_on_which_layer(component: bytes, rules: str, layer: str, reason: str, watched: World) -> None:
    watched.push(fully_signed(component))
    watched.set_policy(SIGNERS + rules)
    (event,) = watched.round()
    assert (event.details["layer"], event.details["reason"]) == (layer, reason)


def test_a_policy_that_only_reports_verifies_nothing(watched: World) -> None:
    watched.push(fully_signed())
    watched.set_policy(f"{SIGNERS}{RULES}mode: report\n")
    assert told(watched.round()) == []
    assert watched.value("verified") == 0
    assert watched.value("checks_total", outcome="would_verify") == 1
    watched.push(make_image(HELLO))
    assert "would-be-refused" in told(watched.round())


def test_an_outage_is_told_once_and_leaves_the_verdict(watched: World) -> None:
    watched.push(fully_signed())
    watched.round()
    story: list[str] = []
    for fault in (DROPPED, 503, 429, DROPPED) * 3:
        watched.registry.faults["/v2/"] = fault
        story += told(watched.round(5))
        assert watched.value("verified") == 1
    watched.registry.faults.clear()
    story += told(watched.round())
    assert story == ["registry-fails", "registry-back"]
    assert watched.value("check_errors_total", kind="failing") == 6


@pytest.mark.parametrize("target", ["reference: '{}/acme/hello:v1'", "repository: '{}/acme/hello'"])
def test_certificates_that_are_gone_for_a_while_are_an_outage(target: str, watched: World, tmp_path: Path) -> None:
    certificates = Path(make_tls(tmp_path).environment["SSL_CERT_FILE"])
    watched.environment["SSL_CERT_FILE"] = str(certificates)
    watched.configure(f"greeting: {{{target.format(watched.registry.address)}}}")
    watched.push(fully_signed())
    assert told(watched.round()) == []
    away = certificates.rename(tmp_path / "away.pem")
    assert told([*watched.round(), *watched.round()]) == ["registry-fails"]
    assert (watched.value("verified"), watched.value("check_errors_total", kind="unreachable")) == (1, 2)
    away.rename(certificates)
    assert told(watched.round()) == ["registry-back"]


def test_what_no_file_can_mend_is_raised(watched: World) -> None:
    watched.environment |= {"WASM_OCI_REGISTRY": watched.registry.address, CERTIFICATE: "client.pem"}
    with pytest.raises(UsageError, match="a client certificate needs its private key"):
        watched.round()


def test_a_single_failure_is_counted_and_not_told(watched: World) -> None:
    watched.push(fully_signed())
    watched.round()
    watched.registry.faults["/v2/"] = 500
    assert told(watched.round()) == []
    watched.registry.faults.clear()
    assert told(watched.round()) == []
    assert watched.value("checks_total", outcome="error") == 1


def test_a_tag_that_is_not_there_yet_is_told_if_it_does_not_come(watched: World) -> None:
    assert told(watched.round()) == []
    watched.push(fully_signed())
    assert told(watched.round()) == []
    watched.stop()
    watched.configure(f"greeting: {{reference: '{watched.reference('v2')}'}}")
    assert [told(watched.round()) for _ in range(3)] == [[], ["cannot-check"], []]
    watched.push(fully_signed(), "v2")
    assert told(watched.round()) == ["tag-appeared"]


def test_what_is_denied_is_told_of_its_image(watched: World) -> None:
    watched.push(fully_signed())
    watched.round()
    watched.registry.faults["manifests/v1"] = 403
    assert told(watched.round()) == []
    (event,) = watched.round()
    assert (event.what.text, event.target, event.details) == ("cannot-check", "greeting", {"error": "denied"})
    assert "answered 403" in event.message


def test_of_a_dead_registry_little_is_asked(watched: World) -> None:
    many = "\n".join(f"t{number}: {{reference: '{watched.reference()}'}}" for number in range(100))
    watched.configure(many)
    watched.registry.faults["/v2/"] = DROPPED
    watched.round()
    # A few are under way when it is given up, each with some attempts.
    assert watched.registry.requests < 100
    assert watched.value("checks_total", target="t99", outcome="error") == 1


def test_listings_that_are_too_long_are_no_outage(watched: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for tag in ("v1", "v2"):
        watched.push(fully_signed(), tag)
    many = [f"t{number}: {{repository: '{watched.registry.address}/{PATH}'}}" for number in range(5)]
    watched.configure("\n".join([*many, f"greeting: {{reference: '{watched.reference()}'}}"]))
    monkeypatch.setattr(rounds, "MAX_IMAGES", 1)
    assert told([*watched.round(), *watched.round()]) == ["cannot-check"] * 5
    assert watched.value("check_errors_total", target="t4", kind="answer") == 2
    assert watched.value("checks_total", outcome="verified") == 2


def test_a_verdict_is_not_that_of_another_image(watched: World) -> None:
    watched.push(fully_signed())
    watched.round()
    watched.push(make_image(HELLO))
    watched.registry.faults["/blobs/"] = 500
    watched.round()
    assert watched.value("verified") == 0


def test_a_component_that_is_lost_is_found_out_in_time(watched: World) -> None:
    watched.push(fully_signed())
    watched.round()
    watched.lose_blob(Digest.of(SIGNED_HELLO))
    assert requests_of(watched) == 3
    watched.round(1 * DAYS)
    (event,) = watched.round()
    assert (event.what.text, event.details) == ("cannot-check", {"error": "incomplete"})
    assert watched.value("verified") == 0
    watched.push(fully_signed())
    assert told(watched.round()) == ["checked-again"]


def test_a_mirror_counts_as_its_original(watched: World) -> None:
    watched.push(fully_signed(), path="mirror/hello")
    watched.configure(
        f"greeting: {{reference: '{watched.reference(path='mirror/hello')}', as: registry.example.com/acme/a}}"
    )
    assert told(watched.round()) == []
    assert watched.value("verified") == 1


def test_an_index_is_looked_at_with_its_entries(watched: World) -> None:
    layout = write_index_layout(signed_index(), watched.folder / "index")
    with client_at(watched.registry.address, PATH) as client:
        send_layout(layout, client)
    assert told(watched.round()) == []
    assert watched.value("verified") == 1
    assert requests_of(watched) == 3 + 2 * 2
    entry = next(iter((watched.folder / "registry/repositories/acme/hello/_referrers").iterdir()))
    shutil.rmtree(entry)
    assert told(watched.round())[0] == "signature-vanished"


def test_what_a_target_meant_before_is_forgotten(watched: World) -> None:
    watched.push(fully_signed())
    watched.push(make_image(HELLO), "v2")
    watched.round()
    watched.stop()
    watched.configure(f"greeting: {{reference: '{watched.reference('v2')}'}}")
    assert told(watched.round()) == ["refused"]
    watched.stop()
    watched.configure(f"greeting: {{repository: '{watched.registry.address}/{PATH}', tags: v1}}")
    assert told(watched.round()) == []
    assert watched.value("verified") == 1
    watched.stop()
    watched.configure(f"greeting: {{repository: '{watched.registry.address}/{PATH}'}}")
    assert told(watched.round()) == ["refused"]
    watched.stop()
    watched.configure(f"greeting: {{repository: '{watched.registry.address}/{PATH}', tags: v2}}")
    assert told(watched.round()) == []


def test_an_empty_listing_verifies_nothing(watched: World) -> None:
    watched.push(fully_signed())
    watched.configure(f"greeting: {{repository: '{watched.registry.address}/{PATH}', tags: 'x*'}}")
    assert told(watched.round()) == []
    assert watched.value("verified") == 0


def test_images_of_a_repository_that_is_gone_count_no_more(watched: World) -> None:
    watched.push(fully_signed())
    watched.configure(f"greeting: {{repository: '{watched.registry.address}/{PATH}'}}")
    for fault, story, verified in (
        (None, [], 1),
        (404, [], 0),
        (404, ["cannot-check"], 0),
        (None, ["tag-appeared"], 1),
    ):
        watched.registry.faults = {} if fault is None else {"/tags/list": fault}
        assert (told(watched.round()), watched.value("verified")) == (story, verified)


def test_more_images_than_the_limit_are_an_error(watched: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "MAX_IMAGES", 1)
    for tag in ("v1", "v2"):
        watched.push(fully_signed(), tag)
    watched.configure(f"greeting: {{repository: '{watched.registry.address}/{PATH}'}}")
    watched.round()
    assert watched.value("checks_total", outcome="error") == 1
    assert watched.value("verified") == 0


def test_a_signer_who_ends_and_one_who_is_revoked_are_told(watched: World) -> None:
    image = fully_signed()
    attach_bundle(image, OTHER_SIGNER)
    watched.push(image)
    watched.round()
    ending = SIGNERS.replace("imageKey: first.pem", "imageKey: first.pem, until: 2026-12-20")
    watched.set_policy(ending + RULES)
    events = watched.round()
    assert told(events) == ["policy-changed", "signer-ends-soon"]
    assert events[1].details == {"signer": "first", "ends": "2026-12-20"}
    assert watched.metrics.registry.get_sample_value(
        "wasm_oci_signer_valid_until_timestamp_seconds", {"signer": "first"}
    ) == pytest.approx(1797724800)
    assert told(watched.round()) == []
    assert told(watched.round(40 * DAYS))[0] == "signer-ended"


def test_an_old_trusted_root_is_told_once(watched: World) -> None:
    root = watched.folder / "root.json"
    root.write_bytes(dump(Sigstore().trusted_root()))
    os.utime(root, (watched.clock, watched.clock))
    watched.push(fully_signed())
    watched.set_policy(f"trustedRoot: root.json\n{SIGNERS}{RULES}")
    assert told(watched.round()) == []
    assert told(watched.round(181 * DAYS)) == ["trusted-root-old"]
    os.utime(root, (watched.clock, watched.clock))
    assert told(watched.round()) == []
    root.write_bytes(root.read_bytes() + b"\n")
    os.utime(root, (watched.clock, watched.clock))
    assert told(watched.round()) == ["trusted-root-changed"]


def test_a_trusted_root_is_not_old_by_a_clock_that_was_set_late(watched: World) -> None:
    root = watched.folder / "root.json"
    root.write_bytes(dump(Sigstore().trusted_root()))
    os.utime(root, (watched.clock, watched.clock))
    watched.set_policy(f"trustedRoot: root.json\n{SIGNERS}{RULES}")
    now, watched.clock = watched.clock, 0
    watched.round()
    watched.clock = now
    assert "trusted-root-old" not in told(watched.round())
    assert "trusted-root-old" in told(watched.round(181 * DAYS))


def test_a_bug_is_a_check_that_could_not_be_done(watched: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("marked-secret")

    monkeypatch.setattr("wasmoci.monitor.check.look_at", fail)
    watched.push(fully_signed())
    watched.round()
    (event,) = watched.round()
    assert event.details == {"error": "bug"}
    assert "marked" not in event.message


def test_an_image_that_counts_as_another_is_judged_by_the_rule_of_that(watched: World) -> None:
    watched.push(fully_signed())
    watched.round()
    watched.stop()
    watched.configure(f"greeting: {{reference: '{watched.reference()}', as: registry.example.com/other/a}}")
    assert told(watched.round())[-1] == "refused"
    assert watched.value("verified") == 0


def test_of_many_imports_only_that_they_change_is_remembered(watched: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wasmoci.monitor.judge._MAX_IMPORTS_SIZE", 1)
    for name in ("one", "two"):
        watched.push(fully_signed(signed(wat(f'(component (import "{name}" (func)))'))))
        events = watched.round()
    (message,) = [event.message for event in events if event.what is What.IMPORTS_CHANGED]
    assert "added: 1 imports, sha256:" in message
    assert "two" not in message
