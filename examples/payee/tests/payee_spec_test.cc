#include <gtest/gtest.h>

#include "daybook/testing/spec.h"
#include "payee/payee.h"

namespace payee {
namespace {

using daybook::Code;

// [spec]
using PayeeSpec = daybook::testing::Spec<Payee>;

v1::Register Register(const char* name) {
  v1::Register command;
  command.set_name(name);
  return command;
}
v1::Suspend Suspend(const char* reason) {
  v1::Suspend command;
  command.set_reason(reason);
  return command;
}
v1::Registered Registered(const char* name) {
  v1::Registered event;
  event.set_name(name);
  return event;
}
v1::Suspended Suspended(const char* reason, std::int64_t at_ms) {
  v1::Suspended event;
  event.set_reason(reason);
  event.set_suspended_at_us(at_ms * 1000);
  return event;
}

TEST(PayeeSpec, IsSuspendedOnce) {
  PayeeSpec().Given(Registered("Alice")).At(1700).When(Suspend("fraud")).Then(Suspended("fraud", 1700));
  PayeeSpec().Given(Registered("Alice"), Suspended("fraud", 1)).When(Suspend("fraud")).ThenNothing();
  PayeeSpec().When(Suspend("fraud")).ThenRejected(Code::kNotFound, "NOT_REGISTERED");
}
// [spec]

TEST(PayeeSpec, IsRegisteredUnderOneName) {
  PayeeSpec().When(Register("Alice")).Then(Registered("Alice")).ThenRetryIsUnchanged();
  PayeeSpec().Given(Registered("Alice")).When(Register("Bob")).ThenRejected(Code::kAlreadyExists, "REGISTERED");
  PayeeSpec().When(Register("")).ThenRejected(Code::kInvalidArgument, "NAME_MISSING", {"/name"});
}

}  // namespace
}  // namespace payee
