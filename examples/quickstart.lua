-- A first configuration. Run it with
--
--     mwlua run examples/quickstart.lua
--
-- and stop it with Ctrl-C. `mwlua check examples/quickstart.lua` says what is wrong without starting anything: misspell a word
-- below, and see. All keys are in docs/reference/lua.md.

-- A program is declared by its name and a table of keys. Only the command is required: the program and its arguments, each a
-- string of its own. No shell looks at them.
program "clock" {
  command = { "sh", "-c", "while :; do date; sleep 5; done" },
}

-- This one fails every three seconds. mwlua starts it again, after one second at first, and later each time, up to the longest
-- delay; after it has run for long enough, the delays begin anew.
program "flaky" {
  command = { "sh", "-c", "sleep 3; echo 'something went wrong' >&2; exit 1" },
  restart = { policy = "on-failure", delay = "1s", max_delay = "10s" },
}

-- A configuration is a program: variables, functions and loops do the rest. Variables are always local.
local greeting = env("GREETING", "hello")

for i = 1, 2 do
  program("greeter-" .. i) {
    command = { "sh", "-c", 'while :; do echo "$GREETING from $MWLUA_INSTANCE"; sleep 10; done' },
    env = { GREETING = greeting },
  }
end
