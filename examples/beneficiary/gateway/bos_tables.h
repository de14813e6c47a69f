#ifndef BENEFICIARY_GATEWAY_BOS_TABLES_H_
#define BENEFICIARY_GATEWAY_BOS_TABLES_H_

#include "daybook/cdc/table_schema.h"

namespace beneficiary {

// Number of each aggregate in BosCatalog, and so of its mapping.
inline constexpr int kBeneficiaryAggregate = 0;
inline constexpr int kClientAggregate = 1;

// BOS's captured tables, and how their rows make up a beneficiary and a client.
//
//   beneficiaries_beneficiary ─ client ─ clients_client
//                             ├ address ─ core_address
//                             ├ bank_accounts ─ core_bankaccount (kind 'beneficiary') ─ bank ─ core_bank
//                             │                                                           └ address ─ core_address
//                             ├ aliases, emails, regulatory
//   clients_client
const daybook::cdc::Catalog& BosCatalog();

}  // namespace beneficiary

#endif  // BENEFICIARY_GATEWAY_BOS_TABLES_H_
