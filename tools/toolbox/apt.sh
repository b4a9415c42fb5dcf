# shellcheck shell=bash
# The host's apt-get with a configuration, package lists and archives of its own, so that
# nothing of the host's changes. To be sourced; `apt_configure FOLDER` comes first.
# Every index must be signed by a key of Debian's archive.

# The suite that has Bazel.
SUITE=forky

# apt_configure FOLDER: makes FOLDER apt's state.
apt_configure() {
    apt=$1
    mkdir -p "$apt"/{lists/partial,archives/partial,etc}
    : >"$apt/status"
    {
        # Proxies, certificates and the like are as the host has them.
        apt-config dump | grep '^Acquire::' | grep -v '^Acquire::IndexTargets'
        # A mirror may serve the suite's last index for longer than the index says.
        cat <<EOF
Acquire::Check-Valid-Until "false";
Acquire::Languages "none";
Acquire::Retries "3";
APT::Install-Recommends "false";
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
Dir::State "$apt";
Dir::State::lists "$apt/lists";
Dir::State::status "$apt/status";
Dir::Cache "$apt";
Dir::Cache::archives "$apt/archives";
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "-";
Dir::Etc::main "-";
Dir::Etc::parts "$apt/etc";
Dir::Etc::preferences "-";
Dir::Etc::preferencesparts "$apt/etc";
EOF
    } >"$apt/apt.conf"
}

apt_get() {
    APT_CONFIG=$apt/apt.conf apt-get -qq "$@"
}

# The base addresses of the archives that the host's own apt uses.
apt_archives() {
    apt-get update --print-uris -o Dir::State::lists="$apt/none" |
        sed -n "s,^'\(.*\)/dists/.*/InRelease'.*,\1,p" | awk '!seen[$0]++'
}

# apt_update ARCHIVE SUITE KEYRING: the suite's package lists.
apt_update() {
    rm -rf "$apt/lists"
    mkdir -p "$apt/lists/partial"
    echo "deb [signed-by=$3] $1 $2 main" >"$apt/sources.list"
    apt_get update
}

# archive_keys ROOT: the file with the keys of Debian's archive in that file system.
archive_keys() {
    local file
    for file in "$1"/usr/share/keyrings/debian-archive-keyring.{pgp,gpg}; do
        if [ -f "$file" ]; then
            echo "$file"
            return
        fi
    done
    echo "no Debian archive keys in $1/usr/share/keyrings: apt-get install debian-archive-keyring" >&2
    return 1
}

# apt_open: finds the archive among the host's that has the suite, signed by a key that the
# host knows, or by a newer one which an older suite of the same archive vouches for.
apt_open() {
    local keys archive older
    for archive in $(apt_archives); do
        keys=$(archive_keys "")
        if apt_update "$archive" "$SUITE" "$keys"; then return; fi
        for older in "$(. /etc/os-release && echo "$VERSION_CODENAME")"{,-updates} trixie{,-updates}; do
            if apt_update "$archive" "$older" "$keys" && apt_download "$apt/keys/$older" debian-archive-keyring; then
                dpkg-deb -x "$apt/keys/$older"/*.deb "$apt/keys/$older"
                keys=$(archive_keys "$apt/keys/$older")
                if apt_update "$archive" "$SUITE" "$keys"; then return; fi
            fi
        done
    done
    echo "none of this machine's apt archives has Debian's suite $SUITE, signed by a known key" >&2
    return 1
}

# apt_closure PACKAGE…: these packages and all that they need, NAME=VERSION one a line.
# The JDK stays out: half of the whole download, and only Java rules want more than the JRE.
apt_closure() {
    apt_get --simulate install "$@" |
        awk '/^Inst/ && $2 !~ /^openjdk-.*-jdk-headless$/ { sub(/\(/, "", $3); print $2 "=" $3 }'
}

# apt_download FOLDER PACKAGE…: those packages alone.
apt_download() {
    local folder=$1
    shift
    mkdir -p "$folder"
    (cd "$folder" && apt_get download "$@")
}
