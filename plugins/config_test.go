package plugins

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/plugins/proto"
)

type hosts struct {
	Name  string `json:"name"`
	Port  uint16 `json:"port,omitempty"`
	Inner struct {
		Max int `json:"max,omitempty"`
	} `json:"inner,omitzero"`
	List []string `json:"list,omitempty"`
}

// Check is called after decoding.
func (h *hosts) Check() error {
	if h.Name == "wrong" {
		return errors.New("that name is wrong")
	}
	return nil
}

func TestConfigProblemsHavePaths(t *testing.T) {
	for config, want := range map[string]string{
		`{"name":"a","port":80,"inner":{"max":3},"list":["x"]}`: "",
		``:                               "name: is required",
		`{}`:                             "name: is required",
		`{"name":"a","nmae":1}`:          "nmae: unknown key (known are: inner, list, name, port)",
		`{"name":1}`:                     "name: expected string, got number",
		`{"name":"a","port":1.5}`:        "port: expected integer, got number",
		`{"name":"a","port":70000}`:      "port: json: cannot unmarshal number 70000 into Go struct field hosts.port of type uint16",
		`{"name":"a","inner":{"x":1}}`:   "inner.x: unknown key (known are: max)",
		`{"name":"a","list":["x",null]}`: "list[1]: expected string, got null",
		`{"a":1,"inner":[]}`:             "a: unknown key (known are: inner, list, name, port); inner: expected object, got array; name: is required",
		`[]`:                             ": expected object, got array",
		`{`:                              ": is no JSON: unexpected end of JSON input",
		`{"name":"wrong"}`:               ": that name is wrong",
	} {
		_, problems, err := decode[hosts](config)
		if err != nil {
			t.Fatal(err)
		}
		var texts []string
		for _, p := range problems {
			texts = append(texts, p.GetPath()+": "+p.GetMessage())
		}
		if got := strings.Join(texts, "; "); got != want {
			t.Errorf("%s:\n%s, want\n%s", config, got, want)
		}
	}
}

func TestNothingIsDecidedBeforeConfigure(t *testing.T) {
	s := &server[hosts]{decide: func(context.Context, *hosts, policy.Event, []byte) (policy.Verdict, []byte, error) {
		return policy.Verdict{Do: policy.Stop}, nil, nil
	}}
	if _, err := s.OnExit(t.Context(), &proto.ExitEvent{}); err == nil {
		t.Error("it was not configured")
	}
	if _, err := s.Configure(t.Context(), &proto.ConfigureRequest{Config: `{"name":"a"}`}); err != nil {
		t.Fatal(err)
	}
	if v, err := s.OnExit(t.Context(), &proto.ExitEvent{}); err != nil || v.GetAction() != proto.Action_ACTION_STOP {
		t.Error(v, err)
	}
}
