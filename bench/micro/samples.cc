#include "micro/samples.h"

#include <variant>

#include "daybook/base/check.h"
#include "daybook/base/uuid_source.h"

namespace daybook::bench {
namespace {

constexpr char kId[] = "6f1c0d4e-7b1c-5a53-9d8c-3a5f1f3c2b10";

Context SampleContext() {
  Context context;
  context.now = Timestamp::FromMicros(1'767'323'045'123'456);
  context.command_id = CommandId(NameBasedUuid(kUuidNamespaceDns, "bench"));
  context.stream = StreamId(beneficiary::Beneficiary::kCategory, kId);
  context.ids = &SystemNameBasedIds();
  return context;
}

}  // namespace

beneficiary::types::v1::BosImage SampleImage() {
  beneficiary::types::v1::BosImage image;
  image.set_client_id("EBPCLI000042");
  auto& details = *image.mutable_details();
  details.set_name("Harbor Ember Trading SL");
  details.set_type(beneficiary::types::v1::ENTITY_TYPE_BUSINESS);
  details.set_reference_information("Invoice");
  details.set_reason_for_trade("supplier_payment");
  image.set_active(true);
  image.set_screening_status(beneficiary::types::v1::SCREENING_STATUS_CLEAR);
  auto& address = *image.mutable_address();
  address.set_street_name("Calle de Sevilla");
  address.set_building_number("101");
  address.set_city("Madrid");
  address.set_post_code("28014");
  address.set_country_code("ES");
  auto& alias = *image.add_aliases();
  alias.set_alias("harbor-es");
  alias.set_legacy_id("11");
  auto& email = *image.add_emails();
  email.set_email("ap@harbor.example");
  email.set_legacy_id("12");
  auto& account = *image.add_bank_accounts();
  account.set_id("9b1c0d4e-7b1c-5a53-9d8c-3a5f1f3c2b10");
  account.set_legacy_id("77");
  account.set_account_holder("Harbor Ember Trading SL");
  account.set_currency("EUR");
  account.set_iban("ES9121000418450200051332");
  account.set_swift_code("CAIXESBBXXX");
  account.mutable_bank()->set_name("CaixaBank");
  account.mutable_bank()->set_country_code("ES");
  account.set_is_default(true);
  account.set_active(true);
  image.set_created_at_us(1'767'323'045'123'456);
  image.set_updated_at_us(1'767'323'045'123'456);
  return image;
}

beneficiary::events::v1::BeneficiaryRegistered SampleRegistered() {
  beneficiary::commands::v1::SyncFromBos sync;
  sync.set_instance("uk");
  sync.set_legacy_id("1234");
  *sync.mutable_image() = SampleImage();
  auto decision = beneficiary::Beneficiary::Decide({}, sync, SampleContext());
  DAYBOOK_CHECK(decision.emits(), "a first image registers");
  return std::get<beneficiary::events::v1::BeneficiaryRegistered>(decision.events()[0]);
}

beneficiary::state::v1::BeneficiaryState SampleState() {
  beneficiary::state::v1::BeneficiaryState state;
  beneficiary::Beneficiary::Evolve(state, SampleRegistered());
  beneficiary::events::v1::SyncedFromBos synced;
  *synced.mutable_image() = SampleImage();
  beneficiary::Beneficiary::Evolve(state, synced);
  return state;
}

}  // namespace daybook::bench
