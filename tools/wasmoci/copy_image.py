"""Copy an image or index with everything that belongs to it, digests and all, between registries and layouts."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from wasmoci.blob_supply import blobs_of
from wasmoci.check_copy import Verdict, check_copy
from wasmoci.errors import UsageError
from wasmoci.files import atomic_folder
from wasmoci.image_contents import Contents, ContentsSource, read_contents
from wasmoci.layout import Layout, LayoutWriter
from wasmoci.layout_contents import attached_entries, root_entry, write_contents
from wasmoci.oci import INDEX_MEDIA_TYPE
from wasmoci.progress import SILENT, Progress
from wasmoci.reference import Reference
from wasmoci.registry_source import RegistrySource
from wasmoci.send_image import Destination, Published, send_image
from wasmoci.verify import Policy, refuse_malformed
from wasmoci.verify_index import verify_root

NOTHING_VERIFIED = (
    "nothing was verified, the bytes are copied as they are: name whom you trust, "
    "as by --component-key and --oci-key, and the image is verified here and there"
)


@dataclass(frozen=True, slots=True)
class CopyPlan:
    """What copying sends; `verified` is the verdict on the source, None where nobody is trusted."""

    source: ContentsSource
    contents: Contents
    verified: Verdict | None
    warnings: Sequence[str]


def plan_copy(source: ContentsSource, policy: Policy | None, *, recursive: bool) -> CopyPlan:
    """Verify the source where there is a policy, and read what belongs to it; sends nothing.

    Raises UsageError for an index unless `recursive`, VerificationError where the policy is not met and for
    anything attached that is malformed or more than the limits allow, Error where the source cannot be read.
    """
    with refuse_malformed():
        if source.root().media_type == INDEX_MEDIA_TYPE and not recursive:
            raise UsageError("the source is an index of several images: copy it and all of them with --recursive")
        verified = None if policy is None else verify_root(source, policy)
        contents = read_contents(source)
    warnings = (NOTHING_VERIFIED,) if verified is None else verified.warnings
    return CopyPlan(source, contents, verified, warnings)


def copy_to_registry(planned: CopyPlan, destination: Destination, progress: Progress) -> Published:
    """Send what is not there, verify the copy where the source was verified, set the tags; see `send_image`."""
    client = destination.client
    check = None
    if planned.verified is not None:
        reference = Reference(client.repository, None, planned.contents.descriptor.digest)
        check = partial(check_copy, RegistrySource(reference, client), planned.verified)
    with blobs_of(planned.source) as blobs:
        return send_image(planned.contents, blobs, destination, progress, check)


def copy_to_layout(planned: CopyPlan, output: Path, ref_name: str | None, progress: Progress = SILENT) -> None:
    """Write a layout, and verify it where the source was verified, before it gets the name `output`.

    `ref_name` is the tag that it proposes. Raises Error unless `output` is new or an empty folder, and where
    something cannot be read or written; VerificationError as `check_copy`, for blobs that are not what their
    descriptors say, and where the layout could not be read again.
    """
    contents = planned.contents
    with atomic_folder(output) as folder:
        writer = LayoutWriter(folder)
        writer.start()
        with refuse_malformed():
            write_contents(writer, planned.source, contents, progress)
            writer.finish([root_entry(contents, ref_name), *attached_entries(contents, of_root=True)])
            read_contents(Layout(folder))
        if planned.verified is not None:
            check_copy(Layout(folder), planned.verified)
            progress.step("the layout is verified")
