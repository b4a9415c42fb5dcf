#!/bin/sh
# A release from any CI, whose keys never leave a key service.
#
#   release-with-kms.sh COMPONENT HOST/REPOSITORY TAG
#
# COMPONENT_SIGNING_KEY and OCI_SIGNING_KEY name the keys, as in openbao://component, hashivault://oci or
# awskms:///alias/oci; the component's is an Ed25519 key. Their public halves are in keys/, written once by
#
#   wasm-oci key public "$COMPONENT_SIGNING_KEY" --layer component --output keys/component.pub
#   wasm-oci key public "$OCI_SIGNING_KEY" --output keys/oci.pub
#
# What is printed is the reference with its digest.
set -eu
component=$1 repository=$2 tag=$3

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
wasm-oci image package "$component" --output "$work/image" --tag "$tag" --quiet
wasm-oci publish "$work/image" "$repository" --tag "$tag" --if-exists verify-same --require dual-layer --json \
    --component-signing-key "$COMPONENT_SIGNING_KEY" --component-key keys/component.pub \
    --key "$OCI_SIGNING_KEY" --oci-key keys/oci.pub >"$work/published.json"
python3 -c 'import json, sys; print(json.load(sys.stdin)["references"][0])' <"$work/published.json"
