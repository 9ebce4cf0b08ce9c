-- What forgetful.lua should do, tried with many worlds. `mwlua test` finds one in which it does not.

-- The policy, told in another way: when the last hour has seen more than three crashes, and not before, it stays down.
local function gives_up_in_time(config)
  return function(r)
    local s = sim(config)
    s:start()
    local now, crashes = 0, {}
    for _ = 1, r:int(4, 8) do
      local calm = r:int(1, 40) -- minutes
      s:advance(calm .. "m")
      now = now + calm
      crashes[#crashes + 1] = now
      s:exit("worker", 1)
      local within = 0
      for _, at in ipairs(crashes) do
        if now - at < 60 then within = within + 1 end
      end
      if within > 3 then
        s:expect("worker", "failed")
        return
      end
      if s:state("worker").state == "failed" then
        error(string.format("it gave up after %d crashes within the hour", within))
      end
      s:advance("1s")
    end
  end
end

-- One that is right. It remembers when each of the last crashes was.
local right = [[
  program "worker" {
    command = { "/usr/bin/worker" },
    restart = { policy = "on-failure", delay = "1s", jitter = 0 },
    on_exit = function(ev)
      local recent = { ev.time }
      for _, at in ipairs(ev.store.recent or {}) do
        if ev.time - at < 3600 then recent[#recent + 1] = at end
      end
      ev.store.recent = recent
      if #recent > 3 then
        return { action = "fail", reason = "it crashes again and again" }
      end
    end,
  }
]]

test("the mistake is found", function()
  local why = fails(function()
    forall(200, gives_up_in_time { config = "forgetful.lua" })
  end)
  matches(why, "%-seed %d+ tries it again")
end)

test("what is right passes", function()
  forall(200, gives_up_in_time { text = right })
end)

-- This one fails, on purpose: it is how the mistake shows. MISTAKE=1 mwlua test -run shown forgetful_test.lua
test("the mistake is shown", function()
  if not env("MISTAKE", false) then skip "it is a mistake: MISTAKE=1 shows it" end
  forall(200, gives_up_in_time { config = "forgetful.lua" })
end)
