"""What changed of an image between two looks."""

from collections.abc import Iterator, Sequence

from wasmoci.monitor.events import Event, What
from wasmoci.monitor.observed import Known, Observed, Outcome, Signature
from wasmoci.values.text import excerpt

_OF_OUTCOME = {
    Outcome.VERIFIED: What.VERIFIED,
    Outcome.REFUSED: What.REFUSED,
    Outcome.WOULD_VERIFY: What.WOULD_VERIFY,
    Outcome.WOULD_REFUSE: What.WOULD_REFUSE,
}


def changes(known: Known, now: Observed) -> Iterator[Event]:
    """What there is to tell of an image that was seen before, or is for the first time: then only a refusal."""
    before = known.observed
    if before is None:
        if now.outcome.is_refusal:
            yield _of_outcome(now)
        return
    if _is_moved(before, now):
        message = f"the tag names another image, {now.digest}"
        yield Event(What.TAG_MOVED, message, {"before": before.digest, "after": now.digest})
        yield from _of_signers(before, now)
    elif before.digest and now.digest:
        yield from _of_signatures(known, before, now)
    yield from _of_imports(before, now)
    if (before.outcome, before.layer, before.reason) != (now.outcome, now.layer, now.reason):
        yield _of_outcome(now)
    yield from _of_thresholds(before, now)


def vanished(known: Known, now: Observed) -> tuple[Signature, ...]:
    """The signatures that were there for the image that a reference names, and are gone."""
    before = known.observed
    if before is None or _is_moved(before, now):
        return ()
    if not now.digest:
        return known.vanished
    there = {signature.name for signature in now.signatures}
    lost = [signature for signature in _lost(before, now) if _is_gone(signature, before, now)]
    return tuple(signature for signature in (*known.vanished, *lost) if signature.name not in there)


def tag_moved(known: Known, now: Observed) -> bool:
    return known.observed is not None and _is_moved(known.observed, now)


def _is_moved(before: Observed, now: Observed) -> bool:
    return bool(before.digest and now.digest) and before.digest != now.digest


def _of_outcome(now: Observed) -> Event:
    details = {"digest": now.digest, "layer": now.layer, "reason": now.reason} if now.outcome.is_refusal else {}
    message = f"{now.reason}: {now.message}" if now.outcome.is_refusal else f"it meets the policy: {now.digest}"
    return Event(_OF_OUTCOME[now.outcome], message, details)


def _of_signers(before: Observed, now: Observed) -> Iterator[Event]:
    """Of another image: who signed that and not this one, and the other way round."""
    were, are = ({(made.layer, made.signer) for made in observed.signatures} for observed in (before, now))
    for layer, signer in sorted(were - are):
        yield _of_signer(What.SIGNER_LOST, f"{signer} did not sign the {layer}, as it did before", layer, signer)
    for layer, signer in sorted(are - were):
        yield _of_signer(What.SIGNER_NEW, f"{signer} signed the {layer}, and had not before", layer, signer)


def _of_signatures(known: Known, before: Observed, now: Observed) -> Iterator[Event]:
    """Of the same image: which signatures came and went."""
    for signature in _lost(before, now):
        where = f"the {signature.layer} ({signature.format})"
        if _is_gone(signature, before, now):
            message = f"a signature of {where} by {signature.signer} is gone"
            yield _of_signature(What.SIGNATURE_VANISHED, message, signature)
        else:
            message = f"a signature of {where} by {signature.signer} is there, and counts no more"
            yield _of_signature(What.SIGNATURE_INVALID, message, signature)
    gone = {signature.name for signature in known.vanished}
    were = {(made.layer, made.signer) for made in (*before.signatures, *known.vanished)}
    for signature in now.signatures:
        if signature.name in gone:
            message = f"the signature of the {signature.layer} by {signature.signer} is back"
            yield _of_signature(What.SIGNATURE_BACK, message, signature)
        elif (signature.layer, signature.signer) not in were:
            were.add((signature.layer, signature.signer))
            message = f"{signature.signer} signed the {signature.layer}"
            yield _of_signer(What.SIGNER_NEW, message, signature.layer, signature.signer)


def _lost(before: Observed, now: Observed) -> Sequence[Signature]:
    there = {signature.name for signature in now.signatures}
    return list({made.name: made for made in before.signatures if made.name not in there}.values())


def _is_gone(signature: Signature, before: Observed, now: Observed) -> bool:
    """Whether what carried it is attached no more; of a detached signature of a component, whether something is not."""
    if signature.carrier:
        return signature.carrier not in now.attached
    return signature.format == "detached" and not set(before.attached).issubset(now.attached)


def _of_imports(before: Observed, now: Observed) -> Iterator[Event]:
    if before.imports is None or now.imports is None or before.imports == now.imports:
        return
    added, removed = (
        sorted(set(one) - set(other)) for one, other in ((now.imports, before.imports), (before.imports, now.imports))
    )
    parts = [
        f"{word} {excerpt(', '.join(names))}" for word, names in (("added:", added), ("removed:", removed)) if names
    ]
    yield Event(What.IMPORTS_CHANGED, f"the imports changed, {'; '.join(parts)}", {"added": added, "removed": removed})


def _of_thresholds(before: Observed, now: Observed) -> Iterator[Event]:
    """Where more than enough had signed, and no more than enough have."""
    for layer, (distinct, required) in now.signers.items():
        had, had_to = before.signers.get(layer, (0, 0))
        if had > had_to and distinct == required:
            message = f"only {distinct} signed the {layer}, as many as must: one less, and it is refused"
            yield Event(What.AT_THRESHOLD, message, {"layer": layer, "signers": distinct, "required": required})


def _of_signer(what: What, message: str, layer: str, signer: str) -> Event:
    return Event(what, message, {"layer": layer, "signer": signer})


def _of_signature(what: What, message: str, signature: Signature) -> Event:
    details = {"layer": signature.layer, "signer": signature.signer, "format": signature.format}
    return Event(what, message, {**details, "digest": signature.subject})
