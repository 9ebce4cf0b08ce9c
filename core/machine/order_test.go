package machine

import (
	"slices"
	"strings"
	"testing"

	"github.com/mwlua/mwlua/core/program"
)

// alive is a program with one instance, the current one.
func alive(name string, in Instance) Program {
	in.Seq, in.PID = 1, 9
	return Program{Name: name, Phase: Running, Seq: 1, Current: 1, Instances: []Instance{in}}
}

func TestWhatABlockedProgramWaitsFor(t *testing.T) {
	ready, unready := Instance{Step: Started}, Instance{Step: Unready}
	oneshot := program.Spec{Kind: program.OneShot}
	for name, test := range map[string]struct {
		spec  program.Spec
		slots []Program // of "x"
		want  string
	}{
		"ready":                             {program.Spec{}, []Program{alive("", ready)}, ""},
		"not ready":                         {program.Spec{}, []Program{alive("", unready)}, "x"},
		"on its way out":                    {program.Spec{}, []Program{alive("", Instance{Step: Stopping})}, "x"},
		"waiting for its restart":           {program.Spec{}, []Program{{Phase: Waiting}}, "x"},
		"blocked itself":                    {program.Spec{}, []Program{{Phase: Blocked}}, "x"},
		"one of its instances is not ready": {program.Spec{Instances: 2}, []Program{alive("", ready), alive("", unready)}, "x"},
		"all of its instances are":          {program.Spec{Instances: 2}, []Program{alive("", ready), alive("", ready)}, ""},
		"a one-shot that is done":           {oneshot, []Program{{Phase: Done}}, ""},
		"a one-shot that runs":              {oneshot, []Program{alive("", ready)}, "x"},
		"a one-shot that has failed":        {oneshot, []Program{{Phase: Failed}}, "x"},
	} {
		t.Run(name, func(t *testing.T) {
			s := State{
				Config:   program.Config{Programs: []program.Spec{{Name: "web", After: []string{"x", "y"}, Needs: []string{"x"}}, {Name: "y"}}},
				Programs: []Program{{Name: "web", Phase: Blocked}, alive("y", ready)},
			}
			for i, p := range test.slots {
				test.spec.Name, p.Name, test.spec.Slot, p.Slot = "x", "x", i, i
				s.Config.Programs, s.Programs = append(s.Config.Programs, test.spec), append(s.Programs, p)
			}
			if got := strings.Join(s.Waits()[0], " "); got != test.want {
				t.Errorf("it waits for %q, want %q", got, test.want)
			}
			s.Programs[0].Phase = Down
			if got := s.Waits()[0]; got != nil {
				t.Errorf("one that is down waits for %q", got)
			}
		})
	}
}

func TestWaitsInTheOrderOfTheDeclaration(t *testing.T) {
	s := State{
		Config: program.Config{Programs: []program.Spec{
			{Name: "a"}, {Name: "b"}, {Name: "c"}, {Name: "web", Needs: []string{"c"}, After: []string{"b", "c", "a"}},
		}},
		Programs: []Program{{Name: "a"}, {Name: "b"}, {Name: "c"}, {Name: "web", Phase: Blocked}},
	}
	if got := s.Waits()[3]; !slices.Equal(got, []string{"b", "c", "a"}) {
		t.Errorf("%q", got)
	}
}
