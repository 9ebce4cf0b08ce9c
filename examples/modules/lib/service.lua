-- A module is run once, whoever requires it, and what it returns is what require returns. It declares nothing by itself.
local service = {}

-- An ordinary service of ours: a binary in /opt that listens on a port.
function service.declare(name, port, more)
  if type(port) ~= "number" then
    error("service " .. name .. ": the port must be a number", 2) -- 2 names the line of the caller
  end
  return program(name) (merge({
    command = { "/opt/" .. name .. "/bin/" .. name, "--listen", "127.0.0.1:" .. port },
    env = { PORT = port },
    restart = "always",
  }, more or {}))
end

return service
