// What a plugin of mwlua in Node needs: serve({ name, version, doc, schema, decide }). decide(config, exit) is given the configuration
// and an ExitEvent of mwlua.proto, and returns a Verdict, or a promise of one. What it throws is logged, and mwlua asks whoever is next.
// Log with console.error: standard output is mwlua's.
"use strict";
const path = require("path");
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

const checks = {
  object: (v) => v !== null && typeof v === "object" && !Array.isArray(v),
  array: Array.isArray,
  string: (v) => typeof v === "string",
  boolean: (v) => typeof v === "boolean",
  number: (v) => typeof v === "number",
  integer: Number.isInteger,
};

// problems says where value does not have the shape of schema: types and names of keys.
function problems(schema, value, at = "") {
  if (schema.type && !checks[schema.type](value)) return [{ path: at, message: `expected ${schema.type}` }];
  if (schema.type !== "object") return [];
  const below = (key) => (at ? `${at}.${key}` : key);
  const known = schema.properties ?? {};
  const found = (schema.required ?? []).filter((k) => !(k in value)).map((k) => ({ path: below(k), message: "is required" }));
  for (const [key, v] of Object.entries(value)) {
    if (Object.hasOwn(known, key)) found.push(...problems(known[key], v, below(key)));
    else if (schema.additionalProperties === false) found.push({ path: below(key), message: "unknown key" });
  }
  return found;
}

// raw is a method whose messages are not looked at.
const raw = (path, answer) => ({
  path, requestStream: false, responseStream: false,
  requestSerialize: (b) => b, requestDeserialize: (b) => b, responseSerialize: () => answer, responseDeserialize: (b) => b,
});

function serve({ name, version, doc, schema, decide }) {
  if (process.env.MWLUA_PLUGIN !== "mwlua.plugin.v1") {
    console.error(`${name} is a plugin of mwlua, which starts it by itself: declare it in a configuration.`);
    process.exit(1);
  }
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {}); // nobody may read it any more
  const { Plugin, ExitPolicy } = grpc.loadPackageDefinition(
    loader.loadSync(path.join(__dirname, "mwlua.proto"), { keepCase: true, longs: String, enums: String, defaults: true }),
  ).mwlua.plugin.v1;
  let config = {};

  function configure(call, done) {
    let value, found;
    try {
      value = JSON.parse(call.request.config || "{}");
      found = problems(schema, value);
    } catch (e) {
      found = [{ message: `is no JSON: ${e.message}` }];
    }
    if (found.length === 0) config = value;
    done(null, { problems: found });
  }

  async function onExit(call, done) {
    try {
      done(null, await decide(config, call.request));
    } catch (e) {
      console.error(e.stack);
      done({ code: grpc.status.INTERNAL, details: String(e) });
    }
  }

  const server = new grpc.Server();
  const end = () => {
    server.tryShutdown(() => process.exit(0));
    setTimeout(() => process.exit(0), 500);
  };
  server.addService(Plugin.service, {
    Describe: (_, done) =>
      done(null, { name, version, doc, api: 1, capabilities: ["exit-policy"], config_schema: JSON.stringify(schema) }),
    Configure: configure,
  });
  server.addService(ExitPolicy.service, { OnExit: onExit });
  server.addService({ Shutdown: raw("/plugin.GRPCController/Shutdown", Buffer.alloc(0)) }, {
    Shutdown: (_, done) => { done(null, {}); end(); },
  });
  server.addService({ Check: raw("/grpc.health.v1.Health/Check", Buffer.from([8, 1])) }, { // HealthCheckResponse{status: SERVING}
    Check: (_, done) => done(null, {}),
  });

  process.on("SIGINT", () => {});
  process.on("SIGTERM", end);
  const host = process.ppid; // a hand-over of mwlua's does not change it, its end does
  setInterval(() => process.ppid !== host && process.exit(0), 500);

  const socket = path.join(process.env.PLUGIN_UNIX_SOCKET_DIR, "plugin");
  server.bindAsync(`unix:${socket}`, grpc.ServerCredentials.createInsecure(), (err) => {
    if (err) throw err;
    process.stdout.write(`1|1|unix|${socket}|grpc\n`);
  });
}

module.exports = { serve };
