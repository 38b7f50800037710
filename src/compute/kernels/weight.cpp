#include "compute/kernels/weight.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "base/check.h"
#include "compute/kernels/stored.h"

namespace kilotoken {
namespace {

using cpu::kPanelLine;
using cpu::kPanelOutputs;
using cpu::PanelFormat;
using cpu::PanelLayout;

constexpr int64_t kDepth = 64;  // inputs are filled up to a multiple: a tile's depth, BF16 or INT8

int64_t rounded_up(int64_t value, int64_t to) { return (value + to - 1) / to * to; }

PanelLayout layout_of(const FormatRow& row, int64_t in, bool int8_rows) {
  PanelLayout layout;
  if (row.plain()) {
    layout.group_lines = rounded_up(in, kDepth) / 2;
    layout.panel_bytes = layout.group_lines * kPanelLine;
    layout.row_bytes = rounded_up(in, kDepth) * 2;
    return layout;
  }
  const bool nibbles = row.code_bits == 4;
  const int64_t group = row.group == 0 ? rounded_up(in, kDepth) : row.group;
  layout.bf16_rows = row.format == WeightFormat::kInt4 && !int8_rows;
  layout.format = !nibbles           ? PanelFormat::kBytes
                  : layout.bf16_rows ? PanelFormat::kNibbleWords
                                     : PanelFormat::kNibbles;
  layout.half_scales = row.half_scales;
  layout.zero_point = nibbles ? 8 : 128;
  layout.groups = row.group == 0 ? 1 : in / group;
  layout.group_lines = group / (nibbles ? 8 : 4);
  const int64_t scale_bytes = layout.groups * kPanelOutputs * (row.half_scales ? 2 : 4);
  layout.panel_bytes =
      layout.groups * layout.group_lines * kPanelLine + rounded_up(scale_bytes, kPanelLine);
  layout.row_bytes = rounded_up(layout.groups * group * (layout.bf16_rows ? 2 : 1), kPanelLine);
  return layout;
}

// Where the byte with the code of input i lies in a panel, and by how much it is shifted there.
struct CodePlace {
  int64_t byte;
  int shift;
};
CodePlace place_of(const PanelLayout& layout, int64_t lane, int64_t i) {
  if (layout.format == PanelFormat::kBytes) {
    return {i / 4 * kPanelLine + lane * 4 + i % 4, 0};
  }
  const int64_t group = layout.group_lines * 8, half = group / 2, in_group = i % group;
  if (layout.format == PanelFormat::kNibbleWords) {
    const int64_t line = in_group / 2 % layout.group_lines,
                  nibble = in_group / 2 / layout.group_lines;
    return {
        (i / group * layout.group_lines + line) * kPanelLine + lane * 4 + i % 2 * 2 + nibble / 2,
        static_cast<int>(nibble % 2 * 4)};
  }
  const int64_t line = i / group * layout.group_lines + in_group % half / 4;
  return {line * kPanelLine + lane * 4 + in_group % 4, in_group < half ? 0 : 4};
}

std::byte* scales_of(const PanelLayout& layout, std::byte* panel) {
  return panel + layout.groups * layout.group_lines * kPanelLine;
}

// Packs the outputs of one thread's panels, one after the other.
class Packer {
 public:
  Packer(const Tensor& stored, const FormatRow& row, const PanelLayout& layout)
      : stored_(stored), row_(row), layout_(layout), in_(stored.size(1)) {
    numbers_.resize(static_cast<size_t>(in_));
    codes_.resize(static_cast<size_t>(in_));
  }

  // False where a weight cannot be stored.
  bool pack(int64_t output, std::byte* panel) {
    const int64_t lane = output % kPanelOutputs;
    if (row_.plain()) return pack_bf16(output, lane, panel);
    if (is_blocks(stored_.dtype)) return pack_blocks(output, lane, panel);
    widen(output);
    for (const float number : numbers_) {
      if (!std::isfinite(number)) return false;
    }
    const int64_t group = row_.group == 0 ? in_ : row_.group;
    for (int64_t g = 0; g < layout_.groups; ++g) {
      const std::span<const float> of_group(numbers_.data() + g * group,
                                            static_cast<size_t>(group));
      const float scale = row_.quantise(of_group, codes_.data() + g * group);
      if (!std::isfinite(scale)) return false;
      put_scale(panel, g, lane, scale);
    }
    put_codes(panel, lane);
    return true;
  }

 private:
  void widen(int64_t output) {
    with_stored_type(stored_.dtype, [&]<typename T>(T) {
      const std::byte* from = stored_.data + static_cast<size_t>(output * in_) * sizeof(T);
      for (int64_t i = 0; i < in_; ++i) numbers_[static_cast<size_t>(i)] = load_stored<T>(from, i);
    });
  }

  bool pack_bf16(int64_t output, int64_t lane, std::byte* panel) {
    const std::byte* from = stored_.data + static_cast<size_t>(output * in_) * 2;
    uint32_t largest = 0;  // exponent, in both halves
    for (int64_t i = 0; i < in_; i += 2) {
      uint32_t pair = 0;
      std::memcpy(&pair, from + i * 2, i + 1 < in_ ? 4 : 2);
      largest |= static_cast<uint32_t>((pair & 0x7f80u) == 0x7f80u);
      largest |= static_cast<uint32_t>((pair & 0x7f800000u) == 0x7f800000u);
      std::memcpy(panel + i / 2 * kPanelLine + lane * 4, &pair, 4);
    }
    return largest == 0;
  }

  bool pack_blocks(int64_t output, int64_t lane, std::byte* panel) {
    for (int64_t g = 0; g < layout_.groups; ++g) {
      const CodeBlock block = code_block(stored_, output * layout_.groups + g);
      if (!std::isfinite(block.scale)) return false;
      std::memcpy(codes_.data() + g * kBlockNumbers, block.codes, sizeof block.codes);
      put_scale(panel, g, lane, block.scale);
    }
    put_codes(panel, lane);
    return true;
  }

  void put_scale(std::byte* panel, int64_t group, int64_t lane, float scale) const {
    std::byte* scales = scales_of(layout_, panel);
    const int64_t at = group * kPanelOutputs + lane;
    if (layout_.half_scales) {
      const Half half = to_half(scale);
      std::memcpy(scales + at * 2, &half, sizeof half);
    } else {
      std::memcpy(scales + at * 4, &scale, sizeof scale);
    }
  }

  void put_codes(std::byte* panel, int64_t lane) const {
    if (layout_.format == PanelFormat::kBytes) {
      for (int64_t i = 0; i < in_; ++i) {
        const int code = codes_[static_cast<size_t>(i)] + layout_.zero_point;
        panel[place_of(layout_, lane, i).byte] = static_cast<std::byte>(code);
      }
      return;
    }
    if (layout_.format == PanelFormat::kNibbleWords) return put_nibble_words(panel, lane);
    const int64_t lines = layout_.group_lines, half = lines * 4;
    for (int64_t group = 0; group < layout_.groups; ++group) {
      const int8_t* low = codes_.data() + group * 2 * half;
      std::byte* to = panel + group * lines * kPanelLine + lane * 4;
      for (int64_t i = 0; i < half; ++i) {
        const int both = (low[i] + layout_.zero_point) | (low[i + half] + layout_.zero_point) << 4;
        to[i / 4 * kPanelLine + i % 4] = static_cast<std::byte>(both);
      }
    }
  }

  void put_nibble_words(std::byte* panel, int64_t lane) const {
    const int64_t lines = layout_.group_lines;
    const int8_t* codes = codes_.data();
    for (int64_t group = 0; group < layout_.groups; ++group, codes += 8 * lines) {
      for (int64_t line = 0; line < lines; ++line) {
        std::byte* to = panel + (group * lines + line) * kPanelLine + lane * 4;
        for (int64_t word = 0; word < 2; ++word) {
          int all = 0;
          for (int64_t nibble = 0; nibble < 4; ++nibble) {
            const int code = codes[2 * (nibble * lines + line) + word] + layout_.zero_point;
            all |= code << (4 * nibble);
          }
          const auto stored = static_cast<uint16_t>(all);
          std::memcpy(to + 2 * word, &stored, sizeof stored);
        }
      }
    }
  }

  const Tensor& stored_;
  const FormatRow& row_;
  const PanelLayout& layout_;
  int64_t in_;
  std::vector<float> numbers_;  // of one output
  std::vector<int8_t> codes_;
};

Error not_finite(int64_t output) {
  return invalid(
      "row " + std::to_string(output) +
      " holds a weight that is NaN, infinite or too large for its format: the checkpoint "
      "is damaged");
}

void keep_least(std::atomic<int64_t>& least, int64_t value) {
  int64_t seen = least.load();
  while (value < seen && !least.compare_exchange_weak(seen, value)) {
  }
}

constexpr int64_t kNone = std::numeric_limits<int64_t>::max();

}  // namespace

Weight Weight::view(const Tensor& stored) {
  KT_CHECK_EQ(stored.rank, 2);
  Weight weight;
  weight.format_ = format_of(stored.dtype);
  KT_CHECK(row_of(weight.format_).plain(), "blocks are packed");
  weight.out_ = stored.size(0);
  weight.in_ = stored.size(1);
  weight.stored_ = stored;
  return weight;
}

Result<Weight> Weight::pack(const Tensor& stored, WeightFormat format, bool int8_rows,
                            ThreadPool& pool) {
  const FormatRow& row = row_of(format);
  KT_CHECK_EQ(stored.rank, 2);
  KT_CHECK(row.fits(stored.size(1)), "the format fits the width");
  KT_CHECK(format == WeightFormat::kBF16 || !row.plain(), "other plain numbers are not packed");
  KT_CHECK((!row.plain() && !is_blocks(stored.dtype)) || format_of(stored.dtype) == format,
           "blocks and BF16 keep their format");
  Weight weight;
  weight.format_ = format;
  weight.out_ = stored.size(0);
  weight.in_ = stored.size(1);
  weight.layout_ = layout_of(row, weight.in_, int8_rows);
  const int64_t panel_bytes = weight.layout_.panel_bytes;
  KT_TRY(weight.panels_, Arena::reserve(static_cast<size_t>(weight.panel_count() * panel_bytes)));
  std::byte* panels = weight.panels_.bytes().data();
  std::atomic<int64_t> bad{kNone};
  pool.run_static(weight.panel_count(), kPiecePanels, [&](int, int64_t begin, int64_t end) {
    Packer packer(stored, row, weight.layout_);
    const int64_t last = std::min(end * kPanelOutputs, weight.out_);
    for (int64_t output = begin * kPanelOutputs; output < last; ++output) {
      if (!packer.pack(output, panels + output / kPanelOutputs * panel_bytes)) {
        keep_least(bad, output);
      }
    }
  });
  if (bad != kNone) return not_finite(bad);
  return weight;
}

size_t Weight::bytes() const { return packed() ? panels_.bytes().size() : stored_.bytes(); }

int64_t Weight::group_inputs() const { return layout_.groups == 1 ? in_ : in_ / layout_.groups; }

void Weight::read_codes(int64_t output, int8_t* codes, float* scales) const {
  KT_CHECK(packed() && layout_.groups > 0, "a quantised weight");
  const int64_t lane = output % kPanelOutputs;
  const std::byte* panel = panels() + output / kPanelOutputs * layout_.panel_bytes;
  const int mask = layout_.format == PanelFormat::kBytes ? 255 : 15;
  for (int64_t i = 0; i < in_; ++i) {
    const CodePlace place = place_of(layout_, lane, i);
    const int code = static_cast<int>(panel[place.byte]) >> place.shift & mask;
    codes[i] = static_cast<int8_t>(code - layout_.zero_point);
  }
  const std::byte* from = panel + layout_.groups * layout_.group_lines * kPanelLine;
  for (int64_t g = 0; g < layout_.groups; ++g) {
    const int64_t at = g * kPanelOutputs + lane;
    scales[g] = layout_.half_scales ? load_stored<Half>(from, at) : load_stored<float>(from, at);
  }
}

void Weight::read_row(int64_t output, float* to) const {
  if (!packed()) {
    with_stored_type(stored_.dtype, [&]<typename T>(T) {
      for (int64_t i = 0; i < in_; ++i) to[i] = load_stored<T>(stored_.data, output * in_ + i);
    });
    return;
  }
  if (layout_.groups == 0) {
    const std::byte* panel = panels() + output / kPanelOutputs * layout_.panel_bytes;
    const std::byte* lane = panel + output % kPanelOutputs * 4;
    for (int64_t i = 0; i < in_; ++i) {
      to[i] = load_stored<BFloat16>(lane + i / 2 * kPanelLine, i % 2);
    }
    return;
  }
  std::vector<int8_t> codes(static_cast<size_t>(in_));
  std::vector<float> scales(static_cast<size_t>(layout_.groups));
  read_codes(output, codes.data(), scales.data());
  const int64_t group = group_inputs();
  for (int64_t i = 0; i < in_; ++i) {
    to[i] =
        static_cast<float>(codes[static_cast<size_t>(i)]) * scales[static_cast<size_t>(i / group)];
  }
}

Result<void> check_finite(const Tensor& stored, ThreadPool& pool) {
  const int64_t in = stored.size(stored.rank - 1), out = stored.elements() / in;
  std::atomic<int64_t> bad{kNone};
  with_stored_type(stored.dtype, [&]<typename T>(T) {
    pool.run_static(out, 16, [&](int, int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        bool finite = true;
        for (int64_t i = row * in; i < (row + 1) * in; ++i) {
          finite &= std::isfinite(load_stored<T>(stored.data, i));
        }
        if (!finite) keep_least(bad, row);
      }
    });
  });
  if (bad != kNone) return not_finite(bad);
  return {};
}

}  // namespace kilotoken
