"""A first policy: one that asks for what images have as they are now.

Keys are in no image, so those are asked for that are given and signed. Identities are in certificates, which are
verified; that they are the right ones is taken on faith.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wasmoci.keys.reference import has_scheme
from wasmoci.oci.graph import ImageGraph
from wasmoci.policy.choice import today
from wasmoci.policy.claimed import claimed_identities
from wasmoci.policy.document import read_document
from wasmoci.policy.evaluation import rule_policy
from wasmoci.policy.file import API_VERSION, PolicyFile
from wasmoci.policy.imports import ImportPattern
from wasmoci.policy.named_files import NamedFiles
from wasmoci.policy.signers import Signer, read_signers
from wasmoci.policy.trusted import image_trust
from wasmoci.values.errors import Error, VerificationError
from wasmoci.values.level import Level
from wasmoci.values.text import excerpt
from wasmoci.verify.index import VerifiedIndex, verify_graph
from wasmoci.verify.policy import Policy, Verified

_NAME = "the new policy"
_LAYERS = ("component", "image")

# The images of each repository, host[:port]/path.
Images = Mapping[str, Sequence[ImageGraph]]


@dataclass(frozen=True, slots=True)
class Given:
    """What is said of the signers: files with component keys, OCI keys as files or references, and a trusted root."""

    component_keys: Sequence[Path]
    image_keys: Sequence[str]
    trusted_root: Path | None


@dataclass(frozen=True, slots=True)
class FirstPolicy:
    """The text of the file, the signers that are in it on faith, and the layers that a rule of it asks nothing of."""

    text: str
    on_faith: Sequence[str]
    unasked: Sequence[str]


@dataclass(slots=True)
class _Draft:
    """A rule: by layer the names of those who signed all images, the imports of all, and what else is required."""

    repository: str
    signers: Mapping[str, Sequence[str]]
    imports: Sequence[str] | None
    required: list[str] = field(default_factory=list)


def first_policy(images: Images, given: Given, folder: Path) -> FirstPolicy:
    """The policy of a file in `folder`, which these images meet.

    Error where nobody can be named who signed an image, where a given key signed none, and where a name cannot be
    written so that it means nothing else; VerificationError for an image that is malformed.
    """
    written = dict(_written_signers(images, given, folder))
    if not written:
        raise _nobody(", ".join(images))
    signers = read_signers(read_document(_mapping(written).encode(), _NAME), NamedFiles(folder))
    drafts = [_draft(repository, graphs, signers, given) for repository, graphs in images.items()]
    for name, members in written.items():
        if not any(name in names for draft in drafts for names in draft.signers.values()):
            raise Error(f"{[*members.values()][-1]} did not sign all images of a repository")
    head = _signers_text(written, given, folder)
    for draft in drafts:
        own = {draft.repository: images[draft.repository]}
        for member in _requirable(draft, given):
            draft.required.append(member)
            if not _is_met(head + _rules_text([draft]), own, folder):
                draft.required.pop()
    text = head + _rules_text(drafts)
    _check(text, images, folder)
    on_faith = [name for name in written if signers[name].identity is not None]
    unasked = [layer for layer in _LAYERS if not all(layer in draft.signers for draft in drafts)]
    return FirstPolicy(_comment(images, drafts, on_faith) + text, on_faith, unasked)


def _written_signers(images: Images, given: Given, folder: Path) -> Iterator[tuple[str, Mapping[str, str]]]:
    """By name the members of those who may have signed."""
    for number, path in enumerate(given.component_keys, 1):
        yield f"component{number}", {"componentKey": _from(folder, str(path))}
    for number, text in enumerate(given.image_keys, 1):
        yield f"image{number}", {"imageKey": text if has_scheme(text) else _from(folder, text)}
    if given.image_keys:
        return
    claimed = claimed_identities(graph for graphs in images.values() for graph in graphs)
    for number, identity in enumerate(claimed, 1):
        if "*" in identity.san:
            raise Error(f"a certificate names {excerpt(identity.san)!r}, and in a policy * stands for other text")
        yield f"identity{number}", {"issuer": identity.issuer, "identity": identity.san}


def _draft(repository: str, graphs: Sequence[ImageGraph], signers: Mapping[str, Signer], given: Given) -> _Draft:
    component = {key.fingerprint: name for name, signer in signers.items() if (key := signer.component_key) is not None}
    image = {principal: name for name, signer in signers.items() if (principal := signer.image_principal) is not None}
    policy = Policy(
        Level.NONE,
        [signer.component_key for signer in signers.values() if signer.component_key is not None],
        image_trust([*signers.values()], given.trusted_root),
    )
    imports: dict[str, None] = {}
    has_imports = True
    for graph in graphs:
        verdict = verify_graph(graph, policy)
        entries = verdict.entries if isinstance(verdict, VerifiedIndex) else (verdict,)
        for one in (verdict, *entries):
            principals = {signature.signer.principal for signature in one.image_signatures}
            image = {principal: name for principal, name in image.items() if principal in principals}
        for entry in entries:
            keys = {key.fingerprint for key in entry.component_keys}
            component = {fingerprint: name for fingerprint, name in component.items() if fingerprint in keys}
            has_imports = has_imports and entry.interface is not None
            imports |= dict.fromkeys(_imports(entry))
    layers = dict(zip(_LAYERS, ([*component.values()], [*image.values()]), strict=True))
    if not any(layers.values()):
        raise _nobody(repository)
    return _Draft(
        repository,
        {layer: names for layer, names in layers.items() if names},
        _fewest(imports) if has_imports else None,
    )


def _nobody(repositories: str) -> Error:
    return Error(
        f"nobody can be named who signed all of {repositories}: keys are in no image, so give those that signed with "
        "--component-key and --oci-key"
    )


def _imports(verified: Verified) -> Iterator[str]:
    interface = verified.interface
    for name in () if interface is None else interface.imports + interface.unlisted_imports:
        ImportPattern.of_import(name)
        yield name


def _fewest(imports: Iterable[str]) -> Sequence[str]:
    """Those of them that as patterns let all in: of the versions of one track the first."""
    fewest: dict[str, ImportPattern] = {}
    for name in imports:
        pattern = ImportPattern.of_import(name)
        if not any(other.matches(name) for other in fewest.values()):
            fewest = {other: its for other, its in fewest.items() if not pattern.matches(other)} | {name: pattern}
    return [*fewest]


def _requirable(draft: _Draft, given: Given) -> Iterator[str]:
    """What may be required beyond who signed."""
    if "image" in draft.signers:
        yield "signedName"
        if given.trusted_root is not None and given.image_keys:
            yield "log"


def _is_met(text: str, images: Images, folder: Path) -> bool:
    try:
        _check(text, images, folder)
    except VerificationError:
        return False
    return True


def _check(text: str, images: Images, folder: Path) -> None:
    """Raises VerificationError where an image does not meet the policy, UsageError where it is none."""
    file = PolicyFile.parse(text.encode(), _NAME, folder)
    for repository, graphs in images.items():
        policy = rule_policy(file.rule_for(repository), file.trusted_root, today())
        for graph in graphs:
            verify_graph(graph, policy)


def _comment(images: Images, drafts: Sequence[_Draft], on_faith: Sequence[str]) -> str:
    lines = ["What these images had when this was written, and all others of their repositories must have:"]
    lines += [f"  {repository}@{graph.digest}" for repository, graphs in images.items() for graph in graphs]
    if any("@" in name for draft in drafts for name in draft.imports or ()):
        lines.append("An import fits in the version that is written here, or in a later one of its track.")
    if on_faith:
        lines.append("Taken on faith, from certificates, are the following; compare them with what the publisher says:")
        lines.append(f"  {', '.join(on_faith)}")
    return "".join(f"# {line}\n" for line in lines)


def _signers_text(written: Mapping[str, Mapping[str, str]], given: Given, folder: Path) -> str:
    root = "" if given.trusted_root is None else f"trustedRoot: {_quoted(_from(folder, str(given.trusted_root)))}\n"
    lines = "".join(f"  {name}: {_mapping(members)}\n" for name, members in written.items())
    return f"apiVersion: {API_VERSION}\n{root}signers:\n{lines}"


def _rules_text(drafts: Sequence[_Draft]) -> str:
    lines = ["rules:"]
    for draft in drafts:
        lines.append(f"- match: {_quoted(draft.repository)}")
        lines += [f"  {layer}: {{allOf: [{', '.join(names)}]}}" for layer, names in draft.signers.items()]
        lines += [f"  {member}: required" for member in draft.required]
        if draft.imports is not None:
            lines.append(f"  imports: [{', '.join(map(_quoted, draft.imports))}]")
    return "\n".join([*lines, "mode: enforce\n"])


def _mapping(members: Mapping[str, object]) -> str:
    pairs = (
        f"{name}: {_mapping(value) if isinstance(value, Mapping) else _quoted(value)}"
        for name, value in members.items()
    )
    return f"{{{', '.join(pairs)}}}"


def _quoted(text: object) -> str:
    """A text as YAML and JSON have it."""
    return json.dumps(text, ensure_ascii=False)


def _from(folder: Path, path: str) -> str:
    return Path(os.path.relpath(path, folder)).as_posix()
