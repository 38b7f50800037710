#include "cli/chat_history.h"

#include <cstdio>

#include "base/files.h"

namespace kilotoken {

void ChatHistory::add(std::string_view role, std::string text) {
  said_.push_back({std::string(role), std::move(text)});
}

OrderedJson ChatHistory::messages() const {
  OrderedJson messages = OrderedJson::array();
  if (!system_.empty()) messages.push_back({{"role", "system"}, {"content", system_}});
  for (const Message& message : said_) {
    messages.push_back({{"role", message.role}, {"content", message.text}});
  }
  return messages;
}

Result<void> ChatHistory::save(const std::string& path) const {
  if (path.ends_with(".json")) {
    return write_text_file(path, OrderedJson{{"messages", messages()}}.dump(2) + "\n");
  }
  std::string text;
  if (!system_.empty()) text += "*" + system_ + "*\n\n";
  for (const Message& message : said_) {
    text += std::string("**") + (message.role == "user" ? "You" : "Answer") + ":** ";
    text += message.text + "\n\n";
  }
  return write_text_file(path, text);
}

std::string shown_text(std::string_view piece, std::string& pending) {
  std::string text;
  for (const char c : piece) {
    const auto byte = static_cast<unsigned char>(c);
    if (!std::exchange(pending, {}).empty()) {  // after 0xC2: U+0080 to U+00BF
      if (byte < 0xA0) {
        char name[16];
        std::snprintf(name, sizeof name, "U+%04X", byte);
        text += name;
      } else {
        text += {'\xC2', c};
      }
    } else if (byte == 0xC2) {
      pending = c;
    } else if (byte == 0x7F || (byte < 0x20 && c != '\n' && c != '\t')) {
      text += {'^', static_cast<char>(byte ^ 0x40)};
    } else {
      text += c;
    }
  }
  return text;
}

}  // namespace kilotoken
