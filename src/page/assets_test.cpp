#include "page/assets.h"

#include <gtest/gtest.h>

#include <set>

namespace kilotoken {
namespace {

TEST(Assets, EachHasATypeATagAndBytes) {
  std::set<std::string_view> paths, tags;
  for (const Asset& asset : assets()) {
    EXPECT_TRUE(paths.insert(asset.path).second) << asset.path << " is there twice";
    EXPECT_TRUE(tags.insert(asset.etag).second) << asset.path << " has the tag of another";
    EXPECT_EQ(asset.path.front(), '/');
    EXPECT_FALSE(asset.content_type.empty()) << asset.path;
    EXPECT_FALSE(asset.bytes.empty()) << asset.path;
    EXPECT_TRUE(asset.etag.size() > 2 && asset.etag.front() == '"' && asset.etag.back() == '"')
        << asset.etag;
  }
  EXPECT_FALSE(paths.empty());
}

TEST(Assets, AreTheBytesOfTheirFiles) {
  const Asset* page = find_asset("/");
  ASSERT_NE(page, nullptr);
  EXPECT_EQ(page->content_type, "text/html; charset=utf-8");
  EXPECT_TRUE(page->bytes.starts_with("<!doctype html>"));
  EXPECT_TRUE(page->bytes.ends_with("</html>\n"));
  // Beyond ASCII as well.
  const Asset* chinese = find_asset("/assets/words.js");
  ASSERT_NE(chinese, nullptr);
  EXPECT_NE(chinese->bytes.find("中文"), std::string_view::npos);
}

TEST(Assets, ALibraryComesWithItsLicence) {
  int libraries = 0;
  for (const Asset& asset : assets()) {
    if (!asset.path.starts_with("/assets/lib/") || !asset.path.ends_with(".js")) continue;
    ++libraries;
    const std::string stem(asset.path.substr(0, asset.path.size() - 3));
    const Asset* licence = find_asset(stem + ".license.txt");
    ASSERT_NE(licence, nullptr) << asset.path;
    EXPECT_NE(licence->bytes.find("Copyright"), std::string_view::npos) << asset.path;
  }
  EXPECT_EQ(libraries, 3);
}

TEST(Assets, OtherPathsAreNone) {
  for (const char* path : {"", "/assets", "/assets/", "/assets/../index.html", "/index.html"}) {
    EXPECT_EQ(find_asset(path), nullptr) << path;
  }
}

}  // namespace
}  // namespace kilotoken
