"""`wasm-oci image index`: the layouts of several images become one index."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from wasmoci.commands.options.common import annotation_pairs
from wasmoci.commands.options.declared import Argument, Option, command
from wasmoci.commands.report.layout import layout_report
from wasmoci.commands.report.output import Report
from wasmoci.oci.platform import Platform
from wasmoci.package.index import IndexRequest, Variant, make_index
from wasmoci.values.errors import UsageError
from wasmoci.values.image_reference import check_tag


@command(example="wasm-oci image index debug release --output index --tag v1.0.0")
def index(
    layouts: Annotated[tuple[Path, ...], Argument(required=True, metavar="LAYOUT...")],
    output: Annotated[Path, Option("The index layout's folder; must be new or empty.")],
    digest_file: Annotated[Path | None, Option("Also write the index's digest to this file.")],
    tag: Annotated[str | None, Option("The tag that the layout's index.json proposes.")],
    annotations: Annotated[tuple[str, ...], Option("Of the index. Repeatable.", "--annotation", metavar="KEY=VALUE")],
    entry_annotations: Annotated[
        tuple[tuple[Path, str], ...],
        Option("Of the entry of one LAYOUT. Repeatable.", "--entry-annotation", metavar="LAYOUT KEY=VALUE"),
    ],
    entry_platforms: Annotated[
        tuple[tuple[Path, str], ...],
        Option(
            "The platform of the entry of one LAYOUT, as wasip2/wasm. Repeatable.",
            "--entry-platform",
            metavar="LAYOUT OS/ARCHITECTURE[/VARIANT]",
        ),
    ],
) -> Report:
    """Make one OCI index of the images in the LAYOUTs, in their order, with all that is attached to them.

    What tells the variants apart is said by the annotations and platforms of their entries. The index is
    not signed by this: sign the layout that it makes.
    """
    said = _by_layout(layouts, entry_annotations)
    platforms = _by_layout(layouts, entry_platforms)
    request = IndexRequest(
        variants=[
            Variant(layout, annotation_pairs(said.get(layout, ())), _platform(layout, platforms.get(layout, ())))
            for layout in layouts
        ],
        output=output,
        annotations=annotation_pairs(annotations),
        ref_name=None if tag is None else check_tag(tag),
    )
    return layout_report(output, str(make_index(request).digest), digest_file)


def _by_layout(layouts: Sequence[Path], pairs: Sequence[tuple[Path, str]]) -> Mapping[Path, list[str]]:
    found: dict[Path, list[str]] = {}
    for layout, text in pairs:
        if layout not in layouts:
            raise UsageError(f"{layout} is no LAYOUT of the index, so nothing can be said of its entry")
        found.setdefault(layout, []).append(text)
    return found


def _platform(layout: Path, texts: Sequence[str]) -> Platform | None:
    if len(texts) > 1:
        raise UsageError(f"{layout} has more than one platform")
    return Platform.of(texts[0]) if texts else None
