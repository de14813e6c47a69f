"""From what was noted to figures: samples with their stages, quantiles, the services' own histograms, agreement."""

import datetime
import math
import re

# In the order in which a change passes them: (name, from, to); see Sample.
STAGES = (
    ("connector", "committed", "captured"),
    ("gateway", "captured", "command"),
    ("command", "command", "decided"),
    ("publish", "decided", "event"),
    ("query", "event", "visible"),
)
DAYBOOK = ("captured", "visible")
WHOLE = ("committed", "visible")

ABOUT = {
    "connector": "COMMIT returned to the client → all records of the transaction at a consumer of their topics",
    "gateway": "→ the command at a consumer of its topic",
    "command": "→ decided (the service's own time-stamp)",
    "publish": "→ the events at a consumer of their topic: disk sync, log, producer, broker",
    "query": "→ in an answer of the API",
}

# A histogram of a service, the part of the way that it counts, and how that is measured from outside.
OWN = (
    ("beneficiary-gateway", "gateway_source_to_published_seconds", {}, ("source", "command")),
    ("beneficiary-query", "query_stage_seconds", {"model": "detail.v1", "stage": "command_to_model"},
     ("decided", "visible")),
    ("beneficiary-query", "bos_to_query_seconds", {"model": "detail.v1"}, ("source", "visible")),
)

# What the outside sees later than the service itself: a question's step and way, a consumer's wake-up.
OUTSIDE_LATER_MS = 1.5


class Unseen(Exception):
    """Something that must have been noted was not."""


class Sample:
    """One transaction: moments in microseconds since 1970, all by this machine's clock.

    source: PostgreSQL's time-stamp of the commit, before it is on disk. committed: COMMIT has returned to the client.
    captured: all records of its rows and its END were at a consumer. command, event: likewise its command, and all
    events of that. decided: the service's time-stamp. visible: an answer of the API that holds it was at the client.
    """

    def __init__(self, kind, rows, **moments):
        self.kind = kind
        self.rows = rows
        self.moments = moments

    def ms(self, span):
        return (self.moments[span[1]] - self.moments[span[0]]) / 1000


def micros_of(rfc3339):
    return round(datetime.datetime.fromisoformat(rfc3339.replace("Z", "+00:00")).timestamp() * 1e6)


def read_probe(lines):
    """What live_probe wrote: ({token: {topic kind: [fields]}}, {txid: arrival of END}, {token: visible})."""
    records, ends, visible = {}, {}, {}
    for line in lines:
        fields = line.rstrip("\n").split("\t")
        if fields[0] == "visible":
            visible[fields[2]] = int(fields[1])
            continue
        _, at, topic, _, token, transaction, source, _, decided = fields
        if not token:
            ends[transaction.partition(":")[0]] = int(at)
            continue
        kind = "command" if ".commands." in topic else "event" if ".events." in topic else "change"
        records.setdefault(token, {}).setdefault(kind, []).append(
            {"at": int(at), "source": int(source), "decided": decided})
    return records, ends, visible


def samples(committed, probe_lines):
    """Sample of each transaction that the load noted; Unseen names one that something is missing of."""
    records, ends, visible = read_probe(probe_lines)
    made = []
    for told in committed:
        token, seen = told["token"], records.get(told["token"], {})
        changes, commands, events = (seen.get(kind, []) for kind in ("change", "command", "event"))
        end = ends.get(told["transaction"])
        missing = [name for name, found in (
            ("its rows' records", len(changes) >= told["rows"]), ("its END", end), ("its command", commands),
            ("its events", events), ("its text in the API", visible.get(token))) if not found]
        if missing:
            raise Unseen(f"of transaction {told['transaction']} ({told['kind']}, {token}) was not seen: "
                         f"{', '.join(missing)}")
        made.append(Sample(
            told["kind"], told["rows"], source=changes[0]["source"], committed=told["committed_us"],
            captured=max(end, *(change["at"] for change in changes)), command=max(c["at"] for c in commands),
            decided=max(micros_of(e["decided"]) for e in events), event=max(e["at"] for e in events),
            visible=visible[token]))
    return made


def quantile(values, share):
    """The nearest-rank quantile."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def interval(values, share):
    """Between which two of the values the true quantile lies, in 95 of 100 cases (order statistics)."""
    ordered, count = sorted(values), len(values)
    spread = 1.96 * math.sqrt(count * share * (1 - share))
    low, high = math.floor(share * count - spread), math.ceil(share * count + spread)
    return ordered[max(0, min(count - 1, low))], ordered[max(0, min(count - 1, high))]


def summary(values):
    low, high = interval(values, 0.99)
    return {"samples": len(values), "p50_ms": quantile(values, 0.5), "p90_ms": quantile(values, 0.9),
            "p99_ms": quantile(values, 0.99), "p99_low_ms": low, "p99_high_ms": high, "max_ms": max(values),
            "mean_ms": sum(values) / len(values)}


def stages(all_samples):
    """Summary of each stage, of Daybook's together and of the whole; share: of the whole, by the mean."""
    whole = sum(sample.ms(WHOLE) for sample in all_samples)
    spans = [*STAGES, ("daybook", *DAYBOOK), ("whole", *WHOLE)]
    made = {}
    for name, begin, end in spans:
        values = [sample.ms((begin, end)) for sample in all_samples]
        made[name] = {**summary(values), "share": sum(values) / whole if whole else 0}
    return made


# --- the services' own histograms ------------------------------------------------------------------------------------

BUCKET = re.compile(r'^(\w+)_bucket\{(.*)\} (\S+)$')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def histograms(page):
    """{(name, labels as a sorted tuple): {upper bound: count up to it}} of a page in Prometheus' text format."""
    found = {}
    for line in page.splitlines():
        match = BUCKET.match(line)
        if not match:
            continue
        labels = dict(LABEL.findall(match[2]))
        bound = float(labels.pop("le").replace("+Inf", "inf"))
        found.setdefault((match[1], tuple(sorted(labels.items()))), {})[bound] = float(match[3])
    return found


def counted(pairs, name, labels):
    """The one histogram of these (before, after) pages' differences, added up: [(bound, count up to it)]."""
    key, total = (name, tuple(sorted(labels.items()))), {}
    for before, after in pairs:
        earlier = before.get(key, {})
        for bound, count in after.get(key, {}).items():
            total[bound] = total.get(bound, 0) + count - earlier.get(bound, 0)
    return sorted(total.items())


def bucket_of(buckets, share):
    """(lower bound, upper bound, interpolated value) of a quantile, in seconds; None without observations."""
    if not buckets or not buckets[-1][1]:
        return None
    wanted, below, lower = share * buckets[-1][1], 0, 0.0
    for bound, count in buckets:
        if count >= wanted:
            inside = (wanted - below) / (count - below) if count > below else 0
            return lower, bound, lower if math.isinf(bound) else lower + inside * (bound - lower)
        below, lower = count, bound
    return None


def agreement(all_samples, pages):
    """Rows that hold each of the services' histograms against the same part of the way, measured from outside.

    pages: {service: [(histograms before, after)]}. They agree if the outside's median lies in the bucket of the
    histogram's, widened by what the outside sees later.
    """
    made = []
    for service, name, labels, span in OWN:
        buckets = counted(pages[service], name, labels)
        values = [sample.ms(span) for sample in all_samples]
        row = {"service": service, "histogram": name, "labels": labels, "from": span[0], "to": span[1],
               "outside_p50_ms": quantile(values, 0.5), "outside_p99_ms": quantile(values, 0.99)}
        middle, high = bucket_of(buckets, 0.5), bucket_of(buckets, 0.99)
        if middle:
            lower, upper = middle[0] * 1000 - 0.1, middle[1] * 1000 + OUTSIDE_LATER_MS
            row |= {"own_samples": round(buckets[-1][1]), "own_p50_ms": middle[2] * 1000, "own_p99_ms": high[2] * 1000,
                    "own_p50_bucket_ms": [middle[0] * 1000, middle[1] * 1000],
                    "agrees": lower <= row["outside_p50_ms"] <= upper}
        else:
            row |= {"own_samples": 0, "agrees": False}
        made.append(row)
    return made
