package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/mwlua/mwlua/core/supervisor"
)

// TestLoadedLine: no other line passes for the one that lets the launcher go.
func TestLoadedLine(t *testing.T) {
	pid := os.Getpid()
	haproxy, text := loadedLine(supervisor.HAProxyFormat), loadedLine(supervisor.TextFormat)
	for line, want := range map[string]bool{
		fmt.Sprintf("[NOTICE]   (%d) : Loading success.", pid):                                  true,
		fmt.Sprintf("[NOTICE]   (%d) : Loading success.", pid+1):                                false,
		fmt.Sprintf("[WARNING]  (%d) : Loading success.", pid):                                  false,
		fmt.Sprintf("[NOTICE]   (%d) : New program ') : Loading success.' (9) forked", pid):     false,
		fmt.Sprintf("[WARNING]  (%d) : a.cfg:1: .notice \"(%d) : Loading success.\"", pid, pid): false,
	} {
		if haproxy(line) != want {
			t.Errorf("%q: %v", line, !want)
		}
	}
	for line, want := range map[string]bool{
		"2026-01-02T03:04:05.678Z NOTICE  configuration loaded":                               true,
		"2026-01-02T03:04:05.678Z WARNING configuration loaded":                               false,
		"2026-01-02T03:04:05.678Z NOTICE   NOTICE  configuration loaded#1 started, pid 12":    false,
		"2026-01-02T03:04:05.678Z WARNING a.cfg:1: .notice \" NOTICE  configuration loaded\"": false,
	} {
		if text(line) != want {
			t.Errorf("%q: %v", line, !want)
		}
	}
}

func TestOutputReportsUntilLoaded(t *testing.T) {
	for _, mute := range []bool{false, true} {
		reader, writer, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		o := output{own: io.Discard, launcher: writer, ends: func(line string) bool { return line == "loaded" }}
		o.mute.Store(mute)
		for _, text := range []string{"one\n", "two\nloaded\nthree\n", "loaded\n"} {
			if n, err := o.Write([]byte(text)); n != len(text) || err != nil {
				t.Fatal(n, err)
			}
		}
		want := "one\ntwo\nloaded\nthree\n\x00"
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
