#ifndef DAYBOOK_BUS_ADMIN_H_
#define DAYBOOK_BUS_ADMIN_H_

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "daybook/bus/record.h"

namespace daybook::bus {

struct TopicSpec {
  std::string topic;
  std::int32_t partitions = 1;
  std::int16_t replication = 1;
  std::map<std::string, std::string> config;  // Kafka's topic settings: {"cleanup.policy", "compact"}
};

// Makes, describes and deletes topics.
//
//   DAYBOOK_RETURN_IF_ERROR(EnsureTopics(bus.admin(), {{.topic = "events.v1", .partitions = 3}}, absl::Seconds(30)));
//
// Thread safety: every method from any thread. Every call blocks for at most its timeout; kUnavailable: no answer in
// it.
class Admin {
 public:
  virtual ~Admin() = default;

  // Returns when the topic can be written. kAlreadyExists; kInvalidArgument: name, number or setting, with the broker's
  // words; kPermissionDenied.
  virtual absl::Status CreateTopic(const TopicSpec& spec, absl::Duration timeout) = 0;

  // What the topic is now; `config` has the settings that are not defaults. kNotFound.
  virtual absl::StatusOr<TopicSpec> DescribeTopic(std::string_view topic, absl::Duration timeout) = 0;

  // Names of all topics but the broker's own, sorted.
  virtual absl::StatusOr<std::vector<std::string>> ListTopics(absl::Duration timeout) = 0;

  // Raises the number of partitions to `partitions`. kNotFound; kInvalidArgument: not more than there are.
  // Keys then hash to other partitions: only for topics whose readers do not mind.
  virtual absl::Status AddPartitions(std::string_view topic, std::int32_t partitions, absl::Duration timeout) = 0;

  // Forgets the records before `before`, as retention does. kNotFound.
  virtual absl::Status DeleteRecords(const TopicPartition& partition, Offset before, absl::Duration timeout) = 0;

  // Returns when the topic is gone from the broker's list. kNotFound.
  virtual absl::Status DeleteTopic(std::string_view topic, absl::Duration timeout) = 0;
};

// Makes those that do not exist. kFailedPrecondition naming all that exist with another number of partitions or another
// value of a setting that `specs` names; those are left as they are.
absl::Status EnsureTopics(Admin& admin, std::span<const TopicSpec> specs, absl::Duration timeout);

}  // namespace daybook::bus

#endif  // DAYBOOK_BUS_ADMIN_H_
