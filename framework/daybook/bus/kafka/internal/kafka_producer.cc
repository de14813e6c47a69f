#include "daybook/bus/kafka/internal/kafka_producer.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daybook/base/clock.h"
#include "daybook/base/log.h"
#include "daybook/base/reason.h"
#include "daybook/base/status.h"
#include "daybook/bus/kafka/internal/outgoing.h"
#include "daybook/bus/kafka/internal/rd_status.h"

namespace daybook::bus::internal {
namespace {

constexpr int kPollMs = 100;
constexpr absl::Duration kReplaceTimeout = absl::Seconds(5);

std::size_t SizeOf(const OutgoingRecord& record) {
  std::size_t size = record.key.value_or("").size() + record.value.value_or("").size();
  for (const Header& header : record.headers) size += header.name.size() + header.value.value_or("").size();
  return size;
}

absl::Status Unknown(const absl::Status& why) {
  return WithReason(
      absl::UnavailableError(absl::StrCat("it is not known whether the record is in the topic: ", why.message())),
      "DELIVERY_UNKNOWN");
}

absl::Status NotDelivered(absl::string_view why) {
  return WithReason(absl::CancelledError(absl::StrCat("the record is not in the topic: ", why)), "NOT_DELIVERED");
}

// What the caller is told about a record that was given up.
absl::Status GivenUp(rd_kafka_resp_err_t error, rd_kafka_msg_status_t status) {
  const absl::Status why = RdStatus(error, "delivery");
  if (status != RD_KAFKA_MSG_STATUS_NOT_PERSISTED) return Unknown(why);
  if (absl::IsUnavailable(why) || absl::IsCancelled(why) || absl::IsFailedPrecondition(why)) {
    return NotDelivered(why.message());
  }
  return why;
}

}  // namespace

struct KafkaProducer::Pending {
  std::uint64_t number = 0;  // in the order of Send
  std::size_t size = 0;
  std::string topic;
  std::optional<BusPartition> partition;
  std::optional<std::string> key;
  std::optional<std::string> value;
  HeaderList headers;
  HeadersHandle copied;  // of the headers, for the first attempt
  std::optional<Timestamp> timestamp;
  DeliveryHandler done;

  OutgoingRecord record() {
    return {.topic = topic,
            .partition = partition,
            .key = key,
            .value = value,
            .headers = headers.view(),
            .timestamp = timestamp};
  }
};

struct KafkaProducer::Failed {
  std::unique_ptr<Pending> pending;
  std::int32_t number = RD_KAFKA_PARTITION_UA;  // of the partition, as far as it was chosen
  rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;
  rd_kafka_msg_status_t status = RD_KAFKA_MSG_STATUS_NOT_PERSISTED;
};

struct KafkaProducer::Answered {
  std::unique_ptr<Pending> pending;
  absl::Status why;
};

absl::StatusOr<std::unique_ptr<Producer>> KafkaProducer::Make(const KafkaOptions& kafka,
                                                              const ProducerOptions& options) {
  if (options.linger < absl::ZeroDuration()) return absl::InvalidArgumentError("ProducerOptions::linger is negative");
  std::unique_ptr<KafkaProducer> producer(new KafkaProducer(kafka, options));
  {
    absl::MutexLock lock(&producer->client_mu_);
    DAYBOOK_ASSIGN_OR_RETURN(producer->client_, producer->MakeClient());
  }
  KafkaProducer* raw = producer.get();
  producer->poller_ = std::jthread([raw](const std::stop_token& stop) { raw->Run(stop); });
  return producer;
}

KafkaProducer::KafkaProducer(const KafkaOptions& kafka, const ProducerOptions& options)
    : kafka_(kafka), options_(options) {}

absl::StatusOr<std::unique_ptr<Client>> KafkaProducer::MakeClient() {
  auto client = std::make_unique<Client>(kafka_, Role::kProducer, options_.name);
  client->owner = this;
  const bool gives_up = options_.delivery_timeout != absl::InfiniteDuration();
  DAYBOOK_ASSIGN_OR_RETURN(
      ConfHandle conf,
      client->MakeConf(
          {{"enable.idempotence", "true"},
           {"acks", "all"},
           {"partitioner", "murmur2_random"},
           {"linger.ms", absl::StrCat(absl::ToDoubleMilliseconds(options_.linger))},
           {"message.timeout.ms",
            gives_up ? absl::StrCat(std::max(1, ToMilliseconds(options_.delivery_timeout))) : std::string("0")},
           // Ours are counted here, and purged ones have to fit beside those that are sent again.
           {"queue.buffering.max.messages", "10000000"},
           {"queue.buffering.max.kbytes", "2147483647"}}));
  rd_kafka_conf_set_dr_msg_cb(conf.get(), OnRdDelivery);
  DAYBOOK_RETURN_IF_ERROR(client->Start(std::move(conf)));
  return client;
}

KafkaProducer::~KafkaProducer() {
  if (poller_.joinable()) {
    poller_.request_stop();
    {
      absl::ReaderMutexLock lock(&client_mu_);
      if (client_ != nullptr) rd_kafka_yield(client_->get());
    }
    poller_.join();
  }
  warm_.clear();
  std::unique_ptr<Client> last;  // handlers may still call Send, which finds none
  {
    absl::MutexLock lock(&client_mu_);
    last = std::move(client_);
    client_failure_ = absl::CancelledError("the producer is closed");
  }
  if (last != nullptr) Empty(*last);
  for (Failed& one : failed_) Answer(std::move(one.pending), GivenUp(one.error, one.status));
}

// Takes back everything that the client still has.
void KafkaProducer::Empty(Client& client) {
  rd_kafka_purge(client.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  const absl::Duration deadline = MonotonicNow() + kReplaceTimeout;
  while (rd_kafka_outq_len(client.get()) > 0 && MonotonicNow() < deadline) rd_kafka_poll(client.get(), 10);
}

absl::StatusOr<std::unique_ptr<KafkaProducer::Pending>> KafkaProducer::Take(const OutgoingRecord& record,
                                                                            DeliveryHandler& done) {
  if (record.topic.empty()) return absl::InvalidArgumentError("a record without a topic");
  auto pending = std::make_unique<Pending>();
  pending->size = SizeOf(record);
  pending->topic.assign(record.topic);
  pending->partition = record.partition;
  if (record.key.has_value()) pending->key.emplace(*record.key);
  if (record.value.has_value()) pending->value.emplace(*record.value);
  for (const Header& header : record.headers) {
    pending->headers.Add(header);
  }
  pending->copied = CopyHeaders(record.headers);
  pending->timestamp = record.timestamp;
  {
    absl::MutexLock lock(&mu_);
    const bool full = in_flight_ >= options_.in_flight_max ||
                      (in_flight_ > 0 && in_flight_bytes_ + pending->size > options_.in_flight_bytes_max);
    if (full) {
      return WithReason(absl::ResourceExhaustedError(
                            absl::StrCat(in_flight_, " records of ", in_flight_bytes_, " bytes are in flight already")),
                        "QUEUE_FULL");
    }
    ++in_flight_;
    in_flight_bytes_ += pending->size;
    pending->number = ++last_number_;
  }
  pending->done = std::move(done);
  return pending;
}

// librdkafka's thread wakes up with the first record: by then, the others are as good as there.
std::size_t KafkaProducer::SendTogether(std::span<ToSend> records, absl::Status& error) {
  std::vector<std::unique_ptr<Pending>> taken;
  taken.reserve(records.size());
  error = absl::OkStatus();
  for (ToSend& one : records) {
    absl::StatusOr<std::unique_ptr<Pending>> pending = Take(one.record, one.done);
    error = pending.status();
    if (!error.ok()) break;
    taken.push_back(*std::move(pending));
  }
  for (std::size_t i = 0; i < taken.size(); ++i) {
    const absl::Status sent = SendPending(taken[i]);
    if (sent.ok()) continue;
    error = sent;
    for (std::size_t left = i; left < taken.size(); ++left) {
      Release(taken[left]->size);
      records[left].done = std::move(taken[left]->done);
    }
    return i;
  }
  return taken.size();
}

// OK: the delivery report has the record now.
absl::Status KafkaProducer::SendPending(std::unique_ptr<Pending>& pending) {
  absl::ReaderMutexLock lock(&client_mu_);
  while (client_ != nullptr) {
    rd_kafka_t* const client = client_->get();
    // Once it is handed over it may be answered, and gone, before the call returns.
    HeadersHandle headers = std::exchange(pending->copied, nullptr);
    const OutgoingRecord record = pending->record();
    const rd_kafka_resp_err_t error = Produce(client, record, Payload::kReferenced, pending.get(), headers);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
      pending.release();  // OnDelivery has it
      return absl::OkStatus();
    }
    pending->copied = std::move(headers);
    if (rd_kafka_fatal_error(client, nullptr, 0) == RD_KAFKA_RESP_ERR_NO_ERROR) {
      return RdStatus(error, absl::StrCat("sending ", pending->size, " bytes to ", pending->topic));
    }
    const std::uint64_t failed = client_number_;
    const auto is_replaced = [this, failed]()
                                 ABSL_SHARED_LOCKS_REQUIRED(client_mu_) { return client_number_ != failed; };
    const bool is_in_handler = std::this_thread::get_id() == poller_.get_id();  // which is who would replace it
    if (is_in_handler || !client_mu_.AwaitWithTimeout(absl::Condition(&is_replaced), 2 * kReplaceTimeout)) {
      return WithReason(absl::ResourceExhaustedError("the Kafka client is being replaced"), "QUEUE_FULL");
    }
  }
  return absl::UnavailableError(absl::StrCat("there is no Kafka client now: ", client_failure_.message()));
}

void KafkaProducer::Release(std::size_t bytes) {
  absl::MutexLock lock(&mu_);
  --in_flight_;
  in_flight_bytes_ -= bytes;
}

absl::Status KafkaProducer::WaitForRoom(std::size_t bytes, absl::Duration timeout) {
  const auto has_room = [this, bytes]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return in_flight_ < options_.in_flight_max &&
           (in_flight_ == 0 || in_flight_bytes_ + bytes <= options_.in_flight_bytes_max);
  };
  absl::MutexLock lock(&mu_);
  if (mu_.AwaitWithTimeout(absl::Condition(&has_room), timeout)) return absl::OkStatus();
  return absl::DeadlineExceededError(absl::StrCat(in_flight_, " records are still in flight"));
}

absl::Status KafkaProducer::Flush(absl::Duration timeout) {
  const auto is_empty = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return in_flight_ == 0; };
  absl::MutexLock lock(&mu_);
  if (mu_.AwaitWithTimeout(absl::Condition(&is_empty), timeout)) return absl::OkStatus();
  return absl::DeadlineExceededError(absl::StrCat(in_flight_, " records are still in flight"));
}

std::size_t KafkaProducer::in_flight() const {
  absl::MutexLock lock(&mu_);
  return in_flight_;
}

absl::Status KafkaProducer::health() const {
  absl::ReaderMutexLock lock(&client_mu_);
  return client_ == nullptr ? client_failure_ : client_->health();
}

void KafkaProducer::FailForTests(rd_kafka_resp_err_t error) {
  absl::ReaderMutexLock lock(&client_mu_);  // it is replaced as soon as it has failed, but not under the call
  if (client_ != nullptr) rd_kafka_test_fatal_error(client_->get(), error, "a test");
}

void KafkaProducer::Run(const std::stop_token& stop) {
  {
    absl::ReaderMutexLock lock(&client_mu_);
    warm_ = WarmTopics(client_->get(), options_.topics, absl::Seconds(2));
  }
  while (!stop.stop_requested()) {
    bool has_failed = true;
    {
      absl::ReaderMutexLock lock(&client_mu_);
      if (client_ != nullptr) {
        rd_kafka_poll(client_->get(), kPollMs);
        has_failed = client_->fatal_error() != RD_KAFKA_RESP_ERR_NO_ERROR;
      }
    }
    if (has_failed) Recreate();
  }
}

void KafkaProducer::Recreate() {
  std::vector<Answered> answers;
  {
    absl::MutexLock lock(&client_mu_);
    warm_.clear();
    if (client_ != nullptr) {
      failing_ = client_.get();
      Empty(*client_);
      client_ = nullptr;
      failing_ = nullptr;
    }
    ++client_number_;
    absl::StatusOr<std::unique_ptr<Client>> made = MakeClient();
    if (made.ok()) {
      client_ = *std::move(made);
      Log(LogLevel::kWarning, "a new Kafka client takes over", {{"client", options_.name}});
    } else {
      client_failure_ = made.status();
    }
    answers = SortOut(std::exchange(failed_, {}));
  }
  for (Answered& one : answers) Answer(std::move(one.pending), std::move(one.why));
}

// Sends again what is known not to be in the topic, as long as nothing before it in its partition is in doubt.
std::vector<KafkaProducer::Answered> KafkaProducer::SortOut(std::vector<Failed> failed) {
  std::sort(failed.begin(), failed.end(),
            [](const Failed& a, const Failed& b) { return a.pending->number < b.pending->number; });
  std::vector<Answered> answers;
  std::map<std::string, std::set<std::int32_t>> in_doubt;  // partitions, by topic, as they are met
  for (Failed& one : failed) {
    std::set<std::int32_t>& doubts = in_doubt[one.pending->topic];
    if (one.status != RD_KAFKA_MSG_STATUS_NOT_PERSISTED) {
      doubts.insert(one.number);
      answers.push_back({std::move(one.pending), Unknown(RdStatus(one.error, "the Kafka client failed"))});
      continue;
    }
    // One whose partition was not chosen yet may belong behind any of them.
    const bool is_behind = one.number == RD_KAFKA_PARTITION_UA ? !doubts.empty() : doubts.contains(one.number);
    if (is_behind) {
      answers.push_back(
          {std::move(one.pending), NotDelivered("the fate of one before it in its partition is not known")});
      continue;
    }
    if (client_ == nullptr) {
      answers.push_back({std::move(one.pending), NotDelivered(client_failure_.message())});
      continue;
    }
    const rd_kafka_resp_err_t error =
        Produce(client_->get(), one.pending->record(), Payload::kReferenced, one.pending.get());
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
      one.pending.release();  // OnDelivery has it
    } else {
      answers.push_back({std::move(one.pending), GivenUp(error, RD_KAFKA_MSG_STATUS_NOT_PERSISTED)});
    }
  }
  return answers;
}

void KafkaProducer::OnRdDelivery(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) noexcept {
  Client& client = Client::Of(opaque);
  static_cast<KafkaProducer*>(client.owner)->OnDelivery(client, *message);
}

void KafkaProducer::OnDelivery(Client& client, const rd_kafka_message_t& message) {
  std::unique_ptr<Pending> pending(static_cast<Pending*>(message._private));
  if (message.err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    client.SayReachable();
    Answer(std::move(pending),
           Delivery{.partition = BusPartition(message.partition), .offset = Offset(message.offset)});
    return;
  }
  const rd_kafka_msg_status_t status = rd_kafka_message_status(&message);
  if (&client == failing_ || client.fatal_error() != RD_KAFKA_RESP_ERR_NO_ERROR) {
    failed_.push_back(
        {.pending = std::move(pending), .number = message.partition, .error = message.err, .status = status});
    return;
  }
  Answer(std::move(pending), GivenUp(message.err, status));
}

void KafkaProducer::Answer(std::unique_ptr<Pending> pending, absl::StatusOr<Delivery> result) {
  if (pending->done) pending->done(std::move(result));
  Release(pending->size);
}

}  // namespace daybook::bus::internal
