#include "model/weights/safetensors_writer.h"

#include <cstring>
#include <fstream>

#include "base/json.h"

namespace kilotoken {
namespace {

std::string_view safetensors_name(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return "F32";
    case DType::kF16:
      return "F16";
    case DType::kBF16:
      return "BF16";
    case DType::kQ8_0:
    case DType::kQ4_0:
      break;
  }
  check_failed(__FILE__, __LINE__, "a dtype that the format knows", {});
}

}  // namespace

Result<void> write_safetensors(const std::filesystem::path& path,
                               const std::map<std::string, Tensor>& tensors) {
  Json header = Json::object();
  uint64_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    Json shape = Json::array();
    for (int axis = 0; axis < tensor.rank; ++axis) shape.push_back(tensor.size(axis));
    header[name] = {{"dtype", safetensors_name(tensor.dtype)},
                    {"shape", std::move(shape)},
                    {"data_offsets", {offset, offset + tensor.bytes()}}};
    offset += tensor.bytes();
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const uint64_t header_bytes = text.size();
  char length[8];
  std::memcpy(length, &header_bytes, sizeof length);

  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(length, sizeof length);
  out.write(text.data(), static_cast<std::streamsize>(text.size()));
  for (const auto& entry : tensors) {
    const Tensor& tensor = entry.second;
    out.write(reinterpret_cast<const char*>(tensor.data),
              static_cast<std::streamsize>(tensor.bytes()));
  }
  out.close();
  if (!out) {
    return Error{ErrorCode::kIo,
                 path.string() +
                     ": could not be written: check the path and the "
                     "free space",
                 {}};
  }
  return {};
}

}  // namespace kilotoken
