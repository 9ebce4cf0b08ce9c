-- Tests of quickstart.lua, as anybody can write them for a configuration:
--
--     mwlua test examples/quickstart_test.lua
--
-- The first ones are in virtual time: mwlua decides as it would, but the programs are made up, and a minute takes no time. What they
-- do is up to the test.

test("all is started at once", function()
  local s = sim { config = "quickstart.lua" }
  s:start()
  for _, name in ipairs { "clock", "flaky", "greeter-1", "greeter-2" } do
    s:expect(name, "running")
  end
end)

test("what fails is started again, later each time, but not later than ten seconds", function()
  local s = sim { config = "quickstart.lua" }
  s:start()
  local before = 0
  for i = 1, 8 do
    s:exit("flaky", 1)
    s:expect("flaky", "waiting") -- for its next start
    s:advance("11s") -- the longest delay, and what chance adds to it
    s:expect("flaky", "running")
    eq(s:state("flaky").starts, i + 1)
  end
end)

test("what ends well is left alone", function()
  local s = sim { config = "quickstart.lua" }
  s:start()
  s:exit("flaky", 0)
  s:expect_no_start("flaky", "1h")
end)

-- And with real processes: a mwlua of the test's own, in a directory of its own, which starts the programs that are declared.

test("the greeters greet", function()
  local r = run { config = "quickstart.lua", env = { GREETING = "good day" } }
  r:wait("greeter-2", "running", "10s")
  r:expect_log("good day from greeter%-1#1", "10s")
  r:expect_log("good day from greeter%-2#1", "10s")
end)

test("what is killed is started again, and nothing else notices", function()
  local r = run { config = "quickstart.lua" }
  r:wait("flaky", "running", "10s"); r:wait("clock", "running", "10s")
  local clock = r:pid("clock")
  r:kill("flaky")
  r:wait("flaky", "running", "10s")
  eq(r:pid("clock"), clock)
  eq(r:stop(), 0)
end)
