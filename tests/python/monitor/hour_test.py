"""A scripted hour: signatures are lost, tags moved, registries fail, clocks jump, and the monitor is started anew.

WASM_OCI_HOUR_IMAGES says how many more images are looked at every minute: with 1000 of them it is the whole proof.
"""

import os
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from image_fixtures import HELLO, OTHER_SIGNER, MemoryImage, attach_bundle, fully_signed, make_image
from monitor_fixtures import DROPPED, PATH, RULES, World, world
from policy_fixtures import SIGNERS
from wasm_fixtures import signed, wat
from wasmoci.monitor.watch import watch

DAY = 24 * 60 * 60
SHOP = "acme/shop"
CROWD = "acme/crowd"
MORE_IMAGES = int(os.environ.get("WASM_OCI_HOUR_IMAGES", "5"))

GREEDY = '(component (import "wasi:http/types@0.2.0" (instance)))'

ENDING = SIGNERS.replace("imageKey: first.pem", "imageKey: first.pem, until: 2026-12-20")
REVOKING = ENDING.replace("{componentKey: second.pub, imageKey: second.pem}", "{imageKey: second.pem, revoked: true}")

# By minute what is told of a target, or of none, and how often.
STORY = f"""\
3 greeting signature-vanished 1
5 greeting signature-vanished 2
5 greeting refused 1
8 greeting signature-back 3
8 greeting verified 1
12 greeting tag-moved 1
12 greeting signer-lost 1
12 greeting imports-changed 1
12 greeting one-from-threshold 1
13 greeting signer-new 1
19 greeting cannot-check 1
22 greeting checked-again 1
26 - registry-fails 1
35 - registry-back 1
36 shop tag-appeared 1
36 shop refused 1
38 shop tag-vanished 1
40 - policy-unusable 1
42 - policy-usable 1
42 - policy-changed 1
44 - policy-changed 1
44 - signer-ends-soon 1
46 - signer-ended 1
46 greeting refused 1
46 greeting one-from-threshold 1
46 shop refused 2
46 crowd refused {MORE_IMAGES}
48 - signer-ends-soon 1
48 greeting verified 1
48 shop verified 2
48 crowd verified {MORE_IMAGES}
50 - policy-changed 1
50 - signer-revoked 1
50 greeting signature-no-longer-good 1
50 greeting one-from-threshold 1
52 greeting tag-vanished 1
54 greeting tag-appeared 1
"""

# What is counted in the end, and more than nothing.
COUNTED = {
    "checks_total greeting verified": 36,
    "checks_total greeting refused": 5,
    "checks_total greeting error": 19,
    "check_errors_total greeting failing": 5,
    "check_errors_total greeting not_found": 2,
    "check_errors_total greeting policy": 2,
    "check_errors_total greeting unreachable": 10,
    "refusals_total greeting component POLICY_UNMET": 2,
    "refusals_total greeting image UNSIGNED": 3,
    "tag_changes_total greeting": 1,
    "checks_total shop verified": 92,
    "checks_total shop refused": 6,
    "checks_total shop error": 12,
    "check_errors_total shop policy": 2,
    "check_errors_total shop unreachable": 10,
    "refusals_total shop component POLICY_UNMET": 4,
    "refusals_total shop component UNSIGNED": 2,
    "checks_total crowd verified": 46 * MORE_IMAGES,
    "checks_total crowd refused": 2 * MORE_IMAGES,
    # The listing fails, and no image is asked for.
    "checks_total crowd error": 12,
    "check_errors_total crowd policy": 2,
    "check_errors_total crowd unreachable": 10,
    "refusals_total crowd component POLICY_UNMET": 2 * MORE_IMAGES,
}


def both_signed(image: MemoryImage) -> MemoryImage:
    attach_bundle(image, OTHER_SIGNER)
    return image


def script(made: World, first: MemoryImage) -> Mapping[int, Callable[[], object]]:
    """What happens before the look of a minute."""
    greedy = signed(wat(GREEDY))
    faults = made.registry.faults

    def jump(seconds: float) -> None:
        made.clock += seconds

    return {
        3: lambda: made.lose_legacy(first),
        5: lambda: made.lose_bundles(first),
        8: lambda: made.push(first),
        10: made.stop,
        12: lambda: made.push(fully_signed(greedy)),
        13: lambda: made.push(both_signed(fully_signed(greedy))),
        15: lambda: faults.update({PATH: 500}),
        16: faults.clear,
        18: lambda: faults.update({PATH: 503}),
        22: faults.clear,
        25: lambda: faults.update({"/v2/": DROPPED}),
        30: made.stop,
        35: faults.clear,
        36: lambda: made.push(make_image(HELLO), "v3", SHOP),
        38: lambda: made.lose_tag("v3", SHOP),
        40: lambda: made.set_policy("rules: ["),
        42: lambda: made.set_policy(f"# The same.\n{SIGNERS}{RULES}"),
        44: lambda: made.set_policy(ENDING + RULES),
        46: lambda: jump(40 * DAY),
        48: lambda: jump(-40 * DAY),
        50: lambda: made.set_policy(REVOKING + RULES),
        52: lambda: made.lose_tag("v1"),
        54: lambda: made.push(fully_signed(greedy)),
    }


def test_the_hour_is_told_as_it_was(tmp_path: Path) -> None:
    first = both_signed(fully_signed())
    with world(tmp_path) as made:
        made.push(first)
        for tag in ("v1", "v2", "dev"):
            made.push(fully_signed(), tag, SHOP)
        for number in range(MORE_IMAGES):
            made.push(fully_signed(), f"r{number}", CROWD)
        registry = made.registry.address
        made.configure(
            f"greeting: {{reference: '{made.reference()}'}}\n"
            f"shop: {{repository: '{registry}/{SHOP}', tags: 'v*'}}\n"
            f"crowd: {{repository: '{registry}/{CROWD}'}}\n"
        )
        actions = script(made, first)
        story: list[str] = []
        minute = 0

        def pause(seconds: float) -> bool:
            """Whether the monitor goes on; it does not where it was stopped, or the hour is over."""
            nonlocal minute
            made.clock += seconds
            minute += 1
            actions.get(minute, lambda: None)()
            return minute < 60 and made.runs

        while minute < 60:
            for events in watch(made.monitor.round, 60, 0, pause, lambda: 0):
                counted = Counter((event.target or "-", event.what.text) for event in events)
                story += [f"{minute} {target} {what} {count}" for (target, what), count in counted.items()]
        assert story == STORY.splitlines()
        assert made.totals() == COUNTED
        assert [made.value("verified", target=name) for name in ("greeting", "shop", "crowd")] == [1, 1, 1]
        assert made.value("vanished") == 0
