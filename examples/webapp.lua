-- A web application: a migration that comes first, its server, workers for several queues, and a job for the night. They share most
-- of their settings.

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
    LC_ALL = false, -- false takes a variable away
  },
  stop_timeout = "30s",
  stdout = "file:/var/log/app/${name}.log", -- ${name} becomes the program's name when it is started
}

-- A oneshot does its work and ends. What comes after it is started when it has succeeded, and not at all if it fails for good.
local migrate = oneshot "migrate" (merge(app, {
  command = { "bin/rails", "db:migrate" },
  timeout = "5m",
  retries = 3, -- the database may still be on its way up
  retry_delay = "5s",
}))

-- The site is down without it, so its final failure ends mwlua, with its exit code: a container is restarted then.
local web = program "web" (merge(app, {
  description = "puma, behind the proxy",
  command = { "bin/puma", "-w", mwlua.cpus },
  after = { migrate },
  critical = true,
  restart = { policy = "always", limit = 10, window = "5m" },

  -- mwlua opens the socket and passes it on, also to the next instance, so no connection is lost when one follows the other.
  sockets = { http = "tcp://:8080" },
  -- It says itself when it can serve (sd_notify). A reload that replaces it waits for that, and only then tells the old one to go.
  ready = { notify = true, timeout = "1m" },
  overlap = "start-first",
  -- Afterwards mwlua asks every ten seconds; when it fails three times in a row, it is stopped and started again.
  health = { http = "http://127.0.0.1:8080/up", interval = "10s", failures = 3 },
}))

-- How many workers each queue gets. A list keeps its order; the names of a table have none.
local queues = {
  { name = "mail", workers = 2 },
  { name = "billing", workers = 1 },
  { name = "reports", workers = 1, env = { MALLOC_ARENA_MAX = 2 } },
}

for _, queue in ipairs(queues) do
  program("worker-" .. queue.name) (merge(app, {
    command = { "bin/worker", queue.name, "--slot", "${instance}" }, -- ${instance} counts from 0
    instances = queue.workers,
    after = { web }, -- a handle, or a name: "web"
    labels = { queue = queue.name },
    env = queue.env or {},
    success_codes = { 0, 75 }, -- it leaves with 75 when the queue is empty
    restart = { policy = "always", delay = "2s" },
    nice = 5, -- the site comes first
  }))
end

-- A cron is started by the clock, here at 3:15 every night. A run that still goes on when the next one is due has that one left out.
cron "cleanup" (merge(app, {
  command = { "bin/rails", "tmp:clear" },
  schedule = "15 3 * * *",
  timezone = "UTC",
  timeout = "1h",
  overlap = "skip",
}))
