#ifndef DAYBOOK_BUS_KAFKA_INTERNAL_KAFKA_ADMIN_H_
#define DAYBOOK_BUS_KAFKA_INTERNAL_KAFKA_ADMIN_H_

#include <functional>
#include <memory>

#include "daybook/bus/admin.h"
#include "daybook/bus/kafka/internal/client.h"
#include "daybook/bus/kafka/internal/handles.h"
#include "daybook/bus/kafka/kafka_bus.h"

namespace daybook::bus::internal {

class KafkaAdmin : public Admin {
 public:
  static absl::StatusOr<std::unique_ptr<KafkaAdmin>> Make(const KafkaOptions& kafka);

  absl::Status CreateTopic(const TopicSpec& spec, absl::Duration timeout) override;
  absl::StatusOr<TopicSpec> DescribeTopic(std::string_view topic, absl::Duration timeout) override;
  absl::StatusOr<std::vector<std::string>> ListTopics(absl::Duration timeout) override;
  absl::Status AddPartitions(std::string_view topic, std::int32_t partitions, absl::Duration timeout) override;
  absl::Status DeleteRecords(const TopicPartition& partition, Offset before, absl::Duration timeout) override;
  absl::Status DeleteTopic(std::string_view topic, absl::Duration timeout) override;

  // Whether the topic may lose records that later ones of their key replace, by its own or the cluster's setting.
  absl::StatusOr<bool> IsCompacted(std::string_view topic, absl::Duration timeout);

 private:
  enum class Which { kOwn, kAll };  // settings: those of the topic itself, or defaults too

  explicit KafkaAdmin(std::unique_ptr<Client> client) : client_(std::move(client)) {}

  // Calls `ask` with options and a queue, and waits for the one event that it answers with.
  using Ask = std::function<void(rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue)>;
  absl::StatusOr<EventHandle> Call(rd_kafka_admin_op_t operation, const Ask& ask, std::string_view what,
                                   absl::Duration timeout);
  absl::StatusOr<MetadataHandle> Metadata(std::string_view topic, absl::Duration timeout);
  absl::StatusOr<std::map<std::string, std::string>> AskConfig(const std::string& topic, Which which,
                                                               absl::Duration timeout);
  absl::Status AwaitPartitions(std::string_view topic, std::int32_t partitions, absl::Duration timeout);

  const std::unique_ptr<Client> client_;
};

}  // namespace daybook::bus::internal

#endif  // DAYBOOK_BUS_KAFKA_INTERNAL_KAFKA_ADMIN_H_
