#ifndef DAYBOOK_HTTP_TYPES_H_
#define DAYBOOK_HTTP_TYPES_H_

#include <cstdint>
#include <string_view>

namespace daybook::http {

// Request methods (RFC 9110 §9, RFC 5789). Every method that a route cannot name is kOther.
enum class Method : std::uint8_t { kGet, kHead, kPost, kPut, kPatch, kDelete, kOptions, kOther };

// "GET", "HEAD" …; "OTHER" for kOther.
std::string_view MethodName(Method method);

// Status codes (RFC 9110 §15, RFC 6585) that this server or its applications answer with. Any three-digit code may be
// cast to it.
enum class StatusCode : std::uint16_t {
  kContinue = 100,
  kOk = 200,
  kCreated = 201,
  kAccepted = 202,
  kNoContent = 204,
  kMovedPermanently = 301,
  kSeeOther = 303,
  kNotModified = 304,
  kBadRequest = 400,
  kUnauthorized = 401,
  kForbidden = 403,
  kNotFound = 404,
  kMethodNotAllowed = 405,
  kNotAcceptable = 406,
  kRequestTimeout = 408,
  kConflict = 409,
  kGone = 410,
  kPreconditionFailed = 412,
  kContentTooLarge = 413,
  kUriTooLong = 414,
  kUnsupportedMediaType = 415,
  kExpectationFailed = 417,
  kUnprocessableContent = 422,
  kPreconditionRequired = 428,
  kTooManyRequests = 429,
  kRequestHeaderFieldsTooLarge = 431,
  kInternalServerError = 500,
  kNotImplemented = 501,
  kBadGateway = 502,
  kServiceUnavailable = 503,
  kGatewayTimeout = 504,
  kHttpVersionNotSupported = 505,
};

constexpr int ToInt(StatusCode status) { return static_cast<int>(status); }

// The phrase of the status line, "Not Found"; "" for a code that StatusCode does not list.
std::string_view ReasonPhrase(StatusCode status);

}  // namespace daybook::http

#endif  // DAYBOOK_HTTP_TYPES_H_
