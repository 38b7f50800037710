#include "timed_kernels.h"

#include <utility>

#include "base/clock.h"

namespace kilotoken::bench {
namespace {

const Kernels* inner = nullptr;
Kernels table;
KernelTimes times;

template <auto Operation, typename... Args>
void timed_call(const char* name, Args&&... args) {
  const SystemClock clock;
  const int64_t begin = clock.now_ns();
  (inner->*Operation)(std::forward<Args>(args)...);
  times.ns[name] += clock.now_ns() - begin;
}

}  // namespace

const Kernels& timed(const Kernels& kernels) {
  inner = &kernels;
  table = kernels;
  table.linear = [](const LinearArgs& args, ThreadPool& pool) {
    timed_call<&Kernels::linear>("linear", args, pool);
    ++times.linear_calls;
    times.linear_rows += args.rows;
  };
  table.rms_norm = [](const float* input, const Tensor& weight, float epsilon, int64_t rows,
                      float* output, ThreadPool& pool) {
    timed_call<&Kernels::rms_norm>("norm", input, weight, epsilon, rows, output, pool);
  };
  table.rope = [](const RopeArgs& args, ThreadPool& pool) {
    timed_call<&Kernels::rope>("rope, KV write", args, pool);
  };
  table.kv_write = [](const KvWriteArgs& args, ThreadPool& pool) {
    timed_call<&Kernels::kv_write>("rope, KV write", args, pool);
  };
  table.attention = [](const AttentionArgs& args, ThreadPool& pool) {
    timed_call<&Kernels::attention>("attention", args, pool);
  };
  table.silu_multiply = [](float* gate, const float* up, int64_t count, ThreadPool& pool) {
    timed_call<&Kernels::silu_multiply>("SiLU", gate, up, count, pool);
  };
  table.embed = [](const Weight& weight, const int32_t* ids, int64_t rows, float* output,
                   ThreadPool& pool) {
    timed_call<&Kernels::embed>("embedding", weight, ids, rows, output, pool);
  };
  return table;
}

KernelTimes take_kernel_times() { return std::exchange(times, {}); }

}  // namespace kilotoken::bench
