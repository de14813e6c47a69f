"""Creating and deleting topics. Runs in the environment of stack/requirements.txt; others call change()."""

import json
import pathlib
import subprocess
import sys

if __package__:
    from stack import python
    from stack.base import Problem


def change(bootstrap, create=None, delete=(), configuration=None):
    """create: {name: partitions}, kept if it exists. delete: names; returns when they are gone."""
    interpreter = python.environment("records", pathlib.Path(__file__).with_name("requirements.txt")) / "bin" / "python"
    order = json.dumps({"create": create or {}, "delete": list(delete), "configuration": configuration or {}})
    done = subprocess.run([interpreter, __file__, bootstrap], input=order, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Problem(f"topics could not be changed: {done.stderr.strip()}", f"Is the broker at {bootstrap} up?")


def main(bootstrap):
    from confluent_kafka import KafkaError, KafkaException
    from confluent_kafka.admin import AdminClient, NewTopic

    order = json.load(sys.stdin)
    client = AdminClient({"bootstrap.servers": bootstrap, "broker.address.family": "v4"})
    deleted = client.delete_topics(order["delete"], operation_timeout=30) if order["delete"] else {}
    for name, future in deleted.items():
        future.result()
        while name in client.list_topics(timeout=10).topics:
            pass
    new = [NewTopic(name, partitions, 1, config=order["configuration"]) for name, partitions in order["create"].items()]
    for future in (client.create_topics(new) if new else {}).values():
        try:
            future.result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise


if __name__ == "__main__":
    main(sys.argv[1])
