#include "store/checkpoint.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <string>
#include <vector>

#include "support/messages.h"
#include "support/temp_folder.h"

namespace lapel::store {
namespace {

namespace fs = std::filesystem;
using Scratch = lapel::testing::TempFolder;
using test::message_of;

Checkpoint sample(std::int64_t steps) {
  Checkpoint checkpoint;
  checkpoint.recipe = "name = \"it\"\n";
  checkpoint.data_checksum = 4000000001U;
  checkpoint.steps = steps;
  checkpoint.epoch = 3;
  checkpoint.epoch_steps = 2;
  checkpoint.loss_sum = 0.1 + 0.2;
  checkpoint.correct = 17;
  checkpoint.epoch_seconds = 1.0 / 3;
  checkpoint.seconds = 2.0 / 3;
  checkpoint.elapsed = 1e-7;
  checkpoint.history = {{1, 0.1, 1e-300, {}, {}, 0.001, 1.5}, {2, 1.0 / 7, 0.5, 0.25, 0.125, 1e-5, 2.5}};
  checkpoint.tensors = {{"weight/a", {2, 3}, {1, 2, 3, -0.0F, 1e-40F, 6}}, {"mean/a", {1}, {0.1F}}};
  return checkpoint;
}

fs::path file_of(const fs::path& run, std::int64_t steps) {
  return run / "checkpoints" / fmt::format("step-{:09}.safetensors", steps);
}

void flip_a_bit(const fs::path& file, std::uintmax_t at) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekg(static_cast<std::streamoff>(at));
  const int byte = stream.get();
  stream.seekp(static_cast<std::streamoff>(at));
  stream.put(static_cast<char>(byte ^ 1));
}

TEST(Checkpoint, ComesBackBitForBit) {
  const Scratch scratch;
  const Checkpoint written = sample(12);
  write_checkpoint(scratch.path(), written);
  const Checkpoint read = read_last_checkpoint(scratch.path());
  EXPECT_EQ(read.recipe, written.recipe);
  EXPECT_EQ(read.data_checksum, written.data_checksum);
  EXPECT_EQ(read.steps, 12);
  EXPECT_EQ(read.epoch, 3);
  EXPECT_EQ(read.epoch_steps, 2);
  EXPECT_EQ(read.loss_sum, written.loss_sum);
  EXPECT_EQ(read.correct, 17);
  EXPECT_EQ(read.epoch_seconds, written.epoch_seconds);
  EXPECT_EQ(read.seconds, written.seconds);
  EXPECT_EQ(read.elapsed, written.elapsed);
  ASSERT_EQ(read.history.size(), 2U);
  EXPECT_EQ(read.history[0].loss, 1e-300);
  EXPECT_FALSE(read.history[0].val_loss.has_value());
  EXPECT_EQ(read.history[1].accuracy, 1.0 / 7);
  EXPECT_EQ(read.history[1].val_accuracy, 0.25);
  ASSERT_EQ(read.tensors.size(), 2U);
  EXPECT_EQ(read.tensors[0].name, "weight/a");
  EXPECT_EQ(read.tensors[0].shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(read.tensors[0].values, written.tensors[0].values);
  EXPECT_TRUE(std::signbit(read.tensors[0].values[3]));
}

TEST(Checkpoint, TheLastTwoAreKept) {
  const Scratch scratch;
  for (const std::int64_t steps : {5, 90, 1000}) {
    write_checkpoint(scratch.path(), sample(steps));
  }
  EXPECT_FALSE(fs::exists(file_of(scratch.path(), 5)));
  EXPECT_TRUE(fs::exists(file_of(scratch.path(), 90)));
  EXPECT_TRUE(fs::exists(file_of(scratch.path(), 1000)));
  EXPECT_EQ(read_last_checkpoint(scratch.path()).steps, 1000);
  remove_checkpoints(scratch.path());
  EXPECT_FALSE(fs::exists(scratch.path() / "checkpoints"));
}

TEST(Checkpoint, TheLastIsThatOfMostStepsHoweverManyDigitsTheyHave) {
  const Scratch scratch;
  for (const std::int64_t steps :
       {std::int64_t{999'999'999}, std::int64_t{1'000'000'000}, std::int64_t{20'000'000'000}}) {
    write_checkpoint(scratch.path(), sample(steps));
    EXPECT_EQ(read_last_checkpoint(scratch.path()).steps, steps);
  }
  EXPECT_FALSE(fs::exists(file_of(scratch.path(), 999'999'999)));
  EXPECT_TRUE(fs::exists(file_of(scratch.path(), 1'000'000'000)));
}

/// Any bit: of the header, of the metadata, of the numbers.
TEST(Checkpoint, EveryDamagedByteIsSeen) {
  const Scratch scratch;
  write_checkpoint(scratch.path(), sample(12));
  const fs::path file = file_of(scratch.path(), 12);
  for (std::uintmax_t at = 0; at < fs::file_size(file); at += 3) {
    flip_a_bit(file, at);
    EXPECT_NE(message_of([&] { return read_last_checkpoint(scratch.path()); }), "no error") << "byte " << at;
    flip_a_bit(file, at);
  }
  EXPECT_EQ(read_last_checkpoint(scratch.path()).steps, 12);
}

/// What was written before there were callbacks. The checksum is zlib's.
TEST(Checkpoint, TheFormatBeforeIsRead) {
  const Scratch scratch;
  const std::vector<float> weights{1, 2};
  const std::vector<formats::TensorView> tensors{{"weight/a", {2}, weights}};
  const std::string state =
      R"({"data_checksum":7,"finished":[[5,1,0.5]],"steps":12,"epoch":3,"epoch_steps":2,"loss_sum":1.5,"correct":17,)"
      R"("epoch_seconds":0.25,"seconds":2,"elapsed":3,"history":[[1,0.5,0.75,null,0.25,0.001,1.5]]})";
  const auto write = [&](const char* format) {
    fs::create_directories(scratch.path() / "checkpoints");
    formats::write_safetensors(file_of(scratch.path(), 17),
                               {{"lapel.checkpoint", format},
                                {"lapel.recipe", "name = \"it\"\n"},
                                {"lapel.state", state},
                                {"lapel.checksum", "070cd5ed"}},
                               tensors);
  };
  write("2");
  const Checkpoint read = read_last_checkpoint(scratch.path());
  EXPECT_EQ(read.steps, 12);
  EXPECT_EQ(read.finished.at(0).steps, 5);
  EXPECT_EQ(read.tensors.at(0).values, weights);
  EXPECT_TRUE(read.callbacks.empty());
  EXPECT_TRUE(read.stopped_by.empty());
  const std::string problem = file_of(scratch.path(), 17).string() + ": the checkpoint is damaged: ";
  const std::string way_out = "        try  a copy of step-000000017.safetensors, or lapel train " +
                              (scratch.path() / "recipe.toml").string() + ", which begins again";
  write("4");
  EXPECT_EQ(message_of([&] { return read_last_checkpoint(scratch.path()); }),
            problem + "a checkpoint of another version of lapel\n  format  4        known  2 and 3" + way_out);
}

TEST(Checkpoint, ADamagedOneNamesTheOneBefore) {
  const Scratch scratch;
  const std::string recipe = (scratch.path() / "recipe.toml").string();
  write_checkpoint(scratch.path(), sample(12));
  const auto problem = [&] { return message_of([&] { return read_last_checkpoint(scratch.path()); }); };
  const std::string damaged = ": the checkpoint is damaged: its content does not agree with its checksum\n  try  ";
  flip_a_bit(file_of(scratch.path(), 12), fs::file_size(file_of(scratch.path(), 12)) - 1);
  EXPECT_EQ(problem(), file_of(scratch.path(), 12).string() + damaged +
                           "a copy of step-000000012.safetensors, or lapel " + "train " + recipe +
                           ", which begins again");
  write_checkpoint(scratch.path(), sample(20));
  EXPECT_EQ(read_last_checkpoint(scratch.path()).steps, 20);
  flip_a_bit(file_of(scratch.path(), 20), fs::file_size(file_of(scratch.path(), 20)) - 1);
  EXPECT_EQ(problem(), file_of(scratch.path(), 20).string() + damaged + "lapel train " + recipe +
                           ", which begins again: the one before it is damaged as well");
  flip_a_bit(file_of(scratch.path(), 12), fs::file_size(file_of(scratch.path(), 12)) - 1);
  EXPECT_EQ(problem(), file_of(scratch.path(), 20).string() + damaged +
                           "remove it: the one before it is whole, and the training goes on after step 12");
}

TEST(Checkpoint, WithoutOneThereIsAMessage) {
  const Scratch scratch;
  EXPECT_EQ(message_of([&] { return read_last_checkpoint(scratch.path()); }),
            scratch.path().string() + ": there is no checkpoint from which this run could go on\n  try  lapel train " +
                (scratch.path() / "recipe.toml").string() + ", which begins again");
}

TEST(Checkpoint, ChecksumsSeePicturesAndLabels) {
  LabeledPictures pictures{{1, 1, 2, 1, {3, 4}}, {7}};
  const auto first = checksum_of(pictures);
  EXPECT_EQ(checksum_of(pictures), first);
  pictures.labels[0] = 8;
  EXPECT_NE(checksum_of(pictures), first);
  pictures.labels[0] = 7;
  pictures.pictures.pixels[1] = 5;
  EXPECT_NE(checksum_of(pictures), first);
}

}  // namespace
}  // namespace lapel::store
