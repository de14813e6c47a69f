#include "daybook/codec/schema_compatibility.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "google/protobuf/descriptor.pb.h"

namespace daybook::codec {
namespace {

using google::protobuf::DescriptorProto;
using google::protobuf::EnumDescriptorProto;
using google::protobuf::FileDescriptorSet;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::string_view kBefore = R"(
file {
  name: "acme.proto" package: "acme.v1" syntax: "proto3"
  message_type {
    name: "Opened"
    field { name: "owner" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING }
    field { name: "limit" number: 2 label: LABEL_OPTIONAL type: TYPE_INT64 }
    field { name: "kind" number: 3 label: LABEL_OPTIONAL type: TYPE_ENUM type_name: ".acme.v1.Kind" }
    field { name: "card" number: 4 label: LABEL_OPTIONAL type: TYPE_STRING oneof_index: 0 }
    field { name: "cash" number: 5 label: LABEL_OPTIONAL type: TYPE_STRING oneof_index: 0 }
    nested_type { name: "Inner" field { name: "a" number: 1 label: LABEL_OPTIONAL type: TYPE_BYTES } }
    oneof_decl { name: "means" }
  }
  enum_type { name: "Kind" value { name: "KIND_NONE" number: 0 } value { name: "KIND_A" number: 1 } }
})";

class SchemaCompatibilityTest : public ::testing::Test {
 protected:
  DescriptorProto& Opened() { return *after_.mutable_file(0)->mutable_message_type(0); }
  EnumDescriptorProto& Kind() { return *after_.mutable_file(0)->mutable_enum_type(0); }
  std::vector<std::string> Findings() { return FindSchemaBreaks(before_, after_); }

  const FileDescriptorSet before_ = *ParseSchemas(kBefore);
  FileDescriptorSet after_ = before_;
};

TEST_F(SchemaCompatibilityTest, TheSameIsCompatible) { EXPECT_THAT(Findings(), ElementsAre()); }

TEST_F(SchemaCompatibilityTest, AdditionsAndNewNamesAreCompatible) {
  Opened().mutable_field(0)->set_name("holder");
  auto& added = *Opened().add_field();
  added.set_name("since");
  added.set_number(6);
  added.set_type(google::protobuf::FieldDescriptorProto::TYPE_INT64);
  Kind().add_value()->set_number(2);
  after_.mutable_file(0)->add_message_type()->set_name("Closed");
  EXPECT_THAT(Findings(), ElementsAre());
}

TEST_F(SchemaCompatibilityTest, ARenumberedFieldIsFound) {
  Opened().mutable_field(1)->set_number(7);
  EXPECT_THAT(Findings(), ElementsAre(HasSubstr("acme.v1.Opened.limit is renumbered from 2 to 7")));
}

TEST_F(SchemaCompatibilityTest, ARetypedFieldIsFound) {
  Opened().mutable_field(1)->set_type(google::protobuf::FieldDescriptorProto::TYPE_STRING);
  EXPECT_THAT(Findings(), ElementsAre(HasSubstr("acme.v1.Opened.limit (number 2) is retyped from TYPE_INT64")));
}

TEST_F(SchemaCompatibilityTest, AFieldThatBecomesRepeatedIsFound) {
  Opened().mutable_field(0)->set_label(google::protobuf::FieldDescriptorProto::LABEL_REPEATED);
  EXPECT_THAT(Findings(), ElementsAre(HasSubstr("retyped from TYPE_STRING to repeated TYPE_STRING")));
}

TEST_F(SchemaCompatibilityTest, ARemovedFieldIsFoundUnlessItsNumberAndNameAreReserved) {
  Opened().mutable_field()->DeleteSubrange(0, 1);
  EXPECT_THAT(Findings(), ElementsAre(HasSubstr("acme.v1.Opened.owner (number 1) is removed without reserve")));
  auto& range = *Opened().add_reserved_range();
  range.set_start(1);
  range.set_end(2);
  EXPECT_THAT(Findings(), ElementsAre(HasSubstr("removed without reserve")));
  Opened().add_reserved_name("owner");
  EXPECT_THAT(Findings(), ElementsAre());
}

TEST_F(SchemaCompatibilityTest, AFieldThatLeavesItsOneofIsFound) {
  Opened().mutable_field(3)->clear_oneof_index();
  EXPECT_THAT(Findings(), ElementsAre(HasSubstr("acme.v1.Opened.card (number 4) is moved into or out of a oneof")));
}

TEST_F(SchemaCompatibilityTest, ARemovedMessageIsFoundNestedOnesToo) {
  Opened().clear_nested_type();
  EXPECT_THAT(Findings(), ElementsAre(HasSubstr("message acme.v1.Opened.Inner is gone")));
}

TEST_F(SchemaCompatibilityTest, ARemovedOrRenumberedEnumValueIsFound) {
  Kind().mutable_value(1)->set_number(3);
  EXPECT_THAT(Findings(), ElementsAre(HasSubstr("acme.v1.Kind.KIND_A is renumbered from 1 to 3")));
  Kind().mutable_value()->RemoveLast();
  EXPECT_THAT(Findings(), ElementsAre(HasSubstr("acme.v1.Kind.KIND_A (number 1) is removed without reserve")));
  auto& range = *Kind().add_reserved_range();
  range.set_start(1);
  range.set_end(1);
  EXPECT_THAT(Findings(), ElementsAre());
  after_.mutable_file(0)->clear_enum_type();
  EXPECT_THAT(Findings(), ElementsAre(HasSubstr("enum acme.v1.Kind is gone")));
}

TEST_F(SchemaCompatibilityTest, TheTextFormIsReadBackAndRubbishIsRefused) {
  const auto back = ParseSchemas(FormatSchemas(before_));
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->SerializeAsString(), before_.SerializeAsString());
  EXPECT_EQ(ParseSchemas("file { nonsense: 1 }").status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace daybook::codec
