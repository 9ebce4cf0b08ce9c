package main

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"
)

func TestOutputReportsUntilLoaded(t *testing.T) {
	for _, mute := range []bool{false, true} {
		reader, writer, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		o := output{own: io.Discard, launcher: writer}
		o.mute.Store(mute)
		for _, text := range []string{"one\n", "two\nthree\n"} {
			if n, err := o.Write([]byte(text)); n != len(text) || err != nil {
				t.Fatal(n, err)
			}
		}
		o.ready()
		o.ready()
		if _, err := o.Write([]byte("four\n")); err != nil {
			t.Fatal(err)
		}
		want := "one\ntwo\nthree\n\x00"
		if mute {
			want = "\x00"
		}
		if got, err := io.ReadAll(reader); string(got) != want || err != nil {
			t.Errorf("the launcher is told %q (%v), want %q", got, err, want)
		}
	}
}

func TestFollow(t *testing.T) {
	for _, test := range []struct {
		says, shown string
		succeeded   bool
	}{
		{"", "", false},
		{"one\ntwo\n", "one\ntwo\n", false},
		{"one\n\x00", "one\n", true},
		{"\x00", "", true},
		{strings.Repeat("line\n", 2000) + "\x00late\n", strings.Repeat("line\n", 2000), true},
	} {
		for _, reader := range []io.Reader{strings.NewReader(test.says), iotest.OneByteReader(strings.NewReader(test.says)),
			iotest.DataErrReader(strings.NewReader(test.says))} {
			var shown bytes.Buffer
			if succeeded := follow(&shown, reader); succeeded != test.succeeded || shown.String() != test.shown {
				t.Errorf("%.20q: %v, shows %.20q", test.says, succeeded, shown.String())
			}
		}
	}
}
