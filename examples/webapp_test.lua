-- Tests of webapp.lua.

local function up(more)
  local s = sim(merge({ config = "webapp.lua", now = "2026-03-01T12:00:00Z" }, more or {}))
  s:start()
  s:exit("migrate", 0)
  s:ready("web")
  return s
end

test("nothing is started before the migration has succeeded, and it is tried three times more", function()
  local s = sim { config = "webapp.lua" }
  s:start()
  for _ = 1, 3 do
    s:exit("migrate", 1)
    s:expect("web", "blocked")
    s:advance("10s"); s:expect("migrate", "running")
  end
  s:exit("migrate", 0)
  s:expect("web", "starting"); s:expect("worker-mail", "blocked")
  s:ready("web")
  s:expect("worker-mail", "running"); s:expect("worker-mail[1]", "running"); s:expect("worker-billing", "running")
end)

test("web gives up after ten restarts in five minutes, and mwlua with it", function()
  local s = up()
  for i = 1, 11 do
    s:exit("web", 70)
    if s:status() then break end
    s:advance(s:next("web"))
    s:ready("web")
  end
  s:settle()
  s:expect_exit(70)
end)

test("web is replaced by one that is ready", function()
  local s = up()
  s:reload { text = [[
    program "web" {
      command = { "bin/puma", "-w", 8 }, sockets = { http = "tcp://:8080" },
      ready = { notify = true, timeout = "1m" }, overlap = "start-first",
    }
  ]] }
  local web = s:state("web")
  eq(web.seq, 1) -- the old one serves
  s:ready("web")
  eq(s:state("web").seq, 2)
end)

test("an empty queue is no failure", function()
  local s = up()
  s:exit("worker-reports", 75)
  s:expect_no_log("worker%-reports#1 .* failed")
  s:advance("5s"); s:expect("worker-reports", "running")
end)

test("web is asked whether it is well", function()
  local s = up()
  s:health("web", false)
  s:advance("31s")
  s:expect_log("its health check has failed 3 times in a row")
end)

test("the cleanup is at 3:15, and one that goes on is not overtaken", function()
  local s = up()
  eq(s:next("cleanup"), "15h15m")
  s:advance("15h15m"); s:expect("cleanup", "running")
  s:exit("cleanup", 0)
  eq(s:state("cleanup").starts, 1)
  s:advance("1d"); eq(s:state("cleanup").starts, 2)
end)
