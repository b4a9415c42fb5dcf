# shellcheck shell=bash
# Folders in the cache that are there whole or not at all, whenever a call is killed. To be
# sourced after paths.sh and progress.sh.

# One call at a time: others wait, and find the work done. Children inherit the lock, so it is
# held until the last of them has ended, whoever was killed.
lock_cache() {
    mkdir -p "$CACHE"
    exec 9>"$CACHE/lock"
    if ! flock --nonblock 9; then
        say "waiting for another call"
        flock 9
    fi
}

# logged COMMAND…: its output goes to a file, of which the end is shown if it fails.
logged() {
    if ! "$@" >"$CACHE/log" 2>&1; then
        tail -n 20 "$CACHE/log" >&2
        echo "error: $(basename "$1") failed, all its output is in $CACHE/log" >&2
        exit 1
    fi
}

# make_folder FOLDER COMMAND…: the command gets two empty folders: the one to fill, and one for
# its own use.
make_folder() {
    local folder=$1
    shift
    if [ -e "$folder" ]; then return; fi
    rm -rf --one-file-system "$CACHE/new" "$CACHE/work"
    mkdir "$CACHE/new" "$CACHE/work"
    logged "$@" "$CACHE/new" "$CACHE/work"
    rm -rf --one-file-system "$CACHE/work"
    mv "$CACHE/new" "$folder"
}
