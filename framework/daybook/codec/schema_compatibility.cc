#include "daybook/codec/schema_compatibility.h"

#include <algorithm>
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "daybook/base/strings.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/text_format.h"

namespace daybook::codec {
namespace {

using google::protobuf::DescriptorProto;
using google::protobuf::EnumDescriptorProto;
using google::protobuf::FieldDescriptorProto;
using google::protobuf::FileDescriptor;
using google::protobuf::FileDescriptorProto;
using google::protobuf::FileDescriptorSet;

void Collect(const FileDescriptor& file, std::map<std::string, const FileDescriptor*>& files) {
  if (!files.emplace(file.name(), &file).second) return;
  for (int i = 0; i < file.dependency_count(); ++i) Collect(*file.dependency(i), files);
}

// Every message and enum of a set by its full name.
struct Types {
  std::map<std::string, const DescriptorProto*> messages;
  std::map<std::string, const EnumDescriptorProto*> enums;

  explicit Types(const FileDescriptorSet& schemas) {
    for (const FileDescriptorProto& file : schemas.file()) {
      const std::string scope = file.package().empty() ? "" : file.package() + ".";
      for (const DescriptorProto& message : file.message_type()) Add(scope, message);
      for (const EnumDescriptorProto& type : file.enum_type()) enums[scope + type.name()] = &type;
    }
  }
  void Add(const std::string& scope, const DescriptorProto& message) {
    const std::string name = scope + message.name();
    messages[name] = &message;
    for (const DescriptorProto& nested : message.nested_type()) Add(name + ".", nested);
    for (const EnumDescriptorProto& type : message.enum_type()) enums[name + "." + type.name()] = &type;
  }
};

std::string TypeText(const FieldDescriptorProto& field) {
  const std::string type =
      field.type_name().empty() ? FieldDescriptorProto::Type_Name(field.type()) : field.type_name();
  return absl::StrCat(field.label() == FieldDescriptorProto::LABEL_REPEATED ? "repeated " : "", type);
}

// "" = in none; the oneof that stands for `optional` is none.
std::string OneofOf(const DescriptorProto& message, const FieldDescriptorProto& field) {
  if (!field.has_oneof_index() || field.proto3_optional()) return "";
  return message.oneof_decl(field.oneof_index()).name();
}

bool IsReserved(const DescriptorProto& message, int number) {
  return std::any_of(message.reserved_range().begin(), message.reserved_range().end(),
                     [&](const auto& range) { return number >= range.start() && number < range.end(); });
}
bool IsReserved(const EnumDescriptorProto& type, int number) {
  return std::any_of(type.reserved_range().begin(), type.reserved_range().end(),
                     [&](const auto& range) { return number >= range.start() && number <= range.end(); });
}
template <class Type>
bool IsReserved(const Type& type, const std::string& name) {
  return std::find(type.reserved_name().begin(), type.reserved_name().end(), name) != type.reserved_name().end();
}

template <class List>
auto FindByNumber(const List& list, int number) -> decltype(&*list.begin()) {
  const auto it = std::find_if(list.begin(), list.end(), [&](const auto& item) { return item.number() == number; });
  return it == list.end() ? nullptr : &*it;
}
template <class List>
auto FindByName(const List& list, const std::string& name) -> decltype(&*list.begin()) {
  const auto it = std::find_if(list.begin(), list.end(), [&](const auto& item) { return item.name() == name; });
  return it == list.end() ? nullptr : &*it;
}

void CompareField(const std::string& place, const DescriptorProto& before, const FieldDescriptorProto& old,
                  const DescriptorProto& after, std::vector<std::string>& findings) {
  const FieldDescriptorProto* const same_name = FindByName(after.field(), old.name());
  if (same_name != nullptr && same_name->number() != old.number()) {
    findings.push_back(absl::StrCat(place, " is renumbered from ", old.number(), " to ", same_name->number(),
                                    ": stored bytes keep the old number. Give it back, or add a new field"));
    return;
  }
  const FieldDescriptorProto* const now = FindByNumber(after.field(), old.number());
  if (now == nullptr) {
    if (!IsReserved(after, old.number()) || !IsReserved(after, old.name())) {
      findings.push_back(absl::StrCat(place, " (number ", old.number(), ") is removed without reserve: add \"reserved ",
                                      old.number(), "; reserved \"", old.name(), "\";\" so that nobody uses it again"));
    }
    return;
  }
  if (TypeText(*now) != TypeText(old)) {
    findings.push_back(absl::StrCat(place, " (number ", old.number(), ") is retyped from ", TypeText(old), " to ",
                                    TypeText(*now),
                                    ": stored bytes would be misread. Add a new field, or a new "
                                    "message type with an upcaster"));
  }
  if (OneofOf(after, *now) != OneofOf(before, old)) {
    findings.push_back(absl::StrCat(place, " (number ", old.number(),
                                    ") is moved into or out of a oneof: stored "
                                    "messages that hold both fields would lose one"));
  }
}

void CompareEnum(const std::string& name, const EnumDescriptorProto& before, const EnumDescriptorProto& after,
                 std::vector<std::string>& findings) {
  for (const auto& old : before.value()) {
    const std::string place = absl::StrCat(name, ".", old.name());
    const auto* const same_name = FindByName(after.value(), old.name());
    if (same_name != nullptr && same_name->number() != old.number()) {
      findings.push_back(absl::StrCat(place, " is renumbered from ", old.number(), " to ", same_name->number(),
                                      ": stored bytes keep the old number. Give it back"));
    } else if (FindByNumber(after.value(), old.number()) == nullptr && !IsReserved(after, old.number())) {
      findings.push_back(absl::StrCat(place, " (number ", old.number(), ") is removed without reserve: add \"reserved ",
                                      old.number(), ";\" so that nobody uses it again"));
    }
  }
}

}  // namespace

FileDescriptorSet DescribeSchemas(const std::vector<const FileDescriptor*>& files) {
  std::map<std::string, const FileDescriptor*> all;
  for (const FileDescriptor* file : files) Collect(*file, all);
  FileDescriptorSet schemas;
  for (const auto& named : all) named.second->CopyTo(schemas.add_file());
  return schemas;
}

std::string FormatSchemas(const FileDescriptorSet& schemas) {
  google::protobuf::TextFormat::Printer printer;
  std::string text;
  if (!printer.PrintToString(schemas, &text)) text.clear();
  return text;
}

absl::StatusOr<FileDescriptorSet> ParseSchemas(std::string_view text) {
  struct Errors final : google::protobuf::io::ErrorCollector {
    void AddError(int line, int column, const std::string& message) override {
      absl::StrAppend(&all, line + 1, ":", column + 1, ": ", message, "; ");
    }
    std::string all;
  };
  Errors errors;
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&errors);
  FileDescriptorSet schemas;
  if (!parser.ParseFromString(std::string(text), &schemas)) {
    return absl::InvalidArgumentError(absl::StrCat("no schema snapshot: ", errors.all));
  }
  return schemas;
}

std::vector<std::string> FindSchemaBreaks(const FileDescriptorSet& before, const FileDescriptorSet& after) {
  const Types old_types(before);
  const Types new_types(after);
  std::vector<std::string> findings;
  for (const auto& old : old_types.messages) {
    const auto now = new_types.messages.find(old.first);
    if (now == new_types.messages.end()) {
      findings.push_back(absl::StrCat("message ", old.first,
                                      " is gone: stored events of the type could not be read. Keep it, and upcast it"));
      continue;
    }
    for (const FieldDescriptorProto& field : old.second->field()) {
      CompareField(absl::StrCat(old.first, ".", field.name()), *old.second, field, *now->second, findings);
    }
  }
  for (const auto& old : old_types.enums) {
    const auto now = new_types.enums.find(old.first);
    if (now == new_types.enums.end()) {
      findings.push_back(absl::StrCat("enum ", old.first, " is gone: keep it"));
    } else {
      CompareEnum(old.first, *old.second, *now->second, findings);
    }
  }
  return findings;
}

}  // namespace daybook::codec
