#include "beneficiary/gateway/bos_gateway.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "beneficiary/commands/v1/commands.pb.h"
#include "beneficiary/gateway/bos_mapping.h"
#include "beneficiary/gateway/bos_tables.h"
#include "daybook/base/log.h"
#include "daybook/base/status.h"
#include "daybook/store/memory/memory_key_value.h"

namespace beneficiary {
namespace {

namespace cdc = daybook::cdc;

constexpr std::size_t kRecordsPerBatch = 1000;
constexpr std::size_t kInstanceSizeMax = 32;
constexpr std::ptrdiff_t kRowsInALine = 10;
constexpr absl::Duration kDrainStep = absl::Milliseconds(200);

absl::StatusOr<std::string> CommandJson(const cdc::Command& command) {
  const google::protobuf::Descriptor* type =
      google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(command.type);
  if (type == nullptr) return absl::InternalError(absl::StrCat("unknown command type ", command.type));
  const std::unique_ptr<google::protobuf::Message> message(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(type)->New());
  std::string json;
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  if (!message->ParseFromString(command.payload) ||
      !google::protobuf::util::MessageToJsonString(*message, &json, options).ok()) {
    return absl::InternalError(absl::StrCat("command ", command.id.ToString(), " cannot be printed"));
  }
  return json;
}

// Prints commands instead of sending them.
class PrintingSink final : public cdc::CommandSink {
 public:
  explicit PrintingSink(std::ostream* out) : out_(out) {}

  absl::Status Publish(const cdc::Command& command, Done done) override {
    DAYBOOK_ASSIGN_OR_RETURN(const std::string json, CommandJson(command));
    *out_ << "{\"command_id\":\"" << command.id.ToString() << "\",\"stream\":\"" << command.stream.text()
          << "\",\"type\":\"" << command.type << "\",\"command\":" << json << "}\n";
    done(absl::OkStatus());
    return absl::OkStatus();
  }

 private:
  std::ostream* out_;
};

}  // namespace

struct BosGateway::Impl {
  explicit Impl(std::string instance) : beneficiaries(instance), clients(instance) {}

  absl::Status IngestBatch(const cdc::RecordBatch& batch);

  BeneficiaryMapping beneficiaries;
  ClientMapping clients;
  std::unique_ptr<cdc::Gateway> gateway;
  std::atomic<bool> cancelled = false;
};

absl::Status CheckInstance(const std::string& instance) {
  const bool fits = !instance.empty() && instance.size() <= kInstanceSizeMax &&
                    std::all_of(instance.begin(), instance.end(), [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
                    });
  if (fits) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the BOS instance is 1 to 32 of a-z, 0-9, _ and -, not \"", instance, "\""));
}

BosGateway::BosGateway(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
BosGateway::~BosGateway() = default;

absl::StatusOr<std::unique_ptr<BosGateway>> BosGateway::Open(BosGatewayOptions options, daybook::store::KeyValue* kv,
                                                             cdc::CommandSink* sink) {
  DAYBOOK_RETURN_IF_ERROR(CheckInstance(options.instance));
  auto impl = std::make_unique<Impl>(options.instance);
  cdc::GatewayOptions engine;
  engine.name = absl::StrCat("bos-", options.instance);
  engine.catalog = BosCatalog();
  engine.mappings = {&impl->beneficiaries, &impl->clients};
  engine.dead_letter_directory = absl::StrCat(options.data_dir, "/dead-letters");
  engine.clock = options.clock;
  engine.role = options.role;
  engine.dead_letters = options.dead_letters;
  engine.replay_topic = options.replay_topic;
  engine.describe = ChangeSaidBy;
  DAYBOOK_ASSIGN_OR_RETURN(impl->gateway, cdc::Gateway::Open(std::move(engine), kv, sink));
  return std::unique_ptr<BosGateway>(new BosGateway(std::move(impl)));
}

absl::Status BosGateway::Impl::IngestBatch(const cdc::RecordBatch& batch) {
  for (const cdc::BadLine& bad : batch.bad_lines()) {
    daybook::Log(daybook::LogLevel::kWarning, "a line of the records file was set aside",
                 {{"error", std::string(bad.why.message())}});
    DAYBOOK_RETURN_IF_ERROR(gateway->SetAside(bad.raw, absl::StrCat("line ", bad.line), bad.why));
  }
  while (!cancelled.load()) {
    absl::Status status = gateway->Ingest(batch.records());
    if (!absl::IsResourceExhausted(status)) return status;
    // The sink is slower than the file: wait for it.
    status = gateway->Drain(kDrainStep);
    if (!status.ok() && !absl::IsDeadlineExceeded(status)) return status;
  }
  return absl::CancelledError("ingestion was stopped");
}

absl::Status BosGateway::IngestFile(const std::string& path, const Progress& progress) {
  DAYBOOK_ASSIGN_OR_RETURN(const std::unique_ptr<cdc::RecordFile> file, cdc::RecordFile::Open(path));
  cdc::RecordBatch batch;
  while (true) {
    if (impl_->cancelled.load()) return absl::CancelledError("ingestion was stopped");
    DAYBOOK_ASSIGN_OR_RETURN(const bool more, file->Read(kRecordsPerBatch, batch));
    if (!more) break;
    impl_->gateway->NoteBehind();
    DAYBOOK_RETURN_IF_ERROR(impl_->IngestBatch(batch));
    if (progress) progress({file->progress(), impl_->gateway->counters()});
  }
  DAYBOOK_RETURN_IF_ERROR(impl_->gateway->Flush());
  while (true) {
    if (impl_->cancelled.load()) return absl::CancelledError("ingestion was stopped");
    const absl::Status drained = impl_->gateway->Drain(kDrainStep);
    if (progress) progress({file->progress(), impl_->gateway->counters()});
    if (!absl::IsDeadlineExceeded(drained)) return drained;
  }
}

absl::Status BosGateway::Tick() { return impl_->gateway->Tick(); }

void BosGateway::Cancel() { impl_->cancelled.store(true); }

cdc::GatewayCounters BosGateway::counters() const { return impl_->gateway->counters(); }

cdc::Gateway& BosGateway::engine() { return *impl_->gateway; }

void LogSnapshotCheck(const std::string& instance, const cdc::SnapshotCheck& check) {
  if (check.missing == 0 && check.tables_without_rows.empty()) {
    return daybook::Log(daybook::LogLevel::kInfo, "the snapshot holds every row", {{"bos", instance}});
  }
  const auto end = check.rows.begin() + std::min(kRowsInALine, std::ssize(check.rows));
  daybook::Log(daybook::LogLevel::kWarning, "the snapshot lacks rows that are known here",
               {{"bos", instance},
                {"missing", static_cast<std::int64_t>(check.missing)},
                {"first", absl::StrJoin(check.rows.begin(), end, ", ")},
                {"tables_without_rows", absl::StrJoin(check.tables_without_rows, ", ")}});
}

absl::Status DryRun(const BosGatewayOptions& options, const std::string& path, std::ostream& out) {
  const std::unique_ptr<daybook::store::KeyValue> kv = daybook::store::NewMemoryKeyValue();
  PrintingSink sink(&out);
  DAYBOOK_ASSIGN_OR_RETURN(const std::unique_ptr<BosGateway> gateway, BosGateway::Open(options, kv.get(), &sink));
  return gateway->IngestFile(path);
}

}  // namespace beneficiary
