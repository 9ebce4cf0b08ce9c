-- Every verb of a world in virtual time, and what it does.
local conf = [[
  local budget = plugin "budget" { path = "/nowhere/budget", timeout = "2s" }
  oneshot "migrate" { command = { "/bin/sh" } }
  program "web" {
    command = { "/bin/sh" }, after = { "migrate" }, ready = { notify = true, timeout = "30s" },
    restart = { policy = "on-failure", delay = "10s", factor = 1, jitter = 0, limit = 3, window = "10m" },
    watchdog = "1m", stop_timeout = "5s",
    health = { tcp = "127.0.0.1:80", interval = "10s", failures = 2, on_fail = "restart" },
  }
  program "api" {
    command = { "/bin/sh" }, restart = { policy = "on-failure", delay = "1s", factor = 1, jitter = 0 },
    on_exit = {
      function(ev)
        log.info("%s ended with %s", ev.instance, ev.code or ev.signal)
        ev.store.n = (ev.store.n or 0) + 1
        if ev.oom then return { action = "fail", reason = "no memory, " .. ev.store.n .. " times" } end
        if ev.code == 9 then return "shutdown" end
      end,
      budget,
    },
  }
  cron "report" { command = { "/bin/sh" }, schedule = "0 4 * * *" }
]]

local function begun(more)
  local options = { text = conf, now = "2026-03-01T03:00:00Z" }
  for k, v in pairs(more or {}) do options[k] = v end
  local s = sim(options)
  s:start()
  return s
end

test("start, exit, ready, expect, state", function()
  local s = begun()
  s:expect("web", "blocked")
  s:exit("migrate", 0)
  s:expect("migrate", "done")
  s:expect("web", "starting")
  s:ready("web")
  s:expect("web", "running")
  local web = s:state("web")
  eq(web.state, "running"); ok(web.ready); eq(web.starts, 1); eq(web.seq, 1)
  s:expect_log("web#1 %(pid %d+%) is ready")
  s:expect_no_log("ALERT")
  s:exit("web", 3)
  s:expect("web", "backoff"); s:expect("web", "waiting")
  eq(s:next("web"), "10s")
  eq(s:state("web").code, 3)
  s:advance("10s")
  s:expect("web", "starting")
end)

test("a limit is reached, and nothing is started after it", function()
  local s = begun()
  s:exit("migrate", 0)
  for _ = 1, 4 do s:ready("web"); s:exit("web", 1); s:advance("10s") end
  s:expect("web", "failed")
  s:expect_no_start("web", "30d")
  s:exit("report", 0)
  fails(function() s:expect_no_start("report", "1d") end, "report was started once between")
end)

test("it is not ready in time", function()
  local s = begun()
  s:exit("migrate", 0)
  s:advance("30s")
  s:expect_log("it was not ready within 30s")
end)

test("health, watchdog and what it says", function()
  local s = begun()
  s:exit("migrate", 0)
  s:notify("web", "READY=1\nSTATUS=fine")
  s:expect("web", "running")
  s:advance("50s"); s:notify("web", "WATCHDOG=1")
  s:advance("50s"); s:expect("web", "running")
  s:notify("web", "WATCHDOG=1")
  s:health("web", false, "connection refused")
  s:advance("20s")
  s:expect_log("its health check has failed 2 times in a row: connection refused")
  s:expect("web", "backoff")
end)

test("the watchdog", function()
  local s = begun()
  s:exit("migrate", 0)
  s:ready("web"); s:advance("1m")
  s:expect_log("it did not say WATCHDOG=1 within 1m")
end)

test("stop, on_stop, restart, freeze", function()
  local s = begun()
  s:exit("migrate", 0); s:ready("web")
  s:on_stop("web", "exit:0 after 3s")
  s:stop("web"); s:expect("web", "stopping")
  s:advance("3s"); s:expect("web", "stopped")
  s:start("web"); s:ready("web"); s:expect("web", "running")
  s:on_stop("web", "ignore")
  s:restart("web"); s:advance("5s"); s:settle()
  s:expect_log("sending SIGKILL")
  s:ready("web"); eq(s:state("web").starts, 3)
  s:freeze("web"); s:stop("web"); s:expect("web", "stopping"); s:advance("5s"); s:expect("web", "stopped")
end)

test("kill, and a start that fails", function()
  local s = begun()
  s:exit("migrate", 0); s:ready("web")
  s:fail_start("web", "no such file or directory")
  s:kill("web", "SIGSEGV")
  s:expect_log("web#1 .* was killed by SIGSEGV")
  eq(s:state("web").signal, "SIGSEGV"); eq(s:state("web").next, "10s")
  s:advance("10s")
  s:expect_log("web#2 did not start: cannot execute no such file or directory")
  s:fail_start("web")
  s:advance("10s"); s:expect("web", "starting")
end)

test("functions and stubs decide", function()
  local s = begun()
  local asked
  s:stub_plugin("budget", function(ev) asked = ev.instance .. " " .. ev.code return { action = "restart", delay = "7s" } end)
  s:exit("api", 4); eq(asked, "api#1 4"); eq(s:next("api"), "7s")
  s:expect_log("INFO api#1 ended with 4")
  s:advance("7s"); s:stub_plugin("budget", function() return "timeout" end)
  s:exit("api", 1); s:expect("api", "deciding"); s:advance("2s"); eq(s:next("api"), "1s")
  s:advance("1s"); s:stub_plugin("budget", function() return "restart" end); s:freeze_plugin("budget")
  s:exit("api", 1); s:expect("api", "deciding"); s:advance("2s"); eq(s:next("api"), "1s")
  s:advance("1s"); s:freeze_plugin("budget", false); s:stub_plugin("budget", function() return "error" end)
  s:exit("api", 1); eq(s:next("api"), "1s")
  s:expect_log("plugin budget gave no verdict")
  s:advance("1s"); s:stub_plugin("budget", function() return "gone" end); s:exit("api", 1)
  s:advance("1s"); s:stub_plugin("budget", function() return "restrat" end); s:exit("api", 1)
  s:expect_log("did you mean \"restart\"")
  s:advance("1s"); s:stub_plugin("budget", function() error("boom") end); s:exit("api", 1)
  s:expect_log("boom")
  s:advance("1s"); s:exit("api", nil, { signal = "SIGKILL", oom = true })
  s:expect("api", "failed"); s:expect_log("no memory, 8 times")
end)

test("a function ends mwlua", function()
  local s = begun()
  eq(s:status(), nil)
  s:exit("api", 9)
  s:settle()
  eq(s:status(), 0); s:expect_exit(0)
end)

test("reloads keep, replace and fail", function()
  local s = begun()
  s:exit("migrate", 0); s:ready("web"); s:exit("api", 4)
  s:stub_plugin("budget", function() end)
  ok(s:reload())
  eq(s:state("web").seq, 1)
  local worked, why = s:reload { broken = "conf.lua:3: unexpected symbol" }
  eq(worked, false); matches(why, "unexpected symbol")
  worked, why = s:reload { text = "program 'web' { comand = { '/bin/sh' } }" }
  eq(worked, false); matches(why, "comand: unknown key")
  s:expect("web", "running")
  ok(s:reload { text = "program 'web' { command = { '/bin/sh', '-c', 'true' } }" })
  eq(s:state("web").seq, 2)
  s:expect_log("replace: changed: command")
  s:signal("SIGHUP")
  s:reexec()
  eq(s:state("web").seq, 2)
end)

test("the store survives a reload", function()
  local s = begun()
  s:stub_plugin("budget", function() end)
  s:exit("api", 1); s:advance("1s")
  s:reload()
  s:exit("api", nil, { signal = "SIGKILL", oom = true })
  s:expect_log("no memory, 2 times")
end)

test("the clock starts a cron, and is set", function()
  local s = begun()
  eq(s:next("report"), "1h")
  s:advance("1h"); s:expect("report", "running"); s:exit("report", 0)
  s:set_clock("23h30m"); s:advance("31m"); s:expect("report", "running")
  s:set_clock("-1h")
  eq(s:now(), "1h31m")
end)

test("stops of mwlua", function()
  local s = begun()
  s:on_stop("api", "exit:0 after 3s")
  eq(s:shutdown(), nil); s:advance("3s"); s:expect_exit(0)
  s = begun()
  s:signal("SIGTERM"); s:settle(); s:expect_exit(0)
  s = begun()
  s:signal("SIGINT"); s:settle(); s:expect_exit(0)
  matches(s:trace(), "stop \"SIGINT\"")
end)

test("two worlds of one seed are the same, of two are not", function()
  local text = "program 'web' { command = { '/bin/sh' }, restart = { policy = 'always', delay = '10s', jitter = 0.5 } }"
  local function delay(seed)
    local s = sim { text = text, seed = seed }
    s:start(); s:exit("web", 1)
    return s:next("web")
  end
  eq(delay(7), delay(7))
  ok(delay(7) ~= delay(8), "both wait as long")
end)

test("instances are told apart", function()
  local s = sim { text = "program 'web' { command = { '/bin/sh' }, instances = 3, restart = { policy = 'always', delay = '10s', jitter = 0 } }" }
  s:start()
  s:exit("web[2]", 1)
  s:expect("web", "running"); s:expect("web[1]", "running"); s:expect("web[2]", "backoff")
  eq(s:state("web", 2).state, "waiting")
end)

test("a reload reads the configuration again, and its functions begin anew", function()
  local text = [[
    local n = 0
    program "web" { command = { "/bin/sh" }, restart = { policy = "always", delay = "1s", jitter = 0, factor = 1 },
      on_exit = function() n = n + 1 if n >= 2 then return "stop" end end }
  ]]
  for _, how in ipairs { function(s) ok(s:reload()) end, function(s) ok(s:reexec()) end, function(s) s:signal("SIGHUP") end } do
    local s = sim { text = text }
    s:start(); s:exit("web", 1); s:advance("1s")
    how(s)
    s:exit("web", 1); s:expect("web", "waiting")
  end
end)

test("a reload waits until what it starts is ready", function()
  local s = sim { text = "program 'web' { command = { '/bin/sh' } }" }
  s:start()
  local worked, why = s:reload { text = "program 'web' { command = { '/bin/sh' }, ready = { notify = true, timeout = '10s' }, overlap = 'start-first' }" }
  eq(worked, nil); matches(why, "it is under way")
  s:advance("10s"); s:expect("web", "running"); eq(s:state("web").seq, 1)
  s:expect_log("stays, the reload could not replace it")
end)

test("a stop command does what the program does about it", function()
  local s = sim { text = "program 'web' { command = { '/bin/sh' }, stop_command = { '/bin/quit' }, stop_timeout = '10s' }" }
  s:start()
  s:on_stop("web", "exit:0 after 3s")
  s:stop("web"); s:expect("web", "stopping")
  s:reload() -- the command has said that it worked, and nothing more is sent
  s:advance("3s"); s:expect("web", "stopped"); eq(s:state("web").code, 0)
  s:start("web"); s:on_stop("web", "ignore"); s:stop("web"); s:advance("10s"); s:settle()
  s:expect("web", "stopped"); eq(s:state("web").signal, "SIGKILL")
end)

test("freeze keeps what was said before", function()
  local s = sim { text = "program 'web' { command = { '/bin/sh' }, stop_timeout = '10s' }" }
  s:start()
  s:on_stop("web", "exit:3 after 1s")
  s:freeze("web"); s:freeze("web", false)
  s:stop("web"); s:advance("1s"); eq(s:state("web").code, 3)
end)

test("who says something is told apart", function()
  local s = sim { text = "program 'web' { command = { '/bin/sh' }, instances = 2, ready = { notify = true } }" }
  s:start()
  s:notify("web", "READY=1")
  s:expect("web", "running"); s:expect("web[1]", "starting")
  for _, verb in ipairs { "stop", "restart", "freeze", "on_stop", "health", "expect_no_start" } do
    fails(function() s[verb](s, "web[1]", "ignore") end, 'for all instances of a program: write "web"')
  end
end)

test("a stub only looks", function()
  local s = begun()
  s:stub_plugin("budget", function() eq(s:state("web").state, "blocked") s:exit("migrate", 0) end)
  s:exit("api", 1)
  s:expect_log("exit: not in the function of a stub")
  s:expect("migrate", "running")
end)

test("chance has the seed of the world", function()
  local function delays(seed)
    local s = sim { seed = seed, text = [[ program "web" { command = { "/bin/sh" },
      on_exit = function() return { action = "restart", delay = math.random(1, 100000) .. "s" } end } ]] }
    s:start(); s:exit("web", 1)
    return s:next("web")
  end
  eq(delays(3), delays(3)); ok(delays(3) ~= delays(4))
end)

test("forall leaves what was begun before", function()
  local s = begun()
  forall(3, function() begun() s:expect("api", "running") end)
  s:exit("api", 9); s:settle(); s:expect_exit(0)
end)

test("forall tries with many seeds", function()
  local tried = 0
  forall(20, function(r)
    tried = tried + 1
    local n = r:int(1, 3)
    ok(n >= 1 and n <= 3); ok(r:bool() ~= nil); ok(r:pick { "a", "b" } ~= "c")
    local s = begun()
    s:advance(r:duration("1s", "1m"))
    s:expect("api", "running")
  end)
  eq(tried, 20)
end)

test("what a configuration has, a test has", function()
  eq(merge({ a = 1 }, { b = 2 }), { a = 1, b = 2 })
  eq(env("MWLUA_NO_SUCH_VARIABLE", "none"), "none")
  matches(read_file("verbs_test.lua"), "what a configuration has")
end)
