#ifndef BENEFICIARY_GATEWAY_SERVICE_TOPIC_PUBLISHER_H_
#define BENEFICIARY_GATEWAY_SERVICE_TOPIC_PUBLISHER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "daybook/base/clock.h"
#include "daybook/bus/bus.h"
#include "daybook/cdc/command_sink.h"

namespace beneficiary {

struct TopicPublisherOptions {
  std::string transactional_id = "beneficiary-gateway";  // the same for every gateway process that shares the work
  const daybook::Clock* clock = &daybook::Clock::System();
  // Called for every command that is out, with the time from its commit at the source.
  std::function<void(absl::Duration)> on_published;
};

// Publishes what gateways hand over: commands to their topics, dead letters to theirs, all that came since the last
// Commit in one transaction, so that gateways hand over before they are durable (CommandSink::Seen::kAfterTheCall):
// commit only after each of their calls has returned OK, else Close. Whoever initialises it last is the only one whose
// records are ever read as committed.
//
//   publisher->SinkFor("uk").set_writer(gateway->writer());
//   DAYBOOK_RETURN_IF_ERROR(publisher->Init(absl::Seconds(10)));   // from now on it publishes; fences the one before
//   gateway->Tick();                                               // hands over
//   DAYBOOK_RETURN_IF_ERROR(publisher->Commit());                  // out, and acknowledged
//
// Thread safety: one thread.
class TopicPublisher {
 public:
  // What a gateway publishes through; lives as long as the publisher.
  class Sink : public daybook::cdc::CommandSink {
   public:
    virtual void set_writer(std::string writer) = 0;
  };

  // Does not wait for a broker. Errors as Bus::NewTransactionalProducer.
  static absl::StatusOr<std::unique_ptr<TopicPublisher>> Make(daybook::bus::Bus& bus, TopicPublisherOptions options);
  // Answers what is open with kCancelled.
  ~TopicPublisher();

  Sink& SinkFor(const std::string& instance);

  // Takes the transactional id over. kUnavailable: not yet.
  absl::Status Init(absl::Duration timeout);

  // Ends the transaction, if there is one, and answers for everything in it. After an error what was in it is offered
  // again; FailureOf says what the error means. kFenced and kFatal: closed until the next Init.
  absl::Status Commit();

  // Publishes nothing from now on, until the next Init: sinks answer kUnavailable; an open transaction is aborted.
  void Close();

  bool has_open_transaction() const;
  // False until Init, and after kFenced, kFatal or Close.
  bool is_open() const;
  std::uint64_t transactions() const;

 private:
  struct Impl;
  explicit TopicPublisher(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace beneficiary

#endif  // BENEFICIARY_GATEWAY_SERVICE_TOPIC_PUBLISHER_H_
