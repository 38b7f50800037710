#include "base/json.h"

#include <iterator>
#include <string>
#include <type_traits>
#include <unordered_set>
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
template <typename Value>
class Builder final : public nlohmann::json_sax<Value> {
 public:
  using typename nlohmann::json_sax<Value>::binary_t;
  using typename nlohmann::json_sax<Value>::number_float_t;
  using typename nlohmann::json_sax<Value>::number_integer_t;
  using typename nlohmann::json_sax<Value>::number_unsigned_t;
  using typename nlohmann::json_sax<Value>::string_t;

  explicit Builder(int max_depth) : max_depth_(max_depth) {}

  Value take() { return std::move(root_); }
  const std::string& refusal() const { return refusal_; }
  std::size_t error_offset() const { return error_offset_; }

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t&) override { return refuse("binary values are not JSON"); }

  bool start_object(std::size_t) override { return open(true); }
  bool start_array(std::size_t) override { return open(false); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    Open& object = nested_.back();
    if (!object.keys.insert(name).second) {
      return refuse("the key \"" + printable(name) + "\" occurs twice");
    }
    object.members.emplace_back(std::move(name), Value());
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
  // An open container. Its members are put together when it closes: an ordered object that grows
  // copies what it holds, and looks through all of it for each key.
  struct Open {
    bool is_object;
    std::vector<std::pair<std::string, Value>> members;
    std::unordered_set<std::string> keys;
    typename Value::array_t items;
  };

  template <typename Scalar>
  bool add(Scalar&& value) {
    return place(Value(std::forward<Scalar>(value)));
  }

  bool place(Value value) {
    if (nested_.empty()) {
      root_ = std::move(value);
    } else if (nested_.back().is_object) {
      nested_.back().members.back().second = std::move(value);
    } else {
      nested_.back().items.push_back(std::move(value));
    }
    return true;
  }

  bool open(bool is_object) {
    if (static_cast<int>(nested_.size()) >= max_depth_) {
      return refuse("nested deeper than " + std::to_string(max_depth_) + " levels");
    }
    nested_.push_back({is_object, {}, {}, {}});
    return true;
  }

  bool close() {
    Open last = std::move(nested_.back());
    nested_.pop_back();
    if (!last.is_object) return place(Value(std::move(last.items)));
    typename Value::object_t object;
    if constexpr (std::is_same_v<Value, OrderedJson>) {
      object.reserve(last.members.size());
      for (auto& [name, value] : last.members) {
        object.emplace_back(std::move(name), std::move(value));
      }
    } else {
      for (auto& [name, value] : last.members) object.emplace(std::move(name), std::move(value));
    }
    return place(Value(std::move(object)));
  }

  bool refuse(std::string why) {
    refusal_ = std::move(why);
    return false;
  }

  const int max_depth_;
  Value root_;
  std::vector<Open> nested_;
  std::string refusal_;
  std::size_t error_offset_ = std::string::npos;
};

template <typename Value>
Result<Value> parse(std::string_view text, std::string_view where, JsonLimits limits) {
  // The parser would take a zero byte for the end of the text, whatever follows it.
  if (const size_t zero = text.find('\0'); zero != text.npos) {
    return invalid(std::string(where) + ": not valid JSON at byte " + std::to_string(zero) +
                   ": a zero byte");
  }
  const char* furthest = text.data();
  const CountingIterator begin{text.data(), &furthest};
  const CountingIterator end{text.data() + text.size(), &furthest};
  Builder<Value> builder(limits.max_depth);
  if (Value::sax_parse(begin, end, &builder)) return builder.take();
  size_t offset = builder.error_offset();
  if (offset == std::string::npos) {
    const auto read = static_cast<size_t>(furthest - text.data());
    offset = read == 0 ? 0 : read - 1;
  }
  return invalid(std::string(where) + ": not valid JSON at byte " + std::to_string(offset) + ": " +
                 builder.refusal());
}

}  // namespace

Result<Json> parse_json(std::string_view text, std::string_view where, JsonLimits limits) {
  return parse<Json>(text, where, limits);
}

Result<OrderedJson> parse_ordered_json(std::string_view text, std::string_view where,
                                       JsonLimits limits) {
  return parse<OrderedJson>(text, where, limits);
}

}  // namespace kilotoken
