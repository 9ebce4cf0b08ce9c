-- A configuration in several files:
--
--     main.lua          this file, the one that is named to mwlua
--     lib/service.lua   a module: a function that others use
--     conf.d/*.lua      one file for each team's programs
--
-- Relative paths begin in the directory of this file, also those in the other files.

defaults {
  stop_timeout = "20s",
  limits = { core = 0 },
}

-- Each file is run by itself; what is local to one is not seen in the others. They come in the order of their names.
include "conf.d/*.lua"

-- What is only there on some hosts.
include("local.d/*.lua", { optional = true })

-- An included program can be changed here, for instance while somebody looks for a fault.
override "billing-api" { env = { LOG = "debug" } }
