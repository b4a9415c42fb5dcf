"""in-toto statements about an image, that it is signed or attested: read strictly, written deterministically.

Sources: in-toto attestation framework, Statement v1; cosign 3.1.3, whose predicate type says that a statement is a
signature, and which writes attestations as v0.1, so that these are read too.
"""

import re
from collections.abc import Collection, Mapping
from typing import NamedTuple

from wasmoci.values.digest import Digest
from wasmoci.values.errors import FormatError, LimitError, Reason, UsageError, VerificationError
from wasmoci.values.strict_json import JsonObject, dump, parse_object
from wasmoci.values.text import excerpt

SIGNATURE_PREDICATE_TYPE = "https://sigstore.dev/cosign/sign/v1"

# Ours: the repository that a bundle is signed for, where a legacy payload has its `docker-reference`.
SIGNED_NAME = "vnd.rules-wasm-oci.signed-name"

MAX_SUBJECTS = 1024
MAX_SUBJECT_DIGESTS = 32

# In base64 and with what else a bundle holds, it stays below the limit of a bundle, 10 MiB.
MAX_STATEMENT_SIZE = 7 * 1024 * 1024

# The statement of a signature has no limit of its own: this is that of a bundle.
_MAX_SIGNATURE_SIZE = 10 * 1024 * 1024

# A predicate as it is given: with the white space that its statement does without.
MAX_PREDICATE_SIZE = 4 * MAX_STATEMENT_SIZE

_TYPE = "https://in-toto.io/Statement/v1"
_TYPES = (_TYPE, "https://in-toto.io/Statement/v0.1")
_NAMES = frozenset({"_type", "subject", "predicateType", "predicate"})
_SUBJECT_TEXTS = ("name", "uri", "downloadLocation", "mediaType")
_SUBJECT_NAMES = frozenset({*_SUBJECT_TEXTS, "digest", "content", "annotations"})
_TOKENS = rb'("(?:[^"\\]|\\.)*")|[ \t\r\n]+'


class Statement(NamedTuple):
    """What a statement says: `predicate`, of a type named by a URI, about the subjects with these SHA-256 (hex)."""

    subjects: frozenset[str]
    predicate_type: str
    predicate: JsonObject

    @classmethod
    def parse(cls, payload: bytes) -> "Statement":
        """Raises FormatError, LimitError above 7 MiB, 1,024 subjects or 32 digests of one."""
        top = _of_type(_TYPES, parse_object(payload, "the statement", MAX_STATEMENT_SIZE, fractions=True))
        return cls(
            subjects=frozenset(_sha256(subject) for subject in top.objects("subject", MAX_SUBJECTS)),
            predicate_type=top.string("predicateType"),
            predicate=top.object("predicate"),
        )

    def check_subject(self, subject: Digest) -> None:
        """Raise VerificationError (WRONG_SUBJECT) unless this is about the manifest `subject`."""
        if subject.hex not in self.subjects:
            raise VerificationError(Reason.WRONG_SUBJECT, f"the attestation is not about {subject}")


def attested_type(payload: bytes) -> str | None:
    """The predicate type where these bytes are a statement that is no signature, whoever made it; else None."""
    try:
        found = Statement.parse(payload).predicate_type
    except FormatError:
        return None
    return None if found == SIGNATURE_PREDICATE_TYPE else found


def signature_statement(
    subject: Digest, annotations: Mapping[str, str] | None = None, repository: str | None = None
) -> bytes:
    """The statement that says: the manifest `subject` is signed, with these annotations, for this repository.

    Raises UsageError for the annotation SIGNED_NAME, which the repository makes.
    """
    said = dict(annotations or {})
    if SIGNED_NAME in said:
        raise UsageError(f"the annotation {SIGNED_NAME} is made of the repository that is signed for")
    if repository is not None:
        said[SIGNED_NAME] = repository
    return dump(
        {
            "_type": _TYPE,
            "subject": [{"digest": {"sha256": subject.hex}, "annotations": dict(sorted(said.items()))}],
            "predicateType": SIGNATURE_PREDICATE_TYPE,
            "predicate": {},
        }
    )


def signed_annotations(payload: bytes, subject: Digest) -> dict[str, str]:
    """The annotations that the statement signs with `subject`; what is no text is none.

    Raises VerificationError unless the statement says that `subject` is signed, FormatError if it is none.
    """
    top = _of_type((_TYPE,), parse_object(payload, "the statement", _MAX_SIGNATURE_SIZE))
    if top.string("predicateType") != SIGNATURE_PREDICATE_TYPE:
        raise VerificationError(
            Reason.UNSIGNED,
            f"an attestation is not a signature: predicate type {excerpt(top.string('predicateType'))!r}",
        )
    top.optional_object("predicate")
    meant = [named for named in top.objects("subject", MAX_SUBJECTS) if _sha256(named) == subject.hex]
    if not meant:
        raise VerificationError(Reason.WRONG_SUBJECT, f"the signature is not for {subject}")
    if len(meant) > 1:
        raise FormatError(f"the statement names {subject} {len(meant)} times")
    return meant[0].text_members("annotations")


def attestation(subject: Digest, name: str, predicate_type: str, predicate: bytes) -> bytes:
    """The statement (v1) that attests `predicate`, a JSON object, of the manifest `subject`, which `name` names.

    White space between the predicate's tokens goes; numbers and strings stay as they are written. Raises
    FormatError for a predicate that is no such object, LimitError where no verifier would read the statement.
    """
    parse_predicate(predicate)
    head = dump(
        {
            "_type": _TYPE,
            "subject": [{"name": name, "digest": {"sha256": subject.hex}}],
            "predicateType": predicate_type,
        }
    )
    statement = b'%s,"predicate":%s}' % (head[:-1], _compact(predicate))
    if len(statement) > MAX_STATEMENT_SIZE:
        raise LimitError(
            f"the predicate makes a statement of {len(statement)} bytes, the limit is {MAX_STATEMENT_SIZE}: "
            "verifiers read no larger bundle"
        )
    return statement


def parse_predicate(data: bytes) -> JsonObject:
    """The predicate in these bytes; FormatError unless they are a JSON object, LimitError above 28 MiB."""
    return parse_object(data, "the predicate", MAX_PREDICATE_SIZE, fractions=True)


def _of_type(types: Collection[str], statement: JsonObject) -> JsonObject:
    statement.spelled(_NAMES, protobuf=True)
    if statement.string("_type") not in types:
        raise FormatError(
            f"the statement's `_type` must be {' or '.join(types)}, got: {excerpt(statement.string('_type'))!r}"
        )
    return statement


def _sha256(subject: JsonObject) -> str:
    """The subject's digest in hex, empty where it has none of this algorithm."""
    digests = subject.spelled(_SUBJECT_NAMES, protobuf=True).object("digest")
    count = len(digests.names())
    if count > MAX_SUBJECT_DIGESTS:
        raise LimitError(f"{digests.where} has {count} digests, the limit is {MAX_SUBJECT_DIGESTS}")
    for name in _SUBJECT_TEXTS:
        subject.optional_string(name)
    if subject.optional_string("content"):
        subject.base64("content")
    subject.optional_object("annotations")
    return subject.string_map("digest").get("sha256", "")


def _compact(json_text: bytes) -> bytes:
    return re.sub(_TOKENS, lambda token: token[1] or b"", json_text)
