#pragma once
// Tokens to a tree, with the grammar of Jinja2 3.1 (jinja2/parser.py) and the extensions that
// transformers turns on: loop controls and {% generation %}.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/jinja/ast.h"
#include "model/jinja/lexer.h"

namespace kilotoken::jinja {

class Parser {
 public:
  // Throws Raised with the line.
  static Body parse(std::string_view source);

 private:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  // Tokens.
  const Token& now() const { return tokens_[at_]; }
  const Token& next() const { return tokens_[at_ + 1 < tokens_.size() ? at_ + 1 : at_]; }
  Token take() { return tokens_[at_ + 1 < tokens_.size() ? at_++ : at_]; }
  bool skip(std::string_view operator_text);
  bool skip_name(std::string_view name);
  void expect(std::string_view operator_text);
  void expect_kind(Token::Kind kind, std::string_view what);
  std::string expect_name();
  [[noreturn]] void fail(const std::string& message) const;
  [[noreturn]] void unexpected(std::string_view wanted) const;

  // Expressions.
  std::unique_ptr<Expr> make(Expr::Kind kind, int line) const;
  ExprPtr finish(std::unique_ptr<Expr> expr) const;  // checks the height
  ExprPtr pair(Expr::Kind kind, int line, ExprPtr a, ExprPtr b) const;
  ExprPtr expression();
  ExprPtr disjunction();
  ExprPtr conjunction();
  ExprPtr negation();
  ExprPtr comparison();
  ExprPtr binary_chain(int level);
  ExprPtr sum();
  ExprPtr concatenation();
  ExprPtr product();
  ExprPtr power();
  ExprPtr unary(bool with_filter);
  ExprPtr primary();
  ExprPtr postfix(ExprPtr expr);
  ExprPtr filters_and_tests(ExprPtr expr);
  ExprPtr dotted(ExprPtr expr);
  ExprPtr subscript(ExprPtr expr);
  ExprPtr call(ExprPtr callee);
  ExprPtr filter(ExprPtr expr);
  ExprPtr filter_chain();  // of a block: the innermost filter has no operand
  ExprPtr test(ExprPtr expr);
  ExprPtr list();
  ExprPtr dict();
  ExprPtr tuple(bool with_conditional, bool in_brackets, std::string_view end_name);
  std::string dotted_name();
  CallArguments call_arguments();

  // Statements.
  Body body(std::vector<std::string_view> end_names);  // after the opening tag's last word
  Body statements(const std::vector<std::string_view>& end_names);
  std::unique_ptr<const Statement> statement();
  std::unique_ptr<const Statement> if_statement();
  std::unique_ptr<const Statement> for_statement();
  std::unique_ptr<const Statement> set_statement();
  std::unique_ptr<const Statement> macro_statement();
  std::unique_ptr<const Statement> call_statement();
  std::unique_ptr<const Statement> filter_statement();
  std::unique_ptr<const Statement> with_statement();
  std::unique_ptr<const Statement> generation_statement();
  ExprPtr target(bool with_namespace, std::string_view end_name);
  ExprPtr target_name(bool with_namespace);
  Signature signature();
  Body function_body(Signature& signature, std::string_view end_name);
  void note_name(const std::string& name);

  // Counts the nesting for as long as it lives.
  class Nested;

  struct Unknown {
    int line;
    std::string what;
  };

  std::vector<Token> tokens_;
  size_t at_ = 0;
  int depth_ = 0;
  int loops_ = 0;                       // around this statement, within its macro
  std::vector<Signature*> signatures_;  // of the macros around
  std::vector<Unknown> unknown_;        // filters and tests that there are not
  friend class Nested;
};

}  // namespace kilotoken::jinja
