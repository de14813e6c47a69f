#include "daybook/observe/admin_endpoints.h"

#include <boost/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daybook/base/reason.h"
#include "daybook/base/strings.h"

namespace daybook::observe {
namespace {

constexpr char kPlainText[] = "text/plain; charset=utf-8";
constexpr char kExpositionText[] = "text/plain; version=0.0.4; charset=utf-8";

// "verbose", "verbose=1", "a=b&verbose=true" …; not "verbose=0".
bool IsVerbose(std::string_view raw_query) {
  while (!raw_query.empty()) {
    const std::string_view piece = raw_query.substr(0, raw_query.find('&'));
    raw_query.remove_prefix(std::min(raw_query.size(), piece.size() + 1));
    if (piece == "verbose") return true;
    if (piece.starts_with("verbose=")) return piece != "verbose=0" && piece != "verbose=false";
  }
  return false;
}

// What is wrong, in one line whatever it holds; first its reason (base/reason.h), by which documents name it.
std::string OneLine(const absl::Status& status) {
  const std::string reason = ReasonOf(status);
  std::string text = ReplaceInvalidUtf8(ToStd(absl::StrCat(reason, reason.empty() ? "" : ": ", status.message())));
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  return text;
}

}  // namespace

AdminEndpoints::AdminEndpoints(const Health& health, const Metrics& metrics, BuildInfo build)
    : health_(health), metrics_(metrics), build_(std::move(build)) {}

std::vector<AdminEndpoints::Endpoint> AdminEndpoints::endpoints() const {
  return {
      {"/livez", [this](std::string_view) { return Livez(); }},
      {"/readyz", [this](std::string_view raw_query) { return Readyz(raw_query); }},
      {"/metrics",
       [this](std::string_view) {
         return AdminAnswer{200, kExpositionText, metrics_.Text()};
       }},
      {"/version", [this](std::string_view) { return Version(); }},
  };
}

AdminAnswer AdminEndpoints::Livez() const {
  const absl::Status alive = health_.alive();
  if (alive.ok()) return {200, kPlainText, "ok\n"};
  return {500, kPlainText, absl::StrCat("dead: ", OneLine(alive), "\n")};
}

AdminAnswer AdminEndpoints::Readyz(std::string_view raw_query) const {
  std::string lines;
  bool ready = true;
  for (const auto& [name, status] : health_.Report()) {
    ready = ready && status.ok();
    absl::StrAppend(&lines, status.ok() ? "[+]" : "[-]", name, status.ok() ? " ok" : ": ", OneLine(status), "\n");
  }
  if (!IsVerbose(raw_query)) lines.clear();
  return {ready ? 200 : 503, kPlainText, lines + (ready ? "ok\n" : "not ready\n")};
}

AdminAnswer AdminEndpoints::Version() const {
  const boost::json::object version{{"name", build_.name}, {"version", build_.version}, {"revision", build_.revision}};
  return {200, "application/json", boost::json::serialize(version)};
}

}  // namespace daybook::observe
