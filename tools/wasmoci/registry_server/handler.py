"""The endpoints of the embedded registry (distribution-spec 1.1, Endpoints)."""

import re
import shutil
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from wasmoci.oci.manifest import INDEX_MEDIA_TYPE, MAX_MANIFEST_SIZE
from wasmoci.registry_server.http_server import AnsweringHandler, BadBodyError
from wasmoci.registry_server.storage import RefusedError, append
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Error
from wasmoci.values.image_reference import Repository, check_tag

# The path of a repository ends where one of these words begins; `_` cannot start a part of its name.
_ROUTE = re.compile(
    r"/v2/(?P<repository>.+?)/(?:"
    r"(?P<uploads>blobs/uploads)/(?P<upload>[0-9a-f]*)|"
    r"blobs/(?P<blob>[^/]+)|"
    r"manifests/(?P<manifest>[^/]+)|"
    r"referrers/(?P<subject>[^/]+)|"
    r"(?P<tags>tags/list))"
)


class Handler(AnsweringHandler):
    """What a group of _ROUTE has matched is asked with a method: a blob with GET in `_blob_get`, and so on."""

    def handle_request(self) -> None:
        self.take_body()
        url = urlsplit(self.path)
        self._query = dict(parse_qsl(url.query))
        try:
            self.route(url.path)
        except RefusedError as refused:
            self.refuse(refused.status, refused.code, str(refused))
        except BadBodyError as error:
            self.close_connection = True
            self.refuse(400, "SIZE_INVALID", str(error))
        except Error as error:
            self.refuse(400, "UNSUPPORTED", str(error))

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = handle_request  # noqa: N815

    def route(self, path: str) -> None:
        match = _ROUTE.fullmatch(path)
        if match is None and path not in ("/v2", "/v2/"):
            raise RefusedError(404, "UNSUPPORTED", "no such endpoint")
        self.repository = match["repository"] if match else ""
        if match:
            Repository.parse(f"localhost/{self.repository}")
        self.dispatch(match)

    def dispatch(self, match: re.Match[str] | None) -> None:
        """Answer what was asked of `repository`; of none, that there is this API."""
        if match is None:
            self.answer_json(200, {})
            return
        kind = "uploads" if match["uploads"] and not match["upload"] else str(match.lastgroup)
        endpoint = getattr(self, f"_{kind}_{self.command.lower()}", None)
        if endpoint is None:
            raise RefusedError(405, "UNSUPPORTED", f"no {self.command} here")
        endpoint(match[kind])

    def changed(self) -> None:
        """Called after each change of `repository`, one call at a time and in order."""

    def _uploads_post(self, _: str) -> None:
        if "mount" in self._query and self.mount(Digest.parse(self._query["mount"]), self._query.get("from", "")):
            return
        upload = self.server.storage.start_upload()
        if "digest" in self._query:
            self._upload_put(upload)
        else:
            self._answer_upload(202, upload, 0)

    def mount(self, digest: Digest, source: str) -> bool:
        """Take over a blob of the repository `source`; answers if there is one."""
        storage = self.server.storage
        if not source:
            return False
        with storage.lock:
            if not storage.mount(digest, Repository.parse(f"localhost/{source}").path, self.repository):
                return False
            self.changed()
        self._answer_created(f"blobs/{digest}", digest)
        return True

    def _upload_get(self, upload: str) -> None:
        self._answer_upload(204, upload, self.server.storage.upload(upload).stat().st_size)

    def _upload_patch(self, upload: str) -> None:
        self._answer_upload(202, upload, self._append(upload))

    def _upload_put(self, upload: str) -> None:
        storage = self.server.storage
        digest = Digest.parse(self._query.get("digest", ""))
        self._append(upload)
        with storage.lock:
            storage.finish_upload(upload, self.repository, digest)
            self.changed()
        self._answer_created(f"blobs/{digest}", digest)

    def _append(self, upload: str) -> int:
        """Add the body, a chunk or the last one, to an upload; return the upload's new size in bytes."""
        file = self.server.storage.upload(upload)
        at = re.match(r"(?:bytes[ =])?([0-9]+)-", self.headers.get("Content-Range", ""))
        if at is not None and int(at[1]) != file.stat().st_size:
            raise RefusedError(416, "BLOB_UPLOAD_INVALID", "the chunk does not begin where the last ended")
        return append(file, self.body)

    def _upload_delete(self, upload: str) -> None:
        self.server.storage.upload(upload).unlink()
        self.answer(204, {})

    def _blob_get(self, digest_text: str) -> None:
        digest = Digest.parse(digest_text)
        file = self.server.storage.blob(self.repository, digest)
        if file is None:
            raise RefusedError(404, "BLOB_UNKNOWN", f"the repository has no blob {digest}")
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Length": str(file.stat().st_size),
            "Docker-Content-Digest": str(digest),
        }
        with file.open("rb") as source:
            self.head(200, headers)
            if self.command != "HEAD":
                shutil.copyfileobj(source, self.wfile)

    _blob_head = _blob_get

    def _manifest_get(self, reference: str) -> None:
        found = self.server.storage.manifest(self.repository, _reference(reference))
        if found is None:
            raise RefusedError(404, "MANIFEST_UNKNOWN", f"the repository has no manifest {reference}")
        media_type, digest, data = found
        self.answer(200, {"Content-Type": media_type, "Docker-Content-Digest": str(digest)}, data)

    _manifest_head = _manifest_get

    def _manifest_put(self, reference: str) -> None:
        storage = self.server.storage
        data = self.body.read_all(MAX_MANIFEST_SIZE)
        media_type = self.headers.get("Content-Type", "")
        with storage.lock:
            subject = storage.put_manifest(self.repository, _reference(reference), media_type, data)
            self.changed()
        extra = {"OCI-Subject": str(subject)} if subject and self.server.referrers_api else {}
        self._answer_created(f"manifests/{reference}", Digest.of(data), extra)

    def _subject_get(self, subject: str) -> None:
        if not self.server.referrers_api:
            raise RefusedError(404, "UNSUPPORTED", "no referrers API here")
        manifests = self.server.storage.referrers(self.repository, Digest.parse(subject))
        headers = {"Content-Type": INDEX_MEDIA_TYPE}
        wanted = self._query.get("artifactType")
        if wanted is not None:
            manifests = [manifest for manifest in manifests if manifest.get("artifactType") == wanted]
            headers["OCI-Filters-Applied"] = "artifactType"
        self.answer_json(200, {"schemaVersion": 2, "mediaType": INDEX_MEDIA_TYPE, "manifests": manifests}, headers)

    def _tags_get(self, _: str) -> None:
        if not self.server.storage.has_repository(self.repository):
            raise RefusedError(404, "NAME_UNKNOWN", "no such repository")
        tags = [tag for tag in self.server.storage.tags(self.repository) if tag > self._query.get("last", "")]
        count = int(self._query["n"]) if self._query.get("n", "").isdecimal() else len(tags)
        headers = {}
        if 0 < count < len(tags):
            headers["Link"] = f'</v2/{self.repository}/tags/list?n={count}&last={tags[count - 1]}>; rel="next"'
        self.answer_json(200, {"name": self.repository, "tags": tags[:count]}, headers)

    def _answer_upload(self, status: int, upload: str, size: int) -> None:
        headers = {"Location": f"/v2/{self.repository}/blobs/uploads/{upload}", "Docker-Upload-UUID": upload}
        # An empty upload has the same Range as one of a single byte; clients of the reference registry know that.
        self.answer(status, {**headers, "Range": f"0-{max(size - 1, 0)}"})

    def _answer_created(self, path: str, digest: Digest, extra: Mapping[str, str] | None = None) -> None:
        headers = {"Location": f"/v2/{self.repository}/{path}", "Docker-Content-Digest": str(digest)}
        self.answer(201, {**headers, **(extra or {})})


def _reference(text: str) -> str | Digest:
    return Digest.parse(text) if ":" in text else check_tag(text)
