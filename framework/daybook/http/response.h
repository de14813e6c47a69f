#ifndef DAYBOOK_HTTP_RESPONSE_H_
#define DAYBOOK_HTTP_RESPONSE_H_

#include <memory>
#include <string>
#include <string_view>

#include "daybook/http/types.h"

namespace daybook::http {

inline constexpr std::string_view kJson = "application/json";
inline constexpr std::string_view kProblemJson = "application/problem+json";
inline constexpr std::string_view kPlainText = "text/plain; charset=utf-8";

// What a handler answers: a status, a few headers and a body that is moved, never copied, on its way to the socket.
//
//   Response response(StatusCode::kOk, kJson, std::move(rendered));
//   response.AddHeader("ETag", "\"7\"");
//   responder.Send(std::move(response));
//
// Thread safety: a value type.
// Invariants:
//  1. Content-Length, Date and Connection are the server's: do not add them.
//  2. No header can break out of its line: control characters in a value become blanks, what is no token in a name "-".
class Response {
 public:
  // Without a body: 204, 304, 202 …
  explicit Response(StatusCode status) : status_(status) {}
  Response(StatusCode status, std::string_view content_type, std::string body);
  // With a body that others hold too, a page from a cache, say: it is sent from where it lies. Precondition: not null.
  Response(StatusCode status, std::string_view content_type, std::shared_ptr<const std::string> body);

  // Adds one header; a name may repeat. Returns *this for chaining.
  Response& AddHeader(std::string_view name, std::string_view value);

  StatusCode status() const { return status_; }
  const std::string& body() const { return shared_body_ != nullptr ? *shared_body_ : body_; }
  // A shared body is copied first: those who share it keep what they have.
  std::string& mutable_body();

  // The headers so far as they go over the wire: "Name: value\r\n" each.
  const std::string& head() const { return head_; }

 private:
  StatusCode status_;
  std::string head_;
  std::string body_;                                // unless there is a shared one
  std::shared_ptr<const std::string> shared_body_;  // null: body_
};

}  // namespace daybook::http

#endif  // DAYBOOK_HTTP_RESPONSE_H_
