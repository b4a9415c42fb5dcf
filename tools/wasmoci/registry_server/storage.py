"""What the embedded registry keeps, in a folder that may be looked at and opened again.

blobs/<hex>                                      bytes of blobs and manifests
uploads/<id>                                     bytes of unfinished uploads
repositories/<repository>/_blobs/<hex>           empty: the repository has this blob
repositories/<repository>/_manifests/<hex>       the manifest's media type
repositories/<repository>/_tags/<tag>            the digest
repositories/<repository>/_referrers/<hex>/<hex> the descriptor of a referrer, below its subject
"""

import json
import secrets
import threading
from collections.abc import Iterable
from pathlib import Path

from wasmoci.oci.manifest import (
    INDEX_MEDIA_TYPE,
    MANIFEST_MEDIA_TYPE,
    MAX_INDEX_ENTRIES,
    MAX_LAYERS,
    MAX_MANIFEST_SIZE,
    Descriptor,
    Index,
    Manifest,
    referrer_descriptor,
)
from wasmoci.values.digest import Digest
from wasmoci.values.errors import FormatError
from wasmoci.values.strict_json import JsonObject, parse_object

_UPLOAD_ID_BYTES = 16


class RefusedError(Exception):
    """The request is answered with this HTTP status and this code of the distribution-spec."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Storage:
    """Content of all repositories. Names are checked by the caller: they become file names."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # Callers hold it while something changes and Handler.changed is called: calls come in the order of changes.
        self.lock = threading.Lock()
        for name in ("blobs", "uploads", "repositories"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    def blob(self, repository: str, digest: Digest) -> Path | None:
        """The file with a blob's bytes."""
        linked = (self._repository(repository) / "_blobs" / digest.hex).exists()
        return self._folder / "blobs" / digest.hex if linked else None

    def manifest(self, repository: str, reference: str | Digest) -> tuple[str, Digest, bytes] | None:
        """Media type, digest and bytes of the manifest at a tag or digest."""
        digest = reference if isinstance(reference, Digest) else self._tagged(repository, reference)
        if digest is None or not self._manifest_file(repository, digest).exists():
            return None
        media_type = self._manifest_file(repository, digest).read_text()
        return media_type, digest, (self._folder / "blobs" / digest.hex).read_bytes()

    def tags(self, repository: str) -> dict[str, Digest]:
        return {file.name: Digest.parse(file.read_text()) for file in self._entries(repository, "_tags")}

    def _tagged(self, repository: str, tag: str) -> Digest | None:
        file = self._repository(repository) / "_tags" / tag
        return Digest.parse(file.read_text()) if file.exists() else None

    def has_repository(self, repository: str) -> bool:
        return self._repository(repository).is_dir()

    def referrers(self, repository: str, subject: Digest) -> list[dict[str, object]]:
        """Descriptors of the manifests with this subject, as JSON members."""
        return [json.loads(file.read_bytes()) for file in self._entries(repository, f"_referrers/{subject.hex}")]

    def start_upload(self) -> str:
        upload = secrets.token_hex(_UPLOAD_ID_BYTES)
        (self._folder / "uploads" / upload).touch()
        return upload

    def upload(self, upload: str) -> Path:
        """The file with the bytes received so far; raise RefusedError where there is no such upload."""
        file = self._folder / "uploads" / upload
        if not file.is_file():
            raise RefusedError(404, "BLOB_UPLOAD_UNKNOWN", "no such upload")
        return file

    def finish_upload(self, upload: str, repository: str, digest: Digest) -> None:
        """Make an upload a blob; raise RefusedError, and drop it, unless it has `digest`."""
        file = self.upload(upload)
        with file.open("rb") as stream:
            actual = Digest.of_stream(stream)
        if actual != digest:
            file.unlink()
            raise RefusedError(400, "DIGEST_INVALID", f"the content has digest {actual}, not {digest}")
        file.replace(self._folder / "blobs" / digest.hex)
        self._write(self._repository(repository) / "_blobs" / digest.hex, b"")

    def mount(self, digest: Digest, source: str, repository: str) -> bool:
        """Let `repository` have a blob of the repository `source`; return whether that has it."""
        if self.blob(source, digest) is None:
            return False
        self._write(self._repository(repository) / "_blobs" / digest.hex, b"")
        return True

    def put_manifest(self, repository: str, reference: str | Digest, media_type: str, data: bytes) -> Digest | None:
        """Keep a manifest whose content is there already; return its subject.

        Raises RefusedError for a digest that is not that of `data`, and for missing content.
        """
        digest = Digest.of(data)
        if isinstance(reference, Digest) and reference != digest:
            raise RefusedError(400, "DIGEST_INVALID", f"the manifest has digest {digest}, not {reference}")
        subject = self._check_manifest(repository, media_type, data)
        self._write(self._folder / "blobs" / digest.hex, data)
        self._write(self._manifest_file(repository, digest), media_type.encode())
        if subject is not None:
            self._add_referrer(repository, subject, media_type, data)
        if isinstance(reference, str):
            self._write(self._repository(repository) / "_tags" / reference, str(digest).encode())
        return subject

    def _check_manifest(self, repository: str, media_type: str, data: bytes) -> Digest | None:
        """Every manifest type has the same members for what it refers to; return the subject."""
        try:
            top = parse_object(data, "the manifest", MAX_MANIFEST_SIZE)
            if top.optional_string("mediaType") not in (None, media_type):
                raise FormatError(f"`mediaType` is not the Content-Type {media_type}")
            blobs = [top.object("config")] if "config" in top else []
            blobs += top.objects("layers", MAX_LAYERS) if "layers" in top else []
            children = top.objects("manifests", MAX_INDEX_ENTRIES) if "manifests" in top else []
            subject = top.optional_object("subject")
            missing = [blob for blob in map(_digest, blobs) if self.blob(repository, blob) is None]
            missing += [
                child for child in map(_digest, children) if not self._manifest_file(repository, child).exists()
            ]
            subject_digest = None if subject is None else _digest(subject)
        except FormatError as error:
            raise RefusedError(400, "MANIFEST_INVALID", str(error)) from None
        if missing:
            raise RefusedError(400, "MANIFEST_BLOB_UNKNOWN", f"the repository has no {missing[0]}")
        return subject_digest

    def _add_referrer(self, repository: str, subject: Digest, media_type: str, data: bytes) -> None:
        if media_type == MANIFEST_MEDIA_TYPE:
            descriptor = referrer_descriptor(Manifest.parse(data), data)
        elif media_type == INDEX_MEDIA_TYPE:
            descriptor = referrer_descriptor(Index.parse(data), data)
        else:
            descriptor = Descriptor.of(media_type, data)
        file = self._repository(repository) / "_referrers" / subject.hex / descriptor.digest.hex
        self._write(file, json.dumps(descriptor.to_json()).encode())

    def _repository(self, repository: str) -> Path:
        return self._folder / "repositories" / repository

    def _entries(self, repository: str, path: str) -> list[Path]:
        """What is in a folder of the repository, by name; none where there is no such folder."""
        return sorted((self._repository(repository) / path).glob("*"))

    def _manifest_file(self, repository: str, digest: Digest) -> Path:
        return self._repository(repository) / "_manifests" / digest.hex

    def _write(self, file: Path, data: bytes) -> None:
        """Write a file that is never seen half-written."""
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._folder / "uploads" / self.start_upload()
        temporary.write_bytes(data)
        temporary.replace(file)


def append(file: Path, blocks: Iterable[bytes]) -> int:
    """Append all `blocks` to `file`; return its new size in bytes."""
    with file.open("ab") as target:
        for block in blocks:
            target.write(block)
        return target.tell()


def _digest(descriptor: JsonObject) -> Digest:
    return Digest.parse(descriptor.string("digest"))
