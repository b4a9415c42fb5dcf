"""The rules of a policy file: each says what images of some repositories must have."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from wasmoci.cosign.predicate_type import SLSA_PROVENANCE_V1, predicate_type
from wasmoci.keyless.identity import EndedIdentity
from wasmoci.policy.baseline import NamedBaseline
from wasmoci.policy.document import Node, Place
from wasmoci.policy.imports import ImportPattern
from wasmoci.policy.names import SignedName, repositories_text
from wasmoci.policy.patterns import covers, example, matches
from wasmoci.policy.signers import Signer
from wasmoci.values.errors import Error, UsageError
from wasmoci.values.host import registry_key, registry_spellings
from wasmoci.values.image_reference import Repository
from wasmoci.values.text import excerpt

_MAX_PATTERN_LENGTH = 600
_MEMBERS = ("match", "component", "image", "annotations", "attestations", "imports", "baseline", "log", "signedName")


@dataclass(frozen=True, slots=True)
class Signed:
    """By whom a layer must be signed: by all of `all_of`, and by `minimum` of `any_of`."""

    place: Place
    all_of: tuple[Signer, ...]
    any_of: tuple[Signer, ...]
    minimum: int

    @property
    def signers(self) -> tuple[Signer, ...]:
        return self.all_of + self.any_of


@dataclass(frozen=True, slots=True)
class Attested:
    """What must be attested of the image: a statement of the type, a URI, by all of `by`."""

    place: Place
    predicate_type: str
    by: tuple[Signer, ...]
    builder: str | None = None


@dataclass(frozen=True, slots=True)
class Imports:
    """What a component may import; without patterns nothing."""

    place: Place
    patterns: Sequence[ImportPattern]


@dataclass(frozen=True, slots=True)
class Rule:
    """What images of the repositories that `pattern` matches must have.

    `imports` and `baseline` None ask nothing of imports. `name` says for which repository signatures of the image must
    be; of the rule for one image `signed_name` is that. `asked_at` is where it asks something of signatures of images.
    `identities` are all signers of the file that are one.
    """

    place: Place
    pattern: str
    component: Signed | None
    image: Signed | None
    annotations: Mapping[str, str] = field(default_factory=dict)
    attestations: Sequence[Attested] = ()
    imports: Imports | None = None
    baseline: NamedBaseline | None = None
    log_required: bool = False
    name: SignedName | None = None
    signed_name: Repository | None = None
    asked_at: Mapping[str, Place] = field(default_factory=dict)
    identities: Sequence[Signer] = ()

    def in_repository(self, repository: str) -> "Rule":
        """The rule for an image that is there."""
        return self if self.name is None else replace(self, signed_name=self.name.of(repository))

    @property
    def ended(self) -> list[EndedIdentity]:
        """The identities of the file that have an end."""
        return [ended for signer in self.identities if (ended := signer.ended_identity) is not None]

    @property
    def signers(self) -> Iterator[Signer]:
        """All whom it names, some of them several times."""
        for signed in (self.component, self.image):
            yield from () if signed is None else signed.signers
        for attested in self.attestations:
            yield from attested.by

    def matches(self, repository: str) -> bool:
        """Whether the pattern matches the repository, however its registry is spelled."""
        registry, _, path = repository.partition("/")
        return any(matches(self.pattern, f"{host}/{path}") for host in registry_spellings(registry))


def read_rules(node: Node, signers: Mapping[str, Signer]) -> tuple[Rule, ...]:
    """The rules in their order; UsageError with the place of the fault, also for one that an earlier one hides."""
    rules: list[Rule] = []
    for item in node.items():
        rule = _read_rule(item, signers)
        for earlier in rules:
            if covers(earlier.pattern, rule.pattern):
                raise rule.place.error(
                    f"the rule of line {earlier.place.line} matches whatever this one matches, and the first counts: "
                    "put this one before it"
                )
        rules.append(rule)
    for named in [rule.baseline for rule in rules if rule.baseline is not None]:
        if not any(rule.matches(str(named.reference.repository)) for rule in rules):
            raise named.place.error("no rule matches its repository, so nothing can be compared with it")
    return tuple(rules)


def _read_rule(node: Node, signers: Mapping[str, Signer]) -> Rule:
    members = node.members(_MEMBERS)
    if "match" not in members:
        raise node.place.error("it has no match, which says for which repositories it is")
    component, image = (_read_signed(layer, members.get(layer), signers) for layer in ("component", "image"))
    if component is None and image is None:
        raise node.place.error("it has neither component nor image, and so asks for no signature")
    of_signatures = {name: members[name] for name in ("annotations", "signedName", "log") if name in members}
    if image is None:
        for asked in of_signatures.values():
            raise asked.place.error("it is asked of image signatures, and the rule has no image")
    annotations, attestations = members.get("annotations"), members.get("attestations")
    if "log" in members:
        members["log"].choice(["required"])
    pattern = _read_match(members["match"])
    return Rule(
        place=members["match"].place,
        pattern=pattern,
        component=component,
        image=image,
        annotations={} if annotations is None else {n: value.literal() for n, value in annotations.members().items()},
        attestations=[] if attestations is None else [_read_attested(item, signers) for item in attestations.items()],
        imports=_read_imports(members["imports"]) if "imports" in members else None,
        baseline=NamedBaseline.read(members["baseline"]) if "baseline" in members else None,
        log_required="log" in members,
        name=SignedName.read(members["signedName"], pattern) if "signedName" in members else None,
        asked_at={name: node.place for name, node in of_signatures.items()},
        identities=[signer for signer in signers.values() if signer.identity is not None],
    )


def _read_match(node: Node) -> str:
    text = repositories_text(node)
    head, slash, path = text.partition("/")
    if len(text) > _MAX_PATTERN_LENGTH:
        raise node.place.error(f"a pattern of repositories has at most {_MAX_PATTERN_LENGTH} characters")
    if not text.startswith("**") and (not slash or not head):
        raise node.place.error(f"it matches repositories, HOST/PATH, and this has no host: {excerpt(text)!r}")
    if "@" in text or ":" in text.rpartition("/")[2]:
        raise node.place.error(f"it matches repositories, which have no tag and no digest: {excerpt(text)!r}")
    if not text.startswith("**"):
        try:
            Repository.parse(example(text))
        except UsageError as error:
            raise node.place.error(f"{excerpt(text)!r} matches no repository: {error}") from None
    return f"{registry_key(head).removesuffix(':443')}{slash}{path}"


def _read_signed(layer: str, node: Node | None, signers: Mapping[str, Signer]) -> Signed | None:
    if node is None:
        return None
    members = node.members(("allOf", "anyOf", "minimum"))
    if "allOf" not in members and "anyOf" not in members:
        raise node.place.error("it says allOf, anyOf or both")
    all_of = _all_named(members.get("allOf"), signers, layer)
    any_of = _named(members.get("anyOf"), signers, layer)
    for signer in any_of:
        if signer in all_of:
            raise members["anyOf"].place.error(f"{signer.name!r} must sign in any case, allOf says")
    minimum = members.get("minimum")
    able = sum(not signer.is_revoked for signer in any_of)
    if any_of and not able:
        raise members["anyOf"].place.error("all of these are revoked, so it cannot be met")
    if minimum is None:
        return Signed(node.place, all_of, any_of, 1 if any_of else 0)
    if not any_of:
        raise minimum.place.error("it counts signers of anyOf, and there is no anyOf")
    if minimum.number() > able:
        raise minimum.place.error(f"it cannot be reached: anyOf has {able} signers who are not revoked")
    return Signed(node.place, all_of, any_of, minimum.number())


def _named(node: Node | None, signers: Mapping[str, Signer], layer: str) -> tuple[Signer, ...]:
    """The signers of a list of names, each of whom can sign the layer."""
    found: list[Signer] = []
    for item in () if node is None else node.items():
        name = item.text()
        if name not in signers:
            raise item.place.error(f"no such signer: {excerpt(name)!r}; there are {', '.join(signers)}")
        signer = signers[name]
        if signer in found:
            raise item.place.error(f"{name!r} is given twice")
        if (signer.component_key if layer == "component" else signer.image_principal) is None:
            raise item.place.error(f"{name!r} has no {layer}Key, so it cannot sign a {layer}")
        found.append(signer)
    return tuple(found)


def _all_named(node: Node | None, signers: Mapping[str, Signer], layer: str) -> tuple[Signer, ...]:
    """The same of a list of which all must sign."""
    found = _named(node, signers, layer)
    revoked = [signer.name for signer in found if signer.is_revoked]
    if revoked and node is not None:
        raise node.place.error(f"these are revoked, so it cannot be met: {', '.join(revoked)}")
    return found


def _read_attested(node: Node, signers: Mapping[str, Signer]) -> Attested:
    members = node.members(("type", "by", "builder"))
    for name in ("type", "by"):
        if name not in members:
            raise node.place.error(f"it has no {name}")
    try:
        kind = predicate_type(members["type"].literal())
    except Error as error:
        raise members["type"].place.error(str(error)) from None
    builder = members.get("builder")
    if builder is not None and kind != SLSA_PROVENANCE_V1:
        raise builder.place.error(f"a builder is named by attestations of type {SLSA_PROVENANCE_V1} only")
    by = _all_named(members["by"], signers, "image")
    return Attested(node.place, kind, by, None if builder is None else builder.literal())


def _read_imports(node: Node) -> Imports:
    patterns: list[ImportPattern] = []
    for item in node.items(may_be_empty=True):
        pattern = ImportPattern.parse(item.text())
        if pattern is None:
            raise item.place.error(f"an import is PACKAGE/INTERFACE[@VERSION] or a name, got: {excerpt(item.text())!r}")
        patterns.append(pattern)
    return Imports(node.place, patterns)
