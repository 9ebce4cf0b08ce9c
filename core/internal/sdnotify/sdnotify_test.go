package sdnotify_test

import (
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/mwlua/mwlua/core/internal/sdnotify"
	"github.com/mwlua/mwlua/core/machine"
)

func TestAdd(t *testing.T) {
	long := strings.Repeat("x", machine.MaxStatus-1)
	for name, test := range map[string]struct {
		datagrams []string
		want      machine.Notified
	}{
		"nothing":                      {},
		"empty":                        {datagrams: []string{"", "\n\n"}},
		"ready":                        {[]string{"READY=1"}, machine.Notified{Ready: true}},
		"several lines":                {[]string{"READY=1\nSTATUS=all is well\nMAINPID=12\n"}, machine.Notified{Ready: true, Status: "all is well", MainPID: 12}},
		"reloading":                    {[]string{"RELOADING=1\nMONOTONIC_USEC=5"}, machine.Notified{Reloading: true}},
		"ready, then reloading":        {[]string{"READY=1", "RELOADING=1"}, machine.Notified{Ready: true, Reloading: true}},
		"reloading, then ready":        {[]string{"RELOADING=1", "READY=1"}, machine.Notified{Ready: true}},
		"ready, then stopping":         {[]string{"READY=1\nSTOPPING=1"}, machine.Notified{Ready: true, Stopping: true}},
		"reloading, then stopping":     {[]string{"RELOADING=1", "STOPPING=1"}, machine.Notified{Stopping: true}},
		"stopping, then ready":         {[]string{"STOPPING=1", "READY=1"}, machine.Notified{Ready: true}},
		"other values":                 {datagrams: []string{"READY=0\nREADY=\nREADY=11\nRELOADING=yes\nSTOPPING=2\nWATCHDOG=0"}},
		"other names":                  {datagrams: []string{"ready=1\n READY=1\nREADY =1\nFDSTORE=1\nFDNAME=x\nBARRIER=1\nERRNO=2\nX_Y=1"}},
		"watchdog":                     {[]string{"WATCHDOG=1"}, machine.Notified{Watchdog: true}},
		"watchdog trigger":             {[]string{"WATCHDOG=trigger", "WATCHDOG=1"}, machine.Notified{Watchdog: true, Trigger: true}},
		"watchdog time":                {[]string{"WATCHDOG_USEC=1500000"}, machine.Notified{WatchdogEvery: 1500 * time.Millisecond}},
		"the last one counts":          {[]string{"WATCHDOG_USEC=1\nSTATUS=a", "WATCHDOG_USEC=2\nSTATUS=b"}, machine.Notified{WatchdogEvery: 2 * time.Microsecond, Status: "b"}},
		"broken times":                 {datagrams: []string{"WATCHDOG_USEC=0\nWATCHDOG_USEC=-1\nEXTEND_TIMEOUT_USEC=1s\nEXTEND_TIMEOUT_USEC="}},
		"a broken one after a good":    {[]string{"EXTEND_TIMEOUT_USEC=7", "EXTEND_TIMEOUT_USEC=x"}, machine.Notified{Extend: 7 * time.Microsecond}},
		"for ever":                     {[]string{"EXTEND_TIMEOUT_USEC=18446744073709551615"}, machine.Notified{Extend: sdnotify.MaxTime}},
		"more than that":               {datagrams: []string{"EXTEND_TIMEOUT_USEC=18446744073709551616"}},
		"main pid":                     {[]string{"MAINPID=4194304"}, machine.Notified{MainPID: 4194304}},
		"broken pids":                  {datagrams: []string{"MAINPID=0\nMAINPID=-4\nMAINPID=4194305\nMAINPID=1 \nMAINPID=1x\nMAINPID="}},
		"status with = and a newline":  {[]string{"STATUS=a=b\nc"}, machine.Notified{Status: "a=b"}},
		"status that is not printable": {[]string{"STATUS=a\x1b[31m\tb\x00\xff\u202ec\u00e9"}, machine.Notified{Status: "a [31m b \ufffd c\u00e9"}},
		"status that is long":          {[]string{"STATUS=" + long + "\u00e9z"}, machine.Notified{Status: long}},
		"status that just fits":        {[]string{"STATUS=" + long + "yz"}, machine.Notified{Status: long + "y"}},
		"no newline at the end":        {[]string{"STATUS=a\nREADY=1"}, machine.Notified{Ready: true, Status: "a"}},
		"carriage return":              {datagrams: []string{"READY=1\r\n"}},
		"the longest":                  {[]string{"READY=1\n" + strings.Repeat("x", sdnotify.MaxDatagram-8)}, machine.Notified{Ready: true}},
		"too long":                     {datagrams: []string{"READY=1\n" + strings.Repeat("x", sdnotify.MaxDatagram-7)}},
	} {
		t.Run(name, func(t *testing.T) {
			var got machine.Notified
			for _, d := range test.datagrams {
				sdnotify.Add(&got, []byte(d))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("it says something else (-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzAdd(f *testing.F) {
	f.Add([]byte("READY=1\nSTATUS=x\xff\nMAINPID=7\nWATCHDOG=1"), []byte("RELOADING=1\nWATCHDOG_USEC=99\nEXTEND_TIMEOUT_USEC=18446744073709551615"))
	f.Add([]byte("STOPPING=1"), []byte("STATUS="+strings.Repeat("\u00e9", 200)))
	f.Fuzz(func(t *testing.T, one, other []byte) {
		var said machine.Notified
		for _, datagram := range [][]byte{one, other} {
			before := said
			sdnotify.Add(&said, datagram)
			switch {
			case len(said.Status) > machine.MaxStatus || !utf8.ValidString(said.Status):
				t.Errorf("the status is %q", said.Status)
			case strings.ContainsFunc(said.Status, func(r rune) bool { return !unicode.IsPrint(r) }):
				t.Errorf("the status %q is not printable", said.Status)
			case said.WatchdogEvery < 0 || said.WatchdogEvery > sdnotify.MaxTime || said.Extend < 0 || said.Extend > sdnotify.MaxTime:
				t.Errorf("times are %v and %v", said.WatchdogEvery, said.Extend)
			case said.MainPID < 0 || said.Reloading && said.Stopping:
				t.Errorf("it says %+v", said)
			case before.Ready && !said.Ready || before.Watchdog && !said.Watchdog:
				t.Errorf("after %+v it says %+v", before, said)
			}
		}
	})
}
