#ifndef BENEFICIARY_GATEWAY_BOS_MAPPING_H_
#define BENEFICIARY_GATEWAY_BOS_MAPPING_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "beneficiary/types/v1/types.pb.h"
#include "daybook/cdc/aggregate_mapping.h"
#include "daybook/core/stream_id.h"

namespace beneficiary {

// A beneficiary's rows as one image: lists in the order of their keys, null and absent text as "".
types::v1::BosImage ImageOf(std::string_view instance, const daybook::cdc::RowTree& beneficiary);

// A time that PostgreSQL can hold as one that RFC 3339 can write: the infinities and years outside 1 to 9999 become the
// first or last microsecond of that range.
std::int64_t ClampTime(std::int64_t micros);

daybook::StreamId BosBeneficiaryStream(std::string_view instance, std::string_view pk);
daybook::StreamId BosClientStream(std::string_view instance, std::string_view pk);

// What a logical message of BOS says its transaction was: the type in the content of a "bos.context", as in
// {"type":"beneficiary.removed"}. "" for other messages, and for a type that is not 1 to 100 of a-z, 0-9, ., _ and -.
std::string ChangeSaidBy(std::string_view prefix, std::string_view content);

// beneficiaries_beneficiary and what hangs on it -> SyncFromBos, ForgetFromBos.
class BeneficiaryMapping final : public daybook::cdc::AggregateMapping {
 public:
  explicit BeneficiaryMapping(std::string instance) : instance_(std::move(instance)) {}

  daybook::StreamId Stream(std::string_view key) const override;
  absl::StatusOr<daybook::cdc::MappedCommand> Sync(std::string_view key,
                                                   const daybook::cdc::RowTree& root) const override;
  daybook::cdc::MappedCommand Forget(std::string_view key) const override;

 private:
  const std::string instance_;
};

// clients_client -> SyncClient, ForgetClient.
class ClientMapping final : public daybook::cdc::AggregateMapping {
 public:
  explicit ClientMapping(std::string instance) : instance_(std::move(instance)) {}

  daybook::StreamId Stream(std::string_view key) const override;
  absl::StatusOr<daybook::cdc::MappedCommand> Sync(std::string_view key,
                                                   const daybook::cdc::RowTree& root) const override;
  daybook::cdc::MappedCommand Forget(std::string_view key) const override;

 private:
  const std::string instance_;
};

}  // namespace beneficiary

#endif  // BENEFICIARY_GATEWAY_BOS_MAPPING_H_
