#include "daybook/http/internal/exchange.h"

#include "daybook/base/check.h"
#include "daybook/base/log.h"
#include "daybook/http/internal/connection.h"
#include "daybook/http/problem.h"
#include "daybook/http/request.h"
#include "daybook/http/responder.h"

namespace daybook::http {
namespace internal {

Exchange::~Exchange() {
  if (budget_ != nullptr) budget_->GiveBack(charged_);
}

bool Exchange::ChargeBody(const std::shared_ptr<BodyBudget>& budget) {
  const std::size_t grown = parser.get().body().size() - charged_;
  if (!budget->Take(grown)) return false;
  budget_ = budget;
  charged_ += grown;
  return true;
}

void Exchange::Attach(Connection* connection) {
  absl::MutexLock lock(&mu_);
  connection_ = connection;
}

void Exchange::Detach() {
  absl::MutexLock lock(&mu_);
  connection_ = nullptr;
}

void Exchange::Answer(Response response) {
  Connection* own = nullptr;
  {
    absl::MutexLock lock(&mu_);
    if (connection_ == nullptr) return;
    if (connection_->OnOwnThread()) {
      own = connection_;
    } else {
      // Under the lock: while the connection is attached, its thread's queue exists.
      connection_->PostAnswer(this, std::move(response));
    }
  }
  if (own != nullptr) own->OnAnswer(this, std::move(response));
}

}  // namespace internal

Method Request::method() const { return exchange_->method; }
std::string_view Request::target() const { return exchange_->target(); }
std::string_view Request::path() const { return exchange_->path; }
std::string_view Request::raw_query() const { return exchange_->raw_query; }
std::string_view Request::route() const { return exchange_->match.route->path_template; }
std::string_view Request::body() const { return exchange_->parser.get().body(); }
std::string_view Request::peer() const { return exchange_->peer; }

std::string_view Request::PathParam(std::string_view name) const {
  for (const auto& [param_name, value] : exchange_->match.params) {
    if (param_name == name) return value;
  }
  DAYBOOK_CHECK(false, "the route's template has no such parameter");
  return {};
}

std::optional<std::string_view> Request::Header(std::string_view name) const {
  const auto& fields = exchange_->parser.get();
  const auto it = fields.find(boost::beast::string_view(name.data(), name.size()));
  if (it == fields.end()) return std::nullopt;
  return internal::ToStdView(it->value());
}

std::vector<std::string_view> Request::HeaderAll(std::string_view name) const {
  std::vector<std::string_view> values;
  const auto [begin, end] = exchange_->parser.get().equal_range(boost::beast::string_view(name.data(), name.size()));
  for (auto it = begin; it != end; ++it) values.push_back(internal::ToStdView(it->value()));
  return values;
}

std::vector<std::pair<std::string_view, std::string_view>> Request::headers() const {
  std::vector<std::pair<std::string_view, std::string_view>> all;
  for (const auto& field : exchange_->parser.get()) {
    all.emplace_back(internal::ToStdView(field.name_string()), internal::ToStdView(field.value()));
  }
  return all;
}

Responder& Responder::operator=(Responder&& other) {
  if (this != &other) {
    Responder old(std::move(*this));
    exchange_ = std::move(other.exchange_);
  }
  return *this;
}

Responder::~Responder() {
  if (exchange_ == nullptr) return;
  Log(LogLevel::kError, "a handler dropped a request without an answer",
      {{"route", exchange_->match.route->path_template}});
  Send(Problem(StatusCode::kInternalServerError));
}

void Responder::Send(Response response) {
  DAYBOOK_CHECK(exchange_ != nullptr, "a request is answered once");
  const std::shared_ptr<internal::Exchange> exchange = std::move(exchange_);
  exchange->Answer(std::move(response));
}

void Responder::Send(Problem problem) {
  DAYBOOK_CHECK(exchange_ != nullptr, "a request is answered once");
  if (problem.instance.empty()) problem.instance = std::string(exchange_->path);
  Send(ToResponse(problem));
}

void Responder::Send(const absl::Status& status) {
  DAYBOOK_CHECK(exchange_ != nullptr, "a request is answered once");
  Problem problem = ProblemOf(status);
  if (problem.status == StatusCode::kInternalServerError) {
    Log(LogLevel::kError, "a request failed",
        {{"route", exchange_->match.route->path_template}, {"status", status.ToString()}});
  }
  Send(std::move(problem));
}

}  // namespace daybook::http
