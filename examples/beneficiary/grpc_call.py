#!/usr/bin/env python3
"""One gRPC call with nothing but the server's address: the messages come from its reflection service.

usage: grpc_call.py ADDRESS SERVICE/METHOD [JSON]       without JSON: {}
       grpc_call.py ADDRESS                             lists the services and their methods

Needs the PyPI packages grpcio and grpcio-reflection:
  python3 -m venv .cache/grpc && .cache/grpc/bin/pip install grpcio grpcio-reflection
  .cache/grpc/bin/python examples/beneficiary/grpc_call.py 127.0.0.1:9090
"""

import sys

import grpc
from google.protobuf import descriptor_pool, json_format, message_factory
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase


def message_class(descriptor):
    if hasattr(message_factory, "GetMessageClass"):
        return message_factory.GetMessageClass(descriptor)
    return message_factory.MessageFactory().GetPrototype(descriptor)


def list_methods(database, pool):
    for service in sorted(database.get_services()):
        print(service)
        try:
            methods = pool.FindServiceByName(service).methods
        except KeyError:  # served, but its description is not
            continue
        for method in methods:
            print(f"  {service}/{method.name}")


def call(channel, pool, path, text):
    service, method = path.rsplit("/", 1)
    descriptor = pool.FindServiceByName(service).FindMethodByName(method)
    request = json_format.Parse(text, message_class(descriptor.input_type)())
    invoke = channel.unary_unary(
        f"/{service}/{method}",
        request_serializer=lambda m: m.SerializeToString(),
        response_deserializer=message_class(descriptor.output_type).FromString,
    )
    print(json_format.MessageToJson(invoke(request, timeout=10), preserving_proto_field_name=True))


def main(arguments):
    if not 1 <= len(arguments) <= 3:
        print(__doc__)
        return 2
    with grpc.insecure_channel(arguments[0]) as channel:
        database = ProtoReflectionDescriptorDatabase(channel)
        pool = descriptor_pool.DescriptorPool(database)
        try:
            if len(arguments) == 1:
                list_methods(database, pool)
            else:
                call(channel, pool, arguments[1], arguments[2] if len(arguments) > 2 else "{}")
        except KeyError as error:
            print(f"the server describes no {error}", file=sys.stderr)
            return 1
        except grpc.RpcError as error:
            print(f"{error.code().name}: {error.details()}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
