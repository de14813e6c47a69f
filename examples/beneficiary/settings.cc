#include "beneficiary/settings.h"

#include "beneficiary/app/kafka_settings.h"
#include "beneficiary/gateway_service/live_settings.h"
#include "daybook/base/config.h"
#include "daybook/base/status.h"

DAYBOOK_FLAG(std::string, data_dir, "Storage", "beneficiary-data",
             "the directory of this service: events/0, read-models, gateway, dead-letters; created if it is not there");
DAYBOOK_FLAG(absl::Duration, outcome_retention, "Storage", absl::Hours(168),
             "how long a command's outcome is kept for retries and operations");

DAYBOOK_FLAG(std::string, bos_records, "BOS", "",
             "a file of recorded changes (NDJSON, plain or gzip) to ingest at the start");
DAYBOOK_FLAG(std::string, bos_instance, "BOS", "", "the name of the BOS instance that the changes come from, as in uk");
DAYBOOK_FLAG(std::string, compat_instance, "BOS", "",
             "the BOS instance that /client/beneficiaries serves; by default bos_instance, or else the only one");

DAYBOOK_FLAG(bool, dry_run, "Instead of serving", false,
             "print the commands that bos_records would cause, one JSON object a line, and keep nothing");
DAYBOOK_FLAG(bool, verify, "Instead of serving", false,
             "check data_dir: the log is dense, and every read model equals a rebuild; exits with 0 or 1");

namespace beneficiary {

using daybook::FlagValue;

namespace {

absl::Status CheckSettings(const Settings& settings) {
  if (settings.data_dir.empty()) return absl::InvalidArgumentError("--data_dir must not be empty");
  if (!settings.bos_records.empty() && settings.bos_instance.empty()) {
    return absl::InvalidArgumentError("--bos_records needs --bos_instance, the name of the BOS it was recorded from");
  }
  if (settings.mode == Settings::Mode::kDryRun && settings.bos_records.empty()) {
    return absl::InvalidArgumentError("--dry_run needs --bos_records");
  }
  if (FlagValue(FLAGS_dry_run) && FlagValue(FLAGS_verify)) {
    return absl::InvalidArgumentError("--dry_run and --verify exclude each other");
  }
  if (settings.kafka.brokers.empty() != settings.live.sources.empty()) {
    return absl::InvalidArgumentError("live topics need both --kafka_brokers and --bos");
  }
  if (!settings.live.sources.empty() && !settings.bos_instance.empty()) {
    return absl::InvalidArgumentError("--bos (live topics) and --bos_instance (a file) exclude each other");
  }
  if (settings.outcome_retention <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError("--outcome_retention must be longer than nothing");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Settings> ReadSettings() {
  Settings settings;
  DAYBOOK_ASSIGN_OR_RETURN(settings.edges, ReadEdgeSettings());
  settings.data_dir = FlagValue(FLAGS_data_dir);
  settings.outcome_retention = FlagValue(FLAGS_outcome_retention);
  settings.bos_records = FlagValue(FLAGS_bos_records);
  settings.bos_instance = FlagValue(FLAGS_bos_instance);
  settings.compat_instance = FlagValue(FLAGS_compat_instance);
  if (settings.compat_instance.empty()) settings.compat_instance = settings.bos_instance;
  DAYBOOK_ASSIGN_OR_RETURN(settings.kafka, ReadKafkaSettings("beneficiary"));
  DAYBOOK_ASSIGN_OR_RETURN(settings.live, ReadLiveSettings());
  if (FlagValue(FLAGS_dry_run)) settings.mode = Settings::Mode::kDryRun;
  if (FlagValue(FLAGS_verify)) settings.mode = Settings::Mode::kVerify;
  DAYBOOK_RETURN_IF_ERROR(CheckSettings(settings));
  return settings;
}

}  // namespace beneficiary
