"""Asks a running service as a Python program would, with nothing but grpcio and what protoc made of the protos.

stdin: one JSON object with the address and the requests; stdout: one JSON object with the answers, all in ProtoJSON.
"""

import base64
import json
import sys

import grpc
from google.protobuf import json_format

from availability.v1 import availability_service_pb2 as messages
from availability.v1 import availability_service_pb2_grpc as services

DEADLINE_SECONDS = 20


def request(script, name, kind):
    return json_format.ParseDict(script[name], kind())


def watch_until_synced(call):
    events = []
    for event in call:
        events.append(json_format.MessageToDict(event))
        if event.WhichOneof("event") == "synced":
            break
    call.cancel()
    return events


def refusal(call, message):
    try:
        call(message, timeout=DEADLINE_SECONDS)
    except grpc.RpcError as error:
        trailers = dict(error.trailing_metadata())
        status = base64.b64encode(trailers.get("grpc-status-details-bin", b"")).decode()
        return {"code": error.code().value[0], "message": error.details(), "status": status}
    raise SystemExit("Cannot compare refusals: the service answered")


def main():
    script = json.load(sys.stdin)
    with grpc.insecure_channel(script["address"]) as channel:
        service = services.AvailabilityServiceStub(channel)
        configure = request(script, "configure", messages.ConfigureRequest)
        check = request(script, "check", messages.CheckRequest)
        watch = request(script, "watch", messages.WatchRequest)
        answers = {
            "configured": json_format.MessageToDict(service.Configure(configure, timeout=DEADLINE_SECONDS)),
            "checked": json_format.MessageToDict(service.Check(check, timeout=DEADLINE_SECONDS)),
            "watched": watch_until_synced(service.Watch(watch, timeout=DEADLINE_SECONDS)),
            "invalid": refusal(service.Configure, request(script, "invalid", messages.ConfigureRequest)),
            "unknown": refusal(service.Check, request(script, "unknown", messages.CheckRequest)),
        }
    json.dump(answers, sys.stdout)


main()
