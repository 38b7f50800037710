// Energy, read from files as the kernel shows its counters.

#include "measure/bench/environment.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/files.h"

namespace kilotoken::bench {
namespace {

namespace fs = std::filesystem;

class Powercap : public testing::Test {
 protected:
  Powercap() {
    char name[] = "/tmp/kilotoken-powercap-XXXXXX";
    EXPECT_NE(mkdtemp(name), nullptr);
    root_ = name;
  }
  ~Powercap() override { fs::remove_all(root_); }

  void set(const std::string& zone, int64_t energy_uj) {
    fs::create_directories(root_ / zone);
    EXPECT_TRUE(
        write_text_file((root_ / zone / "energy_uj").string(), std::to_string(energy_uj) + "\n")
            .ok());
    EXPECT_TRUE(
        write_text_file((root_ / zone / "max_energy_range_uj").string(), "10000000\n").ok());
  }
  std::string root() const { return root_.string(); }

 private:
  fs::path root_;
};

TEST_F(Powercap, PackagesAreAddedUpAndTheirPartsAreNot) {
  set("intel-rapl:0", 1'000'000);
  set("intel-rapl:0:0", 500'000);  // cores of that package
  set("intel-rapl:1", 2'000'000);
  set("dtpm", 7);
  const EnergyMeter meter(root());
  EXPECT_DOUBLE_EQ(meter.joules().value(), 0);
  set("intel-rapl:0", 1'500'000);
  set("intel-rapl:0:0", 900'000);
  set("intel-rapl:1", 4'000'000);
  EXPECT_DOUBLE_EQ(meter.joules().value(), 2.5);
  EXPECT_EQ(meter.why_not(), "");
}

TEST_F(Powercap, ACounterThatBeganAnewIsFollowed) {
  set("intel-rapl:0", 9'900'000);
  const EnergyMeter meter(root());
  set("intel-rapl:0", 400'000);
  EXPECT_DOUBLE_EQ(meter.joules().value(), 0.5);
}

TEST_F(Powercap, SaysWhyThereIsNone) {
  const EnergyMeter none(root());
  EXPECT_FALSE(none.joules());
  EXPECT_EQ(none.why_not(), "this machine has no RAPL counters");
  fs::create_directories(fs::path(root()) / "intel-rapl:0");  // a counter that only root may read
  const EnergyMeter hidden(root());
  EXPECT_FALSE(hidden.joules());
  EXPECT_NE(hidden.why_not().find("energy_uj cannot be read"), std::string::npos);
  const EnergyMeter absent(root() + "/not-there");
  EXPECT_FALSE(absent.joules());
}

}  // namespace
}  // namespace kilotoken::bench
