#pragma once
// Object: values with behaviour of their own: functions, bound methods, macros, `loop`, namespaces.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/jinja/value.h"

namespace kilotoken::jinja {

class Interpreter;

// What a call hands over. A callee takes its parameters one by one, in their order, and then says
// finish(), which refuses what is left.
class Arguments {
 public:
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;

  explicit Arguments(std::string callee) : callee_(std::move(callee)) {}

  std::optional<Value> take(std::string_view name);
  Value need(std::string_view name);
  Value get(std::string_view name, Value otherwise);
  std::string need_text(std::string_view name);
  int64_t get_whole(std::string_view name, int64_t otherwise);
  void finish() const;
  const std::string& callee() const { return callee_; }
  size_t taken() const { return taken_; }

 private:
  std::string callee_;
  size_t taken_ = 0;
};

struct Object : std::enable_shared_from_this<Object> {
  virtual ~Object() = default;
  virtual std::string type_name() const = 0;
  virtual std::string repr() const { return "<" + type_name() + ">"; }
  virtual bool callable() const { return false; }
  virtual Value call(Interpreter& interpreter, Arguments& arguments);
  // Nothing if there is no such attribute.
  virtual std::optional<Value> attribute(Interpreter& interpreter, std::string_view name) const;
  virtual int depth() const { return 1; }
};

}  // namespace kilotoken::jinja
