#include "model/jinja/loops.h"

#include <algorithm>
#include <string>
#include <vector>

namespace kilotoken::jinja {
namespace {

// Every "set" and "for" of a template, however deep.
struct Found {
  std::vector<const Statement*> sets;
  std::vector<const Statement*> loops;

  void look(const Body& body) {
    for (const auto& statement : body) {
      if (statement->kind == Statement::kSet) sets.push_back(statement.get());
      if (statement->kind == Statement::kFor) loops.push_back(statement.get());
      for (const auto& branch : statement->branches) look(branch.body);
      look(statement->body);
      look(statement->otherwise);
    }
  }
};

bool is_name(const Expr& expr, std::string_view name) {
  return expr.kind == Expr::kName && expr.name == name;
}

bool is_item(const Expr& expr, std::string_view name, std::string_view key) {
  if (expr.kind == Expr::kAttribute) return expr.name == key && is_name(*expr.items[0], name);
  if (expr.kind != Expr::kItem || expr.items[1]->kind != Expr::kConstant) return false;
  const Text* text = expr.items[1]->constant.as_text();
  return text != nullptr && text->bytes == key && is_name(*expr.items[0], name);
}

// The variable, or its item `key` if that is not empty; through filters, tests and slices.
bool refers_to(const Expr& expr, std::string_view name, std::string_view key) {
  const Expr* at = &expr;
  while (at->kind == Expr::kFilter || at->kind == Expr::kTest || at->kind == Expr::kSlice) {
    if (at->items[0] == nullptr) return false;
    at = at->items[0].get();
  }
  return key.empty() ? is_name(*at, name) : is_item(*at, name, key);
}

}  // namespace

bool loops_over_item(const Body& body, std::string_view variable, std::string_view key) {
  Found found;
  found.look(body);
  std::vector<std::string> lists = {std::string(variable)};  // all names of the variable
  for (size_t i = 0; i < lists.size(); ++i) {
    for (const Statement* set : found.sets) {
      if (!refers_to(*set->value, lists[i], {})) continue;
      if (set->target->kind != Expr::kName) continue;
      const bool known = std::find(lists.begin(), lists.end(), set->target->name) != lists.end();
      if (!known) lists.push_back(set->target->name);
    }
  }
  std::vector<std::string> elements;
  for (const Statement* loop : found.loops) {
    const bool over_list = std::any_of(lists.begin(), lists.end(), [&](const std::string& name) {
      return refers_to(*loop->value, name, {});
    });
    if (over_list && loop->target->kind == Expr::kName) elements.push_back(loop->target->name);
  }
  return std::any_of(found.loops.begin(), found.loops.end(), [&](const Statement* loop) {
    return std::any_of(elements.begin(), elements.end(),
                       [&](const std::string& name) { return refers_to(*loop->value, name, key); });
  });
}

}  // namespace kilotoken::jinja
