#ifndef BENEFICIARY_API_REST_H_
#define BENEFICIARY_API_REST_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "beneficiary/api/admission.h"
#include "beneficiary/app/service.h"
#include "daybook/base/clock.h"
#include "daybook/http/router.h"

namespace beneficiary::api {

struct RestOptions {
  // Who may come in; null = everybody, as AdmissionOptions() has it. Share one among edges to count callers together.
  std::shared_ptr<Admission> admission;
  // How long a read waits for what its Consistency-Token asks for, before 503.
  absl::Duration freshness_wait = absl::Seconds(2);
  // How long a command may wait to be decided, before 504.
  absl::Duration command_wait = absl::Seconds(30);
  const daybook::Clock* clock = &daybook::Clock::System();
};

// One route of the API. openapi.json documents exactly these; a test compares the two.
struct Endpoint {
  daybook::http::Method method;
  std::string path_template;
  daybook::http::Handler handler;
};

// Every route: the definitive API below /v1, BOS's client/beneficiaries, and /openapi.json.
//
//   DAYBOOK_ASSIGN_OR_RETURN(auto server, http::Server::Start(MakeRouter(service, {}), server_options));
//
// Thread safety: handlers from any thread. The service outlives them.
// Invariants: no handler blocks; every answer is one that openapi.json documents; no route is served to whom the
// admission refuses (401, 429, and 400 for headers that are none).
std::vector<Endpoint> Endpoints(Service& service, const RestOptions& options);
daybook::http::Router MakeRouter(Service& service, const RestOptions& options);

}  // namespace beneficiary::api

#endif  // BENEFICIARY_API_REST_H_
