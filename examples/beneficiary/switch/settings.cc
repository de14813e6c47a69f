#include "beneficiary/switch/settings.h"

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daybook/base/config.h"
#include "daybook/base/status.h"

DAYBOOK_FLAG(std::string, data_dir, "Storage", "switch-data",
             "the directory that keeps the modes over restarts; created if it is not there");

DAYBOOK_FLAG(std::string, http_address, "Edges", "127.0.0.1:8070", "where client/beneficiaries is served");
DAYBOOK_FLAG(std::string, admin_address, "Edges", "127.0.0.1:8071",
             "where the page, its API, /livez, /readyz, /metrics and /version are; never reachable for clients");
DAYBOOK_FLAG(std::vector<std::string>, admin_host_names, "Edges", {},
             "names under which browsers reach admin_address; numbers and localhost need not be named");
DAYBOOK_FLAG(int, http_threads, "Edges", 1, "I/O threads of http_address");
DAYBOOK_FLAG(absl::Duration, drain_timeout, "Edges", absl::Seconds(15),
             "how long requests in flight may take to finish after SIGTERM");

DAYBOOK_FLAG(std::string, bos_address, "Sides", "127.0.0.1:8000", "where BOS answers, HOST:PORT");
DAYBOOK_FLAG(std::string, daybook_address, "Sides", "127.0.0.1:8080", "where Daybook's REST API answers, HOST:PORT");
DAYBOOK_FLAG(absl::Duration, bos_timeout, "Sides", absl::Seconds(10), "how long an answer of BOS may take");
DAYBOOK_FLAG(absl::Duration, daybook_timeout, "Sides", absl::Seconds(1), "how long an answer of Daybook may take");
DAYBOOK_FLAG(int, connections_max, "Sides", 64, "connections to each side for answers");
DAYBOOK_FLAG(bool, bos_tls, "Sides", false, "speak TLS to BOS");
DAYBOOK_FLAG(bool, daybook_tls, "Sides", false, "speak TLS to Daybook");
DAYBOOK_FLAG(std::string, tls_ca_file, "Sides", "",
             "the authorities that the sides' certificates are checked against, PEM; empty = the system's");
DAYBOOK_FLAG(std::string, tls_certificate_file, "Sides", "",
             "the certificate that is shown to the sides, PEM with its chain; empty = none");
DAYBOOK_FLAG(std::string, tls_key_file, "Sides", "", "its key, PEM");
DAYBOOK_FLAG(std::string, initial_mode, "Sides", "bos",
             "bos, shadow, daybook-shadowed or daybook; counts until the mode is first changed at runtime");
DAYBOOK_FLAG(std::string, fallback, "Sides", "to-bos",
             "who may stand in for a side that fails or is slow: none, to-bos (BOS for Daybook) or both");
DAYBOOK_FLAG(int, suspend_after, "Sides", 5,
             "failures in a row after which a side that the other may stand in for is asked only once in suspend_for");
DAYBOOK_FLAG(absl::Duration, suspend_for, "Sides", absl::Seconds(1), "see suspend_after");

DAYBOOK_FLAG(std::vector<std::string>, compare_headers, "Comparison",
             (std::vector<std::string>{"Content-Type", "X-Total-Count", "X-Page", "X-Page-Size"}),
             "the headers that matter");
DAYBOOK_FLAG(std::vector<std::string>, compare_ignore, "Comparison", {},
             "JSON pointers that are not compared, with * for any one segment, as in /*/aliases");
DAYBOOK_FLAG(absl::Duration, settling_time, "Comparison", absl::Seconds(10),
             "how long a difference may last and still be lag");
DAYBOOK_FLAG(int, compare_in_flight_max, "Comparison", 256, "comparisons at once; more are dropped and counted");
DAYBOOK_FLAG(int, compare_settling_max, "Comparison", 64, "differences watched at once; more are dropped and counted");
DAYBOOK_FLAG(int, compare_connections_max, "Comparison", 16, "connections to each side for comparisons");
DAYBOOK_FLAG(absl::Duration, compare_timeout, "Comparison", absl::Seconds(10),
             "how long an answer that is only compared may take");

namespace beneficiary::switching {

using daybook::FlagValue;

namespace {

absl::Status Positive(absl::Duration value, const char* name) {
  if (value > absl::ZeroDuration() && value <= absl::Hours(1)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("--", name, " must be longer than nothing and at most 1h"));
}

absl::StatusOr<std::size_t> Count(int value, const char* name, int max) {
  if (value >= 1 && value <= max) return static_cast<std::size_t>(value);
  return absl::InvalidArgumentError(absl::StrCat("--", name, " must be 1 to ", max));
}

absl::StatusOr<Fallback> ReadFallback() {
  const std::string name = FlagValue(FLAGS_fallback);
  if (name == "none") return Fallback::kNone;
  if (name == "to-bos") return Fallback::kToBos;
  if (name == "both") return Fallback::kBoth;
  return absl::InvalidArgumentError(absl::StrCat("--fallback=", name, ": expected none, to-bos or both"));
}

absl::Status ReadComparer(SwitchOptions& options) {
  ComparerOptions& comparer = options.comparer;
  comparer.rules.headers = FlagValue(FLAGS_compare_headers);
  comparer.rules.ignored = FlagValue(FLAGS_compare_ignore);
  for (const std::string& pointer : comparer.rules.ignored) {
    if (pointer.empty() || pointer.front() != '/') {
      return absl::InvalidArgumentError(absl::StrCat("--compare_ignore: \"", pointer, "\" does not begin with /"));
    }
  }
  comparer.settling_time = FlagValue(FLAGS_settling_time);
  if (comparer.settling_time < absl::ZeroDuration() || comparer.settling_time > absl::Hours(1)) {
    return absl::InvalidArgumentError("--settling_time must be 0 to 1h");
  }
  DAYBOOK_ASSIGN_OR_RETURN(comparer.in_flight_max,
                           Count(FlagValue(FLAGS_compare_in_flight_max), "compare_in_flight_max", 100'000));
  DAYBOOK_ASSIGN_OR_RETURN(comparer.settling_max,
                           Count(FlagValue(FLAGS_compare_settling_max), "compare_settling_max", 10'000));
  DAYBOOK_ASSIGN_OR_RETURN(options.compare_connections_max,
                           Count(FlagValue(FLAGS_compare_connections_max), "compare_connections_max", 1'000));
  options.compare_timeout = FlagValue(FLAGS_compare_timeout);
  return Positive(options.compare_timeout, "compare_timeout");
}

absl::Status ReadSides(SwitchOptions& options) {
  options.bos = {FlagValue(FLAGS_bos_address), FlagValue(FLAGS_bos_timeout)};
  options.daybook = {FlagValue(FLAGS_daybook_address), FlagValue(FLAGS_daybook_timeout)};
  DAYBOOK_RETURN_IF_ERROR(Positive(options.bos.timeout, "bos_timeout"));
  DAYBOOK_RETURN_IF_ERROR(Positive(options.daybook.timeout, "daybook_timeout"));
  DAYBOOK_ASSIGN_OR_RETURN(options.bos.connections_max,
                           Count(FlagValue(FLAGS_connections_max), "connections_max", 1'000));
  options.daybook.connections_max = options.bos.connections_max;
  if (FlagValue(FLAGS_tls_certificate_file).empty() != FlagValue(FLAGS_tls_key_file).empty()) {
    return absl::InvalidArgumentError("--tls_certificate_file and --tls_key_file belong together");
  }
  const daybook::http::ClientTls tls{FlagValue(FLAGS_tls_ca_file), "", FlagValue(FLAGS_tls_certificate_file),
                                     FlagValue(FLAGS_tls_key_file)};
  if (FlagValue(FLAGS_bos_tls)) options.bos.tls = tls;
  if (FlagValue(FLAGS_daybook_tls)) options.daybook.tls = tls;
  DAYBOOK_ASSIGN_OR_RETURN(options.fallback, ReadFallback());
  DAYBOOK_RETURN_IF_ERROR(Count(FlagValue(FLAGS_suspend_after), "suspend_after", 1'000'000).status());
  options.suspend_after = FlagValue(FLAGS_suspend_after);
  options.suspend_for = FlagValue(FLAGS_suspend_for);
  return Positive(options.suspend_for, "suspend_for");
}

}  // namespace

absl::StatusOr<Settings> ReadSettings() {
  Settings settings;
  settings.data_dir = FlagValue(FLAGS_data_dir);
  if (settings.data_dir.empty()) return absl::InvalidArgumentError("--data_dir must not be empty");
  settings.http_address = FlagValue(FLAGS_http_address);
  settings.admin_address = FlagValue(FLAGS_admin_address);
  if (settings.admin_address.empty()) return absl::InvalidArgumentError("--admin_address must not be empty");
  settings.admin_host_names = FlagValue(FLAGS_admin_host_names);
  settings.http_threads = FlagValue(FLAGS_http_threads);
  DAYBOOK_RETURN_IF_ERROR(Count(settings.http_threads, "http_threads", 64).status());
  settings.drain_timeout = FlagValue(FLAGS_drain_timeout);
  const std::optional<Mode> mode = ParseMode(FlagValue(FLAGS_initial_mode));
  if (!mode) return absl::InvalidArgumentError("--initial_mode is bos, shadow, daybook-shadowed or daybook");
  settings.initial_mode = *mode;
  DAYBOOK_RETURN_IF_ERROR(ReadSides(settings.options));
  DAYBOOK_RETURN_IF_ERROR(ReadComparer(settings.options));
  return settings;
}

}  // namespace beneficiary::switching
