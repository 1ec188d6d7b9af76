// Feeds a fuzz target with its corpus, and with each file cut short at each
// byte: what was once found stays found, with any compiler.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "gtest/gtest.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace leadgateway {
namespace {

// A copy of exactly this size on the heap, so that a sanitizer sees a byte read
// too many.
void Feed(const std::string& input, size_t size) {
  const auto copy = std::make_unique<uint8_t[]>(size);
  std::copy_n(input.data(), size, copy.get());
  LLVMFuzzerTestOneInput(copy.get(), size);
}

TEST(ReplayTest, SurvivesEachFileOfTheCorpusAndEachOfItsBeginnings) {
  int files = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(LEADGATEWAY_CORPUS)) {
    SCOPED_TRACE(entry.path().filename().string());
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string input((std::istreambuf_iterator<char>(file)), {});
    ASSERT_FALSE(file.bad());
    ++files;
    // Long files at some 500 places.
    const size_t step = 1 + input.size() / 500;
    for (size_t size = 0; size < input.size(); size += step) Feed(input, size);
    Feed(input, input.size());
  }
  EXPECT_GE(files, 10);
}

}  // namespace
}  // namespace leadgateway
