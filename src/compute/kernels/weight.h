#pragma once
// Weight: a matrix [out, in] as a kernel table computes with it. Plain numbers lie where they were
// stored; BF16 for the tables that ask for it, and every quantised format, are packed into panels
// (panel_layout.h), once, at load: straight from the stored tensor into huge pages that are first
// written by the thread which will read them.

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "base/threads.h"
#include "compute/kernels/panel_layout.h"
#include "compute/quant/formats.h"
#include "compute/tensor/arena.h"
#include "compute/tensor/tensor.h"

namespace kilotoken {

class Weight {
 public:
  Weight() = default;

  // The tensor itself, of plain numbers. It must outlive the weight.
  static Weight view(const Tensor& stored);

  // Packed as BF16, or in a quantised format that fits the width (FormatRow::fits). Blocks of a
  // GGUF file must be of that format already. `int8_rows`: of INT4, activations as INT8 per group,
  // else as BF16; other formats have one kind. kInvalid for weights that are NaN, infinite or too
  // large for the format; the message says where in the matrix.
  static Result<Weight> pack(const Tensor& stored, WeightFormat format, bool int8_rows,
                             ThreadPool& pool);

  WeightFormat format() const { return format_; }
  int64_t out() const { return out_; }
  int64_t in() const { return in_; }
  size_t bytes() const;  // as it lies in memory
  bool empty() const { return out_ == 0; }

  bool packed() const { return !panels_.bytes().empty(); }
  const Tensor& stored() const { return stored_; }            // of a view
  const cpu::PanelLayout& layout() const { return layout_; }  // of a packed one
  const std::byte* panels() const { return panels_.bytes().data(); }
  int64_t panel_count() const { return (out_ + cpu::kPanelOutputs - 1) / cpu::kPanelOutputs; }

  // One output's codes [in] and scales [groups], of a packed quantised weight.
  void read_codes(int64_t output, int8_t* codes, float* scales) const;
  int64_t group_inputs() const;  // that share a scale
  // One output's weights [in]. A code times its scale is rounded to float32.
  void read_row(int64_t output, float* to) const;

 private:
  WeightFormat format_ = WeightFormat::kF32;
  int64_t out_ = 0, in_ = 0;
  Tensor stored_;
  cpu::PanelLayout layout_;
  Arena panels_;
};

// Panels of a weight that one piece of a loop over them takes: a loop that packs them and loops
// that read them divide them alike, so that a thread reads what it wrote.
inline constexpr int64_t kPiecePanels = 4;

// kInvalid where a weight is NaN or infinite. Reads the whole tensor.
Result<void> check_finite(const Tensor& stored, ThreadPool& pool);

}  // namespace kilotoken
