#pragma once
// Groups of nibbles against up to 32 rows. As soon as a tile of codes is loaded, the next group's
// codes are unpacked into its place, so that unpacking, products and waiting for memory go on side
// by side.

#include "compute/kernels/cpu/amx/tile_block.h"

namespace kilotoken::cpu {
namespace {

// A group has kLines lines of a panel and takes kSteps products: 16 and 4 (BF16 rows) or 2 (INT8
// rows) with groups of 128 inputs, 4 and 1 with groups of 32.
template <int kRowTiles, int kPanels, bool kBf16, int kLines, int kSteps>
class PackedGroups {
 public:
  PackedGroups(const PanelLayout& layout, const char* panels, const TiledRows& rows)
      : layout_(layout), panels_(panels), rows_(rows), bf16_(layout.zero_point) {
    for (int p = 0; p < kPanels; ++p) unpack_parts<0, parts_of_line(kBf16)>(0, p);
  }

  // One group after the other.
  template <int kStep = 0>
  void multiply(int64_t group) {
    if constexpr (kStep < kSteps) {
      constexpr int kParts = parts_of_line(kBf16) / kSteps;
      constexpr int64_t kStepBytes = kLines * kParts * 4;  // of a row
      const bool last = group + 1 == layout_.groups;
      TileBlock<kRowTiles, kPanels>::template step<product_of(kBf16)>(
          rows_.at(0, (group * kSteps + kStep) * kStepBytes), rows_.tile_bytes(),
          codes_ + kStep * kStepBytes * kTileRows, kGroupBytes, [&](int panel) {
            if (!last) unpack_parts<kStep * kParts, kStep * kParts + kParts>(group + 1, panel);
          });
      multiply<kStep + 1>(group);
    }
  }

 private:
  template <int kFirst, int kLast>
  __attribute__((always_inline)) void unpack_parts(int64_t group, int panel) {
    const char* lines = panels_ + panel * layout_.panel_bytes + group * kLines * kLine;
    unpack<kBf16, kLines, kFirst, kLast>(bf16_, lines, codes_ + panel * kGroupBytes);
  }

  const PanelLayout& layout_;
  const char* panels_;
  const TiledRows& rows_;
  const Bf16Codes bf16_;
  alignas(64) char codes_[kPanels * kGroupBytes];
};

}  // namespace
}  // namespace kilotoken::cpu
