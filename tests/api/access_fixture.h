#ifndef DAYBOOK_TESTS_API_ACCESS_FIXTURE_H_
#define DAYBOOK_TESTS_API_ACCESS_FIXTURE_H_

#include <memory>
#include <string>

#include "beneficiary/api/admission.h"
#include "tests/api/api_fixture.h"

namespace beneficiary {

inline constexpr char kOtherClientId[] = "EBPCLI000043";

// An admission that restricts callers to the clients that a header lists.
inline std::shared_ptr<api::Admission> Restricting() {
  api::AdmissionOptions options;
  options.read_clients_header = "X-Read-Clients";
  options.write_clients_header = "X-Write-Clients";
  return std::make_shared<api::Admission>(std::move(options));
}

// What the gateway says of a beneficiary of this client at BOS.
inline commands::v1::SyncFromBos SyncFor(const std::string& client_id) {
  commands::v1::SyncFromBos command;
  command.set_instance("uk");
  command.set_legacy_id("7");
  types::v1::BosImage& image = *command.mutable_image();
  image.set_client_id(client_id);
  image.mutable_details()->set_name("Acme Iberia SL");
  image.mutable_details()->set_type(types::v1::ENTITY_TYPE_BUSINESS);
  image.set_active(true);
  types::v1::BankAccount& account = *image.add_bank_accounts();
  account.set_id("00000000-0000-5000-8000-000000000007");
  account.set_legacy_id("7");
  account.set_currency("EUR");
  account.set_iban("ES9121000418450200051332");
  account.mutable_bank()->set_country_code("ES");
  account.set_active(true);
  return command;
}

// A beneficiary that BOS has given to kClientId, behind an edge that restricts callers.
class AccessFixture : public ApiTest {
 protected:
  static constexpr char kId[] = "00000000-0000-5000-8000-000000000001";
  static constexpr char kAccount[] = "00000000-0000-5000-8000-000000000007";
  static constexpr char kUnknownId[] = "00000000-0000-5000-8000-0000000000ff";

  void SetUp() override {
    ApiTest::SetUp();
    admission_ = Restricting();
    api::RestOptions options;
    options.admission = admission_;
    Serve({.compat_instance = "uk"}, options);
    BosSays(SyncFor(kClientId));
    for (const char* client : {kClientId, kOtherClientId}) BosHasClient(client);
  }

  void BosSays(const commands::v1::SyncFromBos& command) {
    const auto outcome = engine_->beneficiaries().ExecuteAndWait(kId, command, {});
    ASSERT_TRUE(outcome.ok()) << outcome.status();
    WaitUntilShown(outcome->position);
  }
  void BosHasClient(const std::string& client_id) {
    commands::v1::SyncClient client;
    client.set_instance("uk");
    client.set_legacy_id(client_id.substr(6));
    client.set_client_id(client_id);
    const auto outcome = engine_->clients().ExecuteAndWait("client-" + client_id, client, {});
    ASSERT_TRUE(outcome.ok()) << outcome.status();
    WaitUntilShown(outcome->position);
  }
  void WaitUntilShown(daybook::Position position) {
    absl::Notification shown;
    engine_->runner().WhenReached(engine_->runner().Names(), position, absl::Seconds(20), [&](absl::Status status) {
      EXPECT_TRUE(status.ok()) << status;
      shown.Notify();
    });
    shown.WaitForNotification();
  }
  daybook::Revision RevisionOf(std::string_view id) {
    const auto loaded = engine_->beneficiaries().Load(id);
    EXPECT_TRUE(loaded.ok()) << loaded.status();
    return loaded.ok() ? loaded->revision : daybook::Revision();
  }

  std::shared_ptr<api::Admission> admission_;
};

}  // namespace beneficiary

#endif  // DAYBOOK_TESTS_API_ACCESS_FIXTURE_H_
