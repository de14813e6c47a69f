// A process that owns what its group gives it and writes by transactions, told by lines on its standard input what to
// do and answering each with one line: for tests that stop or kill it.
//
//   worker BOOTSTRAP GROUP OWNERSHIP_TOPIC TRANSACTIONAL_ID TOPIC
//   poll | init | begin | send VALUE | commit   ->   ok, none, acquired GENERATION, revoked, lost, or the error's
//   reason
#include <iostream>
#include <string>

#include "absl/strings/str_cat.h"
#include "daybook/base/reason.h"
#include "daybook/bus/kafka/kafka_bus.h"

namespace daybook::bus {
namespace {

std::string TextOf(const absl::Status& status) {
  if (status.ok()) return "ok";
  const std::string reason = ReasonOf(status);
  return reason.empty() ? status.ToString() : reason;
}

std::string TextOf(const absl::StatusOr<std::optional<OwnershipChange>>& change) {
  if (!change.ok()) return TextOf(change.status());
  if (!change->has_value()) return "none";
  switch ((*change)->kind) {
    case OwnershipChange::Kind::kAcquired:
      return absl::StrCat("acquired ", (*change)->generation.value());
    case OwnershipChange::Kind::kRevoked:
      return "revoked";
    case OwnershipChange::Kind::kLost:
      return "lost";
  }
  return "?";
}

class Worker {
 public:
  explicit Worker(char** arguments)
      : bus_(*OpenKafkaBus({.brokers = arguments[1]})),
        membership_(*bus_->Join({.group = arguments[2],
                                 .topics = {arguments[3]},
                                 .session_timeout = absl::Seconds(3),
                                 .heartbeat_interval = absl::Milliseconds(200)})),
        producer_(*bus_->NewTransactionalProducer({.id = arguments[4], .topics = {arguments[5]}})),
        topic_(arguments[5]) {}

  std::string Do(const std::string& line) {
    if (line == "poll") return TextOf(membership_->Poll(absl::Milliseconds(100)));
    if (line == "init") return TextOf(producer_->Init(absl::Seconds(30)));
    if (line == "begin") return TextOf(producer_->Begin());
    if (line.starts_with("send ")) return TextOf(producer_->Send({.topic = topic_, .value = line.substr(5)}));
    if (line == "commit") return TextOf(producer_->Commit(absl::Seconds(30)));
    return "no such command";
  }

 private:
  const std::unique_ptr<Bus> bus_;
  const std::unique_ptr<Membership> membership_;
  const std::unique_ptr<TransactionalProducer> producer_;
  const std::string topic_;
};

}  // namespace
}  // namespace daybook::bus

int main(int count, char** arguments) {
  if (count != 6) return 2;
  daybook::bus::Worker worker(arguments);
  for (std::string line; std::getline(std::cin, line);) std::cout << worker.Do(line) << std::endl;
  return 0;
}
