"""What two looks at an image tell: each kind of change, and nothing of what stays."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from wasmoci.monitor.changes import changes, tag_moved, vanished
from wasmoci.monitor.observed import Known, Observed, Outcome, Signature

BUNDLE = Signature("sha256:1", "image", "bundle", "first", "sha256:b1")
DOUBLE = replace(BUNDLE, carrier="sha256:b2")
LEGACY = Signature("sha256:1", "image", "legacy", "first", "sha256:l")
SECOND = Signature("sha256:1", "image", "bundle", "second", "sha256:b3")
DETACHED = Signature("sha256:1", "component", "detached", "first")

GOOD = Observed(
    "sha256:1",
    ("sha256:b1", "sha256:b3", "sha256:l"),
    Outcome.VERIFIED,
    signatures=(BUNDLE, LEGACY, SECOND),
    signers={"image": (2, 1)},
    imports=("a", "b"),
)
REFUSED = replace(GOOD, outcome=Outcome.REFUSED, layer="image", reason="UNSIGNED", message="nobody")
UNREADABLE = replace(REFUSED, digest="", attached=(), signatures=())
ALONE = {"image": (1, 1)}


def without(observed: Observed, *carriers: str, signers: Mapping[str, tuple[int, int]] = GOOD.signers) -> Observed:
    return replace(
        observed,
        attached=tuple(digest for digest in observed.attached if digest not in carriers),
        signatures=tuple(made for made in observed.signatures if made.carrier not in carriers),
        signers=signers,
    )


TABLE: list[tuple[str, Observed | None, Observed, list[str]]] = [
    ("the first look at a good one", None, GOOD, []),
    ("the first look at a bad one", None, REFUSED, ["refused"]),
    ("nothing", GOOD, GOOD, []),
    ("a message alone", REFUSED, replace(REFUSED, message="others"), []),
    ("refused", GOOD, REFUSED, ["refused"]),
    ("another reason", REFUSED, replace(REFUSED, reason="NOT_LOGGED"), ["refused"]),
    ("another layer", REFUSED, replace(REFUSED, layer="component"), ["refused"]),
    ("good again", REFUSED, GOOD, ["verified"]),
    ("would be refused", GOOD, replace(REFUSED, outcome=Outcome.WOULD_REFUSE), ["would-be-refused"]),
    ("would be verified", REFUSED, replace(GOOD, outcome=Outcome.WOULD_VERIFY), ["would-be-verified"]),
    ("the tag moved", GOOD, replace(GOOD, digest="sha256:2"), ["tag-moved"]),
    ("what the tag names cannot be told", GOOD, UNREADABLE, ["refused"]),
    ("it can be told again", UNREADABLE, GOOD, ["verified"]),
    ("a signature is gone", GOOD, without(GOOD, "sha256:l"), ["signature-vanished"]),
    ("both of a signer are gone", GOOD, without(GOOD, "sha256:l", "sha256:b1"), ["signature-vanished"] * 2),
    (
        "one counts no more",
        GOOD,
        replace(GOOD, signatures=(BUNDLE, LEGACY), signers=ALONE),
        ["signature-no-longer-good", "one-from-threshold"],
    ),
    (
        "a double is gone",
        replace(GOOD, signatures=(BUNDLE, DOUBLE, LEGACY, SECOND), attached=(*GOOD.attached, "sha256:b2")),
        GOOD,
        [],
    ),
    ("the same in another manifest", GOOD, replace(GOOD, signatures=(DOUBLE, LEGACY, SECOND)), []),
    (
        "a detached one is gone",
        replace(GOOD, signatures=(DETACHED,), attached=("sha256:d",)),
        replace(GOOD, signatures=(), attached=()),
        ["signature-vanished"],
    ),
    (
        "a detached one counts no more",
        replace(GOOD, signatures=(DETACHED,), attached=("sha256:d",)),
        replace(GOOD, signatures=(), attached=("sha256:d",)),
        ["signature-no-longer-good"],
    ),
    ("a new signer", without(GOOD, "sha256:b3"), GOOD, ["signer-new"]),
    ("a known signer in another form", without(GOOD, "sha256:l"), GOOD, []),
    (
        "another image by others",
        GOOD,
        replace(GOOD, digest="sha256:2", signatures=(replace(SECOND, signer="third"),)),
        ["tag-moved", "signer-lost", "signer-lost", "signer-new"],
    ),
    ("one from the threshold", GOOD, replace(GOOD, signers=ALONE), ["one-from-threshold"]),
    ("as near as before", replace(GOOD, signers=ALONE), replace(GOOD, signers=ALONE), []),
    ("below the threshold", GOOD, replace(GOOD, signers={"image": (0, 1)}), []),
    ("other imports", GOOD, replace(GOOD, imports=("b", "c")), ["imports-changed"]),
    (
        "one in a component counts no more",
        replace(GOOD, signatures=(replace(DETACHED, format="embedded"),)),
        replace(GOOD, signatures=(), attached=()),
        ["signature-no-longer-good"],
    ),
    ("a component now", replace(GOOD, imports=None), GOOD, []),
    ("no component", GOOD, replace(GOOD, imports=None), []),
]


@pytest.mark.parametrize(("before", "now", "told"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_what_is_told(before: Observed | None, now: Observed, told: list[str]) -> None:
    assert [event.what.text for event in changes(Known(before), now)] == told


def test_what_vanished_is_kept_until_it_is_back_or_the_tag_moves() -> None:
    gone = without(GOOD, "sha256:l")
    known = Known(GOOD)
    assert vanished(known, GOOD) == ()
    known = Known(gone, vanished=vanished(known, gone))
    assert known.vanished == (LEGACY,)
    assert vanished(known, gone) == vanished(known, UNREADABLE) == (LEGACY,)
    assert vanished(known, GOOD) == ()
    assert [event.what.text for event in changes(known, GOOD)] == ["signature-back"]
    assert vanished(known, replace(gone, digest="sha256:2")) == ()


def test_a_tag_moves_from_one_image_to_another() -> None:
    moved = replace(GOOD, digest="sha256:2")
    assert tag_moved(Known(GOOD), moved)
    assert not any(tag_moved(*pair) for pair in ((Known(), GOOD), (Known(GOOD), GOOD), (Known(GOOD), UNREADABLE)))


def test_what_is_said() -> None:
    (refused,) = changes(Known(GOOD), REFUSED)
    assert refused.message == "UNSIGNED: nobody"
    assert refused.details == {"digest": "sha256:1", "layer": "image", "reason": "UNSIGNED"}
    (verified,) = changes(Known(REFUSED), GOOD)
    assert (verified.message, verified.details) == ("it meets the policy: sha256:1", {})
    (both,) = changes(Known(GOOD), replace(GOOD, imports=("b", "c")))
    assert both.message == "the imports changed, added: c; removed: a"
    assert both.details == {"added": ["c"], "removed": ["a"]}
    (more,) = changes(Known(GOOD), replace(GOOD, imports=("a", "b", "c")))
    assert more.message == "the imports changed, added: c"


def test_what_counts_no_more_has_not_vanished() -> None:
    assert vanished(Known(GOOD), replace(GOOD, signatures=())) == ()


def test_what_is_known_outlives_the_process() -> None:
    known = Known(GOOD, True, "basis", 1.5, 2.5, 3, "failing", "500", True, (LEGACY,))
    assert Known.from_json(known.to_json()) == known
    assert Known.from_json(Known().to_json()) == Known()
