-- Tests of container.lua: who waits for whom, and what ends the container.

local function up()
  local s = sim { config = "container.lua" }
  s:start()
  s:ready("cache")
  s:exit("fill", 0)
  s:ready("service")
  s:expect("service", "running")
  return s
end

test("the service is started when the cache is there and filled", function()
  local s = sim { config = "container.lua" }
  s:start()
  s:expect("fill", "blocked"); s:expect("service", "blocked")
  s:ready("cache")
  s:expect("fill", "running"); s:expect("service", "blocked")
  s:exit("fill", 0)
  s:expect("service", "starting")
end)

test("a cold cache is no reason to stay down", function()
  local s = sim { config = "container.lua" }
  s:start(); s:ready("cache")
  s:exit("fill", 1)
  s:expect("service", "starting")
end)

test("the service goes and comes with the cache", function()
  local s = up()
  s:exit("cache", 1)
  s:advance("150ms") -- a program is not started again sooner than after 100ms
  s:expect("service", "blocked")
  s:advance("1m"); s:ready("cache")
  s:ready("service")
  s:expect("service", "running")
end)

test("a service that gives no sign of life is aborted", function()
  local s = up()
  s:advance("29s"); s:notify("service", "WATCHDOG=1")
  s:advance("29s"); s:expect("service", "running")
  s:advance("2s")
  s:expect_log("it did not say WATCHDOG=1 within 30s")
end)

test("its final failure ends the container, with its exit code", function()
  local s = up()
  for _ = 1, 6 do
    s:exit("service", 3)
    if s:status() then break end
    s:advance(s:next("service"))
    s:ready("service")
  end
  s:settle()
  s:expect_exit(3)
end)

test("a report that takes too long is stopped", function()
  local s = up()
  s:advance(s:next("report")); s:expect("report", "running")
  s:advance("1m"); s:expect_log("it took longer than 1m")
end)
