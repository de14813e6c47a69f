#include "daybook/codec/message_codec.h"

#include <memory>
#include <set>
#include <utility>
#include <vector>

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

// What a walk over the wire form needs to know of a message type: which fields are strings, and which are messages.
struct WireShape {
  enum class Kind : std::uint8_t { kOther, kString, kMessage };
  struct Field {
    Kind kind = Kind::kOther;
    const FieldDescriptor* descriptor = nullptr;
  };
  std::vector<Field> by_number;  // field numbers up to kDirectMax
  absl::flat_hash_map<std::uint64_t, Field> by_large_number;

  static constexpr int kDirectMax = 255;

  Field Find(std::uint64_t number) const {
    if (number < by_number.size()) return by_number[number];
    if (number <= kDirectMax) return Field();
    const auto it = by_large_number.find(number);
    return it == by_large_number.end() ? Field() : it->second;
  }
};

const WireShape& WireShapeOf(const Descriptor& type) {
  thread_local absl::flat_hash_map<const Descriptor*, std::unique_ptr<const WireShape>> known;
  std::unique_ptr<const WireShape>& shape = known[&type];
  if (shape != nullptr) return *shape;
  auto made = std::make_unique<WireShape>();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    WireShape::Kind kind = WireShape::Kind::kOther;
    if (field.type() == FieldDescriptor::TYPE_STRING) kind = WireShape::Kind::kString;
    if (field.type() == FieldDescriptor::TYPE_MESSAGE) kind = WireShape::Kind::kMessage;
    const auto number = static_cast<std::size_t>(field.number());
    if (number > WireShape::kDirectMax) {
      made->by_large_number[number] = {kind, &field};
    } else {
      if (made->by_number.size() <= number) made->by_number.resize(number + 1);
      made->by_number[number] = {kind, &field};
    }
  }
  shape = std::move(made);
  return *shape;
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

absl::Status CheckSerializedStrings(const Descriptor& type, std::string_view data) {
  const WireShape& shape = WireShapeOf(type);
  while (!data.empty()) {
    std::uint64_t tag = 0;
    std::uint64_t number = 0;
    std::string_view bytes;
    bool whole = ConsumeVarint(data, tag);
    switch (tag & 7) {
      case 0:
        whole = whole && ConsumeVarint(data, number);
        break;
      case 1:
      case 5: {
        const std::size_t size = (tag & 7) == 1 ? 8 : 4;
        whole = whole && data.size() >= size;
        if (whole) data.remove_prefix(size);
        break;
      }
      case 2: {
        whole = whole && ConsumeLengthPrefixed(data, bytes);
        const WireShape::Field field = shape.Find(tag >> 3);
        if (whole && field.kind == WireShape::Kind::kString && !IsValidUtf8(bytes)) {
          return absl::InvalidArgumentError(absl::StrCat(field.descriptor->full_name(), " is not UTF-8"));
        }
        if (whole && field.kind == WireShape::Kind::kMessage) {
          DAYBOOK_RETURN_IF_ERROR(CheckSerializedStrings(*field.descriptor->message_type(), bytes));
        }
        break;
      }
      default:
        whole = false;  // groups are not written by proto3
    }
    if (!whole) return absl::InvalidArgumentError(absl::StrCat(type.full_name(), " is not in wire form"));
  }
  return absl::OkStatus();
}

std::uint64_t SchemaFingerprint(const Descriptor& type) {
  std::string description;
  std::set<const Descriptor*> seen;
  DescribeMessage(type, seen, description);
  return Hash64(description);
}

}  // namespace daybook::codec
