// SPDX-License-Identifier: Apache-2.0
#include "page_files.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gemma2::server {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

const std::string kFolder = GEMMA2_PAGE;

std::string contents(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::set<std::string> served_paths() {
  std::set<std::string> paths;
  for (const PageFile& file : page_files()) paths.emplace(file.path);
  return paths;
}

/// Every value of href="..." and src="..." that is not a place within the page.
std::set<std::string> references_of(std::string_view html) {
  std::set<std::string> found;
  for (const std::string_view name : {"href=\"", "src=\""}) {
    for (auto at = html.find(name); at != html.npos; at = html.find(name, at + 1)) {
      const auto begin = at + name.size();
      if (html[begin] == '#') continue;
      found.insert("/" + std::string(html.substr(begin, html.find('"', begin) - begin)));
    }
  }
  return found;
}

TEST(PageFiles, AreThoseOfTheFolder) {
  for (const PageFile& file : page_files()) {
    const std::string name = file.path == "/" ? "index.html" : std::string(file.path.substr(1));
    EXPECT_EQ(file.body, contents(kFolder + "/" + name)) << name;
  }
}

TEST(PageFiles, NoneWasForgotten) {
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    const std::string name = entry.path().filename();
    const std::string extension = entry.path().extension();
    const bool is_served =
        extension == ".html" || extension == ".css" || extension == ".js" || extension == ".svg";
    if (!is_served) continue;
    EXPECT_THAT(served_paths(), Contains(name == "index.html" ? "/" : "/" + name));
  }
}

TEST(PageFiles, HaveTypesThatBrowsersAccept) {
  for (const PageFile& file : page_files()) {
    const bool is_script = file.path.ends_with(".js");
    EXPECT_THAT(std::string(file.content_type), HasSubstr(is_script ? "text/javascript" : "/"));
  }
}

TEST(PageFiles, HaveTagsOfTheirOwn) {
  std::set<std::string> tags;
  for (const PageFile& file : page_files()) {
    EXPECT_THAT(std::string(file.etag), MatchesRegex("\"[0-9a-f]{32}\""));
    tags.emplace(file.etag);
  }
  EXPECT_EQ(tags.size(), page_files().size());
}

TEST(PageFiles, NeedNothingFromElsewhere) {
  for (const PageFile& file : page_files()) {
    if (file.path.ends_with(".svg")) continue;  // names its XML namespace
    const std::string body(file.body);
    EXPECT_THAT(body, Not(HasSubstr("@import"))) << file.path;
    EXPECT_THAT(body, Not(HasSubstr("url("))) << file.path;
    EXPECT_THAT(body, Not(HasSubstr("src=\"http"))) << file.path;
    EXPECT_THAT(body, Not(HasSubstr("href=\"http"))) << file.path;
  }
  for (const std::string& path : references_of(page_files()[0].body)) {
    EXPECT_THAT(served_paths(), Contains(path));
  }
}

TEST(PageFiles, SetNoMarkup) {
  for (const PageFile& file : page_files()) {
    if (!file.path.ends_with(".js")) continue;
    const std::string body(file.body);
    for (const char* danger :
         {"innerHTML =", "outerHTML", "insertAdjacentHTML", "document.write", "eval("}) {
      EXPECT_THAT(body, Not(HasSubstr(danger))) << file.path;
    }
  }
}

TEST(PageFiles, ObeyTheirPolicy) {
  const std::string html(page_files()[0].body);
  for (const char* inline_code : {"<style", " style=", " onclick=", "<script>", "javascript:"}) {
    EXPECT_THAT(html, Not(HasSubstr(inline_code)));
  }
  EXPECT_THAT(std::string(kPagePolicy), HasSubstr("default-src 'self'"));
}

}  // namespace
}  // namespace gemma2::server
