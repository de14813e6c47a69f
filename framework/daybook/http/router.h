#ifndef DAYBOOK_HTTP_ROUTER_H_
#define DAYBOOK_HTTP_ROUTER_H_

#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "daybook/http/request.h"
#include "daybook/http/responder.h"
#include "daybook/http/response.h"
#include "daybook/http/types.h"

namespace daybook::http {

// Serves one request. It runs on an I/O thread, several at once if there are several: it must not block for long, and
// hands anything slow to another thread together with the Responder. What it throws is answered with a 500 problem.
using Handler = absl::AnyInvocable<void(Request, Responder) const>;

struct RouteOptions {
  std::optional<std::size_t> body_bytes_max;  // instead of ServerOptions::body_bytes_max
};

// Finds the handler for a method and a path.
//
//   Router router;
//   router.Add(Method::kGet, "/v1/clients/{client_id}/beneficiaries", ListHandler(models))
//       .Add(Method::kPost, "/v1/beneficiaries/{id}:activate", ActivateHandler(executor));
//   DAYBOOK_ASSIGN_OR_RETURN(auto server, Server::Start(std::move(router), options));
//
// Thread safety: Add from one thread; Find from any number after that.
// Invariants:
//  1. A template is '/'-separated literals and {name} segments; the last segment may end in ":verb". A {name} stands
//     for exactly one segment, not empty.
//  2. A literal wins over a {name}, a {name}:verb over a {name}; the order of Add does not matter. Only an unescaped
//     colon starts a verb: "a%3Ab" and a colon without a matching verb belong to the parameter.
//  3. A route for GET also serves HEAD.
class Router {
 public:
  Router();
  Router(Router&&) noexcept;
  Router& operator=(Router&&) noexcept;
  ~Router();

  // Adds one route. A malformed template and a route that exists already are remembered: see status().
  Router& Add(Method method, std::string_view path_template, Handler handler, RouteOptions options = {});

  // The first error of any Add (kInvalidArgument, kAlreadyExists), naming the template. Server::Start returns it.
  absl::Status status() const;

  struct Route {
    Method method;
    std::string path_template;
    Handler handler;
    RouteOptions options;
  };
  struct Match {
    const Route* route = nullptr;  // null: see `failure`; lives as long as the Router
    absl::InlinedVector<std::pair<std::string_view, std::string>, 4> params;  // template's name, decoded value
    StatusCode failure = StatusCode::kOk;  // 400 bad escape or UTF-8, 404 no such path, 405 other methods only
    std::string allow;                     // with 405: the header's value, "GET, HEAD, PATCH"
  };

  // `path` is percent-encoded, without the query.
  Match Find(Method method, std::string_view path) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// A Handler from a function that answers at once: Response, Problem or absl::StatusOr<Response> from a const Request&.
//
//   router.Add(Method::kGet, "/version", Answering([](const Request&) { return Response(StatusCode::kOk, kJson, "{}");
//   }));
template <class F>
requires std::invocable<const F&, const Request&> Handler Answering(F function) {
  return [function = std::move(function)](Request request, Responder responder) {
    auto answer = function(request);
    if constexpr (requires { answer.status().ok(); }) {
      if (!answer.ok()) return responder.Send(answer.status());
      responder.Send(*std::move(answer));
    } else {
      responder.Send(std::move(answer));
    }
  };
}

// Answers GET for pages that need no more of a request than its query's text: each has a `path` and a function `answer`
// from that text to something with `status`, `content_type` and `body`. Thread safety: as that of the functions.
//
//   AddPages(admin_endpoints.endpoints(), router);
template <class Pages>
void AddPages(const Pages& pages, Router& router) {
  for (const auto& page : pages) {
    router.Add(Method::kGet, page.path, Answering([answer = page.answer](const Request& request) {
                 auto made = answer(request.raw_query());
                 return Response(StatusCode(made.status), made.content_type, std::move(made.body));
               }));
  }
}

}  // namespace daybook::http

#endif  // DAYBOOK_HTTP_ROUTER_H_
