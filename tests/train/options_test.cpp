#include "train/options.h"

#include <gtest/gtest.h>

#include "lapel/error.h"
#include "support/messages.h"
#include "train/loop.h"
#include "train/optimizer.h"

namespace lapel::training {
namespace {

std::string message_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(TrainOptions, DefaultsAreKeras3s) {
  const auto adamw = resolved("optimizer", optimizer_types(), {"AdamW", {}, {}});
  EXPECT_EQ(std::get<double>(adamw.options.at("learning_rate")), 0.001);
  EXPECT_EQ(std::get<double>(adamw.options.at("epsilon")), 1e-7);
  EXPECT_EQ(std::get<double>(adamw.options.at("weight_decay")), 0.004);
  const auto sgd = resolved("optimizer", optimizer_types(), {"SGD", {}, {}});
  EXPECT_EQ(std::get<double>(sgd.options.at("learning_rate")), 0.01);
  EXPECT_EQ(std::get<bool>(sgd.options.at("nesterov")), false);
}

TEST(TrainOptions, AnUnknownOptimizerNamesTheNearest) {
  EXPECT_EQ(message_of([] {
              (void)make_optimizer({"adam", {}, "fashion.toml:31"});
            }),
            "fashion.toml:31: unknown optimizer \"adam\"\n  known  " + test::types_of(optimizer_types()) +
                "        try  Adam");
}

TEST(TrainOptions, AnUnknownOptionNamesTheNearest) {
  EXPECT_EQ(message_of([] {
              (void)make_optimizer({"SGD", {{"momentun", 0.9}}, "fashion.toml:31"});
            }),
            "fashion.toml:31, optimizer SGD: unknown option \"momentun\"\n"
            "  known  learning_rate, momentum, nesterov, weight_decay        try  momentum");
}

TEST(TrainOptions, ALossOutOfRangeSaysWhatIsAllowed) {
  EXPECT_EQ(message_of([] {
              (void)make_loss({"categorical_crossentropy", {{"label_smoothing", 1.0}}, {}});
            }),
            "loss categorical_crossentropy: label_smoothing = 1.0 is not allowed\n"
            "  allowed  at least 0 and below 1        try  label_smoothing = 0.0");
}

TEST(TrainOptions, LossesAreTold) {
  EXPECT_TRUE(make_loss({"categorical_crossentropy", {}, {}}).one_hot);
  EXPECT_EQ(make_loss({"sparse_categorical_crossentropy", {{"label_smoothing", 0.25}}, {}}).label_smoothing, 0.25F);
}

}  // namespace
}  // namespace lapel::training
