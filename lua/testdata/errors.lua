-- The errors of configurations: each expected message is a comment on the line that it names, after an arrow. Chunks are loaded
-- one by one. `go test ./lua -run Errors -update` writes what the code says; read the difference.
---
-- The example of the design.
local base = { user = "root", dirr = "/x" } --> program "ok": dirr: unknown key (did you mean "dir"?)
program "web" {
  command = { "a", "b", {} }, --> program "web": command[3]: expected a string, got a table
  restart = {
    polcy = "always", --> program "web": restart.polcy: unknown key (did you mean "policy"?)
    delay = 1, --> program "web": restart.delay: expected a duration such as "5s", got number 1: write the unit, such as "1s"
  },
}
local function worker(i)
  program("worker" .. i) { --> program "worker1": command: is required (in this call)
    description = "x",
  }
end
worker(1)
program "ok" (merge(base, { command = { "/bin/true" } }))
program "web" { command = { "x" } } --> program "web": already declared at errors.lua:6
progam "x" {} --> undefined variable "progam" (did you mean "program"?)
---
-- Names.
program "" { command = { "a" } } --> program "": the name must be letters, digits and _ . @ -, at most 64, and begin with a letter, a digit or _
program "a b" { command = { "a" } } --> program "a b": the name must be letters, digits and _ . @ -, at most 64, and begin with a letter, a digit or _
program "-a" { command = { "a" } } --> program "-a": the name must be letters, digits and _ . @ -, at most 64, and begin with a letter, a digit or _
program "a23456789012345678901234567890123456789012345678901234567890123456" { command = { "a" } } --> program "a23456789012345678901234567890123456789012345678901234567890123456": the name must be letters, digits and _ . @ -, at most 64, and begin with a letter, a digit or _
program("ok", { command = { "a" } })
program("ok", { command = { "a" } }) --> program "ok": already declared at errors.lua:28
---
-- Calls that are not complete.
program("comma"), { command = { "a" } } --> syntax error near ","
---
program "half" --> program "half": has no table: write program "half" { … }
program "nothing" { command = { "a" } }
---
program { command = { "a" } } --> program: expected a name, got a table: write program "name" { … }
---
program(nil) --> program: expected a name, got nil: write program "name" { … }
---
program "web" ("a") --> program "web": expected a table, got string "a": write program "web" { … }
---
program("web", 1) --> program "web": expected a table, got number 1: write program "web" { … }
---
local h = program "web"
h { command = { "a" } }
h { command = { "b" } } --> program "web": has its table already
---
supervisor "x" --> supervisor: expected a table, got string "x": write supervisor { … }
---
defaults(nil) --> defaults: expected a table, got nil: write defaults { … }
---
override { command = { "a" } } --> override: expected a name, got a table: write override "name" { … }
---
-- Unknown keys.
program "web" { --> program "web": command: is required (in this call)
  comand = { "a" }, --> program "web": comand: unknown key (did you mean "command"?)
  cmd = { "a" }, --> program "web": cmd: unknown key (mwlua calls it "command")
  directory = "/", --> program "web": directory: unknown key (mwlua calls it "dir")
  environment = {}, --> program "web": environment: unknown key (mwlua calls it "env")
  autorestart = true, --> program "web": autorestart: unknown key (mwlua calls it "restart")
  stopwaitsecs = 3, --> program "web": stopwaitsecs: unknown key (mwlua calls it "stop_timeout")
  delay = "1s", --> program "web": delay: unknown key (it belongs in restart = { delay = … })
  log_level = "info", --> program "web": log_level: unknown key (log_level belongs to supervisor {})
  instance = 4, --> program "web": instance: unknown key (did you mean "instances"?)
  ["stop-signal"] = "TERM", --> program "web": ["stop-signal"]: unknown key (did you mean "stop_signal"?)
  ["not a name"] = 1, --> program "web": ["not a name"]: unknown key
  [""] = 1, --> program "web": [""]: unknown key
  on_exit = function() end,
}
---
program "web" { "a", "b" } --> program "web": a value without a name (string "a"): write KEY = …, such as command = { … }
---
program "web" { command = { "a" }, [1.5] = 2, [true] = 3 } --> program "web": a value without a name (number 2): write KEY = …, such as command = { … }
---
supervisor {
  loglevel = "info", --> supervisor: loglevel: unknown key (mwlua calls it "log_level")
  command = { "a" }, --> supervisor: command: unknown key (command belongs to a program)
  lua = { load_timout = "1s", timeout = "1s" }, --> supervisor: lua.load_timout: unknown key (did you mean "load_timeout"?) --> supervisor: lua.timeout: unknown key (mwlua calls it "handler_timeout")
  user = "root", --> supervisor: user: unknown key (user belongs to a program)
}
---
-- Command.
program "a" { command = "a b c" } --> program "a": command: expected a list such as { "/usr/bin/web", "-p", 80 }, got string "a b c" (a line for the shell goes into shell)
program "b" { command = {} } --> program "b": command: is empty: name the program
program "c" { command = { "" } } --> program "c": command[1]: is empty: name the program
program "d" { command = { "a", nil, "c" } } --> program "d": command[2]: is nil: does the variable or the function there have a value?
program "e" { command = { "a", "b", nil } } --> program "e": command[3]: is nil: does the variable or the function there have a value?
program "f" { command = { "a", true } } --> program "f": command[2]: expected a string, got true: put it in quotes
program "g" { command = { "a", function() end } } --> program "g": command[2]: expected a string, got a function
program "h" { command = { "a", 1/0, 0/0 } } --> program "h": command[2]: expected a string, got number +Inf --> program "h": command[3]: expected a string, got number NaN
program "i" { command = { "a", x = 1 } } --> program "i": command: a list has no key string "x": remove it
program "j" { command = { "a" }, shell = "a" } --> program "j": command: cannot be given together with shell: remove one of them --> program "j": shell: cannot be given together with command: remove one of them
program "k" { shell = "" } --> program "k": shell: is empty: write something there, or remove it
program "l" { shell = { "a" } } --> program "l": shell: expected a string, got a table
program "m" { command = 5 } --> program "m": command: expected a list such as { "/usr/bin/web", "-p", 80 }, got number 5
program "n" { command = { "a\0b" } } --> program "n": command[1]: a NUL byte cannot be passed to a program: remove it
program "o" {
  command = {
    "a",
    { "b" }, --> program "o": command[2]: expected a string, got a table
    "c",
    false, --> program "o": command[4]: expected a string, got false: put it in quotes
  },
}
---
local words = { "a" }
words[3] = "c"
program "a" { command = words } --> program "a": command[2]: is nil: does the variable or the function there have a value?
---
local port
program "a" { command = { "a", "-p", port } } --> program "a": command[3]: is nil: does the variable or the function there have a value?
---
-- Expansions.
program "a" { command = { "${name}", "${instance}", "${env:HOME}", "$${x}", "$x" } }
program "b" { command = { "${nam}" } } --> program "b": command[1]: unknown ${nam} in "${nam}": ${name}, ${instance} and ${env:NAME} are expanded, and $${ is written for ${
program "c" { command = { "a", "${name" } } --> program "c": command[2]: ${ without a } in "${name": ${name}, ${instance} and ${env:NAME} are expanded, and $${ is written for ${
program "d" { command = { "a" }, dir = "${env:}" } --> program "d": dir: unknown ${env:} in "${env:}": ${name}, ${instance} and ${env:NAME} are expanded, and $${ is written for ${
program "e" { command = { "a" }, env = { A = "${HOME}" } } --> program "e": env.A: unknown ${HOME} in "${HOME}": ${name}, ${instance} and ${env:NAME} are expanded, and $${ is written for ${
program "f" { command = { "a" }, stdout = "file:${HOME}" } --> program "f": stdout: unknown ${HOME} in "${HOME}": ${name}, ${instance} and ${env:NAME} are expanded, and $${ is written for ${
program "g" { command = { "a" }, stdout = "file:${env:HOME}/x" } --> program "g": stdout: the path of a file cannot begin with ${…}: begin it with /
program "h" { shell = "echo ${HOME}" }
---
-- Types.
program "a" {
  command = { "a" },
  description = {}, --> program "a": description: expected a string, got a table
  labels = "x", --> program "a": labels: expected a table such as { NAME = "value" }, got string "x"
  enabled = "yes", --> program "a": enabled: expected true or false, got string "yes": without quotes
  dir = "", --> program "a": dir: is empty: write something there, or remove it
  umask = 22, --> program "a": umask: expected a mode in quotes such as "0640", got number 22
  env = "A=1", --> program "a": env: expected a table such as { NAME = "value" }, got string "A=1"
  env_inherit = "no", --> program "a": env_inherit: expected true, false or a list of names, got string "no"
  stdin = "nul", --> program "a": stdin: expected "inherit", "null" or "file:PATH", got string "nul"
  stdout = "/var/log/a", --> program "a": stdout: expected "inherit", "null" or "file:PATH", got string "/var/log/a": write "file:/var/log/a"
  stderr = 2, --> program "a": stderr: expected "inherit", "null" or "file:PATH", got number 2
  limits = 1024, --> program "a": limits: expected a table, got number 1024
  autostart = 1, --> program "a": autostart: expected true or false, got number 1
  stop_signal = "SIGTREM", --> program "a": stop_signal: expected a signal such as "SIGTERM", got string "SIGTREM" (did you mean "SIGTERM"?)
  stop_timeout = 10, --> program "a": stop_timeout: expected a duration such as "5s", got number 10: write the unit, such as "10s"
  success_codes = 0, --> program "a": success_codes: expected a list such as { 0, 3 }, got number 0
  critical = nil,
  on_reload = "never", --> program "a": on_reload: expected "if-changed", "replace", "keep" or "signal", got string "never"
  reload_signal = 0, --> program "a": reload_signal: expected a signal such as "SIGTERM", got number 0
  max_former = -1, --> program "a": max_former: expected a whole number from 0 to 10000, got number -1
  former_timeout = "0s", --> program "a": former_timeout: expected more than 0; false means no limit
  restart = true, --> program "a": restart: expected "on-failure", "always", "never", "exit-on-failure" or "no-exit-on-failure", got true
}
---
program "a" {
  command = { "a" },
  dir = "~/x", --> program "a": dir: ~ is not expanded: write the whole path
  umask = "0999", --> program "a": umask: expected a mode in quotes such as "0640", got string "0999"
  labels = { a = 1, b = {}, ["c=d"] = "e" }, --> program "a": labels.b: expected a string, got a table --> program "a": labels["c=d"]: "c=d" cannot be a name: it must not be empty or hold a =
  env = { A = true, B = false, C = 1, D = {}, ["E="] = "x", "F=1" }, --> program "a": env: a value without a name (string "F=1"): write NAME = …
  env_inherit = { "PATH", {} }, --> program "a": env_inherit[2]: expected a string, got a table
  limits = { nofile = "many", core = "unlimited", nproc = { 1, 2, 3 }, cpus = 1, stack = { 2, 1 }, as = "1GB", data = -1 }, --> program "a": limits.as: expected a whole number, a size such as "64MiB", or "unlimited", got string "1GB" --> program "a": limits.cpus: unknown key (did you mean "cpu"?) --> program "a": limits.data: expected a whole number, a size such as "64MiB", or "unlimited", got number -1 --> program "a": limits.nofile: expected a whole number, a size such as "64MiB", or "unlimited", got string "many" --> program "a": limits.nproc: expected a number, "unlimited" or two of them: { soft, hard } --> program "a": limits.stack: the soft limit is above the hard one: write { soft, hard }
  stop_signal = 65, --> program "a": stop_signal: expected a signal such as "SIGTERM", got number 65
  success_codes = { 0, 256, "1", 1.5 }, --> program "a": success_codes[2]: expected a whole number from 0 to 255, got number 256 --> program "a": success_codes[3]: expected a whole number from 0 to 255, got string "1" --> program "a": success_codes[4]: expected a whole number from 0 to 255, got number 1.5
  max_former = 1.5, --> program "a": max_former: expected a whole number from 0 to 10000, got number 1.5
  stop_timeout = true, --> program "a": stop_timeout: expected a duration such as "5s", got true
}
---
program "a" { command = { "a" }, stop_signal = "KILLL", reload_signal = {} } --> program "a": reload_signal: expected a signal such as "SIGTERM", got a table --> program "a": stop_signal: expected a signal such as "SIGTERM", got string "KILLL"
program "b" { command = { "a" }, success_codes = {} } --> program "b": success_codes: is empty: every exit would be a failure; name at least one code
program "c" { command = { "a" }, stdout = "file:" } --> program "c": stdout: expected "inherit", "null" or "file:PATH", got string "file:"
program "d" { command = { "a" }, stop_signal = "SIGRTMIN+3", reload_signal = "usr2" }
---
-- Durations.
program "a" {
  command = { "a" },
  restart = {
    delay = "5", --> program "a": restart.delay: expected a duration such as "250ms", "5s", "1h30m" or "1d", got string "5": it has no unit
    max_delay = "", --> program "a": restart.max_delay: expected a duration such as "250ms", "5s", "1h30m" or "1d", got string "": it is empty
    reset_after = "5 minutes", --> program "a": restart.reset_after: expected a duration such as "250ms", "5s", "1h30m" or "1d", got string "5 minutes": the units are ms, s, m, h and d, not "minutes"
    window = "soon", --> program "a": restart.window: expected a duration such as "250ms", "5s", "1h30m" or "1d", got string "soon": it does not begin with a number
    retry_after = "-5s", --> program "a": restart.retry_after: expected a duration such as "250ms", "5s", "1h30m" or "1d", got string "-5s": it does not begin with a number
    min_interval = "99999999999d", --> program "a": restart.min_interval: expected a duration such as "250ms", "5s", "1h30m" or "1d", got string "99999999999d": it is longer than ten years
  },
}
program "b" { command = { "a" }, restart = { delay = "1.5s", max_delay = "1h30m", window = "1d", reset_after = "0" } }
program "c" { command = { "a" }, restart = { delay = "1..5s", max_delay = "1e3s", window = "5S", reset_after = {} } } --> program "c": restart.delay: expected a duration such as "250ms", "5s", "1h30m" or "1d", got string "1..5s": it does not begin with a number --> program "c": restart.max_delay: expected a duration such as "250ms", "5s", "1h30m" or "1d", got string "1e3s": the units are ms, s, m, h and d, not "e" --> program "c": restart.reset_after: expected a duration such as "5s", got a table --> program "c": restart.window: expected a duration such as "250ms", "5s", "1h30m" or "1d", got string "5S": the units are ms, s, m, h and d, not "S"
---
-- Restart.
program "a" { command = { "a" }, restart = "allways" } --> program "a": restart: expected "on-failure", "always", "never", "exit-on-failure" or "no-exit-on-failure", got string "allways" (did you mean "always"?)
program "b" { command = { "a" }, restart = { policy = "unless-stopped", factor = 0, jitter = 2, limit = 1001, on_limit = "stop" } } --> program "b": restart.factor: expected a number from 1 to 100, got 0 --> program "b": restart.jitter: expected a number from 0 to 1, got 2 --> program "b": restart.limit: expected a whole number from 0 to 1000, got number 1001 --> program "b": restart.on_limit: expected "fail", "shutdown" or "retry", got string "stop" --> program "b": restart.policy: expected "on-failure", "always", "never", "exit-on-failure" or "no-exit-on-failure", got string "unless-stopped"
program "c" { command = { "a" }, restart = { factor = "2", jitter = 0/0, limit = "5", window = 60 } } --> program "c": restart.factor: expected a number, got string "2" --> program "c": restart.jitter: expected a number from 0 to 1, got NaN --> program "c": restart.limit: expected a whole number from 0 to 1000, got string "5" --> program "c": restart.window: expected a duration such as "5s", got number 60: write the unit, such as "60s"
program "d" { command = { "a" }, restart = { "always" } } --> program "d": restart: a value without a name (string "always"): write NAME = …
program "f" { command = { "a" }, restart = { policy = "exit-on-failure", delay = "1s" } } --> program "f": restart: "exit-on-failure" has no figures, because it never starts a program again: remove the other keys, or choose another policy
program "g" { command = { "a" }, restart = "no-exit-on-failure", success_codes = { 0, 3 } } --> program "g": success_codes: has no effect with restart = "no-exit-on-failure": remove it, or choose another restart
program "e" { command = { "a" }, restart = 1 } --> program "e": restart: expected "on-failure", "always", "never", "exit-on-failure" or "no-exit-on-failure", got number 1
---
-- Users: root is known in these tests, and the group adm.
program "a" { command = { "a" }, user = "nobodyhere" } --> program "a": user: cannot find the user "nobodyhere": no matching entries in passwd file
program "b" { command = { "a" }, user = "" } --> program "b": user: is empty: write something there, or remove it
program "c" { command = { "a" }, user = {} } --> program "c": user: expected a string, got a table
program "d" { command = { "a" }, user = "root", group = "nogrouphere" } --> program "d": group: cannot find the group "nogrouphere": no matching entries in group file
program "e" { command = { "a" }, groups = { "adm", "nogrouphere", 4 } } --> program "e": groups[2]: cannot find the group "nogrouphere": no matching entries in group file
program "f" { command = { "a" }, groups = true } --> program "f": groups: expected a name or a list of names, got true
---
-- Files.
program "a" { command = { "a" }, env_file = "none.env" } --> program "a": env_file: "$PWD/none.env" cannot be read: no such file or directory
program "b" { command = { "a" }, env_file = { "good.env", "bad.env" } } --> program "b": env_file[2]: $PWD/bad.env:2: expected NAME=VALUE, got "B"
program "c" { command = { "a" }, env_file = {} }
program "d" { command = { "a" }, env_file = 5 } --> program "d": env_file: "$PWD/5" cannot be read: no such file or directory
---
-- Defaults and overrides: a mistake in defaults is reported once.
defaults {
  stop_timeout = 5, --> defaults: stop_timeout: expected a duration such as "5s", got number 5: write the unit, such as "5s"
  restart = { delay = "x" }, --> defaults: restart.delay: expected a duration such as "250ms", "5s", "1h30m" or "1d", got string "x": it does not begin with a number
  unknown = 1, --> defaults: unknown: unknown key
}
program "a" { command = { "a" } }
program "b" { command = { "b" } }
override "b" { stop_timeout = {} } --> program "b": stop_timeout: expected a duration such as "5s", got a table
override "bb" { stop_timeout = "1s", typo = 1 } --> program "bb": cannot override what is not declared: declare it before --> program "bb": typo: unknown key
override "c" {} --> program "c": cannot override what is not declared: declare it before
---
-- Settings.
supervisor {
  log_level = "verbose", --> supervisor: log_level: expected "debug", "info", "warn" or "error", got string "verbose"
  log_format = "xml", --> supervisor: log_format: expected "text", "json" or "haproxy", got string "xml"
  control = true, --> supervisor: control: expected a string, got true: put it in quotes
  control_mode = 600, --> supervisor: control_mode: expected a mode in quotes such as "0640", got number 600
  runtime_dir = {}, --> supervisor: runtime_dir: expected a string, got a table
  exit_when = "done", --> supervisor: exit_when: expected "critical-failed", "all-done" or "never", got string "done"
  shutdown_timeout = "0s", --> supervisor: shutdown_timeout: expected more than 0; false means no limit
  reload_timeout = 5, --> supervisor: reload_timeout: expected a duration such as "5s", got number 5: write the unit, such as "5s"
  notify = false, --> supervisor: notify: expected "auto" or "never", got false
  lua = { memory = "1kb", load_timeout = "10" }, --> supervisor: lua.load_timeout: expected a duration such as "250ms", "5s", "1h30m" or "1d", got string "10": it has no unit --> supervisor: lua.memory: expected a size such as "64MiB", or a number of bytes, got string "1kb"
}
supervisor {} --> supervisor: already called at errors.lua:220: put all into one table
---
supervisor { lua = { memory = 5 } } --> supervisor: lua.memory: expected at least 1MiB, got number 5
---
supervisor { lua = 5 } --> supervisor: lua: expected a table, got number 5
---
-- Variables.
x = 1 --> assignment to the undeclared variable "x": write "local" before it, where it is first used
function helper() end --> assignment to the undeclared variable "helper": write "local" before it, where it is first used
program = nil --> cannot assign to "program", which belongs to mwlua: use another name
local y = z --> undefined variable "z"
print(hostnam) --> undefined variable "hostnam"
---
plugin "a" {} --> plugin "a": path: is required (in this call)
---
os.exit(0) --> undefined variable "os": a configuration has no os library; env("NAME") reads the environment
---
local f = io.open("x") --> undefined variable "io": a configuration has no io library; read_file("path") reads a file
---
dofile("x.lua") --> undefined variable "dofile": use include "file.lua" for declarations, require "name" for a module
---
local t = { a = true, b = False, c = null } --> undefined variable "False": Lua writes false --> undefined variable "null": Lua's word for nothing is nil
---
local a = b or c --> undefined variable "b" --> undefined variable "c"
---
_G.x = 1 --> assignment to the undeclared variable "x": write "local" before it, where it is first used
---
local a = _G.x --> undefined variable "x"
---
string.trim = 1 --> cannot assign to string.trim
---
string.trim("x") --> string has no "trim"
---
("x"):trim() --> string has no "trim"
---
log.warning("x") --> log has no "warning"
---
print(mwlua.config) --> mwlua has no "config"
---
mwlua.version = 1 --> cannot assign to mwlua.version
---
math.random() --> math.random: only in handlers: a configuration must be the same whenever it is loaded
---
table.unpack({}) --> table has no "unpack"
---
-- Tables.
program "a" {
  command = { "a" },
  dir = "/a",
  dir = "/b", --> the key "dir" is given twice in this table (first in line 280): remove one
}
---
local t = { a = { b = 1, b = 2 }, ["c"] = 1, c = 2 } --> the key "c" is given twice in this table (first in line 284): remove one --> the key "b" is given twice in this table (first in line 284): remove one
---
-- Errors while it runs.
local t
t.x = 1 --> cannot take the key x of nil: what stands before it has no value
---
local t = {}
t.x.y = 1 --> cannot take the key y of nil: what stands before it has no value
---
local a = "a" .. nil --> cannot join string and nil with ..: use tostring()
---
local a = "a" .. {} --> cannot join string and table with ..: use tostring()
---
local a = 1 + {} --> cannot perform add operation between number and table
---
local a = {} < {} --> attempt to compare table with table
---
local a = #5 --> only strings and tables have a length
---
nothing = nil --> assignment to the undeclared variable "nothing": write "local" before it, where it is first used
---
local f
f() --> what is called here is no function: is a name misspelt, a comma missing, or pairs() in a for?
---
local t = {}
t.f() --> what is called here is no function: is a name misspelt, a comma missing, or pairs() in a for?
---
error("no good") --> no good
---
error("no good", 0) --> no good
---
error({}) --> an error that is no text was raised (a table)
---
error() --> an error that is no text was raised (nil)
---
local function check(x)
  if not x then error("x is required", 2) end
end
check(1)
check() --> x is required
---
local function a() error("deep") end --> deep (called from errors.lua:326, from errors.lua:327)
local function b() a() end
b()
---
assert(false) --> assertion failed!
---
assert(nil, "assertion with text") --> assertion with text
---
for i = 1, "x" do end --> for statement limit must be a number
---
local x = ("x"):rep(1e9) --> string.rep: 1000000000 times 1 bytes is more than the 1 MiB allowed
---
local s = string.format("%d", "x") --> string.format: expected a number for %d, got string "x"
---
local s = string.format("%d") --> string.format: no value for %d (argument 2)
---
local s = string.format("%y", 1) --> string.format: unknown %y
---
local s = string.format("%") --> string.format: "%" ends with an unfinished %
---
local s = string.format("%123d", 1) --> string.format: cannot understand %123d
---
local s = ("x"):find("[a") --> "[a": the pattern has a [ without its ]
---
local s = ("x"):find("%") --> "%": the pattern ends with %
---
local s = ("x"):gsub("x", "%1%2") --> "x": the pattern has no capture %2
---
local s = ("x"):match("(x") --> "(x": the pattern does not close a capture
---
local s = ("x"):gsub("x") --> string.gsub: expected a text, a table or a function to replace with, got nil
---
local s = table.concat({ "a", {}, "b" }) --> table.concat: value 2 is a table, and only texts and numbers can be joined
---
local t = table.insert(nil, 1) --> bad argument #1 to insert (table expected, got nil)
---
local x = tostring() --> bad argument #1 to tostring (value expected)
---
local x = setmetatable(1, {}) --> setmetatable: expected a table, got number 1
---
local n = ("x"):rep("y") --> bad argument #2 to rep (number expected, got string)
---
ipairs() --> bad argument #1 to ipairs (table expected, got nil)
---
-- Helpers.
local e = env("NOT_SET") --> env("NOT_SET"): the variable is not set: set it, or give a default: env("NOT_SET", "…")
---
local e = env("HOEM") --> env("HOEM"): the variable is not set (did you mean "HOME"?): set it, or give a default: env("HOEM", "…")
---
local e = env() --> env: expected the name of a variable, got nil
---
local e = env("NOT_SET", nil)
program "a" { command = { "a", e } } --> program "a": command[2]: is nil: does the variable or the function there have a value?
---
local f = read_file("none.txt") --> read_file: "none.txt" cannot be read: no such file or directory
---
local f = read_file(nil) --> read_file: expected a path, got nil
---
local f = read_file("big.txt") --> read_file: "big.txt" is larger than 1 MiB, which is the limit
---
include "none.lua" --> include: "none.lua" cannot be read: no such file or directory
---
include "none/*.lua" --> include "none/*.lua": no file matches: create one, or say include("none/*.lua", { optional = true })
---
include("none/*.lua", { optinal = true }) --> include: unknown option "optinal": only optional is known
---
include(5) --> include: expected a pattern such as "conf.d/*.lua", got number 5
---
include "conf.d/[x" --> include "conf.d/[x": cannot understand the pattern: syntax error in pattern
---
require "lib.none" --> require "lib.none": neither lib/none.lua nor lib/none/init.lua is there
---
require "lib/ok" --> require "lib/ok": a module is named by words with dots between them: require "lib.web" reads lib/web.lua
---
require "../x" --> require "../x": a module is named by words with dots between them: require "lib.web" reads lib/web.lua
---
require "" --> require: expected the name of a module such as "lib.web", got string ""
---
local m = merge({}, nil) --> merge: argument 2 is nil, and a table is needed
---
local m = merge(1) --> merge: argument 1 is number 1, and a table is needed
---
local m = merge({ "a" }, {}) --> merge: argument 1 is a list: only tables of names can be merged
---
local t = {} t.t = t
local m = merge({}, t) --> merge: tables are nested more than 50 deep: does one hold itself?
---
local a = { env = { A = "1" }, command = { "a" } }
program "a" (merge(a, { env = { B = {} } }, { command = { 1, {} } })) --> program "a": command[2]: expected a string, got a table --> program "a": env.B: expected a string, got a table
---
local a = { env = { A = {} }, command = { "a" } } --> program "a": env.A: expected a string, got a table
program "a" (merge(a, { env = { B = "1" } }))
---
-- Errors that are caught are not errors; what is declared wrongly is.
pcall(error, "x")
pcall(function() program "a" { comand = { "a" } } end) --> program "a": comand: unknown key (did you mean "command"?) --> program "a": command: is required (in this call)
pcall(function() undefined_here() end) --> undefined variable "undefined_here"
---
print(xpcall(function() error("x") end, function(e) error(e) end)) --> x
---
-- Syntax.
program "a" {
  command = { "a" }
  user = "root", --> syntax error near "user" (is a comma missing before it?)
}
---
program "a" {
  command = { "a" }, --> syntax error at the end of the file ("{" of line 431 is not closed)
---
if true then
  program "a" { command = { "a" } } --> syntax error at the end of the file ("if" of line 434 is not closed)
---
local s = "unfinished --> the string or comment that begins here does not end
---
local s = [[unfinished --> the string or comment that begins here does not end
---
local x = = 1 --> syntax error near "="
---
local function f( end --> syntax error near "end" ("function" of line 443 is not closed)
---
end --> syntax error near "end"
---
x.y --> syntax error at the end of the file
---
local 1x = 5 --> syntax error near "1"
---
return 1 return 2 --> syntax error near "return"
---
goto nowhere --> goto "nowhere": there is no such label here
---
break --> cannot compile it: no loop to break
---
local a <const> = 1 --> syntax error near "<"
---
if x = 1 then end --> syntax error near "=" (Lua compares with ==)
---
a != b --> invalid token near "!" (Lua writes ~= and not)
---
local t = { a: 1 } --> syntax error near "1" (Lua writes KEY = VALUE)
---
program "a" { command = ["a"] } --> syntax error near "[" (Lua writes a list as { … })
---
// a comment --> syntax error near "/" (a comment begins with --)
---
local x = 5 + --> syntax error at the end of the file
---
for i in 1 do print(i) end --> what is called here is no function: is a name misspelt, a comma missing, or pairs() in a for?
---
local x = 0x --> illegal hexadecimal number near "0x"
---
local x = 1 ~ 2 --> invalid '~' token near "~"
---
program "a" { command = { "a" }; dir = "/"; }} --> syntax error near "}"
---
local function f(...) return select(0, ...) end --> bad argument #1 to select (index out of range) (called from errors.lua:480)
f()
---
local s = ("a"):rep(40):find(("a-"):rep(20) .. "b") --> "a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-b": the pattern takes too long on this text: make it simpler, or the text shorter
---
local big = {} for i = 1, 300000 do big[i] = "0123456789" end
local s = table.concat(big) --> table.concat: the result is larger than the 1 MiB allowed
---
local s = ("x"):rep(1000000):gsub("x", ("y"):rep(1000)) --> string.gsub: the result is larger than the 1 MiB allowed
---
local function f() return 1 + f() end --> functions call each other more than 200 deep: does a recursion not end?
f()
---
local s = [[unfinished --> the string or comment that begins here does not end
and on
---
local s = "unfinished --> the string or comment that begins here does not end
local t = 1
---
do
  goto out --> goto "out": there is no such label here
end
do ::out:: end
---
local function f() goto out end --> goto "out": there is no such label here
::out::
---
local meta = setmetatable({}, { __metatable = "mine" })
setmetatable(meta, {}) --> setmetatable: this table's metatable is protected
---
local x = 1 # a comment --> syntax error near "#" (a comment begins with --)
---
mwlua.version, string.rep = 1, 2 --> cannot assign to mwlua.version --> cannot assign to string.rep
---
local t = setmetatable({}, { __index = function(t, k) error("no " .. k, 2) end })
local x = t.color --> no color
---
local huge = unpack({}, 1, 1e8) --> unpack: more than 8000 values at once
---
local codes = { ("x"):rep(2^20):byte(1, -1) } --> string.byte: more than 8000 values at once
---
local many = {} for i = 1, 8000 do many[i] = i end
local function deep(n, ...) return n > 0 and 1 + deep(n - 1, unpack(many)) end --> too many values at once: a call or a table got more than fit
deep(200)
---
local t = {}
t[0/0] = 1 --> table index is NaN
---
t = t or {} --> assignment to the undeclared variable "t": write "local" before it, where it is first used --> undefined variable "t"
---
local a = { 1, 2 --> syntax error at the end of the file ("{" of line 529 is not closed)
---
program "a" { command = { "a" }, env = { A = 1, }, dir == "/x" } --> undefined variable "dir" --> program "a": has no table: write program "a" { … }
---
local function outer()
  program "a" { comand = { "a" } } --> program "a": comand: unknown key (did you mean "command"?) --> program "a": command: is required (in this call)
end
outer()
---
for _, name in ipairs { "a", "b" } do
  program(name) { command = { name }, user = "nobody" .. name } --> program "a": user: cannot find the user "nobodya": no matching entries in passwd file --> program "b": user: cannot find the user "nobodyb": no matching entries in passwd file
end
---
error("with\nlines\tand \1 bytes \255") --> with\nlines\tand \x01 bytes \xff
---
local name = "a"
local t = { [name] = 1, [name] = 2, [1] = 3 }
program "web" (t) --> program "web": a value without a name (number 3): write KEY = …, such as command = { … }
---
if false then unreachable() end --> undefined variable "unreachable"
---
repeat local done = true until done
local x = done --> undefined variable "done"
---
local function self_made(a) return self end --> undefined variable "self"
---
for i = 1, 2 do local inner = i end
print(inner) --> undefined variable "inner"
---
-- Kinds.
oneshot "a" {} --> oneshot "a": command: is required (in this call)
cron "b" {} --> cron "b": command: is required (in this call) --> cron "b": schedule: is required (in this call)
oneshot "c" { command = { "a" }, schedule = "@daily", instances = 2, ready = "notify", restart = "always", on_reload = "keep", critical = true } --> oneshot "c": critical: only a program or a cron has it --> oneshot "c": instances: only a program has it --> oneshot "c": on_reload: only a program has it --> oneshot "c": ready: only a program has it --> oneshot "c": restart: only a program has it --> oneshot "c": schedule: only a cron has it
cron "d" { command = { "a" }, schedule = "@daily", run = "boot", on_fail = "fail", sockets = {}, autostart = false } --> cron "d": on_fail: only a oneshot has it --> cron "d": run: only a oneshot has it --> cron "d": sockets: only a program has it
program "e" { command = { "a" }, schedule = "@daily", timeout = "5s", run = "boot", retrys = 3, jitter = "1s" } --> program "e": jitter: only a cron has it --> program "e": retrys: unknown key --> program "e": run: only a oneshot has it --> program "e": schedule: only a cron has it --> program "e": timeout: only a oneshot or a cron has it
program "a" { command = { "a" } } --> program "a": already declared at errors.lua:559
oneshot "e" { command = { "a" } } --> oneshot "e": already declared at errors.lua:563
supervisor { instances = 3, schedule = "x" } --> supervisor: instances: unknown key (instances belongs to a program) --> supervisor: schedule: unknown key (schedule belongs to a cron)
---
oneshot { command = { "a" } } --> oneshot: expected a name, got a table: write oneshot "name" { … }
---
cron "half" --> cron "half": has no table: write cron "half" { … }
---
oneshot "a" { command = { "a" }, timeout = 5, retries = -1, retry_delay = 1, run = "always", on_fail = "stop" } --> oneshot "a": on_fail: expected "fail", "ignore" or "shutdown", got string "stop" --> oneshot "a": retries: expected a whole number from 0 to 1000, got number -1 --> oneshot "a": retry_delay: expected a duration such as "5s", got number 1: write the unit, such as "1s" --> oneshot "a": run: expected "boot", "reload", "change" or "manual", got string "always" --> oneshot "a": timeout: expected a duration such as "5s", got number 5: write the unit, such as "5s"
oneshot "b" { command = { "a" }, timeout = "0s", retries = 1001, retry_delay = "x", run = "reloads", on_fail = true } --> oneshot "b": on_fail: expected "fail", "ignore" or "shutdown", got true --> oneshot "b": retries: expected a whole number from 0 to 1000, got number 1001 --> oneshot "b": retry_delay: expected a duration such as "250ms", "5s", "1h30m" or "1d", got string "x": it does not begin with a number --> oneshot "b": run: expected "boot", "reload", "change" or "manual", got string "reloads" (did you mean "reload"?) --> oneshot "b": timeout: expected more than 0; false means no limit
oneshot "c" { command = { "a" }, success_codes = { 0, 2 }, stop_timeout = false }
---
cron "a" { command = { "a" }, schedule = "61 * * * *", timezone = "Mars", overlap = "stop-first", jitter = 5, catch_up = "yes" } --> cron "a": catch_up: expected true or false, got string "yes": without quotes --> cron "a": jitter: expected a duration such as "5s", got number 5: write the unit, such as "5s" --> cron "a": overlap: expected "skip", "queue", "kill" or "allow", got string "stop-first" --> cron "a": schedule: minute: "61" is not 0 to 59 --> cron "a": timezone: cannot find the time zone "Mars": expected a name such as "Europe/Berlin", and the package tzdata
cron "b" { command = { "a" }, schedule = 5, timezone = {}, overlap = "skp", timeout = true, retries = 1.5 } --> cron "b": overlap: expected "skip", "queue", "kill" or "allow", got string "skp" (did you mean "skip"?) --> cron "b": retries: expected a whole number from 0 to 1000, got number 1.5 --> cron "b": schedule: expected five fields (minute, hour, day, month, weekday), a name such as "@daily" or "@every 15m", got 1 --> cron "b": timeout: expected a duration such as "5s", got true --> cron "b": timezone: expected a string, got a table
cron "c" { command = { "a" }, schedule = "0 0 30 2 *" } --> cron "c": schedule: never comes: no month has such a day
cron "d" { command = { "a" }, schedule = "@reboot" } --> cron "d": schedule: @reboot is no time: declare a oneshot
cron "e" { command = { "a" }, schedule = "" } --> cron "e": schedule: is empty: write something there, or remove it
cron "f" { command = { "a" }, schedule = "*/5 * * * * *" } --> cron "f": schedule: expected five fields (minute, hour, day, month, weekday), a name such as "@daily" or "@every 15m", got 6
cron "g" { command = { "a" }, schedule = "@every 5" } --> cron "g": schedule: @every: expected a duration such as "15m", got "5"
---
-- Order.
local db = program "db" { command = { "a" } }
local tidy = cron "tidy" { command = { "a" }, schedule = "@daily" }
program "a" { command = { "a" }, after = { db, "bd", tidy, "a" } } --> program "a": after[2]: nothing is called "bd" --> program "a": after[3]: "tidy" is a cron: it is never ready --> program "a": after[4]: it cannot wait for itself
program "b" {
  command = { "a" },
  after = db,
  needs = {
    "db",
    "tidy", --> program "b": needs[2]: "tidy" is a cron: it is never ready
    "nowhere", --> program "b": needs[3]: nothing is called "nowhere"
  },
}
program "c" { command = { "a" }, after = 5, needs = { {}, program "half" } } --> program "c": after: expected what a declaration yields, or a name, got number 5 --> program "c": needs[1]: expected what a declaration yields, or a name, got a table --> program "c": needs[2]: expected what a declaration yields, or a name, got program "half" without its table --> program "half": has no table: write program "half" { … }
program "d" { command = { "a" }, after = { db, nil, "a" } } --> program "d": after[2]: is nil: does the variable or the function there have a value?
program "e" { command = { "a" }, after = { x = "db" } } --> program "e": after: a list has no key string "x": remove it
---
program "off" { command = { "a" }, enabled = false }
program "none" { command = { "a" }, instances = 0 }
program "a" { command = { "a" }, after = { "off", "none" } }
program "b" { command = { "a" }, needs = { "off", "none" } } --> program "b": needs[1]: "off" is left out (enabled is false, or instances is 0) --> program "b": needs[2]: "none" is left out (enabled is false, or instances is 0)
program "c" { command = { "a" }, needs = { "off" }, enabled = false }
---
local function service(name, ...) return program(name) { command = { name }, after = { ... } } end --> program "a": after: "a" waits for itself: a → b → c → a --> program "d": after: "d" waits for itself: d → e → d
service("a", "b")
service("b", "c")
program "c" {
  command = { "c" },
  needs = { "a" },
}
service("d", "e")
program "e" {
  command = { "e" },
  after = {
    "b",
    "d",
  },
}
---
defaults { after = { "db" } } --> program "db": after[1]: it cannot wait for itself
program "db" { command = { "a" } }
---
-- Readiness.
program "a" { command = { "a" }, ready = "soon" } --> program "a": ready: expected "immediate" or "notify", got string "soon"
program "b" { command = { "a" }, ready = 5 } --> program "b": ready: expected "immediate" or "notify", got number 5
program "c" { command = { "a" }, ready = { tcp = "127.0.0.1:80", log = "x" } } --> program "c": ready: expected one of notify, fd, log, http, tcp, unix or command, got log and tcp
program "d" { command = { "a" }, ready = { timeout = "5s" } } --> program "d": ready: names nothing to look at: add notify, fd, log, http, tcp, unix or command
program "e" { command = { "a" }, ready = { fd = 2 } } --> program "e": ready.fd: expected a whole number from 3 to 1023, got number 2
program "f" { command = { "a" }, ready = { log = "(" } } --> program "f": ready.log: cannot understand the expression: missing closing ): `(`
program "g" { command = { "a" }, ready = { tcp = "80", interval = 1, timeout = 5 } } --> program "g": ready.interval: expected a duration such as "5s", got number 1: write the unit, such as "1s" --> program "g": ready.tcp: expected HOST:PORT, got "80" --> program "g": ready.timeout: expected a duration such as "5s", got number 5: write the unit, such as "5s"
program "h" { command = { "a" }, ready = { tcp = "::1:80", interval = "1ms", timeout = "0s" } } --> program "h": ready.interval: expected at least "10ms", got string "1ms" --> program "h": ready.tcp: expected HOST:PORT, got "::1:80": an IPv6 address stands in brackets, as in [::1]:80 --> program "h": ready.timeout: expected more than 0; false means no limit
program "i" { command = { "a" }, ready = { http = "127.0.0.1" } } --> program "i": ready.http: expected a URL such as "http://127.0.0.1:8080/healthz", got "127.0.0.1"
program "j" { command = { "a" }, ready = { unix = 5.5, tpc = "x" } } --> program "j": ready.tpc: unknown key (did you mean "tcp"?)
program "k" { command = { "a" }, ready = { command = "true" } } --> program "k": ready.command: expected a list such as { "/usr/bin/web", "-p", 80 }, got string "true" (a line for the shell goes into shell)
program "l" { command = { "a" }, ready = { notify = false } } --> program "l": ready.notify: expected true: leave ready out instead
program "m" { command = { "a" }, ready = { http = "http://${nam}/" } } --> program "m": ready.http: unknown ${nam} in "http://${nam}/": ${name}, ${instance} and ${env:NAME} are expanded, and $${ is written for ${
program "n" { command = { "a" }, ready = { "notify" } } --> program "n": ready: a value without a name (string "notify"): write NAME = …
program "o" { command = { "a" }, ready = { fd = 1024, }, watchdog = 5 } --> program "o": ready.fd: expected a whole number from 3 to 1023, got number 1024 --> program "o": watchdog: expected a duration such as "5s", got number 5: write the unit, such as "5s"
---
-- Health.
program "a" { command = { "a" }, health = "http://127.0.0.1/" } --> program "a": health: expected a table, got string "http://127.0.0.1/"
program "b" { command = { "a" }, health = {} } --> program "b": health: names nothing to look at: add http, tcp, unix or command
program "c" { command = { "a" }, health = { tcp = ":80", unix = "/x" } } --> program "c": health: expected one of http, tcp, unix or command, got tcp and unix
program "d" { command = { "a" }, health = { tcp = ":80", failures = 0, successes = "1", on_fail = "fail", interval = "0s", timeout = 1, start_delay = 1 } } --> program "d": health.failures: expected a whole number from 1 to 1000, got number 0 --> program "d": health.interval: expected at least "10ms", got string "0s" --> program "d": health.on_fail: expected "restart", "log" or "stop", got string "fail" --> program "d": health.start_delay: expected a duration such as "5s", got number 1: write the unit, such as "1s" --> program "d": health.successes: expected a whole number from 1 to 1000, got string "1" --> program "d": health.timeout: expected a duration such as "5s", got number 1: write the unit, such as "1s"
program "e" { command = { "a" }, health = { fd = 3, http = "http://:80/", retries = 3 } } --> program "e": health.fd: unknown key --> program "e": health.http: the URL names no host --> program "e": health.retries: unknown key (mwlua calls it "failures")
program "f" { command = { "a" }, health = { tcp = "localhost:0" } } --> program "f": health.tcp: the port "0" is not 1 to 65535
---
-- Instances, overlap, sockets.
program "a" { command = { "a" }, instances = -1, overlap = "skip" } --> program "a": instances: expected a whole number from 0 to 1000, got number -1 --> program "a": overlap: expected "at-once", "stop-first" or "start-first", got string "skip"
program "b" { command = { "a" }, instances = 1001, overlap = "start_first" } --> program "b": instances: expected a whole number from 0 to 1000, got number 1001 --> program "b": overlap: expected "at-once", "stop-first" or "start-first", got string "start_first" (did you mean "start-first"?)
program "c" { command = { "a" }, instances = "4", sockets = "tcp://:80" } --> program "c": instances: expected a whole number from 0 to 1000, got string "4" --> program "c": sockets: expected a table such as { NAME = "value" }, got string "tcp://:80"
program "d" { command = { "a" }, sockets = { "tcp://:80" } } --> program "d": sockets: a value without a name (string "tcp://:80"): write NAME = …
program "e" { command = { "a" }, sockets = { a = "udp://:80", b = "tcp://:0", c = "tcp://::1:80", d = "unix://run/x", e = "unix:///${name}", f = {}, ["g:h"] = "tcp://:80" } } --> program "e": sockets.a: expected "tcp://HOST:PORT" or "unix:///PATH", got "udp://:80" --> program "e": sockets.b: the port "0" is not 1 to 65535 --> program "e": sockets.c: expected HOST:PORT, got "::1:80": an IPv6 address stands in brackets, as in [::1]:80 --> program "e": sockets.d: "run/x" is not an absolute path: write unix:///PATH --> program "e": sockets.e: ${…} is not expanded here: mwlua opens it once, for all instances --> program "e": sockets.f: expected a string, got a table --> program "e": sockets["g:h"]: the name must be 1 to 255 printable characters of ASCII without spaces and colons
defaults { overlap = "sometimes", instances = "x", schedule = "x" } --> defaults: instances: expected a whole number from 0 to 1000, got string "x" --> defaults: overlap: expected "at-once", "stop-first", "start-first", "skip", "queue", "kill" or "allow", got string "sometimes" --> defaults: schedule: expected five fields (minute, hour, day, month, weekday), a name such as "@daily" or "@every 15m", got 1
---
-- Attributes.
program "a" { command = { "a" }, nice = 20, oom_score_adj = 1001, no_new_privs = "yes", cgroup = 1 } --> program "a": cgroup: expected true or false, got number 1 --> program "a": nice: expected a whole number from -20 to 19, got number 20 --> program "a": no_new_privs: expected true or false, got string "yes": without quotes --> program "a": oom_score_adj: expected a whole number from -1000 to 1000, got number 1001
program "b" { command = { "a" }, nice = "10", oom_score_adj = -1.5, capabilities = { "NET_BIND_SERVICE", "cap_sys_admn", "fly", {} } } --> program "b": capabilities[2]: unknown capability "cap_sys_admn" (did you mean "cap_sys_admin"?) --> program "b": capabilities[3]: unknown capability "fly" --> program "b": capabilities[4]: expected a string, got a table --> program "b": nice: expected a whole number from -20 to 19, got string "10" --> program "b": oom_score_adj: expected a whole number from -1000 to 1000, got number -1.5
program "c" { command = { "a" }, capabilities = true, chroot = "", process_group = "its", on_master_death = "keeep", stop_command = "a", kill = "all" } --> program "c": capabilities: expected a name or a list of names, got true --> program "c": chroot: is empty: write something there, or remove it --> program "c": kill: expected "unit", "group" or "process", got string "all" --> program "c": on_master_death: expected a signal such as "SIGTERM", got string "keeep" --> program "c": process_group: expected "own", "session" or "none", got string "its" --> program "c": stop_command: expected a list such as { "/usr/bin/web", "-p", 80 }, got string "a" (a line for the shell goes into shell)
program "d" { command = { "a" }, chroot = "~/x", on_master_death = 0, stop_command = { "a", "${x}" }, kill = "groups" } --> program "d": chroot: ~ is not expanded: write the whole path --> program "d": kill: expected "unit", "group" or "process", got string "groups" (did you mean "group"?) --> program "d": on_master_death: expected a signal such as "SIGTERM", got number 0 --> program "d": stop_command[2]: unknown ${x} in "${x}": ${name}, ${instance} and ${env:NAME} are expanded, and $${ is written for ${
program "e" { command = { "a" }, niceness = 3, limits = { nice = 5 }, depends_on = { "a" }, healthcheck = {}, numprocs = 3 } --> program "e": depends_on: unknown key (mwlua calls it "after") --> program "e": healthcheck: unknown key (mwlua calls it "health") --> program "e": niceness: unknown key (mwlua calls it "nice") --> program "e": numprocs: unknown key (mwlua calls it "instances")
---
-- Overrides take the keys of the kind.
oneshot "job" { command = { "a" } }
override "job" { timeout = "5m", schedule = "@daily", instances = 2 } --> oneshot "job": instances: only a program has it --> oneshot "job": schedule: only a cron has it
cron "tick" { command = { "a" }, schedule = "@daily" }
override "tick" { schedule = "99 * * * *" } --> cron "tick": schedule: minute: "99" is not 0 to 59
---
-- What only the whole shows.
program "a" { command = { "a" }, ready = { fd = 3 }, sockets = { web = "tcp://:80" } } --> program "a": ready.fd: 3 is the descriptor of a socket
program "b" { command = { "a" }, process_group = "none", kill = "group" } --> program "b": kill: its process group is mwlua's own (process_group)
program "c" { command = { "a" }, ready = { fd = 4 }, sockets = { web = "tcp://:80" } }
---
-- Functions and plugins.
local budget = plugin "budget" { path = "budget" }
program "a" { command = { "a" }, on_exit = "restart", on_start = "x", on_stop = {} } --> program "a": on_exit: expected a function, or what plugin yields, got string "restart" --> program "a": on_start: expected a function, got string "x" --> program "a": on_stop: expected a function, got a table
program "b" { command = { "a" }, on_exit = { budget, print, "fail", 5 } } --> program "b": on_exit[3]: expected a function, or what plugin yields, got string "fail" --> program "b": on_exit[4]: expected a function, or what plugin yields, got number 5
program "c" { command = { "a" }, on_exit = { x = budget }, after = { budget } } --> program "c": after[1]: expected what a declaration yields, or a name, got plugin "budget" --> program "c": on_exit: a list has no key string "x": remove it
program "d" { command = { "a" }, on_exit = plugin "half", needs = budget } --> program "d": needs: expected what a declaration yields, or a name, got plugin "budget" --> program "d": on_exit: expected a function, or what plugin yields, got plugin "half" without its table --> plugin "half": has no table: write plugin "half" { … }
program "e" { command = { "a" }, on_exits = print, onexit = print, on_start = budget } --> program "e": on_exits: unknown key (did you mean "on_exit"?) --> program "e": on_start: expected a function, got plugin "budget" --> program "e": onexit: unknown key (mwlua calls it "on_exit")
program "f" { command = { "a" }, on_exit = { budget, nil, print } } --> program "f": on_exit[2]: is nil: does the variable or the function there have a value?
oneshot "g" { command = { "a" }, on_exit = true, on_start = true } --> oneshot "g": on_exit: expected a function, or what plugin yields, got true --> oneshot "g": on_start: expected a function, got true
defaults { on_exit = 1 } --> defaults: on_exit: expected a function, or what plugin yields, got number 1
log.info(budget.path) --> plugin "budget" has no string "path" here: only its name can be read
---
plugin "a" { path = "a" }
plugin "a" { path = "/b" } --> plugin "a": already declared at errors.lua:689
plugin "-" { path = "a" } --> plugin "-": the name must be letters, digits and _ . @ -, at most 64, and begin with a letter, a digit or _
plugin "b" { } --> plugin "b": path: is required (in this call)
plugin "c" { path = "~/a", sha256 = "12", args = "x", env = { A = true, ["B="] = 1 }, user = "nobody" } --> plugin "c": args: expected a list such as { "-v" }, got string "x" --> plugin "c": env.A: expected a string, got true: put it in quotes --> plugin "c": env["B="]: "B=" cannot be a name: it must not be empty or hold a = --> plugin "c": path: ~ is not expanded: write the whole path --> plugin "c": sha256: expected the 64 hexadecimal digits that mwlua plugin sha256 PATH prints, got string "12" --> plugin "c": user: cannot find the user "nobody": no matching entries in passwd file
plugin "d" { path = 5, sha256 = 1, args = { {} }, env = { "A=1" }, timeout = "1m", start_timeout = "0s" } --> plugin "d": args[1]: expected a string, got a table --> plugin "d": env: a value without a name (string "A=1"): write NAME = … --> plugin "d": sha256: expected the 64 hexadecimal digits that mwlua plugin sha256 PATH prints, got number 1 --> plugin "d": start_timeout: expected more than 0 and at most "5m", got string "0s" --> plugin "d": timeout: expected more than 0 and at most "30s", got string "1m"
plugin "e" { path = "", timeout = 2, log_lines = 0, mtls = "yes", required = 1, on_failure = "x", command = "x" } --> plugin "e": command: unknown key (mwlua calls it "path") --> plugin "e": log_lines: expected a whole number from 1 to 10000, got number 0 --> plugin "e": mtls: expected true or false, got string "yes": without quotes --> plugin "e": on_failure: unknown key --> plugin "e": path: is empty: write something there, or remove it --> plugin "e": required: expected true or false, got number 1 --> plugin "e": timeout: expected a duration such as "5s", got number 2: write the unit, such as "2s"
plugin "f" { path = "a", config = { 1, 2 } } --> plugin "f": config: expected a table such as { NAME = value }, got a table
plugin "g" { path = "a", config = "x" } --> plugin "g": config: expected a table such as { NAME = value }, got string "x"
plugin "h" { path = "a", config = { a = { b = print } } } --> plugin "h": config.a.b: expected a string, a number, true, false or a table of these, got a function
plugin "i" { path = "a", config = {
  a = 1,
  b = { 0 / 0 }, --> plugin "i": config.b[1]: is NaN, and only finite numbers are taken
} }
plugin "j" { path = "a", config = { a = { 1, 2, x = 3 } } } --> plugin "j": config.a: has the key number 1 beside others: a table has names, or the keys 1, 2, 3 and so on without a gap
plugin "k" { path = "a", config = { a = "\255" } } --> plugin "k": config.a: is no UTF-8, and only that is taken
plugin "l" { path = "a", config = { a = ("x"):rep(70000) } } --> plugin "l": config: is larger than the 64 KiB allowed, as JSON
local self = {}
self.self = self
plugin "m" { path = "a", config = self } --> plugin "m": config: tables are nested more than 32 deep: does one hold itself?
plugin("n", 5) --> plugin "n": expected a table, got number 5: write plugin "n" { … }
---
on("reloads", print) on("ready", 5) on("ready") on(print) on("ready", false) --> on: expected "reload", "reloaded", "ready", "shutdown" or "signal", got string "reloads" (did you mean "reload"?) --> on: expected a function, got number 5 --> on: expected a function, got nil --> on: expected "reload", "reloaded", "ready", "shutdown" or "signal", got a function --> on: expected a function, got false
on "ready" --> on: expected a function, got nil
supervisor { plugin_dir = "~/x", lua = { handler_timeout = "31s" }, plugins = {} } --> supervisor: lua.handler_timeout: expected more than 0 and at most "30s", got string "31s" --> supervisor: plugin_dir: ~ is not expanded: write the whole path --> supervisor: plugins: unknown key
program "a" { command = { "a" }, plugin = "x", path = "x" } --> program "a": path: unknown key --> program "a": plugin: unknown key
---
on("ready", print, 5)
rawset(_G, "x", 1) --> rawset: this table belongs to mwlua: use another one
---
rawset(string, "format", nil) --> rawset: this table belongs to mwlua: use another one
---
_G.x = 1 --> assignment to the undeclared variable "x": write "local" before it, where it is first used
