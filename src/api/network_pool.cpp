#include "api/network_pool.h"

#include <span>
#include <utility>

namespace lapel {

namespace {

void set_weights(plan::Network& network, const store::ModelFile& content) {
  std::vector<std::span<const float>> trained;
  for (const auto& tensor : content.tensors) {
    trained.emplace_back(tensor.values);
  }
  network.set_weights(trained);
}

}  // namespace

NetworkPool::Loan NetworkPool::take(std::int64_t batch) {
  std::unique_ptr<plan::Network> network;
  {
    const std::scoped_lock lock(mutex_);
    batch = main_batch_ = main_batch_ > 0 ? main_batch_ : batch;
    if (!free_.empty()) {
      network = std::move(free_.back());
      free_.pop_back();
    } else {
      free_.reserve(++made_);  // So that to give it back cannot fail.
    }
  }
  if (!network) {
    const auto scale = static_cast<float>(content_->preprocessing.scale);
    network = std::make_unique<plan::Network>(content_->model,
                                              plan::NetworkOptions{dtype_, threads_, scale, batch, false, true});
    set_weights(*network, *content_);
  }
  return {*this, std::move(network)};
}

void NetworkPool::replace(Content content) {
  content_ = std::move(content);
  for (const auto& network : free_) {
    set_weights(*network, *content_);
  }
}

void NetworkPool::give_back(std::unique_ptr<plan::Network> network) {
  const std::scoped_lock lock(mutex_);
  free_.push_back(std::move(network));
}

}  // namespace lapel
