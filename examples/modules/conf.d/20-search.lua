local service = require "lib.service"

service.declare("search", 8090, {
  limits = { nofile = 8192, as = "2GiB" },
  on_reload = "signal", -- it reads its index again at SIGHUP
})
