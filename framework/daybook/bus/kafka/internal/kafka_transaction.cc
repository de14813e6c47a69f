#include "daybook/bus/kafka/internal/kafka_transaction.h"

#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daybook/base/clock.h"
#include "daybook/base/reason.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"
#include "daybook/bus/kafka/internal/outgoing.h"
#include "daybook/bus/kafka/internal/rd_status.h"

namespace daybook::bus::internal {

// librdkafka remembers a record's failure in the transaction itself, and says it when that ends.
void KafkaTransactionalProducer::OnRdDelivery(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) noexcept {
  Client& client = Client::Of(opaque);
  auto* const producer = static_cast<KafkaTransactionalProducer*>(client.owner);
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    client.SayReachable();
  } else if (&client == producer->client_.get() && producer->undelivered_.ok()) {
    producer->undelivered_ = RdStatus(message->err, absl::StrCat("delivery to ", rd_kafka_topic_name(message->rkt)));
  }
}

absl::StatusOr<std::unique_ptr<TransactionalProducer>> KafkaTransactionalProducer::Make(
    const KafkaOptions& kafka, const TransactionalProducerOptions& options) {
  if (options.id.empty()) return absl::InvalidArgumentError("TransactionalProducerOptions::id is empty");
  std::unique_ptr<KafkaTransactionalProducer> producer(new KafkaTransactionalProducer(kafka, options));
  DAYBOOK_ASSIGN_OR_RETURN(producer->client_, producer->MakeClient());
  return producer;
}

absl::StatusOr<std::unique_ptr<Client>> KafkaTransactionalProducer::MakeClient() {
  auto client = std::make_unique<Client>(kafka_, Role::kProducer, options_.id);
  client->owner = this;
  DAYBOOK_ASSIGN_OR_RETURN(
      ConfHandle conf,
      client->MakeConf({{"transactional.id", options_.id},
                        {"transaction.timeout.ms", absl::StrCat(ToMilliseconds(options_.transaction_timeout))},
                        {"enable.idempotence", "true"},
                        {"acks", "all"},
                        {"partitioner", "murmur2_random"},
                        {"linger.ms", "0"},
                        // Commit returns before the broker wrote its markers, so that the next transaction meets
                        // CONCURRENT_TRANSACTIONS and tries again: with the default of 100 ms a dozen a second.
                        {"retry.backoff.ms", "1"},
                        {"queue.buffering.max.messages", absl::StrCat(options_.in_flight_max)},
                        {"queue.buffering.max.kbytes", absl::StrCat(options_.in_flight_bytes_max / 1024 + 1)}}));
  rd_kafka_conf_set_dr_msg_cb(conf.get(), OnRdDelivery);
  DAYBOOK_RETURN_IF_ERROR(client->Start(std::move(conf)));
  return client;
}

KafkaTransactionalProducer::~KafkaTransactionalProducer() { Close(); }

void KafkaTransactionalProducer::Close() {
  warm_.clear();
  if (client_ == nullptr) return;
  rd_kafka_purge(client_->get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  rd_kafka_poll(client_->get(), 0);
  client_ = nullptr;
}

absl::Status KafkaTransactionalProducer::FatalStatus(std::string_view what) const {
  std::array<char, 512> why{};
  const rd_kafka_resp_err_t error = rd_kafka_fatal_error(client_->get(), why.data(), why.size());
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return absl::OkStatus();
  const bool fenced = error == RD_KAFKA_RESP_ERR__FENCED || error == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
                      error == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH;
  const std::string text = absl::StrCat(ToAbsl(what), ": ", why.data(), " (", rd_kafka_err2name(error), ")");
  return fenced ? WithReason(absl::FailedPreconditionError(text), "PRODUCER_FENCED")
                : WithReason(absl::InternalError(text), "PRODUCER_FATAL");
}

absl::Status KafkaTransactionalProducer::Judge(rd_kafka_error_t* error, std::string_view what) {
  const ErrorHandle owned(error);
  rd_kafka_poll(client_->get(), 0);
  if (error == nullptr) {
    client_->SayReachable();
    return absl::OkStatus();
  }
  // The fatal error says what happened first; later calls only that something did.
  DAYBOOK_RETURN_IF_ERROR(FatalStatus(what));
  return TransactionStatus(error, what);
}

absl::Status KafkaTransactionalProducer::Init(absl::Duration timeout) {
  const absl::Duration deadline = MonotonicNow() + timeout;
  if (rd_kafka_fatal_error(client_->get(), nullptr, 0) != RD_KAFKA_RESP_ERR_NO_ERROR || is_ready_) {
    DAYBOOK_ASSIGN_OR_RETURN(std::unique_ptr<Client> fresh, MakeClient());
    Close();
    client_ = std::move(fresh);
    is_ready_ = false;
  }
  is_open_ = false;
  const int timeout_ms = ToMilliseconds(timeout);
  DAYBOOK_RETURN_IF_ERROR(Judge(rd_kafka_init_transactions(client_->get(), timeout_ms), "init " + options_.id));
  is_ready_ = true;
  warm_ = WarmTopics(client_->get(), options_.topics, deadline - MonotonicNow());
  return absl::OkStatus();
}

absl::Status KafkaTransactionalProducer::Begin() {
  DAYBOOK_RETURN_IF_ERROR(Judge(rd_kafka_begin_transaction(client_->get()), "begin " + options_.id));
  undelivered_ = absl::OkStatus();
  is_open_ = true;
  return absl::OkStatus();
}

absl::Status KafkaTransactionalProducer::Send(const OutgoingRecord& record) {
  if (record.topic.empty()) return absl::InvalidArgumentError("a record without a topic");
  rd_kafka_poll(client_->get(), 0);
  DAYBOOK_RETURN_IF_ERROR(FatalStatus("send of " + options_.id));
  const rd_kafka_resp_err_t error = Produce(client_->get(), record, Payload::kCopied, nullptr);
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return absl::OkStatus();
  DAYBOOK_RETURN_IF_ERROR(FatalStatus("send of " + options_.id));
  const std::string what = absl::StrCat("sending to ", ToAbsl(record.topic));
  if (error == RD_KAFKA_RESP_ERR__QUEUE_FULL) return WithReason(RdStatus(error, what), "QUEUE_FULL");
  if (error == RD_KAFKA_RESP_ERR__STATE) {
    // No transaction is open, or the present one has failed: only the latter is mended by Abort, which Commit says too.
    return WithReason(absl::AbortedError(RdStatus(error, what).message()), "TRANSACTION_ABORT");
  }
  return RdStatus(error, what);
}

absl::Status KafkaTransactionalProducer::SendOffsets(std::span<const GroupOffset> offsets,
                                                     const GroupMetadata& metadata, absl::Duration timeout) {
  if (metadata.generation < Generation(0)) {
    return absl::InvalidArgumentError("not a member of group " + metadata.group + " now: its generation is negative");
  }
  const ListHandle list(rd_kafka_topic_partition_list_new(static_cast<int>(offsets.size())));
  for (const GroupOffset& offset : offsets) {
    rd_kafka_topic_partition_list_add(list.get(), offset.partition.topic.c_str(), offset.partition.partition.value())
        ->offset = offset.next.value();
  }
  const GroupMetadataHandle group(rd_kafka_consumer_group_metadata_new_with_genid(
      metadata.group.c_str(), metadata.generation.value(), metadata.member_id.c_str(),
      metadata.instance_id.empty() ? nullptr : metadata.instance_id.c_str()));
  return Judge(rd_kafka_send_offsets_to_transaction(client_->get(), list.get(), group.get(), ToMilliseconds(timeout)),
               "offsets of group " + metadata.group);
}

absl::Status KafkaTransactionalProducer::Flush(absl::Duration timeout) {
  const std::string what = "flush of " + options_.id;
  if (!is_open_) return absl::FailedPreconditionError(what + ": no transaction is open");
  const rd_kafka_resp_err_t error = rd_kafka_flush(client_->get(), ToMilliseconds(timeout));
  DAYBOOK_RETURN_IF_ERROR(FatalStatus(what));
  if (!undelivered_.ok()) {
    return WithReason(absl::AbortedError(absl::StrCat(what, ": ", undelivered_.message())), "TRANSACTION_ABORT");
  }
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return absl::OkStatus();
  return WithReason(absl::UnavailableError(RdStatus(error, what).message()), "TRANSACTION_RETRY");
}

absl::Status KafkaTransactionalProducer::Commit(absl::Duration timeout) {
  const absl::Status committed =
      Judge(rd_kafka_commit_transaction(client_->get(), ToMilliseconds(timeout)), "commit of " + options_.id);
  is_open_ = is_open_ && !committed.ok();
  return committed;
}

absl::Status KafkaTransactionalProducer::Abort(absl::Duration timeout) {
  const absl::Status aborted =
      Judge(rd_kafka_abort_transaction(client_->get(), ToMilliseconds(timeout)), "abort of " + options_.id);
  is_open_ = is_open_ && !aborted.ok();
  return aborted;
}

absl::Status KafkaTransactionalProducer::health() const { return client_->health(); }

}  // namespace daybook::bus::internal
