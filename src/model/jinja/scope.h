#pragma once
// Scope: the names set within one block, macro or turn of a loop; names it has not are its
// parent's.

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/jinja/value.h"

namespace kilotoken::jinja {

struct Scope {
  std::shared_ptr<Scope> parent;
  std::vector<std::pair<std::string, Value>> names;

  const Value* find(std::string_view name) const {
    for (const Scope* scope = this; scope != nullptr; scope = scope->parent.get()) {
      for (const auto& held : scope->names) {
        if (held.first == name) return &held.second;
      }
    }
    return nullptr;
  }

  void set(std::string_view name, Value value) {
    for (auto& held : names) {
      if (held.first == name) {
        held.second = std::move(value);
        return;
      }
    }
    names.emplace_back(name, std::move(value));
  }
};

}  // namespace kilotoken::jinja
