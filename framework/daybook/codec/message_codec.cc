#include "daybook/codec/message_codec.h"

#include <set>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "daybook/base/hash.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"

namespace daybook::codec {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

bool HoldsMaps(const Descriptor& type, std::set<const Descriptor*>& seen) {
  if (!seen.insert(&type).second) return false;
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (field.is_map()) return true;
    if (field.message_type() != nullptr && HoldsMaps(*field.message_type(), seen)) return true;
  }
  return false;
}

// Only map entries have an order to choose; without maps the quick way writes the same bytes.
bool NeedsSortedMaps(const Descriptor& type) {
  thread_local absl::flat_hash_map<const Descriptor*, bool> known;
  const auto it = known.find(&type);
  if (it != known.end()) return it->second;
  std::set<const Descriptor*> seen;
  return known[&type] = HoldsMaps(type, seen);
}

absl::Status CheckString(const FieldDescriptor& field, const std::string& value) {
  if (IsValidUtf8(value)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(field.full_name(), " is not UTF-8"));
}

absl::Status CheckField(const Message& message, const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  std::string scratch;
  if (field.type() == FieldDescriptor::TYPE_STRING) {
    if (!field.is_repeated()) return CheckString(field, reflection.GetStringReference(message, &field, &scratch));
    for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
      DAYBOOK_RETURN_IF_ERROR(CheckString(field, reflection.GetRepeatedStringReference(message, &field, i, &scratch)));
    }
  } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    if (!field.is_repeated()) return CheckStrings(reflection.GetMessage(message, &field));
    for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
      DAYBOOK_RETURN_IF_ERROR(CheckStrings(reflection.GetRepeatedMessage(message, &field, i)));
    }
  }
  return absl::OkStatus();
}

void DescribeEnum(const EnumDescriptor& type, std::string& out) {
  for (int i = 0; i < type.value_count(); ++i) {
    absl::StrAppend(&out, " ", type.value(i)->name(), "=", type.value(i)->number());
  }
}

void DescribeMessage(const Descriptor& type, std::set<const Descriptor*>& seen, std::string& out) {
  if (!seen.insert(&type).second) return;
  absl::StrAppend(&out, "message ", type.full_name(), "\n");
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    absl::StrAppend(&out, field.number(), " ", field.name(), " ", field.type_name(), " ", field.label(),
                    field.has_presence() ? " presence" : "");
    if (field.enum_type() != nullptr) DescribeEnum(*field.enum_type(), out);
    if (field.message_type() != nullptr) absl::StrAppend(&out, " ", field.message_type()->full_name());
    absl::StrAppend(&out, "\n");
  }
  for (int i = 0; i < type.field_count(); ++i) {
    if (type.field(i)->message_type() != nullptr) DescribeMessage(*type.field(i)->message_type(), seen, out);
  }
}

}  // namespace

void AppendDeterministically(const Message& message, std::string& out) {
  if (!NeedsSortedMaps(*message.GetDescriptor())) {
    const std::size_t before = out.size();
    const std::size_t size = message.ByteSizeLong();
    out.resize(before + size);
    message.SerializeWithCachedSizesToArray(reinterpret_cast<std::uint8_t*>(out.data() + before));
    return;
  }
  google::protobuf::io::StringOutputStream stream(&out);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  message.SerializeToCodedStream(&coded);
}

std::string SerializeDeterministically(const Message& message) {
  std::string out;
  AppendDeterministically(message, out);
  return out;
}

absl::Status ParseStrictly(std::string_view data, Message& message) {
  constexpr std::size_t kSizeMax = 0x7fffffff;  // protobuf's own limit
  if (data.size() <= kSizeMax && message.ParseFromArray(data.data(), static_cast<int>(data.size()))) [[likely]]
    return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat(message.GetDescriptor()->full_name(), " does not parse from its ", data.size(), " bytes"));
}

absl::Status CheckStrings(const Message& message) {
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) DAYBOOK_RETURN_IF_ERROR(CheckField(message, *field));
  return absl::OkStatus();
}

std::uint64_t SchemaFingerprint(const Descriptor& type) {
  std::string description;
  std::set<const Descriptor*> seen;
  DescribeMessage(type, seen, description);
  return Hash64(description);
}

}  // namespace daybook::codec
