#include "base/json.h"

#include <iterator>
#include <string>
#include <utility>
#include <vector>

namespace kilotoken {
namespace {

// Walks the text for the parser and remembers how far it has read.
struct CountingIterator {
  using difference_type = std::ptrdiff_t;
  using value_type = char;
  using pointer = const char*;
  using reference = const char&;
  using iterator_category = std::input_iterator_tag;

  const char* at;
  const char** furthest;

  reference operator*() const { return *at; }
  CountingIterator& operator++() {
    *furthest = ++at;
    return *this;
  }
  CountingIterator operator++(int) {
    CountingIterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const CountingIterator& other) const { return at == other.at; }
  bool operator!=(const CountingIterator& other) const { return at != other.at; }
};

// A message may quote the input; it must stay one line of valid text all the same.
std::string printable(std::string_view text) {
  constexpr size_t kMost = 200;
  std::string out(text.substr(0, kMost));
  for (char& c : out) {
    if (c < 0x20 || c > 0x7e) c = '?';
  }
  return out;
}

// Builds the value while the parser reads, so that a refusal stops the reading at its place.
class Builder final : public nlohmann::json_sax<Json> {
 public:
  explicit Builder(int max_depth) : max_depth_(max_depth) {}

  Json take() { return std::move(root_); }
  const std::string& refusal() const { return refusal_; }
  std::size_t error_offset() const { return error_offset_; }

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t&) override { return refuse("binary values are not JSON"); }

  bool start_object(std::size_t) override { return open(Json::object()); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    Json& object = *nested_.back();
    if (object.contains(name)) return refuse("the key \"" + printable(name) + "\" occurs twice");
    slot_ = &object[name];
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& failure) override {
    std::string_view text = failure.what();
    // "[json.exception.parse_error.101] parse error at line 1, column 2: ..." without its preface.
    if (const size_t end = text.find("] "); end != text.npos) text.remove_prefix(end + 2);
    if (text.starts_with("parse error at ")) {
      if (const size_t end = text.find(": "); end != text.npos) text.remove_prefix(end + 2);
    }
    error_offset_ = position == 0 ? 0 : position - 1;
    return refuse(printable(text));
  }

 private:
  template <typename Value>
  bool add(Value&& value) {
    place(Json(std::forward<Value>(value)));
    return true;
  }

  Json& place(Json value) {
    if (nested_.empty()) return root_ = std::move(value);
    if (nested_.back()->is_array()) {
      nested_.back()->push_back(std::move(value));
      return nested_.back()->back();
    }
    return *slot_ = std::move(value);
  }

  bool open(Json container) {
    if (static_cast<int>(nested_.size()) >= max_depth_) {
      return refuse("nested deeper than " + std::to_string(max_depth_) + " levels");
    }
    nested_.push_back(&place(std::move(container)));
    return true;
  }

  bool close() {
    nested_.pop_back();
    return true;
  }

  bool refuse(std::string why) {
    refusal_ = std::move(why);
    return false;
  }

  const int max_depth_;
  Json root_;
  std::vector<Json*> nested_;  // the open containers; a parent is not resized while a child is open
  Json* slot_ = nullptr;       // where the value of the last key goes
  std::string refusal_;
  std::size_t error_offset_ = std::string::npos;
};

}  // namespace

Result<Json> parse_json(std::string_view text, std::string_view where, JsonLimits limits) {
  // The parser would take a zero byte for the end of the text, whatever follows it.
  if (const size_t zero = text.find('\0'); zero != text.npos) {
    return invalid(std::string(where) + ": not valid JSON at byte " + std::to_string(zero) +
                   ": a zero byte");
  }
  const char* furthest = text.data();
  const CountingIterator begin{text.data(), &furthest};
  const CountingIterator end{text.data() + text.size(), &furthest};
  Builder builder(limits.max_depth);
  if (Json::sax_parse(begin, end, &builder)) return builder.take();
  size_t offset = builder.error_offset();
  if (offset == std::string::npos) {
    const auto read = static_cast<size_t>(furthest - text.data());
    offset = read == 0 ? 0 : read - 1;
  }
  return invalid(std::string(where) + ": not valid JSON at byte " + std::to_string(offset) + ": " +
                 builder.refusal());
}

}  // namespace kilotoken
