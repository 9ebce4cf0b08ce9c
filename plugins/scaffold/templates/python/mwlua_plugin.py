"""What a plugin of mwlua in Python needs. It runs with Debian's python3-grpcio.

serve(name, version, doc, schema, decide) does not return. decide(config, exit) is given the configuration, a dict, and an ExitEvent
of mwlua.proto, and returns a Verdict. It is called for several programs at once, from several threads. What it raises is logged, and
mwlua asks whoever is next. Log with the module logging, not with print: standard output is mwlua's.
"""
import json
import logging
import os
import select
import signal
import sys
import threading
from concurrent import futures

import grpc

import mwlua_pb2 as pb

CHECKS = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool}


def problems(schema, value, path=""):
    """Says where value does not have the shape of schema: types and names of keys."""
    want = schema.get("type")
    if want and (not isinstance(value, CHECKS[want]) or isinstance(value, bool) and want != "boolean"):
        return [pb.Problem(path=path, message="expected %s" % want)]
    found = []
    for key, v in value.items() if isinstance(value, dict) else ():
        at = "%s.%s" % (path, key) if path else key
        if key in schema.get("properties", {}):
            found += problems(schema["properties"][key], v, at)
        elif schema.get("additionalProperties") is False:
            found.append(pb.Problem(path=at, message="unknown key"))
    for key in schema.get("required", ()):
        if key not in value:
            found.append(pb.Problem(path="%s.%s" % (path, key) if path else key, message="is required"))
    return found


def serve(name, version, doc, schema, decide):
    if os.environ.get("MWLUA_PLUGIN") != "mwlua.plugin.v1":
        sys.exit("%s is a plugin of mwlua, which starts it by itself: declare it in a configuration." % name)
    logging.basicConfig(level=logging.INFO, format="[%(levelname)s] %(message)s")
    logging.raiseExceptions = False  # nobody may read the log any more
    config, end = {}, threading.Event()

    def describe(request, context):
        return pb.DescribeResponse(
            name=name, version=version, doc=doc, api=1, capabilities=["exit-policy"], config_schema=json.dumps(schema))

    def configure(request, context):
        try:
            value = json.loads(request.config or "{}")
            found = problems(schema, value)
        except (ValueError, RecursionError) as e:
            found = [pb.Problem(message="is no JSON: %s" % e)]
        if not found:
            config.clear()
            config.update(value)
        return pb.ConfigureResponse(problems=found)

    def on_exit(request, context):
        return decide(config, request)

    def shutdown(request, context):
        end.set()
        return b""

    def method(call, request, response):
        return grpc.unary_unary_rpc_method_handler(
            call, request_deserializer=request.FromString, response_serializer=response.SerializeToString)

    raw = grpc.unary_unary_rpc_method_handler
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=16))
    server.add_generic_rpc_handlers([
        grpc.method_handlers_generic_handler("mwlua.plugin.v1.Plugin", {
            "Describe": method(describe, pb.DescribeRequest, pb.DescribeResponse),
            "Configure": method(configure, pb.ConfigureRequest, pb.ConfigureResponse)}),
        grpc.method_handlers_generic_handler("mwlua.plugin.v1.ExitPolicy", {"OnExit": method(on_exit, pb.ExitEvent, pb.Verdict)}),
        grpc.method_handlers_generic_handler("plugin.GRPCController", {"Shutdown": raw(shutdown)}),
        # HealthCheckResponse{status: SERVING}
        grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": raw(lambda request, context: b"\x08\x01")}),
    ])
    path = os.path.join(os.environ["PLUGIN_UNIX_SOCKET_DIR"], "plugin")
    server.add_insecure_port("unix:" + path)
    server.start()

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: end.set())
    host = os.pidfd_open(os.getppid())

    def follow():
        select.select([host], [], [])
        os._exit(0)

    threading.Thread(target=follow, daemon=True).start()
    print("1|1|unix|%s|grpc" % path, flush=True)
    sys.stdout = sys.stderr
    while not end.wait(0.2):  # a signal that another thread gets does not end a wait of this one
        pass
    server.stop(0.5).wait()
    os._exit(0)
