#include "model/ensemble.h"

#include <gtest/gtest.h>

#include "support/tiny.h"

namespace lapel::model {
namespace {

const Shape kPicture = Shape::image(1, 6, 6);

OptionValue text(const char* word) { return std::string(word); }

std::vector<std::string> names_of(const Model& model) {
  std::vector<std::string> names;
  for (const auto& node : model.nodes()) {
    names.push_back(node.name);
  }
  return names;
}

Model member(const char* last_activation = "softmax") {
  return {"m",
          {test::layer("RandomFlip", {{"mode", text("horizontal")}}), test::layer("Flatten"),
           test::layer("Dense", {{"units", std::int64_t{3}}, {"activation", text(last_activation)}})},
          kPicture};
}

TEST(Ensemble, OfOneIsTheMember) { EXPECT_EQ(to_json(ensemble_of(member(), 1)), to_json(member())); }

TEST(Ensemble, SharesWhatChangesPicturesAndAveragesLogits) {
  const Model whole = ensemble_of(member(), 2);
  EXPECT_EQ(names_of(whole),
            (std::vector<std::string>{"input_layer", "random_flip", "member_1_flatten", "member_1_dense",
                                      "member_2_flatten", "member_2_dense", "mean_of_members", "softmax"}));
  const auto nodes = whole.nodes();
  EXPECT_EQ(nodes[3].layer->options().at("activation"), text("linear"));
  EXPECT_EQ(nodes[4].inputs, std::vector<std::size_t>{1});
  EXPECT_EQ(nodes[6].inputs, (std::vector<std::size_t>{3, 5}));
  EXPECT_EQ(whole.outputs(), 3);
  EXPECT_EQ(whole.trainable_parameters(), 2 * member().trainable_parameters());
}

TEST(Ensemble, OfAGraphKeepsItsInputs) {
  const Model graph("m",
                    {test::layer("Flatten"),
                     {"Dense", "a", {}, {{"units", std::int64_t{3}}}},
                     {"Dense", "b", {"flatten"}, {{"units", std::int64_t{3}}}},
                     {"Add", "sum", {"a", "b"}},
                     test::layer("Activation", {{"activation", text("softmax")}})},
                    kPicture);
  const Model whole = ensemble_of(graph, 3);
  EXPECT_EQ(whole.nodes().size(), 1 + 3 * 5 + 2);
  EXPECT_EQ(whole.trainable_parameters(), 3 * graph.trainable_parameters());
  EXPECT_EQ(whole.nodes()[9].name, "member_2_sum");
  EXPECT_EQ(whole.nodes()[9].inputs, (std::vector<std::size_t>{7, 8}));
  EXPECT_EQ(to_json(from_json(to_json(whole), "here")), to_json(whole));
}

}  // namespace
}  // namespace lapel::model
