package machine

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestAnyBytesSurvive fills every string of a state with bytes that are no UTF-8: names and arguments may hold them (H-1.4),
// and a string that mapped forgets would come back changed. Words of our own (phases, steps) are left alone.
func TestAnyBytesSurvive(t *testing.T) {
	for _, text := range []string{"\xff\xfe", "a\xc3", rawMark, rawMark + "x", "\ufffd", "ü;|=\n\"", ""} {
		var s State
		fill(reflect.ValueOf(&s).Elem(), text)
		data, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var back State
		if err := json.Unmarshal(data, &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(s, back); diff != "" {
			t.Errorf("%q (-sent +received):\n%s", text, diff)
		}
	}
}

// fill puts text into every plain string below v, and one element into every slice.
func fill(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.String:
		if v.Type() == reflect.TypeFor[string]() {
			v.SetString(text)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), text)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), text)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), text)
	}
}
