-- Tests of haproxy.lua, and of the `program` sections of haproxy.cfg.

test("the Data Plane API lives through reloads", function()
  local s = sim { config = "haproxy.lua" }
  s:start()
  s:on_stop("dataplaneapi", "ignore"); s:on_stop("spoe-waf", "ignore") -- they do not die of the signal of a reload
  s:reload()
  eq(s:state("dataplaneapi").seq, 1)
  eq(s:state("spoe-auth").seq, 2)
  eq(s:state("spoe-waf").seq, 1)
  s:expect_log("spoe%-waf.*SIGHUP")
end)

test("an agent that does not leave is stopped after ten minutes", function()
  local s = sim { config = "haproxy.lua" }
  s:start()
  s:on_stop("spoe-auth", "ignore")
  s:reload()
  s:advance("9m"); s:expect_no_log("did not leave in time")
  s:advance("1m"); s:expect_log("former spoe%-auth#1 .* did not leave in time")
end)

test("what no restart mends stops everything", function()
  local s = sim { config = "haproxy.lua" }
  s:start()
  for _ = 1, 6 do
    s:exit("spoe-waf", 1)
    s:advance(s:next("spoe-waf") or "1s")
  end
  s:settle()
  ok(s:status(), "mwlua still runs")
end)

test("as HAProxy: a reload replaces the heartbeat and signals the greeter", function()
  local s = sim { haproxy = "haproxy.cfg" }
  s:start()
  s:expect("heartbeat", "running"); s:expect("greeter", "running")
  s:on_stop("greeter", "ignore") -- it has a trap
  s:reload()
  eq(s:state("heartbeat").seq, 2)
  eq(s:state("greeter").seq, 1)
end)

test("as HAProxy: a program that fails ends it all, with its code", function()
  local s = sim { haproxy = "haproxy.cfg" }
  s:start()
  s:exit("heartbeat", 3)
  s:settle()
  s:expect_exit(3)
end)

test("the sections of haproxy.cfg, with real processes", function()
  -- HAProxy ends the shell alone, and not the sleep that this waits for: that would be left behind, and fail the test.
  local r = run { haproxy = "haproxy.cfg", text = [[
    for _, name in ipairs { "heartbeat", "greeter" } do override(name) { kill = "group" } end
  ]] }
  r:expect_log("hello from the greeter", "10s")
  r:expect_log("heartbeat #", "10s")
  local greeter, heartbeat = r:pid("greeter"), r:pid("heartbeat")
  r:reload()
  r:expect_log("reloaded", "10s")
  eq(r:pid("greeter"), greeter)
  ok(r:pid("heartbeat") ~= heartbeat, "the heartbeat was not replaced")
  eq(r:stop(), 0)
end)
