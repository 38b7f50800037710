// Plans from traces of real services: arrival times and lengths are the trace's, the words are made
// up. Azure's CSV (2023 and 2024 layouts) and Mooncake's JSONL, whose hash ids say which blocks of
// 512 tokens requests share.

#include <algorithm>
#include <charconv>
#include <ctime>

#include "base/files.h"
#include "measure/bench/datasets.h"
#include "measure/bench/record_file.h"

namespace kilotoken::bench {
namespace {

constexpr uint32_t kBlocks = 21, kPrompts = 22;
constexpr int kMooncakeBlock = 512;
constexpr int64_t kLongest = 1 << 24;           // tokens of a prompt or an answer
constexpr int64_t kLatestMs = 100'000'000'000;  // of a trace's own clock: three years
constexpr double kLongestRunNs = 1e18;          // thirty years

struct TraceLine {
  int64_t at_ns = 0;
  int input = 0, output = 0;
  std::vector<int64_t> blocks;
};

// How much shorter requests must be for the longest to fit.
double scale_of(const std::vector<TraceLine>& lines, const DataOptions& options, Plan& plan) {
  int longest = 0;
  for (const TraceLine& line : lines) longest = std::max(longest, line.input + line.output);
  const int room = options.max_model_len - template_tokens(options.chat, 1) - 16;
  if (options.max_model_len == 0 || longest <= room) return 1;
  const double scale = static_cast<double>(room) / longest;
  plan.notes.push_back("lengths scaled by " + std::to_string(scale) + ": the longest request has " +
                       std::to_string(longest) + " tokens, the model's context is " +
                       std::to_string(options.max_model_len));
  return scale;
}

int scaled(int length, double scale) {
  return std::max(1, static_cast<int>(static_cast<double>(length) * scale));
}

Result<int64_t> azure_time(std::string_view text, const std::string& where) {
  std::tm date{};
  const std::string whole(text);
  const char* rest = ::strptime(whole.c_str(), "%Y-%m-%d %H:%M:%S", &date);
  int64_t fraction_ns = 0, unit = 100'000'000;
  if (rest && *rest == '.') {
    for (++rest; *rest >= '0' && *rest <= '9'; ++rest, unit /= 10) {
      fraction_ns += (*rest - '0') * unit;
    }
  }
  const int year = date.tm_year + 1900;
  if (!rest || *rest != '\0' || year < 1970 || year > 2200) {
    return invalid(where + ": expected a time as 2023-11-16 18:17:03.9799600, not \"" + whole +
                   "\"");
  }
  return int64_t{::timegm(&date)} * 1'000'000'000 + fraction_ns;
}

Result<int> length_of(std::string_view text, const std::string& where) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0 || value > kLongest) {
    return invalid(where + ": expected a number of tokens up to " + std::to_string(kLongest) +
                   ", not \"" + std::string(text) + "\"");
  }
  return std::max(value, 1);
}

Result<TraceLine> azure_line(std::string_view row, const std::string& where) {
  if (row.ends_with('\r')) row.remove_suffix(1);
  const size_t first = row.find(','), second = row.find(',', first + 1);
  if (first == row.npos || second == row.npos || row.find(',', second + 1) != row.npos) {
    return invalid(where + ": expected TIMESTAMP,ContextTokens,GeneratedTokens");
  }
  TraceLine line;
  KT_TRY(line.at_ns, azure_time(row.substr(0, first), where));
  KT_TRY(line.input, length_of(row.substr(first + 1, second - first - 1), where));
  KT_TRY(line.output, length_of(row.substr(second + 1), where));
  return line;
}

Result<TraceLine> mooncake_line(const RecordFile& file, const FileRecord& record) {
  const auto number = [&](const char* key, int64_t most) -> Result<int64_t> {
    const auto found = record.json.find(key);
    if (found != record.json.end() && found->is_number()) {
      const double value = found->get<double>();
      if (value >= 0 && value <= static_cast<double>(most)) return static_cast<int64_t>(value);
    }
    return file.wrong(record, std::string("expected \"") + key + "\": a number from 0 to " +
                                  std::to_string(most) +
                                  ", beside timestamp, input_length, output_length and hash_ids");
  };
  TraceLine line;
  KT_TRY(const int64_t at_ms, number("timestamp", kLatestMs));
  KT_TRY(const int64_t input, number("input_length", kLongest));
  KT_TRY(const int64_t output, number("output_length", kLongest));
  line.at_ns = at_ms * 1'000'000;
  line.input = static_cast<int>(std::max<int64_t>(input, 1));
  line.output = static_cast<int>(std::max<int64_t>(output, 1));
  const auto ids = record.json.find("hash_ids");
  if (ids == record.json.end() || !ids->is_array()) {
    return file.wrong(record, "expected \"hash_ids\": a list of numbers");
  }
  for (const Json& id : *ids) {
    if (!id.is_number_integer()) return file.wrong(record, "expected numbers in \"hash_ids\"");
    line.blocks.push_back(id.get<int64_t>());
  }
  return line;
}

Result<void> finish(Plan& plan, const std::vector<TraceLine>& lines, const DataOptions& options) {
  const int64_t begin = lines.empty() ? 0 : lines.front().at_ns;
  plan.open_loop = true;
  for (size_t i = 0; i < lines.size(); ++i) {
    const double due = static_cast<double>(lines[i].at_ns - begin) / options.trace_speed;
    if (!(due < kLongestRunNs)) {
      return invalid(options.path + ": at this --trace-speed the trace lasts over thirty years");
    }
    plan.sessions[i].due_ns = static_cast<int64_t>(due);
  }
  plan.parameters = {{"trace_speed", std::to_string(options.trace_speed)}};
  if (options.trace_speed != 1) {
    plan.notes.push_back("the trace's clock runs " + std::to_string(options.trace_speed) +
                         " times as fast");
  }
  return {};
}

void by_time(std::vector<TraceLine>& lines) {
  std::stable_sort(lines.begin(), lines.end(),
                   [](const TraceLine& a, const TraceLine& b) { return a.at_ns < b.at_ns; });
}

}  // namespace

Result<Plan> plan_azure(const DataOptions& options, const Words& words) {
  KT_TRY(const std::string text, read_text_file(options.path, size_t{4} << 30));
  Plan plan;
  plan.data_sha256 = sha256_hex(text);
  std::vector<TraceLine> lines;
  std::string_view rest = text;
  for (int number = 1; !rest.empty() && lines.size() < options.count; ++number) {
    const size_t end = rest.find('\n');
    const std::string_view row = rest.substr(0, end);
    rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
    const std::string where = options.path + ", line " + std::to_string(number);
    if (number == 1) {
      if (!row.starts_with("TIMESTAMP,ContextTokens,GeneratedTokens")) {
        return invalid(where + ": expected the header TIMESTAMP,ContextTokens,GeneratedTokens");
      }
      continue;
    }
    if (row.empty() || row == "\r") continue;
    KT_TRY(TraceLine line, azure_line(row, where));
    lines.push_back(std::move(line));
  }
  if (lines.empty()) return invalid(options.path + ": the trace has no requests");
  by_time(lines);
  const double scale = scale_of(lines, options, plan);
  for (size_t i = 0; i < lines.size(); ++i) {
    Turn turn;
    turn.max_tokens = scaled(lines[i].output, scale);
    fill_turn(turn, options, words, kPrompts, i, scaled(lines[i].input, scale));
    plan.sessions.push_back({{std::move(turn)}, 0, "", 0});
  }
  KT_TRY_VOID(finish(plan, lines, options));
  return plan;
}

Result<Plan> plan_mooncake(const DataOptions& options, const Words& words) {
  KT_TRY(const RecordFile file, read_record_file(options.path));
  Plan plan;
  plan.data_sha256 = file.sha256;
  std::vector<TraceLine> lines;
  for (const FileRecord& record : file.records) {
    KT_TRY(TraceLine line, mooncake_line(file, record));
    if (lines.size() < options.count) lines.push_back(std::move(line));
  }
  by_time(lines);
  const double scale = scale_of(lines, options, plan);
  const int block = scaled(kMooncakeBlock, scale);
  for (const TraceLine& line : lines) {
    Turn turn;
    const int input = scaled(line.input, scale);
    for (const int64_t id : line.blocks) {
      const int left = input - turn.input_tokens;
      if (left <= 0) break;
      Turn part;
      fill_turn(part, options, words, kBlocks, static_cast<uint64_t>(id), std::min(block, left));
      turn.ids.insert(turn.ids.end(), part.ids.begin(), part.ids.end());
      turn.text += (turn.text.empty() ? "" : " ") + part.text;
      turn.input_tokens += part.input_tokens;
    }
    if (turn.ids.empty() && turn.text.empty()) {
      fill_turn(turn, options, words, kPrompts, plan.sessions.size(), input);
    }
    turn.max_tokens = scaled(line.output, scale);
    plan.sessions.push_back({{std::move(turn)}, 0, "", 0});
  }
  KT_TRY_VOID(finish(plan, lines, options));
  return plan;
}

}  // namespace kilotoken::bench
