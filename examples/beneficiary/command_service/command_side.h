#ifndef BENEFICIARY_COMMAND_SERVICE_COMMAND_SIDE_H_
#define BENEFICIARY_COMMAND_SERVICE_COMMAND_SIDE_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "daybook/bus/bus.h"
#include "daybook/bus/command_consumer.h"
#include "daybook/bus/event_publisher.h"
#include "daybook/runtime/partition.h"
#include "daybook/store/event_store.h"

namespace beneficiary {

struct CommandSideOptions {
  std::string data_dir;  // holds events/0; "" = in memory, for tests
  absl::Duration outcome_retention = absl::Hours(168);
  std::size_t in_flight_max = 4096;
  std::vector<std::string> forget_positions;  // as daybook::bus::CommandConsumerOptions
  // Whether to make the topics that are not there.
  enum class Topics { kExpect, kCreate } topics = Topics::kCreate;
  int replication = 1;
  std::function<void(const daybook::bus::AnsweredCommand&)> on_answered;   // may be empty
  std::function<void(const daybook::bus::PublishedRecord&)> on_published;  // likewise
};

// The command side with topics on both ends: commands in, one committer, events and states out.
//
//   DAYBOOK_ASSIGN_OR_RETURN(auto side, CommandSide::Start({.data_dir = "/var/lib/beneficiary"}, *bus));
//   …
//   side->Stop(absl::Seconds(10));
//
// Thread safety: every method from any thread. The bus outlives it.
class CommandSide {
 public:
  // Does not wait for the brokers: the readinesses say what is missing. Errors as OpenRocksEventStore:
  // kFailedPrecondition says that another process has the directory open; and as CommandConsumer::Start.
  static absl::StatusOr<std::unique_ptr<CommandSide>> Start(const CommandSideOptions& options, daybook::bus::Bus& bus);

  // As Stop(zero).
  ~CommandSide();
  CommandSide(const CommandSide&) = delete;
  CommandSide& operator=(const CommandSide&) = delete;

  // Reads no more commands, lets those that were read finish, publishes what is durable; each as far as it gets in
  // `grace`. Idempotent.
  void Stop(absl::Duration grace);

  daybook::store::EventStore& store();
  daybook::runtime::Partition& partition();
  const daybook::bus::CommandConsumer& consumer() const;
  const daybook::bus::EventPublisher& publisher() const;

  // OK once the topics are as they must be; kFailedPrecondition names those that are not.
  absl::Status TopicsReadiness() const;

 private:
  struct Impl;
  explicit CommandSide(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace beneficiary

#endif  // BENEFICIARY_COMMAND_SERVICE_COMMAND_SIDE_H_
