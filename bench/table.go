package main

import (
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// section is a part of the page that is made here.
type section struct{ name, text string }

func (b *bench) sections() []section {
	return []section{{"figures", b.table()}, {"ratios", b.ratios()}, {"peers", b.peers()}, {"growth", b.growth()}}
}

// print prints the sections, or replaces them in the page if it has measured all of them.
func (b *bench) print() error {
	if b.page == "" || b.only != nil {
		for _, s := range b.sections() {
			fmt.Println(s.text)
		}
		return nil
	}
	page, err := os.ReadFile(b.page)
	if err != nil {
		return err
	}
	text := string(page)
	for _, s := range b.sections() {
		if text, err = replaceSection(text, s.name, s.text); err != nil {
			return fmt.Errorf("%s: %v", b.page, err)
		}
	}
	return os.WriteFile(b.page, []byte(text), 0o644)
}

// replaceSection replaces what is between the marks of a section.
func replaceSection(page, name, text string) (string, error) {
	begin, end := "<!-- make bench: "+name+" -->\n", "<!-- make bench ends -->\n"
	before, rest, ok := strings.Cut(page, begin)
	_, after, ends := strings.Cut(rest, end)
	if !ok || !ends {
		return "", fmt.Errorf("there is no section between %q and %q", strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	return before + begin + strings.TrimSpace(text) + "\n" + end + after, nil
}

// heading is what a column is called.
func (b *bench) heading(m measure) string {
	n := number(float64(b.n))
	return [measures]string{
		"start 1, ms", "start " + n + ", ms", "replace " + n + ", ms", "stop " + n + ", ms", "PSS at 1, MB", "PSS at " + n + ", MB",
		"restart p50, ms", "restart p99, ms", "crash storm, starts/s", "idle, switches/s",
	}[m]
}

// withoutUnit is a heading for quotients.
func withoutUnit(heading func(measure) string) func(measure) string {
	return func(m measure) string {
		text := heading(m)
		return text[:strings.LastIndex(text, ", ")]
	}
}

// table is the figures.
func (b *bench) table() string {
	columns := []measure{startOne, startAll, replaceAll, stopAll, pssOne, pssAll, restartP50, restartP99, stormRate, idling}
	return fmt.Sprintf("%s, Linux %s, %d processors, %s; rounds: %d. The median, and in parentheses the least and the most.\n\n",
		time.Now().UTC().Format(time.DateOnly), release(), runtime.NumCPU(), runtime.Version(), b.rounds) +
		b.rowsOf(columns, b.heading, func(r *row, m measure) map[int]float64 { return r.values[m] })
}

// ratios are the figures by those of the limit in the same round.
func (b *bench) ratios() string {
	columns := []measure{startOne, startAll, replaceAll, stopAll, restartP50, stormRate}
	return b.rowsOf(columns, withoutUnit(b.heading), func(r *row, m measure) map[int]float64 { return over(r.values[m], b.rows[0].values[m]) })
}

// rowsOf is a table with a row for each supervisor that could be measured.
func (b *bench) rowsOf(columns []measure, heading func(measure) string, values func(*row, measure) map[int]float64) string {
	var t strings.Builder
	t.WriteString("| ")
	for _, m := range columns {
		fmt.Fprintf(&t, "| %s ", heading(m))
	}
	fmt.Fprintf(&t, "|\n|---|%s\n", strings.Repeat("---|", len(columns)))
	for _, r := range b.rows {
		if r.missing != nil {
			continue
		}
		fmt.Fprintf(&t, "| %s ", r.name)
		for _, m := range columns {
			fmt.Fprintf(&t, "| %s ", r.cell(m, values(r, m)))
		}
		t.WriteString("|\n")
	}
	return t.String()
}

// cell is values in short, or why there are none.
func (r *row) cell(m measure, values map[int]float64) string {
	switch {
	case len(values) > 0:
		return spread(slices.Collect(maps.Values(values)))
	case r.failed[m]:
		return "failed"
	}
	return "–"
}

// peers says how each is used, and what went wrong.
func (b *bench) peers() string {
	var t strings.Builder
	for _, r := range b.rows {
		fmt.Fprintf(&t, "- **%s**", r.name)
		if r.version != "" {
			fmt.Fprintf(&t, " %s", r.version)
		}
		if r.missing != nil {
			fmt.Fprintf(&t, ": not measured: %v\n", r.missing)
			continue
		}
		fmt.Fprintf(&t, ": %s", r.supervisor.note)
		if r.rounds > 0 && r.rounds < b.rounds {
			fmt.Fprintf(&t, ". It is slow, and takes part in %d of the rounds", r.rounds)
		}
		t.WriteString(".\n")
		for _, problem := range r.problems {
			fmt.Fprintf(&t, "  Failed in %s\n", strings.Join(strings.Fields(problem), " "))
		}
	}
	for _, note := range b.notes {
		fmt.Fprintf(&t, "- %s\n", note)
	}
	return t.String()
}

// growth is the table of sizes.
func (b *bench) growth() string {
	var t strings.Builder
	t.WriteString("| programs | start, ms | stop, ms | restart p50, ms | restart p99, ms | CPU a restart, µs | PSS, MB | a further program, kB | " +
		"reload without a change, ms | of it deaf, ms |\n|" + strings.Repeat("---|", 10) + "\n")
	before := size{}
	for _, z := range b.sizes {
		if len(z.pss) == 0 {
			fmt.Fprintf(&t, "| %s |%s\n", number(float64(z.n)), strings.Repeat(" failed |", 9))
			continue
		}
		further := "–"
		if len(before.pss) > 0 {
			further = number((median(z.pss) - median(before.pss)) / float64(z.n-before.n))
		}
		fmt.Fprintf(&t, "| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", number(float64(z.n)), spread(z.start), spread(z.stop), spread(z.p50),
			spread(z.p99), spread(z.cpu), number(median(z.pss)/1000), further, spread(z.reload), spread(z.deaf))
		before = z
	}
	return t.String()
}

// spread is the median of values, and the least and the most in parentheses if there are several; "" for none.
func spread(values []float64) string {
	switch len(values) {
	case 0:
		return ""
	case 1:
		return number(values[0])
	}
	return fmt.Sprintf("%s (%s–%s)", number(median(values)), number(slices.Min(values)), number(slices.Max(values)))
}

func median(values []float64) float64 {
	values = slices.Sorted(slices.Values(values))
	return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
}

// over are the quotients of the rounds that both have.
func over(values, by map[int]float64) map[int]float64 {
	quotients := make(map[int]float64)
	for round, v := range values {
		if by[round] != 0 {
			quotients[round] = v / by[round]
		}
	}
	return quotients
}

// number has three digits that count, and commas between thousands.
func number(v float64) string {
	switch {
	case v < 10:
		return strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(v, 'f', 2, 64), "0"), ".")
	case v < 100:
		return strings.TrimSuffix(strconv.FormatFloat(v, 'f', 1, 64), ".0")
	}
	text := strconv.FormatFloat(v, 'f', 0, 64)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// release is that of the kernel.
func release() string {
	var name syscall.Utsname
	if err := syscall.Uname(&name); err != nil {
		return err.Error()
	}
	var b strings.Builder
	for _, c := range name.Release {
		if c == 0 {
			break
		}
		b.WriteByte(byte(c))
	}
	return b.String()
}
