#include "api/exposition.h"

#include <cmath>
#include <limits>
#include <regex>
#include <set>
#include <sstream>

namespace kilotoken::test {
namespace {

const std::string kName = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const std::string kLabel = R"re([a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\\\|\\"|\\n)*")re";

struct Bucket {
  double bound, count;
};

class Reader {
 public:
  Exposition read(const std::string& text) {
    if (text.empty() || text.back() != '\n') complain("the text does not end with a line feed");
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      line_ = line;
      line.starts_with("#") ? read_comment(line) : read_sample(line);
    }
    for (const auto& [series, buckets] : buckets_) check_buckets(series, buckets);
    return std::move(result_);
  }

 private:
  void complain(const std::string& what) { result_.problems.push_back(what + ": " + line_); }

  void read_comment(const std::string& line) {
    static const std::regex help("# HELP (" + kName + ") [^\\n]+");
    static const std::regex type("# TYPE (" + kName + ") (counter|gauge|histogram|summary)");
    std::smatch match;
    if (std::regex_match(line, match, help)) {
      if (!helped_.insert(match[1]).second) complain("a second HELP");
      family_ = match[1];
    } else if (std::regex_match(line, match, type)) {
      if (family_ != match[1]) complain("TYPE without HELP before it");
      if (!result_.types.emplace(match[1], match[2]).second) complain("a second TYPE");
    } else {
      complain("neither HELP nor TYPE");
    }
  }

  void read_sample(const std::string& line) {
    static const std::regex sample("(" + kName + ")((?:\\{" + kLabel + "(?:," + kLabel +
                                   ")*\\})?) ([-+]?(?:[0-9.]+(?:e[-+]?[0-9]+)?|Inf)|NaN)");
    std::smatch match;
    if (!std::regex_match(line, match, sample)) return complain("not a sample");
    const std::string name = match[1], labels = match[2], value = match[3];
    const double number =
        value == "+Inf" ? std::numeric_limits<double>::infinity() : std::stod(value);
    if (!result_.samples.emplace(name + labels, number).second) complain("a series twice");
    const std::string type = result_.types[family_];
    const std::string part = name.starts_with(family_) ? name.substr(family_.size()) : "?";
    const bool fits = type == "histogram" ? part == "_bucket" || part == "_sum" || part == "_count"
                                          : part.empty();
    if (!fits) complain("a sample outside its family, which is " + family_ + ", a " + type);
    if (type != "gauge" && !(number >= 0)) complain("below 0");
    if (type == "histogram" && part == "_bucket") read_bucket(labels, number);
  }

  void read_bucket(const std::string& labels, double count) {
    static const std::regex le(R"re(,?le="([^"]*)")re");
    std::smatch match;
    if (!std::regex_search(labels, match, le)) return complain("a bucket without le");
    const std::string text = match[1];
    const double bound = text == "+Inf" ? std::numeric_limits<double>::infinity() : std::stod(text);
    std::string rest = match.prefix().str() + match.suffix().str();
    if (rest == "{}") rest.clear();
    buckets_[family_ + "_count" + rest].push_back({bound, count});
  }

  void check_buckets(const std::string& count_series, const std::vector<Bucket>& buckets) {
    line_ = count_series;
    for (size_t i = 1; i < buckets.size(); ++i) {
      if (buckets[i].bound <= buckets[i - 1].bound) complain("bounds that do not rise");
      if (buckets[i].count < buckets[i - 1].count) complain("counts that fall");
    }
    if (!std::isinf(buckets.back().bound)) complain("no +Inf bucket");
    const auto count = result_.samples.find(count_series);
    if (count == result_.samples.end() || count->second != buckets.back().count) {
      complain("the count is not that of +Inf");
    }
  }

  Exposition result_;
  std::string line_, family_;
  std::set<std::string> helped_;
  std::map<std::string, std::vector<Bucket>> buckets_;  // by the series of their count
};

}  // namespace

Exposition read_exposition(const std::string& text) { return Reader().read(text); }

}  // namespace kilotoken::test
