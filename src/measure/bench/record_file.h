#pragma once
// RecordFile: a data file taken apart into records, each with the line it begins on, so that what
// is wrong with one can be found.

#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace kilotoken::bench {

struct FileRecord {
  int line = 0;
  Json json;
};

struct RecordFile {
  std::string path, sha256;
  std::vector<FileRecord> records;

  // "path, line 12: what"
  Error wrong(const FileRecord& record, const std::string& what) const;
};

// A JSON array of objects, or one object a line. kInvalid with the line and what was expected.
Result<RecordFile> read_record_file(const std::string& path);

}  // namespace kilotoken::bench
