#ifndef DAYBOOK_BUS_KAFKA_INTERNAL_KAFKA_TRANSACTION_H_
#define DAYBOOK_BUS_KAFKA_INTERNAL_KAFKA_TRANSACTION_H_

#include <memory>
#include <vector>

#include "daybook/bus/kafka/internal/client.h"
#include "daybook/bus/kafka/internal/handles.h"
#include "daybook/bus/kafka/kafka_bus.h"
#include "daybook/bus/transaction.h"

namespace daybook::bus::internal {

// TransactionalProducer over one client of librdkafka at a time, driven and polled by the caller's thread: a second
// thread that takes the delivery reports would let the flush inside commit wait in steps of 10 ms.
class KafkaTransactionalProducer : public TransactionalProducer {
 public:
  static absl::StatusOr<std::unique_ptr<TransactionalProducer>> Make(const KafkaOptions& kafka,
                                                                     const TransactionalProducerOptions& options);
  ~KafkaTransactionalProducer() override;

  absl::Status Init(absl::Duration timeout) override;
  absl::Status Begin() override;
  absl::Status Send(const OutgoingRecord& record) override;
  absl::Status SendOffsets(std::span<const GroupOffset> offsets, const GroupMetadata& metadata,
                           absl::Duration timeout) override;
  absl::Status Flush(absl::Duration timeout) override;
  absl::Status Commit(absl::Duration timeout) override;
  absl::Status Abort(absl::Duration timeout) override;
  absl::Status health() const override;

 private:
  KafkaTransactionalProducer(const KafkaOptions& kafka, const TransactionalProducerOptions& options)
      : kafka_(kafka), options_(options) {}

  absl::StatusOr<std::unique_ptr<Client>> MakeClient();
  static void OnRdDelivery(rd_kafka_t* client, const rd_kafka_message_t* message, void* opaque) noexcept;
  void Close();
  // What an error object says; takes it over.
  absl::Status Judge(rd_kafka_error_t* error, std::string_view what);
  absl::Status FatalStatus(std::string_view what) const;

  const KafkaOptions kafka_;
  const TransactionalProducerOptions options_;
  std::unique_ptr<Client> client_;  // never null after Make
  bool is_ready_ = false;           // has been initialised
  bool is_open_ = false;            // a transaction
  absl::Status undelivered_;        // the first record of the open transaction that the broker did not take
  std::vector<TopicHandle> warm_;
};

}  // namespace daybook::bus::internal

#endif  // DAYBOOK_BUS_KAFKA_INTERNAL_KAFKA_TRANSACTION_H_
