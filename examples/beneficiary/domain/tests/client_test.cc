#include "beneficiary/domain/client.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

#include "daybook/testing/spec.h"

namespace beneficiary {
namespace {

using ClientSpec = daybook::testing::Spec<Client>;

commands::v1::SyncClient Sync(std::string client_id, std::string name, std::string status) {
  commands::v1::SyncClient c;
  c.set_instance("uk");
  c.set_legacy_id("42");
  c.set_client_id(std::move(client_id));
  c.set_name(std::move(name));
  c.set_status(std::move(status));
  return c;
}

events::v1::ClientListed Listed(std::string client_id, std::string name, std::string status) {
  events::v1::ClientListed e;
  e.set_instance("uk");
  e.set_legacy_id("42");
  e.set_client_id(std::move(client_id));
  e.set_name(std::move(name));
  e.set_status(std::move(status));
  return e;
}

events::v1::ClientChanged Changed(std::string client_id, std::string name, std::string status, std::string previous,
                                  std::initializer_list<const char*> changed) {
  events::v1::ClientChanged e;
  e.set_client_id(std::move(client_id));
  e.set_name(std::move(name));
  e.set_status(std::move(status));
  e.set_previous_client_id(std::move(previous));
  for (const char* field : changed) e.add_changed(field);
  return e;
}

const auto kAcme = Listed("EBPCLI000042", "Acme", "active");

TEST(ClientSpec, AClientIsListedOnce) {
  ClientSpec().When(Sync("EBPCLI000042", "Acme", "active")).Then(kAcme).ThenRetryIsUnchanged();
}

TEST(ClientSpec, AChangeNamesWhatDiffers) {
  ClientSpec()
      .Given(kAcme)
      .When(Sync("EBPCLI000042", "Acme Ltd", "active"))
      .Then(Changed("EBPCLI000042", "Acme Ltd", "active", "EBPCLI000042", {"name"}))
      .ThenRetryIsUnchanged();
  ClientSpec()
      .Given(kAcme)
      .When(Sync("EBPCLI000043", "Acme", "closed"))
      .Then(Changed("EBPCLI000043", "Acme", "closed", "EBPCLI000042", {"client_id", "status"}));
}

TEST(ClientSpec, AForgottenClientIsRemovedAndListedAnewWhenItComesAgain) {
  const events::v1::ClientRemoved removed;
  ClientSpec().Given(kAcme).When(commands::v1::ForgetClient()).Then(removed).ThenRetryIsUnchanged();
  ClientSpec().Given(kAcme, removed).When(Sync("EBPCLI000042", "Acme", "active")).Then(kAcme);
  ClientSpec().When(commands::v1::ForgetClient()).ThenNothing();
}

}  // namespace
}  // namespace beneficiary
