"""Waiting until what is committed in a BOS is on its topics."""

import base64
import json
import threading
import time
import uuid

from stack import records

ALL = r"^(__debezium-heartbeat\.)?bos.*"


def everything(stack, source, seconds=120):
    """All records of all topics, once everything that is committed so far is among them."""
    marker, deadline, seen = str(uuid.uuid4()), time.monotonic() + seconds, 0
    stack.postgres.sql(f"SELECT pg_logical_emit_message(true, 'test.marker', '{marker}')", source.database)
    while True:
        messages = records.read(["--bootstrap", stack.kafka.bootstrap, f"{source.prefix}.message"])
        if any(marker in content_of(record) for record in messages[seen:]):
            return _settled(stack, deadline)
        seen = len(messages)
        if time.monotonic() > deadline:
            raise AssertionError(f"the marker did not arrive in {seconds} s")


def content_of(record):
    """A logical message's content."""
    return base64.b64decode(json.loads(record["value"])["message"]["content"]).decode("utf-8")


def _settled(stack, deadline):
    """What the topics hold when nothing comes any more. A marker alone does not tell: the connector sends one batch of
    each topic at a time, so what lies before it in a busier topic may arrive a little later."""
    held = None
    while True:
        now = records.read(["--bootstrap", stack.kafka.bootstrap, ALL])
        changes = sum(not record["topic"].startswith("__debezium-heartbeat") for record in now)
        if changes == held:
            return now
        held = changes
        if time.monotonic() > deadline:
            raise AssertionError("records go on coming though nothing changes")
        threading.Event().wait(1)
