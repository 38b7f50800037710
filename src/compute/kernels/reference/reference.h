#pragma once
// The reference operations, for the table itself and for tables that keep some of them.

#include "compute/kernels/kernels.h"

namespace kilotoken::reference {

void linear(const LinearArgs& args, ThreadPool& pool);
void quantised_linear(const LinearArgs& args, ThreadPool& pool);  // packed weights
void rms_norm(const float* input, const Tensor& weight, float epsilon, int64_t rows, float* output,
              ThreadPool& pool);
void rope(const RopeArgs& args, ThreadPool& pool);
void kv_write(const KvWriteArgs& args, ThreadPool& pool);
void attention(const AttentionArgs& args, ThreadPool& pool);
void silu_multiply(float* gate, const float* up, int64_t count, ThreadPool& pool);
void embed(const Weight& table, const int32_t* ids, int64_t rows, float* output, ThreadPool& pool);

}  // namespace kilotoken::reference
