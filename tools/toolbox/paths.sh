# shellcheck shell=sh disable=SC2034 # these names are for those who source this
# Where the toolbox keeps what it makes. To be sourced, with $toolbox set to this folder.
#
# A name that ends in a stamp belongs to one state of the scripts: a change makes a new
# folder, and a folder that is there is whole.

. "${toolbox:?}/certificates.sh"

stamp() {
    sha256sum | cut -c1-12
}

image_inputs() {
    cd "$toolbox" && cat make-image install-packages apt.sh certificates.sh packages.txt
    host_certificates
}

modules_inputs() {
    echo "$CACHE $IMAGE"
    cd "$toolbox" && cat make-modules modules/*
}

CACHE=$(readlink -m "${WASM_OCI_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/rules_wasm_oci/toolbox}")
IMAGE=$CACHE/image-$(image_inputs | stamp)
MODULES=$CACHE/modules-$(modules_inputs | stamp)
# One for each image: a running server belongs to the image that it was started in.
BAZEL_ROOT=$CACHE/bazel-${IMAGE##*-}
