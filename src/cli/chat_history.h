#pragma once
// ChatHistory: what was said in `kilotoken chat`, as requests want it and as files keep it.

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace kilotoken {

class ChatHistory {
 public:
  void set_system(std::string text) { system_ = std::move(text); }
  const std::string& system() const { return system_; }
  void add(std::string_view role, std::string text);
  void drop_last() { said_.pop_back(); }
  void reset() { said_.clear(); }  // the system prompt stays
  size_t size() const { return said_.size(); }

  OrderedJson messages() const;  // [{"role","content"}], the system prompt first

  // As JSON if the name ends in .json, else as Markdown.
  Result<void> save(const std::string& path) const;

 private:
  struct Message {
    std::string role, text;
  };
  std::string system_;
  std::vector<Message> said_;
};

// A model's words for a terminal: control characters but line ends and tabs, which could move the
// cursor or set the terminal's state, are shown as what they are (^[ or U+009B). `pending` keeps
// the start of a character whose end comes with the next piece.
std::string shown_text(std::string_view piece, std::string& pending);

}  // namespace kilotoken
