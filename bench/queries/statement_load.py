"""BOS's page as one statement, sent by psycopg without Django and without HTTP.

Runs in BOS's environment: python statement_load.py --port 5432 --clients FILE --seconds 2 --connections 64
It prints a line of JSON: the figures of http_load, or, with --digests, the SHA-256 of each client's page.
"""

import argparse
import hashlib
import itertools
import json
import multiprocessing
import pathlib
import sys
import threading
import time

import psycopg

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "examples/beneficiary/bos"))
from beneficiaries.page_sql import PAGE_SQL, parameters  # noqa: E402

PROCESSES = 2  # as many as BOS has


def ask(connection, client):
    body, total = connection.execute(PAGE_SQL, parameters(client, 1, 50)).fetchone()
    return body, total


def ask_until(connection, clients, end, latencies):
    for client in itertools.cycle(clients):
        begin = time.perf_counter()
        ask(connection, client)
        now = time.perf_counter()
        latencies.append(now - begin)
        if now >= end.value:
            return


def in_process(given, clients, connections, ready, end, results):
    opened = [connect(given) for _ in range(connections)]
    for connection in opened:
        ask(connection, clients[0])
    latencies = [[] for _ in opened]
    ready.wait()  # for all to have connected
    ready.wait()  # for the end to be known
    threads = []
    for number, connection in enumerate(opened):
        first = number * len(clients) // len(opened)
        turned = clients[first:] + clients[:first]
        threads.append(threading.Thread(target=ask_until, args=(connection, turned, end, latencies[number])))
    cpu = time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    results.put((time.process_time() - cpu, list(itertools.chain(*latencies))))


def connect(given):
    return psycopg.connect(host="127.0.0.1", port=given.port, user="bos", dbname=given.database, autocommit=True)


def measure(given, clients):
    processes = min(PROCESSES, given.connections)
    context = multiprocessing.get_context("fork")
    ready, end, results = context.Barrier(processes + 1), context.Value("d", 0.0), context.Queue()
    children = [context.Process(target=in_process, daemon=True, args=(
        given, clients, given.connections // processes, ready, end, results)) for _ in range(processes)]
    for child in children:
        child.start()
    ready.wait(60)
    begin = time.perf_counter()
    end.value = begin + given.seconds
    ready.wait(60)
    told = [results.get(timeout=given.seconds + 120) for _ in children]
    seconds = time.perf_counter() - begin
    for child in children:
        child.join()
    latencies = sorted(itertools.chain(*(latencies for _, latencies in told)))
    return {"per_second": len(latencies) / seconds, "p50_us": 1e6 * latencies[len(latencies) // 2],
            "p99_us": 1e6 * latencies[len(latencies) * 99 // 100], "answered": len(latencies), "errors": 0,
            "seconds": seconds, "client_cpu_seconds": sum(cpu for cpu, _ in told)}


def main(argv):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--database", default="bos_uk")
    parser.add_argument("--clients", type=pathlib.Path, required=True, help="a file of client_refs, one a line")
    parser.add_argument("--connections", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--digests", action="store_true")
    given = parser.parse_args(argv)
    clients = given.clients.read_text("ascii").split()
    if given.digests:
        with connect(given) as connection:
            pages = {client: ask(connection, client) for client in clients}
        print(json.dumps({client: [hashlib.sha256(body.encode()).hexdigest(), total]
                          for client, (body, total) in pages.items()}))
    else:
        print(json.dumps(measure(given, clients)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
