#ifndef DAYBOOK_CLOUDEVENTS_HEADERS_H_
#define DAYBOOK_CLOUDEVENTS_HEADERS_H_

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace daybook::cloudevents {

// One header of a record, by reference. Names may repeat; the order is kept.
struct Header {
  std::string_view name;
  std::optional<std::string_view> value;  // nullopt = null, which is not the same as empty

  friend bool operator==(const Header&, const Header&) = default;
};

// The value of the first header of that name; nullopt if there is none, or it is null.
std::optional<std::string_view> FindHeader(std::span<const Header> headers, std::string_view name);

// Headers with the bytes that they refer to, for putting a record together.
//
//   HeaderList headers;
//   headers.Add("tenant", "uk");
//   producer.Send({.topic = "events", .key = key, .value = value, .headers = headers.view()}, …);
//   headers.Clear();                       // keeps the memory for the next record
//
// Thread safety: a value type. A view is valid until the next Add, AddNull, Clear, move or copy.
class HeaderList {
 public:
  void Add(std::string_view name, std::string_view value);
  void Add(const Header& header);  // also of null
  void AddNull(std::string_view name);
  void Clear();

  std::size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  std::span<const Header> view();

 private:
  struct Entry {
    std::size_t begin = 0;  // of the name in bytes_; the value follows it
    std::size_t name_size = 0;
    std::optional<std::size_t> value_size;
  };

  std::string bytes_;
  std::vector<Entry> entries_;
  std::vector<Header> view_;
};

}  // namespace daybook::cloudevents

#endif  // DAYBOOK_CLOUDEVENTS_HEADERS_H_
