#include "daybook/bus/kafka/internal/kafka_admin.h"

#include <algorithm>
#include <array>
#include <span>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "daybook/base/clock.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"
#include "daybook/bus/kafka/internal/rd_status.h"

namespace daybook::bus::internal {
namespace {

using NewTopicHandle = std::unique_ptr<rd_kafka_NewTopic_t, DestroyBy<rd_kafka_NewTopic_destroy>>;
using DeleteTopicHandle = std::unique_ptr<rd_kafka_DeleteTopic_t, DestroyBy<rd_kafka_DeleteTopic_destroy>>;
using NewPartitionsHandle = std::unique_ptr<rd_kafka_NewPartitions_t, DestroyBy<rd_kafka_NewPartitions_destroy>>;
using DeleteRecordsHandle = std::unique_ptr<rd_kafka_DeleteRecords_t, DestroyBy<rd_kafka_DeleteRecords_destroy>>;
using ResourceHandle = std::unique_ptr<rd_kafka_ConfigResource_t, DestroyBy<rd_kafka_ConfigResource_destroy>>;
using AdminOptionsHandle = std::unique_ptr<rd_kafka_AdminOptions_t, DestroyBy<rd_kafka_AdminOptions_destroy>>;

// The first error among the results for topics.
absl::Status TopicsStatus(const rd_kafka_topic_result_t** results, std::size_t count, std::string_view what) {
  for (std::size_t i = 0; i < count; ++i) {
    const char* why = rd_kafka_topic_result_error_string(results[i]);
    DAYBOOK_RETURN_IF_ERROR(RdStatus(rd_kafka_topic_result_error(results[i]), what, why == nullptr ? "" : why));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<KafkaAdmin>> KafkaAdmin::Make(const KafkaOptions& kafka) {
  // A consumer, because a producer's questions about a topic may make it.
  auto client = std::make_unique<Client>(kafka, Role::kConsumer, "admin");
  DAYBOOK_ASSIGN_OR_RETURN(ConfHandle conf, client->MakeConf({{"statistics.interval.ms", "0"}}));
  rd_kafka_conf_set_error_cb(conf.get(), nullptr);  // nobody polls it: errors go to the log
  rd_kafka_conf_set_stats_cb(conf.get(), nullptr);
  DAYBOOK_RETURN_IF_ERROR(client->Start(std::move(conf)));
  return std::unique_ptr<KafkaAdmin>(new KafkaAdmin(std::move(client)));
}

absl::StatusOr<EventHandle> KafkaAdmin::Call(rd_kafka_admin_op_t operation, const Ask& ask, std::string_view what,
                                             absl::Duration timeout) {
  const AdminOptionsHandle options(rd_kafka_AdminOptions_new(client_->get(), operation));
  std::array<char, 256> why{};
  const int timeout_ms = std::max(1, ToMilliseconds(timeout));
  DAYBOOK_RETURN_IF_ERROR(RdStatus(
      rd_kafka_AdminOptions_set_request_timeout(options.get(), timeout_ms, why.data(), why.size()), what, why.data()));
  if (operation != RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS) {
    DAYBOOK_RETURN_IF_ERROR(
        RdStatus(rd_kafka_AdminOptions_set_operation_timeout(options.get(), timeout_ms, why.data(), why.size()), what,
                 why.data()));
  }
  const QueueHandle queue(rd_kafka_queue_new(client_->get()));
  ask(options.get(), queue.get());
  EventHandle event(rd_kafka_queue_poll(queue.get(), timeout_ms + 1000));
  if (event == nullptr) return absl::UnavailableError(absl::StrCat(ToAbsl(what), ": no answer in time"));
  const char* said = rd_kafka_event_error_string(event.get());
  DAYBOOK_RETURN_IF_ERROR(RdStatus(rd_kafka_event_error(event.get()), what, said == nullptr ? "" : said));
  return event;
}

absl::Status KafkaAdmin::CreateTopic(const TopicSpec& spec, absl::Duration timeout) {
  const absl::Duration deadline = MonotonicNow() + timeout;
  const std::string what = "create topic " + spec.topic;
  std::array<char, 512> why{};
  const NewTopicHandle topic(
      rd_kafka_NewTopic_new(spec.topic.c_str(), spec.partitions, spec.replication, why.data(), why.size()));
  if (topic == nullptr) return absl::InvalidArgumentError(absl::StrCat(what, ": ", why.data()));
  for (const auto& [name, value] : spec.config) {
    DAYBOOK_RETURN_IF_ERROR(RdStatus(rd_kafka_NewTopic_set_config(topic.get(), name.c_str(), value.c_str()), what));
  }
  DAYBOOK_ASSIGN_OR_RETURN(const EventHandle event, Call(
                                                        RD_KAFKA_ADMIN_OP_CREATETOPICS,
                                                        [&](rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                                                          rd_kafka_NewTopic_t* all[] = {topic.get()};
                                                          rd_kafka_CreateTopics(client_->get(), all, 1, options, queue);
                                                        },
                                                        what, timeout));
  std::size_t count = 0;
  const auto* result = rd_kafka_event_CreateTopics_result(event.get());
  const rd_kafka_topic_result_t** topics = rd_kafka_CreateTopics_result_topics(result, &count);
  DAYBOOK_RETURN_IF_ERROR(TopicsStatus(topics, count, what));
  return AwaitPartitions(spec.topic, spec.partitions, deadline - MonotonicNow());
}

absl::StatusOr<MetadataHandle> KafkaAdmin::Metadata(std::string_view topic, absl::Duration timeout) {
  const std::string name(topic);
  const TopicHandle handle(topic.empty() ? nullptr : rd_kafka_topic_new(client_->get(), name.c_str(), nullptr));
  const rd_kafka_metadata_t* metadata = nullptr;
  const rd_kafka_resp_err_t error =
      rd_kafka_metadata(client_->get(), topic.empty() ? 1 : 0, handle.get(), &metadata, ToMilliseconds(timeout));
  DAYBOOK_RETURN_IF_ERROR(RdStatus(error, "metadata of topic " + name));
  return MetadataHandle(metadata);
}

// Until every partition has a leader, as seen by the broker that answers us.
absl::Status KafkaAdmin::AwaitPartitions(std::string_view topic, std::int32_t partitions, absl::Duration timeout) {
  const absl::Duration deadline = MonotonicNow() + timeout;
  absl::Mutex never;
  while (true) {
    absl::StatusOr<MetadataHandle> metadata = Metadata(topic, deadline - MonotonicNow());
    if (metadata.ok() && (*metadata)->topic_cnt == 1) {
      const rd_kafka_metadata_topic_t& found = (*metadata)->topics[0];
      const std::span<const rd_kafka_metadata_partition_t> all(found.partitions,
                                                               static_cast<std::size_t>(found.partition_cnt));
      const bool is_ready = found.err == RD_KAFKA_RESP_ERR_NO_ERROR && found.partition_cnt == partitions &&
                            std::all_of(all.begin(), all.end(), [](const auto& p) {
                              return p.err == RD_KAFKA_RESP_ERR_NO_ERROR && p.leader >= 0;
                            });
      const bool is_gone = partitions == 0 && found.err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
      if (is_ready || is_gone) return absl::OkStatus();
    }
    if (MonotonicNow() > deadline) {
      return absl::UnavailableError(absl::StrCat("topic ", ToAbsl(topic), " did not become ready in time"));
    }
    absl::MutexLock lock(&never);
    const auto no = [] { return false; };
    never.AwaitWithTimeout(absl::Condition(&no), absl::Milliseconds(10));
  }
}

absl::StatusOr<TopicSpec> KafkaAdmin::DescribeTopic(std::string_view topic, absl::Duration timeout) {
  const absl::Duration deadline = MonotonicNow() + timeout;
  DAYBOOK_ASSIGN_OR_RETURN(const MetadataHandle metadata, Metadata(topic, timeout));
  if (metadata->topic_cnt != 1) return absl::UnavailableError("the broker did not answer");
  const rd_kafka_metadata_topic_t& found = metadata->topics[0];
  TopicSpec spec{.topic = std::string(topic), .partitions = found.partition_cnt, .replication = 0, .config = {}};
  DAYBOOK_RETURN_IF_ERROR(RdStatus(found.err, "describe topic " + spec.topic));
  if (found.partition_cnt > 0) spec.replication = static_cast<std::int16_t>(found.partitions[0].replica_cnt);
  DAYBOOK_ASSIGN_OR_RETURN(spec.config, AskConfig(spec.topic, Which::kOwn, deadline - MonotonicNow()));
  return spec;
}

absl::StatusOr<std::map<std::string, std::string>> KafkaAdmin::AskConfig(const std::string& topic, Which which,
                                                                         absl::Duration timeout) {
  const std::string what = "settings of topic " + topic;
  const ResourceHandle resource(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str()));
  DAYBOOK_ASSIGN_OR_RETURN(const EventHandle event, Call(
                                                        RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS,
                                                        [&](rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                                                          rd_kafka_ConfigResource_t* all[] = {resource.get()};
                                                          rd_kafka_DescribeConfigs(client_->get(), all, 1, options,
                                                                                   queue);
                                                        },
                                                        what, timeout));
  std::size_t count = 0;
  const rd_kafka_ConfigResource_t** resources =
      rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event.get()), &count);
  std::map<std::string, std::string> config;
  for (std::size_t i = 0; i < count; ++i) {
    const char* why = rd_kafka_ConfigResource_error_string(resources[i]);
    DAYBOOK_RETURN_IF_ERROR(RdStatus(rd_kafka_ConfigResource_error(resources[i]), what, why == nullptr ? "" : why));
    std::size_t entries = 0;
    const rd_kafka_ConfigEntry_t** all = rd_kafka_ConfigResource_configs(resources[i], &entries);
    for (std::size_t k = 0; k < entries; ++k) {
      const char* value = rd_kafka_ConfigEntry_value(all[k]);
      const bool is_own = rd_kafka_ConfigEntry_source(all[k]) == RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG;
      if (which == Which::kOwn && !is_own) continue;
      config[rd_kafka_ConfigEntry_name(all[k])] = value == nullptr ? "" : value;
    }
  }
  return config;
}

absl::StatusOr<bool> KafkaAdmin::IsCompacted(std::string_view topic, absl::Duration timeout) {
  DAYBOOK_ASSIGN_OR_RETURN(const auto config, AskConfig(std::string(topic), Which::kAll, timeout));
  const auto policy = config.find("cleanup.policy");
  return policy != config.end() && absl::StrContains(policy->second, "compact");
}

absl::StatusOr<std::vector<std::string>> KafkaAdmin::ListTopics(absl::Duration timeout) {
  DAYBOOK_ASSIGN_OR_RETURN(const MetadataHandle metadata, Metadata("", timeout));
  std::vector<std::string> names;
  for (int i = 0; i < metadata->topic_cnt; ++i) {
    const std::string_view name = metadata->topics[i].topic;
    if (!name.starts_with("__")) names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

absl::Status KafkaAdmin::AddPartitions(std::string_view topic, std::int32_t partitions, absl::Duration timeout) {
  const absl::Duration deadline = MonotonicNow() + timeout;
  const std::string name(topic);
  const std::string what = "add partitions to topic " + name;
  std::array<char, 512> why{};
  const NewPartitionsHandle more(
      rd_kafka_NewPartitions_new(name.c_str(), static_cast<std::size_t>(partitions), why.data(), why.size()));
  if (more == nullptr) return absl::InvalidArgumentError(absl::StrCat(what, ": ", why.data()));
  DAYBOOK_ASSIGN_OR_RETURN(const EventHandle event, Call(
                                                        RD_KAFKA_ADMIN_OP_CREATEPARTITIONS,
                                                        [&](rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                                                          rd_kafka_NewPartitions_t* all[] = {more.get()};
                                                          rd_kafka_CreatePartitions(client_->get(), all, 1, options,
                                                                                    queue);
                                                        },
                                                        what, timeout));
  std::size_t count = 0;
  const auto* result = rd_kafka_event_CreatePartitions_result(event.get());
  const rd_kafka_topic_result_t** topics = rd_kafka_CreatePartitions_result_topics(result, &count);
  DAYBOOK_RETURN_IF_ERROR(TopicsStatus(topics, count, what));
  return AwaitPartitions(topic, partitions, deadline - MonotonicNow());
}

absl::Status KafkaAdmin::DeleteRecords(const TopicPartition& partition, Offset before, absl::Duration timeout) {
  const std::string what = absl::StrCat("delete records of ", partition.ToString(), " before ", before.value());
  const ListHandle list(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(list.get(), partition.topic.c_str(), partition.partition.value())->offset =
      before.value();
  const DeleteRecordsHandle request(rd_kafka_DeleteRecords_new(list.get()));
  DAYBOOK_ASSIGN_OR_RETURN(const EventHandle event, Call(
                                                        RD_KAFKA_ADMIN_OP_DELETERECORDS,
                                                        [&](rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                                                          rd_kafka_DeleteRecords_t* all[] = {request.get()};
                                                          rd_kafka_DeleteRecords(client_->get(), all, 1, options,
                                                                                 queue);
                                                        },
                                                        what, timeout));
  const rd_kafka_topic_partition_list_t* results =
      rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event.get()));
  for (int i = 0; i < results->cnt; ++i) DAYBOOK_RETURN_IF_ERROR(RdStatus(results->elems[i].err, what));
  return absl::OkStatus();
}

absl::Status KafkaAdmin::DeleteTopic(std::string_view topic, absl::Duration timeout) {
  const absl::Duration deadline = MonotonicNow() + timeout;
  const std::string name(topic);
  const std::string what = "delete topic " + name;
  const DeleteTopicHandle request(rd_kafka_DeleteTopic_new(name.c_str()));
  DAYBOOK_ASSIGN_OR_RETURN(const EventHandle event, Call(
                                                        RD_KAFKA_ADMIN_OP_DELETETOPICS,
                                                        [&](rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                                                          rd_kafka_DeleteTopic_t* all[] = {request.get()};
                                                          rd_kafka_DeleteTopics(client_->get(), all, 1, options, queue);
                                                        },
                                                        what, timeout));
  std::size_t count = 0;
  const auto* result = rd_kafka_event_DeleteTopics_result(event.get());
  const rd_kafka_topic_result_t** topics = rd_kafka_DeleteTopics_result_topics(result, &count);
  DAYBOOK_RETURN_IF_ERROR(TopicsStatus(topics, count, what));
  return AwaitPartitions(topic, 0, deadline - MonotonicNow());
}

}  // namespace daybook::bus::internal
