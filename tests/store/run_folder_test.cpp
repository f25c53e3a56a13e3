#include "store/run_folder.h"

#include <unistd.h>

#include <fstream>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "store/history.h"
#include "store/scratch.h"

namespace lapel::store {
namespace {

namespace fs = std::filesystem;
using testing::slurp;

class RunFolderTest : public testing::ScratchTest {};

TEST_F(RunFolderTest, IsMadeWithItsParents) {
  const RunFolder run(folder() / "runs" / "a" / "first");
  EXPECT_TRUE(fs::is_directory(folder() / "runs" / "a" / "first"));
  EXPECT_EQ(run.path(), folder() / "runs" / "a" / "first");
  EXPECT_EQ(run.model_file(), folder() / "runs" / "a" / "first" / "model.safetensors");
}

TEST_F(RunFolderTest, MayBeNamedWithASlashAtTheEnd) {
  const RunFolder run(folder() / "first" / "");
  EXPECT_EQ(run.path(), folder() / "first");
  EXPECT_TRUE(fs::is_directory(folder() / "first"));
}

TEST_F(RunFolderTest, HoldsWhatIsWritten) {
  std::optional<RunFolder> held(folder() / "run");
  const RunFolder& run = *held;
  run.write_recipe("name = \"a\"\n");
  run.write_metrics("{}\n");
  run.write_report("page\n");
  EXPECT_EQ(slurp(run.path() / "recipe.toml"), "name = \"a\"\n");
  EXPECT_EQ(slurp(run.path() / "metrics.json"), "{}\n");
  EXPECT_EQ(slurp(run.path() / "report.txt"), "page\n");
  run.write_report("another\n");
  EXPECT_EQ(slurp(run.path() / "report.txt"), "another\n");
  const auto files = [this] {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder() / "run")) {
      names.insert(entry.path().filename().string());
    }
    return names;
  };
  EXPECT_EQ(files(), (std::set<std::string>{".lock", "metrics.json", "recipe.toml", "report.txt"}));
  held.reset();
  EXPECT_EQ(files(), (std::set<std::string>{"metrics.json", "recipe.toml", "report.txt"}));
}

TEST(HistoryCsv, HasEveryDigit) {
  const std::vector<EpochResult> history{
      {1, 0.8234166666666667, 0.4921, 0.8512, 0.4101, 0.001, 4.12345},
      {2, 1, 0.1 + 0.2, {}, {}, 1e-05, 0},
      {3, 0, std::numeric_limits<double>::quiet_NaN(), {}, 2.5, 0.5, 3600.5},
  };
  EXPECT_EQ(history_csv(history),
            "epoch,accuracy,loss,val_accuracy,val_loss,learning_rate,seconds\n"
            "1,0.8234166666666667,0.4921,0.8512,0.4101,0.001,4.123\n"
            "2,1,0.30000000000000004,,,1e-05,0.000\n"
            "3,0,nan,,2.5,0.5,3600.500\n");
  EXPECT_EQ(history_csv({}, ";"), "epoch;accuracy;loss;val_accuracy;val_loss;learning_rate;seconds\n");
}

TEST_F(RunFolderTest, IsNotMadeWhereSomethingIs) {
  const auto make = [this] { const RunFolder run(folder() / "run"); };
  const std::string message =
      "DIR/run: exists already, and a run is not written over\n"
      "  try  another folder for the run, or remove this one";
  fs::create_directory(folder() / "run");
  std::ofstream(folder() / "run" / "notes") << "mine";
  EXPECT_EQ(message_of(ErrorKind::kUsage, make), message);
  EXPECT_EQ(message_of(ErrorKind::kUsage, [this] { const RunFolder run(folder() / "run/"); }), message);
  EXPECT_EQ(slurp(folder() / "run" / "notes"), "mine");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder() / "run"), fs::directory_iterator()), 1);
  fs::remove_all(folder() / "run");
  std::ofstream(folder() / "run") << "a file";
  EXPECT_EQ(message_of(ErrorKind::kUsage, make), message);
  fs::remove(folder() / "run");
  fs::create_symlink(folder() / "nowhere", folder() / "run");
  EXPECT_EQ(message_of(ErrorKind::kUsage, make), message);
}

TEST_F(RunFolderTest, TakesAnEmptyFolder) {
  fs::create_directory(folder() / "run");
  const RunFolder run(folder() / "run");
  run.write_recipe("x");
  EXPECT_EQ(slurp(folder() / "run" / "recipe.toml"), "x");
}

TEST_F(RunFolderTest, IsOfOneProcessAtATime) {
  const auto open = [this] { (void)RunFolder::open(folder() / "run"); };
  {
    const RunFolder run(folder() / "run");
    run.write_recipe("x");
    EXPECT_EQ(message_of(ErrorKind::kUsage, open), "DIR/run: another process trains in this folder\n  process  " +
                                                       std::to_string(::getpid()) +
                                                       "        try  waiting until it is done, or another folder");
  }
  EXPECT_EQ(message_of(ErrorKind::kUsage, open), "no error");
}

TEST_F(RunFolderTest, SaysWhyItCannotBeMade) {
  std::ofstream(folder() / "file") << "a file";
  EXPECT_EQ(message_of(ErrorKind::kIo, [this] { const RunFolder run(folder() / "file" / "run"); }),
            "DIR/file/run: the run folder cannot be made\n"
            "  system  Not a directory        try  another folder for the run");
  EXPECT_EQ(message_of(ErrorKind::kIo, [this] { const RunFolder run(folder() / std::string(300, 'x') / "run"); }),
            "DIR/" + std::string(300, 'x') +
                "/run: the run folder cannot be made\n"
                "  system  File name too long        try  another folder for the run");
  EXPECT_EQ(message_of(ErrorKind::kUsage, [] { const RunFolder run(""); }),
            "the name of the run folder is empty\n  try  a folder that does not exist yet");
}

TEST_F(RunFolderTest, DiscardRemovesItAndOnlyIt) {
  std::ofstream(folder() / "neighbour") << "stays";
  const RunFolder run(folder() / "run");
  run.write_recipe("x");
  run.discard();
  EXPECT_FALSE(fs::exists(folder() / "run"));
  EXPECT_TRUE(fs::exists(folder() / "neighbour"));
  run.discard();
}

TEST_F(RunFolderTest, TheModelFileIsFoundInARunOrTakenAsItIs) {
  const RunFolder run(folder() / "run");
  std::ofstream(run.model_file()) << "model";
  EXPECT_EQ(find_model_file(run.path()), run.model_file());
  EXPECT_EQ(find_model_file(run.model_file()), run.model_file());
}

TEST_F(RunFolderTest, AMissingModelFileIsToldWithItsReason) {
  const auto find = [this](const char* name) { (void)find_model_file(folder() / name); };
  EXPECT_EQ(message_of(ErrorKind::kIo, [&] { find("nothing"); }),
            "DIR/nothing: no run folder or model file is here\n"
            "  system  No such file or directory        try  a folder that `lapel train` made");
  fs::create_directory(folder() / "other");
  EXPECT_EQ(message_of(ErrorKind::kIo, [&] { find("other"); }),
            "DIR/other: the folder has no model.safetensors\n"
            "  because  it is no run folder        try  a folder that `lapel train` made");
  std::ofstream(folder() / "other" / "recipe.toml") << "name = \"a\"\n";
  EXPECT_EQ(message_of(ErrorKind::kIo, [&] { find("other"); }),
            "DIR/other: the folder has no model.safetensors\n"
            "  because  the training did not come to its end        try  train again, into another folder");
}

}  // namespace
}  // namespace lapel::store
