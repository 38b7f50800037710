// The rules against this source tree.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "rules.h"

namespace kilotoken::house {
namespace {

namespace fs = std::filesystem;

const fs::path kRoot = KILOTOKEN_SOURCE_DIR;

std::string read(const fs::path& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file.is_open()) << path;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// Paths relative to the root of all files under `folder` with one of the extensions.
std::vector<std::string> files_under(const char* folder, const std::set<std::string>& extensions) {
  std::vector<std::string> paths;
  if (!fs::exists(kRoot / folder)) return paths;
  for (const auto& entry : fs::recursive_directory_iterator(kRoot / folder)) {
    if (!entry.is_regular_file() || !extensions.contains(entry.path().extension())) continue;
    paths.push_back(fs::relative(entry.path(), kRoot).generic_string());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::vector<std::string> sources() {
  std::vector<std::string> paths = {"dev", ".ci/run"};
  for (const char* folder : {"src", "tests", "bench", "tools", "cmake"}) {
    for (auto& path : files_under(folder, {".h", ".cpp", ".py", ".sh", ".cmake"})) {
      paths.push_back(std::move(path));
    }
  }
  return paths;
}

std::string listed(const std::vector<Finding>& findings) {
  std::ostringstream text;
  for (const Finding& finding : findings) {
    text << "  " << finding.where << ": [" << finding.rule << "] " << finding.what << "\n";
  }
  return text.str();
}

TEST(Tree, IncludesFollowTheLayers) {
  std::vector<Finding> findings;
  const Layers layers = parse_layers(read(kRoot / "src/LAYERS"), findings);
  std::map<std::string, std::set<std::string>> used;
  for (const std::string& path : files_under("src", {".h", ".cpp"})) {
    const std::string inside = path.substr(4);
    used[room_of(layers, inside)].merge(
        check_includes(layers, inside, read(kRoot / path), findings));
  }
  for (const std::string& room : layers.rooms) {
    for (const std::string& allowed : layers.allowed.at(room)) {
      if (!used[room].contains(allowed)) {
        findings.push_back({"layers", "src/LAYERS", room + " names " + allowed + " without use"});
      }
    }
  }
  EXPECT_TRUE(findings.empty()) << listed(findings);
}

TEST(Tree, SizesAndNamesAreWithinTheRules) {
  std::vector<Finding> findings;
  const std::vector<std::string> paths = sources();
  EXPECT_GT(paths.size(), 20u);
  for (const std::string& path : paths) {
    check_sizes(path, read(kRoot / path), Limits{}, findings);
    check_name(path, findings);
  }
  apply_exceptions(read(kRoot / "tests/house/exceptions.txt"), findings);
  EXPECT_TRUE(findings.empty()) << listed(findings);
}

TEST(Tree, PathsNamedInTheDocumentsExist) {
  std::vector<std::string> documents = files_under("docs", {".md"});
  documents.insert(documents.end(), {"README.md", "CONTRIBUTING.md"});
  std::vector<Finding> findings;
  for (const std::string& document : documents) {
    const std::vector<std::string> paths = named_paths(read(kRoot / document));
    if (document == "docs/features.md") {
      EXPECT_GT(paths.size(), 10u);
    }
    for (const std::string& path : paths) {
      if (!fs::exists(kRoot / path)) {
        findings.push_back({"path", document, path + " does not exist"});
      }
    }
  }
  EXPECT_TRUE(findings.empty()) << listed(findings);
}

}  // namespace
}  // namespace kilotoken::house
