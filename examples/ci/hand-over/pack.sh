#!/bin/sh
# The side with a network: an image with its signatures into one file, which is carried to a network without one.
#
#   pack.sh HOST/REPOSITORY:TAG FILE.tar
#
# It is verified by the keys in keys/ before it is packed. Printed is the digest of the file, to be told in another way.
# Needs GNU tar.
set -eu
reference=$1 file=$2

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
wasm-oci copy "$reference" --output "$work/image" --require dual-layer --quiet \
    --component-key keys/component.pub --oci-key keys/oci.pub
tar -c -f "$file" -C "$work" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner image
sha256sum "$file"
