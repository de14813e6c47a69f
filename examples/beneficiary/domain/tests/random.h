#ifndef BENEFICIARY_DOMAIN_TESTS_RANDOM_H_
#define BENEFICIARY_DOMAIN_TESTS_RANDOM_H_

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace beneficiary {

// Seeded choices: the same seed makes the same test again.
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  // 0 … count - 1.
  int Below(int count) { return static_cast<int>(engine_() % static_cast<std::uint64_t>(count)); }
  bool OneIn(int n) { return Below(n) == 0; }

  template <class T>
  const T& Of(const std::vector<T>& values) {
    return values[static_cast<std::size_t>(Below(static_cast<int>(values.size())))];
  }

  // Sets about half of the fields, whatever they mean.
  void Fill(google::protobuf::Message& message, int depth = 0) {
    const auto* descriptor = message.GetDescriptor();
    for (int i = 0; i < descriptor->field_count(); ++i) {
      if (OneIn(2)) continue;
      const auto* field = descriptor->field(i);
      const int count = field->is_repeated() ? Below(4) : 1;
      for (int n = 0; n < count; ++n) FillField(message, field, depth);
    }
  }

 private:
  using Field = google::protobuf::FieldDescriptor;

  std::string Text() {
    static const std::vector<std::string> kTexts = {"",
                                                    "a",
                                                    "b",
                                                    "c",
                                                    "1",
                                                    "2",
                                                    "10",
                                                    "-3",
                                                    " ",
                                                    "EUR",
                                                    "ES",
                                                    "US",
                                                    "USD",
                                                    "ES9121000418450200051332",
                                                    "DEUTDEFF",
                                                    "021000021",
                                                    "aba",
                                                    "a@b.c",
                                                    "EBPCLI000042",
                                                    "\xF0\x9F\x8F\xA6",
                                                    std::string("\0", 1),
                                                    std::string(300, 'x')};
    return Of(kTexts);
  }

  void FillField(google::protobuf::Message& m, const Field* field, int depth) {
    const auto* r = m.GetReflection();
    switch (field->cpp_type()) {
      case Field::CPPTYPE_STRING:
        field->is_repeated() ? r->AddString(&m, field, Text()) : r->SetString(&m, field, Text());
        break;
      case Field::CPPTYPE_BOOL:
        r->SetBool(&m, field, OneIn(2));
        break;
      case Field::CPPTYPE_INT64:
        r->SetInt64(
            &m, field,
            Of(std::vector<std::int64_t>{0, 1, -1, 1'700'000'000'000'000, std::numeric_limits<std::int64_t>::min(),
                                         std::numeric_limits<std::int64_t>::max()}));
        break;
      case Field::CPPTYPE_ENUM:
        r->SetEnumValue(&m, field, Below(6) - 1);
        break;
      case Field::CPPTYPE_MESSAGE:
        if (depth > 4) break;
        Fill(field->is_repeated() ? *r->AddMessage(&m, field) : *r->MutableMessage(&m, field), depth + 1);
        break;
      default:
        break;
    }
  }

  std::mt19937_64 engine_;
};

}  // namespace beneficiary

#endif  // BENEFICIARY_DOMAIN_TESTS_RANDOM_H_
