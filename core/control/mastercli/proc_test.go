package mastercli

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mwlua/mwlua/core/machine"
)

// instanceOf makes a machine.Program of instances whose last one is current, unless there is a 0 behind it.
func instanceOf(name string, instances ...machine.Instance) machine.Program {
	p := machine.Program{Name: name}
	for i, in := range instances {
		p.Seq++
		in.Seq = p.Seq
		p.Current = in.Seq
		if in.PID != 0 {
			p.Instances = append(p.Instances, in)
		} else if i == len(instances)-1 {
			p.Current = 0
		}
	}
	return p
}

func ran(pid int, generation uint64, since machine.Instant) machine.Instance {
	return machine.Instance{PID: pid, Generation: generation, Since: since * second}
}

func TestShowProcAfterReloadsAsRecorded(t *testing.T) {
	raw, err := os.ReadFile("testdata/mcli-2.6.12.txt")
	if err != nil {
		t.Fatal(err)
	}
	const long = "a-very-long-program-name"
	const version = "2.6.12-1+deb12u4"
	for _, s := range []Status{
		{
			PID: 29164, Now: 112 * second, Started: 100 * second, Version: version,
			Workers: []Worker{{PID: 29260, Since: 111 * second, Version: version}},
			State: machine.State{Generation: 2, Programs: []machine.Program{
				instanceOf("p", ran(29166, 1, 100), ran(29258, 2, 111)), instanceOf(long, ran(29259, 2, 111)),
			}},
		},
		{
			PID: 29164, Now: 113 * second, Started: 100 * second, Version: version,
			Workers: []Worker{{PID: 29268, Since: 112 * second, Version: version}},
			State: machine.State{Generation: 3, Programs: []machine.Program{
				instanceOf("p", ran(29166, 1, 100), ran(29258, 2, 111), ran(29266, 3, 112)), instanceOf(long, ran(29267, 3, 112)),
			}},
		},
	} {
		if want := ShowProc(s) + "\n"; !strings.Contains(string(raw), want) {
			t.Errorf("not recorded:\n%s", want)
		}
	}
}

func TestShowProc(t *testing.T) {
	const header = "#<PID>          <type>          <reloads>       <uptime>        <version>      \n"
	for name, test := range map[string]struct {
		status Status
		want   string
	}{
		"before the first load": {
			Status{PID: 7, Version: "3.2.0"},
			"7               master          0 [failed: 0]   0d00h00m00s     3.2.0          \n# workers\n# programs\n",
		},
		"a failed load makes nothing older (T-29, H-8.20)": {
			Status{
				PID: 7, Now: 93784 * second, Version: "3.2.0",
				State: machine.State{Generation: 1, Failures: 2, Programs: []machine.Program{instanceOf("web", ran(8, 1, 0))}},
			},
			"7               master          0 [failed: 2]   1d02h03m04s     3.2.0          \n# workers\n# programs\n" +
				"8               web             0               1d02h03m04s     -              \n",
		},
		"a kept instance is current, a spawning, waiting or down one is not there": {
			Status{
				PID: 7, Version: "3.2.0",
				State: machine.State{Generation: 4, Programs: []machine.Program{
					instanceOf("kept", ran(8, 1, 5)), instanceOf("down", ran(0, 1, 0)),
					{Name: "new", Current: 1, Instances: []machine.Instance{{Seq: 1, Generation: 4, Step: machine.Spawning}}},
				}},
			},
			"7               master          3 [failed: 0]   0d00h00m00s     3.2.0          \n# workers\n# programs\n" +
				"8               kept            3               0d00h00m00s     -              \n",
		},
		"old ones come newest generation first, and of the same in the order of the file": {
			Status{
				PID: 7, Version: "3.2.0",
				State: machine.State{Generation: 4, Programs: []machine.Program{
					instanceOf("a", ran(10, 1, 0), ran(11, 3, 0), ran(12, 4, 0)),
					instanceOf("b", ran(20, 2, 0), ran(21, 3, 0), ran(0, 4, 0)),
				}},
			},
			"7               master          3 [failed: 0]   0d00h00m00s     3.2.0          \n# workers\n# programs\n" +
				"12              a               0               0d00h00m00s     -              \n# old programs\n" +
				"11              a               1               0d00h00m00s     -              \n" +
				"21              b               1               0d00h00m00s     -              \n" +
				"20              b               2               0d00h00m00s     -              \n" +
				"10              a               3               0d00h00m00s     -              \n",
		},
		"each instance of a program has a row, one that is to follow another beside it, one without its process none": {
			Status{
				PID: 7, Version: "3.2.0",
				State: machine.State{Generation: 2, Programs: []machine.Program{
					instanceOf("web", ran(10, 1, 0), ran(11, 2, 0)),
					{Name: "web", Slot: 1, Seq: 2, Current: 1, Next: 2, Instances: []machine.Instance{
						{Seq: 1, PID: 12, Generation: 1}, {Seq: 2, PID: 13, Generation: 2}}},
					{Name: "web", Slot: 2, Seq: 1, Current: 1, Instances: []machine.Instance{{Seq: 1, PID: 14, Step: machine.Emptying}}},
				}},
			},
			"7               master          1 [failed: 0]   0d00h00m00s     3.2.0          \n# workers\n# programs\n" +
				"11              web             0               0d00h00m00s     -              \n" +
				"13              web[1]          0               0d00h00m00s     -              \n" +
				"12              web[1]          1               0d00h00m00s     -              \n# old programs\n" +
				"10              web             1               0d00h00m00s     -              \n",
		},
		"old workers have a section": {
			Status{PID: 7, Version: "3.2.0", Workers: []Worker{{PID: 9, Version: "3.2.0"}, {PID: 8, Old: true, Reloads: 1, Version: "3.1.0"}}},
			"7               master          0 [failed: 0]   0d00h00m00s     3.2.0          \n# workers\n" +
				"9               worker          0               0d00h00m00s     3.2.0          \n# old workers\n" +
				"8               worker          1               0d00h00m00s     3.1.0          \n# programs\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(header+test.want, ShowProc(test.status)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// T-32, H-8.24: HAProxy answers nothing if it does not fit in 16 kB.
func TestShowProcOfAnySizeArrives(t *testing.T) {
	s := Status{PID: 7, Version: "3.2.0", State: machine.State{Generation: 1}}
	for i := range 2000 {
		s.State.Programs = append(s.State.Programs, instanceOf(strings.Repeat("x", 700)+fmt.Sprint(i), ran(1000+i, 1, 0)))
	}
	b := Backend{Status: func() (Status, bool) { return s, true }}
	conn := dial(t, serveAt(t, b, User))
	send(t, conn, "show proc;quit\n")
	expect(t, conn, ShowProc(s)+"\n")
	expectEOF(t, conn)
}
