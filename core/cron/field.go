package cron

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// field is one of the five of a schedule.
type field struct {
	name      string
	low, high int
	words     []string // names that may stand for numbers, from low up
}

func fields() []field {
	return []field{
		{name: "minute", high: 59},
		{name: "hour", high: 23},
		{name: "day", low: 1, high: 31},
		{name: "month", low: 1, high: 12,
			words: []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
		{name: "weekday", high: 7, words: []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}},
	}
}

// parse reads a list of *, numbers, ranges and steps of them, and writes it as numbers. all says that it is every value there is.
func (f field) parse(text string) (numbers string, all bool, err error) {
	items := strings.Split(text, ",")
	seen := make(map[int]bool)
	for i, item := range items {
		r, err := f.item(item)
		if err != nil {
			return "", false, err
		}
		items[i] = r.text
		for n := r.from; n <= r.to; n += r.step {
			seen[n] = true
		}
	}
	return strings.Join(items, ","), len(seen) == f.high-f.low+1, nil
}

// span is one item of a field: every step-th value, and the item itself in numbers.
type span struct {
	from, to, step int
	text           string
}

func (f field) item(text string) (span, error) {
	body, stepText, stepped := strings.Cut(text, "/")
	s := span{from: f.low, to: f.high, step: 1, text: "*"}
	if body != "*" {
		var err error
		if s.from, s.to, err = f.bounds(body, stepped); err != nil {
			return s, err
		}
		s.text = fmt.Sprintf("%d-%d", s.from, s.to)
	}
	if stepped {
		n, ok := number(stepText, 1, f.high)
		if !ok {
			return s, fmt.Errorf("the step in %q is not 1 to %d", text, f.high)
		}
		s.step = n
		s.text += fmt.Sprintf("/%d", n)
	}
	return s, nil
}

// bounds reads a number or a range. A number with a step begins a range that goes as far as it can.
func (f field) bounds(text string, stepped bool) (from, to int, err error) {
	first, last, ranged := strings.Cut(text, "-")
	if from, err = f.value(first); err != nil {
		return 0, 0, err
	}
	switch {
	case !ranged && !stepped:
		return from, from, nil
	case !ranged:
		return from, f.high, nil
	}
	to, err = f.value(last)
	if f.name == "weekday" && to == 0 { // fri-sun: Sunday has two numbers
		to = 7
	}
	if err == nil && from > to {
		err = fmt.Errorf("the range %s goes backwards", text)
	}
	return from, to, err
}

// value reads a number or a name.
func (f field) value(text string) (int, error) {
	if i := slices.Index(f.words, strings.ToLower(text)); i >= 0 {
		return f.low + i, nil
	}
	n, ok := number(text, f.low, f.high)
	switch {
	case text == "":
		return 0, errors.New("something is missing beside a comma, a dash or a slash")
	case !ok && f.words != nil:
		return 0, fmt.Errorf("%q is not %d to %d, nor %s to %s", text, f.low, f.high, f.words[0], f.words[len(f.words)-1])
	case !ok:
		return 0, fmt.Errorf("%q is not %d to %d", text, f.low, f.high)
	}
	return n, nil
}

// number reads digits, without a sign.
func number(text string, low, high int) (int, bool) {
	n, err := strconv.ParseUint(text, 10, 16)
	return int(n), err == nil && low <= int(n) && int(n) <= high
}
