#include "beneficiary/api/internal/rest_compat.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "beneficiary/projections/render.h"
#include "daybook/base/log.h"
#include "daybook/base/reason.h"
#include "daybook/base/strings.h"
#include "daybook/http/query.h"

namespace beneficiary::api::internal {

namespace http = daybook::http;
using daybook::ToAbsl;
using daybook::ToStd;

namespace {

// A whole number from 1, as Python's int() reads it from ASCII: blanks around it, a plus sign, leading zeros. Its
// digits are kept, since the answer repeats a page number of any size.
struct PageNumber {
  std::string digits;
  std::uint64_t value;  // the greatest number if it is greater still
};

std::optional<PageNumber> ReadPageNumber(std::string_view text) {
  text = ToStd(absl::StripAsciiWhitespace(ToAbsl(text)));
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  const bool digits = std::all_of(text.begin(), text.end(), [](char c) { return absl::ascii_isdigit(c); });
  if (text.empty() || !digits) return std::nullopt;
  text.remove_prefix(std::min(text.find_first_not_of('0'), text.size()));
  if (text.empty()) return std::nullopt;
  PageNumber number{std::string(text), 0};
  if (std::from_chars(text.data(), text.data() + text.size(), number.value).ec != std::errc()) {
    number.value = std::numeric_limits<std::uint64_t>::max();
  }
  return number;
}

http::Response Json(http::StatusCode status, std::string body) {
  return http::Response(status, http::kJson, std::move(body));
}

http::Response FieldError(std::string_view field, std::string_view text) {
  return Json(http::StatusCode::kBadRequest, absl::StrCat("{\"", ToAbsl(field), "\":[\"", ToAbsl(text), "\"]}"));
}

http::Response DetailError(http::StatusCode status, std::string_view text) {
  std::string body = "{\"detail\":";
  AppendJsonString(text, LineSeparators::kEscaped, body);
  body.push_back('}');
  return Json(status, std::move(body));
}

std::int64_t WaitSeconds(const absl::Status& status) {
  const absl::Duration wait = daybook::RetryAfterOf(status).value_or(absl::Seconds(1));
  return absl::ToInt64Seconds(absl::Ceil(wait, absl::Seconds(1)));
}

// In the words of the framework that BOS is written with, where it has some for the case.
std::string TextOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnauthenticated:
      return "Authentication credentials were not provided.";
    case absl::StatusCode::kPermissionDenied:
      return "You do not have permission to perform this action.";
    case absl::StatusCode::kResourceExhausted: {
      const std::int64_t wait = WaitSeconds(status);
      return absl::StrCat("Request was throttled. Expected available in ", wait, wait == 1 ? " second." : " seconds.");
    }
    default:
      return std::string(status.message());
  }
}

http::Response ErrorOf(const absl::Status& status) {
  const http::StatusCode code = http::HttpStatusOf(status.code());
  if (code == http::StatusCode::kInternalServerError) {
    daybook::Log(daybook::LogLevel::kError, "client/beneficiaries failed", {{"error", status.ToString()}});
    return DetailError(code, "Internal error.");
  }
  http::Response response = DetailError(code, TextOf(status));
  if (code == http::StatusCode::kServiceUnavailable) response.AddHeader("Retry-After", "1");
  if (code == http::StatusCode::kTooManyRequests) response.AddHeader("Retry-After", absl::StrCat(WaitSeconds(status)));
  return response;
}

http::Response Refused(const absl::Status& refusal, const http::Request&) { return ErrorOf(refusal); }

http::Response ListAsBos(const Service& service, const Caller& caller, const http::Request& request) {
  constexpr std::string_view kNotPositive = "A valid positive integer is required.";
  const absl::StatusOr<http::Query> query = http::Query::Parse(request.raw_query(), http::QuerySyntax::kLenient);
  if (!query.ok()) return DetailError(http::StatusCode::kBadRequest, ToStd(query.status().message()));
  const std::string_view client_id = query->Last("client_id").value_or("");
  if (client_id.empty()) return FieldError("client_id", "This field is required.");
  const std::optional<PageNumber> page = ReadPageNumber(query->Last("page").value_or("1"));
  if (!page) return FieldError("page", kNotPositive);
  std::optional<PageNumber> page_size = ReadPageNumber(query->Last("page_size").value_or("50"));
  if (!page_size) return FieldError("page_size", kNotPositive);
  const std::uint64_t size = std::min(page_size->value, CompatQuery::kPageSizeMax);

  const absl::StatusOr<std::string> instance = service.CompatInstance();
  if (!instance.ok()) return DetailError(http::StatusCode::kServiceUnavailable, ToStd(instance.status().message()));
  CompatRequest compat;
  compat.instance = *instance;
  compat.client_id = client_id;
  compat.page = page->value;
  compat.page_size = size;
  compat.iban = query->Last("iban").value_or("");
  absl::StatusOr<CompatPage> found = service.CompatPageOf(caller, compat);
  if (found.status().code() == absl::StatusCode::kNotFound) {
    return DetailError(http::StatusCode::kNotFound, "No Client matches the given query.");
  }
  if (!found.ok()) return ErrorOf(found.status());
  http::Response response(http::StatusCode::kOk, http::kJson, std::move(found->body));
  response.AddHeader("X-Total-Count", ToStd(absl::AlphaNum(found->total).Piece()));
  response.AddHeader("X-Page", page->digits);
  response.AddHeader("X-Page-Size", ToStd(absl::AlphaNum(size).Piece()));
  return response;
}

}  // namespace

void AddCompat(const SharedContext& context, std::vector<Route>& out) {
  const auto handle = [context](const Caller& caller, http::Request request, http::Responder responder) {
    const absl::StatusOr<daybook::Position> token = TokenOf(request);
    if (!token.ok()) return responder.Send(ErrorOf(token.status()));
    if (*token == daybook::Position()) return responder.Send(ListAsBos(context->service, caller, request));
    context->service.WhenFresh(
        CompatProjection::kName, *token, context->options.freshness_wait,
        [context, caller, request = std::move(request),
         responder = std::move(responder)](const absl::Status& fresh) mutable {
          responder.Send(fresh.ok() ? ListAsBos(context->service, caller, request) : ErrorOf(fresh));
        });
  };
  out.push_back({http::Method::kGet, "/client/beneficiaries", handle, Refused});
}

}  // namespace beneficiary::api::internal
