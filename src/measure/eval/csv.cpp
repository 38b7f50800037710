#include "measure/eval/csv.h"

namespace kilotoken {
namespace {

class Reader {
 public:
  Reader(std::string_view text, std::string_view where) : text_(text), where_(where) {}

  Result<std::vector<std::vector<std::string>>> rows() {
    std::vector<std::vector<std::string>> rows;
    while (!done()) {
      if (take_line_end()) continue;
      std::vector<std::string> row;
      do {
        KT_TRY(std::string field, next_field());
        row.push_back(std::move(field));
      } while (take(','));
      if (!done() && !take_line_end()) return error("a quoted field goes on after its end");
      rows.push_back(std::move(row));
    }
    return rows;
  }

 private:
  bool done() const { return at_ == text_.size(); }

  bool take(char c) {
    if (done() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  bool take_line_end() {
    const size_t before = at_;
    take('\r');
    if (take('\n')) {
      ++line_;
      return true;
    }
    if (done() && at_ > before) return true;
    at_ = before;
    return false;
  }

  Result<std::string> next_field() {
    if (take('"')) return quoted();
    const size_t end = std::min(text_.find_first_of(",\r\n", at_), text_.size());
    const std::string_view field = text_.substr(at_, end - at_);
    if (field.find('"') != std::string_view::npos) {
      return error("a quote inside a field that is not quoted");
    }
    at_ = end;
    return std::string(field);
  }

  Result<std::string> quoted() {
    std::string field;
    const int begun = line_;
    while (!done()) {
      const char c = text_[at_++];
      if (c == '"' && !take('"')) return field;
      if (c == '\n') ++line_;
      field += c;
    }
    line_ = begun;
    return error("a quoted field has no end");
  }

  Error error(const char* what) const {
    return invalid(std::string(where_) + ":" + std::to_string(line_) + ": " + what);
  }

  std::string_view text_, where_;
  size_t at_ = 0;
  int line_ = 1;
};

}  // namespace

Result<std::vector<std::vector<std::string>>> parse_csv(std::string_view text,
                                                        std::string_view where) {
  return Reader(text, where).rows();
}

}  // namespace kilotoken
