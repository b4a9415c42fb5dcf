"""Layouts as the build packages them, to compare byte by byte."""

from pathlib import Path

from wasmoci.package import PackageRequest, package

ANNOTATIONS = {"org.opencontainers.image.description": "says hello", "a": "1"}


def packaged(folder: Path, component: bytes, name: str, signature: bytes | None = None) -> Path:
    """A layout as the build packages it, with everything that packaging can be told."""
    files = folder / f"{name}.files"
    files.mkdir()
    (files / "c.wasm").write_bytes(component)
    if signature is not None:
        (files / "c.sig").write_bytes(signature)
    request = PackageRequest(
        component=files / "c.wasm",
        output=folder / name,
        title="hello.wasm",
        ref_name="v1",
        annotations=ANNOTATIONS,
        author="Ada",
        created=1_700_000_000,
        signature=None if signature is None else files / "c.sig",
    )
    package(request)
    return folder / name


def files_of(path: Path) -> dict[str, bytes]:
    return {str(one.relative_to(path)): one.read_bytes() for one in path.rglob("*") if one.is_file()}
