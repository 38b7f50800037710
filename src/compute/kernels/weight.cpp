#include "compute/kernels/weight.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
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

constexpr int64_t kNone = std::numeric_limits<int64_t>::max();  // no output

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

// Packs the panels of one thread, one after the other.
class Packer {
 public:
  Packer(const Tensor& stored, const FormatRow& row, const PanelLayout& layout)
      : stored_(stored), row_(row), layout_(layout), in_(stored.size(1)) {
    numbers_.resize(static_cast<size_t>(in_));
    codes_.resize(static_cast<size_t>(rounded_up(in_, 4)));
  }

  // Outputs [first, first + count) as one panel. Gives the first of which a weight cannot be
  // stored, or none (kNone).
  int64_t pack(int64_t first, int64_t count, std::byte* panel) {
    if (row_.plain()) return pack_bf16(first, count, panel);
    for (int64_t lane = 0; lane < count; ++lane) {
      const int64_t output = first + lane;
      const bool good = is_blocks(stored_.dtype) ? pack_blocks(output, lane, panel)
                                                 : quantise(output, lane, panel);
      if (!good) return output;
    }
    return kNone;
  }

 private:
  void widen(int64_t output) {
    with_stored_type(stored_.dtype, [&]<typename T>(T) {
      const std::byte* from = stored_.data + static_cast<size_t>(output * in_) * sizeof(T);
      for (int64_t i = 0; i < in_; ++i) numbers_[static_cast<size_t>(i)] = load_stored<T>(from, i);
    });
  }

  bool quantise(int64_t output, int64_t lane, std::byte* panel) {
    widen(output);
    if (!all_finite()) return false;
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

  bool all_finite() const {
    constexpr uint32_t kNotFinite = 0x7f800000;
    uint32_t found = 0;
    for (const float number : numbers_) {
      found |= static_cast<uint32_t>((std::bit_cast<uint32_t>(number) & kNotFinite) == kNotFinite);
    }
    return found == 0;
  }

  // A few lines of all outputs at a time: they stay in the first cache until they are full.
  int64_t pack_bf16(int64_t first, int64_t count, std::byte* panel) const {
    constexpr int64_t kLines = 16;
    std::array<uint32_t, kPanelOutputs> bad{};  // not 0: an exponent of ones
    const int64_t pairs = in_ / 2;
    for (int64_t begin = 0; begin < pairs; begin += kLines) {
      for (int64_t lane = 0; lane < count; ++lane) {
        const std::byte* from = stored_.data + (first + lane) * in_ * 2;
        for (int64_t line = begin; line < std::min(begin + kLines, pairs); ++line) {
          bad[static_cast<size_t>(lane)] |= put_pair<4>(from, line, panel, lane);
        }
      }
    }
    for (int64_t lane = 0; in_ % 2 != 0 && lane < count; ++lane) {
      const std::byte* from = stored_.data + (first + lane) * in_ * 2;
      bad[static_cast<size_t>(lane)] |= put_pair<2>(from, pairs, panel, lane);
    }
    const auto worst = std::ranges::find_if(bad, [](uint32_t found) { return found != 0; });
    return worst == bad.end() ? kNone : first + (worst - bad.begin());
  }

  // What a line has of one output.
  static void put_word(std::byte* panel, int64_t line, int64_t lane, uint32_t word) {
    std::memcpy(panel + line * kPanelLine + lane * 4, &word, sizeof word);
  }

  // kBytes of one line's two numbers. Gives whether one of them is not finite.
  template <size_t kBytes>
  static uint32_t put_pair(const std::byte* row, int64_t line, std::byte* panel, int64_t lane) {
    uint32_t pair = 0;
    std::memcpy(&pair, row + line * 4, kBytes);
    put_word(panel, line, lane, pair);
    return static_cast<uint32_t>((pair & 0x7f80u) == 0x7f80u) |
           static_cast<uint32_t>((pair & 0x7f800000u) == 0x7f800000u);
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

  // Four codes at a time, as the bytes of a word. In each, adding half of what it can hold, which
  // is what the zero points are, turns its highest bit.
  uint32_t four_codes(int64_t first) const {
    uint32_t word;
    std::memcpy(&word, codes_.data() + first, sizeof word);
    return word;
  }

  void put_codes(std::byte* panel, int64_t lane) const {
    if (layout_.format == PanelFormat::kNibbleWords) return put_nibble_words(panel, lane);
    if (layout_.format == PanelFormat::kBytes) {
      for (int64_t i = 0; i < in_; i += 4)
        put_word(panel, i / 4, lane, four_codes(i) ^ 0x80808080u);
      return;
    }
    const int64_t lines = layout_.group_lines;
    for (int64_t line = 0; line < layout_.groups * lines; ++line) {
      const int64_t low = (line / lines * lines + line) * 4;
      const uint32_t lows = four_codes(low) & 0x0f0f0f0fu;
      const uint32_t highs = four_codes(low + lines * 4) & 0x0f0f0f0fu;
      put_word(panel, line, lane, (lows | highs << 4) ^ 0x88888888u);
    }
  }

  void put_nibble_words(std::byte* panel, int64_t lane) const {
    const int64_t lines = layout_.group_lines;
    const int8_t* codes = codes_.data();
    for (int64_t group = 0; group < layout_.groups; ++group, codes += 8 * lines) {
      for (int64_t line = 0; line < lines; ++line) {
        uint32_t both = 0;  // words
        for (int64_t nibble = 0; nibble < 4; ++nibble) {
          const int8_t* pair = codes + 2 * (nibble * lines + line);
          both |= static_cast<uint32_t>((pair[0] & 15) | (pair[1] & 15) << 16) << (4 * nibble);
        }
        put_word(panel, group * lines + line, lane, both ^ 0x88888888u);
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
    for (int64_t panel = begin; panel < end; ++panel) {
      const int64_t first = panel * kPanelOutputs;
      const int64_t count = std::min<int64_t>(kPanelOutputs, weight.out_ - first);
      keep_least(bad, packer.pack(first, count, panels + panel * panel_bytes));
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
