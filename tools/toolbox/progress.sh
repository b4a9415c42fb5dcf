# shellcheck shell=bash
# One line a step, with the time since the first, on descriptor 3. To be sourced.
export TOOLBOX_START=${TOOLBOX_START:-$EPOCHSECONDS}

say() {
    local seconds=$((EPOCHSECONDS - TOOLBOX_START))
    printf '[toolbox %d:%02d] %s\n' $((seconds / 60)) $((seconds % 60)) "$*" >&3
}
