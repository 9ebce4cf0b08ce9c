-- Tests of policy.lua: its functions are called for real, by exits that are made up.

local function up()
  local s = sim { config = "policy.lua" }
  s:start()
  return s
end

test("a wrong configuration is not tried again", function()
  local s = up()
  s:exit("api", 78)
  s:expect("api", "failed")
  s:expect_log("its configuration is wrong")
  s:expect_no_start("api", "1d")
end)

test("another failure is", function()
  local s = up()
  s:exit("api", 1)
  s:expect("api", "waiting")
end)

test("a worker without memory rests, longer each time, over a reload too", function()
  local s = up()
  for i = 1, 3 do
    s:exit("worker-1", nil, { signal = "SIGKILL", oom = true })
    eq(s:next("worker-1"), (5 * i) .. "s")
    s:advance("1m")
    s:reload()
  end
  s:expect("worker-2", "running")
end)

test("three short lives in a row are no bad luck", function()
  local s = up()
  for _ = 1, 2 do s:exit("worker-1", 1); s:advance("30s"); s:expect("worker-1", "running") end
  s:expect_no_log("three times")
  s = up()
  for _ = 1, 2 do s:advance("5s"); s:exit("worker-1", 1); s:advance(s:next("worker-1")) end
  s:exit("worker-1", 1)
  eq(s:next("worker-1"), "1m")
  s:expect_log("three times within ten seconds")
end)

test("who leads is told of", function()
  local s = up()
  s:expect_log("leader#1 leads now")
  s:advance("90s")
  s:exit("leader", 1)
  s:expect_log("leader#1 led for 90 s")
end)

test("no import, no service", function()
  local s = up()
  for _ = 1, 3 do s:exit("import", 1); s:advance("1m") end
  s:settle()
  s:expect_exit(65)
end)

test("a reload that fails is told of", function()
  local s = up()
  s:exit("import", 0) -- until then the first load is under way
  s:reload { broken = "policy.lua:1: a comma is missing" }
  s:expect_log("still the old configuration: policy.lua:1: a comma is missing")
end)
