#pragma once
// Reading GGUF metadata by key: nothing if absent, an error naming the key if of another type.

#include "model/weights/gguf.h"

namespace kilotoken {

class GgufKeys {
 public:
  GgufKeys(const GgufFile::Metadata& metadata, std::string_view where)
      : metadata_(metadata), where_(where) {}

  Result<std::optional<int64_t>> integer(std::string_view key) const;
  Result<std::optional<double>> number(std::string_view key) const;  // integers too
  Result<std::optional<bool>> boolean(std::string_view key) const;
  Result<std::optional<std::string>> string(std::string_view key) const;
  Result<const GgufArray*> array(std::string_view key) const;  // null if absent

 private:
  const GgufValue* find(std::string_view key) const;
  Error wrong_type(std::string_view key, std::string_view expected) const;

  const GgufFile::Metadata& metadata_;
  std::string where_;
};

}  // namespace kilotoken
