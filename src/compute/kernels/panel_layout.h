#pragma once
// Panels: how weights are packed for vector and tile kernels. A panel is 16 outputs; its lines of
// 64 bytes hold the next inputs of each output in 4 bytes, output after output, for ascending
// inputs; the scales follow after its last line: [groups][16]. Outputs and inputs are filled up
// with codes whose products nobody reads or whose other factor is zero.
//
//   BF16     a line is 2 inputs of each output
//   bytes    4 inputs: codes + zero_point, without a sign
//   nibbles  8 inputs: with L lines in a group, line l has inputs 4 l to 4 l + 3 of the group in
//            the lower halves of its bytes and inputs 4 (L + l) to 4 (L + l) + 3 in the upper ones
//   nibble words, for BF16 rows: 8 inputs in two words of 16 bits: nibble n of word w of line l is
//            input 2 (n L + l) + w of the group: nibble n of all words is line n L + l of BF16
//
// Plain data: kernel sources include this.

#include <cstdint>

namespace kilotoken::cpu {

constexpr int kPanelOutputs = 16;
constexpr int64_t kPanelLine = 64;  // bytes

enum class PanelFormat : uint8_t { kBF16, kBytes, kNibbles, kNibbleWords };

struct PanelLayout {
  PanelFormat format = PanelFormat::kBF16;
  bool bf16_rows = true;     // activations; else INT8 rows with scales
  bool half_scales = false;  // float16, else float32
  int zero_point = 0;        // stored codes are this much above their value
  int64_t groups = 0;        // with a scale per output each; 0: no scales
  int64_t group_lines = 0;   // of a panel; without groups, all of them
  int64_t panel_bytes = 0;   // lines, then scales; whole lines
  int64_t row_bytes = 0;     // of one activation row, padded with zeros
};

}  // namespace kilotoken::cpu
