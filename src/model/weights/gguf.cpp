#include "model/weights/gguf.h"

#include <algorithm>

#include "base/files.h"
#include "compute/tensor/arena.h"
#include "model/weights/gguf_reader.h"
#include "model/weights/gguf_types.h"
#include "model/weights/made_weights.h"
#include "model/weights/printable.h"

namespace kilotoken {
namespace {

constexpr uint64_t kMaxTensors = 1'000'000;
constexpr uint64_t kMaxKeys = 1'000'000;
constexpr uint64_t kMaxSize = uint64_t{1} << 48;  // elements of a tensor
constexpr uint64_t kMaxAlignment = 1 << 20;

struct Entry {
  Tensor tensor;          // none of a type that no kernel reads
  std::string stored_as;  // set: that type
  // Of a type that is decoded.
  const GgufTensorType* type = nullptr;
  std::span<const std::byte> blocks;
};
using Entries = std::map<std::string, Entry, std::less<>>;

// A tensor as the file announces it, before its place is known to be inside the file.
struct TensorInfo {
  std::string name;
  std::vector<int64_t> sizes;  // slowest first
  uint64_t elements = 1;
  uint32_t type = 0;
  uint64_t offset = 0;  // into the data section
};

std::string tensor_at(const std::string& where, const std::string& name) {
  return where + ": tensor " + printable(name);
}

Result<TensorInfo> read_tensor_info(GgufReader& in) {
  TensorInfo info;
  KT_TRY(info.name, in.string("a tensor's name"));
  const std::string what = "tensor " + printable(info.name);
  KT_TRY(const uint32_t rank, in.number<uint32_t>(what));
  if (rank < 1 || rank > Tensor::kMaxRank) {
    return invalid(in.where() + ": " + what + " has " + std::to_string(rank) +
                   " dimensions, GGUF allows 1 to 4: the file is damaged");
  }
  for (uint32_t i = 0; i < rank; ++i) {
    KT_TRY(const uint64_t size, in.number<uint64_t>(what));
    if (size == 0 || size > kMaxSize || info.elements > kMaxSize / size) {
      return invalid(in.where() + ": " + what + " has a size of " + std::to_string(size) +
                     " among its dimensions: the file is damaged");
    }
    info.elements *= size;
    info.sizes.push_back(static_cast<int64_t>(size));
  }
  std::ranges::reverse(info.sizes);
  KT_TRY(info.type, in.number<uint32_t>(what));
  KT_TRY(info.offset, in.number<uint64_t>(what));
  return info;
}

Result<uint64_t> alignment_of(const GgufFile::Metadata& metadata, const std::string& where) {
  const auto found = metadata.find("general.alignment");
  if (found == metadata.end()) return uint64_t{32};
  const auto* value = std::get_if<int64_t>(&found->second.value);
  if (!value || *value < 1 || static_cast<uint64_t>(*value) > kMaxAlignment ||
      (*value & (*value - 1)) != 0) {
    return invalid(where + ": general.alignment is no power of two up to " +
                   std::to_string(kMaxAlignment) + ": the file is damaged");
  }
  return static_cast<uint64_t>(*value);
}

// The bytes the tensor takes, by its type; nothing for a type the format does not define.
Result<std::optional<uint64_t>> bytes_of(const TensorInfo& info, const std::string& where) {
  const GgufTensorType* type = gguf_tensor_type(info.type);
  if (!type) return std::optional<uint64_t>{};
  const int64_t row = info.sizes.back();
  if (row % type->block_elements != 0) {
    return invalid(tensor_at(where, info.name) + " has rows of " + std::to_string(row) +
                   " elements, which " + std::string(type->name) + " blocks of " +
                   std::to_string(type->block_elements) + " do not divide: the file is damaged");
  }
  const uint64_t blocks = info.elements / static_cast<uint64_t>(type->block_elements);
  return std::optional(blocks * static_cast<uint64_t>(type->block_bytes));  // < 2^48 * 292
}

struct Span {
  uint64_t begin, end;
  const std::string* name;
};

Result<void> check_overlap(std::vector<Span> spans, const std::string& where) {
  std::ranges::sort(spans, {}, &Span::begin);
  for (size_t i = 1; i < spans.size(); ++i) {
    if (spans[i].begin < spans[i - 1].end) {
      return invalid(tensor_at(where, *spans[i].name) + " overlaps tensor " +
                     printable(*spans[i - 1].name) + ": the file is damaged");
    }
  }
  return {};
}

Entry make_entry(const TensorInfo& info, std::span<const std::byte> bytes) {
  Entry entry;
  const GgufTensorType* type = gguf_tensor_type(info.type);
  if (type && type->dtype) {
    entry.tensor = Tensor(bytes.data(), *type->dtype, info.sizes);
    return entry;
  }
  entry.stored_as = type ? type->name : "type " + std::to_string(info.type);
  if (type && type->decode) {
    entry.type = type;
    entry.blocks = bytes;
  }
  return entry;
}

void decode(const Entry& entry, std::span<std::byte> to) {
  const auto block_bytes = static_cast<size_t>(entry.type->block_bytes);
  auto* numbers = reinterpret_cast<float*>(to.data());
  for (size_t at = 0; at < entry.blocks.size(); at += block_bytes) {
    entry.type->decode(entry.blocks.data() + at, numbers);
    numbers += entry.type->block_elements;
  }
}

// Places the tensors in the file, each offset and size checked.
Result<Entries> place_tensors(const std::vector<TensorInfo>& infos,
                              std::span<const std::byte> bytes, uint64_t data_begin,
                              uint64_t alignment, const std::string& where) {
  Entries entries;
  std::vector<Span> spans;
  const uint64_t data_bytes = data_begin < bytes.size() ? bytes.size() - data_begin : 0;
  for (const TensorInfo& info : infos) {
    if (info.offset % alignment != 0) {
      return invalid(tensor_at(where, info.name) + " lies at offset " +
                     std::to_string(info.offset) + ", which is no multiple of the alignment " +
                     std::to_string(alignment) + ": the file is damaged");
    }
    KT_TRY(const std::optional<uint64_t> known, bytes_of(info, where));
    const uint64_t needed = known.value_or(1);
    if (info.offset > data_bytes || needed > data_bytes - info.offset) {
      return invalid(tensor_at(where, info.name) + " lies past the end of the file (needs " +
                     std::to_string(needed) + " bytes at offset " + std::to_string(info.offset) +
                     " of the data, the file has " + std::to_string(data_bytes) +
                     "): the file is truncated, fetch it again");
    }
    spans.push_back({info.offset, info.offset + needed, &info.name});
    const auto stored = bytes.subspan(data_begin + info.offset, needed);
    if (!entries.emplace(info.name, make_entry(info, stored)).second) {
      return invalid(tensor_at(where, info.name) + " appears twice: the file is damaged");
    }
  }
  KT_TRY_VOID(check_overlap(std::move(spans), where));
  return entries;
}

struct Counts {
  uint64_t tensors = 0, keys = 0;
};

Result<Counts> read_start(GgufReader& in) {
  KT_TRY(const uint32_t magic, in.number<uint32_t>("the GGUF magic"));
  if (magic != 0x46554747) {  // "GGUF"
    return invalid(in.where() + ": not a GGUF file (it does not begin with \"GGUF\")");
  }
  KT_TRY(const uint32_t version, in.number<uint32_t>("the GGUF version"));
  if (version == 0x03000000 || version == 0x02000000) {
    return Error{ErrorCode::kUnsupported,
                 in.where() + ": a big-endian GGUF file: convert it to little-endian",
                 {}};
  }
  if (version != 2 && version != 3) {  // 2 and 3 differ only in the byte order that 3 allows
    return Error{ErrorCode::kUnsupported,
                 in.where() + ": GGUF version " + std::to_string(version) +
                     " is not known: use a file of version 2 or 3",
                 {}};
  }
  Counts counts;
  KT_TRY(counts.tensors, in.number<uint64_t>("the tensor count"));
  KT_TRY(counts.keys, in.number<uint64_t>("the metadata count"));
  if (counts.tensors > kMaxTensors || counts.keys > kMaxKeys) {
    return Error{ErrorCode::kTooLarge,
                 in.where() + ": " + std::to_string(counts.tensors) + " tensors and " +
                     std::to_string(counts.keys) +
                     " metadata keys: over a million, the file is damaged",
                 {}};
  }
  return counts;
}

class ParsedGguf final : public GgufFile {
 public:
  explicit ParsedGguf(std::string where) : where_(std::move(where)) {}

  Result<void> parse(std::span<const std::byte> bytes) {
    GgufReader in(bytes, where_);
    KT_TRY(const Counts counts, read_start(in));
    for (uint64_t i = 0; i < counts.keys; ++i) {
      KT_TRY(std::string key, in.string("a metadata key"));
      KT_TRY(const uint32_t type, in.number<uint32_t>(key));
      KT_TRY(GgufValue value, in.value(type, key));
      if (!metadata_.emplace(key, std::move(value)).second) {
        return invalid(where_ + ": metadata key " + printable(key) +
                       " appears twice: the file is damaged");
      }
    }
    KT_TRY(const uint64_t alignment, alignment_of(metadata_, where_));
    std::vector<TensorInfo> infos;
    for (uint64_t i = 0; i < counts.tensors; ++i) {
      KT_TRY(TensorInfo info, read_tensor_info(in));
      infos.push_back(std::move(info));
    }
    const uint64_t data_begin = (in.at() + alignment - 1) / alignment * alignment;
    KT_TRY(entries_, place_tensors(infos, bytes, data_begin, alignment, where_));
    file_bytes_ = static_cast<int64_t>(bytes.size());
    KT_TRY_VOID(prepare_decoded(infos));
    return {};
  }
  void keep(std::shared_ptr<const MappedFile> file) { file_ = std::move(file); }

  const Metadata& metadata() const override { return metadata_; }
  std::optional<Tensor> find(std::string_view name) const override {
    const auto found = entries_.find(name);
    if (found == entries_.end()) return std::nullopt;
    if (found->second.type) return decoded_->find(name);
    if (found->second.tensor.empty()) return std::nullopt;
    return found->second.tensor;
  }
  std::optional<std::string> unsupported(std::string_view name) const override {
    const auto found = entries_.find(name);
    if (found == entries_.end() || found->second.type) return std::nullopt;
    if (found->second.stored_as.empty()) return std::nullopt;
    return found->second.stored_as;
  }
  std::optional<std::string> decoded(std::string_view name) const override {
    const auto found = entries_.find(name);
    if (found == entries_.end() || !found->second.type) return std::nullopt;
    return found->second.stored_as;
  }
  std::vector<std::string> names() const override {
    std::vector<std::string> names;
    for (const auto& entry : entries_) names.push_back(entry.first);
    return names;
  }
  int64_t file_bytes() const override { return file_bytes_; }
  void release(std::string_view name) const override {
    if (decoded(name)) return decoded_->release(name);
    if (!file_) return;  // bytes of somebody else's
    if (const auto tensor = find(name)) drop_mapped({tensor->data, tensor->bytes()});
  }
  std::string where() const override { return where_; }

 private:
  Result<void> prepare_decoded(const std::vector<TensorInfo>& infos) {
    std::vector<TensorShape> shapes;
    for (const TensorInfo& info : infos) {
      const Entry& entry = entries_.at(info.name);
      if (!entry.type) continue;
      shapes.push_back({info.name, info.sizes, DType::kF32});
      file_bytes_ -= std::ssize(entry.blocks);
    }
    if (shapes.empty()) return {};
    file_bytes_ += bytes_of(shapes);
    const auto write = [this](const std::string& name, const Tensor&, std::span<std::byte> to) {
      const Entry& entry = entries_.at(name);
      decode(entry, to);
      if (file_) drop_mapped(entry.blocks);
    };
    KT_TRY(decoded_, weights_on_demand(shapes, where_, write));
    return {};
  }

  std::string where_;
  Metadata metadata_;
  Entries entries_;
  std::unique_ptr<WeightSource> decoded_;  // null: there are none
  std::shared_ptr<const MappedFile> file_;
  int64_t file_bytes_ = 0;
};

}  // namespace

Result<std::unique_ptr<GgufFile>> open_gguf(const std::filesystem::path& path) {
  KT_TRY(auto file, MappedFile::open(path));
  auto gguf = std::make_unique<ParsedGguf>(path.string());
  KT_TRY_VOID(gguf->parse(file->bytes()));
  gguf->keep(std::move(file));
  return std::unique_ptr<GgufFile>(std::move(gguf));
}

Result<std::unique_ptr<GgufFile>> parse_gguf(std::span<const std::byte> bytes,
                                             std::string_view where) {
  auto gguf = std::make_unique<ParsedGguf>(std::string(where));
  KT_TRY_VOID(gguf->parse(bytes));
  return std::unique_ptr<GgufFile>(std::move(gguf));
}

}  // namespace kilotoken
