"""in-toto statements that attest something of an image: read strictly, written deterministically.

Source: in-toto attestation framework, Statement v1; v0.1 is read too, because cosign 3.1.1 writes it.
"""

import re
from dataclasses import dataclass

from wasmoci.cosign.bundle import MAX_SUBJECT_DIGESTS, MAX_SUBJECTS, SIGNATURE_PREDICATE_TYPE
from wasmoci.values.digest import Digest
from wasmoci.values.errors import FormatError, LimitError, Reason, VerificationError
from wasmoci.values.strict_json import JsonObject, dump, parse_object

# In base64 and with what else a bundle holds, it stays below the limit of a bundle, 10 MiB.
MAX_STATEMENT_SIZE = 7 * 1024 * 1024

# A predicate as it is given: with the white space that its statement does without.
MAX_PREDICATE_SIZE = 4 * MAX_STATEMENT_SIZE

_TYPE = "https://in-toto.io/Statement/v1"
_TYPES = (_TYPE, "https://in-toto.io/Statement/v0.1")
_TOKENS = re.compile(rb'("(?:[^"\\]|\\.)*")|[ \t\r\n]+')


@dataclass(frozen=True, slots=True)
class Statement:
    """What a statement says: `predicate`, of a type named by a URI, about the subjects with these SHA-256 (hex)."""

    subjects: frozenset[str]
    predicate_type: str
    predicate: JsonObject

    @classmethod
    def parse(cls, payload: bytes) -> "Statement":
        """Raises FormatError, LimitError above 7 MiB, 1,024 subjects or 32 digests of one."""
        top = parse_object(payload, "the statement", MAX_STATEMENT_SIZE, fractions=True)
        if top.string("_type") not in _TYPES:
            raise FormatError(f"the statement's `_type` must be {' or '.join(_TYPES)}, got: {top.string('_type')!r}")
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


def _sha256(subject: JsonObject) -> str:
    """The subject's digest in hex, empty where it has none of this algorithm."""
    digests = subject.object("digest")
    count = len(digests.names())
    if count > MAX_SUBJECT_DIGESTS:
        raise LimitError(f"{digests.where} has {count} digests, the limit is {MAX_SUBJECT_DIGESTS}")
    return subject.string_map("digest").get("sha256", "")


def _compact(json_text: bytes) -> bytes:
    return _TOKENS.sub(lambda token: token[1] or b"", json_text)
