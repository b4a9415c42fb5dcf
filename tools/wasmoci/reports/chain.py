"""What is signed by whom, as a drawing: from the tag over the manifest down to the component.

What was found wears a tick and a solid line, what is missing a cross and a dashed one, what was not looked at a
question mark and a dotted one: nothing is said by colour alone.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple
from xml.etree.ElementTree import Element

from wasmoci.reports.checked import Checked, Requirement
from wasmoci.reports.markup import tag
from wasmoci.values.digest import Digest
from wasmoci.values.text import excerpt
from wasmoci.verify.index import Verdict, VerifiedIndex
from wasmoci.verify.policy import Verified
from wasmoci.verify.signatures import ImageSignature

MAX_NODES = 30
MAX_ENTRIES = 6

_WIDTH = 300
_STEP = 44
_INDENT = 14
_HEIGHT = 34
_TEXT = 30

_STATES = {True: "met", False: "unmet", None: "unknown"}
_MARKS = {True: "M1 6l4 4 7-9", False: "M2 2l8 8m0-8l-8 8", None: "M3 4a3 3 0 1 1 3 4v1m0 2v1"}


class Node(NamedTuple):
    """A box: how deep it hangs, its two lines, whether it is as it has to be (None is not looked at), its shape."""

    depth: int
    title: str
    detail: str
    is_met: bool | None
    shape: str = "box"


def chain(checked: Checked) -> Element:
    """The drawing, which says itself in words too."""
    nodes = [*_nodes(checked)]
    if len(nodes) > MAX_NODES:
        nodes = [*nodes[: MAX_NODES - 1], Node(0, f"{len(nodes) - MAX_NODES + 1} more", "are not drawn", None)]
    words = "; ".join(f"{node.title} {node.detail}: {_STATES[node.is_met]}" for node in nodes)
    height = _STEP * len(nodes) + 4
    return tag(
        "svg",
        *_lines(nodes),
        *(_box(row, node) for row, node in enumerate(nodes)),
        class_="chain",
        viewBox=f"0 0 {_WIDTH} {height}",
        role="img",
        aria_label=excerpt(f"Chain of signatures, from the top: {words}", 2000),
    )


def _nodes(checked: Checked) -> Iterator[Node]:
    name = checked.target.rpartition("/")[2]
    if checked.component is not None:
        yield Node(0, "component file", name, True)
        for key in checked.component.keys:
            yield Node(1, "component signature", key.fingerprint, True, "pill")
    elif checked.verdict is None:
        yield Node(0, "asked for", name, None if checked.reason is None else False, "tag")
        yield from _of_requirements(checked.requirements, 1)
    else:
        yield Node(0, "asked for", name, True, "tag")
        yield from _of_verdict(checked.verdict, checked.requirements, 1)


def _of_verdict(verdict: Verdict, requirements: Sequence[Requirement], depth: int) -> Iterator[Node]:
    is_index = isinstance(verdict, VerifiedIndex)
    yield Node(depth, "index" if is_index else "manifest", _short(verdict.subject.digest), True)
    yield from _signatures(verdict.image_signatures, depth + 1)
    for each in requirements:
        if each.part == "attestations":
            yield Node(depth + 1, "attestation", each.asked, each.is_met, "flag")
    if isinstance(verdict, VerifiedIndex):
        for entry in verdict.entries[:MAX_ENTRIES]:
            yield from _of_verdict(entry, (), depth + 1)
        if len(verdict.entries) > MAX_ENTRIES:
            yield Node(
                depth + 1, f"{len(verdict.entries) - MAX_ENTRIES} more images", "are as good, and not drawn", True
            )
    else:
        yield from _component(verdict, depth + 1)


def _signatures(signatures: Sequence[ImageSignature], depth: int) -> Iterator[Node]:
    if not signatures:
        yield Node(depth, "signature", "nobody is trusted for the manifest, or none holds", None, "pill")
    for signature in signatures:
        logged = ", logged" if signature.logged else ""
        title = f"signature ({signature.format.value}{logged})"
        yield Node(depth, title, signature.signer.fingerprint, True, "pill")


def _component(verified: Verified, depth: int) -> Iterator[Node]:
    if verified.component is None:
        return
    yield Node(depth, "layer: the component", _short(verified.component), True)
    where = "beside it" if verified.component_is_detached else "in it"
    for key in verified.component_keys:
        yield Node(depth + 1, f"component signature, {where}", key.fingerprint, True, "pill")
    if not verified.component_keys:
        yield Node(depth + 1, "component signature", "nobody is trusted for it, or none holds", None, "pill")


def _of_requirements(requirements: Sequence[Requirement], depth: int) -> Iterator[Node]:
    """What was found of an image that does not hold."""
    titles = {"component": "component signature", "image": "signature", "attestations": "attestation"}
    for each in requirements:
        if each.part in titles:
            shape = "flag" if each.part == "attestations" else "pill"
            yield Node(depth, titles[each.part], each.found, each.is_met, shape)
    if not requirements:
        yield Node(depth, "manifest and component", "were not looked at", None)


def _lines(nodes: Sequence[Node]) -> Iterator[Element]:
    """From each box to the one that it hangs on."""
    for row, node in enumerate(nodes):
        parents = [above for above in range(row) if nodes[above].depth < node.depth]
        if not parents:
            continue
        parent = max(above for above in parents if nodes[above].depth == nodes[parents[-1]].depth)
        x = _INDENT * nodes[parent].depth + 10
        top, middle = _STEP * parent + _HEIGHT + 2, _STEP * row + _HEIGHT // 2 + 2
        yield tag("path", d=f"M{x} {top}V{middle}H{_INDENT * node.depth + 2}", class_="line")


def _box(row: int, node: Node) -> Element:
    x, y = _INDENT * node.depth + 2, _STEP * row + 2
    width = _WIDTH - x - 2
    mark = tag("path", d=_MARKS[node.is_met], class_="mark", transform=f"translate({x + 10} {y + 11})")
    return tag(
        "g",
        tag("path", d=_outline(node.shape, x, y, width), class_="outline"),
        mark,
        tag("text", excerpt(node.title, _TEXT), x=x + 32, y=y + 14, class_="title"),
        tag("text", excerpt(node.detail, _TEXT), x=x + 32, y=y + 27),
        class_=_STATES[node.is_met],
    )


def _outline(shape: str, x: int, y: int, width: int) -> str:
    """A box, a pill for a signature, a flag for an attestation, a label for what was asked for."""
    right, bottom, middle = x + width, y + _HEIGHT, y + _HEIGHT // 2
    if shape == "pill":
        radius = _HEIGHT // 2
        arc = f"a{radius} {radius} 0 0 1"
        return f"M{x + radius} {y}H{right - radius}{arc} 0 {_HEIGHT}H{x + radius}{arc} 0 -{_HEIGHT}z"
    if shape == "flag":
        return f"M{x} {y}H{right}L{right - 10} {middle}L{right} {bottom}H{x}z"
    if shape == "tag":
        return f"M{x} {y}H{right - 12}L{right} {middle}L{right - 12} {bottom}H{x}z"
    return f"M{x} {y}H{right}V{bottom}H{x}z"


def _short(digest: Digest) -> str:
    return f"sha256:{digest.hex[:12]}…{digest.hex[-6:]}"
