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
  // How long a transaction stays open: what readers of committed records wait for at most.
  absl::Duration transaction_max = absl::Seconds(5);
  const daybook::Clock* clock = &daybook::Clock::System();
  // Called for every command that is out, with the time from its commit at the source.
  std::function<void(absl::Duration)> on_published;
};

// Publishes what gateways hand over: commands to their topics, dead letters to theirs. Whoever initialises it last is
// the only one that can write. What is in the topics is published, whatever becomes of its transaction: transactions
// are the fence (ADR 26), so read these topics with kReadUncommitted. After an error, and at every start, they are read
// back to their ends before anything is published again (CommandSink::Recall::kReadBack).
//
//   publisher->SinkFor("uk").set_writer(gateway->writer());
//   DAYBOOK_RETURN_IF_ERROR(publisher->Init(absl::Seconds(10)));   // from now on it publishes; fences the one before
//   gateway->Tick();                                               // hands over
//   DAYBOOK_RETURN_IF_ERROR(publisher->Deliver());                 // out, and acknowledged
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

  // Waits until everything handed over is in its topic, answers for it, and ends a transaction that has been open for
  // transaction_max: call it at least that often. After an error, whose FailureOf says what happened, what was not
  // answered for is offered again, and it is closed until the next Init.
  absl::Status Deliver();

  // Publishes nothing from now on, until the next Init: sinks answer kUnavailable. Ends an open transaction, and
  // answers for what was not delivered yet.
  void Close();

  // Something was handed over and not answered for.
  bool has_undelivered() const;
  // False until Init, and after an error or Close.
  bool is_open() const;
  std::uint64_t transactions() const;  // that were committed

 private:
  struct Impl;
  explicit TopicPublisher(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace beneficiary

#endif  // BENEFICIARY_GATEWAY_SERVICE_TOPIC_PUBLISHER_H_
