#include <algorithm>
#include <cstring>
#include <map>
#include <set>

#include "base/files.h"
#include "base/json.h"
#include "compute/tensor/arena.h"
#include "model/weights/printable.h"
#include "model/weights/weight_source.h"

namespace kilotoken {
namespace {

constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // the format's own limit
constexpr int64_t kMaxElements = int64_t{1} << 48;

struct StoredType {
  std::string_view name;
  uint64_t bits;               // per element; a tensor is a whole number of bytes
  std::optional<DType> dtype;  // set: this build computes with it
};

constexpr StoredType kStoredTypes[] = {
    {"F32", 32, DType::kF32},
    {"F16", 16, DType::kF16},
    {"BF16", 16, DType::kBF16},
    {"F64", 64, {}},
    {"I64", 64, {}},
    {"U64", 64, {}},
    {"I32", 32, {}},
    {"U32", 32, {}},
    {"I16", 16, {}},
    {"U16", 16, {}},
    {"I8", 8, {}},
    {"U8", 8, {}},
    {"BOOL", 8, {}},
    {"F8_E4M3", 8, {}},
    {"F8_E5M2", 8, {}},
    {"F8_E8M0", 8, {}},
    {"F4", 4, {}},
    {"C64", 64, {}},
};

const StoredType* stored_type(std::string_view name) {
  for (const StoredType& type : kStoredTypes) {
    if (type.name == name) return &type;
  }
  return nullptr;
}

struct Entry {
  Tensor tensor;          // meaningful when stored_as is empty
  std::string stored_as;  // set: not computable here
  uint64_t begin = 0, end = 0;
};
using Entries = std::map<std::string, Entry, std::less<>>;

std::string tensor_at(std::string_view where, std::string_view name) {
  return std::string(where) + ": tensor " + printable(name);
}

Result<std::vector<int64_t>> parse_shape(const Json& shape, const std::string& tensor) {
  if (!shape.is_array()) return invalid(tensor + " has no shape array: the header is damaged");
  std::vector<int64_t> sizes;
  int64_t elements = 1;
  for (const Json& size : shape) {
    if (!size.is_number_unsigned()) {
      return invalid(tensor + " has a size that is not a whole number: the header is damaged");
    }
    const auto value = size.get<uint64_t>();
    int64_t product = 0;
    if (value > uint64_t{kMaxElements} ||
        __builtin_mul_overflow(elements, static_cast<int64_t>(value), &product) ||
        product > kMaxElements) {
      return invalid(tensor + " has more than 2^48 elements: the header is damaged");
    }
    elements = product;
    sizes.push_back(static_cast<int64_t>(value));
  }
  return sizes;
}

// The place of a tensor's bytes in the data section, checked against the section's size.
Result<std::pair<uint64_t, uint64_t>> parse_offsets(const Json& info, uint64_t data_bytes,
                                                    const std::string& tensor) {
  const auto found = info.find("data_offsets");
  if (found == info.end() || !found->is_array() || found->size() != 2 ||
      !(*found)[0].is_number_unsigned() || !(*found)[1].is_number_unsigned()) {
    return invalid(tensor + " has no data_offsets [begin, end]: the header is damaged");
  }
  const auto begin = (*found)[0].get<uint64_t>(), end = (*found)[1].get<uint64_t>();
  if (begin > end) {
    return invalid(tensor + " ends (" + std::to_string(end) + ") before it begins (" +
                   std::to_string(begin) + "): the header is damaged");
  }
  if (end > data_bytes) {
    return invalid(tensor + " needs data bytes up to " + std::to_string(end) + ", the file has " +
                   std::to_string(data_bytes) + ": it is truncated, fetch it again");
  }
  return std::pair{begin, end};
}

Result<Entry> parse_entry(const Json& info, std::span<const std::byte> data,
                          const std::string& tensor) {
  if (!info.is_object()) return invalid(tensor + " is not an object: the header is damaged");
  const auto dtype = info.find("dtype");
  if (dtype == info.end() || !dtype->is_string()) {
    return invalid(tensor + " has no dtype: the header is damaged");
  }
  const auto shape = info.find("shape");
  if (shape == info.end()) return invalid(tensor + " has no shape: the header is damaged");
  KT_TRY(const std::vector<int64_t> sizes, parse_shape(*shape, tensor));
  KT_TRY(const auto place, parse_offsets(info, data.size(), tensor));

  Entry entry;
  entry.begin = place.first;
  entry.end = place.second;
  const auto& type_name = dtype->get_ref<const std::string&>();
  const StoredType* type = stored_type(type_name);
  if (!type) {
    entry.stored_as = printable(type_name);
    return entry;
  }
  uint64_t elements = 1;
  for (int64_t size : sizes) elements *= static_cast<uint64_t>(size);
  const uint64_t needed = (elements * type->bits + 7) / 8;  // <= 2^54, see kMaxElements
  if (needed != entry.end - entry.begin) {
    return invalid(tensor + " of " + std::to_string(elements) + " elements of " + type_name +
                   " is " + std::to_string(needed) + " bytes, but its data_offsets give " +
                   std::to_string(entry.end - entry.begin) + ": the header is damaged");
  }
  if (!type->dtype) {
    entry.stored_as = printable(type_name);
  } else if (sizes.size() > Tensor::kMaxRank) {
    entry.stored_as =
        printable(type_name) + " with " + std::to_string(sizes.size()) + " dimensions";
  } else {
    entry.tensor = Tensor(data.data() + entry.begin, *type->dtype, sizes);
  }
  return entry;
}

Result<void> check_overlap(const Entries& entries, std::string_view where) {
  std::vector<Entries::const_pointer> by_place;
  for (const auto& entry : entries) {
    if (entry.second.end > entry.second.begin) by_place.push_back(&entry);
  }
  std::ranges::sort(by_place, {}, [](const auto* entry) { return entry->second.begin; });
  for (size_t i = 1; i < by_place.size(); ++i) {
    if (by_place[i]->second.begin < by_place[i - 1]->second.end) {
      return invalid(tensor_at(where, by_place[i]->first) + " overlaps tensor " +
                     printable(by_place[i - 1]->first) + ": the header is damaged");
    }
  }
  return {};
}

Result<Entries> parse_file(std::span<const std::byte> bytes, std::string_view where) {
  const std::string name(where);
  if (bytes.size() < 8) {
    return invalid(name + ": " + std::to_string(bytes.size()) +
                   " bytes are no safetensors file: fetch it again");
  }
  uint64_t header_bytes = 0;  // little-endian, as every machine that this runs on
  std::memcpy(&header_bytes, bytes.data(), 8);
  if (header_bytes > kMaxHeaderBytes) {
    return Error{ErrorCode::kTooLarge,
                 name + ": header of " + std::to_string(header_bytes) +
                     " bytes is over the format's limit of 100000000: not a safetensors file, or "
                     "damaged; fetch it again",
                 {}};
  }
  if (header_bytes > bytes.size() - 8) {
    return invalid(name + ": header needs " + std::to_string(header_bytes) +
                   " bytes, the file has " + std::to_string(bytes.size() - 8) +
                   " after the length: it is truncated, fetch it again");
  }
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + 8, header_bytes);
  KT_TRY(const Json header, parse_json(text, name + " header"));
  if (!header.is_object()) return invalid(name + ": the header is not a JSON object");
  const auto data = bytes.subspan(8 + header_bytes);
  Entries entries;
  for (const auto& [key, info] : header.items()) {
    if (key == "__metadata__") continue;
    KT_TRY(Entry entry, parse_entry(info, data, tensor_at(where, key)));
    entries.emplace(key, std::move(entry));
  }
  KT_TRY_VOID(check_overlap(entries, where));
  return entries;
}

class Safetensors final : public WeightSource {
 public:
  explicit Safetensors(std::string where) : where_(std::move(where)) {}

  std::optional<Tensor> find(std::string_view name) const override {
    const auto found = entries_.find(name);
    if (found == entries_.end() || !found->second.stored_as.empty()) return std::nullopt;
    return found->second.tensor;
  }
  std::optional<std::string> unsupported(std::string_view name) const override {
    const auto found = entries_.find(name);
    if (found == entries_.end() || found->second.stored_as.empty()) return std::nullopt;
    return found->second.stored_as;
  }
  std::vector<std::string> names() const override {
    std::vector<std::string> names;
    for (const auto& entry : entries_) names.push_back(entry.first);
    return names;
  }
  int64_t file_bytes() const override { return file_bytes_; }
  void release(std::string_view name) const override {
    if (files_.empty()) return;  // bytes of somebody else's
    if (const auto tensor = find(name)) drop_mapped({tensor->data, tensor->bytes()});
  }
  std::string where() const override { return where_; }

  Result<void> add_bytes(std::span<const std::byte> bytes, std::string_view where) {
    KT_TRY(entries_, parse_file(bytes, where));
    file_bytes_ += static_cast<int64_t>(bytes.size());
    return {};
  }
  Result<void> add_file(const std::filesystem::path& path) {
    KT_TRY(auto file, MappedFile::open(path));
    KT_TRY_VOID(add_bytes(file->bytes(), path.string()));
    files_.push_back(std::move(file));
    return {};
  }
  Result<void> add_shards(const std::filesystem::path& index_path);

 private:
  std::string where_;
  Entries entries_;
  std::vector<std::shared_ptr<const MappedFile>> files_;
  int64_t file_bytes_ = 0;
};

// A shard is a file beside the index: a name that leads elsewhere is refused.
bool is_plain_file_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos;
}

Result<std::map<std::string, std::vector<std::string>>> tensors_by_shard(const Json& index,
                                                                         const std::string& where) {
  if (!index.is_object() || !index.contains("weight_map") || !index["weight_map"].is_object()) {
    return invalid(where + ": no \"weight_map\" object: not an index of safetensors shards");
  }
  std::map<std::string, std::vector<std::string>> shards;
  for (const auto& [tensor, shard] : index["weight_map"].items()) {
    if (!shard.is_string())
      return invalid(where + ": the shard of " + printable(tensor) + " is no string");
    const auto& shard_name = shard.get_ref<const std::string&>();
    if (!is_plain_file_name(shard_name)) {
      return invalid(where + ": shard name \"" + printable(shard_name) +
                     "\" is not a plain file name: shards must lie beside the index");
    }
    shards[shard_name].push_back(tensor);
  }
  return shards;
}

Result<void> Safetensors::add_shards(const std::filesystem::path& index_path) {
  const std::string where = index_path.string();
  KT_TRY(const std::string text, read_text_file(index_path));
  KT_TRY(const Json index, parse_json(text, where));
  KT_TRY(const auto shards, tensors_by_shard(index, where));
  for (const auto& [shard, tensors] : shards) {
    const auto path = index_path.parent_path() / shard;
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) {
      return Error{ErrorCode::kNotFound,
                   path.string() + ": this shard, named in " + where + ", is missing: fetch it",
                   {}};
    }
    KT_TRY(auto file, MappedFile::open(path));
    KT_TRY(Entries entries, parse_file(file->bytes(), path.string()));
    for (const std::string& tensor : tensors) {
      auto node = entries.extract(tensor);
      if (!node) {
        return invalid(tensor_at(path.string(), tensor) + " is not in this shard, though " + where +
                       " says so: the files do not belong together, fetch them again");
      }
      entries_.insert(std::move(node));
    }
    file_bytes_ += static_cast<int64_t>(file->bytes().size());
    files_.push_back(std::move(file));
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<WeightSource>> open_safetensors(const std::filesystem::path& path) {
  auto source = std::make_unique<Safetensors>(path.string());
  std::error_code ignored;
  if (!std::filesystem::is_directory(path, ignored)) {
    KT_TRY_VOID(source->add_file(path));
  } else if (std::filesystem::exists(path / "model.safetensors", ignored)) {
    KT_TRY_VOID(source->add_file(path / "model.safetensors"));
  } else if (std::filesystem::exists(path / "model.safetensors.index.json", ignored)) {
    KT_TRY_VOID(source->add_shards(path / "model.safetensors.index.json"));
  } else {
    return Error{ErrorCode::kNotFound,
                 path.string() +
                     ": neither model.safetensors nor model.safetensors.index.json is in this "
                     "folder: fetch the weights, or convert them to safetensors",
                 {}};
  }
  return std::unique_ptr<WeightSource>(std::move(source));
}

Result<std::unique_ptr<WeightSource>> parse_safetensors(std::span<const std::byte> bytes,
                                                        std::string_view where) {
  auto source = std::make_unique<Safetensors>(std::string(where));
  KT_TRY_VOID(source->add_bytes(bytes, where));
  return std::unique_ptr<WeightSource>(std::move(source));
}

}  // namespace kilotoken
