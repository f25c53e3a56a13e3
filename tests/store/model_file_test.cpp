#include "store/model_file.h"

#include <fstream>
#include <numeric>
#include <utility>

#include "formats/bytes.h"
#include "lapel/version.h"
#include "store/content_checksum.h"
#include "store/scratch.h"
#include "support/messages.h"

namespace lapel::store {
namespace {

using Tensors = std::vector<formats::Tensor>;
using Metadata = std::map<std::string, std::string>;

std::vector<float> ramp(std::size_t count, float first) {
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), first);
  return values;
}

/// Pictures of 2 x 3 grey pixels -> Dense 4 -> Dense 2.
ModelFile sample() {
  const std::vector<LayerSpec> layers{
      {.type = "Flatten", .name = "", .inputs = {}, .options = {}, .place = ""},
      {.type = "Dense", .name = "", .inputs = {}, .options = {{"units", std::int64_t{4}}}, .place = ""},
      {.type = "Dense", .name = "", .inputs = {}, .options = {{"units", std::int64_t{2}}}, .place = ""}};
  return {model::Model("tiny", layers, Shape::image(1, 2, 3)),
          {"Bag", "Größe \"L\""},
          {2, 3, 1, 1.0 / 255.0},
          "fashion-mnist",
          0,
          1,
          {{"dense/kernel", {6, 4}, ramp(24, -3.5F)},
           {"dense/bias", {4}, ramp(4, 0.25F)},
           {"dense_1/kernel", {4, 2}, ramp(8, 1e-30F)},
           {"dense_1/bias", {2}, ramp(2, -0.0F)}}};
}

class ModelFileTest : public testing::ScratchTest {
 protected:
  [[nodiscard]] std::filesystem::path file() const { return folder() / "model.safetensors"; }

  /// The message of reading the sample after `change` was done to its tensors and metadata.
  [[nodiscard]] std::string message_after(const std::function<void(Tensors&, Metadata&)>& change) const {
    write_model_file(file(), sample());
    formats::SafeTensors content = formats::read_safetensors(file());
    change(content.tensors, content.metadata);
    std::vector<formats::TensorView> views;
    for (const auto& tensor : content.tensors) {
      views.push_back({tensor.name, tensor.shape, tensor.values});
    }
    formats::write_safetensors(file(), content.metadata, views);
    return message_of(ErrorKind::kModelFile, [this] { (void)read_model_file(file()); });
  }
  [[nodiscard]] std::string message_with(const std::string& key, const std::string& value) const {
    return message_after([&](Tensors&, Metadata& metadata) { metadata[key] = value; });
  }
  [[nodiscard]] std::string message_without(const std::string& key) const {
    return message_after([&](Tensors&, Metadata& metadata) { metadata.erase(key); });
  }
};

TEST_F(ModelFileTest, ComesBackAsItWas) {
  const ModelFile before = sample();
  write_model_file(file(), before);
  const ModelFile after = read_model_file(file());
  EXPECT_EQ(model::to_json(after.model), model::to_json(before.model));
  EXPECT_EQ(after.class_names, before.class_names);
  EXPECT_EQ(after.preprocessing.height, 2);
  EXPECT_EQ(after.preprocessing.width, 3);
  EXPECT_EQ(after.preprocessing.channels, 1);
  EXPECT_EQ(after.preprocessing.scale, 1.0 / 255.0);
  EXPECT_EQ(after.data_source, "fashion-mnist");
  ASSERT_EQ(after.tensors.size(), before.tensors.size());
  for (std::size_t i = 0; i < after.tensors.size(); ++i) {
    EXPECT_EQ(after.tensors[i].name, before.tensors[i].name);
    EXPECT_EQ(after.tensors[i].shape, before.tensors[i].shape);
    EXPECT_EQ(after.tensors[i].values, before.tensors[i].values);
  }
}

TEST_F(ModelFileTest, TheSameContentIsTheSameBytes) {
  write_model_file(file(), sample());
  write_model_file(folder() / "again", sample());
  EXPECT_EQ(testing::slurp(file()), testing::slurp(folder() / "again"));
  write_model_file(folder() / "copy", read_model_file(file()));
  EXPECT_EQ(testing::slurp(file()), testing::slurp(folder() / "copy"));
}

TEST_F(ModelFileTest, HasTheMetadataThatTheDocumentNames) {
  write_model_file(file(), sample());
  Metadata metadata = formats::read_safetensors(file()).metadata;
  EXPECT_EQ(metadata.at("lapel.checksum").size(), 8U);
  metadata.erase("lapel.checksum");
  const Metadata expected{{"lapel.format", "1"},
                          {"lapel.version", std::string(version())},
                          {"lapel.model", model::to_json(sample().model)},
                          {"lapel.classes", R"(["Bag","Größe \"L\""])"},
                          {"lapel.preprocessing", R"({"height":2,"width":3,"channels":1,"scale":0.00392156862745098})"},
                          {"lapel.data_source", "fashion-mnist"}};
  EXPECT_EQ(metadata, expected);
}

TEST_F(ModelFileTest, AnyFlippedByteOfAWeightIsFound) {
  write_model_file(file(), sample());
  const std::vector<std::uint8_t> whole = formats::read_file(file());
  std::size_t numbers = 0;
  for (const auto& tensor : sample().tensors) {
    numbers += tensor.values.size();
  }
  for (std::size_t at = whole.size() - sizeof(float) * numbers; at < whole.size(); ++at) {
    std::vector<std::uint8_t> damaged = whole;
    damaged[at] ^= 1U;
    formats::write_file(file(), damaged);
    EXPECT_THROW(static_cast<void>(read_model_file(file())), Error) << at;
  }
  std::vector<std::uint8_t> damaged = whole;
  damaged.back() ^= 1U;
  formats::write_file(file(), damaged);
  const std::string words = test::message_of([&] { return read_model_file(file()); });
  EXPECT_NE(words.find("the content does not agree with its checksum"), std::string::npos) << words;
}

TEST_F(ModelFileTest, AFileWithoutAChecksumIsReadAsOlderVersionsWroteIt) {
  write_model_file(file(), sample());
  auto [metadata, tensors] = formats::read_safetensors(file());
  metadata.erase("lapel.checksum");
  formats::write_safetensors(file(), metadata, views_of(tensors));
  EXPECT_EQ(read_model_file(file()).tensors.front().values, sample().tensors.front().values);
}

TEST_F(ModelFileTest, ThePrecisionOfTheTrainingComesBack) {
  ModelFile content = sample();
  write_model_file(file(), content);
  EXPECT_EQ(read_model_file(file()).precision, "float32");
  content.precision = "bfloat16";
  write_model_file(file(), content);
  EXPECT_EQ(formats::read_safetensors(file()).metadata.at("lapel.precision"), "bfloat16");
  EXPECT_EQ(read_model_file(file()).precision, "bfloat16");
  EXPECT_EQ(message_with("lapel.precision", "int4"),
            "DIR/model.safetensors: \"lapel.precision\" in the metadata is \"int4\"\n"
            "  known  bfloat16        try  a newer Lapel than " +
                std::string(version()));
}

TEST_F(ModelFileTest, ADataSetWithoutAKnownNameIsNotNamed) {
  ModelFile content = sample();
  content.data_source.clear();
  write_model_file(file(), content);
  EXPECT_FALSE(formats::read_safetensors(file()).metadata.contains("lapel.data_source"));
  EXPECT_EQ(read_model_file(file()).data_source, "");
}

TEST_F(ModelFileTest, TestTimeAugmentationTravelsAndRaisesTheFormat) {
  ModelFile before = sample();
  before.preprocessing.test_time_augmentation = "flip+shift";
  write_model_file(file(), before);
  EXPECT_EQ(read_model_file(file()).preprocessing.test_time_augmentation, "flip+shift");
  const Metadata metadata = formats::read_safetensors(file()).metadata;
  EXPECT_EQ(metadata.at("lapel.format"), "2");
  EXPECT_EQ(metadata.at("lapel.preprocessing"),
            R"({"height":2,"width":3,"channels":1,"scale":0.00392156862745098,"test_time_augmentation":"flip+shift"})");
  write_model_file(file(), sample());
  EXPECT_EQ(read_model_file(file()).preprocessing.test_time_augmentation, "none") << "files without it still open";
}

TEST_F(ModelFileTest, HowPicturesAreFittedTravelsAndRaisesTheFormat) {
  ModelFile before = sample();
  before.preprocessing.fit = "pad";
  before.preprocessing.background = "white";
  write_model_file(file(), before);
  const ModelFile after = read_model_file(file());
  EXPECT_EQ(after.preprocessing.fit, "pad");
  EXPECT_EQ(after.preprocessing.background, "white");
  const Metadata metadata = formats::read_safetensors(file()).metadata;
  EXPECT_EQ(metadata.at("lapel.format"), "3");
  EXPECT_EQ(metadata.at("lapel.preprocessing"),
            R"({"height":2,"width":3,"channels":1,"scale":0.00392156862745098,"fit":"pad","background":"white"})");
  write_model_file(file(), sample());
  EXPECT_EQ(read_model_file(file()).preprocessing.fit, "stretch") << "files without it still open";
  EXPECT_EQ(read_model_file(file()).preprocessing.background, "black");
}

TEST_F(ModelFileTest, TensorsAreGivenInTheModelsOrderWhateverTheFiles) {
  write_model_file(file(), sample());
  const formats::SafeTensors content = formats::read_safetensors(file());
  std::vector<formats::TensorView> reversed;
  for (auto tensor = content.tensors.rbegin(); tensor != content.tensors.rend(); ++tensor) {
    reversed.push_back({tensor->name, tensor->shape, tensor->values});
  }
  formats::write_safetensors(file(), content.metadata, reversed);
  const ModelFile after = read_model_file(file());
  EXPECT_EQ(after.tensors.front().name, "dense/kernel");
  EXPECT_EQ(after.tensors.front().values, ramp(24, -3.5F));
  EXPECT_EQ(after.tensors.back().name, "dense_1/bias");
}

TEST_F(ModelFileTest, DamagedTensorsAreNamed) {
  EXPECT_EQ(message_after([](Tensors& tensors, Metadata&) { tensors.erase(tensors.begin() + 1); }),
            "DIR/model.safetensors: tensor 'dense/bias' is missing\n  model  [4]        try  the file as `lapel train` "
            "wrote it");
  EXPECT_EQ(message_after([](Tensors& tensors, Metadata&) {
              tensors.push_back({"dense_2/bias", {1, 3}, ramp(3, 0)});
            }),
            "DIR/model.safetensors: tensor 'dense_2/bias' belongs to no layer of the model\n  file  [1, 3]        try  "
            "the file as `lapel train` wrote it");
  EXPECT_EQ(message_after([](Tensors& tensors, Metadata&) {
              tensors[0].shape = {4, 6};
            }),
            "DIR/model.safetensors: tensor 'dense/kernel' has another shape than the model\n"
            "  file  [4, 6]        model  [6, 4]        try  the file as `lapel train` wrote it");
  EXPECT_EQ(message_after([](Tensors& tensors, Metadata&) {
              tensors[3].shape = {2, 1};
            }),
            "DIR/model.safetensors: tensor 'dense_1/bias' has another shape than the model\n"
            "  file  [2, 1]        model  [2]        try  the file as `lapel train` wrote it");
}

TEST_F(ModelFileTest, OtherFormatsAreRefused) {
  EXPECT_EQ(message_with("lapel.format", "4"),
            "DIR/model.safetensors: has the format 4, which this version does not know\n"
            "  known  1, 2 and 3        written by  Lapel " +
                std::string(version()) + "        try  a newer Lapel than " + std::string(version()));
  EXPECT_EQ(message_after([](Tensors&, Metadata& metadata) {
              metadata = {{"lapel.format", "x"}};
            }),
            "DIR/model.safetensors: has the format x, which this version does not know\n"
            "  known  1, 2 and 3        written by  an unknown version        try  a newer Lapel than " +
                std::string(version()));
  EXPECT_EQ(message_after([](Tensors&, Metadata& metadata) {
              metadata = {{"format", "pt"}};
            }),
            "DIR/model.safetensors: is a safetensors file, but holds no model of Lapel's\n"
            "  missing  \"lapel.format\" in its metadata        try  the model.safetensors of a run folder");
}

TEST_F(ModelFileTest, MissingMetadataAreNamed) {
  for (const char* const key : {"lapel.model", "lapel.classes", "lapel.preprocessing"}) {
    EXPECT_EQ(message_without(key), std::string("DIR/model.safetensors: the metadata have no \"") + key +
                                        "\"\n  try  the file as `lapel train` wrote it");
  }
}

TEST_F(ModelFileTest, MetadataThatCannotBeReadAreNamed) {
  EXPECT_EQ(message_with("lapel.classes", "[1, 2]"),
            "DIR/model.safetensors: \"lapel.classes\" in the metadata is not a JSON list of names\n  because  it is no "
            "list of texts        it is  [1, 2]     "
            "   try  the file as `lapel train` wrote it");
  EXPECT_EQ(message_with("lapel.classes", "Bag"),
            "DIR/model.safetensors: \"lapel.classes\" in the metadata is not a JSON list of names\n  because  it is "
            "not JSON        it is  Bag        "
            "try  the file as `lapel train` wrote it");
  EXPECT_EQ(message_with("lapel.preprocessing", R"({"height":2,"width":3})"),
            "DIR/model.safetensors: \"lapel.preprocessing\" in the metadata is not a JSON object of height, width, "
            "channels and scale\n  because  it has no \"channels\"        it is  {\"height\":2,\"width\":3}        try "
            " the file as `lapel train` wrote it");
  EXPECT_EQ(message_with("lapel.preprocessing", R"({"height":0,"width":3,"channels":1,"scale":1})"),
            "DIR/model.safetensors: \"lapel.preprocessing\" in the metadata has pictures of 0 x 3 x 1\n"
            "  allowed  each from 1 to 65536        try  the file as `lapel train` wrote it");
  EXPECT_EQ(message_with("lapel.preprocessing", R"({"height":2,"width":3,"channels":1,"scale":-1})"),
            "DIR/model.safetensors: \"lapel.preprocessing\" in the metadata has the scale -1\n  allowed  above 0       "
            " try  the file as `lapel train` wrote it");
  EXPECT_EQ(message_with("lapel.preprocessing",
                         R"({"height":2,"width":3,"channels":1,"scale":1,"test_time_augmentation":"spin"})"),
            "DIR/model.safetensors: \"lapel.preprocessing\" in the metadata has the test_time_augmentation \"spin\"\n"
            "  known  none, flip, flip+shift        try  a newer Lapel than " +
                std::string(version()));
  EXPECT_EQ(message_with("lapel.model", "{"), "DIR/model.safetensors: the model description is not JSON");
}

TEST_F(ModelFileTest, PartsThatContradictEachOtherAreRefused) {
  EXPECT_EQ(message_with("lapel.classes", R"(["a","b","c"])"),
            "DIR/model.safetensors: the model's outputs and the classes differ in number\n"
            "  outputs  2        classes  3        try  the file as `lapel train` wrote it");
  EXPECT_EQ(message_with("lapel.preprocessing", R"({"height":3,"width":2,"channels":1,"scale":1})"),
            "DIR/model.safetensors: the model's input and the pictures differ in size\n"
            "  input  2 x 3 x 1        pictures  3 x 2 x 1        try  the file as `lapel train` wrote it");
}

TEST_F(ModelFileTest, WhatIsNoModelFileIsRefused) {
  const auto read = [this] { (void)read_model_file(file()); };
  std::ofstream(file()) << "PNG, not a model";
  EXPECT_EQ(message_of(ErrorKind::kModelFile, read),
            "DIR/model.safetensors: not a safetensors file: a header of 8390045715275402832 bytes, 100000000 are "
            "possible\n  begins with  50 4e 47 2c        looks like  text (\"PNG, not a model\")        try  the "
            "model.safetensors of a run folder, or a fresh copy of it");
  std::ofstream(file(), std::ios::trunc) << "";
  EXPECT_EQ(message_of(ErrorKind::kModelFile, read),
            "DIR/model.safetensors: not a safetensors file: 0 bytes, 8 are wanted for its header's length alone\n"
            "  try  the model.safetensors of a run folder, or a fresh copy of it");
  EXPECT_EQ(message_of(ErrorKind::kIo, [this] { (void)read_model_file(folder() / "none"); }),
            "DIR/none: cannot be read: No such file or directory");
}

TEST_F(ModelFileTest, AWriteThatCannotBeDoneLeavesNothing) {
  std::ofstream(folder() / "file") << "a file";
  EXPECT_NE(message_of(ErrorKind::kIo, [this] { write_model_file(folder() / "file" / "m", sample()); }), "no error");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder()), std::filesystem::directory_iterator()), 1);
}

}  // namespace
}  // namespace lapel::store
