#include "model/jinja/template.h"

#include "model/jinja/interpreter.h"
#include "model/jinja/loops.h"
#include "model/jinja/parser.h"

namespace kilotoken::jinja {
namespace {

Error error_at(const std::string& where, int line, const std::string& message) {
  const std::string place = line > 0 ? ", line " + std::to_string(line) + ": " : ": ";
  return invalid(where + place + message);
}

// Variables from JSON, counted while they are made.
class Reader {
 public:
  int64_t values() const { return values_; }
  int64_t bytes() const { return bytes_; }

  Value read(const OrderedJson& json, int depth = 0) {
    if (depth > kMaxValueDepth) {
      throw Raised("the variables are nested deeper than " + std::to_string(kMaxValueDepth) +
                   " levels (limit of value depth)");
    }
    ++values_;
    switch (json.type()) {
      case OrderedJson::value_t::boolean:
        return Value(json.get<bool>());
      case OrderedJson::value_t::number_integer:
        return Value::integer(json.get<int64_t>());
      case OrderedJson::value_t::number_unsigned: {
        const auto number = json.get<uint64_t>();
        if (number > static_cast<uint64_t>(INT64_MAX)) {
          throw Raised("the integer " + std::to_string(number) +
                       " does not fit in 64 bits (limit of integers)");
        }
        return Value::integer(static_cast<int64_t>(number));
      }
      case OrderedJson::value_t::number_float:
        return Value::real(json.get<double>());
      case OrderedJson::value_t::string:
        return text(json.get_ref<const std::string&>());
      case OrderedJson::value_t::array: {
        std::vector<Value> items;
        for (const OrderedJson& item : json) items.push_back(read(item, depth + 1));
        return Value::list(budget_, std::move(items));
      }
      case OrderedJson::value_t::object:
        return Value::dict(budget_, read_pairs(json, depth));
      default:
        return {};
    }
  }

  Pairs read_pairs(const OrderedJson& json, int depth) {
    Pairs pairs;
    for (const auto& [key, item] : json.get_ref<const OrderedJson::object_t&>()) {
      Value name = text(key);
      pairs.emplace_back(std::move(name), read(item, depth + 1));
    }
    return pairs;
  }

 private:
  Value text(const std::string& bytes) {
    bytes_ += static_cast<int64_t>(bytes.size());
    return Value::constant_text(bytes);
  }

  static constexpr Limits kUncounted{.steps = INT64_MAX, .memory_bytes = INT64_MAX};
  Budget budget_{kUncounted, 0, 0};  // what the caller hands over is the caller's
  int64_t values_ = 0;
  int64_t bytes_ = 0;
};

}  // namespace

struct Template::Parsed {
  std::string where;
  Body body;
};

Template::Template(std::unique_ptr<const Parsed> parsed) : parsed_(std::move(parsed)) {}
Template::~Template() = default;

Result<std::shared_ptr<const Template>> Template::parse(std::string_view source,
                                                        std::string_view where) {
  auto parsed = std::make_unique<Parsed>();
  parsed->where = where;
  try {
    parsed->body = Parser::parse(source);
  } catch (const Raised& raised) {
    return error_at(parsed->where, raised.line(), raised.message());
  }
  return std::shared_ptr<const Template>(new Template(std::move(parsed)));
}

Result<std::string> Template::render(const OrderedJson& variables, int64_t now_unix_s,
                                     const Limits& limits) const {
  KT_CHECK(variables.is_object());
  int line = 0;
  try {
    Reader reader;
    const Pairs pairs = reader.read_pairs(variables, 0);
    Budget budget(limits, reader.values(), reader.bytes());
    Interpreter interpreter(budget, pairs, now_unix_s);
    try {
      return interpreter.render(parsed_->body);
    } catch (const Raised&) {
      line = interpreter.line();
      throw;
    }
  } catch (const Raised& raised) {
    return error_at(parsed_->where, line, raised.message());
  }
}

bool Template::loops_over_item(std::string_view variable, std::string_view key) const {
  return jinja::loops_over_item(parsed_->body, variable, key);
}

}  // namespace kilotoken::jinja
