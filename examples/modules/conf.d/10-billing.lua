local service = require "lib.service"

service.declare("billing-api", 8081, { critical = true })
service.declare("billing-export", 8082, { env = { BATCH = 100 } })
