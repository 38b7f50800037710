#include "model/jinja/parser.h"

#include <algorithm>

#include "model/jinja/parser_nested.h"

namespace kilotoken::jinja {
namespace {

std::unique_ptr<Statement> make_statement(Statement::Kind kind, int line) {
  auto out = std::make_unique<Statement>();
  out->kind = kind;
  out->line = line;
  return out;
}

}  // namespace

Body Parser::parse(std::string_view source) {
  if (static_cast<int64_t>(source.size()) > kMaxSourceBytes) {
    throw Raised("the template is larger than " + std::to_string(kMaxSourceBytes) +
                 " bytes (limit of source)");
  }
  Parser parser(tokenize(source));
  Body body = parser.statements({});
  if (!parser.unknown_.empty()) {
    Raised raised(parser.unknown_.front().what);
    raised.set_line(parser.unknown_.front().line);
    throw raised;
  }
  return body;
}

bool Parser::skip(std::string_view operator_text) {
  if (!now().is(operator_text)) return false;
  take();
  return true;
}

bool Parser::skip_name(std::string_view name) {
  if (!now().is_name(name)) return false;
  take();
  return true;
}

void Parser::expect(std::string_view operator_text) {
  if (!skip(operator_text)) unexpected("'" + std::string(operator_text) + "'");
}

void Parser::expect_kind(Token::Kind kind, std::string_view what) {
  if (now().kind != kind) unexpected(what);
  take();
}

std::string Parser::expect_name() {
  if (now().kind != Token::kName) unexpected("a name");
  return take().text;
}

void Parser::fail(const std::string& message) const {
  Raised raised(message);
  raised.set_line(now().line);
  throw raised;
}

void Parser::unexpected(std::string_view wanted) const {
  fail("expected " + std::string(wanted) + ", got '" + now().text.substr(0, 40) + "'");
}

// A macro that names one of these is handed it.
void Parser::note_name(const std::string& name) {
  for (Signature* signature : signatures_) {
    signature->uses_caller |= name == "caller";
    signature->uses_kwargs |= name == "kwargs";
    signature->uses_varargs |= name == "varargs";
  }
}

Body Parser::body(std::vector<std::string_view> end_names) {
  skip(":");
  expect_kind(Token::kBlockEnd, "the end of the block's tag");
  return statements(end_names);
}

// Up to a block whose name is in `end_names` (its name is the next token then), or the end.
Body Parser::statements(const std::vector<std::string_view>& end_names) {
  Body out;
  for (;;) {
    const Token token = take();
    switch (token.kind) {
      case Token::kData: {
        auto text = make_statement(Statement::kText, token.line);
        text->text = token.text;
        out.push_back(std::move(text));
        break;
      }
      case Token::kVariableBegin: {
        auto output = make_statement(Statement::kOutput, token.line);
        output->value = tuple(true, false, {});
        expect_kind(Token::kVariableEnd, "'}}'");
        out.push_back(std::move(output));
        break;
      }
      case Token::kBlockBegin: {
        const auto ends = [&](std::string_view name) { return now().is_name(name); };
        if (std::any_of(end_names.begin(), end_names.end(), ends)) return out;
        out.push_back(statement());
        expect_kind(Token::kBlockEnd, "'%}'");
        break;
      }
      default:
        if (!end_names.empty()) {
          fail("unexpected end of template, looking for '" + std::string(end_names.back()) + "'");
        }
        return out;
    }
  }
}

std::unique_ptr<const Statement> Parser::statement() {
  const Nested nested(*this);
  if (now().kind != Token::kName) unexpected("the name of a block");
  const std::string name = now().text;
  if (name == "if") return if_statement();
  if (name == "for") return for_statement();
  if (name == "set") return set_statement();
  if (name == "macro") return macro_statement();
  if (name == "call") return call_statement();
  if (name == "filter") return filter_statement();
  if (name == "with") return with_statement();
  if (name == "generation") return generation_statement();
  const int line = now().line;
  if (name == "print") {
    take();
    auto out = make_statement(Statement::kOutput, line);
    out->value = tuple(true, false, {});
    return out;
  }
  if (name == "break" || name == "continue") {
    if (loops_ == 0) fail("'" + name + "' outside of a loop");
    take();
    return make_statement(name == "break" ? Statement::kBreak : Statement::kContinue, line);
  }
  for (const std::string_view other : {"include", "import", "from", "extends", "block"}) {
    if (name == other) {
      fail("'" + name + "' is refused: a chat template is one file and may read no other");
    }
  }
  fail("Encountered unknown tag '" + name + "'.");
}

std::unique_ptr<const Statement> Parser::if_statement() {
  auto out = make_statement(Statement::kIf, take().line);
  const size_t known = unknown_.size();
  for (;;) {
    ExprPtr condition = tuple(false, false, {});
    Body then = body({"elif", "else", "endif"});
    out->branches.push_back({std::move(condition), std::move(then)});
    if (skip_name("elif")) continue;
    if (skip_name("else")) out->otherwise = body({"endif"});
    take();
    break;
  }
  unknown_.resize(known);  // as in a conditional expression
  return out;
}

std::unique_ptr<const Statement> Parser::for_statement() {
  auto out = make_statement(Statement::kFor, take().line);
  out->target = target(false, "in");
  if (!skip_name("in")) unexpected("'in'");
  out->value = tuple(false, false, "recursive");
  if (skip_name("if")) out->condition = expression();
  out->recursive = skip_name("recursive");
  ++loops_;
  out->body = body({"else", "endfor"});
  --loops_;
  if (skip_name("else")) out->otherwise = body({"endfor"});
  take();
  return out;
}

std::unique_ptr<const Statement> Parser::set_statement() {
  auto out = make_statement(Statement::kSet, take().line);
  out->target = target(true, {});
  if (skip("=")) {
    out->value = tuple(true, false, {});
    return out;
  }
  out->kind = Statement::kSetBlock;
  if (skip("|")) out->value = filter_chain();
  out->body = body({"endset"});
  take();
  return out;
}

ExprPtr Parser::target_name(bool with_namespace) {
  const Token token = now();
  const std::string name = expect_name();
  for (const std::string_view constant : {"true", "false", "none", "True", "False", "None"}) {
    if (name == constant) fail("can't assign to '" + name + "'");
  }
  auto out = make(Expr::kName, token.line);
  out->name = name;
  if (!with_namespace || !now().is(".")) return out;
  take();
  auto attribute = make(Expr::kAttribute, token.line);
  attribute->name = expect_name();
  attribute->items.push_back(std::move(out));
  return finish(std::move(attribute));
}

// Names with commas between, in brackets or not, nested in brackets.
ExprPtr Parser::target(bool with_namespace, std::string_view end_name) {
  const Nested nested(*this);
  auto out = make(Expr::kTuple, now().line);
  bool comma = false;
  while (now().kind == Token::kName || now().is("(")) {
    if (!end_name.empty() && now().is_name(end_name)) break;
    if (skip("(")) {
      out->items.push_back(target(with_namespace, {}));
      expect(")");
    } else {
      out->items.push_back(target_name(with_namespace));
    }
    if (!now().is(",")) break;
    take();
    comma = true;
  }
  if (out->items.empty()) unexpected("a name to assign to");
  if (!comma && out->items.size() == 1) return std::move(out->items[0]);
  return finish(std::move(out));
}

Signature Parser::signature() {
  Signature out;
  expect("(");
  while (!now().is(")")) {
    if (!out.parameters.empty()) expect(",");
    out.parameters.push_back(target_name(false)->name);
    if (skip("=")) {
      out.defaults.push_back(expression());
    } else if (!out.defaults.empty()) {
      fail("non-default argument follows default argument");
    }
  }
  expect(")");
  return out;
}

Body Parser::function_body(Signature& declared, std::string_view end_name) {
  const int loops = std::exchange(loops_, 0);
  signatures_.push_back(&declared);
  Body out = body({end_name});
  take();
  signatures_.pop_back();
  loops_ = loops;
  return out;
}

std::unique_ptr<const Statement> Parser::macro_statement() {
  auto out = make_statement(Statement::kMacro, take().line);
  out->text = target_name(false)->name;
  out->signature = signature();
  out->body = function_body(out->signature, "endmacro");
  return out;
}

std::unique_ptr<const Statement> Parser::call_statement() {
  auto out = make_statement(Statement::kCallBlock, take().line);
  if (now().is("(")) out->signature = signature();
  out->value = expression();
  if (out->value->kind != Expr::kCall) fail("expected call");
  out->body = function_body(out->signature, "endcall");
  return out;
}

std::unique_ptr<const Statement> Parser::filter_statement() {
  auto out = make_statement(Statement::kFilterBlock, take().line);
  out->value = filter_chain();
  out->body = body({"endfilter"});
  take();
  return out;
}

std::unique_ptr<const Statement> Parser::with_statement() {
  auto out = make_statement(Statement::kWith, take().line);
  while (now().kind != Token::kBlockEnd) {
    if (!out->assignments.empty()) expect(",");
    ExprPtr name = target(false, {});
    expect("=");
    out->assignments.emplace_back(std::move(name), expression());
  }
  out->body = body({"endwith"});
  take();
  return out;
}

// Marks what the assistant wrote, for training; here only its scope of names is left.
std::unique_ptr<const Statement> Parser::generation_statement() {
  auto out = make_statement(Statement::kWith, take().line);
  Signature none;
  out->body = function_body(none, "endgeneration");
  return out;
}

}  // namespace kilotoken::jinja
