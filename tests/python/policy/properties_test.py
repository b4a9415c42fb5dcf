"""What holds for every policy: asking for more never makes good, order never matters, and all commands agree."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from attestation_fixtures import attach_attestation
from image_fixtures import (
    OTHER_SIGNER,
    REPOSITORY,
    SIGNED_HELLO,
    SIGNER,
    MemoryImage,
    attach_blob,
    make_image,
)
from log_entry_fixtures import URL
from policy_fixtures import parsed
from sigstore_certificate_fixtures import ISSUER, SAN, Leaf, now
from timed_fixtures import attach, noon, sigstore_on
from wasmoci.cosign.statement import signature_statement
from wasmoci.oci.graph import read_image
from wasmoci.policy.evaluation import rule_policy
from wasmoci.policy.explaining import explain
from wasmoci.policy.file import PolicyFile
from wasmoci.values.errors import Error, UsageError, VerificationError
from wasmoci.values.strict_json import dump
from wasmoci.verify.image import pull
from wasmoci.verify.index import verify_root

END = now().date() - timedelta(days=30)
BEFORE, AFTER = END - timedelta(days=1), END + timedelta(days=1)
OTHER_SAN = "https://ci.example.com/acme/other"

SIGSTORE = sigstore_on(BEFORE)

MEMBERS = {
    "first": "componentKey: first.pub, imageKey: first.pem",
    "second": "componentKey: second.pub, imageKey: second.pem",
    "third": "imageKey: third.pem",
    "exact": f'issuer: "{ISSUER}", identity: "{SAN}"',
    "acme": f'issuer: "{ISSUER}", identity: "https://ci.example.com/acme/**"',
    "wide": f'issuer: "{ISSUER}", identity: "https://ci.example.com/**"',
}


def _signed() -> MemoryImage:
    image = make_image(SIGNED_HELLO)
    for day, how in ((BEFORE, "v1"), (AFTER, "")):
        SIGSTORE.clock = partial(noon, day)
        for signer in (SIGNER, OTHER_SIGNER):
            attach(image, how, SIGSTORE, signer)
        attach(image, "v1", SIGSTORE)
        for san in (SAN, OTHER_SAN):
            attach_blob(image, dump(SIGSTORE.bundle(signature_statement(image.image.digest), Leaf(san=san))))
    attach_attestation(image)
    return image


ALL = _signed()
images = st.sets(st.integers(0, len(ALL.attached) - 1), max_size=6).map(
    lambda chosen: replace(ALL, attached=[ALL.attached[number] for number in sorted(chosen)])
)
names = st.lists(st.sampled_from(sorted(MEMBERS)), unique=True, max_size=3)
ends = st.dictionaries(
    st.sampled_from(sorted(MEMBERS)),
    st.sampled_from([f"until: {END}", f"revoked: {BEFORE}", "revoked: true"]),
    max_size=2,
)
days = st.sampled_from([None, BEFORE, AFTER])


@dataclass(frozen=True)
class Policy:
    """A policy of one rule; `order` is that of the signers in the file and in the lists."""

    all_of: Sequence[str]
    any_of: Sequence[str]
    minimum: int = 1
    ends: Mapping[str, str] = field(default_factory=dict)
    more: Sequence[str] = ()
    order: Sequence[str] = tuple(MEMBERS)

    def parse(self, folder: Path) -> PolicyFile | None:
        """None where it can mean nothing."""
        members = {name: ", ".join(filter(None, [MEMBERS[name], self.ends.get(name)])) for name in self.order}
        signers = "".join(f"  {name}: {{{text}}}\n" for name, text in members.items())
        all_of, any_of = (sorted(group, key=self.order.index) for group in (self.all_of, self.any_of))
        image = [f"allOf: [{', '.join(all_of)}]"] if all_of else []
        image += [f"anyOf: [{', '.join(any_of)}], minimum: {self.minimum}"] if any_of else []
        rule = "\n  ".join([f"- match: '**'\n  image: {{{', '.join(image)}}}", *self.more])
        (folder / "root.json").write_bytes(dump(SIGSTORE.trusted_root(URL)))
        try:
            return parsed(
                f"apiVersion: wasm-oci/v1\ntrustedRoot: root.json\nsigners:\n{signers}rules:\n{rule}\n", folder
            )
        except UsageError:
            return None


def verdict(image: MemoryImage, file: PolicyFile, today: date | None) -> str:
    """`verified`, `refused`, or `unknown`."""
    try:
        verify_root(image, rule_policy(file.rule_for(REPOSITORY), file.trusted_root, today))
    except VerificationError:
        return "refused"
    except Error:
        return "unknown"
    return "verified"


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    all_of = draw(names)
    any_of = [name for name in draw(names) if name not in all_of]
    return Policy(all_of, any_of, draw(st.integers(1, 2)), draw(ends))


MORE = [
    "imports: []",
    "annotations: {a: b}",
    "signedName: required",
    "log: required",
    "attestations: [{type: cyclonedx, by: [first]}]",
    "component: {anyOf: [first]}",
    "component: {allOf: [second]}",
]


@st.composite
def stricter(draw: st.DrawFn, policy: Policy) -> Policy:
    """The same policy, which asks for one thing more."""
    kind = draw(st.sampled_from(["all_of", "minimum", "end", "more"]))
    if kind == "all_of":
        others = [name for name in MEMBERS if name not in (*policy.all_of, *policy.any_of)]
        return replace(policy, all_of=[*policy.all_of, draw(st.sampled_from(others))]) if others else policy
    if kind == "minimum":
        return replace(policy, minimum=policy.minimum + 1)
    if kind == "end":
        others = [name for name in MEMBERS if name not in policy.ends]
        end = draw(st.sampled_from([f"until: {END}", "revoked: true"]))
        return replace(policy, ends={**policy.ends, draw(st.sampled_from(others)): end})
    return replace(policy, more=[draw(st.sampled_from(MORE))])


@settings(max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), image=images, policy=policies(), today=days)
def test_asking_for_more_never_makes_good(
    data: st.DataObject,
    image: MemoryImage,
    policy: Policy,
    today: date | None,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.getbasetemp()
    more = data.draw(stricter(policy)).parse(folder)
    file = policy.parse(folder)
    if more is not None and file is not None and verdict(image, more, today) == "verified":
        assert verdict(image, file, today) == "verified"


@settings(max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(image=images, policy=policies(), today=days, order=st.permutations(list(MEMBERS)), turned=st.booleans())
def test_order_never_matters(
    image: MemoryImage,
    policy: Policy,
    today: date | None,
    order: Sequence[str],
    turned: bool,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.getbasetemp()
    file, other = policy.parse(folder), replace(policy, order=order).parse(folder)
    assert (file is None) == (other is None)
    if file is not None and other is not None:
        shuffled = replace(image, attached=image.attached[::-1] if turned else image.attached)
        assert verdict(image, file, today) == verdict(shuffled, other, today)


@settings(max_examples=40, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(image=images, policy=policies(), more=st.lists(st.sampled_from(MORE[:6]), unique=True, max_size=2), today=days)
def test_the_same_policy_gives_the_same_verdict_wherever_it_is_asked(
    image: MemoryImage,
    policy: Policy,
    more: Sequence[str],
    today: date | None,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.getbasetemp()
    file = replace(policy, more=more).parse(folder)
    if file is None:
        return
    found = verdict(image, file, today)
    rule = file.rule_for(REPOSITORY)
    output = folder / "pulled.wasm"
    try:
        pull(read_image(image), rule_policy(rule, file.trusted_root, today), output)
        pulled = "verified"
    except VerificationError:
        pulled = "refused"
    except Error:
        pulled = "unknown"
    assert pulled == found
    assert output.exists() == (found == "verified")
    output.unlink(missing_ok=True)
    if today is not None:
        explained = explain(read_image(image), rule, file.trusted_root, today)
        assert explained.is_met == (found == "verified")


def test_all_kinds_of_verdicts_come_up(tmp_path: Path) -> None:
    for policy, today, expected in (
        (Policy(["third", "exact"], []), None, "verified"),
        (Policy([], ["second"], ends={"second": f"until: {END}"}, more=["log: required"]), None, "verified"),
        (Policy(["wide", "acme"], ["exact"]), None, "refused"),
        (Policy(["wide", "exact"], []), None, "verified"),
        (Policy(["exact"], [], ends={"wide": "revoked: true"}), None, "refused"),
    ):
        file = policy.parse(tmp_path)
        assert file is not None
        assert verdict(ALL, file, today) == expected
