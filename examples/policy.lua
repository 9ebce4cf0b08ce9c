-- What follows an exit, in code. A function gets the exit and all that is known around it, and answers with a verdict, or with
-- nothing, which leaves it to `restart`. All keys of both are in docs/reference/lua.md, what goes wrong in docs/policy.md.

supervisor { lua = { handler_timeout = "200ms" } }

-- An exit code that says why: a configuration that cannot be read will not become better by another start.
program "api" {
  command = { "/usr/bin/api", "--config", "/etc/api.toml" },
  restart = { policy = "on-failure", delay = "1s", limit = 10, window = "5m" },
  on_exit = function(ev)
    if ev.code == 78 then -- EX_CONFIG of sysexits(3)
      return { action = "fail", reason = "its configuration is wrong" }
    end
  end,
}

-- A policy for many programs: a function that makes functions. One that ran out of memory is given a rest, longer each time. The
-- store is a table of the program's own: it survives reloads, the variables of this file do not.
local function rest_after_oom(base, most)
  return function(ev)
    if not ev.oom then return end
    ev.store.rests = math.min((ev.store.rests or 0) + 1, most)
    return {
      action = "restart",
      delay = (base * ev.store.rests) .. "s",
      reason = string.format("out of memory, rest %d of %d", ev.store.rests, most),
    }
  end
end

-- A list is asked in its order, until one answers something else than "default". The second one looks at the last ends: three that came
-- within ten seconds each are no bad luck.
local function three_in_a_row(ev)
  if ev.expected or ev.uptime > 10 or #ev.history < 2 then return end
  for i = 1, 2 do
    if ev.history[i].uptime > 10 then return end
  end
  local verdict = ev.default -- what `restart` says: it can be changed, and returned
  verdict.delay = "1m"
  verdict.reason = "three times within ten seconds"
  return verdict
end

for i = 1, 2 do
  program("worker-" .. i) {
    command = { "/usr/bin/worker", "--slot", i },
    restart = "always",
    on_exit = { rest_after_oom(5, 12), three_in_a_row },
    labels = { team = "jobs" },
  }
end

-- Told of starts and ends, besides: what these answer means nothing.
program "leader" {
  command = { "/usr/bin/leader" },
  on_start = function(ev) log.info("%s leads now, pid %d", ev.instance, ev.pid) end,
  on_stop = function(ev) log.warn("%s led for %d s", ev.instance, ev.uptime) end,
}

-- The last try of a job ends mwlua, with a status that says whose fault it was.
oneshot "import" {
  command = { "/usr/bin/import", "--once" },
  retries = 2,
  on_exit = function(ev)
    if not ev.expected and ev.default.action == "fail" then
      return { action = "shutdown", exit_code = 65, reason = "no import, no service" }
    end
  end,
}

on("reloaded", function(ev)
  if ev.text ~= "" then log.error("still the old configuration: %s", ev.text) end
end)
