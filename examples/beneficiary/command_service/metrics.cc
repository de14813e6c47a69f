#include "beneficiary/command_service/metrics.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string_view>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"

namespace beneficiary {

namespace bus = daybook::bus;
namespace observe = daybook::observe;

namespace {

// Histograms by topic; there are few.
class ByTopic {
 public:
  ByTopic(observe::Metrics& metrics, std::string name, std::string help)
      : metrics_(metrics), name_(std::move(name)), help_(std::move(help)) {}

  void Observe(std::string_view topic, absl::Duration value) {
    absl::MutexLock lock(&mu_);
    auto found = histograms_.find(topic);
    if (found == histograms_.end()) {
      found = histograms_
                  .emplace(std::string(topic), metrics_.GetHistogram(name_, help_, observe::Metrics::LatencyBounds(),
                                                                     {{"topic", std::string(topic)}}))
                  .first;
    }
    found->second.Observe(absl::ToDoubleSeconds(value));
  }

 private:
  observe::Metrics& metrics_;
  const std::string name_;
  const std::string help_;
  absl::Mutex mu_;
  std::map<std::string, observe::Histogram, std::less<>> histograms_ ABSL_GUARDED_BY(mu_);
};

template <class Figures, class Read>
void Add(observe::Metrics& metrics, std::string_view name, std::string_view help, Read read, Figures figures,
         const observe::Labels& labels = {}) {
  metrics.AddCallback(name, help, labels, [read, figures] { return static_cast<double>(read().*figures); });
}

void ExposePartition(CommandSide& side, observe::Metrics& metrics) {
  using Stats = daybook::runtime::PartitionStats;
  const auto read = [&side] { return side.partition().stats(); };
  const std::pair<const char*, std::uint64_t Stats::*> results[] = {{"committed", &Stats::commands_committed},
                                                                    {"unchanged", &Stats::commands_unchanged},
                                                                    {"rejected", &Stats::commands_rejected},
                                                                    {"duplicate", &Stats::commands_duplicate},
                                                                    {"failed", &Stats::commands_failed}};
  for (const auto& [result, field] : results) {
    Add(metrics, "commands", "Commands since the start, by what they came to", read, field, {{"result", result}});
  }
  Add(metrics, "partition_events", "Events written since the start", read, &Stats::events);
  Add(metrics, "partition_batches", "Synced batches since the start", read, &Stats::batches);
  Add(metrics, "partition_queue_commands", "Commands waiting now", read, &Stats::queue_commands);
  Add(metrics, "partition_cache_bytes", "Memory of cached states", read, &Stats::cache_bytes);
  Add(metrics, "partition_states_loaded", "States read from the log since the start", read, &Stats::states_loaded);
  metrics.AddCallback("store_durable_position", "The last durable position of the log", {},
                      [&side] { return static_cast<double>(side.store().DurableWatermark().value()); });
  metrics.AddCallback("store_healthy", "1, or 0 when writes are refused", {},
                      [&side] { return side.store().health().ok() ? 1.0 : 0.0; });
}

std::uint64_t EventsBehind(const bus::EventPublisherStats& stats) {
  return stats.durable > stats.published ? stats.durable.value() - stats.published.value() : 0;
}

}  // namespace

std::function<void(const bus::AnsweredCommand&)> CommandLatencies(observe::Metrics& metrics) {
  const auto& bounds = observe::Metrics::LatencyBounds();
  return
      [topic =
           metrics.GetHistogram("command_topic_to_decided_seconds",
                                "From a command's being written to its topic to its outcome's being durable", bounds),
       source = metrics.GetHistogram("bos_to_decided_seconds", "From the commit in BOS to the outcome's being durable",
                                     bounds)](const bus::AnsweredCommand& answered) mutable {
        if (answered.duplicate) return;
        topic.Observe(absl::ToDoubleSeconds(answered.since_sent));
        if (answered.since_source.has_value()) source.Observe(absl::ToDoubleSeconds(*answered.since_source));
      };
}

std::function<void(const bus::PublishedRecord&)> PublishLatencies(observe::Metrics& metrics) {
  const auto durable = std::make_shared<ByTopic>(metrics, "durable_to_topic_seconds",
                                                 "From the log's giving an event to its being safe on the topic");
  const auto decided = std::make_shared<ByTopic>(metrics, "decided_to_topic_seconds",
                                                 "From the decision on an event to its being safe on the topic");
  return [durable, decided](const bus::PublishedRecord& published) {
    durable->Observe(published.topic, published.since_read);
    decided->Observe(published.topic, published.since_recorded);
  };
}

void ExposeCommandSide(CommandSide& side, observe::Metrics& metrics) {
  ExposePartition(side, metrics);
  using Consumer = bus::CommandConsumerStats;
  const auto consumer = [&side] { return side.consumer().stats(); };
  Add(metrics, "command_topic_commands", "Commands read since the start", consumer, &Consumer::commands);
  Add(metrics, "command_topic_answered", "Of those: with an outcome", consumer, &Consumer::answered);
  Add(metrics, "command_topic_duplicates", "Of those: had been answered before", consumer, &Consumer::duplicates);
  Add(metrics, "command_topic_dead_letters", "Commands set aside since the start", consumer, &Consumer::dead_letters);
  Add(metrics, "command_topic_dead_letters_waiting", "Dead letters that are not durable yet", consumer,
      &Consumer::dead_letters_waiting);
  Add(metrics, "command_topic_retries", "Waits and new attempts since the start", consumer, &Consumer::retries);
  Add(metrics, "command_topic_in_flight", "Commands read and not answered", consumer, &Consumer::in_flight);
  Add(metrics, "command_topic_lag_records", "Commands on the topics and not read", consumer, &Consumer::lag_records);

  using Publisher = bus::EventPublisherStats;
  const auto publisher = [&side] { return side.publisher().stats(); };
  Add(metrics, "publisher_events", "Events put on topics since the start", publisher, &Publisher::events);
  Add(metrics, "publisher_states", "States put on topics since the start", publisher, &Publisher::states);
  Add(metrics, "publisher_restarts", "Times that it went back to the topics' ends", publisher, &Publisher::restarts);
  Add(metrics, "publisher_in_flight", "Records sent and not acknowledged", publisher, &Publisher::in_flight);
  metrics.AddCallback("publisher_position", "Every event up to it is on its topic", {},
                      [publisher] { return static_cast<double>(publisher().published.value()); });
  metrics.AddCallback("publisher_lag_events", "Events that are durable and not on their topic", {},
                      [publisher] { return static_cast<double>(EventsBehind(publisher())); });
}

std::string StatusOf(CommandSide& side) {
  const bus::CommandConsumerStats commands = side.consumer().stats();
  const bus::EventPublisherStats events = side.publisher().stats();
  return absl::StrCat(
      "{\"stages\":{\"commands\":{\"lag_records\":", commands.lag_records, ",\"in_flight\":", commands.in_flight,
      ",\"dead_letters\":", commands.dead_letters, ",\"dead_letters_waiting\":", commands.dead_letters_waiting,
      "},\"events\":{\"lag_events\":", EventsBehind(events), ",\"durable_position\":", events.durable.value(),
      ",\"published_position\":", events.published.value(), ",\"in_flight\":", events.in_flight, "}}}\n");
}

}  // namespace beneficiary
