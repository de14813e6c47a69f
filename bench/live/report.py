"""The figures of all rounds together: as JSON, and as the table that is printed."""

import figures

# (rate, row, quantile): at most so many milliseconds.
TARGETS = {(10, "daybook", "p50_ms"): 5, (10, "daybook", "p99_ms"): 25,
           (10, "whole", "p50_ms"): 15, (10, "whole", "p99_ms"): 60,
           (200, "whole", "p50_ms"): 15, (200, "whole", "p99_ms"): 60}

NAMES = {"connector": "Debezium and Kafka", "gateway": "gateway", "command": "command", "publish": "publish",
         "query": "query", "daybook": "Daybook's stages together", "whole": "end to end"}


def make(rounds, machine, step_us):
    """The JSON: {machine, step_us, rates: [{rate, stages, kinds, rounds, own, processors, samples}]}."""
    return {"machine": machine, "step_us": step_us, "about": figures.ABOUT,
            "rates": [of_rate(rate, done) for rate, done in rounds.items()]}


def of_rate(rate, rounds):
    everything = [sample for one in rounds for sample in one["samples"]]
    stages = figures.stages(everything)
    for (of, name, quantile), limit in TARGETS.items():
        if of == rate:
            stages[name].setdefault("targets", {})[quantile] = {
                "limit_ms": limit, "met": stages[name][quantile] <= limit}
    kinds = {kind: figures.stages([sample for sample in everything if sample.kind == kind])
             for kind in sorted({sample.kind for sample in everything})}
    pages = {service: [(one["before"][service], one["after"][service]) for one in rounds]
             for service in rounds[0]["before"]}
    return {"rate": rate, "achieved": sum(one["rate"] for one in rounds) / len(rounds),
            "late_max_ms": max(one["late_ms"] for one in rounds), "stages": stages,
            "kinds": {kind: {name: {key: of[name][key] for key in ("samples", "p50_ms", "p99_ms")}
                             for name in ("daybook", "whole")} for kind, of in kinds.items()},
            "rounds": [{name: {key: figures.quantile([s.ms(span) for s in one["samples"]], share)
                               for key, share in (("p50_ms", 0.5), ("p99_ms", 0.99))}
                        for name, span in (("daybook", figures.DAYBOOK), ("whole", figures.WHOLE))} for one in rounds],
            "flush": figures.summary([sample.ms(("source", "committed")) for sample in everything]),
            "own": figures.agreement(everything, pages), "processors": processors(rounds),
            "samples": [samples_row(sample) for one in rounds for sample in one["samples"]]}


def samples_row(sample):
    return [sample.kind, sample.moments["committed"],
            *(round(sample.ms((begin, end)), 3) for _, begin, end in figures.STAGES)]


def processors(rounds):
    """Of one processor, in percent, on average: each process, all others on the machine."""
    seconds, total, own = 0, 0, {}
    for one in rounds:
        used, whole = one["used"]
        seconds += one["seconds"]
        total += whole
        for name, spent in used.items():
            own[name] = own.get(name, 0) + spent
    return {**{name: 100 * spent / seconds for name, spent in own.items()},
            "others": max(0.0, 100 * (total - sum(own.values())) / seconds)}


def table(found):
    lines = [f"{'':28} {'p50 ms':>8} {'p99 ms':>8}  {'95 % of p99':15} {'max':>8} {'share':>6}"]
    for rate in found["rates"]:
        stages = rate["stages"]
        lines += ["", f"{rate['rate']:g} transactions a second ({rate['achieved']:.1f} made), "
                      f"{stages['whole']['samples']} followed"]
        for name, label in NAMES.items():
            row = stages[name]
            between = f"{row['p99_low_ms']:.1f}-{row['p99_high_ms']:.1f}"
            verdicts = [f"{quantile[:3]} {row[quantile]:.1f} {'<=' if target['met'] else '!'} {target['limit_ms']}"
                        for quantile, target in row.get("targets", {}).items()]
            lines.append(f"  {label:26} {row['p50_ms']:8.2f} {row['p99_ms']:8.2f}  {between:15} {row['max_ms']:8.1f} "
                         f"{100 * row['share']:4.0f} %  {', '.join(verdicts)}".rstrip())
        lines += own_lines(rate)
        use = sorted(rate["processors"].items(), key=lambda item: -item[1])
        lines.append("  of one processor: " + ", ".join(f"{name} {share:.0f} %" for name, share in use if share >= 0.5))
    return "\n".join(lines)


def own_lines(rate):
    for row in rate["own"]:
        own = (f"own p50 {row['own_p50_ms']:.2f}, p99 {row['own_p99_ms']:.2f}" if row["own_samples"]
               else "it has counted nothing")
        yield (f"  {row['histogram']} ({row['from']} to {row['to']}): {own}; outside p50 {row['outside_p50_ms']:.2f}, "
               f"p99 {row['outside_p99_ms']:.2f}: {'agrees' if row['agrees'] else 'DIFFERS'}")
