#include "cases.h"

#include <utility>

namespace lapel::kernels {

namespace {

constexpr std::int64_t kPicture = 784;

OperatorCase dense(std::string name, std::int64_t in, std::int64_t out, std::int64_t batch, ActivationKind activation,
                   bool first = false) {
  return {std::move(name), DenseOp{1, in, out, true, activation}, batch, first};
}

/// 3 x 3; `same`: as large as its input, without bias and ReLU, for a BatchNormalization follows; else with both.
OperatorCase convolution(std::string name, const Shape& in, std::int64_t filters, bool same, std::int64_t batch,
                         bool first = false) {
  const std::int64_t pad = same ? 1 : 0;
  const std::int64_t smaller = same ? 0 : 2;
  const Shape out = Shape::image(filters, in.height - smaller, in.width - smaller);
  const auto activation = same ? ActivationKind::kLinear : ActivationKind::kRelu;
  const Conv2DOp op{in, out, {3, 3}, {1, 1}, pad, pad, pad, pad, !same, activation};
  return {std::move(name), op, batch, first};
}

OperatorCase max_pool(std::string name, const Shape& in, std::int64_t batch) {
  const Shape out = Shape::image(in.channels, in.height / 2, in.width / 2);
  const Pool2DOp op{Pool2DOp::Kind::kMax, in, out, {2, 2}, {2, 2}};
  return {std::move(name), op, batch};
}

/// A recipe's first convolution, and the maximum pooling after it.
OperatorCase convolution_and_pool(std::string name, std::int64_t filters, bool same, std::int64_t batch) {
  const OperatorCase first = convolution({}, Shape::image(1, 28, 28), filters, same, batch, true);
  ConvPoolOp op{std::get<Conv2DOp>(first.op), {}};
  const OperatorCase second = max_pool({}, op.conv.out, batch);
  op.pool = std::get<Pool2DOp>(second.op);
  op.pool.activation = std::exchange(op.conv.activation, ActivationKind::kLinear);
  return {std::move(name), op, batch, true};
}

OperatorCase batch_norm(std::string name, const Shape& in, std::int64_t batch) {
  BatchNormOp op;
  op.size = in.size();
  op.channels = in.channels;
  op.activation = ActivationKind::kRelu;
  return {std::move(name), op, batch};
}

std::vector<OperatorCase> residual_cases() {
  constexpr std::int64_t kBatch = 512;
  const std::string name = "residual/";
  const Shape large = Shape::image(64, 14, 14);
  const Shape small = Shape::image(128, 7, 7);
  return {convolution(name + "stem", Shape::image(1, 28, 28), 32, true, kBatch, true),
          convolution(name + "conv64", Shape::image(32, 28, 28), 64, true, kBatch),
          convolution(name + "res64_1", large, 64, true, kBatch),
          convolution(name + "conv128", large, 128, true, kBatch),
          convolution(name + "res128_1", small, 128, true, kBatch),
          batch_norm(name + "conv64_norm", Shape::image(64, 28, 28), kBatch),
          batch_norm(name + "res128_1_norm", small, kBatch),
          max_pool(name + "pool64", Shape::image(64, 28, 28), kBatch),
          {name + "sum64", AddOp{large.size(), 2}, kBatch},
          {name + "global_max_pooling2d", GlobalPool2DOp{Pool2DOp::Kind::kMax, small}, kBatch}};
}

}  // namespace

std::vector<OperatorCase> operator_cases() {
  const auto linear = ActivationKind::kLinear;
  const auto relu = ActivationKind::kRelu;
  const Shape picture = Shape::image(1, 28, 28);
  const DenseOp on_pixels{kPicture, 1, 32, true, relu};
  const DenseOp on_pixels_again{kPicture, 32, 32, true, relu};
  RandomFlipOp flip;
  flip.in = picture;
  RandomTranslationOp translation;
  translation.in = picture;
  translation.height_factor = translation.width_factor = {-0.08, 0.08};
  translation.fill = FillMode::kConstant;
  translation.bilinear = false;
  std::vector<OperatorCase> cases = {
      {"mlp-512/input", InputOp{kPicture}, 32, true},
      dense("mlp-512/dense", kPicture, 512, 32, relu, true),
      dense("mlp-512/dense_1", 512, 10, 32, linear),
      dense("mlp-300-100/dense", kPicture, 300, 32, relu, true),
      dense("mlp-300-100/dense_1", 300, 100, 32, relu),
      convolution("cnn-5408/conv2d", picture, 32, false, 32, true),
      max_pool("cnn-5408/max_pooling2d", Shape::image(32, 26, 26), 32),
      {"cnn-5408/dropout", DropoutOp{5408, 0.2, 0}, 32},
      dense("cnn-5408/dense", 5408, 5408, 32, relu),
      {"dense-on-pixels/input", InputOp{kPicture}, 400, true},
      {"dense-on-pixels/dense_1", DenseChainOp{{on_pixels, on_pixels_again}, 1.0F / 255.0F}, 400, true},
      dense("dense-on-pixels/dense_2", kPicture * 32, 128, 400, relu),
      convolution("cnn/conv2d", picture, 32, false, 64, true),
      convolution_and_pool("cnn/conv2d+max_pooling2d", 32, false, 64),
      convolution_and_pool("sprint/conv16+conv16_pool", 16, true, 128),
      convolution("cnn/conv2d_1", Shape::image(32, 13, 13), 64, false, 64),
      max_pool("cnn/max_pooling2d_1", Shape::image(64, 11, 11), 64),
      dense("cnn/dense", 1600, 128, 64, relu),
      {"cnn-plus/random_flip", flip, 128, true},
      {"cnn-plus/random_translation", translation, 128, true},
  };
  for (OperatorCase& other : residual_cases()) {
    cases.push_back(std::move(other));
  }
  return cases;
}

}  // namespace lapel::kernels
