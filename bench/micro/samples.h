#ifndef DAYBOOK_BENCH_MICRO_SAMPLES_H_
#define DAYBOOK_BENCH_MICRO_SAMPLES_H_

#include "beneficiary/domain/beneficiary.h"

namespace daybook::bench {

// A beneficiary of ordinary size, about 900 bytes as compat JSON: an address, an alias, an e-mail, one SEPA account.
beneficiary::types::v1::BosImage SampleImage();
beneficiary::events::v1::BeneficiaryRegistered SampleRegistered();
beneficiary::state::v1::BeneficiaryState SampleState();

}  // namespace daybook::bench

#endif  // DAYBOOK_BENCH_MICRO_SAMPLES_H_
