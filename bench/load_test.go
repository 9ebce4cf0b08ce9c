package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/mwlua/mwlua/lua"
)

// flat declares n programs one by one, and loop in a loop.
func flat(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `program "web-%[1]d" {
  command = { "/bin/sh", "-c", "exec web --id %[1]d", "--port", %[2]d },
  dir = "/srv/app-%[1]d",
  env = { APP = "app-%[1]d", PORT = %[2]d },
  restart = { policy = "always", delay = "1s" },
}
`, i, 8000+i)
	}
	return b.String()
}

func loop(n int) string {
	return fmt.Sprintf(`for i = 1, %d do
  program("web-" .. i) {
    command = { "/bin/sh", "-c", "exec web --id " .. i, "--port", 8000 + i },
    dir = "/srv/app-" .. i,
    env = { APP = "app-" .. i, PORT = 8000 + i },
    restart = { policy = "always", delay = "1s" },
  }
end
`, n)
}

// merged is loop with shared settings, and data one table that a loop goes through.
func merged(n int) string {
	return fmt.Sprintf(`local base = { dir = "/srv", env = { A = 1, B = 2 }, restart = { policy = "always", delay = "1s" } }
for i = 1, %d do
  program("web-" .. i) (merge(base, { command = { "/bin/sh", i }, env = { PORT = 8000 + i } }))
end
`, n)
}

func data(n int) string {
	var b strings.Builder
	b.WriteString("for _, p in ipairs {\n")
	for i := range n {
		fmt.Fprintf(&b, "  { name = \"web-%d\", port = %d, dir = \"/srv/app-%d\" },\n", i, 8000+i, i)
	}
	b.WriteString("} do program(p.name) { command = { '/bin/sh', p.port }, dir = p.dir } end\n")
	return b.String()
}

// BenchmarkLoad loads configurations of many programs. The design allows 0.25 s for 1,000 in one flat file, 1.5 s for 10,000, and
// 0.5 s for 10,000 in a loop.
func BenchmarkLoad(b *testing.B) {
	for _, shape := range []struct {
		name   string
		source func(int) string
		n      int
	}{
		{"flat", flat, 1000}, {"flat", flat, 10_000}, {"loop", loop, 10_000}, {"merged", merged, 10_000}, {"data", data, 10_000}, {"flat", flat, 1},
	} {
		b.Run(fmt.Sprintf("%s/%d", shape.name, shape.n), func(b *testing.B) {
			source := shape.source(shape.n)
			b.ReportAllocs()
			for b.Loop() {
				config, problems := lua.Load(lua.Options{
					Files: []string{"mwlua.lua"}, Env: []string{"PATH=/bin:/usr/bin"},
					ReadFile: func(string) ([]byte, error) { return []byte(source), nil },
				})
				if len(config.Programs) != shape.n || len(problems.Errors()) > 0 {
					b.Fatal(len(config.Programs), problems)
				}
			}
		})
	}
}
