"""Daybook beside BOS: every beneficiary against SQL, every client against BOS's own endpoint, byte for byte."""

import http.client
import json
import urllib.parse

import definitive

HEADERS = ("Content-Type", "X-Total-Count", "X-Page", "X-Page-Size")


class Asker:
    """One connection to HOST:PORT."""

    def __init__(self, address):
        self.connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=60)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def ask(self, path):
        self.connection.request("GET", path)
        answer = self.connection.getresponse()
        return answer.status, {name: answer.getheader(name) for name in HEADERS}, answer.read()


def pages(postgres, database):
    """Requests that show all of client/beneficiaries, in pages of several sizes, and one client that nobody knows."""
    counts = postgres.sql(
        "SELECT c.client_ref, count(b.id) FILTER (WHERE NOT b.is_deleted) FROM clients_client c "
        "LEFT JOIN beneficiaries_beneficiary b ON b.client_id = c.id GROUP BY 1 ORDER BY 1", database)
    for line in counts.splitlines():
        client, _, count = line.partition("|")
        for size in (500, 7):
            for page in range(1, int(count) // size + 2):
                query = urllib.parse.urlencode({"client_id": client, "page": page, "page_size": size})
                yield f"/client/beneficiaries?{query}"
    yield "/client/beneficiaries?client_id=EBPCLI999999"


def compat_differences(postgres, bos, address):
    """(requests made, [(request, BOS's answer, Daybook's answer)]) of those that differ in any byte."""
    count, differences = 0, []
    with Asker(address) as ours, Asker(bos.url) as theirs:
        for path in pages(postgres, bos.database):
            count += 1
            wanted, got = _settled(theirs, path), ours.ask(path)
            if wanted != got:
                differences.append((path, wanted, got))
    return count, differences


def _settled(bos, path):
    """BOS's answer once it is none of its errors: each of its threads keeps a connection to the database, and finds out
    with a 500 that this was restarted."""
    for _ in range(10):
        answer = bos.ask(path)
        if answer[0] < 500:
            break
    return answer


def definitive_differences(postgres, bos, address):
    """(beneficiaries compared, [(id, by SQL, as Daybook shows it)]) of those that differ."""
    differences, wanted = [], definitive.beneficiaries(postgres, bos.database, bos.instance)
    with Asker(address) as asker:
        for number, row in wanted.items():
            status, _, body = asker.ask(f"/v1/beneficiaries/{number}")
            shown = definitive.comparable(json.loads(body)) if status == 200 else status
            if shown != row:
                differences.append((number, row, shown))
    return len(wanted), differences


def unknown_to_bos(postgres, instances, address):
    """Ids that Daybook lists and none of the BOS instances has: their clients may have the same numbers."""
    known, listed = set(), set()
    with Asker(address) as asker:
        for bos in instances:
            known |= set(definitive.beneficiaries(postgres, bos.database, bos.instance))
            for client in postgres.sql("SELECT client_ref FROM clients_client", bos.database).split():
                listed |= _listed(asker, client)
    return listed - known


def _listed(asker, client):
    ids, cursor = set(), ""
    while cursor is not None:
        query = urllib.parse.urlencode({"limit": 200, **({"cursor": cursor} if cursor else {})})
        answer = json.loads(asker.ask(f"/v1/clients/{client}/beneficiaries?{query}")[2])
        ids |= {item["id"] for item in answer["items"]}
        cursor = answer["next_cursor"]
    return ids
