-- What ran in the `program` sections of an haproxy.cfg: the Data Plane API and two SPOE agents, beside an HAProxy that is run by
-- somebody else. To run the sections of an existing file as they are, and change one of them here:
--
--     mwlua run -haproxy /etc/haproxy/haproxy.cfg this.lua        with, in it:  override "api" { restart = "always" }

-- What all of them have in common.
defaults {
  dir = "/",
  -- user = "haproxy",   -- with its groups; mwlua itself must run as root for that
  restart = { policy = "always", delay = "1s", max_delay = "1m" },
}

-- The Data Plane API writes HAProxy's configuration and has it reloaded. It must live through reloads, as with HAProxy's
-- `no option start-on-reload`.
program "dataplaneapi" {
  command = { "dataplaneapi", "-f", "/etc/haproxy/dataplaneapi.yml" },
  on_reload = "keep",
}

-- An SPOE agent holds no state: at a reload a new one is started beside the old, which gets SIGUSR1 and ends when its
-- connections do, as HAProxy does it. If it does not, it is stopped after ten minutes.
program "spoe-auth" {
  command = { "/usr/local/bin/spoe-auth", "-p", 12345 },
  on_reload = "replace",
  former_timeout = "10m",
}

-- This agent reads its rules again at SIGHUP, so it needs no new process. When it fails five times within two minutes, something
-- is wrong that no restart mends: then everything is stopped, and whoever started mwlua sees it.
program "spoe-waf" {
  command = { "/usr/local/bin/spoe-waf", "-p", 12346, "-r", "/etc/haproxy/rules" },
  on_reload = "signal",
  reload_signal = "SIGHUP",
  limits = { nofile = 65536, core = 0 },
  restart = { limit = 5, window = "2m", on_limit = "shutdown" },
}
