#include "beneficiary/api/admission.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "daybook/base/check.h"
#include "daybook/base/reason.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"

namespace beneficiary::api {

using daybook::ToAbsl;
using daybook::ToStd;
using daybook::WithReason;

namespace {

constexpr double kRateMax = 1e6;

// A header's name that gRPC metadata can have too (its "-bin" ones are encoded).
bool IsHeaderName(std::string_view name) {
  return !name.empty() && name.size() <= 100 && !absl::EndsWithIgnoreCase(ToAbsl(name), "-bin") &&
         std::all_of(name.begin(), name.end(), [](char c) { return absl::ascii_isalnum(c) || c == '-' || c == '_'; });
}

bool IsIdentity(std::string_view text) {
  return !text.empty() && text.size() <= Admission::kIdentityBytesMax &&
         std::all_of(text.begin(), text.end(), [](char c) { return absl::ascii_isgraph(c); });
}

bool IsClientId(std::string_view text) {
  return !text.empty() && text.size() <= Admission::kClientIdBytesMax &&
         std::all_of(text.begin(), text.end(), [](char c) { return absl::ascii_isalnum(c) || c == '-' || c == '_'; });
}

absl::Status Malformed(std::string_view reason, std::string_view header, std::string_view what) {
  return WithReason(absl::InvalidArgumentError(absl::StrCat("The header ", ToAbsl(header), " ", ToAbsl(what), ".")),
                    reason);
}

absl::StatusOr<ClientSet> ReadClients(std::string_view header, const std::vector<std::string_view>& values) {
  constexpr std::string_view kReason = "CLIENTS_MALFORMED";
  if (values.empty()) return ClientSet();
  // Which of two would be the proxy's own?
  if (values.size() > 1) return Malformed(kReason, header, "comes more than once");
  const std::string_view text = ToStd(absl::StripAsciiWhitespace(ToAbsl(values.front())));
  if (text.empty()) return ClientSet();
  if (text == "*") return ClientSet::All();
  std::vector<std::string> ids;
  for (const absl::string_view part : absl::StrSplit(ToAbsl(text), ',')) {
    const std::string_view id = ToStd(absl::StripAsciiWhitespace(part));
    if (!IsClientId(id)) return Malformed(kReason, header, "is neither * nor a list of client ids");
    if (ids.size() == Admission::kClientIdsMax) {
      return Malformed(kReason, header, absl::StrCat("has more than ", Admission::kClientIdsMax, " client ids"));
    }
    ids.emplace_back(id);
  }
  return ClientSet::Of(std::move(ids));
}

// Without the port, and the same for both edges: "127.0.0.1:53412" and gRPC's "ipv4:127.0.0.1:53412" are "127.0.0.1".
std::string HostOf(std::string_view peer) {
  for (const std::string_view scheme : {"ipv4:", "ipv6:"}) {
    if (peer.substr(0, scheme.size()) == scheme) peer.remove_prefix(scheme.size());
  }
  std::string host(peer.substr(0, peer.rfind(':')));
  for (const auto& [escape, bracket] : {std::pair("%5B", "["), std::pair("%5D", "]")}) {
    if (const std::size_t at = host.find(escape); at != std::string::npos) host.replace(at, 3, bracket);
  }
  return host;
}

}  // namespace

absl::Status Admission::Check(const AdmissionOptions& options) {
  if (options.read_clients_header.empty() != options.write_clients_header.empty()) {
    return absl::InvalidArgumentError("read_clients_header and write_clients_header belong together");
  }
  std::vector<std::string> names;
  if (!options.read_clients_header.empty()) {
    names = {options.identity_header, options.read_clients_header, options.write_clients_header};
  } else if (!options.identity_header.empty()) {
    names = {options.identity_header};
  }
  for (std::string& name : names) {
    if (!IsHeaderName(name)) {
      return absl::InvalidArgumentError(absl::StrCat("\"", name,
                                                     "\" is no name for a header: letters, digits, - and _, "
                                                     "and not -bin at the end"));
    }
    absl::AsciiStrToLower(&name);
  }
  std::sort(names.begin(), names.end());
  if (std::adjacent_find(names.begin(), names.end()) != names.end()) {
    return absl::InvalidArgumentError("the caller's identity and its lists of clients need headers of their own");
  }
  const auto within = [](double value, double low) { return value >= low && value <= kRateMax; };
  if (options.requests_per_second_max == 0) return absl::OkStatus();
  if (!within(options.requests_per_second_max, 1e-3) || !within(options.requests_burst, 1)) {
    return absl::InvalidArgumentError("a limit of requests is 0.001 to 1000000 a second, with a burst of 1 to 1000000");
  }
  if (options.callers_max < 1) return absl::InvalidArgumentError("callers_max must be at least 1");
  return absl::OkStatus();
}

Admission::Admission(AdmissionOptions options) : options_(std::move(options)), open_(!options_.opens_when) {
  DAYBOOK_CHECK(Check(options_).ok(), "options that Check has passed");
  if (options_.requests_per_second_max > 0) {
    limiter_.emplace(daybook::RateLimiterOptions{options_.requests_per_second_max, options_.requests_burst,
                                                 options_.callers_max, options_.clock});
  }
}

absl::StatusOr<Caller> Admission::Admit(std::string_view edge, Values values, std::string_view peer) {
  std::vector<std::string_view> identities;
  if (!options_.identity_header.empty()) identities = values(options_.identity_header);
  absl::Status turn = IsOpen();
  if (turn.ok()) turn = TakeTurn(identities, peer);
  absl::StatusOr<Caller> caller = turn.ok() ? Identify(identities, values) : absl::StatusOr<Caller>(std::move(turn));
  if (!caller.ok() && options_.on_refused) options_.on_refused(edge, daybook::ReasonOf(caller.status()));
  return caller;
}

absl::Status Admission::IsOpen() {
  if (open_.load(std::memory_order_relaxed)) return absl::OkStatus();
  const absl::Status behind = options_.opens_when();
  if (absl::IsUnavailable(behind)) {
    return daybook::WithRetryAfter(
        WithReason(absl::UnavailableError("The read models have not caught up since the start; try again later."),
                   "CATCHING_UP"),
        absl::Seconds(1));
  }
  open_.store(true, std::memory_order_relaxed);
  return absl::OkStatus();
}

absl::StatusOr<Caller> Admission::Identify(const std::vector<std::string_view>& identities, Values values) const {
  if (!Restricts()) {
    return Caller::Unlimited(identities.empty() ? "anonymous" : std::string(identities.front()));
  }
  if (identities.empty() || (identities.size() == 1 && identities.front().empty())) {
    return WithReason(absl::UnauthenticatedError("The request does not say who calls: the proxy in front does."),
                      "IDENTITY_REQUIRED");
  }
  if (identities.size() > 1 || !IsIdentity(identities.front())) {
    return Malformed("IDENTITY_MALFORMED", options_.identity_header,
                     absl::StrCat("must come once, with 1 to ", kIdentityBytesMax, " visible ASCII characters"));
  }
  Caller caller;
  caller.name = std::string(identities.front());
  DAYBOOK_ASSIGN_OR_RETURN(caller.readable,
                           ReadClients(options_.read_clients_header, values(options_.read_clients_header)));
  DAYBOOK_ASSIGN_OR_RETURN(caller.writable,
                           ReadClients(options_.write_clients_header, values(options_.write_clients_header)));
  return caller;
}

absl::Status Admission::TakeTurn(const std::vector<std::string_view>& identities, std::string_view peer) {
  if (!limiter_) return absl::OkStatus();
  const bool named = identities.size() == 1 && IsIdentity(identities.front());
  const absl::Duration wait =
      limiter_->Take(named ? absl::StrCat("i", ToAbsl(identities.front())) : absl::StrCat("p", HostOf(peer)));
  if (wait <= absl::ZeroDuration()) return absl::OkStatus();
  return daybook::WithRetryAfter(
      WithReason(absl::ResourceExhaustedError("The caller has sent too many requests; try again later."),
                 "RATE_LIMITED"),
      wait);
}

}  // namespace beneficiary::api
