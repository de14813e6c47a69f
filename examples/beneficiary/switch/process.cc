#include "beneficiary/switch/process.h"

#include <string>
#include <utility>

#include "beneficiary/admin/admin_server.h"
#include "beneficiary/switch/admin.h"
#include "beneficiary/switch/evidence.h"
#include "beneficiary/switch/mode_table.h"
#include "beneficiary/switch/switch.h"
#include "beneficiary/switch/switch_metrics.h"
#include "daybook/base/log.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"
#include "daybook/base/uuid_source.h"
#include "daybook/http/server.h"

namespace beneficiary::switching {

namespace http = daybook::http;
namespace observe = daybook::observe;
using daybook::Clock;
using daybook::Log;
using daybook::LogLevel;

namespace {

// Random, so that fingerprints tell nothing outside this process.
std::uint64_t MaskingKey() {
  const daybook::Uuid id = daybook::UuidSource::System().New(Clock::System().Now());
  return daybook::ReadBigEndian64(reinterpret_cast<const char*>(id.bytes().data()) + 8);
}

}  // namespace

struct Process::Impl {
  absl::Status StartAdmin();
  absl::Status StartEdge();

  Settings settings;
  observe::Metrics metrics;
  observe::Health health;
  std::unique_ptr<ModeTable> modes;
  std::unique_ptr<Evidence> evidence;
  std::unique_ptr<Switch> parallel;
  std::unique_ptr<AdminServer> admin;
  std::unique_ptr<http::Server> edge;
};

absl::Status Process::Impl::StartAdmin() {
  http::Router more;
  AddAdmin({*modes, *evidence, settings.options, [this] { return parallel->stats(); }, BENEFICIARY_VERSION,
            settings.admin_host_names},
           more);
  DAYBOOK_ASSIGN_OR_RETURN(
      admin, AdminServer::Start(settings.admin_address, {"beneficiary-switch", BENEFICIARY_VERSION, ""}, health,
                                metrics, std::move(more)));
  return absl::OkStatus();
}

absl::Status Process::Impl::StartEdge() {
  http::Router router;
  router.Add(http::Method::kGet, "/client/beneficiaries", parallel->handler());
  http::ServerOptions options;
  options.address = settings.http_address;
  options.io_threads = settings.http_threads;
  options.on_answered =
      [latency = metrics.GetHistogram("switch_answer_seconds", "How long requests took to be answered",
                                      observe::Metrics::LatencyBounds())](const http::Answered& answered) mutable {
        latency.Observe(absl::ToDoubleSeconds(answered.latency));
      };
  DAYBOOK_ASSIGN_OR_RETURN(edge, http::Server::Start(std::move(router), options));
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Process>> Process::Start(const Settings& settings) {
  auto impl = std::make_unique<Impl>();
  impl->settings = settings;
  impl->settings.options.comparer.masking.key = MaskingKey();
  std::unique_ptr<Process> process(new Process(std::move(impl)));
  Impl& parts = *process->impl_;
  DAYBOOK_ASSIGN_OR_RETURN(parts.modes, ModeTable::Open(settings.data_dir, settings.initial_mode, Clock::System()));
  parts.evidence = std::make_unique<Evidence>(Clock::System(), CountingObserver(parts.metrics));
  DAYBOOK_ASSIGN_OR_RETURN(parts.parallel,
                           Switch::Start(parts.settings.options, *parts.modes, *parts.evidence, Clock::System()));
  ExposeSwitch(*parts.modes, *parts.parallel, parts.metrics);
  DAYBOOK_RETURN_IF_ERROR(parts.StartEdge());
  DAYBOOK_RETURN_IF_ERROR(parts.StartAdmin());
  Log(LogLevel::kInfo, "serving",
      {{"rest", parts.edge->address()},
       {"admin", parts.admin->address()},
       {"bos", settings.options.bos.address},
       {"daybook", settings.options.daybook.address},
       {"mode", std::string(ModeName(parts.modes->Current()->for_all))},
       {"data_dir", settings.data_dir}});
  return process;
}

Process::Process(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Process::~Process() { Stop(); }

void Process::Stop() {
  if (impl_ == nullptr) return;
  impl_->health.Set("stopping", absl::UnavailableError("the process is stopping"));
  if (impl_->edge != nullptr) {
    if (const absl::Status drained = impl_->edge->Drain(impl_->settings.drain_timeout); !drained.ok()) {
      Log(LogLevel::kWarning, "requests were cut off", {{"edge", std::string("rest")}, {"error", drained.ToString()}});
    }
  }
  impl_->admin.reset();
  if (impl_->parallel != nullptr) impl_->parallel->Stop();
  impl_.reset();
}

}  // namespace beneficiary::switching
