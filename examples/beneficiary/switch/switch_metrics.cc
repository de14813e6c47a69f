#include "beneficiary/switch/switch_metrics.h"

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace beneficiary::switching {

namespace observe = daybook::observe;

namespace {

const std::vector<double>& LagBounds() {
  static const std::vector<double> bounds = {0.025, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60};
  return bounds;
}

// The handles, made once: every label has few values.
struct Handles {
  explicit Handles(observe::Metrics& metrics)
      : unanswered(metrics.GetCounter("switch_unanswered_total", "Requests that neither side answered")),
        lag(metrics.GetHistogram("switch_lag_seconds", "How long differences lasted that went away", LagBounds())) {
    for (const Mode mode : kModes) {
      for (const Side side : {Side::kBos, Side::kDaybook}) {
        requests.push_back(
            metrics.GetCounter("switch_requests_total", "Requests answered, by mode and the side whose answer it was",
                               {{"mode", std::string(ModeName(mode))}, {"answered_by", std::string(SideName(side))}}));
      }
    }
    for (const Side side : {Side::kBos, Side::kDaybook}) {
      const std::string name(SideName(side));
      seconds.push_back(metrics.GetHistogram("switch_side_seconds", "How long the answers of each side took",
                                             observe::Metrics::LatencyBounds(), {{"side", name}}));
      for (std::size_t i = 0; i < kFallbackReasons; ++i) {
        fallbacks.push_back(metrics.GetCounter(
            "switch_fallbacks_total", "Requests that the other side answered, by who did not and why",
            {{"from", name}, {"reason", std::string(FallbackReasonName(FallbackReason(i)))}}));
      }
    }
    for (std::size_t i = 0; i < kVerdicts; ++i) {
      verdicts.push_back(metrics.GetCounter("switch_comparisons_total", "Comparisons by what became of them",
                                            {{"verdict", std::string(VerdictName(Verdict(i)))}}));
    }
  }

  observe::Counter unanswered;
  observe::Histogram lag;
  std::vector<observe::Counter> requests;
  std::vector<observe::Counter> fallbacks;
  std::vector<observe::Counter> verdicts;
  std::vector<observe::Histogram> seconds;
};

}  // namespace

EvidenceObserver CountingObserver(observe::Metrics& metrics) {
  const auto handles = std::make_shared<Handles>(metrics);
  EvidenceObserver observer;
  observer.on_served = [handles](const Served& served) {
    if (served.answered_by) {
      handles->requests[static_cast<std::size_t>(served.mode) * 2 + static_cast<std::size_t>(*served.answered_by)]
          .Increment();
    } else {
      handles->unanswered.Increment();
    }
    if (!served.fallback) return;
    const auto from = static_cast<std::size_t>(ChosenSide(served.mode));
    handles->fallbacks[from * kFallbackReasons + static_cast<std::size_t>(*served.fallback)].Increment();
  };
  observer.on_latency = [handles](Side side, absl::Duration latency) {
    handles->seconds[static_cast<std::size_t>(side)].Observe(absl::ToDoubleSeconds(latency));
  };
  observer.on_finding = [handles](const Finding& finding) {
    handles->verdicts[static_cast<std::size_t>(finding.verdict)].Increment(static_cast<double>(finding.weight));
    if (finding.verdict == Verdict::kLag) handles->lag.Observe(absl::ToDoubleSeconds(finding.lag));
  };
  return observer;
}

void ExposeSwitch(const ModeTable& modes, const Switch& parallel, observe::Metrics& metrics) {
  for (const Mode mode : kModes) {
    metrics.AddCallback("switch_mode", "1 for the mode of all clients without one of their own",
                        {{"mode", std::string(ModeName(mode))}},
                        [&modes, mode] { return modes.Current()->for_all == mode ? 1.0 : 0.0; });
  }
  const auto add = [&](const char* name, const char* help, auto value) {
    metrics.AddCallback(name, help, {}, [&parallel, value] { return static_cast<double>(value(parallel.stats())); });
  };
  metrics.AddCallback("switch_clients_with_mode", "Clients that have a mode of their own", {},
                      [&modes] { return static_cast<double>(modes.Current()->for_clients.size()); });
  metrics.AddCallback("switch_mode_changes", "Changes of modes since the directory was made", {},
                      [&modes] { return static_cast<double>(modes.Current()->change_count); });
  add("switch_comparisons_in_flight", "Comparisons that wait for answers or for their turn",
      [](const SwitchStats& stats) { return stats.comparer.in_flight; });
  add("switch_settling", "Differences being watched", [](const SwitchStats& stats) { return stats.comparer.settling; });
  add("switch_bos_in_flight", "Requests being answered by BOS",
      [](const SwitchStats& stats) { return stats.bos.in_flight; });
  add("switch_daybook_in_flight", "Requests being answered by Daybook",
      [](const SwitchStats& stats) { return stats.daybook.in_flight; });
  add("switch_bos_suspended", "1 while BOS keeps failing and Daybook stands in",
      [](const SwitchStats& stats) { return stats.bos_suspended ? 1 : 0; });
  add("switch_daybook_suspended", "1 while Daybook keeps failing and BOS stands in",
      [](const SwitchStats& stats) { return stats.daybook_suspended ? 1 : 0; });
}

}  // namespace beneficiary::switching
