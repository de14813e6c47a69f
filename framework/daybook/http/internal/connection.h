#ifndef DAYBOOK_HTTP_INTERNAL_CONNECTION_H_
#define DAYBOOK_HTTP_INTERNAL_CONNECTION_H_

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <cstddef>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "daybook/http/internal/channel.h"
#include "daybook/http/internal/exchange.h"
#include "daybook/http/internal/shard.h"
#include "daybook/http/problem.h"
#include "daybook/http/response.h"

namespace daybook::http::internal {

// One client's connection: reads a request, has it answered, writes, and reads the next. Lives on its shard's thread;
// only PostAnswer and OnOwnThread are for others.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Shard& shard, Socket socket);
  ~Connection();

  void Start();
  // Answers 503 and closes, without reading.
  void StartRefusing();
  // Closes at once; an answer under way is lost.
  void Close();
  // Acts on a time-out that has passed.
  void CheckDeadline(absl::Duration now);
  // The server is draining: true if there is nothing to wait for.
  bool IsQuiet() const { return state_ == State::kHandshake || (state_ == State::kIdle && buffer_.size() == 0); }

  bool OnOwnThread() const { return shard_.OnOwnThread(); }
  // The answer to the request being handled; dropped if `exchange` is no longer that.
  void OnAnswer(const Exchange* exchange, Response response);
  // The same from another thread.
  void PostAnswer(Exchange* exchange, Response response);

  // The shard's bookkeeping.
  ConnectionList::iterator place;
  ConnectionList* list = nullptr;

 private:
  enum class State { kHandshake, kIdle, kHead, kBody, kHandling, kWriting, kGoodbye, kLingering, kClosed };
  enum class Next { kContinue, kWait };

  void Handshake(void (Connection::*then)());
  void BeginServing();
  void Refuse();
  void Read();
  void OnRead(const boost::system::error_code& error, std::size_t size);
  void Process();
  Next ParseHead();
  Next OnHead();
  void TellToGoOn();
  // Checks that need no route: version, Host, framing, expectations. False: already rejected.
  bool CheckHead();
  Next ParseBody();
  Next Dispatch();
  void ResolveTarget();

  // Answers in place of a handler and closes when that is written.
  Next Reject(Problem problem, std::string_view allow = {});
  Next RejectParse(const boost::system::error_code& error);
  void WriteResponse(Response response);
  void BuildHead(const Response& response);
  std::array<boost::asio::const_buffer, 2> Unwritten() const;
  void Write();
  void OnWritten(const boost::system::error_code& error, std::size_t size);
  void Finish();
  void Linger();
  void SayGoodbye();
  void Enter(State state, absl::Duration limit);
  void DropExchange();

  Shard& shard_;
  Channel channel_;
  std::string peer_;
  State state_ = State::kIdle;
  absl::Duration deadline_ = absl::InfiniteDuration();
  bool reading_ = false;     // a read is under way
  bool telling_ = false;     // "100 Continue" is on its way
  bool processing_ = false;  // Process is on the stack
  bool keep_alive_ = true;
  bool input_left_ = false;  // the client may still be sending what nobody will read

  boost::beast::flat_buffer buffer_;
  std::shared_ptr<Exchange> exchange_;

  std::string head_;  // of the answer; its memory is used again
  Response response_{StatusCode::kOk};
  bool send_body_ = true;
  std::size_t written_ = 0;  // of head_ and body together
};

}  // namespace daybook::http::internal

#endif  // DAYBOOK_HTTP_INTERNAL_CONNECTION_H_
