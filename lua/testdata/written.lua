-- Written by mwlua from haproxy.cfg.

supervisor {
  pidfile = "/run/a.pid",
  -- Each program's stop_timeout counts, and nothing else.
  shutdown_timeout = false,
}

-- What all programs have in common.
defaults {
  env = {
    ["A b"] = "$${c}",
    HOME = false,
    ["end"] = "2",
    -- What HAProxy tells its programs.
    HAPROXY_MWORKER = "1",
  },
  -- HAProxy passes on what it is stopped with, SIGTERM or SIGINT.
  stop_signal = "same",
  stop_timeout = "30s",
  -- HAProxy waits for no descendants of a program.
  kill = "process",
  -- mworker-max-reloads would bound the old ones that are on their way out.
  max_former = 0,
  -- hard-stop-after would bound their time.
  former_timeout = false,
  -- HAProxy's rule: nothing is started again but by a reload, and a failure stops everything.
  restart = "exit-on-failure",
}

-- haproxy.cfg:3
program "a" {
  command = { "./a", "it's \"x\" \\ \255\001\n\té$${x}" },
  group = "4",
  -- At a reload a new one is started beside the running one, which gets SIGUSR1, as HAProxy does it.
  on_reload = "replace",
}

-- haproxy.cfg:9
program "b" {
  command = {
    "./a",
    "it's \"x\" \\ \255\001\n\té$${x}",
    "longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong",
  },
  -- At a reload it goes on and gets this signal.
  on_reload = "signal",
  reload_signal = "SIGUSR1",
  -- HAProxy's `no option start-on-reload`.
  start_on_reload = false,
}
