#ifndef DAYBOOK_OBSERVE_ADMIN_ENDPOINTS_H_
#define DAYBOOK_OBSERVE_ADMIN_ENDPOINTS_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "daybook/observe/health.h"
#include "daybook/observe/metrics.h"

namespace daybook::observe {

struct BuildInfo {
  std::string name;      // "beneficiary"
  std::string version;   // "0.1.0"
  std::string revision;  // of the source; may be empty
};

// What an operator's GET is answered with; `status` is an HTTP status code.
struct AdminAnswer {
  int status = 200;
  std::string content_type;
  std::string body;
};

// The operator's pages, without a transport: this layer and the HTTP server do not know each other, so the application
// joins them, on an address of their own:
//
//   observe::AdminEndpoints admin(health, metrics, {"beneficiary", "0.1.0", ""});
//   http::Router router;
//   http::AddPages(admin.endpoints(), router);
//
//   /livez            200 "ok", or 500 and the reason: restart it
//   /readyz           200 "ok", or 503 "not ready"; with ?verbose one line per check: "[+]name ok", "[-]name: reason"
//   /metrics          Prometheus text
//   /version          {"name":…,"version":…,"revision":…}
//
// Thread safety: every method and every returned function from any thread, as long as this object lives; it refers to
// `health` and `metrics`.
class AdminEndpoints {
 public:
  AdminEndpoints(const Health& health, const Metrics& metrics, BuildInfo build);

  struct Endpoint {
    std::string path;
    std::function<AdminAnswer(std::string_view raw_query)> answer;
  };
  std::vector<Endpoint> endpoints() const;

 private:
  AdminAnswer Livez() const;
  AdminAnswer Readyz(std::string_view raw_query) const;
  AdminAnswer Version() const;

  const Health& health_;
  const Metrics& metrics_;
  const BuildInfo build_;
};

}  // namespace daybook::observe

#endif  // DAYBOOK_OBSERVE_ADMIN_ENDPOINTS_H_
