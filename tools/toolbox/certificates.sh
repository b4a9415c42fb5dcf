# shellcheck shell=sh
# To be sourced.

# The certificates that this machine trusts beyond Debian's: what can be reached outside the
# toolbox must be reachable inside.
host_certificates() {
    {
        cat /usr/share/ca-certificates/*/*.crt
        echo "the above are Debian's"
        cat /usr/local/share/ca-certificates/*.crt /etc/ssl/certs/ca-certificates.crt "${SSL_CERT_FILE:-/dev/null}"
    } 2>/dev/null | awk '
        { sub(/\r$/, "") }
        /Debian/ { beyond = 1 }
        /^-----BEGIN CERTIFICATE-----/ { pem = ""; inside = 1 }
        inside { pem = pem $0 "\n" }
        /^-----END CERTIFICATE-----/ {
            inside = 0
            if (beyond && !(pem in seen)) printf "%s", pem
            seen[pem]
        }
    '
}
