#include <algorithm>
#include <ctime>
#include <utility>

#include "model/jinja/interpreter.h"
#include "model/jinja/objects.h"
#include "model/jinja/operators.h"
#include "model/jinja/print.h"

namespace kilotoken::jinja {
namespace {

Value make_range(Interpreter& interpreter, const Value&, Arguments& arguments) {
  const size_t given = arguments.positional.size();
  const int64_t first = arguments.get_whole("start", 0);
  if (given == 0) throw Raised("range expected at least 1 argument, got 0");
  if (given == 1) {
    arguments.finish();
    return Value::range(interpreter.budget(), 0, first, 1);
  }
  const int64_t stop = arguments.get_whole("stop", 0);
  const int64_t step = arguments.get_whole("step", 1);
  arguments.finish();
  return Value::range(interpreter.budget(), first, stop, step);
}

// The arguments of dict(): a mapping or pairs, and names.
Pairs pairs_of(Interpreter& interpreter, Arguments& arguments) {
  Budget& budget = interpreter.budget();
  Pairs out;
  if (!arguments.positional.empty()) {
    const Value first = arguments.need("mapping");
    if (first.as_dict() != nullptr) {
      out = first.as_dict()->pairs;
    } else {
      for (const Value& item : iterate(budget, first)) {
        const std::vector<Value> pair = iterate(budget, item);
        if (pair.size() != 2) throw Raised("dictionary update sequence element has no length 2");
        set_key(budget, out, pair[0], pair[1]);
      }
    }
  }
  for (auto& [name, value] : arguments.named) {
    set_key(budget, out, Value::text(budget, name), value);
  }
  arguments.named.clear();
  arguments.finish();
  return out;
}

Value make_dict(Interpreter& interpreter, const Value&, Arguments& arguments) {
  return Value::dict(interpreter.budget(), pairs_of(interpreter, arguments));
}

Value make_namespace(Interpreter& interpreter, const Value&, Arguments& arguments) {
  Pairs pairs = pairs_of(interpreter, arguments);
  std::erase_if(pairs, [](const auto& pair) { return pair.first.as_text() == nullptr; });
  return interpreter.make_namespace(std::move(pairs));
}

Value raise_exception(Interpreter& interpreter, const Value&, Arguments& arguments) {
  const Value message = arguments.need("message");
  arguments.finish();
  throw Raised(to_text(interpreter.budget(), message));
}

// datetime.strftime on a time without a zone; the C library's letters, UTC.
Value strftime_now(Interpreter& interpreter, const Value&, Arguments& arguments) {
  const std::string format = arguments.need_text("format");
  arguments.finish();
  const std::time_t now = interpreter.now_unix_s();
  std::tm parts = {};
  if (gmtime_r(&now, &parts) == nullptr) throw Raised("the time is out of range");
  std::string letters;
  for (size_t i = 0; i < format.size(); ++i) {
    const char letter = i + 1 < format.size() ? format[i + 1] : '\0';
    if (format[i] == '%' && letter == 'f') {
      letters += "000000";  // the clock has whole seconds
      ++i;
    } else if (format[i] == '%' && (letter == 'z' || letter == 'Z')) {
      ++i;
    } else if (format[i] == '%' && letter == '%') {
      letters += "%%";
      ++i;
    } else {
      letters += format[i];
    }
  }
  constexpr size_t kMost = 4096;
  if (letters.size() > kMost / 4) throw Raised("strftime_now: the format is too long");
  letters += ' ';  // so that an empty result is not taken for a failure
  std::string out(kMost, '\0');
  const size_t size = std::strftime(out.data(), out.size(), letters.c_str(), &parts);
  if (size == 0) throw Raised("strftime_now: the time does not fit");
  out.resize(size - 1);
  return interpreter.text(std::move(out));
}

struct Cycler : Object {
  std::vector<Value> items;
  size_t at = 0;
  int items_depth = 0;

  std::string type_name() const override { return "Cycler"; }
  int depth() const override { return items_depth + 1; }
  std::optional<Value> attribute(Interpreter& interpreter, std::string_view name) const override;
};

Cycler& cycler_of(const Value& self) { return *static_cast<Cycler*>(self.as_object()); }

Value cycler_next(Interpreter&, const Value& self, Arguments& arguments) {
  arguments.finish();
  Cycler& cycler = cycler_of(self);
  return cycler.items[cycler.at++ % cycler.items.size()];
}

Value cycler_reset(Interpreter&, const Value& self, Arguments& arguments) {
  arguments.finish();
  cycler_of(self).at = 0;
  return {};
}

std::optional<Value> Cycler::attribute(Interpreter& interpreter, std::string_view name) const {
  if (name == "current") return items[at % items.size()];
  if (name != "next" && name != "reset") return std::nullopt;
  auto self = std::const_pointer_cast<Object>(shared_from_this());
  return make_function(interpreter.budget(), name, name == "next" ? cycler_next : cycler_reset,
                       Value::object(interpreter.budget(), std::move(self)));
}

Value make_cycler(Interpreter& interpreter, const Value&, Arguments& arguments) {
  if (arguments.positional.empty()) throw Raised("at least one item has to be provided");
  auto cycler = std::make_shared<Cycler>();
  cycler->items = arguments.positional;
  for (const Value& item : cycler->items) {
    cycler->items_depth = std::max(cycler->items_depth, item.depth());
  }
  return Value::object(interpreter.budget(), std::move(cycler));
}

struct Joiner : Object {
  Value separator;
  bool used = false;

  std::string type_name() const override { return "Joiner"; }
  bool callable() const override { return true; }
  int depth() const override { return separator.depth() + 1; }
  Value call(Interpreter& interpreter, Arguments& arguments) override {
    arguments.finish();
    return std::exchange(used, true) ? separator : interpreter.text("");
  }
};

Value make_joiner(Interpreter& interpreter, const Value&, Arguments& arguments) {
  auto joiner = std::make_shared<Joiner>();
  joiner->separator = arguments.get("sep", interpreter.text(", "));
  arguments.finish();
  return Value::object(interpreter.budget(), std::move(joiner));
}

}  // namespace

std::optional<Value> find_global(Interpreter& interpreter, std::string_view name) {
  constexpr std::pair<std::string_view, Function::Body> kGlobals[] = {
      {"range", make_range},         {"dict", make_dict},
      {"namespace", make_namespace}, {"raise_exception", raise_exception},
      {"cycler", make_cycler},       {"strftime_now", strftime_now},
      {"joiner", make_joiner},
  };
  for (const auto& [known, body] : kGlobals) {
    if (known == name) return make_function(interpreter.budget(), name, body);
  }
  return std::nullopt;
}

}  // namespace kilotoken::jinja
