package lua

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mwlua/mwlua/core/policy"
)

// TestHandlersThatDoNotEnd are interrupted at their deadline, with the line, and the next call works.
func TestHandlersThatDoNotEnd(t *testing.T) {
	const late = `: program "web": on_exit[1]: it does not come back within `
	tests := []struct{ name, body, want string }{
		{"loop", "while true do end", "main.lua:2" + late},
		{"loop under pcall", "while true do\npcall(function() while true do end end) end", late},
		{"tail calls", "local function f() return f() end\nf()", "main.lua:2" + late},
		{"pattern", "local s = ('a'):rep(40)\ns:find(('a-'):rep(25) .. 'b')", "main.lua:3"},
		{"patterns", "while true do pcall(string.find, ('a'):rep(40), ('a-'):rep(25) .. 'b') end", late},
		{"string that doubles", "local s = 'x'\nwhile true do s = s .. s end", `main.lua:3: program "web": on_exit[1]: the text is larger than the 1 MiB allowed`},
		{"strings in a table", "local s, t = ('x'):rep(1e6), {}\nwhile true do t[#t + 1] = s .. #t end", `main.lua:3: program "web": on_exit[1]: it needs more than 32 MiB of memory`},
		{"table that grows", "local t = {}\nwhile true do t[#t + 1] = {} end", "main.lua:3: "}, // by memory or by time
		{"registry that is full", "local function f(...) return select('#', ...) end\nlocal t = {}\nfor i = 1, 8000 do t[i] = i end\n" +
			"local function g(n, ...) if n == 0 then return f(...) end return 1 + g(n - 1, unpack(t)) end\ng(190)", "main.lua:"},
		{"recursion", "local function f() return 1 + f() end\nf()", "main.lua:2: " + `program "web": on_exit[1]: functions call each other more than 200 deep`},
		{"sort that lies", "local t = {} for i = 1, 1000 do t[i] = i end\nwhile true do table.sort(t, function() return true end) end", "main.lua:3" + late},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, h := open(t, map[string]string{"main.lua": "local bad = true program 'web' { command = { 'sh' }, on_exit = function(ev) if ev.seq == 0 then return 'stop' end\n" +
				test.body + "\nend }"}, func(o *Options) { o.Memory = 32 << 20 })
			within := 200 * time.Millisecond
			if strings.Contains(test.want, "MiB") {
				within = patient
			}
			begin := time.Now()
			_, _, err := decide(t, h, "web.on_exit[1]", anExit(), within)
			if took := time.Since(begin); took > within+time.Second {
				t.Errorf("it took %v", took)
			}
			// On a busy machine the caller gives up first, without a line.
			if err == nil || !strings.Contains(err.Error(), test.want) && !strings.Contains(err.Error(), "no answer within") {
				t.Errorf("got %v\nwant %s", err, test.want)
			}
			ev := anExit()
			ev.Seq = 0
			if v, _, err := decide(t, h, "web.on_exit[1]", ev, patient); err != nil || v.Do != policy.Stop {
				t.Errorf("the next one: %+v, %v", v, err)
			}
		})
	}
}

// blocking is a Log that does not come back from "block" until the test ends: nothing interrupts such a call.
func blocking(t *testing.T) (o func(*Options), entered chan string) {
	release, entered := make(chan struct{}), make(chan string, 100)
	t.Cleanup(func() { close(release) })
	return func(o *Options) {
		o.Log = func(_, text string) {
			entered <- text
			if text == "block" {
				<-release
			}
		}
	}, entered
}

const stuckSource = `local calls = 0
program "web" { command = { "sh" }, on_exit = function(ev)
	calls = calls + 1
	if ev.seq == 1 then log.info("block") end
	return { action = "restart", exit_code = calls, reason = env("HOME") }
end }`

// TestStuckStateIsReplaced: who asks gets an error at the deadline, and a second later another state answers.
func TestStuckStateIsReplaced(t *testing.T) {
	block, entered := blocking(t)
	_, h := open(t, map[string]string{"main.lua": stuckSource}, block)
	ev := anExit()
	for want := 1; want <= 3; want++ {
		if v, _, err := decide(t, h, "web.on_exit[1]", ev, patient); err != nil || v.ExitCode != want || v.Reason != "/root" {
			t.Fatalf("%+v, %v", v, err)
		}
	}
	begin := time.Now()
	ev.Seq = 1
	_, _, err := decide(t, h, "web.on_exit[1]", ev, 100*time.Millisecond)
	if took := time.Since(begin); err == nil || !strings.HasPrefix(err.Error(), `main.lua:2: program "web": on_exit[1]: no answer within `) || took > time.Second {
		t.Errorf("after %v: %v", took, err)
	}
	<-entered
	ev.Seq = 3
	_, _, err = decide(t, h, "web.on_exit[1]", ev, 100*time.Millisecond)
	if err == nil || !strings.HasPrefix(err.Error(), `main.lua:2: program "web": on_exit[1]: its turn has not come within `) {
		t.Error(err)
	}
	v, _, err := decide(t, h, "web.on_exit[1]", ev, patient)
	if err != nil || v.ExitCode != 1 || v.Reason != "/root" { // a new state has counted nothing yet
		t.Errorf("%+v, %v", v, err)
	}
	if took := time.Since(begin); took < grace {
		t.Errorf("a new state after %v", took)
	}
	if text := <-entered; text != `main.lua:2: program "web": on_exit[1]: it does not come back: its Lua state is given up, and made again` {
		t.Error(text)
	}
}

// TestTooManyStuck: then nothing is called any more, until one comes back.
func TestTooManyStuck(t *testing.T) {
	release, entered := make(chan struct{}), make(chan struct{}, 10)
	once := sync.OnceFunc(func() { close(release) })
	t.Cleanup(once)
	_, h := open(t, map[string]string{"main.lua": stuckSource}, func(o *Options) {
		o.Log = func(_, text string) {
			if text == "block" {
				entered <- struct{}{}
				<-release
			}
		}
	})
	ev := anExit()
	ev.Seq = 1
	for range maxStuck {
		ctx, cancel := context.WithTimeout(t.Context(), patient)
		done := make(chan error, 1)
		go func() {
			_, _, err := h.Decide(ctx, "web.on_exit[1]", ev)
			done <- err
		}()
		<-entered
		cancel() // as good as a deadline
		if err := <-done; err == nil {
			t.Error("an answer out of nothing")
		}
	}
	for deadline := time.Now().Add(patient); ; {
		_, _, err := decide(t, h, "web.on_exit[1]", anExit(), 10*time.Millisecond)
		if errors.Is(err, errStuck) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	once()
	for deadline := time.Now().Add(patient); ; {
		v, _, err := decide(t, h, "web.on_exit[1]", anExit(), time.Second)
		if err == nil && v.Do == policy.Restart {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// TestClose interrupts what runs and answers who waits, and nothing is left of it.
func TestClose(t *testing.T) {
	begun := make(chan string, 1)
	_, h := open(t, map[string]string{"main.lua": "program 'web' { command = { 'sh' }, on_exit = function() log.info('begun') while true do end end }"},
		func(o *Options) { o.Log = func(_, text string) { begun <- text } })
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, _, err := decide(t, h, "web.on_exit[1]", anExit(), patient); !errors.Is(err, errClosed) {
				t.Error(err)
			}
		})
	}
	<-begun
	begin := time.Now()
	h.Close()
	wg.Wait()
	if took := time.Since(begin); took > grace {
		t.Errorf("it took %v", took)
	}
	h.Close()
	if _, _, err := decide(t, h, "web.on_exit[1]", anExit(), patient); !errors.Is(err, errClosed) {
		t.Error(err)
	}
}

// TestQueueIsBounded: who finds no place waits for one no longer than his deadline.
func TestQueueIsBounded(t *testing.T) {
	block, entered := blocking(t)
	_, h := open(t, map[string]string{"main.lua": stuckSource}, block)
	ev := anExit()
	ev.Seq = 1
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	defer cancel()
	var wg sync.WaitGroup
	ask := func(ev policy.Event) {
		wg.Go(func() {
			if _, _, err := h.Decide(ctx, "web.on_exit[1]", ev); err == nil {
				t.Error("an answer from a state that is stuck")
			}
		})
	}
	ask(ev)
	<-entered
	for range maxQueue + 100 {
		ask(anExit())
	}
	for len(h.calls) < maxQueue {
		runtime.Gosched()
	}
	begin := time.Now()
	_, _, err := decide(t, h, "web.on_exit[1]", anExit(), 50*time.Millisecond)
	if took := time.Since(begin); err == nil || took > time.Second {
		t.Errorf("after %v: %v", took, err)
	}
	cancel()
	wg.Wait()
}
