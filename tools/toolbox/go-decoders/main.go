// Command go-decoders tells what programs in Go read in the documents that sign and carry an image: the
// same Go types, by the same decoders, as in cosign, crane and oras.
//
// Each line of stdin is {"kind": …, "document": base64}. Each line of stdout is {"value": …}, the document as
// Go encodes again what it has read, or {"error": …}.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"

	ggcr "github.com/google/go-containerregistry/pkg/v1"
	vsa "github.com/in-toto/attestation/go/predicates/vsa/v1"
	intoto "github.com/in-toto/attestation/go/v1"
	oci "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	bundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	"github.com/sigstore/sigstore/pkg/signature/payload"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

type question struct {
	Kind     string `json:"kind"`
	Document []byte `json:"document"`
}

type answer struct {
	Value json.RawMessage `json:"value,omitempty"`
	Error string          `json:"error,omitempty"`
}

// As in cosign's pkg/cosign/bundle, which has half the world among its imports.
type rekorBundle struct {
	SignedEntryTimestamp []byte
	Payload              struct {
		Body           any    `json:"body"`
		IntegratedTime int64  `json:"integratedTime"`
		LogIndex       int64  `json:"logIndex"`
		LogID          string `json:"logID"`
	}
}

type decoder func([]byte) (any, error)

var decoders = map[string]decoder{
	"bundle":         protobuf[bundle.Bundle],
	"envelope":       plain[dsse.Envelope],
	"index":          plain[oci.Index],
	"index-crane":    first(ggcr.ParseIndexManifest),
	"layout":         plain[oci.ImageLayout],
	"log":            plain[rekorBundle],
	"manifest":       plain[oci.Manifest],
	"manifest-crane": first(ggcr.ParseManifest),
	"payload":        plain[payload.SimpleContainerImage],
	"statement":      protobuf[intoto.Statement],
	"vsa":            protobuf[vsa.VerificationSummary],
}

func plain[T any](document []byte) (any, error) {
	value := new(T)
	return value, json.Unmarshal(document, value)
}

func protobuf[T any, M interface {
	*T
	proto.Message
}](document []byte) (any, error) {
	message := M(new(T))
	if err := protojson.Unmarshal(document, message); err != nil {
		return nil, err
	}
	encoded, err := protojson.MarshalOptions{EmitDefaultValues: true}.Marshal(message)
	return json.RawMessage(encoded), err
}

func first[T any](parse func(io.Reader) (T, error)) decoder {
	return func(document []byte) (any, error) { return parse(bytes.NewReader(document)) }
}

func ask(line []byte) answer {
	var asked question
	if err := json.Unmarshal(line, &asked); err != nil {
		log.Fatal(err)
	}
	decode, known := decoders[asked.Kind]
	if !known {
		log.Fatalf("unknown kind %q", asked.Kind)
	}
	value, err := decode(asked.Document)
	if err != nil {
		return answer{Error: err.Error()}
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		return answer{Error: err.Error()}
	}
	return answer{Value: encoded}
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		encoded, err := json.Marshal(ask(lines.Bytes()))
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(string(encoded))
	}
	if err := lines.Err(); err != nil {
		log.Fatal(err)
	}
}
