#ifndef BENEFICIARY_DOMAIN_IDENTITY_H_
#define BENEFICIARY_DOMAIN_IDENTITY_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "daybook/core/uuid.h"

namespace beneficiary {

// How things are named for ever: every id is a UUIDv5 below kNamespace of one of these names.
//
//   Uuid id = daybook::NameBasedUuid(kNamespace, BosBeneficiaryName("uk", "1234"));   // the stream key is its text
//
// Thread safety: pure functions.

// UUIDv5(DNS name space, "beneficiary.daybook") = 157402e8-078d-5764-bea8-198235e56fd6.
inline constexpr daybook::Uuid kNamespace({0x15, 0x74, 0x02, 0xe8, 0x07, 0x8d, 0x57, 0x64, 0xbe, 0xa8, 0x19, 0x82, 0x35,
                                           0xe5, 0x6f, 0xd6});

// "bos-<instance>:beneficiary:<pk>", "bos-<instance>:bank_account:<pk>", "bos-<instance>:client:<pk>".
std::string BosBeneficiaryName(std::string_view instance, std::string_view pk);
std::string BosBankAccountName(std::string_view instance, std::string_view pk);
std::string BosClientName(std::string_view instance, std::string_view pk);

// "<command id>:<index>", the name of the index-th account that a command creates. A beneficiary created here is named
// by the command id's text alone.
std::string CreatedBankAccountName(const daybook::CommandId& command_id, std::size_t index);

// Orders primary keys of BOS as the numbers they are: "9" before "10", "-1" before "0". Text that is no number comes
// after all numbers, bytewise. Negative, zero or positive, like std::string_view::compare.
int CompareLegacyIds(std::string_view a, std::string_view b);

}  // namespace beneficiary

#endif  // BENEFICIARY_DOMAIN_IDENTITY_H_
