#include <algorithm>

#include "model/jinja/filters.h"
#include "model/jinja/parser.h"
#include "model/jinja/parser_nested.h"

namespace kilotoken::jinja {

std::unique_ptr<Expr> Parser::make(Expr::Kind kind, int line) const {
  auto expr = std::make_unique<Expr>();
  expr->kind = kind;
  expr->line = line;
  return expr;
}

ExprPtr Parser::finish(std::unique_ptr<Expr> expr) const {
  int height = 0;
  const auto look = [&](const ExprPtr& item) {
    if (item != nullptr) height = std::max(height, item->height);
  };
  for (const ExprPtr& item : expr->items) look(item);
  for (const ExprPtr& item : expr->arguments.positional) look(item);
  for (const auto& item : expr->arguments.named) look(item.second);
  look(expr->arguments.more_positional);
  look(expr->arguments.more_named);
  expr->height = height + 1;
  if (expr->height > kMaxExpressionHeight) {
    fail("an expression is deeper than " + std::to_string(kMaxExpressionHeight) +
         " operations (limit of expression height)");
  }
  return expr;
}

ExprPtr Parser::pair(Expr::Kind kind, int line, ExprPtr a, ExprPtr b) const {
  auto expr = make(kind, line);
  expr->items.push_back(std::move(a));
  expr->items.push_back(std::move(b));
  return finish(std::move(expr));
}

ExprPtr Parser::expression() {
  const Nested nested(*this);
  const size_t known = unknown_.size();
  ExprPtr out = disjunction();
  while (now().is_name("if")) {
    auto expr = make(Expr::kConditional, take().line);
    expr->items.push_back(disjunction());
    expr->items.push_back(std::move(out));
    expr->items.push_back(skip_name("else") ? expression() : nullptr);
    out = finish(std::move(expr));
    unknown_.resize(known);  // in a conditional, a missing filter matters only when it is reached
  }
  return out;
}

ExprPtr Parser::disjunction() {
  ExprPtr left = conjunction();
  while (now().is_name("or")) {
    const int line = take().line;
    left = pair(Expr::kOr, line, std::move(left), conjunction());
  }
  return left;
}

ExprPtr Parser::conjunction() {
  ExprPtr left = negation();
  while (now().is_name("and")) {
    const int line = take().line;
    left = pair(Expr::kAnd, line, std::move(left), negation());
  }
  return left;
}

ExprPtr Parser::negation() {
  if (!now().is_name("not")) return comparison();
  const Nested nested(*this);
  auto expr = make(Expr::kNot, take().line);
  expr->items.push_back(negation());
  return finish(std::move(expr));
}

ExprPtr Parser::comparison() {
  constexpr std::pair<std::string_view, CompareOp> kOps[] = {
      {"==", CompareOp::kEqual},     {"!=", CompareOp::kUnequal}, {"<", CompareOp::kLess},
      {"<=", CompareOp::kLessEqual}, {">", CompareOp::kGreater},  {">=", CompareOp::kGreaterEqual}};
  auto expr = make(Expr::kCompare, now().line);
  expr->items.push_back(sum());
  for (;;) {
    const auto* found = std::find_if(std::begin(kOps), std::end(kOps),
                                     [&](const auto& op) { return now().is(op.first); });
    if (found != std::end(kOps)) {
      take();
      expr->compare.push_back(found->second);
    } else if (skip_name("in")) {
      expr->compare.push_back(CompareOp::kIn);
    } else if (now().is_name("not") && next().is_name("in")) {
      take();
      take();
      expr->compare.push_back(CompareOp::kNotIn);
    } else {
      break;
    }
    expr->items.push_back(sum());
  }
  if (expr->compare.empty()) return std::move(expr->items[0]);
  return finish(std::move(expr));
}

ExprPtr Parser::sum() {
  ExprPtr left = concatenation();
  while (now().is("+") || now().is("-")) {
    const Token op = take();
    auto expr = make(Expr::kBinary, op.line);
    expr->op = op.text == "+" ? BinaryOp::kAdd : BinaryOp::kSubtract;
    expr->items.push_back(std::move(left));
    expr->items.push_back(concatenation());
    left = finish(std::move(expr));
  }
  return left;
}

ExprPtr Parser::concatenation() {
  auto expr = make(Expr::kConcat, now().line);
  expr->items.push_back(product());
  while (skip("~")) expr->items.push_back(product());
  if (expr->items.size() == 1) return std::move(expr->items[0]);
  return finish(std::move(expr));
}

ExprPtr Parser::product() {
  ExprPtr left = power();
  while (now().is("*") || now().is("/") || now().is("//") || now().is("%")) {
    const Token op = take();
    auto expr = make(Expr::kBinary, op.line);
    expr->op = op.text == "*"    ? BinaryOp::kMultiply
               : op.text == "/"  ? BinaryOp::kDivide
               : op.text == "//" ? BinaryOp::kFloorDivide
                                 : BinaryOp::kModulo;
    expr->items.push_back(std::move(left));
    expr->items.push_back(power());
    left = finish(std::move(expr));
  }
  return left;
}

ExprPtr Parser::power() {
  ExprPtr left = unary(true);
  while (now().is("**")) {
    auto expr = make(Expr::kBinary, take().line);
    expr->op = BinaryOp::kPower;
    expr->items.push_back(std::move(left));
    expr->items.push_back(unary(true));
    left = finish(std::move(expr));
  }
  return left;
}

ExprPtr Parser::unary(bool with_filter) {
  ExprPtr out;
  if (now().is("-") || now().is("+")) {
    const Nested nested(*this);
    const Token op = take();
    auto expr = make(op.text == "-" ? Expr::kNegative : Expr::kPositive, op.line);
    expr->items.push_back(unary(false));
    out = finish(std::move(expr));
  } else {
    out = primary();
  }
  out = postfix(std::move(out));
  return with_filter ? filters_and_tests(std::move(out)) : std::move(out);
}

ExprPtr Parser::primary() {
  if (now().is("(")) {
    take();
    ExprPtr out = tuple(true, true, {});
    expect(")");
    return out;
  }
  if (now().is("[")) return list();
  if (now().is("{")) return dict();
  auto expr = make(Expr::kConstant, now().line);
  switch (now().kind) {
    case Token::kName: {
      const std::string name = take().text;
      if (name == "true" || name == "True" || name == "false" || name == "False") {
        expr->constant = Value(name == "true" || name == "True");
      } else if (name != "none" && name != "None") {
        note_name(name);
        expr->kind = Expr::kName;
        expr->name = name;
      }
      return expr;
    }
    case Token::kString: {
      std::string text;
      while (now().kind == Token::kString) text += take().text;
      expr->constant = Value::constant_text(std::move(text));
      return expr;
    }
    case Token::kInteger:
      expr->constant = Value::integer(take().integer);
      return expr;
    case Token::kReal:
      expr->constant = Value::real(take().real);
      return expr;
    default:
      unexpected("an expression");
  }
}

ExprPtr Parser::postfix(ExprPtr expr) {
  for (;;) {
    if (now().is(".")) {
      expr = dotted(std::move(expr));
    } else if (now().is("[")) {
      expr = subscript(std::move(expr));
    } else if (now().is("(")) {
      expr = call(std::move(expr));
    } else {
      return expr;
    }
  }
}

ExprPtr Parser::filters_and_tests(ExprPtr expr) {
  for (;;) {
    if (now().is("|")) {
      take();
      expr = filter(std::move(expr));
    } else if (now().is_name("is")) {
      expr = test(std::move(expr));
    } else if (now().is("(")) {
      expr = call(std::move(expr));
    } else {
      return expr;
    }
  }
}

ExprPtr Parser::dotted(ExprPtr expr) {
  const int line = take().line;
  if (now().kind == Token::kName) {
    auto out = make(Expr::kAttribute, line);
    out->name = take().text;
    out->items.push_back(std::move(expr));
    return finish(std::move(out));
  }
  if (now().kind != Token::kInteger) unexpected("a name or number");
  auto index = make(Expr::kConstant, line);
  index->constant = Value::integer(take().integer);
  return pair(Expr::kItem, line, std::move(expr), std::move(index));
}

ExprPtr Parser::subscript(ExprPtr expr) {
  const int line = take().line;
  const auto at_end = [&] { return now().is("]") || now().is(":"); };
  ExprPtr first = at_end() ? nullptr : expression();
  if (now().is(",")) {  // a tuple is the key
    auto key = make(Expr::kTuple, line);
    key->items.push_back(std::move(first));
    while (skip(",")) {
      if (now().is("]")) break;
      key->items.push_back(expression());
    }
    first = finish(std::move(key));
  }
  if (!now().is(":")) {
    if (first == nullptr) unexpected("an expression");
    expect("]");
    return pair(Expr::kItem, line, std::move(expr), std::move(first));
  }
  auto slice = make(Expr::kSlice, line);
  slice->items.push_back(std::move(expr));
  slice->items.push_back(std::move(first));
  for (int bound = 0; bound < 2; ++bound) {
    const bool given = skip(":") && !at_end();
    slice->items.push_back(given ? expression() : nullptr);
  }
  expect("]");
  return finish(std::move(slice));
}

ExprPtr Parser::call(ExprPtr callee) {
  auto expr = make(Expr::kCall, now().line);
  expr->items.push_back(std::move(callee));
  expr->arguments = call_arguments();
  return finish(std::move(expr));
}

CallArguments Parser::call_arguments() {
  CallArguments out;
  expect("(");
  bool first = true;
  while (!now().is(")")) {
    if (!first) {
      expect(",");
      if (now().is(")")) break;
    }
    first = false;
    if (skip("**")) {
      if (out.more_named != nullptr) fail("invalid syntax for function call expression");
      out.more_named = expression();
    } else if (skip("*")) {
      if (out.more_positional != nullptr || out.more_named != nullptr) {
        fail("invalid syntax for function call expression");
      }
      out.more_positional = expression();
    } else if (now().kind == Token::kName && next().is("=")) {
      if (out.more_named != nullptr) fail("invalid syntax for function call expression");
      std::string name = take().text;
      take();
      out.named.emplace_back(std::move(name), expression());
    } else {
      if (!out.named.empty() || out.more_positional != nullptr || out.more_named != nullptr) {
        fail("invalid syntax for function call expression");
      }
      out.positional.push_back(expression());
    }
  }
  expect(")");
  return out;
}

std::string Parser::dotted_name() {
  std::string name = expect_name();
  while (skip(".")) name += "." + expect_name();
  return name;
}

ExprPtr Parser::filter(ExprPtr expr) {
  auto out = make(Expr::kFilter, now().line);
  out->name = dotted_name();
  if (!is_filter(out->name))
    unknown_.push_back({out->line, "No filter named '" + out->name + "'."});
  out->items.push_back(std::move(expr));
  if (now().is("(")) out->arguments = call_arguments();
  return finish(std::move(out));
}

ExprPtr Parser::filter_chain() {
  ExprPtr out = filter(nullptr);
  while (skip("|")) out = filter(std::move(out));
  return out;
}

ExprPtr Parser::test(ExprPtr expr) {
  const int line = take().line;
  const bool negated = skip_name("not");
  auto out = make(Expr::kTest, line);
  out->name = dotted_name();
  if (!is_test(out->name)) unknown_.push_back({line, "No test named '" + out->name + "'."});
  out->items.push_back(std::move(expr));
  const Token& token = now();
  const bool operand = token.kind == Token::kString || token.kind == Token::kInteger ||
                       token.kind == Token::kReal || token.is("[") || token.is("{") ||
                       (token.kind == Token::kName && token.text != "else" && token.text != "or" &&
                        token.text != "and");
  if (token.is("(")) {
    out->arguments = call_arguments();
  } else if (operand) {
    if (token.is_name("is")) fail("You cannot chain multiple tests with is");
    out->arguments.positional.push_back(postfix(primary()));
  }
  ExprPtr tested = finish(std::move(out));
  if (!negated) return tested;
  auto inverse = make(Expr::kNot, line);
  inverse->items.push_back(std::move(tested));
  return finish(std::move(inverse));
}

ExprPtr Parser::list() {
  auto out = make(Expr::kList, take().line);
  while (!now().is("]")) {
    if (!out->items.empty()) expect(",");
    if (now().is("]")) break;
    out->items.push_back(expression());
  }
  expect("]");
  return finish(std::move(out));
}

ExprPtr Parser::dict() {
  auto out = make(Expr::kDict, take().line);
  while (!now().is("}")) {
    if (!out->items.empty()) expect(",");
    if (now().is("}")) break;
    out->items.push_back(expression());
    expect(":");
    out->items.push_back(expression());
  }
  expect("}");
  return finish(std::move(out));
}

// One expression, or several with commas between. Ends before `end_name`.
ExprPtr Parser::tuple(bool with_conditional, bool in_brackets, std::string_view end_name) {
  auto out = make(Expr::kTuple, now().line);
  const auto at_end = [&] {
    return now().kind == Token::kVariableEnd || now().kind == Token::kBlockEnd || now().is(")") ||
           (!end_name.empty() && now().is_name(end_name));
  };
  bool comma = false;
  while (!at_end()) {
    out->items.push_back(with_conditional ? expression() : disjunction());
    if (!now().is(",")) break;
    take();
    comma = true;
  }
  if (!comma && out->items.size() == 1) return std::move(out->items[0]);
  if (out->items.empty() && !in_brackets) unexpected("an expression");
  return finish(std::move(out));
}

}  // namespace kilotoken::jinja
