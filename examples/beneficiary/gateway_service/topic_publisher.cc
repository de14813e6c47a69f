#include "beneficiary/gateway_service/topic_publisher.h"

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "beneficiary/gateway_service/output_records.h"
#include "beneficiary/gateway_service/topics.h"
#include "daybook/base/log.h"
#include "daybook/base/status.h"

namespace beneficiary {

namespace bus = daybook::bus;
namespace cdc = daybook::cdc;
using bus::TransactionFailure;

namespace {

constexpr absl::Duration kCommitTimeout = absl::Seconds(10);
constexpr absl::Duration kAbortTimeout = absl::Seconds(10);
constexpr absl::Duration kAdminTimeout = absl::Seconds(5);

bool IsClosing(const absl::Status& status) {
  const TransactionFailure failure = bus::FailureOf(status);
  return failure == TransactionFailure::kFenced || failure == TransactionFailure::kFatal;
}

}  // namespace

struct TopicPublisher::Impl {
  class InstanceSink final : public Sink {
   public:
    InstanceSink(Impl* impl, std::string instance) : impl_(impl), by_{std::move(instance), ""} {}
    void set_writer(std::string writer) override { by_.writer = std::move(writer); }
    Seen seen() const override { return Seen::kAfterTheCall; }  // with Commit

    absl::Status Publish(const cdc::Command& command, Done done) override {
      const std::string_view topic = CommandsTopic(command.stream.category());
      const bus::BusCommand out = ToBusCommand(command, by_);
      bus::HeaderList headers;
      const absl::StatusOr<bus::OutgoingRecord> record = bus::EncodeCommand(topic, out, headers);
      if (!record.ok()) {
        done(record.status());  // for good
        return absl::OkStatus();
      }
      return impl_->Send(*record, std::move(done), command.source_time);
    }

    absl::Status PublishDeadLetter(const cdc::DeadLetter& letter, Done done) override {
      std::string topic;
      bus::HeaderList headers;
      const bus::OutgoingRecord record = ToDeadLetterRecord(letter, by_, topic, headers);
      const absl::Status there = impl_->EnsureDeadLetterTopic(topic);
      if (absl::IsUnavailable(there)) return there;
      if (!there.ok()) {
        done(there);
        return absl::OkStatus();
      }
      return impl_->Send(record, std::move(done), daybook::Timestamp());
    }

   private:
    Impl* const impl_;
    OutputWriter by_;
  };

  struct Pending {
    cdc::CommandSink::Done done;
    daybook::Timestamp source_time;
  };

  Impl(bus::Bus& b, TopicPublisherOptions o) : topics(b), options(std::move(o)) {}

  absl::Status EnsureDeadLetterTopic(const std::string& topic);
  absl::Status Send(const bus::OutgoingRecord& record, cdc::CommandSink::Done done, daybook::Timestamp source_time);
  absl::Status EndTransaction();
  absl::Status Abort(const absl::Status& why);
  void Answer(const absl::Status& status);

  bus::Bus& topics;
  const TopicPublisherOptions options;
  std::unique_ptr<bus::TransactionalProducer> producer;
  std::map<std::string, std::unique_ptr<InstanceSink>> sinks;
  std::set<std::string> dead_letter_topics;  // known to be there
  bool ready = false;                        // initialised and not fenced since
  bool open = false;                         // a transaction
  absl::Status broken;                       // why the open transaction cannot be committed
  std::vector<Pending> pending;
  std::uint64_t transactions = 0;
};

absl::Status TopicPublisher::Impl::EnsureDeadLetterTopic(const std::string& topic) {
  if (dead_letter_topics.contains(topic)) return absl::OkStatus();
  const absl::Status made =
      topics.admin().CreateTopic({.topic = topic, .partitions = 1, .config = {{"retention.ms", "-1"}}}, kAdminTimeout);
  if (!made.ok() && !absl::IsAlreadyExists(made)) return made;
  dead_letter_topics.insert(topic);
  return absl::OkStatus();
}

absl::Status TopicPublisher::Impl::Send(const bus::OutgoingRecord& record, cdc::CommandSink::Done done,
                                        daybook::Timestamp source_time) {
  if (!ready) return absl::UnavailableError("this gateway does not publish at present");
  if (!broken.ok()) return absl::UnavailableError(broken.message());
  if (!open) {
    if (const absl::Status begun = producer->Begin(); !begun.ok()) {
      broken = begun;
      open = true;  // for Commit, which reports it
      return absl::UnavailableError(begun.message());
    }
    open = true;
  }
  const absl::Status sent = producer->Send(record);
  if (sent.ok()) {
    pending.push_back({std::move(done), source_time});
    return absl::OkStatus();
  }
  if (absl::IsResourceExhausted(sent)) return sent;
  if (bus::FailureOf(sent) == TransactionFailure::kOther) {
    done(sent);  // too large, or refused: for good
    return absl::OkStatus();
  }
  broken = sent;
  return absl::UnavailableError(sent.message());
}

void TopicPublisher::Impl::Answer(const absl::Status& status) {
  std::vector<Pending> answered;
  answered.swap(pending);
  const daybook::Timestamp now = options.clock->Now();
  for (Pending& one : answered) {
    one.done(status);
    if (!status.ok() || one.source_time == daybook::Timestamp() || !options.on_published) continue;
    options.on_published(absl::Microseconds(now.micros() - one.source_time.micros()));
  }
}

absl::Status TopicPublisher::Impl::EndTransaction() {
  DAYBOOK_RETURN_IF_ERROR(broken);
  const absl::Duration give_up = options.clock->Monotonic() + kCommitTimeout;
  while (true) {
    const absl::Status committed = producer->Commit(kCommitTimeout);
    if (committed.ok() || bus::FailureOf(committed) != TransactionFailure::kRetry) return committed;
    if (options.clock->Monotonic() > give_up) return committed;
  }
}

absl::Status TopicPublisher::Impl::Abort(const absl::Status& why) {
  open = false;
  broken = absl::OkStatus();
  // Whether a commit without an answer went through is not known: the producer is made anew, and what was committed is
  // read back before anything is published again.
  if (IsClosing(why) || bus::FailureOf(why) == TransactionFailure::kRetry) {
    ready = false;
  } else if (const absl::Status aborted = producer->Abort(kAbortTimeout); !aborted.ok()) {
    ready = false;
  }
  Answer(absl::UnavailableError(why.message()));
  return why;
}

TopicPublisher::TopicPublisher(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

TopicPublisher::~TopicPublisher() { impl_->Answer(absl::CancelledError("the gateway is stopping")); }

absl::StatusOr<std::unique_ptr<TopicPublisher>> TopicPublisher::Make(bus::Bus& bus, TopicPublisherOptions options) {
  auto impl = std::make_unique<Impl>(bus, std::move(options));
  bus::TransactionalProducerOptions producer;
  producer.id = impl->options.transactional_id;
  producer.topics = {std::string(kBeneficiaryCommandsTopic), std::string(kClientCommandsTopic)};
  producer.transaction_timeout = absl::Seconds(20);
  DAYBOOK_ASSIGN_OR_RETURN(impl->producer, bus.NewTransactionalProducer(producer));
  return std::unique_ptr<TopicPublisher>(new TopicPublisher(std::move(impl)));
}

TopicPublisher::Sink& TopicPublisher::SinkFor(const std::string& instance) {
  std::unique_ptr<Impl::InstanceSink>& sink = impl_->sinks[instance];
  if (sink == nullptr) sink = std::make_unique<Impl::InstanceSink>(impl_.get(), instance);
  return *sink;
}

absl::Status TopicPublisher::Init(absl::Duration timeout) {
  DAYBOOK_RETURN_IF_ERROR(impl_->producer->Init(timeout));
  impl_->ready = true;
  return absl::OkStatus();
}

absl::Status TopicPublisher::Commit() {
  if (!impl_->open) return absl::OkStatus();
  if (const absl::Status ended = impl_->EndTransaction(); !ended.ok()) return impl_->Abort(ended);
  impl_->open = false;
  ++impl_->transactions;
  impl_->Answer(absl::OkStatus());
  return absl::OkStatus();
}

void TopicPublisher::Close() {
  if (impl_->open) {
    const absl::Status aborted = impl_->Abort(absl::AbortedError("another gateway takes over"));
    daybook::Log(daybook::LogLevel::kInfo, "an open transaction was given up", {{"reason", aborted.ToString()}});
  }
  impl_->ready = false;
}

bool TopicPublisher::has_open_transaction() const { return impl_->open; }

bool TopicPublisher::is_open() const { return impl_->ready; }

std::uint64_t TopicPublisher::transactions() const { return impl_->transactions; }

}  // namespace beneficiary
