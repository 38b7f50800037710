#pragma once
// Interpreter: one rendering of a template.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/jinja/ast.h"
#include "model/jinja/object.h"
#include "model/jinja/scope.h"

namespace kilotoken::jinja {

struct Loop;
struct Namespace;

class Interpreter {
 public:
  Interpreter(Budget& budget, const Pairs& variables, int64_t now_unix_s)
      : budget_(budget), variables_(variables), now_unix_s_(now_unix_s) {}
  ~Interpreter();
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  std::string render(const Body& body);  // throws Raised

  Budget& budget() { return budget_; }
  int64_t now_unix_s() const { return now_unix_s_; }
  int line() const { return line_; }  // of the last expression or statement

  Value call(const Value& callee, Arguments& arguments);
  Value text(std::string bytes) { return Value::text(budget_, std::move(bytes)); }

  // For the objects that only live within a rendering.
  Value make_namespace(Pairs attributes);
  Value call_macro(const Statement& macro, const std::shared_ptr<Scope>& around,
                   const std::string& name, Arguments& arguments);
  Value call_loop(const Loop& loop, const Value& iterable);
  bool loop_changed(const Loop& loop, std::vector<Value> values);

 private:
  enum class Flow { kOn, kBreak, kContinue };
  class Deeper;   // counts the depth of calls
  class Within;   // another scope for as long as it lives
  class Capture;  // another output for as long as it lives

  // Statements.
  Flow run(const Body& body);
  Flow run(const Statement& statement);
  Flow run_if(const Statement& statement);
  Flow run_loop(const Statement& statement, const Value& iterable, int depth);
  Flow run_scoped(const Body& body);
  void run_macro(const Statement& statement);
  void run_call_block(const Statement& statement);
  void run_set_block(const Statement& statement);
  void run_filter_block(const Statement& statement);
  Flow run_with(const Statement& statement);
  std::vector<Value> loop_items(const Statement& statement, const Value& iterable);
  void assign(const Expr& target, Value value);
  void assign_attribute(const Expr& target, Value value);
  void write(std::string_view text);

  // Expressions.
  Value evaluate(const Expr& expr);
  Value evaluate_name(const Expr& expr);
  Value evaluate_list(const Expr& expr, Sequence::Kind kind);
  Value evaluate_dict(const Expr& expr);
  Value evaluate_slice(const Expr& expr);
  Value evaluate_call(const Expr& expr);
  Value evaluate_filter(const Expr& expr, const Value* block_text);
  Value evaluate_test(const Expr& expr);
  Value evaluate_binary(const Expr& expr);
  Value evaluate_concat(const Expr& expr);
  Value evaluate_compare(const Expr& expr);
  Value evaluate_conditional(const Expr& expr);
  void evaluate_arguments(const CallArguments& written, Arguments& out);

  Budget& budget_;
  const Pairs& variables_;
  const int64_t now_unix_s_;
  std::shared_ptr<Scope> scope_;
  std::string* out_ = nullptr;
  int depth_ = 0;
  int line_ = 0;
  // What may hold itself in a circle, or a long chain; taken apart at the end.
  std::vector<std::shared_ptr<Namespace>> namespaces_;
  std::vector<std::shared_ptr<Scope>> captured_scopes_;
  std::map<const Loop*, std::vector<Value>> changed_;  // what loop.changed() saw last
};

}  // namespace kilotoken::jinja
