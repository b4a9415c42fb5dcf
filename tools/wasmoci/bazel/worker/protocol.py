"""What Bazel and a persistent worker say to each other: one JSON object a line.

Source: Bazel 7.7, `worker_protocol.proto` in its JSON form, in which members with default values are absent.
Members that are not known here mean nothing, as the protocol has it.
"""

from dataclasses import dataclass

from wasmoci.values.strict_json import dump, parse_object

MAX_REQUEST_SIZE = 64 * 1024 * 1024
MAX_ARGUMENTS = 100_000

_WHERE = "a work request"


@dataclass(frozen=True, slots=True)
class WorkRequest:
    """One call of the tool, or with `cancel` the wish that the one with the same `request_id` had not been made.

    Paths are relative to `sandbox`, a folder; to where the worker stands where it is empty.
    """

    request_id: int
    arguments: tuple[str, ...] = ()
    sandbox: str = ""
    cancel: bool = False

    @classmethod
    def parse(cls, line: bytes) -> "WorkRequest":
        """Raises FormatError, LimitError."""
        members = parse_object(line, _WHERE, MAX_REQUEST_SIZE)
        return cls(
            request_id=members.integer("requestId") if "requestId" in members else 0,
            arguments=tuple(members.strings("arguments", MAX_ARGUMENTS)) if "arguments" in members else (),
            sandbox=members.optional_string("sandboxDir") or "",
            cancel="cancel" in members and members.boolean("cancel"),
        )


@dataclass(frozen=True, slots=True)
class WorkResponse:
    """The answer to a request: the exit code and all that was printed, or that it was cancelled."""

    request_id: int
    exit_code: int = 0
    output: str = ""
    was_cancelled: bool = False

    def to_line(self) -> bytes:
        members = {"exitCode": self.exit_code, "output": self.output, "requestId": self.request_id}
        return dump(members | ({"wasCancelled": True} if self.was_cancelled else {})) + b"\n"
