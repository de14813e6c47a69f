#ifndef BENEFICIARY_SERVING_LAG_BOARD_H_
#define BENEFICIARY_SERVING_LAG_BOARD_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "daybook/core/timestamp.h"
#include "daybook/observe/metrics.h"
#include "daybook/projection/shown.h"

namespace beneficiary {

// Parts of a change's way from BOS into a read model, and the whole of it.
enum class Stage {
  kBosToCommand,    // from BOS's commit to the command's decision: Debezium, Kafka, the gateway
  kCommandToTopic,  // to the event's record on its topic; its time-stamp has whole milliseconds
  kTopicToQuery,    // to its arrival in this process
  kQueryToModel,    // to the commit of the read model
  kCommandToModel,  // from the decision to the commit of the read model
  kBosToModel,      // all of it: bos_to_query_seconds
};
inline constexpr std::size_t kStages = 6;
// "bos_to_command", "command_to_topic", "topic_to_query", "query_to_model", "command_to_model", "bos_to_model".
std::string_view StageName(Stage stage);

// How long commands take through the stages: as the histograms bos_to_query_seconds and query_stage_seconds, and the
// latest of them for /status.
//
//   LagBoard lags(metrics);
//   options.on_shown = lags.handler();
//
// Thread safety: every method and the handler from any thread. The metrics outlive it, and it outlives the handler.
// Invariant: clocks of different machines are compared as they are; what would be negative counts as 0.
class LagBoard {
 public:
  // The last commands: at most kSamples of them.
  struct Lag {
    std::size_t samples = 0;
    absl::Duration last;
    absl::Duration p50;
    absl::Duration p99;
    absl::Duration max;
  };
  struct Model {
    std::string name;
    std::uint64_t commands = 0;  // shown since the start, without what was there at the start
    std::optional<daybook::Timestamp> last_shown_at;
    std::array<Lag, kStages> stages;  // by Stage
  };
  static constexpr std::size_t kSamples = 1024;

  explicit LagBoard(daybook::observe::Metrics& metrics);
  ~LagBoard();

  daybook::projection::ShownHandler handler();

  // Of a read model of which nothing was shown since the start: empty.
  Model Of(std::string_view model) const;

 private:
  struct Window;
  void Note(const daybook::projection::Shown& shown);

  daybook::observe::Metrics& metrics_;
  mutable absl::Mutex mu_;
  std::vector<std::unique_ptr<Window>> windows_ ABSL_GUARDED_BY(mu_);
};

}  // namespace beneficiary

#endif  // BENEFICIARY_SERVING_LAG_BOARD_H_
