package lua

import (
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/mwlua/mwlua/core/program"
)

// FuzzLoad feeds arbitrary bytes as a file: whatever they are, the load ends in time, problems have a place and one line, and
// what is accepted can be used and is the same twice.
func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		"", "\x00", "return", "program 'a' { command = { 'a', 1, '${name}' } }",
		"local b = { env = { A = 1 } } for i = 1, 3 do program('w' .. i) (merge(b, { command = { 'a' } })) end",
		"defaults { restart = { delay = '1h30m', jitter = .5 } } override 'base' { user = 'root', env = { A = false } }",
		"supervisor { lua = { memory = '1GiB' }, control = false, control_mode = '0660' }",
		"local ok, e = pcall(error, { 1 }) print(xpcall(function() error('x', 2) end, tostring))",
		"for k, v in ('a=1,b=2'):gmatch('(%w+)=(%w+)') do log.info('%5.2f %q', 1, k) end",
		"print(('x y'):gsub('%f[%w]%w+', '%0%0'), ('(a(b)c)'):find('%b()'), select('#', unpack({ 1, 2 })))",
		"goto a do local x = function(...) return ... end end ::a:: repeat local y = 1 until y",
		"local t = setmetatable({}, { __index = function(_, k) return k end, __call = print }) t(t.x, #t)",
		"include 'conf.d/*.lua' require 'lib.a' env('HOME') read_file 'x'",
	} {
		f.Add(seed)
	}
	if data, err := os.ReadFile("testdata/errors.lua"); err == nil {
		for chunk := range strings.SplitSeq(string(data), "\n---\n") {
			f.Add(chunk)
		}
	}
	f.Fuzz(func(t *testing.T, source string) {
		run := func() (program.Config, program.Problems) {
			o := virtual(map[string]string{"c.lua": source, "lib/a.lua": "return 1", "conf.d/a.lua": ""}, "c.lua")
			o.Timeout, o.Memory = 300*time.Millisecond, 64<<20
			o.Base = &program.Config{Programs: []program.Spec{{
				Name: "base", Command: []string{"/bin/true"}, OnReload: program.Replace, ReloadSignal: 10,
			}}}
			return Load(o)
		}
		begin := time.Now()
		config, problems := run()
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("it took %v", took)
		}
		bounded := false // by time or memory, which are not the same twice
		for _, p := range problems {
			bounded = bounded || strings.Contains(p.Text, "the configuration ") || strings.Contains(p.Text, "takes too long")
			if p.Place.File == "" || p.Text == "" || strings.ContainsAny(p.String(), "\n\r\x00") {
				t.Errorf("problem %q", p)
			}
		}
		if len(problems.Errors()) == 0 && len(config.Validate()) > 0 {
			t.Errorf("accepted, but invalid: %v", config.Validate())
		}
		again, problemsAgain := run()
		if bounded || time.Since(begin) > 300*time.Millisecond {
			return
		}
		// Addresses differ from load to load, and a script can print them.
		if strings.Contains(problems.Error(), "0x") || strings.Contains(problemsAgain.Error(), "0x") || strings.Contains(source, "to") {
			return
		}
		if !reflect.DeepEqual(config, again) || !reflect.DeepEqual(problems, problemsAgain) {
			t.Errorf("a second load differs: %v, %v", problems, problemsAgain)
		}
	})
}
