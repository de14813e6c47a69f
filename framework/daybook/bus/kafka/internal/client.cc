#include "daybook/bus/kafka/internal/client.h"

#include <pthread.h>
#include <sched.h>

#include <array>
#include <fstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daybook/base/clock.h"
#include "daybook/base/log.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"
#include "daybook/bus/kafka/internal/figures.h"
#include "daybook/bus/kafka/internal/rd_status.h"

namespace daybook::bus::internal {
namespace {

// What correctness rests on, and where it is set instead.
constexpr std::array<std::pair<std::string_view, std::string_view>, 25> kOurs = {{
    {"bootstrap.servers", "KafkaOptions::brokers"},
    {"metadata.broker.list", "KafkaOptions::brokers"},
    {"client.id", "KafkaOptions::client_id"},
    {"security.protocol", "KafkaOptions::security"},
    {"sasl.mechanism", "KafkaOptions::security"},
    {"sasl.mechanisms", "KafkaOptions::security"},
    {"sasl.username", "KafkaOptions::security"},
    {"sasl.password", "KafkaOptions::security"},
    {"enable.idempotence", "nothing: producers are idempotent"},
    {"acks", "nothing: all replicas answer"},
    {"request.required.acks", "nothing: all replicas answer"},
    {"transactional.id", "TransactionalProducerOptions::id"},
    {"group.id", "MembershipOptions::group"},
    {"group.instance.id", "MembershipOptions::instance_id"},
    {"session.timeout.ms", "MembershipOptions::session_timeout"},
    {"isolation.level", "ConsumerOptions::isolation"},
    {"enable.auto.commit", "nothing: readers keep their offsets"},
    {"enable.auto.offset.store", "nothing: readers keep their offsets"},
    {"auto.offset.reset", "nothing: an offset that is gone is an error"},
    {"enable.partition.eof", "nothing: Consumer::CaughtUp needs it"},
    {"partition.assignment.strategy", "nothing: eager assignment"},
    {"partitioner", "nothing: murmur2"},
    {"statistics.interval.ms", "KafkaOptions::figures_interval"},
    {"allow.auto.create.topics", "nothing: topics are made on purpose"},
    {"plugin.library.paths", "nothing: no plug-ins"},
}};

absl::Status Set(rd_kafka_conf_t* conf, const std::string& name, const std::string& value) {
  std::array<char, 512> why{};
  if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), why.data(), why.size()) == RD_KAFKA_CONF_OK) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat("Kafka property ", name, ": ", why.data()));
}

// Applies the user's properties of this role.
absl::Status SetProperties(const KafkaOptions& options, Role role, rd_kafka_conf_t* conf) {
  for (const auto& [given, value] : options.properties) {
    std::string_view name = given;
    Role of = role;
    if (name.starts_with("producer.")) {
      of = Role::kProducer;
      name.remove_prefix(9);
    } else if (name.starts_with("consumer.")) {
      of = Role::kConsumer;
      name.remove_prefix(9);
    }
    for (const auto& ours : kOurs) {
      if (name == ours.first) {
        return absl::InvalidArgumentError(
            absl::StrCat("Kafka property ", given, " is not free; use ", ToAbsl(ours.second)));
      }
    }
    if (of == role) DAYBOOK_RETURN_IF_ERROR(Set(conf, std::string(name), value));
  }
  return absl::OkStatus();
}

Settings SecuritySettings(const KafkaSecurity& security) {
  const bool tls = security.transport == KafkaSecurity::Transport::kTls;
  const bool sasl = !security.sasl_mechanism.empty();
  Settings settings;
  settings["security.protocol"] = sasl ? (tls ? "sasl_ssl" : "sasl_plaintext") : (tls ? "ssl" : "plaintext");
  const auto set = [&](const char* name, const std::string& value) {
    if (!value.empty()) settings[name] = value;
  };
  if (tls) {
    set("ssl.ca.location", security.ca_file);
    set("ssl.certificate.location", security.certificate_file);
    set("ssl.key.location", security.key_file);
    set("ssl.key.password", security.key_password);
    settings["ssl.endpoint.identification.algorithm"] = "https";
  }
  if (sasl) {
    set("sasl.mechanism", security.sasl_mechanism);
    set("sasl.username", security.sasl_username);
    set("sasl.password", security.sasl_password);
  }
  return settings;
}

Settings CommonSettings(const KafkaOptions& options, std::string_view name) {
  return {{"bootstrap.servers", options.brokers},
          {"client.id", absl::StrCat(options.client_id, name.empty() ? "" : "-", ToAbsl(name.substr(0, 40)))},
          {"statistics.interval.ms", absl::StrCat(absl::ToInt64Milliseconds(options.figures_interval))},
          {"socket.nagle.disable", "true"},
          {"log.connection.close", "false"}};
}

// Ours that the user may change.
Settings Defaults(Role role) {
  Settings settings = {{"reconnect.backoff.ms", "50"}, {"reconnect.backoff.max.ms", "1000"}};
  if (role == Role::kProducer) settings["retry.backoff.ms"] = "10";
  if (role == Role::kConsumer) settings["fetch.error.backoff.ms"] = "5";
  return settings;
}

void OnRdError(rd_kafka_t*, int error, const char* reason, void* opaque) noexcept {
  Client::Of(opaque).OnError(static_cast<rd_kafka_resp_err_t>(error), reason);
}

int OnRdFigures(rd_kafka_t*, char* json, std::size_t size, void* opaque) noexcept {
  Client::Of(opaque).OnFigures(std::string_view(json, size));
  return 0;  // librdkafka frees it
}

void OnRdLog(const rd_kafka_t* client, int level, const char* facility, const char* text) noexcept {
  constexpr int kSyslogError = 3;
  constexpr int kSyslogWarning = 4;
  const LogLevel as = level <= kSyslogError     ? LogLevel::kError
                      : level <= kSyslogWarning ? LogLevel::kWarning
                                                : LogLevel::kInfo;
  Log(as, "librdkafka",
      {{"client", std::string(rd_kafka_name(client))},
       {"facility", std::string(facility)},
       {"text", std::string(text)}});
}

// A broker's thread wakes up with the first record, and would take the processor from the thread that is about to give
// it the next ones: the first would go alone, the others a round trip later.
rd_kafka_resp_err_t OnRdThreadStart(rd_kafka_t*, rd_kafka_thread_type_t type, const char*, void*) noexcept {
  const sched_param none{};
  if (type == RD_KAFKA_THREAD_BROKER) pthread_setschedparam(pthread_self(), SCHED_BATCH, &none);
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

rd_kafka_resp_err_t OnRdNew(rd_kafka_t* client, const rd_kafka_conf_t*, void*, char*, std::size_t) noexcept {
  return rd_kafka_interceptor_add_on_thread_start(client, "daybook", OnRdThreadStart, nullptr);
}

// librdkafka's error for a missing file does not say which.
absl::Status CheckFiles(const KafkaSecurity& security) {
  for (const std::string* path : {&security.ca_file, &security.certificate_file, &security.key_file}) {
    if (path->empty() || std::ifstream(*path).good()) continue;
    return absl::NotFoundError(absl::StrCat("KafkaOptions::security: ", *path, " cannot be read"));
  }
  return absl::OkStatus();
}

}  // namespace

Client::Client(const KafkaOptions& options, Role role, std::string name)
    : options_(options), role_(role), name_(std::move(name)) {}

// librdkafka 2.0.2 waits for ever for a reference that it has lost when the topic of a reader is deleted, or brokers
// come and go at the wrong moment; or for an answer, see CloseConsumer. Its threads are then left behind, with a
// warning, rather than ours with them.
Client::~Client() {
  constexpr absl::Duration kPatience = absl::Seconds(5);
  if (handle_ == nullptr) return;
  std::unique_ptr<Attempt> attempt = std::move(letting_go_);
  if (attempt == nullptr || attempt->Await(kPatience)) {
    attempt = std::make_unique<Attempt>([handle = handle_] {
      // Owners have closed it; closing would call them back.
      rd_kafka_destroy_flags(handle, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    });
    if (attempt->Await(kPatience)) return;
  }
  Log(LogLevel::kWarning, "librdkafka does not end a client; it is left behind",
      {{"client", name_}, {"so_far", static_cast<std::int64_t>(LeaveBehind(std::move(attempt)))}});
}

absl::StatusOr<ConfHandle> Client::MakeConf(const Settings& settings) {
  ConfHandle conf(rd_kafka_conf_new());
  for (const auto& [name, value] : Defaults(role_)) DAYBOOK_RETURN_IF_ERROR(Set(conf.get(), name, value));
  DAYBOOK_RETURN_IF_ERROR(SetProperties(options_, role_, conf.get()));
  for (const auto& [name, value] : CommonSettings(options_, name_))
    DAYBOOK_RETURN_IF_ERROR(Set(conf.get(), name, value));
  for (const auto& [name, value] : SecuritySettings(options_.security)) {
    DAYBOOK_RETURN_IF_ERROR(Set(conf.get(), name, value));
  }
  for (const auto& [name, value] : settings) DAYBOOK_RETURN_IF_ERROR(Set(conf.get(), name, value));
  if (role_ == Role::kProducer) rd_kafka_conf_interceptor_add_on_new(conf.get(), "daybook", OnRdNew, nullptr);
  rd_kafka_conf_set_opaque(conf.get(), this);
  rd_kafka_conf_set_error_cb(conf.get(), OnRdError);
  rd_kafka_conf_set_stats_cb(conf.get(), OnRdFigures);
  rd_kafka_conf_set_log_cb(conf.get(), OnRdLog);
  return conf;
}

absl::Status Client::Start(ConfHandle conf) {
  std::array<char, 512> why{};
  const rd_kafka_type_t type = role_ == Role::kConsumer ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER;
  rd_kafka_t* made = rd_kafka_new(type, conf.get(), why.data(), why.size());
  if (made == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("Kafka client ", name_, ": ", why.data()));
  }
  conf.release();  // the client's now
  handle_ = made;
  return absl::OkStatus();
}

// librdkafka (to 2.15, its issue 5573) asks a partition to stop once more where it is let go of again before the first
// stop is through, and aborts the process at the second answer. Its main thread does one thing after the other: the
// stops stand before the first question, their answers before the second.
void Client::AwaitStops() {
  for (int i = 0; i < 2; ++i) {
    rd_kafka_topic_partition_list_t* assigned = nullptr;
    if (rd_kafka_assignment(get(), &assigned) == RD_KAFKA_RESP_ERR_NO_ERROR) ListHandle(assigned).reset();
  }
}

absl::Status Client::Assign(const rd_kafka_topic_partition_list_t* partitions) {
  AwaitStops();
  return RdStatus(rd_kafka_assign(get(), partitions), partitions == nullptr ? "unassign" : "assign");
}

// What librdkafka (before 2.10, its issue 4884) is asked while it ends a group may never be answered: it throws away
// all that waits. It ends a revocation by itself that was there before the closing; one that the closing made, it waits
// with until it is answered. Which of both it was is not to be seen: who has not closed soon gets the answer, in a
// thread that nothing waits for.
absl::Status Client::CloseConsumer(absl::Duration timeout) {
  constexpr absl::Duration kByItself = absl::Milliseconds(50);
  AwaitStops();
  const absl::Duration begun = MonotonicNow();
  const QueueHandle queue(rd_kafka_queue_get_consumer(get()));
  const ErrorHandle error(rd_kafka_consumer_close_queue(get(), queue.get()));
  if (error != nullptr) return RdStatus(rd_kafka_error_code(error.get()), "closing " + name_);
  while (rd_kafka_consumer_closed(get()) == 0) {
    const absl::Duration taken = MonotonicNow() - begun;
    if (taken > timeout) return absl::UnavailableError(name_ + " was not closed in time");
    if (owes_letting_go_ && letting_go_ == nullptr && taken >= kByItself) {
      letting_go_ = std::make_unique<Attempt>([handle = get()] { rd_kafka_assign(handle, nullptr); });
    }
    const MessageHandle message(rd_kafka_consumer_poll(get(), 10));
  }
  return absl::OkStatus();
}

absl::Status Client::health() const {
  absl::MutexLock lock(&mu_);
  return health_;
}

void Client::SayReachable() {
  if (is_reachable_.load(std::memory_order_relaxed)) return;
  absl::MutexLock lock(&mu_);
  is_reachable_.store(true, std::memory_order_relaxed);
  health_ = absl::OkStatus();
  Log(LogLevel::kInfo, "the broker can be reached again", {{"client", name_}, {"brokers", options_.brokers}});
}

void Client::OnError(rd_kafka_resp_err_t error, std::string_view reason) {
  if (error == RD_KAFKA_RESP_ERR__FATAL) {
    std::array<char, 512> why{};
    const rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(get(), why.data(), why.size());
    Log(LogLevel::kError, "the Kafka client failed for good", {{"client", name_}, {"why", std::string(why.data())}});
    fatal_.store(fatal, std::memory_order_release);
    return;
  }
  connection_lost_.store(true, std::memory_order_relaxed);
  absl::MutexLock lock(&mu_);
  const bool decides = error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || error == RD_KAFKA_RESP_ERR__AUTHENTICATION ||
                       error == RD_KAFKA_RESP_ERR__SSL;
  if (error != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) last_reason_ = std::string(reason);
  if (!decides) return;
  if (is_reachable_.exchange(false)) {
    Log(LogLevel::kWarning, "no broker can be reached",
        {{"client", name_}, {"brokers", options_.brokers}, {"why", last_reason_}});
  }
  health_ = absl::UnavailableError(absl::StrCat("no broker of ", options_.brokers, " can be reached: ",
                                                last_reason_.empty() ? std::string(reason) : last_reason_));
}

void Client::OnFigures(std::string_view json) {
  const ClientFigures read = ReadFigures(json, name_);
  if (read.brokers_up > 0) SayReachable();
  if (options_.figures) options_.figures(read.figures);
}

absl::Status CheckOptions(const KafkaOptions& options) {
  if (options.brokers.empty()) return absl::InvalidArgumentError("KafkaOptions::brokers is empty");
  if (options.figures_interval < absl::Milliseconds(1)) {
    return absl::InvalidArgumentError("KafkaOptions::figures_interval is less than a millisecond");
  }
  DAYBOOK_RETURN_IF_ERROR(CheckFiles(options.security));
  for (const Role role : {Role::kConsumer, Role::kProducer}) {
    Client client(options, role, "check");
    DAYBOOK_ASSIGN_OR_RETURN(const ConfHandle conf, client.MakeConf({}));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::int32_t> AskPartitionCount(rd_kafka_t* client, const std::string& topic, absl::Duration timeout) {
  const TopicHandle handle(rd_kafka_topic_new(client, topic.c_str(), nullptr));
  if (handle == nullptr) return RdStatus(rd_kafka_last_error(), "topic " + topic);
  const std::string what = "metadata of topic " + topic;
  std::int32_t count = 0;
  DAYBOOK_RETURN_IF_ERROR(AskAgain(timeout, [&](absl::Duration left) {
    const rd_kafka_metadata_t* raw = nullptr;
    const rd_kafka_resp_err_t error = rd_kafka_metadata(client, 0, handle.get(), &raw, ToMilliseconds(left));
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return RdStatus(error, what);
    const MetadataHandle metadata(raw);
    if (metadata->topic_cnt != 1) return absl::UnavailableError(what + ": the broker did not answer it");
    count = metadata->topics[0].partition_cnt;
    return RdStatus(metadata->topics[0].err, what);
  }));
  return count;
}

}  // namespace daybook::bus::internal
