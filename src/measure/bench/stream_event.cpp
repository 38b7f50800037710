#include "measure/bench/stream_event.h"

#include <charconv>
#include <cstring>

namespace kilotoken::bench {
namespace {

constexpr int kMaxDepth = 64;
constexpr int64_t kMostTokens = int64_t{1} << 40;  // more is no count; sums of fewer are exact

// Walks JSON forward; every function is false at the first thing that cannot be.
class Walker {
 public:
  explicit Walker(std::string_view text) : at_(text.data()), end_(at_ + text.size()) {}

  bool at_end() {
    skip_space();
    return at_ == end_;
  }
  char peek() {
    skip_space();
    return at_ < end_ ? *at_ : '\0';
  }
  bool take(char wanted) {
    if (peek() != wanted) return false;
    ++at_;
    return true;
  }

  // What stands between the quotes.
  bool string(std::string_view& raw) {
    if (!take('"')) return false;
    const char* const begin = at_;
    for (; at_ < end_; ++at_) {
      if (*at_ == '"') {
        raw = {begin, static_cast<size_t>(at_ - begin)};
        ++at_;
        return true;
      }
      if (static_cast<unsigned char>(*at_) < 0x20) return false;
      if (*at_ == '\\' && ++at_ == end_) return false;
    }
    return false;
  }

  bool integer(int64_t& value) {
    std::string_view raw;
    if (!scalar(raw)) return false;
    const auto read = std::from_chars(raw.data(), raw.data() + raw.size(), value);
    return read.ec != std::errc::result_out_of_range && value <= kMostTokens;
  }

  // Any value; its text.
  bool value(std::string_view& raw, int depth = 0) {
    const char first = peek();
    const char* const begin = at_;
    bool good = depth < kMaxDepth;
    std::string_view ignored;
    if (first == '"') {
      good = good && string(ignored);
    } else if (first == '{') {
      good = good && object([&](std::string_view) { return value(ignored, depth + 1); });
    } else if (first == '[') {
      good = good && array([&] { return value(ignored, depth + 1); });
    } else {
      good = good && scalar(ignored);
    }
    raw = {begin, static_cast<size_t>(at_ - begin)};
    return good;
  }

  // `member(key)` reads the member's value.
  template <typename Member>
  bool object(Member member) {
    if (!take('{')) return false;
    if (take('}')) return true;
    for (;;) {
      std::string_view key;
      if (!string(key) || !take(':') || !member(key)) return false;
      if (take('}')) return true;
      if (!take(',')) return false;
    }
  }

  template <typename Item>
  bool array(Item item) {
    if (!take('[')) return false;
    if (take(']')) return true;
    for (;;) {
      if (!item()) return false;
      if (take(']')) return true;
      if (!take(',')) return false;
    }
  }

  // A string; or null, which leaves `raw` empty.
  bool string_or_null(std::string_view& raw) {
    if (peek() == '"') return string(raw);
    std::string_view ignored;
    return value(ignored);
  }

 private:
  void skip_space() {
    while (at_ < end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\n' || *at_ == '\r')) ++at_;
  }
  bool scalar(std::string_view& raw) {
    skip_space();
    const char* const begin = at_;
    while (at_ < end_ && *at_ != '\0' && !std::strchr(",]} \t\r\n", *at_)) ++at_;
    raw = {begin, static_cast<size_t>(at_ - begin)};
    if (raw == "null" || raw == "true" || raw == "false") return true;
    return !raw.empty() && (raw[0] == '-' || (raw[0] >= '0' && raw[0] <= '9'));
  }

  const char* at_;
  const char* const end_;
};

bool read_delta(Walker& walker, StreamEvent& event, bool first) {
  std::string_view ignored;
  if (walker.peek() != '{') return walker.value(ignored);
  return walker.object([&](std::string_view key) {
    if (first && key == "content") return walker.string_or_null(event.text);
    if (first && (key == "reasoning_content" || key == "reasoning")) {
      return walker.string_or_null(event.reasoning);
    }
    std::string_view raw;
    const bool good = walker.value(raw);
    if (key == "tool_calls" || key == "function_call") {
      event.tool_call = event.tool_call || (raw.size() > 2 && raw != "null");
    }
    return good;
  });
}

bool read_choice(Walker& walker, StreamEvent& event) {
  const bool first = event.choices++ == 0;
  std::string_view ignored;
  return walker.object([&](std::string_view key) {
    if (key == "delta") return read_delta(walker, event, first);
    if (first && key == "text") return walker.string_or_null(event.text);
    if (first && key == "finish_reason") return walker.string_or_null(event.finish_reason);
    if (key == "token_ids" && walker.peek() == '[') {
      return walker.array([&] {
        ++event.token_ids;
        return walker.value(ignored);
      });
    }
    return walker.value(ignored);
  });
}

bool read_usage(Walker& walker, StreamEvent& event) {
  std::string_view ignored;
  if (walker.peek() != '{') return walker.value(ignored);
  return walker.object([&](std::string_view key) {
    if (key == "prompt_tokens") return walker.integer(event.prompt_tokens);
    if (key == "completion_tokens") return walker.integer(event.completion_tokens);
    if (key == "prompt_tokens_details" && walker.peek() == '{') {
      return walker.object([&](std::string_view detail) {
        if (detail == "cached_tokens") return walker.integer(event.cached_tokens);
        return walker.value(ignored);
      });
    }
    return walker.value(ignored);
  });
}

void append_utf8(uint32_t code, std::string& text) {
  if (code < 0x80) {
    text.push_back(static_cast<char>(code));
    return;
  }
  const int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  constexpr uint32_t kLead[] = {0, 0xC0, 0xE0, 0xF0};
  text.push_back(static_cast<char>(kLead[more] | (code >> (6 * more))));
  for (int i = more - 1; i >= 0; --i) {
    text.push_back(static_cast<char>(0x80 | ((code >> (6 * i)) & 0x3F)));
  }
}

uint32_t hex4(std::string_view raw, size_t at) {
  uint32_t code = 0xFFFD;
  if (at + 4 <= raw.size()) std::from_chars(raw.data() + at, raw.data() + at + 4, code, 16);
  return code;
}

}  // namespace

bool parse_stream_event(std::string_view json, StreamEvent& event) {
  event = StreamEvent();
  Walker walker(json);
  const bool good = walker.object([&](std::string_view key) {
    if (key == "choices" && walker.peek() == '[') {
      return walker.array([&] { return read_choice(walker, event); });
    }
    if (key == "usage") return read_usage(walker, event);
    if (key == "id") return walker.string_or_null(event.id);
    std::string_view raw;
    const bool read = walker.value(raw);
    if (key == "error" && raw != "null") event.error = raw;
    if (key == "timings") event.timings = raw;
    return read;
  });
  return good && walker.at_end();
}

void append_unescaped(std::string_view raw, std::string& text) {
  for (size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '\\' || i + 1 == raw.size()) {
      text.push_back(raw[i]);
      continue;
    }
    const char kind = raw[++i];
    constexpr std::string_view kFrom = "bfnrt", kTo = "\b\f\n\r\t";
    if (kind == 'u') {
      uint32_t code = hex4(raw, i + 1);
      i += 4;
      if (code >> 10 == 0x36 && raw.substr(i + 1, 2) == "\\u") {  // the first of a pair
        const uint32_t second = hex4(raw, i + 3);
        if (second >> 10 == 0x37) {
          code = 0x10000 + ((code & 0x3FF) << 10) + (second & 0x3FF);
          i += 6;
        }
      }
      append_utf8(code >> 11 == 0x1B ? 0xFFFD : code, text);
    } else if (const size_t place = kFrom.find(kind); place != kFrom.npos) {
      text.push_back(kTo[place]);
    } else {
      text.push_back(kind);
    }
  }
}

}  // namespace kilotoken::bench
