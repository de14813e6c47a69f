#ifndef DAYBOOK_BUS_KAFKA_INTERNAL_KAFKA_PRODUCER_H_
#define DAYBOOK_BUS_KAFKA_INTERNAL_KAFKA_PRODUCER_H_

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "daybook/bus/kafka/internal/client.h"
#include "daybook/bus/kafka/internal/handles.h"
#include "daybook/bus/kafka/kafka_bus.h"
#include "daybook/bus/producer.h"

namespace daybook::bus::internal {

// Producer over an idempotent client of librdkafka. One thread polls it, answers, and makes a new client when the
// present one has failed for good.
class KafkaProducer : public Producer {
 public:
  static absl::StatusOr<std::unique_ptr<Producer>> Make(const KafkaOptions& kafka, const ProducerOptions& options);
  ~KafkaProducer() override;

  std::size_t SendTogether(std::span<ToSend> records, absl::Status& error) override;
  absl::Status WaitForRoom(std::size_t bytes, absl::Duration timeout) override;
  absl::Status Flush(absl::Duration timeout) override;
  std::size_t in_flight() const override;
  absl::Status health() const override;

  // For tests: makes the client behind it fail for good.
  void FailForTests(rd_kafka_resp_err_t error);

 private:
  // A record until it is answered, with its own copy of everything: it may have to be sent again.
  struct Pending;
  // A record whose client failed, waiting for the decision.
  struct Failed;
  struct Answered;

  KafkaProducer(const KafkaOptions& kafka, const ProducerOptions& options);

  absl::StatusOr<std::unique_ptr<Client>> MakeClient();
  // The record's own copy, counted as in flight.
  absl::StatusOr<std::unique_ptr<Pending>> Take(const OutgoingRecord& record, DeliveryHandler& done);
  absl::Status SendPending(std::unique_ptr<Pending>& pending);
  void Run(const std::stop_token& stop);
  void Recreate();
  // What is left to be answered, outside of any lock.
  std::vector<Answered> SortOut(std::vector<Failed> failed) ABSL_EXCLUSIVE_LOCKS_REQUIRED(client_mu_);
  void Empty(Client& client);
  void OnDelivery(Client& client, const rd_kafka_message_t& message);
  void Answer(std::unique_ptr<Pending> pending, absl::StatusOr<Delivery> result);
  void Release(std::size_t bytes);
  static void OnRdDelivery(rd_kafka_t* client, const rd_kafka_message_t* message, void* opaque) noexcept;

  const KafkaOptions kafka_;
  const ProducerOptions options_;

  // Senders share it while they use the client; the polling thread has it alone while it replaces the client.
  mutable absl::Mutex client_mu_ ABSL_ACQUIRED_BEFORE(mu_);
  std::unique_ptr<Client> client_ ABSL_GUARDED_BY(client_mu_);
  std::uint64_t client_number_ ABSL_GUARDED_BY(client_mu_) = 0;  // goes up when it is replaced
  absl::Status client_failure_ ABSL_GUARDED_BY(client_mu_);      // why there is none

  // Of the polling thread.
  std::vector<TopicHandle> warm_;
  Client* failing_ = nullptr;   // whose deliveries are kept in failed_
  std::vector<Failed> failed_;  // by a fatal error

  mutable absl::Mutex mu_;
  std::size_t in_flight_ ABSL_GUARDED_BY(mu_) = 0;
  std::size_t in_flight_bytes_ ABSL_GUARDED_BY(mu_) = 0;
  std::uint64_t last_number_ ABSL_GUARDED_BY(mu_) = 0;
  std::jthread poller_;
};

}  // namespace daybook::bus::internal

#endif  // DAYBOOK_BUS_KAFKA_INTERNAL_KAFKA_PRODUCER_H_
