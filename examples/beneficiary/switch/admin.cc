#include "beneficiary/switch/admin.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "beneficiary/switch/internal/json_text.h"
#include "beneficiary/switch/internal/modes_json.h"
#include "beneficiary/switch/internal/page.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"
#include "daybook/http/query.h"

namespace beneficiary::switching {

namespace http = daybook::http;
namespace json = boost::json;
using daybook::ToAbsl;
using internal::JsonText;

namespace {

constexpr std::size_t kBodyBytesMax = 4 << 10;

http::Response Document(std::string body) {
  http::Response response(http::StatusCode::kOk, http::kJson, std::move(body));
  response.AddHeader("Cache-Control", "no-store");
  return response;
}

http::Response ModesDocument(const Modes& modes) {
  http::Response response = Document(json::serialize(internal::ModesToJson(modes)));
  response.AddHeader("ETag", absl::StrCat("\"", modes.change_count, "\""));
  return response;
}

http::Handler Asset(std::string_view content_type, std::string_view text) {
  return http::Answering([content_type, text](const http::Request&) {
    http::Response response(http::StatusCode::kOk, content_type, std::string(text));
    response
        .AddHeader("Content-Security-Policy",
                   "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
                   "base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
        .AddHeader("X-Content-Type-Options", "nosniff")
        .AddHeader("Referrer-Policy", "no-referrer")
        .AddHeader("Cache-Control", "no-cache");
    return response;
  });
}

double Seconds(absl::Duration duration) { return absl::ToDoubleSeconds(duration); }

json::array Strings(const std::vector<std::string>& texts) {
  json::array list;
  for (const std::string& text : texts) list.push_back(JsonText(text));
  return list;
}

json::object SideJson(const SideOptions& side, const http::ClientStats& stats, bool suspended) {
  return json::object{{"address", JsonText(side.address)},
                      {"timeout_seconds", Seconds(side.timeout)},
                      {"suspended", suspended},
                      {"connections_open", stats.connections_open},
                      {"in_flight", stats.in_flight}};
}

std::string_view FallbackName(Fallback fallback) {
  switch (fallback) {
    case Fallback::kNone:
      return "none";
    case Fallback::kToBos:
      return "to-bos";
    case Fallback::kBoth:
      return "both";
  }
  return "none";
}

http::Response Status(const AdminContext& context) {
  const SwitchStats stats = context.stats();
  const SwitchOptions& options = context.options;
  json::object document{{"version", JsonText(context.version)},
                        {"modes", internal::ModesToJson(*context.modes.Current())}};
  document["sides"] = json::object{{"bos", SideJson(options.bos, stats.bos, stats.bos_suspended)},
                                   {"daybook", SideJson(options.daybook, stats.daybook, stats.daybook_suspended)}};
  document["fallback"] = JsonText(FallbackName(options.fallback));
  document["comparer"] = json::object{
      {"in_flight", stats.comparer.in_flight},
      {"in_flight_max", options.comparer.in_flight_max},
      {"settling", stats.comparer.settling},
      {"settling_max", options.comparer.settling_max},
      {"settling_seconds", Seconds(options.comparer.settling_time)},
      {"headers", Strings(options.comparer.rules.headers)},
      {"ignored", Strings(options.comparer.rules.ignored)},
  };
  return Document(json::serialize(document));
}

bool IsNumber(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> address;
  return inet_pton(AF_INET, host.c_str(), address.data()) == 1 ||
         inet_pton(AF_INET6, host.c_str(), address.data()) == 1;
}

// "host:port" without its port and brackets.
std::string HostOf(absl::string_view authority) {
  const std::size_t colon = authority.rfind(':');
  if (colon != absl::string_view::npos && authority.find(']', colon) == absl::string_view::npos) {
    authority = authority.substr(0, colon);
  }
  absl::ConsumePrefix(&authority, "[");
  absl::ConsumeSuffix(&authority, "]");
  return std::string(authority);
}

// A page of another origin may make a browser send requests here; it cannot hide that it did.
absl::Status CheckOrigin(const AdminContext& context, const http::Request& request) {
  const auto origin = request.Header("Origin");
  if (!origin) return absl::OkStatus();
  absl::string_view authority = ToAbsl(*origin);
  if (!absl::ConsumePrefix(&authority, "http://")) absl::ConsumePrefix(&authority, "https://");
  if (!absl::EqualsIgnoreCase(authority, ToAbsl(request.Header("Host").value_or("")))) {
    return absl::PermissionDeniedError("Changes are made from this address's own page only.");
  }
  const std::string host = HostOf(authority);
  const bool named = std::any_of(context.host_names.begin(), context.host_names.end(),
                                 [&](const std::string& name) { return absl::EqualsIgnoreCase(name, host); });
  if (named || IsNumber(host) || absl::EqualsIgnoreCase(host, "localhost")) return absl::OkStatus();
  return absl::PermissionDeniedError("This name is not known: add it to --admin_host_names.");
}

absl::Status ReadIfMatch(const http::Request& request, ModeChangeRequest& change) {
  const auto header = request.Header("If-Match");
  if (!header || *header == "*") return absl::OkStatus();
  absl::string_view tag = ToAbsl(*header);
  std::uint64_t count = 0;
  const bool quoted = absl::ConsumePrefix(&tag, "\"") && absl::ConsumeSuffix(&tag, "\"");
  if (!quoted || !absl::SimpleAtoi(tag, &count)) return absl::InvalidArgumentError("If-Match: expected an ETag.");
  change.if_change_count = count;
  return absl::OkStatus();
}

absl::StatusOr<std::string> TextMember(const json::object& body, const char* name) {
  const json::value* value = body.if_contains(name);
  if (value == nullptr) return std::string();
  const json::string* text = value->if_string();
  if (text == nullptr) return absl::InvalidArgumentError(absl::StrCat("\"", name, "\" is a text."));
  return std::string(text->data(), text->size());
}

absl::StatusOr<ModeChangeRequest> ReadChange(const http::Request& request) {
  const absl::string_view type = ToAbsl(request.Header("Content-Type").value_or(""));
  if (!absl::StartsWithIgnoreCase(type, "application/json")) {
    return absl::InvalidArgumentError("Content-Type: application/json is required.");
  }
  boost::system::error_code error;
  const json::value body = json::parse(JsonText(request.body()), error);
  const json::object* object = error ? nullptr : body.if_object();
  if (object == nullptr) return absl::InvalidArgumentError("The body is no JSON object.");
  ModeChangeRequest change;
  DAYBOOK_ASSIGN_OR_RETURN(const std::string mode, TextMember(*object, "mode"));
  change.to = ParseMode(mode);
  if (!change.to) return absl::InvalidArgumentError("\"mode\" is bos, shadow, daybook-shadowed or daybook.");
  DAYBOOK_ASSIGN_OR_RETURN(change.by, TextMember(*object, "by"));
  DAYBOOK_ASSIGN_OR_RETURN(change.reason, TextMember(*object, "reason"));
  return change;
}

enum class Scope { kAll, kClient };

absl::StatusOr<http::Response> PutMode(const AdminContext& context, Scope scope, const http::Request& request) {
  DAYBOOK_RETURN_IF_ERROR(CheckOrigin(context, request));
  DAYBOOK_ASSIGN_OR_RETURN(ModeChangeRequest change, ReadChange(request));
  DAYBOOK_RETURN_IF_ERROR(ReadIfMatch(request, change));
  if (scope == Scope::kClient) change.client = std::string(request.PathParam("client"));
  DAYBOOK_ASSIGN_OR_RETURN(const auto modes, context.modes.Change(change));
  return ModesDocument(*modes);
}

absl::StatusOr<http::Response> DeleteMode(const AdminContext& context, const http::Request& request) {
  DAYBOOK_RETURN_IF_ERROR(CheckOrigin(context, request));
  DAYBOOK_ASSIGN_OR_RETURN(const http::Query query,
                           http::Query::Parse(request.raw_query(), http::QuerySyntax::kStrict));
  ModeChangeRequest change;
  change.client = std::string(request.PathParam("client"));
  change.by = std::string(query.Last("by").value_or(""));
  change.reason = std::string(query.Last("reason").value_or(""));
  DAYBOOK_RETURN_IF_ERROR(ReadIfMatch(request, change));
  if (!context.modes.Current()->for_clients.contains(change.client)) {
    return absl::NotFoundError("This client has no mode of its own.");
  }
  DAYBOOK_ASSIGN_OR_RETURN(const auto modes, context.modes.Change(change));
  return ModesDocument(*modes);
}

absl::StatusOr<http::Response> ShowEvidence(const AdminContext& context, const http::Request& request) {
  DAYBOOK_ASSIGN_OR_RETURN(const http::Query query,
                           http::Query::Parse(request.raw_query(), http::QuerySyntax::kStrict));
  const std::string_view course = query.Last("course").value_or("fine");
  if (course != "fine" && course != "coarse") return absl::InvalidArgumentError("course is fine or coarse.");
  return Document(context.evidence.ToJson(course == "fine" ? Resolution::kFine : Resolution::kCoarse));
}

}  // namespace

void AddAdmin(const AdminContext& context, http::Router& router) {
  const auto shared = std::make_shared<const AdminContext>(context);
  const http::RouteOptions small{kBodyBytesMax};
  using http::Answering;
  using http::Method;
  using http::Request;
  router.Add(Method::kGet, "/", Asset("text/html; charset=utf-8", internal::PageHtml()))
      .Add(Method::kGet, "/page.css", Asset("text/css; charset=utf-8", internal::PageCss()))
      .Add(Method::kGet, "/page.js", Asset("text/javascript; charset=utf-8", internal::PageJs()))
      .Add(Method::kGet, "/api/status", Answering([shared](const Request&) { return Status(*shared); }))
      .Add(Method::kGet, "/api/evidence",
           Answering([shared](const Request& request) { return ShowEvidence(*shared, request); }))
      .Add(Method::kPost, "/api/evidence:reset",
           Answering([shared](const Request& request) -> absl::StatusOr<http::Response> {
             DAYBOOK_RETURN_IF_ERROR(CheckOrigin(*shared, request));
             shared->evidence.Reset();
             return http::Response(http::StatusCode::kNoContent);
           }),
           small)
      .Add(Method::kGet, "/api/modes",
           Answering([shared](const Request&) { return ModesDocument(*shared->modes.Current()); }))
      .Add(Method::kPut, "/api/modes/all",
           Answering([shared](const Request& request) { return PutMode(*shared, Scope::kAll, request); }), small)
      .Add(Method::kPut, "/api/modes/clients/{client}",
           Answering([shared](const Request& request) { return PutMode(*shared, Scope::kClient, request); }), small)
      .Add(Method::kDelete, "/api/modes/clients/{client}",
           Answering([shared](const Request& request) { return DeleteMode(*shared, request); }), small);
}

}  // namespace beneficiary::switching
