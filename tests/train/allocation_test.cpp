// Counts what is allocated in the steady training loop: between the end of the second epoch and the end of the last.

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <new>
#include <string_view>

#include "support/samples.h"
#include "support/tiny.h"
#include "train/loop.h"

namespace {

std::atomic<bool> counting = false;
std::atomic<std::int64_t> own_allocations = 0;
std::atomic<std::int64_t> library_allocations = 0;

/// Whether `address` is code of oneDNN, which makes a small table of arguments at each execution of a primitive, over
/// which its caller has no say.
bool in_onednn(const void* address) {
  Dl_info info;
  return dladdr(address, &info) != 0 && info.dli_fname != nullptr &&
         std::string_view(info.dli_fname).find("libdnnl") != std::string_view::npos;
}

void* counted(std::size_t size, const void* caller) {
  if (counting) {
    (in_onednn(caller) ? library_allocations : own_allocations)++;
  }
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) {
    throw std::bad_alloc();
  }
  return memory;
}

}  // namespace

void* operator new(std::size_t size) { return counted(size, __builtin_return_address(0)); }
void* operator new[](std::size_t size) { return counted(size, __builtin_return_address(0)); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace lapel::training {
namespace {

class Counter : public Callback {
 public:
  void on_epoch(Training& training) override {
    const std::int64_t epoch = training.history().back().epoch;
    counting = epoch >= 2 && epoch < 6;
  }
};

/// Every layer that changes pictures, before the residual network.
std::vector<LayerSpec> augmented_layers() {
  auto layers = test::residual_layers(4);
  std::vector<LayerSpec> changes;
  for (const auto& type : layers::layer_types()) {
    if (layers::make_layer(type.type, test::sample_options(type))->before_weights()) {
      changes.push_back(test::layer(std::string(type.type), test::sample_options(type)));
    }
  }
  layers.insert(layers.begin(), changes.begin(), changes.end());
  return layers;
}

std::int64_t allocations_of(const TypedSpec& optimizer, kernels::Dtype dtype,
                            const std::vector<LayerSpec>& layers = test::residual_layers(4)) {
  const auto pictures = test::tiny_pictures(45, 8, 6, 1, 4);
  TrainSpec spec;
  spec.epochs = 6;
  spec.batch_size = 8;
  spec.optimizer = optimizer;
  plan::Network network(model::Model("m", layers, Shape::image(1, 8, 6)),
                        {dtype, 2, 1.0F / 255.0F, spec.batch_size, true});
  network.parameters().initialize(1);
  Counter counter;
  own_allocations = 0;
  library_allocations = 0;
  (void)run_loop(network, {pictures, {{0, 37}, {37, 8}}, spec, {&counter}, {}});
  counting = false;
  return own_allocations;
}

TEST(Allocations, ThereAreNoneInTheSteadyLoop) {
  for (const auto dtype : {kernels::Dtype::kFloat32, kernels::Dtype::kBfloat16}) {
    EXPECT_EQ(allocations_of({"SGD", {}, {}}, dtype), 0);
    EXPECT_EQ(allocations_of({"Adam", {}, {}}, dtype), 0);
  }
}

TEST(Allocations, ChangingPicturesAllocatesNothing) {
  for (const auto dtype : {kernels::Dtype::kFloat32, kernels::Dtype::kBfloat16}) {
    EXPECT_EQ(allocations_of({"SGD", {}, {}}, dtype, augmented_layers()), 0);
  }
}

TEST(Allocations, OneDnnsOwnAreAsManyInEveryEpoch) {
  (void)allocations_of({"SGD", {}, {}}, kernels::Dtype::kFloat32);
  EXPECT_EQ(library_allocations % 4, 0);
}

TEST(Allocations, OneIsSeen) {
  own_allocations = 0;
  counting = true;
  std::free(counted(16, reinterpret_cast<const void*>(&allocations_of)));
  counting = false;
  EXPECT_EQ(own_allocations, 1);
}

}  // namespace
}  // namespace lapel::training
