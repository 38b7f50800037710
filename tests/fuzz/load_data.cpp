// A file of prompts or a trace, as the benchmark reads it. The first byte picks the layout:
// s(haregpt), c(ustom), a(zure), m(ooncake). A second one, if odd, gives the server a context to
// which requests are scaled or beyond which they are left out.

#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"
#include "fuzz_target.h"
#include "measure/bench/datasets.h"

namespace kilotoken::bench {
namespace {

constexpr int kContext = 512;

// A file in memory, for as long as this lives.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes) : fd_(::memfd_create("load_data", 0)) {
    KT_CHECK(fd_ >= 0);
    KT_CHECK(::write(fd_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  }
  ~MemoryFile() { ::close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  const int fd_;
};

const char* layout_of(char first) {
  switch (first) {
    case 's':
      return "sharegpt";
    case 'c':
      return "custom";
    case 'a':
      return "azure";
    default:
      return "mooncake";
  }
}

void check(const Plan& plan, const DataOptions& options) {
  KT_CHECK(!plan.sessions.empty() && plan.sessions.size() <= options.count);
  KT_CHECK(plan.open_loop == has_own_times(options.name));
  int64_t before = 0;
  for (const Session& session : plan.sessions) {
    KT_CHECK(session.due_ns >= before, "times go forward");
    before = session.due_ns;
    for (const Turn& turn : session.turns) {
      KT_CHECK(turn.max_tokens > 0 && turn.input_tokens >= 0);
    }
  }
  KT_CHECK(schedule_sha256(plan).size() == 64);
}

}  // namespace
}  // namespace kilotoken::bench

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kilotoken::bench;
  if (size < 2) return 0;
  const MemoryFile file({reinterpret_cast<const char*>(data) + 2, size - 2});
  DataOptions options;
  options.name = layout_of(static_cast<char>(data[0]));
  options.path = file.path();
  options.count = 4;
  options.salt_prompts = false;
  // A trace's lengths are words to make: without a context they would be that many.
  if (data[1] % 2 == 1 || has_own_times(options.name)) options.max_model_len = kContext;
  const Words words(nullptr, 1);
  const auto plan = make_plan(options, words);
  if (plan.ok()) {
    check(*plan, options);
  } else {
    KT_CHECK(plan.error().message.find('\n') == std::string::npos, "an error is one line");
  }
  return 0;
}
