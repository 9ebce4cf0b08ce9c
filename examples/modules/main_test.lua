-- Tests of main.lua and of the files that it brings together.

test("every team's programs are there", function()
  local s = sim { config = "main.lua" }
  s:start()
  for _, name in ipairs { "billing-api", "billing-export", "search" } do
    s:expect(name, "running")
  end
end)

test("the index is read again", function()
  local s = sim { config = "main.lua" }
  s:start()
  s:on_stop("search", "ignore") -- it does not die of SIGHUP
  s:reload()
  eq(s:state("search").seq, 1)
  s:expect_log("search#1.*SIGHUP")
end)

test("a module's mistakes name the line that made them", function()
  local s = sim { config = "main.lua" }
  s:start()
  local worked, why = s:reload { text = [[
    local service = require "lib.service"
    service.declare("web", "8080")
  ]] }
  eq(worked, false)
  matches(why, ":2: service web: the port must be a number")
end)
