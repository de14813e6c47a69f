"""Reading topics, as lines of JSON: one record each, in the form of tests/fixtures/*/records.ndjson.gz.

Runs in the environment of stack/requirements.txt; everybody else calls follow(), which starts it there.
"""

import argparse
import base64
import json
import pathlib
import re
import signal
import subprocess
import sys

if __package__:
    from stack import python
    from stack.base import ROOT

REQUIREMENTS = pathlib.Path(__file__).with_name("requirements.txt")


def follow(arguments, **options):
    """A process that prints records as lines of JSON; `arguments` as of the command line below."""
    interpreter = python.environment("records", REQUIREMENTS) / "bin" / "python"
    return subprocess.Popen([interpreter, ROOT / "stack" / "records.py", *arguments], **options)


def read(arguments):
    """All records that are there now, as dictionaries."""
    with follow(["--until-end", *arguments], stdout=subprocess.PIPE, encoding="utf-8") as child:
        records = [json.loads(line) for line in child.stdout]
    if child.returncode != 0:
        raise RuntimeError(f"reading {arguments} ended with code {child.returncode}")
    return records


def member(name, raw):
    """{name: text}, or {name_base64: …} of what is not UTF-8."""
    try:
        return {name: None if raw is None else raw.decode("utf-8")}
    except UnicodeDecodeError:
        return {f"{name}_base64": base64.b64encode(raw).decode("ascii")}


def as_line(record):
    return json.dumps({
        "topic": record.topic(), "partition": record.partition(), "offset": record.offset(),
        "timestamp": record.timestamp()[1], **member("key", record.key()), **member("value", record.value()),
        "headers": [[name, (value or b"").decode("utf-8", "replace")] for name, value in record.headers() or []],
    }, ensure_ascii=False)


def main(argv):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of librdkafka")
    parser.add_argument("--until-end", action="store_true", help="stop where the topics end now")
    parser.add_argument("--read-committed", action="store_true")
    parser.add_argument("topic", nargs="+", help="a name, or ^ and a regular expression")
    arguments = parser.parse_args(argv)
    from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

    sys.stdout.reconfigure(encoding="utf-8")
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    consumer = Consumer({
        "bootstrap.servers": arguments.bootstrap, "group.id": "stack-records", "enable.auto.commit": False,
        "broker.address.family": "v4", "fetch.wait.max.ms": 50, "socket.nagle.disable": True,
        "isolation.level": "read_committed" if arguments.read_committed else "read_uncommitted",
        "enable.partition.eof": True, **dict(pair.split("=", 1) for pair in arguments.set),
    })
    known = consumer.list_topics(timeout=10).topics
    names = [n for n in sorted(known) if any(matches(pattern, n) for pattern in arguments.topic)]
    places = [TopicPartition(n, p, OFFSET_BEGINNING) for n in names for p in known[n].partitions]
    left = {(p.topic, p.partition) for p in places}
    consumer.assign(places)
    while left or not arguments.until_end:
        record = consumer.poll(0.2)
        if record is None:
            continue
        if record.error() and record.error().code() == KafkaError._PARTITION_EOF:
            left.discard((record.topic(), record.partition()))
        elif record.error():
            raise KafkaException(record.error())
        else:
            print(as_line(record), flush=not arguments.until_end)
    consumer.close()
    return 0


def matches(pattern, name):
    return bool(re.fullmatch(pattern[1:], name)) if pattern.startswith("^") else pattern == name


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
