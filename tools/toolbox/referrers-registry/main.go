// Command referrers-registry serves the registry of go-containerregistry, in memory, with its
// referrers API, TLS and Basic authentication: what its own program leaves out.
package main

import (
	"crypto/subtle"
	"flag"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
)

func main() {
	address := flag.String("address", "127.0.0.1:0", "where to listen, `host:port`")
	certificate := flag.String("certificate", "", "the server's certificate, a PEM `file`")
	key := flag.String("key", "", "its private key, a PEM `file`")
	login := flag.String("login", "", "a `file` with user:password")
	flag.Parse()

	data, err := os.ReadFile(*login)
	if err != nil {
		log.Fatal(err)
	}
	username, password, _ := strings.Cut(strings.TrimSpace(string(data)), ":")
	handler := registry.New(registry.WithReferrersSupport(true), registry.Logger(log.New(io.Discard, "", 0)))
	server := &http.Server{
		Addr:              *address,
		Handler:           authenticated(handler, username, password),
		ReadHeaderTimeout: 10 * time.Second,
	}
	log.Fatal(server.ListenAndServeTLS(*certificate, *key))
}

func authenticated(next http.Handler, username, password string) http.Handler {
	return http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		givenName, givenPassword, ok := request.BasicAuth()
		if !ok || !equal(givenName, username) || !equal(givenPassword, password) {
			response.Header().Set("WWW-Authenticate", `Basic realm="referrers-registry"`)
			http.Error(response, "authentication required", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(response, request)
	})
}

func equal(one, other string) bool {
	return subtle.ConstantTimeCompare([]byte(one), []byte(other)) == 1
}
