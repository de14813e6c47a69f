#include "daybook/http/types.h"

namespace daybook::http {

std::string_view MethodName(Method method) {
  switch (method) {
    case Method::kGet:
      return "GET";
    case Method::kHead:
      return "HEAD";
    case Method::kPost:
      return "POST";
    case Method::kPut:
      return "PUT";
    case Method::kPatch:
      return "PATCH";
    case Method::kDelete:
      return "DELETE";
    case Method::kOptions:
      return "OPTIONS";
    case Method::kOther:
      return "OTHER";
  }
  return "OTHER";
}

std::string_view ReasonPhrase(StatusCode status) {
  switch (status) {
    case StatusCode::kContinue:
      return "Continue";
    case StatusCode::kOk:
      return "OK";
    case StatusCode::kCreated:
      return "Created";
    case StatusCode::kAccepted:
      return "Accepted";
    case StatusCode::kNoContent:
      return "No Content";
    case StatusCode::kMovedPermanently:
      return "Moved Permanently";
    case StatusCode::kSeeOther:
      return "See Other";
    case StatusCode::kNotModified:
      return "Not Modified";
    case StatusCode::kBadRequest:
      return "Bad Request";
    case StatusCode::kUnauthorized:
      return "Unauthorized";
    case StatusCode::kForbidden:
      return "Forbidden";
    case StatusCode::kNotFound:
      return "Not Found";
    case StatusCode::kMethodNotAllowed:
      return "Method Not Allowed";
    case StatusCode::kNotAcceptable:
      return "Not Acceptable";
    case StatusCode::kRequestTimeout:
      return "Request Timeout";
    case StatusCode::kConflict:
      return "Conflict";
    case StatusCode::kGone:
      return "Gone";
    case StatusCode::kPreconditionFailed:
      return "Precondition Failed";
    case StatusCode::kContentTooLarge:
      return "Content Too Large";
    case StatusCode::kUriTooLong:
      return "URI Too Long";
    case StatusCode::kUnsupportedMediaType:
      return "Unsupported Media Type";
    case StatusCode::kExpectationFailed:
      return "Expectation Failed";
    case StatusCode::kUnprocessableContent:
      return "Unprocessable Content";
    case StatusCode::kPreconditionRequired:
      return "Precondition Required";
    case StatusCode::kTooManyRequests:
      return "Too Many Requests";
    case StatusCode::kRequestHeaderFieldsTooLarge:
      return "Request Header Fields Too Large";
    case StatusCode::kInternalServerError:
      return "Internal Server Error";
    case StatusCode::kNotImplemented:
      return "Not Implemented";
    case StatusCode::kBadGateway:
      return "Bad Gateway";
    case StatusCode::kServiceUnavailable:
      return "Service Unavailable";
    case StatusCode::kGatewayTimeout:
      return "Gateway Timeout";
    case StatusCode::kHttpVersionNotSupported:
      return "HTTP Version Not Supported";
  }
  return "";
}

}  // namespace daybook::http
