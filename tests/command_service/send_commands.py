"""Sends SyncClient commands at a rate and prints each one's id, client and name.

Runs in the environment of stack/requirements.txt.

usage: send_commands.py BOOTSTRAP CLIENTS COMMANDS PER_SECOND SEED
"""

import json
import random
import sys
import time
import uuid

TOPIC = "beneficiary.client.commands.v1"
TYPE = "beneficiary.commands.v1.SyncClient"


def text(field, value):
    """A string field in protobuf's wire form."""
    raw = value.encode()
    assert len(raw) < 128
    return bytes([field << 3 | 2, len(raw)]) + raw


def main(bootstrap, clients, commands, per_second, seed):
    from confluent_kafka import Producer

    print("seed", seed, file=sys.stderr, flush=True)
    rng = random.Random(seed)
    failed = []
    producer = Producer({"bootstrap.servers": bootstrap, "broker.address.family": "v4", "linger.ms": 0,
                         "enable.idempotence": True})
    begin = time.monotonic()
    for number in range(commands):
        client, name = rng.randrange(clients), f"name {number}"
        command = str(uuid.UUID(int=rng.getrandbits(128), version=4))
        key = f"client-{client}"
        fields = ("uk", str(client), f"EBPCLI{client:06}", name, "active")
        value = b"".join(text(number_of, field) for number_of, field in enumerate(fields, 1))
        now = time.gmtime()
        headers = {"ce_specversion": "1.0", "ce_id": command, "ce_source": "/test", "ce_type": TYPE,
                   "ce_subject": f"client/{key}", "ce_dataschema": f"{TYPE}#1",
                   "content-type": "application/protobuf",
                   "ce_time": time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", now)}
        producer.produce(TOPIC, key=key, value=value, headers=list(headers.items()),
                         on_delivery=lambda error, _: failed.append(error) if error else None)
        print(json.dumps({"id": command, "key": key, "name": name}))
        producer.poll(0)
        ahead = begin + number / per_second - time.monotonic()
        if ahead > 0:
            time.sleep(ahead)
    left = producer.flush(60)
    if failed or left:
        raise SystemExit(f"{len(failed)} failed, {left} left")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], *map(int, sys.argv[2:])))
