#ifndef DAYBOOK_HTTP_REQUEST_H_
#define DAYBOOK_HTTP_REQUEST_H_

#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "daybook/http/types.h"

namespace daybook::http {

namespace internal {
class Exchange;
}  // namespace internal

// One complete request, head and body, as a handler receives it.
//
//   std::string_view id = request.PathParam("id");
//   std::string_view tag = request.Header("If-Match").value_or("");
//
// Thread safety: const methods from any thread. Move-only; move it along with the work.
// Invariants:
//  1. The body is complete and within the route's limit; path parameters are decoded, valid UTF-8 and not empty.
//  2. Every view returned lives as long as this Request, and moves along with it.
class Request {
 public:
  // For the server.
  explicit Request(std::shared_ptr<const internal::Exchange> exchange) : exchange_(std::move(exchange)) {}
  Request(Request&&) = default;
  Request& operator=(Request&&) = default;

  Method method() const;

  // As sent, still percent-encoded: "/v1/beneficiaries?limit=5", "/v1/beneficiaries" and "limit=5".
  std::string_view target() const;
  std::string_view path() const;
  std::string_view raw_query() const;

  // The route's template, "/v1/beneficiaries/{id}:activate": a label for metrics with few values.
  std::string_view route() const;

  // The decoded value of {name} in the route's template. Precondition (checked): the template has it.
  std::string_view PathParam(std::string_view name) const;

  // The first value of a header, outer blanks removed; names are compared without regard to case. nullopt if absent.
  std::optional<std::string_view> Header(std::string_view name) const;
  // Every value of a header that may be repeated, in order.
  std::vector<std::string_view> HeaderAll(std::string_view name) const;

  // Every header as it came, in order.
  std::vector<std::pair<std::string_view, std::string_view>> headers() const;

  // Empty if the request had none.
  std::string_view body() const;

  // The other end, "127.0.0.1:53412".
  std::string_view peer() const;

 private:
  std::shared_ptr<const internal::Exchange> exchange_;
};

}  // namespace daybook::http

#endif  // DAYBOOK_HTTP_REQUEST_H_
