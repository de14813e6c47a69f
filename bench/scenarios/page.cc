#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/blocking_counter.h"
#include "beneficiary/api/rest.h"
#include "beneficiary/app/engine.h"
#include "beneficiary/app/service.h"
#include "beneficiary/domain/identity.h"
#include "daybook/base/check.h"
#include "daybook/base/strings.h"
#include "daybook/base/uuid_source.h"
#include "daybook/http/server.h"
#include "floors/bare_beast.h"
#include "harness/http_load.h"
#include "micro/samples.h"
#include "scenarios/scenarios.h"

namespace daybook::bench {
namespace {

constexpr int kClients = 200;
constexpr int kPerClient = 50;
constexpr int kConnections = 64;

std::string ClientRef(int client) { return absl::StrFormat("EBPCLI%06d", client); }

void Sync(beneficiary::Engine& engine, int client, absl::BlockingCounter& open) {
  const auto done = [&open](absl::StatusOr<runtime::CommandOutcome> outcome) {
    DAYBOOK_CHECK(outcome.ok(), outcome.status().ToString());
    open.DecrementCount();
  };
  beneficiary::commands::v1::SyncClient listed;
  listed.set_instance("uk");
  listed.set_legacy_id(absl::StrCat(client));
  listed.set_client_id(ClientRef(client));
  const Uuid id = NameBasedUuid(beneficiary::kNamespace, beneficiary::BosClientName("uk", listed.legacy_id()));
  engine.clients().Execute(id.ToString(), listed, {}, done);
  for (int i = 0; i < kPerClient; ++i) {
    beneficiary::commands::v1::SyncFromBos sync;
    sync.set_instance("uk");
    sync.set_legacy_id(absl::StrCat(client * 1000 + i));
    *sync.mutable_image() = SampleImage();
    sync.mutable_image()->set_client_id(ClientRef(client));
    const Uuid key = NameBasedUuid(beneficiary::kNamespace, beneficiary::BosBeneficiaryName("uk", sync.legacy_id()));
    engine.beneficiaries().Execute(key.ToString(), sync, {}, done);
  }
}

std::unique_ptr<beneficiary::Engine> Filled(const Settings& settings) {
  auto engine = beneficiary::Engine::Open({.data_dir = NewDirectory(settings)});
  DAYBOOK_CHECK(engine.ok(), engine.status().ToString());
  for (int client = 0; client < kClients; ++client) {
    absl::BlockingCounter open(kPerClient + 1);
    Sync(**engine, client, open);
    open.Wait();
  }
  const absl::Status shown =
      (*engine)->runner().WaitUntil("compat.v1", (*engine)->store().DurableWatermark(), absl::Minutes(1));
  DAYBOOK_CHECK(shown.ok(), shown.ToString());
  return *std::move(engine);
}

std::string Get(int client) {
  return absl::StrCat("GET /client/beneficiaries?client_id=", ToAbsl(ClientRef(client)),
                      "&page=1&page_size=50 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
}

}  // namespace

void BenchPage(const Settings& settings, Report& report) {
  const auto engine = Filled(settings);
  beneficiary::Service service(*engine, {.compat_instance = "uk"});
  http::ServerOptions options;
  options.address = "127.0.0.1:0";
  auto server = http::Server::Start(beneficiary::api::MakeRouter(service, {}), options);
  DAYBOOK_CHECK(server.ok(), server.status().ToString());
  std::string body;
  const auto total = engine->compat().AppendTo({.instance = "uk", .client_id = ClientRef(1)}, body);
  DAYBOOK_CHECK(total.ok() && *total == kPerClient, "the page holds all of the client");
  const BareBeast bare({body});
  std::vector<std::string> requests;
  for (int client = 0; client < kClients; ++client) requests.push_back(Get(client * 7919 % kClients));
  const auto request = [&](std::uint64_t i) -> std::string_view { return requests[i % kClients]; };
  for (const int connections : {kConnections, 1}) {
    LoopResult last;
    Row row;
    row.scenario =
        absl::StrCat("client/beneficiaries of 50, ", connections, connections == 1 ? " connection" : " connections");
    row.unit = "requests/s";
    row.floor = absl::StrCat("bare Beast, the same ", body.size(), " bytes");
    row.target = 0.6;
    row = MeasurePairs(
        std::move(row), settings.rounds,
        [&] {
          last = RunHttpLoad({.port = (*server)->port(), .connections = connections, .duration = settings.duration},
                             request);
          DAYBOOK_CHECK(last.errors == 0, "a request failed");
          return last.per_second;
        },
        [&] {
          return RunHttpLoad({.port = bare.port(), .connections = connections, .duration = settings.duration}, request)
              .per_second;
        });
    row.p50_us = last.p50_us;
    row.p99_us = last.p99_us;
    report.Add(std::move(row));
  }
  DAYBOOK_CHECK((*server)->Drain(absl::Seconds(5)).ok(), "the server did not drain");
}

}  // namespace daybook::bench
