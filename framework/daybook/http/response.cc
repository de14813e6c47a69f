#include "daybook/http/response.h"

#include <utility>

namespace daybook::http {
namespace {

bool IsTokenChar(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

}  // namespace

Response::Response(StatusCode status, std::string_view content_type, std::string body)
    : status_(status), body_(std::move(body)) {
  head_.reserve(160);
  AddHeader("Content-Type", content_type);
}

Response::Response(StatusCode status, std::string_view content_type, std::shared_ptr<const std::string> body)
    : Response(status, content_type, std::string()) {
  shared_body_ = std::move(body);
}

std::string& Response::mutable_body() {
  if (shared_body_ != nullptr) body_ = *std::exchange(shared_body_, nullptr);
  return body_;
}

Response& Response::AddHeader(std::string_view name, std::string_view value) {
  for (const char c : name) head_.push_back(IsTokenChar(c) ? c : '-');
  head_.append(": ");
  for (const char c : value) head_.push_back(IsControl(c) ? ' ' : c);
  head_.append("\r\n");
  return *this;
}

}  // namespace daybook::http
