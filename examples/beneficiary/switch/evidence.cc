#include "beneficiary/switch/evidence.h"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "beneficiary/switch/internal/json_text.h"
#include "daybook/base/strings.h"

namespace beneficiary::switching {

namespace json = boost::json;
using daybook::Timestamp;
using internal::JsonText;

namespace {

constexpr absl::Duration kFineWidth = absl::Seconds(10);
constexpr std::size_t kFineBuckets = 180;
constexpr absl::Duration kCoarseWidth = absl::Minutes(5);
constexpr std::size_t kCoarseBuckets = 288;

std::size_t IndexOf(Side side) { return static_cast<std::size_t>(side); }

json::string_view Time(Timestamp at, std::string& storage) {
  storage = daybook::FormatTimestamp(at);
  return JsonText(storage);
}
double Milliseconds(absl::Duration duration) {
  // Three digits are enough for anything that is measured here.
  return std::round(absl::ToDoubleMicroseconds(duration)) / 1000;
}

json::object LatencyJson(const LatencyHistogram& latencies) {
  json::array curve;
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < LatencyHistogram::kBuckets; ++i) {
    if (latencies.count(i) == 0) continue;
    below += latencies.count(i);
    curve.push_back(json::array{Milliseconds(LatencyHistogram::UpperBound(i)), below});
  }
  return json::object{{"count", latencies.total()},
                      {"p50_ms", Milliseconds(latencies.Quantile(0.5))},
                      {"p90_ms", Milliseconds(latencies.Quantile(0.9))},
                      {"p99_ms", Milliseconds(latencies.Quantile(0.99))},
                      {"max_ms", Milliseconds(latencies.Quantile(1))},
                      {"at_most", std::move(curve)}};
}

template <class Counts>
json::object VerdictsJson(const Counts& counts) {
  json::object verdicts;
  for (std::size_t i = 0; i < kVerdicts; ++i) verdicts[JsonText(VerdictName(Verdict(i)))] = counts[i];
  return verdicts;
}

json::object SampleJson(Timestamp at, const Finding& finding) {
  std::string text;
  json::array differences;
  for (const MaskedDifference& difference : finding.differences) {
    differences.push_back(json::object{{"kind", JsonText(KindName(difference.kind))},
                                       {"place", JsonText(difference.place)},
                                       {"pointer", JsonText(difference.pointer)},
                                       {"bos", JsonText(difference.bos)},
                                       {"daybook", JsonText(difference.daybook)},
                                       {"hint", JsonText(difference.hint)}});
  }
  return json::object{{"at", Time(at, text)},
                      {"client", JsonText(finding.client)},
                      {"target", JsonText(finding.target)},
                      {"mode", JsonText(ModeName(finding.mode))},
                      {"watched_ms", Milliseconds(finding.lag)},
                      {"checks", finding.checks},
                      {"comparisons", finding.weight},
                      {"differences", std::move(differences)}};
}

json::object TotalsJson(const Evidence::Totals& totals) {
  json::object answered;
  for (const Mode mode : kModes) {
    const auto& of_mode = totals.answered[static_cast<std::size_t>(mode)];
    answered[JsonText(ModeName(mode))] = json::object{{"bos", of_mode[0]}, {"daybook", of_mode[1]}};
  }
  json::object fallbacks;
  for (const Side side : {Side::kBos, Side::kDaybook}) {
    json::object reasons;
    for (std::size_t i = 0; i < kFallbackReasons; ++i) {
      reasons[JsonText(FallbackReasonName(FallbackReason(i)))] = totals.fallbacks[IndexOf(side)][i];
    }
    fallbacks[JsonText(SideName(side))] = std::move(reasons);
  }
  return json::object{{"comparisons", VerdictsJson(totals.verdicts)},
                      {"answered", std::move(answered)},
                      {"fallbacks_from", std::move(fallbacks)},
                      {"requests_unanswered", totals.unanswered}};
}

}  // namespace

std::string_view VerdictName(Verdict verdict) {
  constexpr std::array<std::string_view, kVerdicts> kNames = {"equal", "lag", "different", "unanswered", "dropped"};
  return kNames[static_cast<std::size_t>(verdict)];
}

std::string_view FallbackReasonName(FallbackReason reason) {
  constexpr std::array<std::string_view, kFallbackReasons> kNames = {"timeout", "error", "status", "busy", "suspended"};
  return kNames[static_cast<std::size_t>(reason)];
}

Evidence::Evidence(const daybook::Clock& clock, EvidenceObserver observer)
    : clock_(clock), observer_(std::move(observer)), state_(Fresh()) {}

Evidence::State Evidence::Fresh() const {
  State state;
  state.since = clock_.Now();
  state.series[0] = {kFineWidth, std::vector<Bucket>(kFineBuckets)};
  state.series[1] = {kCoarseWidth, std::vector<Bucket>(kCoarseBuckets)};
  return state;
}

void Evidence::Reset() {
  State fresh = Fresh();
  absl::MutexLock lock(&mu_);
  state_ = std::move(fresh);
}

template <class Change>
void Evidence::InBuckets(Change change) {
  const std::int64_t now_us = clock_.Now().micros();
  for (Series& series : state_.series) {
    const std::int64_t number = now_us / absl::ToInt64Microseconds(series.width);
    Bucket& bucket = series.ring[static_cast<std::size_t>(number) % series.ring.size()];
    if (bucket.number != number) {
      bucket = Bucket();
      bucket.number = number;
    }
    change(bucket);
  }
}

void Evidence::AddServed(const Served& served) {
  if (observer_.on_served) observer_.on_served(served);
  absl::MutexLock lock(&mu_);
  if (served.answered_by) {
    ++state_.totals.answered[static_cast<std::size_t>(served.mode)][IndexOf(*served.answered_by)];
  } else {
    ++state_.totals.unanswered;
  }
  if (served.fallback) {
    ++state_.totals.fallbacks[IndexOf(ChosenSide(served.mode))][static_cast<std::size_t>(*served.fallback)];
  }
  InBuckets([&](Bucket& bucket) {
    if (served.answered_by) ++bucket.answered[IndexOf(*served.answered_by)];
    if (!served.answered_by) ++bucket.unanswered;
    if (served.fallback) ++bucket.fallbacks;
  });
}

void Evidence::AddLatency(Side side, absl::Duration latency) {
  if (observer_.on_latency) observer_.on_latency(side, latency);
  absl::MutexLock lock(&mu_);
  ++state_.totals.latencies[IndexOf(side)];
  state_.latencies[IndexOf(side)].Add(latency);
  InBuckets([&](Bucket& bucket) { bucket.latencies[IndexOf(side)].Add(latency); });
}

void Evidence::CountIn(std::map<std::string, PlaceCount>& counts, const std::string& name, const Finding& finding,
                       Timestamp now) {
  const bool room = counts.size() < kPlacesKept || counts.contains(name);
  PlaceCount& count = counts[room ? name : "(others)"];
  (finding.verdict == Verdict::kDifferent ? count.differences : count.lags) += finding.weight;
  count.last = now;
}

void Evidence::AddFinding(const Finding& finding) {
  if (observer_.on_finding) observer_.on_finding(finding);
  const Timestamp now = clock_.Now();
  absl::MutexLock lock(&mu_);
  const auto verdict = static_cast<std::size_t>(finding.verdict);
  state_.totals.verdicts[verdict] += finding.weight;
  InBuckets([&](Bucket& bucket) { bucket.verdicts[verdict] += static_cast<std::uint32_t>(finding.weight); });
  if (finding.verdict != Verdict::kLag && finding.verdict != Verdict::kDifferent) return;
  if (finding.verdict == Verdict::kLag) state_.lags.Add(finding.lag);
  std::vector<std::string> patterns;
  for (const MaskedDifference& difference : finding.differences) patterns.push_back(difference.pattern);
  std::sort(patterns.begin(), patterns.end());
  patterns.erase(std::unique(patterns.begin(), patterns.end()), patterns.end());
  for (const std::string& pattern : patterns) CountIn(state_.places, pattern, finding, now);
  CountIn(state_.clients, finding.client.empty() ? "(none)" : finding.client, finding, now);
  std::deque<Sample>& samples = finding.verdict == Verdict::kLag ? state_.lag_samples : state_.differences;
  samples.push_back({now, finding});
  if (samples.size() > kSamplesKept) samples.pop_front();
}

Evidence::Totals Evidence::totals() const {
  absl::MutexLock lock(&mu_);
  return state_.totals;
}

struct Evidence::Render {
  const State& state;
  std::string text;  // of the moment being rendered

  json::object Moment(const Bucket& bucket, std::int64_t width_us) {
    json::object latencies;
    for (const Side side : {Side::kBos, Side::kDaybook}) {
      const LatencyHistogram& of_side = bucket.latencies[IndexOf(side)];
      latencies[JsonText(SideName(side))] = json::object{{"count", of_side.total()},
                                                         {"p50_ms", Milliseconds(of_side.Quantile(0.5))},
                                                         {"p99_ms", Milliseconds(of_side.Quantile(0.99))}};
    }
    return json::object{{"from", Time(Timestamp::FromMicros(bucket.number * width_us), text)},
                        {"comparisons", VerdictsJson(bucket.verdicts)},
                        {"answered", {{"bos", bucket.answered[0]}, {"daybook", bucket.answered[1]}}},
                        {"fallbacks", bucket.fallbacks},
                        {"unanswered", bucket.unanswered},
                        {"latency", std::move(latencies)}};
  }

  // What happened lately; a bucket in which nothing did is left out.
  json::object Course(const Series& series, Timestamp now) {
    const std::int64_t width_us = absl::ToInt64Microseconds(series.width);
    const std::int64_t last = now.micros() / width_us;
    std::array<LatencyHistogram, 2> shown;
    json::array buckets;
    for (std::int64_t number = last - static_cast<std::int64_t>(series.ring.size()) + 1; number <= last; ++number) {
      const Bucket& bucket = series.ring[static_cast<std::size_t>(number) % series.ring.size()];
      if (bucket.number != number) continue;
      shown[0].Add(bucket.latencies[0]);
      shown[1].Add(bucket.latencies[1]);
      buckets.push_back(Moment(bucket, width_us));
    }
    return json::object{{"bucket_seconds", absl::ToInt64Seconds(series.width)},
                        {"buckets_max", series.ring.size()},
                        {"buckets", std::move(buckets)},
                        {"latency", {{"bos", LatencyJson(shown[0])}, {"daybook", LatencyJson(shown[1])}}}};
  }

  // The most frequent first.
  json::array Counts(const std::map<std::string, PlaceCount>& all, const char* name) {
    std::vector<std::pair<std::string, PlaceCount>> sorted(all.begin(), all.end());
    std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
      return std::pair(a.second.differences, a.second.lags) > std::pair(b.second.differences, b.second.lags);
    });
    json::array list;
    for (const auto& entry : sorted) {
      list.push_back(json::object{{name, JsonText(entry.first)},
                                  {"differences", entry.second.differences},
                                  {"lags", entry.second.lags},
                                  {"last", Time(entry.second.last, text)}});
    }
    return list;
  }

  // The latest first.
  json::array Samples(const std::deque<Sample>& all) {
    json::array list;
    for (auto sample = all.rbegin(); sample != all.rend(); ++sample) {
      list.push_back(SampleJson(sample->at, sample->finding));
    }
    return list;
  }
};

std::string Evidence::ToJson(Resolution resolution) const {
  // A copy: the requests that are being answered do not wait for the rendering.
  const State state = [&] {
    absl::MutexLock lock(&mu_);
    return state_;
  }();
  const Timestamp now = clock_.Now();
  Render render{state, {}};
  json::object document{{"now", Time(now, render.text)}};
  document["since"] = Time(state.since, render.text);
  document["totals"] = TotalsJson(state.totals);
  document["latency"] =
      json::object{{"bos", LatencyJson(state.latencies[0])}, {"daybook", LatencyJson(state.latencies[1])}};
  document["lag"] = LatencyJson(state.lags);
  document["course"] = render.Course(state.series[static_cast<std::size_t>(resolution)], now);
  document["places"] = render.Counts(state.places, "place");
  document["clients"] = render.Counts(state.clients, "client");
  document["differences"] = render.Samples(state.differences);
  document["lags"] = render.Samples(state.lag_samples);
  return json::serialize(document);
}

}  // namespace beneficiary::switching
