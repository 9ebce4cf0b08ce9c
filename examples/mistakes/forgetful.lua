-- A policy with a mistake that is easily made, and easily overlooked: forgetful_test.lua finds it, docs/testing.md tells how.
--
-- What is wanted: a worker that crashes more than three times within an hour stays down.

local HOUR = 3600

program "worker" {
  command = { "/usr/bin/worker" },
  restart = { policy = "on-failure", delay = "1s", jitter = 0 },
  on_exit = function(ev)
    local store = ev.store
    if store.since and ev.time - store.since > HOUR then
      store.crashes = 0
    end
    store.since = store.since or ev.time -- the mistake: the hour that begins anew begins when the first one did
    store.crashes = (store.crashes or 0) + 1
    if store.crashes > 3 then
      return { action = "fail", reason = "it crashes again and again" }
    end
  end,
}
