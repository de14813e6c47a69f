"""The figures as a table, as JSON, and as a page with bars."""

import html
import json
import math
import os
import platform
import time

TARGETS = (
    # what, side, beside, connections, figure, at least (ratio) or at most (microseconds)
    ("requests a second, beside bare Beast", "daybook", "bare", 64, "per_second", 0.7),
    ("requests a second, beside Django as written", "daybook", "django", 64, "per_second", 2500),
    ("requests a second, beside Django with prefetching", "daybook", "prefetched", 64, "per_second", 280),
    ("requests a second, beside the statement", "daybook", "statement", 64, "per_second", 23),
    ("p50 at one connection, us", "daybook", None, 1, "p50_us", 100),
    ("p99 at one connection beside the writes, us", "daybook-written", None, 1, "p99_us", 1000),
)
TARGET_SIZE = 50


def machine():
    model = "unknown"
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return {"cpu": model, "cores": len(os.sched_getaffinity(0)), "kernel": platform.release(),
            "memory_bytes": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "load_at_end": os.getloadavg()[0]}


def label_of(bench, side, size):
    count = bench.queries.get((side.name, size))
    return side.label + (f" ({count} {'query' if count == 1 else 'queries'})" if count else "")


def figures(bench, chosen):
    """A row for each side and size."""
    found = []
    for size in bench.mix.sizes:
        for side in chosen:
            many, one = bench.figures[side.name, size, 64], bench.figures[side.name, size, 1]
            found.append({
                "size": size, "side": side.name, "label": label_of(bench, side, size),
                "queries": bench.queries.get((side.name, size)),
                "per_second": many.median("per_second"), "per_second_min": min(many.of("per_second")),
                "per_second_max": max(many.of("per_second")),
                "p50_us": one.median("p50_us"), "p99_us": one.median("p99_us"),
                "p50_us_min": min(one.of("p50_us")), "p50_us_max": max(one.of("p50_us")),
                "p99_us_min": min(one.of("p99_us")), "p99_us_max": max(one.of("p99_us")),
                "server_cpu_us": many.median("server_cpu_us"), "client_cpu_us": many.median("client_cpu_us"),
                "client_cpu_share": many.median("client_cpu_share"), "answered": sum(many.of("answered")),
                "answered_at_one": sum(one.of("answered")), "errors": sum(many.of("errors")) + sum(one.of("errors")),
                "bytes": bench.mean_bytes(size)})
    return found


def ratios(bench, side, beside, size, connections, name):
    """Round by round, since both were asked within the same minute."""
    ours, theirs = (bench.figures[s, size, connections].of(name) for s in (side, beside))
    return sorted(a / b for a, b in zip(ours, theirs))


def middle(values):
    half = len(values) // 2
    return values[half] if len(values) % 2 else (values[half - 1] + values[half]) / 2


def targets(bench, chosen):
    names, found = {side.name for side in chosen}, []
    if TARGET_SIZE not in bench.mix.sizes:
        return found
    for what, side, beside, connections, name, limit in TARGETS:
        if side not in names or (beside and beside not in names):
            continue
        if beside:
            values = ratios(bench, side, beside, TARGET_SIZE, connections, name)
            met = middle(values) >= limit
        else:
            values = sorted(bench.figures[side, TARGET_SIZE, connections].of(name))
            met = middle(values) <= limit
        found.append({"what": what, "limit": limit, "at_least": bool(beside), "median": middle(values),
                      "min": values[0], "max": values[-1], "met": met})
    return found


def number(value):
    if value >= 100 or isinstance(value, int):
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def as_time(us):
    if us < 1000:
        return f"{us:.0f} us"
    return f"{number(us // 1000 if isinstance(us, int) else us / 1000)} ms"


def text_of(result):
    lines = []
    for size in result["mix"]["sizes"]:
        found = [row for row in result["rows"] if row["size"] == size]
        slowest = found[0]["per_second"]
        lines.append(f"\nclient/beneficiaries of clients of {size}: a page of {min(size, 50)}, "
                     f"{found[0]['bytes'] / 1000:.1f} kB")
        lines.append(f"{'':46}{'requests/s at 64 (spread)':>30}{'x Django':>10}{'p50 at 1':>12}{'p99 at 1':>12}"
                     f"{'CPU of server, client':>26}")
        for row in found:
            spread = f"{number(row['per_second'])} ({number(row['per_second_min'])}-{number(row['per_second_max'])})"
            cpu = f"{number(row['server_cpu_us'])}, {number(row['client_cpu_us'])} us"
            lines.append(f"{row['label']:46}{spread:>30}{number(row['per_second'] / slowest):>10}"
                         f"{as_time(row['p50_us']):>12}{as_time(row['p99_us']):>12}{cpu:>26}")
    lines.append("")
    for row in result["writes"]:
        lines.append(f"Writes beside the reads, {row['size']} beneficiaries, {row['connections']} connections: "
                     f"{row['per_second']:.0f}/s, p50 {as_time(row['p50_us'])}, p99 {as_time(row['p99_us'])}")
    lines.append(f"\nTargets, for clients of {TARGET_SIZE}:")
    for target in result["targets"]:
        sign = ">=" if target["at_least"] else "<="
        lines.append(f"{'  ' if target['met'] else '! '}{target['what']}: {number(target['median'])} "
                     f"({number(target['min'])}-{number(target['max'])}) {sign} {number(target['limit'])}")
    lines.append("\nThe client's share of all CPU at 64 connections: " +
                 ", ".join(f"{row['label']} {100 * row['client_cpu_share']:.0f} %" for row in result["rows"]
                           if row["size"] == result["mix"]["sizes"][-1]) + ".")
    return "\n".join(lines)


STYLE = """
:root { color-scheme: light dark; --ink: #1c2128; --soft: #667; --line: #d5d9e0; --page: #fff; --bar: #9aa7b8;
  --ours: #0b7a5e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --soft: #9aa3b0; --line: #38404c; --page: #14181d;
  --bar: #5f6c7d; --ours: #2fb58e; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page); margin: 2rem auto;
  max-width: 62rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2.2rem; }
p, figcaption { color: var(--soft); } figure { margin: .6rem 0; overflow-x: auto; }
svg { width: 100%; min-width: 40rem; height: auto; } svg text { fill: var(--ink); font-size: 13px; }
svg .soft { fill: var(--soft); font-size: 11px; } svg line { stroke: var(--line); }
svg .bar { fill: var(--bar); } svg .ours { fill: var(--ours); } svg .spread { stroke: var(--ink); }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .3rem .6rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } .missed { color: #c0392b; }
"""

LABEL, PLOT, TEXT, ROW = 350, 480, 130, 26


def bars(rows, value, low, high, show):
    """One figure: a bar a row over a logarithmic scale, a thin line from `low` to `high`, the names of figures."""
    least, most = min(row[low] for row in rows), max(row[high] for row in rows)
    first, last = math.floor(math.log10(least)), math.ceil(math.log10(most) + 1e-9)

    def x(v):
        return LABEL + PLOT * (math.log10(v) - first) / max(last - first, 1)

    height = ROW * len(rows) + 24
    out = [f'<svg viewBox="0 0 {LABEL + PLOT + TEXT} {height}" role="img">']
    for power in range(first, last + 1):
        at = x(10**power)
        out.append(f'<line x1="{at:.1f}" y1="0" x2="{at:.1f}" y2="{height - 20}"/>'
                   f'<text class="soft" x="{at:.1f}" y="{height - 5}" text-anchor="middle">{show(10**power)}</text>')
    for place, row in enumerate(rows):
        top = place * ROW + 4
        kind = "ours" if row["side"].startswith("daybook") else "bar"
        end, begin_line, end_line = x(row[value]), x(row[low]), x(row[high])
        middle_y = top + ROW / 2 - 3
        out.append(
            f'<text x="{LABEL - 8}" y="{top + 14}" text-anchor="end">{html.escape(row["label"])}</text>'
            f'<rect class="{kind}" x="{LABEL}" y="{top}" width="{max(end - LABEL, 1):.1f}" height="{ROW - 8}"/>'
            f'<line class="spread" x1="{begin_line:.1f}" y1="{middle_y}" x2="{end_line:.1f}" y2="{middle_y}"/>'
            f'<text x="{max(end, end_line) + 6:.1f}" y="{top + 14}">{show(row[value])}</text>')
    return "\n".join([*out, "</svg>"])


def page_of(result):
    at, mix = result["machine"], result["mix"]
    out = [f"<!doctype html>\n<html lang='en'><meta charset='utf-8'><meta name='viewport' "
           f"content='width=device-width'><title>client/beneficiaries side by side</title><style>{STYLE}</style>",
           "<h1>client/beneficiaries, side by side</h1>",
           f"<p>{html.escape(at['cpu'])}, {at['cores']} cores, Linux {html.escape(at['kernel'])}, {at['time']}. "
           f"{mix['beneficiaries']:,} beneficiaries; of each size {mix['asked']} clients asked in turn for a page of "
           f"50, {result['rounds']} rounds of {result['seconds']:g} s, all sides in turn, the median and the spread. "
           "Client and servers share the cores. Every side's answers had the same SHA-256 as BOS's own. Bars are "
           "logarithmic: each line is ten times the one before.</p>"]
    for size in mix["sizes"]:
        found = [row for row in result["rows"] if row["size"] == size]
        out.append(f"<h2>Clients of {size} beneficiaries, {found[0]['bytes'] / 1000:.1f} kB</h2>")
        speeds = bars(found, "per_second", "per_second_min", "per_second_max", number)
        waits = bars(found, "p99_us", "p50_us", "p99_us", as_time)
        out.append(f"<figure><figcaption>Requests a second at 64 connections: longer is better</figcaption>{speeds}"
                   "</figure><figure><figcaption>Latency at one connection, from p50 (where the thin line begins) to "
                   f"p99: shorter is better</figcaption>{waits}</figure>")
        out.append("<div class='scroll'><table><tr><th></th><th>requests/s</th><th>times Django</th><th>p50</th>"
                   "<th>p99</th><th>CPU of server</th><th>of client</th></tr>")
        for row in found:
            cells = (number(row["per_second"]), number(row["per_second"] / found[0]["per_second"]),
                     as_time(row["p50_us"]), as_time(row["p99_us"]), as_time(row["server_cpu_us"]),
                     as_time(row["client_cpu_us"]))
            out.append(f"<tr><td>{html.escape(row['label'])}</td>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>")
        out.append("</table></div>")
    out.append(f"<h2>Targets, for clients of {TARGET_SIZE}</h2><div class='scroll'><table>"
               "<tr><th></th><th>median</th><th>spread</th><th>target</th></tr>")
    for target in result["targets"]:
        sign = "at least" if target["at_least"] else "at most"
        out.append(f"<tr{'' if target['met'] else ' class=missed'}><td>{html.escape(target['what'])}</td>"
                   f"<td>{number(target['median'])}</td><td>{number(target['min'])} – {number(target['max'])}</td>"
                   f"<td>{sign} {number(target['limit'])}{'' if target['met'] else ', missed'}</td></tr>")
    return "\n".join([*out, "</table></div></html>\n"])


def write(result, json_file, page_file):
    json_file.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    page_file.write_text(page_of(result), "utf-8")
