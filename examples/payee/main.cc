// [main]
#include "daybook/base/config.h"
#include "daybook/base/log.h"
#include "daybook/observe/shutdown_signal.h"
#include "payee/service.h"

DAYBOOK_FLAG(std::string, data_dir, "Data", "payee-data", "where the events and the read models lie");
DAYBOOK_FLAG(std::string, http_address, "Edges", "127.0.0.1:8081", "where the REST API listens");
DAYBOOK_FLAG(std::string, admin_address, "Edges", "127.0.0.1:9081", "where operators ask");

int main(int argc, char** argv) {
  daybook::ParseConfigOrExit(
      argc, argv,
      {.program = "payee", .about = "Payees, the example of the tutorial.", .version = "0.1.0", .env_prefix = "PAYEE"});
  auto shutdown = daybook::observe::ShutdownSignal::Install();
  auto service = payee::Service::Start(
      daybook::FlagValue(FLAGS_data_dir),
      {.api = daybook::FlagValue(FLAGS_http_address), .admin = daybook::FlagValue(FLAGS_admin_address)});
  if (!shutdown.ok() || !service.ok()) {
    const absl::Status& why = shutdown.ok() ? service.status() : shutdown.status();
    daybook::Log(daybook::LogLevel::kError, "cannot start", {{"why", why.ToString()}});
    return 1;
  }
  daybook::Log(daybook::LogLevel::kInfo, "serving",
               {{"port", std::int64_t{(*service)->port()}}, {"admin_port", std::int64_t{(*service)->admin_port()}}});
  (*shutdown)->Wait();
  return 0;  // the service drains, stops and closes in its destructor
}
// [main]
