#include "beneficiary/serving/lag_board.h"

#include <algorithm>
#include <utility>

#include "daybook/observe/metrics.h"

namespace beneficiary {

namespace observe = daybook::observe;
using daybook::Timestamp;
using daybook::projection::Shown;

namespace {

using Lags = std::array<std::optional<absl::Duration>, kStages>;

std::size_t IndexOf(Stage stage) { return static_cast<std::size_t>(stage); }

// From `begin` to `end`, where both are known.
std::optional<absl::Duration> Between(std::optional<Timestamp> begin, std::optional<Timestamp> end) {
  if (!begin || !end || *begin == Timestamp() || *end == Timestamp()) return std::nullopt;
  return std::max(absl::ZeroDuration(), absl::Microseconds(end->micros() - begin->micros()));
}

Lags LagsOf(const Shown& shown) {
  const std::optional<Timestamp> bos = shown.metadata.source_time;
  const std::optional<Timestamp> decided = shown.metadata.recorded_at;
  Lags lags;
  lags[IndexOf(Stage::kBosToCommand)] = Between(bos, decided);
  lags[IndexOf(Stage::kCommandToTopic)] = Between(decided, shown.arrival.published);
  lags[IndexOf(Stage::kTopicToQuery)] = Between(shown.arrival.published, shown.arrival.received);
  lags[IndexOf(Stage::kQueryToModel)] = Between(shown.arrival.received, shown.shown);
  lags[IndexOf(Stage::kCommandToModel)] = Between(decided, shown.shown);
  lags[IndexOf(Stage::kBosToModel)] = Between(bos, shown.shown);
  return lags;
}

// The latest of one stage.
class Ring {
 public:
  void Add(absl::Duration lag) {
    if (lags_.size() < LagBoard::kSamples) {
      lags_.push_back(lag);
      last_ = lags_.size() - 1;
    } else {
      last_ = (last_ + 1) % lags_.size();
      lags_[last_] = lag;
    }
  }
  LagBoard::Lag Summary() const {
    LagBoard::Lag out;
    if (lags_.empty()) return out;
    std::vector<absl::Duration> sorted = lags_;
    std::sort(sorted.begin(), sorted.end());
    out.samples = sorted.size();
    out.last = lags_[last_];
    out.p50 = sorted[sorted.size() / 2];
    out.p99 = sorted[sorted.size() * 99 / 100];
    out.max = sorted.back();
    return out;
  }

 private:
  std::vector<absl::Duration> lags_;
  std::size_t last_ = 0;
};

}  // namespace

std::string_view StageName(Stage stage) {
  switch (stage) {
    case Stage::kBosToCommand:
      return "bos_to_command";
    case Stage::kCommandToTopic:
      return "command_to_topic";
    case Stage::kTopicToQuery:
      return "topic_to_query";
    case Stage::kQueryToModel:
      return "query_to_model";
    case Stage::kCommandToModel:
      return "command_to_model";
    case Stage::kBosToModel:
      return "bos_to_model";
  }
  return "";
}

struct LagBoard::Window {
  Window(std::string name, observe::Metrics& metrics)
      : name(std::move(name)),
        whole(metrics.GetHistogram("bos_to_query_seconds", "From the commit in BOS to the read model that shows it",
                                   observe::Metrics::LatencyBounds(), {{"model", this->name}})) {
    for (std::size_t i = 0; i < kStages; ++i) {
      stages.push_back(metrics.GetHistogram(
          "query_stage_seconds", "Parts of the way from BOS into the read model", observe::Metrics::LatencyBounds(),
          {{"model", this->name}, {"stage", std::string(StageName(static_cast<Stage>(i)))}}));
    }
  }

  const std::string name;
  observe::Histogram whole;
  std::vector<observe::Histogram> stages;
  std::array<Ring, kStages> rings;
  std::uint64_t commands = 0;
  Timestamp last_shown_at;
};

LagBoard::LagBoard(observe::Metrics& metrics) : metrics_(metrics) {}
LagBoard::~LagBoard() = default;

daybook::projection::ShownHandler LagBoard::handler() {
  return [this](const Shown& shown) { Note(shown); };
}

void LagBoard::Note(const Shown& shown) {
  const Lags lags = LagsOf(shown);
  absl::MutexLock lock(&mu_);
  auto window =
      std::find_if(windows_.begin(), windows_.end(), [&](const auto& w) { return w->name == shown.projection; });
  if (window == windows_.end()) {
    window = windows_.insert(window, std::make_unique<Window>(std::string(shown.projection), metrics_));
  }
  ++(*window)->commands;
  (*window)->last_shown_at = shown.shown;
  for (std::size_t i = 0; i < kStages; ++i) {
    if (!lags[i]) continue;
    (*window)->rings[i].Add(*lags[i]);
    (*window)->stages[i].Observe(absl::ToDoubleSeconds(*lags[i]));
  }
  if (const auto& whole = lags[IndexOf(Stage::kBosToModel)]) (*window)->whole.Observe(absl::ToDoubleSeconds(*whole));
}

LagBoard::Model LagBoard::Of(std::string_view model) const {
  Model out;
  out.name = model;
  absl::MutexLock lock(&mu_);
  for (const auto& window : windows_) {
    if (window->name != model) continue;
    out.commands = window->commands;
    out.last_shown_at = window->last_shown_at;
    for (std::size_t i = 0; i < kStages; ++i) out.stages[i] = window->rings[i].Summary();
  }
  return out;
}

}  // namespace beneficiary
