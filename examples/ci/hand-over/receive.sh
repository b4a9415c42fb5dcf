#!/bin/sh
# The side without a network: verify what was carried here, and put it into the registry of this side.
#
#   receive.sh FILE.tar HOST/REPOSITORY:TAG
#
# The keys in keys/ are this side's own, never those that came with the file. Nothing of the file is trusted before it
# is verified, and no server is asked but the registry. Printed is the reference with its digest.
set -eu
file=$1 destination=$2

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tar -x -f "$file" -C "$work" --no-same-owner --no-same-permissions
wasm-oci copy "$work/image" "$destination" --if-exists verify-same --require dual-layer --json \
    --component-key keys/component.pub --oci-key keys/oci.pub >"$work/copied.json"
python3 -c 'import json, sys; print(json.load(sys.stdin)["references"][0])' <"$work/copied.json"
