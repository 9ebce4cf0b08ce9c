package carry

import (
	"encoding/json"
	"fmt"
	"math"
	"sync"

	"github.com/fxamacker/cbor/v2"

	"github.com/mwlua/mwlua/core/internal/proc"
)

// Format is the version of Document, which is written as CBOR (RFC 8949): that of 1,000 programs is read in 5 ms, and as JSON it took 41.
// A binary that reads another one refuses it in the trial, before anything is lost.
const Format = 2

// formatJSON was the same document as JSON. It is still read, so that its writers can be upgraded by a reload.
const formatJSON = 1

// head is what is read of a document of any format.
type head struct {
	Format int
	Binary string
	Master proc.Process
}

// modes are how CBOR is written and read: with whatever bytes HAProxy takes in a name (H-1.4), and without losing what this binary does not
// know. loose is for the head, which has but a part of it.
var modes = sync.OnceValue(func() (m struct {
	encode        cbor.EncMode
	decode, loose cbor.DecMode
}) {
	options := cbor.DecOptions{
		MaxArrayElements: math.MaxInt32, // the size of the file is bounded
		UTF8:             cbor.UTF8DecodeInvalid, FieldNameMatching: cbor.FieldNameMatchingCaseSensitive, DupMapKey: cbor.DupMapKeyEnforcedAPF,
	}
	m.loose = must(options.DecMode())
	options.ExtraReturnErrors = cbor.ExtraDecErrorUnknownField
	m.decode = must(options.DecMode())
	m.encode = must(cbor.EncOptions{}.EncMode())
	return m
})

// must is for options that are the same in every run.
func must[T any](mode T, err error) T {
	if err != nil {
		panic("internal error: " + err.Error())
	}
	return mode
}

func encode(d Document) ([]byte, error) {
	d.Format = Format
	return modes().encode.Marshal(d)
}

// unmarshal reads a document as what it looks like: a JSON object begins with what is no map in CBOR.
func unmarshal(data []byte, v any, mode cbor.DecMode) error {
	if len(data) > 0 && data[0] == '{' {
		return json.Unmarshal(data, v)
	}
	return mode.Unmarshal(data, v)
}

func readHead(data []byte) (h head, err error) { return h, unmarshal(data, &h, modes().loose) }

// Decode reads a document. The error says what about it this binary cannot take.
func Decode(data []byte) (Document, error) {
	var d Document
	err := unmarshal(data, &d, modes().decode)
	if err == nil && (d.Format == Format || d.Format == formatJSON) {
		return d, nil
	}
	begin, failed := readHead(data)
	switch {
	case failed != nil:
		err = failed
	case begin.Format != Format && begin.Format != formatJSON:
		return Document{}, fmt.Errorf("cannot take over the state of mwlua %s: its format is %d, this binary reads %d and %d",
			begin.Binary, begin.Format, formatJSON, Format)
	}
	return Document{}, fmt.Errorf("cannot decode the state: %w", err)
}
