"""The options that say how an image was built, for its provenance."""

from wasmoci.commands.options.common import PathArgument
from wasmoci.commands.options.group import Option, OptionGroup, options
from wasmoci.sign.attested import ProvenanceOptions

# Gives a command a parameter `provenance`, a ProvenanceOptions.
provenance_options = options(
    "provenance",
    OptionGroup(
        ProvenanceOptions,
        request=Option("--provenance", type=PathArgument(), help="What was built (JSON, as the Bazel rule writes it)."),
        builder_id=Option("--builder-id", metavar="URI", help="Names the build platform that is to be trusted."),
        invocation_id=Option("--invocation-id", metavar="ID", help="Names this run of it."),
        source=Option("--source", metavar="URI@COMMIT", help="The revision that was built, such as git+https://…@…."),
        started_on=Option("--started-on", metavar="TIME", help="When the build started, as 2026-01-31T12:00:00Z."),
        finished_on=Option("--finished-on", metavar="TIME", help="When it ended."),
        materials=Option(
            "--material",
            multiple=True,
            type=(str, PathArgument()),
            metavar="NAME FILE",
            help="A file that the image was made of; its digest is attested. Repeatable.",
        ),
        status_files=Option(
            "--status-file",
            multiple=True,
            type=PathArgument(),
            help="Bazel's workspace status: {KEY} in the ids and the source stands for its value. Repeatable.",
        ),
    ),
)
