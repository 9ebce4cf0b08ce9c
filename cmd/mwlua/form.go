package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// form is how data is printed: the value of -o. The zero form is for people: a table on a terminal, elsewhere the same rows with
// tabs between the cells and without a header.
type form struct {
	chosen  string
	allowed []string
}

// The other forms.
const (
	jsonForm  = "json"
	jsonlForm = "jsonl" // an object a line
	wideForm  = "wide"  // more columns, or rows
	nameForm  = "name"  // a name a line
)

// String is part of pflag.Value.
func (f *form) String() string { return f.chosen }

// Set is part of pflag.Value.
func (f *form) Set(text string) error {
	if !slices.Contains(f.allowed, text) {
		return fmt.Errorf("write one of %s", strings.Join(f.allowed, ", "))
	}
	f.chosen = text
	return nil
}

// Type is part of pflag.Value.
func (f *form) Type() string { return "form" }

// printJSON prints whole for -o json, and each of list for -o jsonl. It returns false for other forms.
func printJSON[T any](r *remote, whole any, list []T) bool {
	e := json.NewEncoder(r.out)
	e.SetEscapeHTML(false)
	switch r.form.chosen {
	case jsonForm:
		e.SetIndent("", "  ")
		_ = e.Encode(whole) // an error is that nobody reads
	case jsonlForm:
		for _, v := range list {
			_ = e.Encode(v)
		}
	default:
		return false
	}
	return true
}

// readable is a name as people can read it, in one word and without what a terminal would obey.
func readable(name string) string {
	odd := func(c rune) bool { return c == utf8.RuneError || c == '"' || unicode.IsSpace(c) || !unicode.IsPrint(c) }
	if name == "" || !utf8.ValidString(name) || strings.ContainsFunc(name, odd) {
		return strconv.Quote(name)
	}
	return name
}

// colour is an SGR code; "" is none.
type colour string

const (
	plain  colour = ""
	bold   colour = "1"
	faint  colour = "2"
	red    colour = "31"
	green  colour = "32"
	yellow colour = "33"
)

// cell is a word, or more, of a table.
type cell struct {
	text   string
	colour colour
}

// table is rows of as many cells as there are columns. A column without a header is shown all the same.
type table struct {
	header []string
	rows   [][]cell
}

func (t *table) add(cells ...cell) { t.rows = append(t.rows, cells) }

// print aligns the columns and paints the cells if w is a terminal. An empty cell is printed as -.
func (t *table) print(w io.Writer) {
	if !isTerminal(w) {
		for _, row := range t.rows {
			words := make([]string, len(row))
			for i, c := range row {
				words[i] = orDash(c.text)
			}
			fmt.Fprintln(w, strings.Join(words, "\t"))
		}
		return
	}
	t.align(w, os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb")
}

func (t *table) align(w io.Writer, paint bool) {
	header := make([]cell, len(t.header))
	for i, text := range t.header {
		header[i] = cell{text, bold}
	}
	rows := t.rows
	if len(header) > 0 {
		rows = append([][]cell{header}, rows...)
	}
	width := map[int]int{}
	for _, row := range rows {
		for i, c := range row {
			width[i] = max(width[i], utf8.RuneCountInString(orDash(c.text)))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for i, c := range row {
			text := orDash(c.text)
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(text))
			if paint && c.colour != plain {
				text = "\x1b[" + string(c.colour) + "m" + text + "\x1b[0m"
			}
			line.WriteString(text + pad + "  ")
		}
		fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
	}
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// isTerminal takes other character devices for terminals, which nobody reads.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
