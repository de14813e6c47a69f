#ifndef BENEFICIARY_SWITCH_EVIDENCE_H_
#define BENEFICIARY_SWITCH_EVIDENCE_H_

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "beneficiary/switch/latency_histogram.h"
#include "beneficiary/switch/masking.h"
#include "beneficiary/switch/mode.h"
#include "daybook/base/clock.h"

namespace beneficiary::switching {

// What became of one comparison.
enum class Verdict : std::uint8_t {
  kEqual,       // at once
  kLag,         // equal after a while
  kDifferent,   // still different when the settling time was over
  kUnanswered,  // a side gave no answer, or one that says nothing of the data (429)
  kDropped,     // no room for it
};
inline constexpr std::size_t kVerdicts = 5;
std::string_view VerdictName(Verdict verdict);

// Why the other side answered.
enum class FallbackReason : std::uint8_t { kTimeout, kError, kStatus, kBusy, kSuspended };
inline constexpr std::size_t kFallbackReasons = 5;
std::string_view FallbackReasonName(FallbackReason reason);

struct Served {
  Mode mode;
  std::optional<Side> answered_by;  // nullopt: neither gave an answer
  std::optional<FallbackReason> fallback;
};

// One finished comparison.
struct Finding {
  Verdict verdict;
  Mode mode = Mode::kShadow;
  std::uint64_t weight = 1;  // comparisons that were waiting for the same settling
  absl::Duration lag;        // kLag: until Daybook's answer that had caught up; kDifferent: how long they were watched
  int checks = 1;
  std::string client;
  std::string target;                         // masked
  std::vector<MaskedDifference> differences;  // kLag: the first check's; kDifferent: those that stayed
};

// Who is told of everything that is added, too: metrics. Called without a lock; any may be empty.
struct EvidenceObserver {
  std::function<void(const Served&)> on_served;
  std::function<void(Side, absl::Duration)> on_latency;
  std::function<void(const Finding&)> on_finding;
};

enum class Resolution : std::uint8_t { kFine, kCoarse };  // half an hour in 10 s, a day in 5 min

// Everything the parallel run has shown since the start, kept bounded: counts, latencies, a course over time, the
// places that differ and the latest samples.
//
//   evidence.AddLatency(Side::kBos, absl::Milliseconds(40));
//   evidence.AddFinding({.verdict = Verdict::kEqual, …});
//   std::string json = evidence.ToJson(Resolution::kFine);
//
// Thread safety: every method from any thread; one short lock.
class Evidence {
 public:
  static constexpr std::size_t kSamplesKept = 50;  // of differences, and as many of lag
  static constexpr std::size_t kPlacesKept = 200;  // patterns of places, and as many clients; beyond: "(others)"

  struct Totals {
    std::array<std::uint64_t, kVerdicts> verdicts{};
    std::array<std::array<std::uint64_t, 2>, 4> answered{};                  // by mode and side
    std::array<std::array<std::uint64_t, kFallbackReasons>, 2> fallbacks{};  // by the side that did not answer
    std::uint64_t unanswered = 0;                                            // requests that neither side answered
    std::array<std::uint64_t, 2> latencies{};
  };

  explicit Evidence(const daybook::Clock& clock, EvidenceObserver observer = {});

  void AddServed(const Served& served);
  void AddLatency(Side side, absl::Duration latency);
  void AddFinding(const Finding& finding);
  // Forgets everything, for a new run of the same process.
  void Reset();

  Totals totals() const;
  // The document of GET /api/evidence: docs/reference/switch.md describes it.
  std::string ToJson(Resolution resolution) const;

 private:
  struct Bucket {
    std::int64_t number = -1;  // since 1970, in widths
    std::array<std::uint32_t, kVerdicts> verdicts{};
    std::array<std::uint32_t, 2> answered{};
    std::uint32_t fallbacks = 0;
    std::uint32_t unanswered = 0;
    std::array<LatencyHistogram, 2> latencies;
  };
  struct Series {
    absl::Duration width;
    std::vector<Bucket> ring;
  };
  struct Sample {
    daybook::Timestamp at;
    Finding finding;
  };
  struct PlaceCount {
    std::uint64_t differences = 0;
    std::uint64_t lags = 0;
    daybook::Timestamp last;
  };

  struct State {
    daybook::Timestamp since;
    Totals totals;
    std::array<LatencyHistogram, 2> latencies;
    LatencyHistogram lags;
    std::array<Series, 2> series;
    std::map<std::string, PlaceCount> places;
    std::map<std::string, PlaceCount> clients;
    std::deque<Sample> differences;
    std::deque<Sample> lag_samples;
  };
  struct Render;  // what makes the document of a copy

  State Fresh() const;
  template <class Change>
  void InBuckets(Change change) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  static void CountIn(std::map<std::string, PlaceCount>& counts, const std::string& name, const Finding& finding,
                      daybook::Timestamp now);

  const daybook::Clock& clock_;
  const EvidenceObserver observer_;

  mutable absl::Mutex mu_;
  State state_ ABSL_GUARDED_BY(mu_);
};

}  // namespace beneficiary::switching

#endif  // BENEFICIARY_SWITCH_EVIDENCE_H_
