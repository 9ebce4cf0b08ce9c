package journal

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
)

// canary is a secret, and the value of an environment variable.
const canary = "canary-3f9c"

// inTheClear are the fields that stay as they are in a journal: names, and paths. Whatever is not here is hidden, or has no value of an
// environment variable left in it. A new field is hidden, or gets a row here.
var inTheClear = []string{
	"Config.Hooks[].Name", "Config.Pidfile", "Config.Plugins[].Name", "Config.Plugins[].Path", "Config.Plugins[].Place.File",
	"Config.Plugins[].SHA256", "Config.Settings.Control", "Config.Settings.ControlGroup", "Config.Settings.LogFormat",
	"Config.Settings.LogLevel", "Config.Settings.Notify", "Config.Settings.RuntimeDir", "Config.Sources[].Path",
	"Config.Programs[].After[]", "Config.Programs[].Capabilities[]", "Config.Programs[].Chroot", "Config.Programs[].Command[]",
	"Config.Programs[].Dir", "Config.Programs[].Health.Probe.Command[]", "Config.Programs[].Health.Probe.TCP",
	"Config.Programs[].Health.Probe.Unix", "Config.Programs[].Limits[].Name", "Config.Programs[].Name", "Config.Programs[].Needs[]",
	"Config.Programs[].OnExit[].Name", "Config.Programs[].OnStart", "Config.Programs[].OnStop", "Config.Programs[].Place.File",
	"Config.Programs[].Ready.Probe.Command[]", "Config.Programs[].Ready.Probe.TCP", "Config.Programs[].Ready.Probe.Unix",
	"Config.Programs[].Schedule", "Config.Programs[].Sockets[].Address", "Config.Programs[].Sockets[].Name",
	"Config.Programs[].Stderr", "Config.Programs[].Stdin", "Config.Programs[].Stdout", "Config.Programs[].StopCommand[]",
	"Config.Programs[].Zone",
	"Programs[].Name", "Programs[].Clock", "Programs[].Blobs[].Plugin", "Programs[].Deciding.By.Name", "Programs[].Deciding.Exit.Program",
	"Programs[].Instances[].Ended.Program",
	"Reload.Asked[].Program", "Reload.Changes[].Name", "Reload.Changes[].Reason", "Stop.Asked[].Program",
	"Request.Program", "HookFailed.Name", "Tick.Program", "SocketFailed.Program", "SocketFailed.Name", "SpawnFailed.Step",
	"ID.Program", "By.Name", "Ends[].By", "Ends[].Exit.Program",
}

// clear says whether the value at path is not hidden. An event's path begins with its type.
func clear(path string) bool {
	path = strings.Replace(path, "Reload.Pending.", "Config.", 1)
	return slices.ContainsFunc(inTheClear, func(row string) bool {
		return path == row || strings.HasSuffix(path, "."+row)
	})
}

// texts calls found for each string and each []byte below v.
func texts(v reflect.Value, path string, found func(path string, v reflect.Value)) {
	switch v.Kind() {
	case reflect.String:
		if v.Type() == reflect.TypeFor[string]() {
			found(path, v)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			texts(v.Field(i), strings.TrimPrefix(path+"."+v.Type().Field(i).Name, "."), found)
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			found(path, v)
			return
		}
		for i := range v.Len() {
			texts(v.Index(i), path+"[]", found)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			texts(v.Elem(), path, found)
		}
	}
}

// plant puts the canary into one text after the other of what shape makes, and checks that it is not in what write makes of that, or
// that it is.
func plant(t *testing.T, name string, shape func() reflect.Value, write func(reflect.Value) ([]byte, error)) {
	t.Helper()
	var paths []string
	texts(shape(), name, func(path string, _ reflect.Value) { paths = append(paths, path) })
	for i, path := range paths {
		for _, secret := range []string{canary, "NAME=" + canary, "a text with " + canary + " in it"} {
			one, n := shape(), 0
			texts(one, name, func(_ string, v reflect.Value) {
				if n == i {
					setText(v, secret)
				}
				n++
			})
			data, err := write(one)
			if err != nil {
				t.Fatal(err)
			}
			if there := bytes.Contains(data, []byte(canary)); there != clear(path) {
				t.Errorf("%s = %q: that it is in the journal is %t\n%.300s", path, secret, there, data)
			}
		}
	}
	t.Logf("%s: %d texts", name, len(paths))
}

// full is a T with text in all its strings.
func full[T any]() reflect.Value {
	v := reflect.New(reflect.TypeFor[T]()).Elem()
	fill(v, "x")
	return v
}

func setText(v reflect.Value, text string) {
	if v.Kind() == reflect.String {
		v.SetString(text)
	} else {
		v.SetBytes([]byte(text))
	}
}

// newHider is one that knows the canary as the value of a variable.
func newHider() *hider {
	h := &hider{key: []byte("a key")}
	h.hashOf = h.hash
	h.learn(program.Config{Env: []string{"TOKEN=" + canary}})
	return h
}

// TestNoSecretOfAStateIsWritten, whichever field it is in.
func TestNoSecretOfAStateIsWritten(t *testing.T) {
	h := newHider()
	plant(t, "", full[machine.State], func(v reflect.Value) ([]byte, error) {
		return encodeLine(Head{State: h.state(v.Interface().(machine.State))})
	})
}

// TestOnlyTheFirstWordOfACommandIsWritten.
func TestOnlyTheFirstWordOfACommandIsWritten(t *testing.T) {
	c := program.Config{Programs: []program.Spec{{
		Command: []string{"/bin/prog", "--token", canary}, StopCommand: []string{"/bin/stop", canary},
		Ready: program.Ready{Probe: program.Probe{Command: []string{"/bin/probe", canary}}},
	}}}
	data, err := encodeLine(Head{State: newHider().state(machine.State{Config: c})})
	if err != nil || bytes.Contains(data, []byte(canary)) || bytes.Contains(data, []byte("--token")) {
		t.Errorf("%v %s", err, data)
	}
	for _, word := range []string{"/bin/prog", "/bin/stop", "/bin/probe"} {
		if !bytes.Contains(data, []byte(word)) {
			t.Errorf("%s is not in %s", word, data)
		}
	}
}

// TestNoSecretOfAnEventIsWritten, whichever field it is in, nor of what the machine says about it.
func TestNoSecretOfAnEventIsWritten(t *testing.T) {
	w := newHider().words()
	for _, ev := range events(t) {
		plant(t, nameOf(ev), func() reflect.Value {
			v := reflect.New(reflect.TypeOf(ev)).Elem()
			fill(v, "x")
			return v
		}, func(v reflect.Value) ([]byte, error) {
			return encodeStep(w.step(Step{Event: v.Interface().(machine.Event)}))
		})
	}
	plant(t, "Ends[]", full[Outcome], func(v reflect.Value) ([]byte, error) {
		return encodeStep(w.step(Step{Event: machine.Wake{}, Ends: []Outcome{v.Interface().(Outcome)}}))
	})
	plant(t, "Asked[]", full[Question], func(v reflect.Value) ([]byte, error) {
		return encodeStep(w.step(Step{Event: machine.Wake{}, Asked: []Question{v.Interface().(Question)}}))
	})
}

// TestHiddenValuesStayEqual: the plan that a reload makes is the same.
func TestHiddenValuesStayEqual(t *testing.T) {
	h := newHider()
	before := program.Config{
		Env: []string{"A=one", "B=two"}, Programs: []program.Spec{{Name: "web", Command: []string{"a", "b"}, Env: []string{"C=3"}}},
	}
	other := before
	other.Programs = []program.Spec{{Name: "web", Command: []string{"a", "c"}, Env: []string{"C=4"}}}
	hidden, again, changed := h.config(before), h.config(before), h.config(other)
	if !slices.Equal(hidden.Env, again.Env) || len(hidden.Programs[0].Changes(again.Programs[0])) != 0 {
		t.Errorf("%+v differs from %+v", hidden, again)
	}
	if got := fmt.Sprint(hidden.Programs[0].Changes(changed.Programs[0])); got != "[command env]" {
		t.Errorf("what changed is %s", got)
	}
	for i, want := range []string{"A=#", "B=#"} {
		if got := hidden.Env[i]; !strings.HasPrefix(got, want) || len(got) != len("A=#")+16 {
			t.Errorf("it is written as %s", got)
		}
	}
	if other := (&hider{key: []byte("another key")}).config(before); slices.Equal(other.Env, hidden.Env) {
		t.Errorf("another key makes the same hashes: %q", other.Env)
	}
	if before.Env[0] != "A=one" || before.Programs[0].Command[1] != "b" {
		t.Errorf("the configuration itself was changed: %+v", before)
	}
}

// TestScrub: the longest value counts, short ones and those that say where somebody is are left alone.
func TestScrub(t *testing.T) {
	h := &hider{key: []byte("k")}
	h.hashOf = h.hash
	h.learn(program.Config{Env: []string{"A=secret", "B=secretive", "C=debug", "HOME=/root/home", "D"}})
	h.learn(program.Config{Programs: []program.Spec{{Env: []string{"E=another"}}}, Plugins: []program.Plugin{{Env: []string{"F=of plugin"}}}})
	got := h.text("secret, secretive, debug, /root/home, another, of plugin")
	want := fmt.Sprintf("%s, %s, debug, /root/home, %s, %s", h.hash("secret"), h.hash("secretive"), h.hash("another"), h.hash("of plugin"))
	if got != want {
		t.Errorf("it is %q, want %q", got, want)
	}
}
