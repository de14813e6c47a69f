#include "beneficiary/domain/internal/fields.h"

#include <algorithm>

namespace beneficiary::internal {

namespace {

namespace types = ::beneficiary::types::v1;

template <class M, class Fields>
void AppendChanged(const M& a, const M& b, const Fields& fields, std::vector<std::string>& out) {
  for (const TextField<M>& field : fields) {
    if ((a.*field.get)() != (b.*field.get)()) out.emplace_back(field.name);
  }
}

template <class M>
void MergeField(const TextField<M>& field, const M& base, const M& theirs, M& ours) {
  const std::string& value = (theirs.*field.get)();
  if (value != (base.*field.get)()) *(ours.*field.edit)() = value;
}

template <class M, class Fields>
void MergeFields(const Fields& fields, const M& base, const M& theirs, M& ours) {
  for (const TextField<M>& field : fields) MergeField(field, base, theirs, ours);
}

void MergeBank(const types::BankAccount& base, const types::BankAccount& theirs, types::BankAccount& ours) {
  if (base.has_bank() != theirs.has_bank()) {
    ours.clear_bank();
    if (theirs.has_bank()) *ours.mutable_bank() = theirs.bank();
    return;
  }
  std::vector<std::string> changed;
  AppendChanged(base.bank(), theirs.bank(), kBankFields, changed);
  if (!changed.empty()) MergeFields(kBankFields, base.bank(), theirs.bank(), *ours.mutable_bank());
}

}  // namespace

std::vector<std::string> ChangedFields(const types::Details& a, const types::Details& b) {
  std::vector<std::string> out;
  AppendChanged(a, b, kDetailsTextFields, out);
  if (a.type() != b.type()) out.emplace_back("type");
  if (a.email_notification() != b.email_notification()) out.emplace_back("email_notification");
  return out;
}

std::vector<std::string> ChangedFields(const types::Address& a, const types::Address& b) {
  std::vector<std::string> out;
  AppendChanged(a, b, kAddressFields, out);
  return out;
}

std::vector<std::string> ChangedFields(const types::Regulatory& a, const types::Regulatory& b) {
  std::vector<std::string> out;
  AppendChanged(a, b, kRegulatoryFields, out);
  return out;
}

std::vector<std::string> ChangedFields(const types::BankAccount& a, const types::BankAccount& b) {
  std::vector<std::string> out;
  AppendChanged(a, b, kAccountTextFields, out);
  AppendChanged(a, b, std::array{kSwiftCodeField}, out);
  AppendChanged(a.bank(), b.bank(), kBankFields, out);
  if (a.has_bank() != b.has_bank()) out.emplace_back("bank");
  if (a.is_default() != b.is_default()) out.emplace_back("is_default");
  if (a.active() != b.active()) out.emplace_back("active");
  if (a.legacy_id() != b.legacy_id()) out.emplace_back("legacy_id");
  return out;
}

bool OwnRowDiffers(const types::BankAccount& a, const types::BankAccount& b) {
  return a.is_default() != b.is_default() || a.active() != b.active() || a.legacy_id() != b.legacy_id() ||
         std::any_of(kAccountTextFields.begin(), kAccountTextFields.end(),
                     [&](const AccountField& field) { return (a.*field.get)() != (b.*field.get)(); });
}

void MergeChanged(const types::Details& base, const types::Details& theirs, types::Details& ours) {
  MergeFields(kDetailsTextFields, base, theirs, ours);
  if (theirs.type() != base.type()) ours.set_type(theirs.type());
  if (theirs.email_notification() != base.email_notification()) {
    ours.set_email_notification(theirs.email_notification());
  }
}

void MergeChanged(const types::Address& base, const types::Address& theirs, types::Address& ours) {
  MergeFields(kAddressFields, base, theirs, ours);
}

void MergeChanged(const types::Regulatory& base, const types::Regulatory& theirs, types::Regulatory& ours) {
  MergeFields(kRegulatoryFields, base, theirs, ours);
}

void MergeChanged(const types::BankAccount& base, const types::BankAccount& theirs, types::BankAccount& ours) {
  MergeFields(kAccountTextFields, base, theirs, ours);
  MergeField(kSwiftCodeField, base, theirs, ours);
  MergeBank(base, theirs, ours);
  if (theirs.is_default() != base.is_default()) ours.set_is_default(theirs.is_default());
  if (theirs.active() != base.active()) ours.set_active(theirs.active());
  if (theirs.legacy_id() != base.legacy_id()) ours.set_legacy_id(theirs.legacy_id());
}

}  // namespace beneficiary::internal
