"""What is signed outside of the build, when an image is published or handed over."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from wasmoci.cosign.signer import StatementSigner
from wasmoci.disk.layout import Layout
from wasmoci.disk.layout_writer import LayoutCopy
from wasmoci.keys.image import ImagePublicKey
from wasmoci.keys.protocols import PasswordSource, no_password
from wasmoci.oci.graph import read_graph
from wasmoci.sign.attest import wanted_attestation
from wasmoci.sign.attested import Attested
from wasmoci.sign.image import wanted_signatures
from wasmoci.sign.layout import Step, sign_layout, sign_layout_component
from wasmoci.sign.wanted import Places, add_wanted
from wasmoci.trust.signers import IdentitySpec, KeySpec, open_signer
from wasmoci.values.image_reference import Repository
from wasmoci.values.level import Level
from wasmoci.values.notes import Notes
from wasmoci.values.signature_format import Placement, SignatureFormat
from wasmoci.verify.index import VerifiedIndex, verify_root
from wasmoci.verify.policy import Policy, Verified
from wasmoci.verify.trust import ImageTrust, LogVerifier
from wasmoci.wasm.message import ComponentAsked


@dataclass(frozen=True, slots=True)
class LogSpec:
    """The transparency logs that a signing configuration names, and the trusted root with their keys."""

    signing_config: Path
    trusted_root: Path


@dataclass(frozen=True, slots=True)
class AttestationSpec:
    """Who attests what."""

    signer: KeySpec | IdentitySpec
    attested: Attested


@dataclass(frozen=True, slots=True)
class DeferredSigning:
    """Who signs a layout outside of the build, the component first, and where signatures with keys are logged then.

    Of an index all images are signed too. Without `formats` every signer signs in all formats that it can.
    `private` refuses key files that are open to others. `resign` signs also what is signed already where it goes.
    """

    component: Sequence[KeySpec] = ()
    placement: Placement = Placement.EMBEDDED
    oci: Sequence[KeySpec | IdentitySpec] = ()
    formats: Sequence[SignatureFormat] | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)
    attestations: Sequence[AttestationSpec] = ()
    log: LogSpec | None = None
    password: PasswordSource = no_password
    private: bool = True
    resign: bool = False

    def __bool__(self) -> bool:
        return bool(self.component or self.oci or self.attestations or self.log)

    @property
    def makes_another_image(self) -> bool:
        """Whether the image's digest is not known before the signing."""
        return bool(self.component) and self.placement is Placement.EMBEDDED

    def steps(
        self, repository: Repository, trust: ImageTrust, notes: Notes, places: Places | None = None
    ) -> list[Step]:
        """What `sign_layout` has to do; opens the keys, and signs nothing yet.

        Signatures name what `trust` asks for, else `repository`, and say the annotations that it asks for beside
        their own; those by its keys are logged. What one of the
        `places` has is not made again unless `resign`; that of components is, which is the same each time. `notes`
        gets what stops nothing. Raises UsageError, KeyFileError, FormatError, Error where somebody who signs or a log
        cannot be used.
        """
        steps: list[Step] = []
        name = str(trust.signed_name or repository)
        annotations = {**trust.annotations, **self.annotations}
        if self.component:
            signers = [spec.component_signer(self.password, private=self.private) for spec in self.component]
            asked = ComponentAsked(self.placement, with_key_id=True)
            steps.append(partial(sign_layout_component, signers=signers, asked=asked))
        who = [open_signer(spec, self.password, notes, private=self.private) for spec in self.oci]
        attestors = [
            (attestation.attested, open_signer(attestation.signer, self.password, notes, private=self.private))
            for attestation in self.attestations
        ]
        again = self.resign or places is None
        log = trust.log
        if self.log is not None and trust.keys:
            log, log_step = _log_step(self.log, trust.keys, notes, places, again=again)
        if who or attestors:
            steps.append(partial(self._sign, name, annotations, who, attestors, places, log, again))
        if self.log is not None and trust.keys:
            steps.append(log_step)
        return steps

    def _sign(
        self,
        repository: str,
        annotations: Mapping[str, str],
        who: Sequence[StatementSigner],
        attestors: Sequence[tuple[Attested, StatementSigner]],
        places: Places | None,
        log: LogVerifier | None,
        again: bool,
        layout: Path,
        output: Path,
    ) -> None:
        """The step that signs the manifest and attests."""
        copy = LayoutCopy(Layout(layout))
        subjects = [graph.descriptor for graph in read_graph(copy.source).subjects]
        wanted = wanted_signatures(subjects, repository, self.formats, annotations, who) if who else []
        for attested, attestor in attestors:
            data, uri = attested.predicate(layout)
            wanted.append(wanted_attestation(subjects[0], repository, uri, data, attestor))
        add_wanted(copy, wanted, places, log, again=again)
        copy.write(output)

    def before(self, policy: Policy) -> Policy:
        """The part of a policy that must hold before the signing: what is signed yet to be is not asked for."""
        component, image = bool(self.component), bool(self.oci or self.log)
        return replace(
            policy,
            required=Level.of(
                component=policy.required.has_component and not component,
                image=policy.required.has_image and not image,
            ),
            component_keys=() if component else policy.component_keys,
            component_threshold=1 if component else policy.component_threshold,
            image=ImageTrust() if image else policy.image,
            demands=None if component or image else policy.demands,
        )

    def described(self) -> list[str]:
        """What would be signed, one line for each signature layer and signer."""
        lines = [f"sign the component with {spec.reference} ({self.placement.value})" for spec in self.component]
        formats = " and ".join(form.value for form in self.formats or SignatureFormat)
        for spec in self.oci:
            lines.append(
                "sign the OCI manifest as an identity (bundle)"
                if isinstance(spec, IdentitySpec)
                else f"sign the OCI manifest with {spec.reference} ({formats})"
            )
        for attestation in self.attestations:
            signer, document = attestation.signer, attestation.attested.document
            who = "an identity" if isinstance(signer, IdentitySpec) else signer.reference
            what = "provenance" if document is None else f"the document {document.name}"
            lines.append(f"attest {what} with {who}")
        if self.log is not None:
            lines.append("log the bundles that are signed with a trusted OCI key")
        return lines


def sign_deferred(
    layout: Path, output: Path, signing: DeferredSigning, repository: Repository, policy: Policy, notes: Notes
) -> Verified | VerifiedIndex:
    """Sign the layout's image into a layout of its own, which appears when it meets the policy.

    Raises VerificationError where it does not, or where `layout` does not meet the part of the policy that must hold
    before, and what `DeferredSigning.steps` and `sign_layout` raise.
    """
    verify_root(Layout(layout), signing.before(policy))
    steps = signing.steps(repository, policy.image, notes)
    return sign_layout(layout, output, steps, lambda signed: verify_root(signed, policy))


def _log_step(
    spec: LogSpec, keys: Sequence[ImagePublicKey], notes: Notes, places: Places | None, *, again: bool
) -> tuple[LogVerifier, Step]:
    """What judges log entries that are there, and the step that logs what is signed with one of the keys."""
    from wasmoci.sign.log import AskedLogs, log_signatures
    from wasmoci.transparency.rekor import RekorLogs
    from wasmoci.transparency.verifying import TrustedLogs

    logs = TrustedLogs.from_file(spec.trusted_root)
    client = RekorLogs.from_file(spec.signing_config, logs, os.environ)

    def run(layout: Path, output: Path) -> None:
        for warning in log_signatures(layout, output, keys, logs, client, places, again=again).warnings:
            notes(warning)

    return AskedLogs(logs, client), run
