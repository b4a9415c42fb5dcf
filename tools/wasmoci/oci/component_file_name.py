"""The file name of a component that is written into a folder, from what an image says of it."""

import re

from wasmoci.values.text import excerpt

_SUFFIX = ".wasm"
_TITLE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,122}\.wasm")

# Names that are devices in every folder of Windows, whatever follows the first dot.
_DEVICES = re.compile(r"(?:aux|con|nul|prn|(?:com|lpt)[0-9])", re.IGNORECASE)


def component_file_name(title: str | None, path: str) -> tuple[str, str | None]:
    """The layer's title where it is a plain name that ends in `.wasm`, else one from the repository's path, as wkg's.

    The second value says why a title is passed over. A title comes from whoever made the image: it
    neither leaves the folder nor hides in it, nor is an option of a program that finds it there.
    """
    fallback = path.replace("/", "_") + _SUFFIX
    if title is None:
        return fallback, None
    if not _TITLE.fullmatch(title) or _DEVICES.fullmatch(title.partition(".")[0]):
        return fallback, f"the layer's title is no plain name of a .wasm file, so it is not used: {excerpt(title)!r}"
    return title, None
