#ifndef DAYBOOK_TESTS_SCHEMA_COMPAT_STORED_SCHEMAS_H_
#define DAYBOOK_TESTS_SCHEMA_COMPAT_STORED_SCHEMAS_H_

#include "beneficiary/commands/v1/commands.pb.h"
#include "beneficiary/events/v1/events.pb.h"
#include "beneficiary/state/v1/state.pb.h"
#include "beneficiary/types/v1/types.pb.h"
#include "daybook/codec/schema_compatibility.h"
#include "daybook/v1/envelope.pb.h"
#include "daybook/v1/outcome.pb.h"
#include "google/protobuf/descriptor.pb.h"

namespace daybook {

// Every message that reaches the disk, as it is today.
inline google::protobuf::FileDescriptorSet StoredSchemas() {
  return codec::DescribeSchemas({
      v1::Envelope::descriptor()->file(),
      v1::Outcome::descriptor()->file(),
      beneficiary::types::v1::Details::descriptor()->file(),
      beneficiary::events::v1::BeneficiaryRegistered::descriptor()->file(),
      beneficiary::state::v1::BeneficiaryState::descriptor()->file(),
      beneficiary::commands::v1::RegisterBeneficiary::descriptor()->file(),
  });
}

}  // namespace daybook

#endif  // DAYBOOK_TESTS_SCHEMA_COMPAT_STORED_SCHEMAS_H_
