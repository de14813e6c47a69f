#ifndef DAYBOOK_HTTP_RESPONDER_H_
#define DAYBOOK_HTTP_RESPONDER_H_

#include <memory>
#include <utility>

#include "daybook/http/problem.h"
#include "daybook/http/request.h"
#include "daybook/http/response.h"

namespace daybook::http {

// The right and the duty to answer one request, once.
//
//   executor.Execute(command, [responder = std::move(responder)](auto outcome) mutable {
//     responder.Send(Response(StatusCode::kOk, kJson, Render(outcome)));
//   });
//
// Thread safety: may move to and answer from any thread; one thread at a time. It may outlive the Server.
// Invariants:
//  1. Exactly one Send; a second one is a broken program (checked).
//  2. Destroyed without one, it answers a 500 problem and logs the route.
//  3. If the client has gone, the answer is dropped silently.
class Responder {
 public:
  // For the server.
  explicit Responder(std::shared_ptr<internal::Exchange> exchange) : exchange_(std::move(exchange)) {}
  Responder(Responder&&) = default;
  Responder& operator=(Responder&& other);
  ~Responder();

  // Answers. Never blocks: on the connection's own I/O thread it writes at once, elsewhere it hands over to that
  // thread.
  void Send(Response response);
  void Send(Problem problem);

  // Answers ProblemOf(status); a status that becomes 500 is logged with its message.
  void Send(const absl::Status& status);

 private:
  std::shared_ptr<internal::Exchange> exchange_;
};

}  // namespace daybook::http

#endif  // DAYBOOK_HTTP_RESPONDER_H_
