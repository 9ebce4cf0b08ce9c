-- A container with several processes, mwlua as process 1: a cache, what fills it, the service that needs both, and a watch over it.

supervisor { exit_when = "critical-failed", shutdown_timeout = "20s" }

-- What all of them have in common.
defaults {
  no_new_privs = true, -- no set-user-ID program gets rights that its caller has not
  stop_timeout = "5s",
  on_master_death = "SIGTERM", -- if mwlua itself is killed, nothing runs on without it
}

-- Ready is what accepts connections: mwlua tries until it does, for half a minute at most. Then the start has failed.
local cache = program "cache" {
  command = { "redis-server", "--unixsocket", "/run/cache.sock", "--port", 0 },
  ready = { unix = "/run/cache.sock", timeout = "30s" },
  restart = "always",
  oom_score_adj = 500, -- the first one to go when memory is short
}

-- A cold cache is slow and no reason to stay down: with on_fail = "ignore" a failure counts as done.
local fill = oneshot "fill" {
  command = { "/app/fill-cache", "--from", "/data/seed" },
  after = { cache },
  timeout = "2m",
  on_fail = "ignore",
}

-- after is about the start. needs is more: when the cache ends, the service is stopped, and comes back after it.
program "service" {
  command = { "/app/service", "--listen", "0.0.0.0:8000" },
  after = { fill },
  needs = { cache },
  ready = { log = "^listening on " }, -- a line of its output says so; it is passed on as usual
  watchdog = "30s", -- it promises a sign of life (sd_notify) at least that often
  critical = true,
  restart = { policy = "on-failure", limit = 5, window = "2m" },
  capabilities = {}, -- it has no use for any of root's
}

-- Every five minutes, each time up to twenty seconds later, so that a hundred containers do not report at once.
cron "report" {
  command = { "/app/report", "--once" },
  schedule = "@every 5m",
  jitter = "20s",
  timeout = "1m",
}
