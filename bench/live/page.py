"""The page: how long changes take and where the time goes, as one file of HTML with SVG in it."""

import html
import math

import figures
from report import NAMES

COLOURS = {"connector": "#8a94a6", "gateway": "#2f6fde", "command": "#12a594", "publish": "#e08b00", "query": "#9b51c9",
           "daybook": "#2f6fde", "whole": "currentColor"}

STYLE = """
:root { color-scheme: light dark; --line: #8886; --soft: #8883; --back: #fff; --text: #1c2430; --quiet: #5b6675; }
@media (prefers-color-scheme: dark) { :root { --back: #14181f; --text: #e6eaf0; --quiet: #9aa5b4; } }
body { margin: 0 auto; max-width: 62rem; padding: 1.5rem; background: var(--back); color: var(--text);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.15rem; margin: 2.2rem 0 .4rem; }
h3 { font-size: 1rem; margin: 1.4rem 0 0; }
p, figcaption { color: var(--quiet); margin: .3rem 0; max-width: 50rem; } figure { margin: .8rem 0; }
svg { width: 100%; height: auto; overflow: visible; } svg text { font: 12px system-ui, sans-serif; fill: var(--quiet); }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .7rem .2rem 0; text-align: right; border-bottom: 1px solid var(--soft); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } th { font-weight: 600; color: var(--quiet); }
.sum td { font-weight: 600; } .met { color: #1a8f4c; } .missed { color: #d33; }
.key { display: inline-block; width: .7rem; height: .7rem; border-radius: 2px; margin-right: .4rem; }
"""

WIDTH, LEFT, RIGHT = 900, 150, 20


def text(x, y, said, anchor="start"):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{html.escape(said)}</text>'


class LogScale:
    """Milliseconds to a place on the page."""

    def __init__(self, low, high):
        self.low, self.high = math.log10(low), math.log10(high)

    def __call__(self, value):
        place = (math.log10(max(value, 10**self.low)) - self.low) / (self.high - self.low)
        return LEFT + min(1, place) * (WIDTH - LEFT - RIGHT)

    def axis(self, top, bottom):
        marks = [digit * 10**power for power in range(-2, 5) for digit in (1, 2, 5)]
        for mark in marks:
            if self.low <= math.log10(mark) <= self.high:
                x = self(mark)
                yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom}" stroke="var(--soft)"/>'
                yield text(x, bottom + 16, f"{mark:g}", "middle")
        yield text(WIDTH - RIGHT, bottom + 32, "milliseconds", "end")


def figure(height, parts, about, caption):
    return (f'<figure><svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{html.escape(about)}">{"".join(parts)}'
            f"</svg><figcaption>{html.escape(caption)}</figcaption></figure>")


def shares(rate):
    """One bar: where the time goes on average."""
    parts, x = [], 0.0
    for name, _, _ in figures.STAGES:
        share = rate["stages"][name]["share"]
        width = max(0.0, share) * WIDTH
        parts.append(f'<rect x="{x:.1f}" y="0" width="{width:.1f}" height="34" fill="{COLOURS[name]}"><title>'
                     f'{NAMES[name]}: {100 * share:.0f} %</title></rect>')
        if width > 44:
            parts.append(f'<text x="{x + 6:.1f}" y="22" style="fill:#fff">{100 * share:.0f} %</text>')
        x += width
    mean = rate["stages"]["whole"]["mean_ms"]
    each = ", ".join(f"{NAMES[name]} {rate['stages'][name]['mean_ms']:.1f} ms" for name, _, _ in figures.STAGES)
    return figure(36, parts, "share of each stage", f"Where the time goes, of {mean:.1f} ms on average: {each}")


def values_of(rate, name):
    columns = {stage: place + 2 for place, (stage, _, _) in enumerate(figures.STAGES)}
    chosen = {"daybook": list(columns)[1:], "whole": list(columns)}.get(name, [name])
    return sorted(sum(row[columns[stage]] for stage in chosen) for row in rate["samples"])


def distributions(rate):
    """A row for each stage: every sample as a faint mark, the middle half as a box, p50 and p99 as lines."""
    scale, parts, y = LogScale(0.1, 200), [], 0
    parts += scale.axis(0, 34 * len(NAMES))
    for name, label in NAMES.items():
        values = values_of(rate, name)
        middle, colour = y + 17, COLOURS[name]
        marks = "".join(f"M{scale(value):.1f} {y + 6}v22" for value in values)
        parts.append(f'<path d="{marks}" stroke="{colour}" stroke-opacity=".13" stroke-width="1.5"/>')
        low, half, high, far = (figures.quantile(values, share) for share in (0.25, 0.5, 0.75, 0.99))
        parts.append(f'<rect x="{scale(low):.1f}" width="{max(1, scale(high) - scale(low)):.1f}" y="{middle - 7}" '
                     f'height="14" fill="{colour}" fill-opacity=".45"/>')
        parts.append(f'<path d="M{scale(half):.1f} {y + 4}v26M{scale(far):.1f} {y + 4}v26" stroke="{colour}" '
                     f'stroke-width="2.5"><title>p50 {half:.2f} ms, p99 {far:.2f} ms</title></path>')
        parts.append(text(LEFT - 8, middle + 4, label, "end"))
        y += 34
    return figure(y + 40, parts, "distribution of each stage",
                  "Each transaction is a faint mark; the box holds the middle half; the strong lines are p50 and p99.")


def rising(rate):
    """Which share of transactions was done by when."""
    scale, height, parts = LogScale(0.5, 200), 220, []
    parts += scale.axis(0, height)
    for share in (0, 0.5, 0.9, 0.99, 1):
        y = height * (1 - share)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="var(--soft)"/>')
        if share not in (0.99,):
            parts.append(text(LEFT - 8, y + 4, f"{100 * share:.0f} %", "end"))
    for name in ("connector", "daybook", "whole"):
        values = values_of(rate, name)
        steps = "".join(f"L{scale(value):.1f} {height * (1 - (place + 1) / len(values)):.1f}"
                        for place, value in enumerate(values))
        parts.append(f'<path d="M{scale(values[0]):.1f} {height}{steps}" fill="none" stroke="{COLOURS[name]}" '
                     f'stroke-width="2"><title>{NAMES[name]}</title></path>')
    return figure(height + 40, parts, "cumulative distribution", "How many transactions were done by when: grey to a "
                  "consumer of Debezium's topics, blue Daybook's stages, the text's colour end to end.")


def over_time(rate):
    """Each transaction's end to end, in the order of their commits; rounds follow each other."""
    height, scale = 160, LogScale(1, 200)
    rows, parts = rate["samples"], []
    for mark in (1, 2, 5, 10, 20, 50, 100, 200):
        y = height * (1 - (math.log10(mark) - scale.low) / (scale.high - scale.low))
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="var(--soft)"/>')
        parts.append(text(LEFT - 8, y + 4, f"{mark} ms", "end"))
    for place, row in enumerate(rows):
        x = LEFT + (WIDTH - LEFT - RIGHT) * place / max(1, len(rows) - 1)
        for begin, colour in ((3, COLOURS["daybook"]), (2, "currentColor")):
            value = min(200, max(1, sum(row[begin:])))
            y = height * (1 - (math.log10(value) - scale.low) / (scale.high - scale.low))
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="1.6" fill="{colour}" fill-opacity=".55"/>')
    return figure(height + 6, parts, "latency over time",
                  "In the order of their commits: blue Daybook's stages, the text's colour end to end.")


def stage_table(rate):
    rows = []
    for name, label in NAMES.items():
        row = rate["stages"][name]
        targets = row.get("targets", {})

        def cell(quantile, row=row, targets=targets):
            target = targets.get(quantile)
            if not target:
                return f"<td>{row[quantile]:.2f}</td>"
            kind, sign = ("met", "≤") if target["met"] else ("missed", ">")
            return f'<td class="{kind}">{row[quantile]:.2f} {sign} {target["limit_ms"]}</td>'

        kind = ' class="sum"' if name in ("daybook", "whole") else ""
        key = "" if kind else f'<span class="key" style="background:{COLOURS[name]}"></span>'
        rows.append(f'<tr{kind}><td>{key}{label}</td>{cell("p50_ms")}<td>{row["p90_ms"]:.2f}</td>{cell("p99_ms")}'
                    f'<td>{row["p99_low_ms"]:.1f}–{row["p99_high_ms"]:.1f}</td><td>{row["max_ms"]:.1f}</td>'
                    f'<td>{100 * row["share"]:.0f} %</td></tr>')
    return ('<div class="wide"><table><tr><th>ms</th><th>p50</th><th>p90</th><th>p99</th><th>95 % of p99</th>'
            f'<th>max</th><th>share</th></tr>{"".join(rows)}</table></div>')


def number(row, name):
    return f"{row[name]:.2f}" if name in row else "–"


def own_table(rate):
    rows = "".join(
        f'<tr><td>{row["histogram"]}</td><td>{row["from"]} → {row["to"]}</td>'
        f'<td>{number(row, "own_p50_ms")}</td>'
        f'<td>{row["outside_p50_ms"]:.2f}</td><td>{number(row, "own_p99_ms")}</td>'
        f'<td>{row["outside_p99_ms"]:.2f}</td><td class="{"met" if row["agrees"] else "missed"}">'
        f'{"agrees" if row["agrees"] else "differs"}</td></tr>' for row in rate["own"])
    return ("<h3>The services' own histograms beside it</h3><div class='wide'><table><tr><th>histogram</th>"
            "<th>part</th><th>own p50</th><th>outside</th><th>own p99</th><th>outside</th><th></th></tr>"
            f"{rows}</table></div>")


def kinds_table(rate):
    rows = "".join(f'<tr><td>{kind}</td><td>{of["whole"]["samples"]}</td><td>{of["daybook"]["p50_ms"]:.2f}</td>'
                   f'<td>{of["daybook"]["p99_ms"]:.2f}</td><td>{of["whole"]["p50_ms"]:.2f}</td>'
                   f'<td>{of["whole"]["p99_ms"]:.2f}</td></tr>' for kind, of in rate["kinds"].items())
    return ("<h3>By kind of transaction</h3><div class='wide'><table><tr><th>kind</th><th>followed</th>"
            f"<th>Daybook p50</th><th>p99</th><th>end to end p50</th><th>p99</th></tr>{rows}</table></div>")


def section(rate):
    use = sorted(rate["processors"].items(), key=lambda item: -item[1])
    used = ", ".join(f"{name} {share:.0f} %" for name, share in use if share >= 0.5)
    return (f'<h2>{rate["rate"]:g} transactions a second</h2><p>{rate["achieved"]:.1f} a second were made, '
            f'{rate["stages"]["whole"]["samples"]} followed. Of one processor used: {used}.</p>{stage_table(rate)}'
            f'{shares(rate)}{distributions(rate)}{rising(rate)}{over_time(rate)}{kinds_table(rate)}{own_table(rate)}')


def make(found):
    machine = found["machine"]
    about = "".join(f"<li><b>{NAMES[name]}</b>: {html.escape(said)}</li>" for name, said in found["about"].items())
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Daybook live: from COMMIT to the query API</title><style>{STYLE}</style></head><body>
<h1>From COMMIT in BOS to the query API</h1>
<p>{html.escape(machine["cpu"])}, {machine["cores"]} processors, {machine["memory_bytes"] / 2**30:.0f} GiB, Linux
{html.escape(machine["kernel"])}, {html.escape(machine["time"])}. Everything on this one machine: PostgreSQL, Kafka,
Debezium, Daybook, the load and what measures it. Measured from outside; a text counts as visible when an answer that
holds it is at a client that asks every {found["step_us"] / 1000:g} ms.</p>
<ul>{about}</ul>{"".join(section(rate) for rate in found["rates"])}</body></html>
"""
