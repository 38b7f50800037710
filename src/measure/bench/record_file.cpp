#include "measure/bench/record_file.h"

#include "base/files.h"
#include "measure/bench/plan.h"

namespace kilotoken::bench {
namespace {

std::string at_line(const std::string& path, int line) {
  return path + ", line " + std::to_string(line);
}

// The end of the value that begins at `at` in an array: its comma, its closing bracket, or the end
// of the text. Counts lines.
size_t value_end(const std::string& text, size_t at, int& line) {
  int depth = 0;
  bool quoted = false;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '\n') ++line;
    if (quoted) {
      if (c == '\\') ++at;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (depth > 0 && (c == '}' || c == ']')) {
      --depth;
    } else if (depth == 0 && (c == ',' || c == ']')) {
      break;
    }
  }
  return at;
}

Result<void> add(RecordFile& file, std::string_view text, int line) {
  KT_TRY(Json json, parse_json(text, at_line(file.path, line)));
  if (!json.is_object()) {
    return invalid(at_line(file.path, line) + ": expected an object, as {\"...\": ...}, not " +
                   json.type_name());
  }
  file.records.push_back({line, std::move(json)});
  return {};
}

Result<void> read_array(RecordFile& file, const std::string& text, size_t at, int line) {
  for (++at;; ++at) {
    while (at < text.size() && std::isspace(static_cast<unsigned char>(text[at]))) {
      line += text[at++] == '\n';
    }
    if (at < text.size() && text[at] == ']' && file.records.empty()) break;
    const int begins = line;
    const size_t end = value_end(text, at, line);
    if (end >= text.size()) {
      return invalid(at_line(file.path, begins) +
                     ": expected a \"]\" at the end of the list; the file seems to be cut off");
    }
    KT_TRY_VOID(add(file, std::string_view(text).substr(at, end - at), begins));
    at = end;
    if (text[at] == ']') break;
  }
  for (++at; at < text.size(); ++at) {
    line += text[at] == '\n';
    if (!std::isspace(static_cast<unsigned char>(text[at]))) {
      return invalid(at_line(file.path, line) + ": expected nothing after the list");
    }
  }
  return {};
}

Result<void> read_lines(RecordFile& file, std::string_view text) {
  for (int line = 1; !text.empty(); ++line) {
    const size_t end = text.find('\n');
    const std::string_view part = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (part.find_first_not_of(" \t\r") == part.npos) continue;
    KT_TRY_VOID(add(file, part, line));
  }
  return {};
}

}  // namespace

Error RecordFile::wrong(const FileRecord& record, const std::string& what) const {
  return invalid(at_line(path, record.line) + ": " + what);
}

Result<RecordFile> read_record_file(const std::string& path) {
  KT_TRY(const std::string text, read_text_file(path, size_t{4} << 30));
  RecordFile file{path, sha256_hex(text), {}};
  int line = 1;
  size_t at = 0;
  while (at < text.size() && std::isspace(static_cast<unsigned char>(text[at]))) {
    line += text[at++] == '\n';
  }
  if (at == text.size()) return invalid(path + ": the file holds nothing");
  if (text[at] == '[') {
    KT_TRY_VOID(read_array(file, text, at, line));
  } else if (text[at] == '{') {
    KT_TRY_VOID(read_lines(file, text));
  } else {
    return invalid(at_line(path, line) +
                   ": expected a JSON list, or an object on each line (JSONL)");
  }
  if (file.records.empty()) return invalid(path + ": the list is empty");
  return file;
}

}  // namespace kilotoken::bench
