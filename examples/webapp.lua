-- A web application: its server, and workers for several queues, which share most of their settings.

supervisor {
  log_level = env("LOG_LEVEL", "info"), -- an unset variable without a default is an error
  shutdown_timeout = "45s",
}

-- Shared settings are an ordinary table, and merge puts more into a copy of it.
local app = {
  dir = "/srv/app",
  env = {
    RAILS_ENV = "production",
    DATABASE_URL = env("DATABASE_URL", "postgres://localhost/app"),
    NOTIFY_SOCKET = false, -- false takes a variable away
  },
  stop_timeout = "30s",
  stdout = "file:/var/log/app/${name}.log", -- ${name} becomes the program's name when it is started
}

-- The site is down without it, so its final failure ends mwlua, with its exit code: a container is restarted then.
program "web" (merge(app, {
  description = "puma, behind the proxy",
  command = { "bin/puma", "-p", 8080, "-w", mwlua.cpus },
  critical = true,
  restart = { policy = "always", limit = 10, window = "5m" },
}))

-- How many workers each queue gets. A list keeps its order; the names of a table have none.
local queues = {
  { name = "mail", workers = 2 },
  { name = "billing", workers = 1 },
  { name = "reports", workers = 1, env = { MALLOC_ARENA_MAX = 2 } },
}

for _, queue in ipairs(queues) do
  for i = 1, queue.workers do
    program("worker-" .. queue.name .. "-" .. i) (merge(app, {
      command = { "bin/worker", queue.name },
      labels = { queue = queue.name },
      env = queue.env or {},
      success_codes = { 0, 75 }, -- it leaves with 75 when the queue is empty
      restart = { policy = "always", delay = "2s" },
    }))
  end
end
